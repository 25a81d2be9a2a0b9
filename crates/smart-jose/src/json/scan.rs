//! The strict scan: a loop over the text with a small stack of its own.

mod strings;

use super::found::Found;
use super::names::{Name, Names};
use super::problem::JsonError;
use crate::text::Text;

/// How deep objects and arrays may be nested. The scan keeps one bit for each level.
pub const MAX_DEPTH: usize = 64;

/// How the names begin by which `serde_json` passes raw text and numbers to itself.
const RESERVED: &str = "$serde_json::private::";

/// Checks that `octets` are one strict JSON object, of at most `limit` octets, and gives them back
/// as text.
///
/// # Errors
///
/// [`JsonError`], every variant but `Structure`.
pub fn check_object(octets: &[u8], limit: usize) -> Result<&str, JsonError> {
    scan_object(octets, limit, &[], &mut [])
}

/// The same, and finds the values of some members of the outermost object on the way: `found`
/// gets the value for each of `wanted`. A second reader is then not needed for them.
///
/// It is for tokens that have rules of their own; [`crate::jwt::validate`] is for all others.
///
/// # Errors
///
/// As [`check_object`].
///
/// ```
/// use smart_jose::json::{Name, scan_object};
/// use smart_jose::member::{self, Member};
/// let mut found = [None; 2];
/// let wanted = [Name::new("sub"), Name::new("nonce")];
/// scan_object(br#"{"sub":"alice","age":7}"#, 1024, &wanted, &mut found).unwrap();
/// let [sub, nonce] = found;
/// assert_eq!(member::read::<String>(sub), Member::Value("alice".into()));
/// assert_eq!(member::read::<String>(nonce), Member::Absent);
/// ```
pub fn scan_object<'a>(
    octets: &'a [u8],
    limit: usize,
    wanted: &[Name<'_>],
    found: &mut [Option<Found<'a>>],
) -> Result<&'a str, JsonError> {
    if octets.len() > limit {
        return Err(JsonError::TooLong {
            limit,
            found: octets.len(),
        });
    }
    let text = core::str::from_utf8(octets).map_err(|error| JsonError::NotUtf8 {
        offset: error.valid_up_to(),
    })?;
    scan_text(text, wanted, found)?;
    Ok(text)
}

/// The same for text whose length has been judged.
///
/// # Errors
///
/// As [`check_object`].
pub fn scan_text<'a>(
    text: &'a str,
    wanted: &[Name<'_>],
    found: &mut [Option<Found<'a>>],
) -> Result<(), JsonError> {
    if text.starts_with('\u{feff}') {
        return Err(JsonError::ByteOrderMark);
    }
    let mut scanner = Scanner {
        text,
        octets: text.as_bytes(),
        at: 0,
        names: Names::new(),
        objects: 0,
        depth: 0,
        wanted,
        wanted_met: 0,
        wanted_now: None,
        found,
        duplicate: None,
    };
    match scanner.run() {
        Ok(()) => Ok(()),
        Err(stop) => Err(scanner.error(stop)),
    }
}

struct Scanner<'a, 'w> {
    text: &'a str,
    octets: &'a [u8],
    at: usize,
    names: Names<'a>,
    /// One bit for each open object or array, innermost lowest, set for an object.
    objects: u64,
    depth: usize,
    /// The members of the outermost object whose values are to be found.
    wanted: &'w [Name<'w>],
    /// Which of them have been met, one bit for each; those that have no bit are among `names`.
    wanted_met: u64,
    /// Which of them the current value belongs to, and where it begins.
    wanted_now: Option<(usize, usize)>,
    found: &'w mut [Option<Found<'a>>],
    /// The name behind [`Stop::DuplicateMember`].
    duplicate: Option<Text>,
}

/// Why the scan stops, at the current octet. It fits a register, which the whole error does not.
#[derive(Clone, Copy)]
enum Stop {
    DuplicateMember,
    LoneSurrogate,
    NotAnObject,
    NumberRange,
    ReservedMember,
    Syntax,
    TooDeep,
    Trailing,
}

impl Scanner<'_, '_> {
    #[cold]
    fn error(self, stop: Stop) -> JsonError {
        let offset = self.at;
        match stop {
            Stop::DuplicateMember => JsonError::DuplicateMember {
                name: self.duplicate.unwrap_or_else(|| Text::new("")),
            },
            Stop::LoneSurrogate => JsonError::LoneSurrogate { offset },
            Stop::NotAnObject => JsonError::NotAnObject,
            Stop::NumberRange => JsonError::NumberRange { offset },
            Stop::ReservedMember => JsonError::ReservedMember { offset },
            Stop::Syntax => JsonError::Syntax { offset },
            Stop::TooDeep => JsonError::TooDeep { limit: MAX_DEPTH },
            Stop::Trailing => JsonError::Trailing { offset },
        }
    }

    /// Goes back to where something began that is wrong as a whole.
    fn back_at(&mut self, begin: usize, stop: Stop) -> Stop {
        self.at = begin;
        stop
    }

