//! Faults of which a client need not notice anything: they are there all the same.

use super::flow::{builder, sign_in};
use super::http::{get, send};
use crate::{Fault, Sandbox, Times};

async fn playing(fault: &str) -> Sandbox {
    let fault = Fault::named(fault).unwrap();
    let sandbox = builder().fault(fault, Times::UntilTakenBack);
    sandbox.start().await.unwrap()
}

#[tokio::test]
async fn key_sets_are_odd_where_nobody_need_mind() {
    for (fault, header, expected) in [
        ("jwks-as-text", "content-type", "text/plain; charset=utf-8"),
        ("jwks-already-old", "age", "3153600000"),
    ] {
        let sandbox = playing(fault).await;
        let answer = get(&format!("{}/jwks", sandbox.issuer())).await;
        assert_eq!(answer.header(header), Some(expected), "{fault}");
        assert_eq!(
            answer.json()["keys"].as_array().unwrap().len(),
            1,
            "{fault}"
        );
    }
    let body = async |fault| {
        let sandbox = playing(fault).await;
        get(&format!("{}/jwks", sandbox.issuer())).await.body
    };
    assert!(
        body("jwks-with-a-giant-number")
            .await
            .ends_with(r#","x_giant":1e999}"#)
    );
    assert!(
        body("jwks-beside-nonsense")
            .await
            .contains(r#""key",null]"#)
    );
    let (named, nameless) = (body("expired").await, body("key-without-algorithm").await);
    assert!(named.contains(r#""alg":"RS256""#) && !nameless.contains(r#""alg""#));
}

#[tokio::test]
async fn who_is_read_is_hostile_where_that_is_asked_for() {
    for (fault, expected) in [
        ("resource-of-hostile-text", "<script>alert(1)</script>"),
        (
            "resource-of-hostile-links",
            "javascript:alert(document.cookie)",
        ),
        ("resource-as-text", "Jordan"),
    ] {
        let sandbox = playing(fault).await;
        let tokens = sign_in(&sandbox, "openid fhirUser").await;
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        let url = format!("{}/Practitioner/dr-smith", sandbox.fhir_base());
        let answer = send("GET", &url, &[("authorization", &bearer)], None).await;
        assert!(answer.body.contains(expected), "{fault}");
        assert_eq!(answer.json()["id"], "dr-smith");
        let content_type = answer.header("content-type").unwrap();
        assert_eq!(
            content_type.starts_with("text/plain"),
            fault == "resource-as-text"
        );
    }
}

#[tokio::test]
async fn endpoints_disagree_only_where_they_are_told_to() {
    for (fault, is_same) in [("token-endpoints-disagree", false), ("expired", true)] {
        let sandbox = playing(fault).await;
        let of = async |base: String, name: &str| {
            let document = get(&format!("{base}/.well-known/{name}")).await.json();
            document["token_endpoint"].clone()
        };
        let smart = of(sandbox.fhir_base(), "smart-configuration").await;
        let openid = of(sandbox.issuer(), "openid-configuration").await;
        assert_eq!(smart == openid, is_same, "{fault}");
    }
}
