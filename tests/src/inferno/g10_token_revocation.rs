//! A token that was revoked opens nothing, and cannot be refreshed. That it is revoked within the
//! hour, on the patient's word, is for a person to attest.

use serde_json::Value;

use super::Case;
use super::http;
use super::tester::{CLIENT, Tester, in_each_way, text};
use crate::named::Handled;

pub(super) async fn play(case: Case) -> Handled {
    in_each_way(case, async |tester| {
        let tokens = tester.tokens().await?;
        let patient = format!("Patient/{}", text(&tokens, "patient")?);
        tester.read(&patient, &tokens).await?.is(&[200])?;
        let refresh_token = text(&tokens, "refresh_token")?;
        revoke(tester, refresh_token).await?;
        tester.read(&patient, &tokens).await?.is(&[401, 403, 404])?;
        tester.refresh(refresh_token, None).await?.is(&[400, 401])?;
        // An access token alone can be given back too.
        let tokens: Value = tester.tokens().await?;
        revoke(tester, text(&tokens, "access_token")?).await?;
        tester.read(&patient, &tokens).await?.is(&[401, 403, 404]).map(drop)
    })
    .await
}

async fn revoke(tester: &Tester, token: &str) -> Handled {
    let url = tester.endpoint("revocation_endpoint").await?;
    let audience = tester.endpoint("token_endpoint").await?;
    let (header, form) = tester.credentials(CLIENT, &audience);
    let header: Vec<_> = header.iter().map(|it| ("authorization", it.as_str())).collect();
    let form = form.iter().map(|it| (it.0, it.1.as_str()));
    let form: Vec<_> = form.chain([("token", token)]).collect();
    http::post(&url, &header, &form).await?.is(&[200]).map(drop)
}
