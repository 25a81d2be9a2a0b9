//! The scope `profile` brings its claims in UserInfo.

use serde_json::Value;
use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled, check};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    let app = App::new(provider, |it| it, &["profile"]).await;
    let signed_in = app.sign_in().await?;
    let told = app.userinfo(&signed_in).await?;
    let claims: Value = told.claims().map_err(|error| error.to_string())?;
    check(claims["name"].is_string(), "no name")
}
