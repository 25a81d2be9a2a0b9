//! The strict scan: a loop over the text with a small stack of its own.

use std::borrow::Cow;

use super::problem::JsonError;
use crate::text::Text;

/// How deep objects and arrays may be nested.
pub const MAX_DEPTH: usize = 64;

/// How the names begin by which `serde_json` passes raw text and numbers to itself.
const RESERVED: &str = "$serde_json::private::";

/// Up to this many members an object is searched pair by pair; above, its names are sorted.
const FEW: usize = 16;

/// Checks that `octets` are one strict JSON object, and gives them back as text.
///
/// # Errors
///
/// [`JsonError`], every variant but `Structure`.
pub fn check_object(octets: &[u8], limit: usize) -> Result<&str, JsonError> {
    scan_object(octets, limit, &[], &mut [])
}

/// The same, and finds the values of some members of the outermost object on the way: `found`
/// gets the text of the value for each of `names`. A second reader is then not needed for them.
pub(crate) fn scan_object<'a>(
    octets: &'a [u8],
    limit: usize,
    names: &[&str],
    found: &mut [Option<&'a str>],
) -> Result<&'a str, JsonError> {
    if octets.len() > limit {
        return Err(JsonError::TooLong {
            limit,
            found: octets.len(),
        });
    }
    if octets.starts_with(b"\xef\xbb\xbf") {
        return Err(JsonError::ByteOrderMark);
    }
    let text = core::str::from_utf8(octets).map_err(|error| JsonError::NotUtf8 {
        offset: error.valid_up_to(),
    })?;
    let scanner = Scanner {
        text,
        octets,
        at: 0,
        names: Vec::with_capacity(FEW),
        open: [0; MAX_DEPTH],
        depth: 0,
        wanted: names,
        wanted_now: None,
        found,
    };
    scanner.run()?;
    Ok(text)
}

/// What may come next.
#[derive(Clone, Copy)]
enum Next {
    NameOrEnd,
    Name,
    ValueOrEnd,
    Value,
    CommaOrEnd,
}

struct Scanner<'a, 'w> {
    text: &'a str,
    octets: &'a [u8],
    at: usize,
    /// The names of all open objects; each object owns the tail from its first name on.
    names: Vec<Cow<'a, str>>,
    /// For each open object or array, innermost last: zero for an array, for an object one more
    /// than the place of its first name.
    open: [usize; MAX_DEPTH],
    depth: usize,
    /// The members of the outermost object whose values are to be found.
    wanted: &'w [&'w str],
    /// Which of them the current value belongs to, and where it begins.
    wanted_now: Option<(usize, usize)>,
    found: &'w mut [Option<&'a str>],
}

