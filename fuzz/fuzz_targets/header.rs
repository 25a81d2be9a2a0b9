//! The protected header: what is accepted means the same to a lenient reader.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};
use smart_jose::{Algorithm, CryptoProvider, UnverifiedJws, base64url};

fn token(header: &[u8]) -> String {
    format!("{}.e30.AA", base64url::encode(header))
}

fuzz_target!(|header: &[u8]| {
    let every = CryptoProvider::aws_lc_rs().algorithms();
    let token_text = token(header);
    let Ok(read) = UnverifiedJws::parse(&token_text, every) else {
        return;
    };
    let read = read.header();

    let lenient: Map<String, Value> = serde_json::from_slice(header).expect("strict JSON is JSON");
    let text = |name: &str| lenient.get(name).map(|it| it.as_str().expect("a string"));
    assert_eq!(
        text("alg").and_then(Algorithm::from_name),
        Some(read.algorithm())
    );
    assert_eq!(text("kid"), read.kid());
    assert_eq!(text("typ"), read.typ());
    assert!(!lenient.contains_key("crit") && !lenient.contains_key("zip"));
    assert!(lenient.get("b64").is_none_or(|it| *it == Value::Bool(true)));

    // Whatever else is in a header, a critical extension or a second `alg` is not accepted.
    let header = core::str::from_utf8(header).expect("JSON is UTF-8");
    let end = header.rfind('}').expect("an object has an end");
    for (member, code) in [
        (r#","crit":["exp"]}"#, "header-crit"),
        (r#","\u0061lg":"none"}"#, "header-json"),
    ] {
        let longer = token([&header[..end], member].concat().as_bytes());
        // The longer one can exceed a limit; it is refused in either case.
        let error = UnverifiedJws::parse(&longer, every).expect_err("it must be refused");
        assert!(matches!(error.code(), it if it == code || it == "jws-too-long"));
    }
});
