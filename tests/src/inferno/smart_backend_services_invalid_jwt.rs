//! A service with a bad assertion is refused, for each thing that can be bad about one. The suite
//! itself sends a wrong assertion type with it, so that it finds none of these.

use serde_json::{Value, json};

use super::Case;
use super::service::Request;
use super::tester::{NOW, SERVICE, Tester};
use crate::forge::{self, Forge};
use crate::named::Handled;

pub(super) async fn play(case: Case) -> Handled {
    let tester = Tester::any(case).await;
    let url = tester.endpoint("token_endpoint").await?;
    let good = Request::new(&tester, "RS384").await?;
    let wrong = |claims: Value| tester.assertion("RS384", SERVICE, &url, claims);
    let claims = json!({
        "iss": SERVICE, "sub": SERVICE, "aud": url, "exp": NOW + 300, "jti": forge::random(),
    });
    let unsigned = json!({"alg": "none", "typ": "JWT"});
    let unsigned = [&unsigned, &claims].map(|it| forge::b64(it.to_string())).join(".");
    let unknown = json!({"alg": "RS384", "typ": "JWT", "kid": "of-nobody"});
    for (what, assertion) in [
        ("no token", "not.a.token".to_owned()),
        ("cut short", good.assertion[..good.assertion.len() - 8].to_owned()),
        ("signed by another", Forge::issuer().token("RS384", &claims)),
        ("a kid of nobody", tester.forge.token_with("RS384", &unknown, &claims)),
        ("not signed", format!("{unsigned}.")),
        ("another iss", wrong(json!({"iss": "somebody"}))),
        ("another sub", wrong(json!({"sub": "somebody"}))),
        ("another aud", wrong(json!({"aud": "https://elsewhere.example/token"}))),
        ("over", wrong(json!({"exp": NOW - 300}))),
        ("no exp", wrong(json!({"exp": null}))),
        ("no jti", wrong(json!({"jti": null}))),
    ] {
        let request = Request { assertion, ..good_type() };
        let answer = request.send(&tester).await?;
        answer.is(&[400, 401]).map_err(|it| format!("{what}: {it}"))?;
    }
    // They failed for what is bad about them: this one is not, and counts once.
    good.send(&tester).await?.is(&[200])?;
    good.send(&tester).await?.is(&[400, 401]).map(drop)
}

fn good_type() -> Request {
    Request {
        grant_type: "client_credentials",
        assertion_type: super::tester::ASSERTION,
        assertion: String::new(),
    }
}
