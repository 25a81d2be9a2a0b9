//! The member names of the objects that are open, and whether one of them occurs twice.

use std::borrow::Cow;

/// So many names are kept without allocation, and one place for each object that is open; in an
/// object that needs no more than this they are searched pair by pair, and sorted above it.
pub(super) const FEW: usize = 20;

/// The name of a member, and a number that tells it from most others at a glance.
#[derive(Clone, Copy, Debug)]
pub struct Name<'a> {
    text: &'a str,
    mark: u64,
}

impl<'a> Name<'a> {
    /// Marks a name. In a `const` this costs nothing later.
    #[must_use]
    pub const fn new(text: &'a str) -> Self {
        let octets = text.as_bytes();
        let mark = match (octets, octets.first_chunk::<4>(), octets.last_chunk::<4>()) {
            ([], ..) => 0,
            ([a], ..) => join([*a, 0, 0, 0], [1, 0, 0, 0]),
            ([a, b], ..) => join([*a, *b, 0, 0], [2, 0, 0, 0]),
            ([a, b, c], ..) => join([*a, *b, *c, 0], [3, 0, 0, 0]),
            // Both ends. Two names with one mark need not be one name; see `is`.
            (_, Some(first), Some(last)) => join(*first, *last),
            _ => 0,
        };
        Self { text, mark }
    }

    /// The name.
    pub(crate) const fn text(&self) -> &'a str {
        self.text
    }

    /// Whether both are the same name.
    pub(crate) fn is(&self, other: &Name<'_>) -> bool {
        // Of two names of one length the mark holds everything, up to eight octets.
        self.mark == other.mark
            && self.text.len() == other.text.len()
            && (self.text.len() <= 8 || self.text == other.text)
    }
}

const fn join(low: [u8; 4], high: [u8; 4]) -> u64 {
    let ([a, b, c, d], [e, f, g, h]) = (low, high);
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// The names of all open objects, innermost last; `None` stands where an object begins.
pub(super) struct Names<'a> {
    few: [Option<Name<'a>>; FEW],
    count: usize,
    /// All of them, once there are many or one of them had to be unescaped; `count` is zero then.
    many: Vec<Option<Kept<'a>>>,
}

/// A name among many; by its mark it is sorted faster than by its text.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Kept<'a> {
    mark: u64,
    text: Cow<'a, str>,
}

impl<'a> From<Name<'a>> for Kept<'a> {
    fn from(name: Name<'a>) -> Self {
        Self {
            mark: name.mark,
            text: Cow::Borrowed(name.text),
        }
    }
}

impl<'a> Names<'a> {
    pub(super) const fn new() -> Self {
        Self {
            few: [None; FEW],
            count: 0,
            many: Vec::new(),
        }
    }

    /// Begins an object.
    pub(super) fn open(&mut self) {
        self.push_some(None);
    }

    /// Adds a name as it stands in the text.
    pub(super) fn push(&mut self, name: Name<'a>) {
        self.push_some(Some(name));
    }

    fn push_some(&mut self, name: Option<Name<'a>>) {
        match self.few.get_mut(self.count) {
            Some(slot) if self.many.is_empty() => {
                *slot = name;
                self.count += 1;
            }
            _ => self.push_to_many(name.map(Kept::from)),
        }
    }

    /// Adds a name that was written with escapes.
    pub(super) fn push_unescaped(&mut self, name: String) {
        self.push_to_many(Some(Kept {
            mark: Name::new(&name).mark,
            text: Cow::Owned(name),
        }));
    }

    #[cold]
    fn push_to_many(&mut self, name: Option<Kept<'a>>) {
        let few = self.few.iter().take(self.count);
        let few = few.map(|it| it.map(Kept::from));
        self.many.extend(few);
        self.many.push(name);
        self.count = 0;
    }

    /// Ends the innermost object; the error is a name that occurs twice in it.
    pub(super) fn close(&mut self) -> Result<(), String> {
        if !self.many.is_empty() {
            return self.close_of_many();
        }
        let names = self.few.get(..self.count).unwrap_or_default();
        let begin = names.iter().rposition(Option::is_none).unwrap_or_default();
        self.count = begin;
        let names = names.get(begin..).unwrap_or_default();
        let same = |a: &Option<Name<'_>>, b: &Option<Name<'_>>| match (a, b) {
            (Some(a), Some(b)) => a.is(b),
            _ => false,
        };
        match pair(names, same) {
            Some(Some(name)) => Err(name.text.to_owned()),
            _ => Ok(()),
        }
    }

