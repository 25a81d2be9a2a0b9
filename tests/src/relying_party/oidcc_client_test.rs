//! The whole of it: a code, tokens, and UserInfo.

use serde_json::Value;
use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled, check};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    let app = App::new(provider, |it| it, &[]).await;
    let (signed_in, told) = app.live().await?;
    let id_token = signed_in.id_token.as_ref().ok_or("no ID token")?;
    let claims: Value = told.claims().map_err(|error| error.to_string())?;
    check(claims["sub"] == id_token.subject(), "another subject")
}
