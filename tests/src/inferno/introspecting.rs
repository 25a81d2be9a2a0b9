//! Introspection, by whoever may ask.

use serde_json::Value;

use super::http::{self, Answer};
use super::tester::{CLIENT, Kind, Tester, text};

/// Asks about a token: with an access token of the app, and where it has a credential with that too.
pub(super) async fn ask(tester: &Tester, own: &Value, token: &str) -> Result<Vec<Answer>, String> {
    let url = tester.endpoint("introspection_endpoint").await?;
    let bearer = format!("Bearer {}", text(own, "access_token")?);
    let headers = [
        ("authorization", bearer.as_str()),
        ("accept", "application/json"),
    ];
    let mut answers = vec![http::post(&url, &headers, &[("token", token)]).await?];
    if tester.kind != Kind::Public {
        // An assertion is made for the token endpoint, whichever endpoint it goes to.
        let audience = tester.endpoint("token_endpoint").await?;
        let (header, form) = tester.credentials(CLIENT, &audience);
        let mut headers = vec![("accept", "application/json")];
        headers.extend(header.as_deref().map(|it| ("authorization", it)));
        let mut form: Vec<_> = form.iter().map(|it| (it.0, it.1.as_str())).collect();
        form.push(("token", token));
        answers.push(http::post(&url, &headers, &form).await?);
    }
    Ok(answers)
}
