//! Header and claims are strict JSON: one reading for everybody.

use crate::{Minter, accept, choice, claims, claims_text, reject, spelled};

const HEADER: &[u8] = br#"{"alg":"RS256","kid":"rsa"}"#;

pub(crate) fn mint(m: &mut Minter) {
    m.group = "json";
    let good = claims().to_string();
    let nested = |depth: usize| {
        claims_text(&format!(
            r#""x":{}{},"#,
            "[".repeat(depth),
            "]".repeat(depth)
        ))
    };
    let objects = |depth: usize| {
        claims_text(&format!(
            r#""x":{}1{},"#,
            r#"{"a":"#.repeat(depth),
            "}".repeat(depth)
        ))
    };
    for (id, why, text) in [
        (
            "iss-twice",
            "a claim occurs twice",
            claims_text(r#""iss":"x","#),
        ),
        (
            "iss-twice-same",
            "a claim occurs twice, with one value",
            claims_text(r#""iss":"https://ehr.example/oidc","#),
        ),
        (
            "iss-twice-escaped",
            "the same name in another spelling",
            claims_text(r#""\u0069ss":"x","#),
        ),
        (
            "sub-twice",
            "a claim occurs twice",
            claims_text(r#""sub":"admin","#),
        ),
        (
            "aud-twice",
            "a claim occurs twice",
            claims_text(r#""aud":"other","#),
        ),
        (
            "exp-twice",
            "a claim occurs twice",
            claims_text(r#""exp":1,"#),
        ),
        (
            "nonce-twice",
            "a claim occurs twice",
            claims_text(r#""nonce":"x","#),
        ),
        (
            "unknown-twice",
            "a claim that nobody knows occurs twice",
            claims_text(r#""x":1,"x":1,"#),
        ),
        (
            "nested-twice",
            "a member deep inside occurs twice",
            claims_text(r#""x":[{"a":1,"b":{"c":1,"c":1}}],"#),
        ),
        (
            "empty-name-twice",
            "the empty name occurs twice",
            claims_text(r#""":1,"":1,"#),
        ),
        (
            "fhir-user-twice",
            "a claim occurs twice",
            claims_text(r#""fhirUser":"Patient/1","#),
        ),
        ("array", "no object", "[]".to_owned()),
        ("array-of-claims", "no object", format!("[{good}]")),
        ("string", "no object", r#""claims""#.to_owned()),
        ("number", "no object", "1".to_owned()),
        ("null", "no object", "null".to_owned()),
        (
            "two-objects",
            "something behind the object",
            format!("{good}{{}}"),
        ),
        (
            "trailing",
            "something behind the object",
            format!("{good}x"),
        ),
        (
            "trailing-nul",
            "something behind the object",
            format!("{good}\0"),
        ),
        (
            "trailing-brace",
            "something behind the object",
            format!("{good}}}"),
        ),
        (
            "cut",
            "the last brace is missing",
            good[..good.len() - 1].to_owned(),
        ),
        (
            "trailing-comma",
            "a comma before the brace",
            format!("{},}}", &good[..good.len() - 1]),
        ),
        ("comment", "a comment", claims_text("/* x */")),
        (
            "single-quotes",
            "single quotation marks",
            good.replace('"', "'"),
        ),
        (
            "no-quotes",
            "a name without quotation marks",
            claims_text("x:1,"),
        ),
        (
            "byte-order-mark",
            "a byte order mark",
            format!("\u{feff}{good}"),
        ),
        (
            "control-character",
            "a line break in a string",
            claims_text("\"x\":\"a\nb\","),
        ),
        (
            "bad-escape",
            "an escape that JSON does not have",
            claims_text(r#""x":"\x41","#),
        ),
        (
            "short-escape",
            "an escape that is cut",
            claims_text(r#""x":"\u12","#),
        ),
        (
            "high-surrogate",
            "half a character",
            claims_text(r#""x":"\ud800","#),
        ),
        (
            "low-surrogate",
            "half a character",
            claims_text(r#""x":"\udc00","#),
        ),
        (
            "swapped-surrogates",
            "two halves in the wrong order",
            claims_text(r#""x":"\ude00\ud83d","#),
        ),
        (
            "surrogate-in-name",
            "half a character in a name",
            claims_text(r#""\ud800":1,"#),
        ),
        (
            "surrogate-in-sub",
            "half a character",
            spelled("sub", r#""\udc00""#),
        ),
        ("depth-65", "one level too deep", nested(64)),
        ("depth-65-objects", "one level too deep", objects(64)),
        ("depth-1000", "far too deep", nested(1000)),
        (
            "unclosed",
            "far too deep, and never closed",
            claims_text(&format!(r#""x":{}"#, "[".repeat(5000))),
        ),
        (
            "number-too-large",
            "no double holds it",
            claims_text(r#""x":1e400,"#),
        ),
        (
            "number-too-small",
            "no double holds it",
            claims_text(r#""x":-1e400,"#),
        ),
        (
            "digits",
            "no double holds 400 digits",
            claims_text(&format!(r#""x":{},"#, "9".repeat(400))),
        ),
        (
            "leading-zero",
            "no JSON number",
            spelled("exp", "01700000300"),
        ),
        ("plus", "no JSON number", spelled("exp", "+1700000300")),
        (
            "hexadecimal",
            "no JSON number",
            spelled("exp", "0x6553F22C"),
        ),
        (
            "bare-point",
            "no JSON number",
            spelled("exp", "1700000300."),
        ),
        (
            "no-integer-part",
            "no JSON number",
            claims_text(r#""x":.5,"#),
        ),
        (
            "bare-exponent",
            "no JSON number",
            spelled("exp", "17000003e"),
        ),
        ("not-a-number", "no JSON number", spelled("exp", "NaN")),
        ("infinity", "no JSON number", spelled("exp", "Infinity")),
        (
            "negative-infinity",
            "no JSON number",
            spelled("iat", "-Infinity"),
        ),
        (
            "underscores",
            "no JSON number",
            spelled("exp", "1_700_000_300"),
        ),
        ("true-upper", "no JSON literal", claims_text(r#""x":True,"#)),
    ] {
        m.texts(id, why, HEADER, text.as_bytes(), reject("malformed"));
    }
    for (id, why, text) in [
        ("depth-64", "as deep as is allowed", nested(63)),
        ("depth-64-objects", "as deep as is allowed", objects(63)),
        (
            "surrogate-pair",
            "a whole character",
            claims_text(r#""x":"\ud83d\ude00","#),
        ),
        (
            "escaped-nul",
            "an escape that JSON has",
            claims_text(r#""x":"\u0000","#),
        ),
        (
            "largest-number",
            "a double holds it",
            claims_text(r#""x":1.7976931348623157e308,"#),
        ),
        (
            "same-name-elsewhere",
            "one name in two objects",
            claims_text(r#""x":{"iss":"x","x":{"iss":1}},"#),
        ),
        (
            "case-of-names",
            "names depend on case",
            claims_text(r#""ISS":"x","Sub":1,"#),
        ),
    ] {
        m.texts(id, why, HEADER, text.as_bytes(), accept());
    }
    m.texts(
        "blank-behind",
        "JSON may end in white space",
        HEADER,
        format!("{good} \n").as_bytes(),
        choice(accept()),
    );
    for (id, why, octets) in [
        ("latin-1", "not UTF-8", b"\xe9".as_slice()),
        (
            "overlong",
            "not UTF-8: a second spelling of a character",
            b"\xc0\xaf",
        ),
        ("cesu", "not UTF-8: half a character", b"\xed\xa0\x80"),
        (
            "cut-character",
            "not UTF-8: a character that is cut",
            b"\xf0\x9f\x98",
        ),
    ] {
        let mut text = br#"{"x":""#.to_vec();
        text.extend_from_slice(octets);
        text.extend_from_slice(format!("\",{}", &good[1..]).as_bytes());
        m.texts(id, why, HEADER, &text, reject("malformed"));
    }
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    m.texts("utf-16", "not UTF-8", HEADER, &utf16, reject("malformed"));

    for (id, why, text) in [
        (
            "header-alg-twice",
            "a member occurs twice",
            r#"{"alg":"RS256","kid":"rsa","alg":"RS256"}"#.to_owned(),
        ),
        (
            "header-alg-twice-escaped",
            "the same name in another spelling",
            r#"{"alg":"RS256","kid":"rsa","\u0061lg":"none"}"#.to_owned(),
        ),
        (
            "header-kid-twice",
            "a member occurs twice",
            r#"{"alg":"RS256","kid":"rsa","kid":"p256"}"#.to_owned(),
        ),
        (
            "header-unknown-twice",
            "a member that nobody knows occurs twice",
            r#"{"alg":"RS256","kid":"rsa","x":1,"x":1}"#.to_owned(),
        ),
        ("header-array", "no object", r#"["RS256"]"#.to_owned()),
        ("header-string", "no object", r#""RS256""#.to_owned()),
        ("header-text", "no JSON", "alg=RS256".to_owned()),
        (
            "header-trailing",
            "something behind the object",
            r#"{"alg":"RS256","kid":"rsa"}x"#.to_owned(),
        ),
        (
            "header-two",
            "something behind the object",
            r#"{"alg":"RS256","kid":"rsa"}{"alg":"none"}"#.to_owned(),
        ),
        (
            "header-byte-order-mark",
            "a byte order mark",
            "\u{feff}{\"alg\":\"RS256\",\"kid\":\"rsa\"}".to_owned(),
        ),
        (
            "header-surrogate",
            "half a character",
            r#"{"alg":"RS256","kid":"rsa","x":"\ud800"}"#.to_owned(),
        ),
        (
            "header-depth-65",
            "one level too deep",
            format!(
                r#"{{"alg":"RS256","kid":"rsa","x":{}{}}}"#,
                "[".repeat(64),
                "]".repeat(64)
            ),
        ),
        (
            "header-number",
            "no double holds it",
            r#"{"alg":"RS256","kid":"rsa","x":1e400}"#.to_owned(),
        ),
        (
            "header-trailing-comma",
            "a comma before the brace",
            r#"{"alg":"RS256","kid":"rsa",}"#.to_owned(),
        ),
    ] {
        m.texts(
            id,
            why,
            text.as_bytes(),
            good.as_bytes(),
            reject("malformed"),
        );
    }
    let deep = format!(
        r#"{{"alg":"RS256","kid":"rsa","x":{}{}}}"#,
        "[".repeat(63),
        "]".repeat(63)
    );
    m.texts(
        "header-depth-64",
        "as deep as is allowed",
        deep.as_bytes(),
        good.as_bytes(),
        accept(),
    );
    m.texts(
        "header-latin-1",
        "not UTF-8",
        b"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"x\":\"\xe9\"}",
        good.as_bytes(),
        reject("malformed"),
    );
}