    fn run(&mut self) -> Result<(), Stop> {
        self.skip_space();
        if self.peek() != Some(b'{') {
            // Tell "another JSON value" from "no JSON at all" by its first octet.
            return Err(match self.peek() {
                Some(b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => Stop::NotAnObject,
                _ => Stop::Syntax,
            });
        }
        loop {
            self.value()?;
            if self.depth == 0 {
                break;
            }
        }
        self.skip_space();
        if self.at < self.octets.len() {
            return Err(Stop::Trailing);
        }
        Ok(())
    }

    /// Reads the value that begins at the current octet, and whatever closes behind it, up to
    /// where the next value begins or nothing is open any more. Of an object or array that is not
    /// empty only the beginning is read, up to its first value.
    fn value(&mut self) -> Result<(), Stop> {
        let mut is_plain = false;
        match self.peek() {
            Some(b'"') => is_plain = !self.string()?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b'{') => {
                self.open(true)?;
                if self.peek() != Some(b'}') {
                    return self.name();
                }
                self.close(b'}')?;
            }
            Some(b'[') => {
                self.open(false)?;
                if self.peek() != Some(b']') {
                    return Ok(());
                }
                self.close(b']')?;
            }
            Some(b't') => self.word("true")?,
            Some(b'f') => self.word("false")?,
            Some(b'n') => self.word("null")?,
            _ => return Err(Stop::Syntax),
        }
        while self.depth > 0 {
            if self.depth == 1 {
                self.take_wanted(is_plain);
            }
            self.skip_space();
            match self.peek() {
                Some(b',') => {
                    self.at += 1;
                    self.skip_space();
                    if self.in_object() {
                        self.name()?;
                    }
                    return Ok(());
                }
                Some(octet @ (b'}' | b']')) => {
                    self.close(octet)?;
                    is_plain = false;
                }
                _ => return Err(Stop::Syntax),
            }
        }
        Ok(())
    }

    /// Reads the name of a member and goes on to its value.
    fn name(&mut self) -> Result<(), Stop> {
        if self.peek() != Some(b'"') {
            return Err(Stop::Syntax);
        }
        let begin = self.at + 1;
        let wanted = if self.string()? {
            self.escaped_name(begin - 1)?
        } else {
            let name = Name::new(self.text.get(begin..self.at - 1).unwrap_or_default());
            let wanted = self.wanted(&name)?;
            if !self.is_told_by_bit(wanted, &name) {
                self.names.push(name);
            }
            wanted
        };
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(Stop::Syntax);
        }
        self.at += 1;
        self.skip_space();
        if let Some(which) = wanted {
            self.wanted_now = Some((which, self.at));
        }
        Ok(())
    }

    /// Takes the name that has just been read and was written with escapes, quoted from `begin`.
    #[cold]
    fn escaped_name(&mut self, begin: usize) -> Result<Option<usize>, Stop> {
        let quoted = self.text.get(begin..self.at).unwrap_or_default();
        let name: String =
            serde_json::from_str(quoted).map_err(|_| self.back_at(begin, Stop::Syntax))?;
        let wanted = self.wanted(&Name::new(&name))?;
        if !self.is_told_by_bit(wanted, &Name::new(&name)) {
            self.names.push_unescaped(name);
        }
        Ok(wanted)
    }

    /// Notes a wanted member: whether it occurs twice is told by its bit, at no cost, and it need
    /// not be compared with the other names.
    fn is_told_by_bit(&mut self, wanted: Option<usize>, name: &Name<'_>) -> bool {
        let bit = wanted
            .and_then(|it| u32::try_from(it).ok())
            .and_then(|it| 1_u64.checked_shl(it));
        let Some(bit) = bit else {
            return false;
        };
        if self.wanted_met & bit != 0 {
            self.duplicate = Some(Text::new(name.text()));
        }
        self.wanted_met |= bit;
        true
    }

    /// The place of the wanted member that this one is.
    fn wanted(&self, name: &Name<'_>) -> Result<Option<usize>, Stop> {
        if name.text().starts_with(RESERVED) {
            return Err(Stop::ReservedMember);
        }
        if self.depth > 1 {
            return Ok(None);
        }
        Ok(self.wanted.iter().position(|it| it.is(name)))
    }

    /// Keeps the value that has just ended, if it was asked for.
    fn take_wanted(&mut self, is_plain: bool) {
        if let Some((which, begin)) = self.wanted_now.take()
            && let Some(slot) = self.found.get_mut(which)
        {
            *slot = if is_plain {
                self.text.get(begin + 1..self.at - 1).map(Found::Plain)
            } else {
                self.text.get(begin..self.at).map(Found::Json)
            };
        }
    }

    /// Whether what is open innermost is an object.
    const fn in_object(&self) -> bool {
        self.objects & 1 == 1
    }

    /// Opens the object or array at the current octet.
    fn open(&mut self, is_object: bool) -> Result<(), Stop> {
        if self.depth == MAX_DEPTH {
            return Err(Stop::TooDeep);
        }
        self.depth += 1;
        self.objects = self.objects << 1 | u64::from(is_object);
        if is_object {
            self.names.open();
        }
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    /// Closes the innermost object or array, which `octet` must fit.
    fn close(&mut self, octet: u8) -> Result<(), Stop> {
        if self.in_object() != (octet == b'}') {
            return Err(Stop::Syntax);
        }
        if self.in_object()
            && let Err(name) = self.names.close()
        {
            self.duplicate = Some(Text::new(&name));
            return Err(Stop::DuplicateMember);
        }
        // A wanted member that occurs twice is told where its object ends, as any other is.
        if self.depth == 1 && self.duplicate.is_some() {
            return Err(Stop::DuplicateMember);
        }
        self.objects >>= 1;
        self.depth -= 1;
        self.at += 1;
        Ok(())
    }

    fn number(&mut self) -> Result<(), Stop> {
        let begin = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.at - begin < FINITE && !matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            return Ok(());
        }
        self.fraction_and_exponent(begin)
    }

    /// Reads the rest of a number, from `begin`, that is not a short whole one.
    #[cold]
    fn fraction_and_exponent(&mut self, begin: usize) -> Result<(), Stop> {
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
        // The reader that comes after is the judge, so that nothing is let through here that it
        // refuses.
        match serde_json::from_str::<f64>(number) {
            Ok(_) => Ok(()),
            Err(_) => Err(self.back_at(begin, Stop::NumberRange)),
        }
    }

    /// Reads one digit or more.
    fn digits(&mut self) -> Result<(), Stop> {
        let rest = self.octets.get(self.at..).unwrap_or_default();
        let digits = rest.iter().take_while(|it| it.is_ascii_digit()).count();
        if digits == 0 {
            return Err(Stop::Syntax);
        }
        self.at += digits;
        Ok(())
    }

    fn word(&mut self, word: &str) -> Result<(), Stop> {
        if !self
            .octets
            .get(self.at..)
            .is_some_and(|it| it.starts_with(word.as_bytes()))
        {
            return Err(Stop::Syntax);
        }
        self.at += word.len();
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
}

