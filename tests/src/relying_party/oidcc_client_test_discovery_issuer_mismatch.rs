//! The document names another issuer: refused before the user is sent anywhere.

use super::app::{App, Handled};
use smart_oidc::jose::CryptoProvider;

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    App::refuses(provider, "openid-issuer-differs", "issuer-mismatch").await
}