    #[cold]
    fn close_of_many(&mut self) -> Result<(), String> {
        let begin = self
            .many
            .iter()
            .rposition(Option::is_none)
            .unwrap_or_default();
        let names = self.many.get_mut(begin..).unwrap_or_default();
        if let Some(name) = duplicate(names) {
            return Err(name.to_owned());
        }
        self.many.truncate(begin);
        Ok(())
    }
}

/// The first value that has its like behind it.
fn pair<T>(values: &[T], same: impl Fn(&T, &T) -> bool) -> Option<&T> {
    let mut rest = values;
    while let [first, others @ ..] = rest {
        if others.iter().any(|it| same(first, it)) {
            return Some(first);
        }
        rest = others;
    }
    None
}

/// A name that occurs twice; `None` occurs once. Sorts the names where there are many, so that an
/// object of ten thousand members costs no more than its length suggests.
fn duplicate<'n>(names: &'n mut [Option<Kept<'_>>]) -> Option<&'n str> {
    let twice = if names.len() > FEW {
        names.sort_unstable();
        let mut pairs = names.windows(2);
        pairs.find_map(|two| match two {
            [a, b] if a == b => Some(a),
            _ => None,
        })
    } else {
        pair(names, |a, b| a == b)
    };
    twice.and_then(Option::as_ref).map(|it| it.text.as_ref())
}

#[cfg(test)]
mod tests {
    use super::super::{check_object, scan_object};
    use super::*;

    #[test]
    fn a_mark_alone_does_not_make_two_names_one() {
        let same = |a: &str, b: &str| Name::new(a).is(&Name::new(b));
        let names = [
            "",
            "a",
            "b",
            "ab",
            "ba",
            "abc",
            "abcd",
            "abcdabcd",
            "abcdXabcd",
            "abcdYabcd",
            "abc\0\u{3}\0\0\0",
            "iss",
            "sub",
            "\0",
            "\0\0",
        ];
        for a in names {
            for b in names {
                assert_eq!(same(a, b), a == b, "{a:?} {b:?}");
            }
        }
    }

    /// Objects within objects: each member has a name, whether to spell it with an escape, and
    /// perhaps an object of its own.
    #[derive(Clone, Debug)]
    struct Object(Vec<(u8, bool, Option<Self>)>);

    impl Object {
        fn has_duplicate(&self) -> bool {
            let names = self.0.iter().map(|(name, ..)| name);
            let different: std::collections::BTreeSet<_> = names.collect();
            let inner = self.0.iter().filter_map(|(.., inner)| inner.as_ref());
            different.len() < self.0.len() || inner.into_iter().any(Self::has_duplicate)
        }

        fn text(&self) -> String {
            let member = |(name, escaped, inner): &(u8, bool, Option<Self>)| {
                let first = if *escaped { "\\u006d" } else { "m" };
                let value = inner.as_ref().map_or_else(|| "0".to_owned(), Self::text);
                format!("\"{first}{name}\":{value}")
            };
            let members: Vec<String> = self.0.iter().map(member).collect();
            format!("{{{}}}", members.join(","))
        }
    }

    fn objects() -> impl proptest::strategy::Strategy<Value = Object> {
        use proptest::prelude::*;
        let leaf = Just(Object(Vec::new()));
        leaf.prop_recursive(5, 80, 24, |inner| {
            // Names from a wide choice and few escapes, so that many objects have no duplicate.
            let member = (
                0..200_u8,
                prop::bool::weighted(0.05),
                prop::option::weighted(0.2, inner),
            );
            prop::collection::vec(member, 0..24).prop_map(Object)
        })
    }

    proptest::proptest! {
        #[test]
        fn a_name_twice_is_found_at_every_depth(object in objects()) {
            let text = object.text();
            let expected = if object.has_duplicate() { Err("json-duplicate-member") } else { Ok(()) };
            let code = check_object(text.as_bytes(), usize::MAX).map(drop).map_err(|it| it.code());
            proptest::prop_assert_eq!(code, expected, "{}", text);
            // The same where members are asked for: some of them, or more than have a bit.
            for count in [3, 200] {
                let names: Vec<String> = (0..count).map(|it| format!("m{it}")).collect();
                let wanted: Vec<Name<'_>> = names.iter().map(|it| Name::new(it)).collect();
                let mut found = vec![None; count];
                let code = scan_object(text.as_bytes(), usize::MAX, &wanted, &mut found);
                let code = code.map(drop).map_err(|it| it.code());
                proptest::prop_assert_eq!(code, expected, "{} wanted of {}", count, text);
            }
        }
    }
}
