//! The compact form: three parts, one spelling, a limit.

use serde_json::json;
use smart_tests::forge::{Forge, b64};

use crate::{Minter, accept, choice, claims, claims_text, reject, with};

const HEADER: &str = r#"{"alg":"RS256","kid":"rsa"}"#;

pub(crate) fn mint(m: &mut Minter) {
    m.group = "form";
    let good = m.forge.token("RS256", &claims());
    let parts: Vec<&str> = good.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    for (id, why, token) in [
        ("empty", "no text", String::new()),
        ("one-part", "one part", header.to_owned()),
        ("two-parts", "no signature", format!("{header}.{payload}")),
        ("four-parts", "one part too many", format!("{good}.AA")),
        ("four-parts-empty", "a final dot", format!("{good}.")),
        ("leading-dot", "a first dot", format!(".{good}")),
        (
            "five-parts",
            "the form of an encrypted token",
            format!("{good}.AA.AA"),
        ),
        (
            "jwe",
            "an encrypted token",
            format!(
                "{}.AA.AA.AA.AA",
                b64(r#"{"alg":"RSA-OAEP","enc":"A128GCM"}"#)
            ),
        ),
        (
            "jwe-direct",
            "an encrypted token without a key",
            format!("{}..AA.AA.AA", b64(r#"{"alg":"dir","enc":"A128GCM"}"#)),
        ),
        (
            "six-parts",
            "three parts too many",
            format!("{good}.{good}"),
        ),
        ("many-dots", "nothing but dots", ".".repeat(10_000)),
        ("two-dots", "three empty parts", "..".to_owned()),
        (
            "empty-header",
            "an empty part",
            format!(".{payload}.{signature}"),
        ),
        (
            "empty-payload",
            "an empty part",
            format!("{header}..{signature}"),
        ),
        (
            "empty-signature",
            "an empty part",
            format!("{header}.{payload}."),
        ),
        ("padded", "padding", format!("{good}==")),
        ("padded-once", "padding", format!("{good}=")),
        ("blank-before", "white space", format!(" {good}")),
        ("blank-after", "white space", format!("{good} ")),
        ("line-break", "white space", format!("{good}\n")),
        ("crlf", "white space", format!("{good}\r\n")),
        ("tab", "white space", format!("\t{good}")),
        ("nul", "an octet that is no base64url", format!("{good}\0")),
        (
            "byte-order-mark",
            "an octet that is no base64url",
            format!("\u{feff}{good}"),
        ),
        (
            "no-break-space",
            "white space outside ASCII",
            format!("{good}\u{a0}"),
        ),
        (
            "full-width-dot",
            "a dot that is none",
            good.replacen('.', "\u{ff0e}", 1),
        ),
        ("bearer", "the scheme of a header", format!("Bearer {good}")),
        ("quoted", "quotation marks", format!("\"{good}\"")),
        ("percent-encoded", "as in a URL", good.replace('.', "%2E")),
        (
            "general-json",
            "JSON serialization",
            format!(
                r#"{{"payload":"{payload}","signatures":[{{"protected":"{header}","signature":"{signature}"}}]}}"#
            ),
        ),
        (
            "flattened-json",
            "JSON serialization",
            format!(
                r#"{{"payload":"{payload}","protected":"{header}","signature":"{signature}"}}"#
            ),
        ),
        (
            "json-without-signature",
            "JSON serialization",
            r#"{"payload":"e30","signatures":[]}"#.to_owned(),
        ),
        ("claims-alone", "no token at all", claims().to_string()),
    ] {
        m.token(id, why, token, reject("malformed"));
    }
    m.token(
        "cut",
        "the last character is missing",
        good[..good.len() - 1].to_owned(),
        reject("malformed signature"),
    );
    m.token(
        "comma",
        "two tokens",
        format!("{good},{good}"),
        reject("malformed"),
    );
    respelled(m);
    sizes(m);
}

/// The issuer signs another spelling of the same octets: what it signed is not the point.
fn respelled(m: &mut Minter) {
    let spare = |text: &str| {
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let last = text.chars().last().unwrap();
        let at = alphabet.find(last).unwrap();
        format!("{}{}", &text[..text.len() - 1], &alphabet[at + 1..at + 2])
    };
    // Of lengths that leave spare bits in the last character.
    let blanks = |text: &dyn Fn(&str) -> String| {
        let blanks = ["", " ", "  "].map(text);
        b64(blanks.iter().find(|it| it.len() % 3 == 1).unwrap())
    };
    let header = blanks(&|blanks| format!("{blanks}{HEADER}"));
    let payload = blanks(&|blanks| claims_text(blanks));
    for (id, why, input) in [
        (
            "spare-bits-header",
            "spare bits that are set, and signed",
            format!("{}.{payload}", spare(&header)),
        ),
        (
            "spare-bits-payload",
            "spare bits that are set, and signed",
            format!("{header}.{}", spare(&payload)),
        ),
        (
            "padded-header",
            "padding that is signed",
            format!("{header}==.{payload}"),
        ),
        (
            "padded-payload",
            "padding that is signed",
            format!("{header}.{payload}=="),
        ),
        (
            "blank-in-payload",
            "white space that is signed",
            format!("{header}.{} {}", &payload[..8], &payload[8..]),
        ),
        (
            "line-break-in-payload",
            "white space that is signed",
            format!("{header}.{}\n{}", &payload[..64], &payload[64..]),
        ),
        (
            "blank-in-header",
            "white space that is signed",
            format!("{} {}.{payload}", &header[..4], &header[4..]),
        ),
    ] {
        let token = m.forge.sign("RS256", &input);
        m.token(id, why, token, reject("malformed"));
    }
    let good = m.forge.sign("RS256", &format!("{header}.{payload}"));
    m.token(
        "no-spare-bits",
        "the same with no spare bit set",
        good.clone(),
        accept(),
    );
    m.token(
        "spare-bits-signature",
        "another spelling of the signature",
        spare(&good),
        reject("malformed"),
    );
    // A payload that has both of the characters in which the two alphabets differ.
    let claims = with("x", "\u{3ffb}\u{3ffe}\u{fbff}??>>\u{ff}\u{fe}~~~");
    let payload = b64(claims.to_string());
    assert!(payload.contains(['-', '_']));
    let standard = payload.replace('-', "+").replace('_', "/");
    let token = m.forge.sign("RS256", &format!("{header}.{standard}"));
    m.token(
        "standard-alphabet",
        "+ and / that are signed",
        token,
        reject("malformed"),
    );
    let mut signed = m.forge.token("RS384", &claims);
    let mut n = 0;
    while !signed.rsplit('.').next().unwrap().contains('-') {
        n += 1;
        signed = m.forge.token("RS384", &with("x", n));
    }
    let at = signed.rfind('.').unwrap();
    let token = format!("{}{}", &signed[..at], signed[at..].replace('-', "+"));
    m.token(
        "standard-alphabet-signature",
        "+ in the signature",
        token,
        reject("malformed"),
    );
}

fn sizes(m: &mut Minter) {
    /// A token of exactly so many characters.
    fn sized(forge: &Forge, total: usize) -> String {
        for blanks in 0..4 {
            let header = format!("{}{HEADER}", " ".repeat(blanks));
            let rest = total - b64(&header).len() - 2 - 342;
            let padding = rest * 3 / 4 - claims_text(r#""x":"","#).len();
            let claims = claims_text(&format!(r#""x":"{}","#, "y".repeat(padding)));
            let token = forge.raw_token("RS256", header.as_bytes(), claims.as_bytes());
            if token.len() == total {
                return token;
            }
        }
        unreachable!("one of four headers fits");
    }
    let at_limit = sized(&m.forge, 65_536);
    m.token("at-the-limit", "64 KiB to the octet", at_limit, accept());
    let beyond = sized(&m.forge, 65_537);
    m.token(
        "one-beyond-the-limit",
        "64 KiB and one octet",
        beyond,
        reject("size"),
    );
    let good = m.forge.token("RS256", &claims());
    m.token(
        "too-long",
        "70,000 characters behind the signature",
        format!("{good}{}", "A".repeat(70_000)),
        reject("size"),
    );
    m.token(
        "too-long-dots",
        "a hundred thousand dots",
        ".".repeat(100_000),
        reject("size malformed"),
    );
    let long = json!({"alg": "RS256", "kid": "rsa", "x5c": vec!["A".repeat(1500); 4]});
    let token = m.forge.token_with("RS256", &long, &claims());
    m.token(
        "long-header",
        "a chain of certificates, which is ignored",
        token,
        accept(),
    );
    let longer = json!({"alg": "RS256", "kid": "rsa", "x5c": vec!["A".repeat(1500); 6]});
    let token = m.forge.token_with("RS256", &longer, &claims());
    m.token(
        "longer-header",
        "a header of more than 8 KiB",
        token,
        choice(reject("size malformed")),
    );
}
