//! A header that is known says of every token what reading it says.

use smart_jose::jws::JwsError;
use smart_jose::{Algorithm, Algorithms, ProtectedHeader, UnverifiedJws, base64url};

const LIMIT: usize = 1024;

fn token(header: &str) -> String {
    format!("{}.e30.AA", base64url::encode(header))
}

fn header(result: Result<UnverifiedJws<'_>, JwsError>) -> Result<ProtectedHeader, JwsError> {
    result.map(|it| it.header().clone())
}

#[test]
fn a_known_header_says_what_reading_it_says() {
    let headers = [
        r#"{"alg":"RS256"}"#,
        r#"{"alg":"RS256","kid":"a"}"#,
        r#"{"alg":"RS256","kid":"b"}"#,
        r#"{"alg":"ES256","kid":"a","typ":"JWT"}"#,
        r#"{"alg":"ES256","kid":"a","typ":"at+jwt"}"#,
    ];
    let refused = [
        "{}",
        r#"{"alg":"none"}"#,
        r#"{"alg":"RS256","crit":["exp"]}"#,
        r#"{"alg":"RS256","kid":"a"} "#,
        r#"{"alg":"RS256","kid":"a"},"#,
    ];
    let algorithms = |them: &[Algorithm]| them.iter().copied().collect::<Algorithms>();
    let both = algorithms(&[Algorithm::RS256, Algorithm::ES256]);
    for first in headers {
        let token_of_first = token(first);
        let known = UnverifiedJws::parse(&token_of_first, both).unwrap();
        let known = known.known_header();
        for second in headers.iter().chain(&refused) {
            let second_token = token(second);
            for accepted in [both, algorithms(&[Algorithm::ES256]), algorithms(&[])] {
                let anew = UnverifiedJws::parse_with_limit(&second_token, accepted, LIMIT);
                let told = UnverifiedJws::parse_knowing(&known, &second_token, accepted, LIMIT);
                assert_eq!(header(told), header(anew), "{first} {second} {accepted}");
            }
            assert_eq!(known.is_of(&second_token), first == *second);
        }
    }
}

#[test]
fn the_form_is_judged_as_ever() {
    let first = token(r#"{"alg":"RS256"}"#);
    let first = UnverifiedJws::parse(&first, Algorithms::ID_TOKEN).unwrap();
    let known = first.known_header();
    let encoded = base64url::encode(r#"{"alg":"RS256"}"#);
    let code = |token: &str| {
        let result = UnverifiedJws::parse_knowing(&known, token, Algorithms::ID_TOKEN, LIMIT);
        header(result).unwrap_err().code()
    };
    for (rest, expected) in [
        ("", "jws-segment-count"),
        (".", "jws-segment-count"),
        (".e30", "jws-segment-count"),
        ("..AA", "jws-empty-segment"),
        (".e30.", "jws-empty-segment"),
        (".e30.AA.AA", "jws-segment-count"),
        (".e30.AA.AA.AA", "jws-encrypted"),
        ("=.e30.AA", "jws-base64"),
    ] {
        assert_eq!(code(&format!("{encoded}{rest}")), expected, "{rest}");
    }
    let long = format!("{encoded}.e30.{}", "A".repeat(LIMIT));
    assert_eq!(code(&long), "jws-too-long");
}