impl<'a> Scanner<'a, '_> {
    fn run(mut self) -> Result<(), JsonError> {
        self.skip_space();
        if self.peek() != Some(b'{') {
            // Tell "another JSON value" from "no JSON at all" by its first octet.
            return Err(match self.peek() {
                Some(b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
                    JsonError::NotAnObject
                }
                _ => self.syntax(),
            });
        }
        let mut next = self.begin()?;
        while self.depth > 0 {
            self.skip_space();
            next = self.step(next)?;
            if let (1, Next::CommaOrEnd) = (self.depth, next) {
                self.take_wanted();
            }
        }
        self.skip_space();
        if self.at < self.octets.len() {
            return Err(JsonError::Trailing { offset: self.at });
        }
        Ok(())
    }

    /// Keeps the value that has just ended, if it was asked for.
    fn take_wanted(&mut self) {
        if let Some((which, begin)) = self.wanted_now.take()
            && let Some(slot) = self.found.get_mut(which)
        {
            *slot = self.text.get(begin..self.at);
        }
    }

    /// Reads one token.
    fn step(&mut self, next: Next) -> Result<Next, JsonError> {
        let Some(octet) = self.peek() else {
            return Err(self.syntax());
        };
        match (next, octet) {
            (Next::NameOrEnd | Next::CommaOrEnd, b'}')
            | (Next::ValueOrEnd | Next::CommaOrEnd, b']') => self.end(octet),
            (Next::NameOrEnd | Next::Name, b'"') => {
                let name = self.string()?;
                if name.starts_with(RESERVED) {
                    return Err(JsonError::ReservedMember { offset: self.at });
                }
                let wanted = match self.depth {
                    1 => self.wanted.iter().position(|it| *it == name),
                    _ => None,
                };
                self.names.push(name);
                self.skip_space();
                self.expect(b':')?;
                if let Some(which) = wanted {
                    self.skip_space();
                    self.wanted_now = Some((which, self.at));
                }
                Ok(Next::Value)
            }
            (Next::CommaOrEnd, b',') => {
                self.at += 1;
                Ok(if self.innermost() == 0 {
                    Next::Value
                } else {
                    Next::Name
                })
            }
            (Next::Value | Next::ValueOrEnd, _) => self.value(octet),
            _ => Err(self.syntax()),
        }
    }

    fn value(&mut self, first: u8) -> Result<Next, JsonError> {
        match first {
            b'{' | b'[' => return self.begin(),
            b'"' => {
                self.string()?;
            }
            b't' => self.word("true")?,
            b'f' => self.word("false")?,
            b'n' => self.word("null")?,
            b'-' | b'0'..=b'9' => self.number()?,
            _ => return Err(self.syntax()),
        }
        Ok(Next::CommaOrEnd)
    }

    /// The entry of `open` for the innermost object or array.
    fn innermost(&self) -> usize {
        self.depth
            .checked_sub(1)
            .and_then(|at| self.open.get(at))
            .copied()
            .unwrap_or_default()
    }

    /// Opens the object or array at the current octet.
    fn begin(&mut self) -> Result<Next, JsonError> {
        let is_object = self.peek() == Some(b'{');
        let Some(entry) = self.open.get_mut(self.depth) else {
            return Err(JsonError::TooDeep { limit: MAX_DEPTH });
        };
        *entry = if is_object { self.names.len() + 1 } else { 0 };
        self.depth += 1;
        self.at += 1;
        Ok(if is_object {
            Next::NameOrEnd
        } else {
            Next::ValueOrEnd
        })
    }

    /// Closes the innermost object or array, which `octet` must fit.
    fn end(&mut self, octet: u8) -> Result<Next, JsonError> {
        match (self.innermost(), octet) {
            (0, b']') => {}
            (entry @ 1.., b'}') => {
                let first = entry - 1;
                let names = self.names.get_mut(first..).unwrap_or_default();
                if let Some(name) = duplicate(names) {
                    return Err(JsonError::DuplicateMember {
                        name: Text::new(name),
                    });
                }
                self.names.truncate(first);
            }
            _ => return Err(self.syntax()),
        }
        self.depth -= 1;
        self.at += 1;
        Ok(Next::CommaOrEnd)
    }

    /// Reads a string; it is borrowed unless it holds an escape.
    fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        let begin = self.at;
        self.at += 1;
        let mut escaped = false;
        loop {
            self.skip_plain();
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(0x20..) => self.at += 1,
                Some(_) | None => return Err(self.syntax()),
            }
        }
        self.at += 1;
        if !escaped {
            return Ok(Cow::Borrowed(
                self.text.get(begin + 1..self.at - 1).unwrap_or_default(),
            ));
        }
        let quoted = self.text.get(begin..self.at).unwrap_or_default();
        serde_json::from_str(quoted)
            .map(Cow::Owned)
            .map_err(|_| JsonError::Syntax { offset: begin })
    }

    /// Passes over octets of a string that mean themselves, eight at a time. It stops at or
    /// before the first that does not; the caller looks at each octet from there on.
    fn skip_plain(&mut self) {
        while let Some(eight) = self
            .octets
            .get(self.at..)
            .and_then(|it| it.first_chunk::<8>())
        {
            if !is_plain(u64::from_ne_bytes(*eight)) {
                return;
            }
            self.at += 8;
        }
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        let begin = self.at;
        match self.octets.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => {
                let first = self.hex4()?;
                match first {
                    0xd800..=0xdbff => {
                        let follows = self.octets.get(self.at..self.at + 2) == Some(b"\\u");
                        if follows && matches!(self.hex4()?, 0xdc00..=0xdfff) {
                            Ok(())
                        } else {
                            Err(JsonError::LoneSurrogate { offset: begin })
                        }
                    }
                    0xdc00..=0xdfff => Err(JsonError::LoneSurrogate { offset: begin }),
                    _ => Ok(()),
                }
            }
            _ => Err(self.syntax()),
        }
    }

    /// Reads the `\uXXXX` at the current octet.
    fn hex4(&mut self) -> Result<u16, JsonError> {
        let digits = self
            .octets
            .get(self.at + 2..self.at + 6)
            .ok_or_else(|| self.syntax())?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(self.syntax());
        }
        let value = core::str::from_utf8(digits)
            .ok()
            .and_then(|it| u16::from_str_radix(it, 16).ok());
        let value = value.ok_or_else(|| self.syntax())?;
        self.at += 6;
        Ok(value)
    }

    fn number(&mut self) -> Result<(), JsonError> {
        let begin = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        let number = self.text.get(begin..self.at).unwrap_or_default();
        if number.len() < FINITE && !number.contains(['e', 'E']) {
            return Ok(());
        }
        match number.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(()),
            _ => Err(JsonError::NumberRange { offset: begin }),
        }
    }

    /// Reads one digit or more.
    fn digits(&mut self) -> Result<(), JsonError> {
        let begin = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == begin {
            Err(self.syntax())
        } else {
            Ok(())
        }
    }

    fn word(&mut self, word: &str) -> Result<(), JsonError> {
        if !self
            .octets
            .get(self.at..)
            .is_some_and(|it| it.starts_with(word.as_bytes()))
        {
            return Err(self.syntax());
        }
        self.at += word.len();
        Ok(())
    }

    fn expect(&mut self, octet: u8) -> Result<(), JsonError> {
        if self.peek() != Some(octet) {
            return Err(self.syntax());
        }
        self.at += 1;
        Ok(())
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.octets.get(self.at).copied()
    }

    const fn syntax(&self) -> JsonError {
        JsonError::Syntax { offset: self.at }
    }
}

