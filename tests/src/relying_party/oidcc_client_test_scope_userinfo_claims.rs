//! The scopes `profile`, `email`, `phone` and `address` bring their claims in UserInfo.

use serde_json::Value;
use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled, check};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    let app = App::new(provider, |it| it, &["profile", "email", "phone", "address"]).await;
    let (_, told) = app.live().await?;
    let claims: Value = told.claims().map_err(|error| error.to_string())?;
    for name in ["name", "given_name", "family_name", "email", "phone_number"] {
        check(claims[name].is_string(), format!("no {name}"))?;
    }
    check(claims["address"]["locality"].is_string(), "no address")
}