/// A whole number shorter than this is below 10³⁰⁰, so it is finite.
const FINITE: usize = 300;

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
            (b"{\"a\":1.7976931348623159e308}", "json-number-range"),
            (b"{\"a\":-1.7976931348623159e308}", "json-number-range"),
            (b"{\"a\":17976931348623159e292}", "json-number-range"),
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
            b"{\"a\":1.7976931348623158e308,\"b\":-17976931348623158e292}",
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
    fn long_numbers_have_the_edge_of_a_double() {
        let whole = |digits: usize| format!("{{\"a\":1{}}}", "0".repeat(digits - 1));
        for digits in [1, 17, 298, 299, 300, 301, 309] {
            assert_eq!(code(whole(digits).as_bytes()), Ok(()), "{digits}");
        }
        for digits in [310, 311, 399, 400, 401, 5000] {
            let refused = Err("json-number-range");
            assert_eq!(code(whole(digits).as_bytes()), refused, "{digits}");
        }
        // What passes is what the next reader takes, to the last digit.
        for number in ["1.7976931348623157e308", "5e-324", "1e-400", "0.1e309"] {
            let text = format!("{{\"a\":{number}}}");
            assert_eq!(code(text.as_bytes()), Ok(()), "{number}");
            assert!(
                serde_json::from_str::<serde_json::Value>(&text).is_ok(),
                "{number}"
            );
        }
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
    fn a_wanted_member_that_occurs_twice_is_named() {
        let wanted = ["a", "bc"].map(Name::new);
        for (text, name) in [
            (r#"{"a":1,"x":2,"a":3}"#, "a"),
            (r#"{"bc":1,"\u0062c":3}"#, "bc"),
            (r#"{"\u0062c":1,"bc":3}"#, "bc"),
            (r#"{"a":{"x":1,"x":2},"a":3}"#, "x"),
        ] {
            let error = scan_text(text, &wanted, &mut [None; 2]).unwrap_err();
            let name = Text::new(name);
            assert_eq!(error, JsonError::DuplicateMember { name }, "{text}");
        }
        // What is wrong further in front is told first.
        let error = scan_text(r#"{"a":1,"a":2,,}"#, &wanted, &mut [None; 2]).unwrap_err();
        assert_eq!(error, JsonError::Syntax { offset: 13 });
        // A member of an inner object is another one.
        assert_eq!(
            scan_text(r#"{"a":{"a":1}}"#, &wanted, &mut [None; 2]),
            Ok(())
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
    fn wanted_members_are_those_of_the_outermost_object() {
        let text =
            r#" {"a" : {"b":1}, "\u0062": [ "x" ] ,"c":-1.5 ,"d":"e\"", "e":"é" ,"x":{"c":2}} "#;
        let mut found = [None; 6];
        let wanted = ["a", "b", "c", "d", "e", "f"].map(Name::new);
        scan_object(text.as_bytes(), 999, &wanted, &mut found).unwrap();
        assert_eq!(
            found,
            [
                Some(Found::Json(r#"{"b":1}"#)),
                Some(Found::Json(r#"[ "x" ]"#)),
                Some(Found::Json("-1.5")),
                Some(Found::Json(r#""e\"""#)),
                Some(Found::Plain("é")),
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