/// A number without an exponent and shorter than this is below 10³⁰⁰, so it is finite.
const FINITE: usize = 300;

/// Whether none of eight octets is a quotation mark, a backslash or a control character. It may
/// say no where the answer is yes, and never the other way round.
const fn is_plain(eight: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // An octet is zero where subtracting one borrows into its high bit, which was not set.
    const fn has_zero(eight: u64) -> u64 {
        eight.wrapping_sub(ONES) & !eight
    }
    let quote = has_zero(eight ^ (ONES * 0x22));
    let backslash = has_zero(eight ^ (ONES * 0x5c));
    let control = eight.wrapping_sub(ONES * 0x20) & !eight;
    (quote | backslash | control) & HIGH == 0
}

/// A name that occurs twice. Sorts the names where there are many, so that an object of ten
/// thousand members costs no more than its length suggests.
fn duplicate<'n>(names: &'n mut [Cow<'_, str>]) -> Option<&'n str> {
    if names.len() > FEW {
        names.sort_unstable();
        return names.windows(2).find_map(|pair| match pair {
            [a, b] if a == b => Some(a.as_ref()),
            _ => None,
        });
    }
    let names = &*names;
    names.iter().enumerate().find_map(|(i, a)| {
        names
            .iter()
            .skip(i + 1)
            .any(|b| a == b)
            .then_some(a.as_ref())
    })
}

#[cfg(test)]
mod tests {
    use super::super::read_object;
    use super::*;

    fn code(text: &[u8]) -> Result<(), &'static str> {
        check_object(text, 64 * 1024)
            .map(drop)
            .map_err(|error| error.code())
    }

    // covers: JWS-5, JWS-6, JWS-18, JWS-19, JWT-1, JWT-2, BCP-7, JWK-1
    #[test]
    fn each_rule_has_its_own_error() {
        let cases: &[(&[u8], &str)] = &[
            (b"", "json-syntax"),
            (b"\xef\xbb\xbf{}", "json-byte-order-mark"),
            (b"{\"a\":1,\"a\":2}", "json-duplicate-member"),
            (b"{\"alg\":1,\"\\u0061lg\":2}", "json-duplicate-member"),
            (b"{\"x\":{\"a\":1,\"a\":2}}", "json-duplicate-member"),
            (b"{\"x\":[{\"a\":1,\"a\":2}]}", "json-duplicate-member"),
            (b"{\"a\":\"\\ud800\"}", "json-lone-surrogate"),
            (b"{\"a\":\"\\udc00\"}", "json-lone-surrogate"),
            (b"{\"a\":\"\\ud800\\u0041\"}", "json-lone-surrogate"),
            (b"[]", "json-not-an-object"),
            (b"\"a\"", "json-not-an-object"),
            (b"1", "json-not-an-object"),
            (b"null", "json-not-an-object"),
            (b"{\"a\":\"\xff\"}", "json-not-utf8"),
            (b"{\x00\"\x00a\x00", "json-syntax"),
            (
                b"{\"$serde_json::private::RawValue\":\"{}\"}",
                "json-reserved-member",
            ),
            (
                b"{\"x\":[{\"\\u0024serde_json::private::Number\":\"1\"}]}",
                "json-reserved-member",
            ),
            (b"{\"a\":1e400}", "json-number-range"),
            (b"{\"a\":-1e400}", "json-number-range"),
            (b"{\"a\":01}", "json-syntax"),
            (b"{\"a\":1.}", "json-syntax"),
            (b"{\"a\":.5}", "json-syntax"),
            (b"{\"a\":+1}", "json-syntax"),
            (b"{\"a\":-}", "json-syntax"),
            (b"{\"a\":1e}", "json-syntax"),
            (b"{\"a\":NaN}", "json-syntax"),
            (b"{\"a\":tru}", "json-syntax"),
            (b"{\"a\":1,}", "json-syntax"),
            (b"{,}", "json-syntax"),
            (b"{\"a\"}", "json-syntax"),
            (b"{\"a\":}", "json-syntax"),
            (b"{\"a\":[1,]}", "json-syntax"),
            (b"{\"a\":[1}", "json-syntax"),
            (b"{\"a\":{]}", "json-syntax"),
            (b"{a:1}", "json-syntax"),
            (b"{\"a\":\"\n\"}", "json-syntax"),
            (b"{\"a\":\"\\x\"}", "json-syntax"),
            (b"{\"a\":\"\\u00g0\"}", "json-syntax"),
            (b"{\"a\":\"\\u+123\"}", "json-syntax"),
            (b"{\"a\":1", "json-syntax"),
            (b"{\"a", "json-syntax"),
            (b"{}x", "json-trailing"),
            (b"{}{}", "json-trailing"),
            (b"{}\0", "json-trailing"),
        ];
        for (text, expected) in cases {
            assert_eq!(
                code(text),
                Err(*expected),
                "{}",
                String::from_utf8_lossy(text)
            );
        }
    }

    #[test]
    fn sound_objects_pass() {
        let cases: &[&[u8]] = &[
            b"{}",
            b" { } \r\n\t",
            b"{\"a\":[],\"b\":{},\"c\":[{},[],\"\",0,-0,0.5,1e3,-1.5E-300,true,false,null]}",
            b"{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1}}",
            b"{\"\\ud83d\\ude00\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"}",
            "{\"é\":\"日本\"}".as_bytes(),
        ];
        for text in cases {
            assert_eq!(code(text), Ok(()), "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn depth_and_length_have_an_edge() {
        let nested = |depth: usize| {
            // The outer object is the first level.
            format!(
                "{{\"a\":{}{}}}",
                "[".repeat(depth - 1),
                "]".repeat(depth - 1)
            )
        };
        assert_eq!(code(nested(MAX_DEPTH).as_bytes()), Ok(()));
        assert_eq!(code(nested(MAX_DEPTH + 1).as_bytes()), Err("json-too-deep"));
        assert_eq!(
            code(format!("{{\"a\":{}", "[".repeat(60_000)).as_bytes()),
            Err("json-too-deep")
        );
        assert_eq!(check_object(b"{}", 2), Ok("{}"));
        assert_eq!(
            check_object(b"{} ", 2),
            Err(JsonError::TooLong { limit: 2, found: 3 })
        );
    }

    #[test]
    fn duplicates_are_found_among_many_members() {
        let mut members: Vec<String> = (0..5000).map(|i| format!("\"m{i}\":{i}")).collect();
        assert_eq!(
            code(format!("{{{}}}", members.join(",")).as_bytes()),
            Ok(())
        );
        members.push("\"m\\u0037\":0".into());
        assert_eq!(
            code(format!("{{{}}}", members.join(",")).as_bytes()),
            Err("json-duplicate-member")
        );
    }

    #[test]
    fn a_structure_error_says_where_and_not_what() {
        #[derive(Debug, serde::Deserialize)]
        struct Expected {
            #[expect(dead_code, reason = "only its type is read")]
            a: u8,
        }
        let error = read_object::<Expected>(br#"{"a":"hunter2"}"#, 99).unwrap_err();
        assert_eq!(error.code(), "json-structure");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn eight_octets_are_plain_where_each_is() {
        let special = |it: u8| it == b'"' || it == b'\\' || it < 0x20;
        for octet in 0..=255 {
            for at in 0..8 {
                let mut eight = *b"aZ 9~\xc3\xa9x";
                eight[at] = octet;
                let plain = is_plain(u64::from_ne_bytes(eight));
                assert!(!plain || !special(octet), "{octet} at {at}");
                assert!(plain || special(octet), "{octet} at {at}");
            }
        }
    }

    #[test]
    fn wanted_members_are_those_of_the_outermost_object() {
        let text = r#" {"a" : {"b":1}, "\u0062": [ "x" ] ,"c":-1.5 ,"d":"e\"","x":{"c":2}} "#;
        let mut found = [None; 5];
        scan_object(text.as_bytes(), 999, &["a", "b", "c", "d", "e"], &mut found).unwrap();
        assert_eq!(
            found,
            [
                Some(r#"{"b":1}"#),
                Some(r#"[ "x" ]"#),
                Some("-1.5"),
                Some(r#""e\"""#),
                None
            ],
        );
    }

    proptest::proptest! {
        #[test]
        fn never_panics_and_never_accepts_what_serde_refuses(octets: Vec<u8>) {
            if check_object(&octets, usize::MAX).is_ok() {
                proptest::prop_assert!(serde_json::from_slice::<serde_json::Value>(&octets).is_ok());
            }
        }

        #[test]
        fn agrees_with_serde_on_text_made_of_json_pieces(
            pieces in proptest::collection::vec(
                proptest::sample::select(vec![
                    "{", "}", "[", "]", ",", ":", "\"a\"", "\"b\"", "\"\\u0061\"", "1", "-0.5e3", "01",
                    "true", "null", " ", "\"\\ud800\"", "\"", "\\",
                ]),
                0..14,
            )
        ) {
            let text = format!("{{{}}}", pieces.concat());
            let ours = check_object(text.as_bytes(), usize::MAX);
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            match ours {
                Ok(_) | Err(JsonError::DuplicateMember { .. }) => {
                    // Serde stops later than we do at a duplicate, so only "sound" is compared.
                    if ours.is_ok() {
                        proptest::prop_assert!(theirs.is_ok(), "{}", text);
                    }
                }
                Err(_) => proptest::prop_assert!(theirs.is_err(), "{}", text),
            }
        }
    }
}
