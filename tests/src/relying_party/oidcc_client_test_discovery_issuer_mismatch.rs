//! The document names another issuer: refused before the user is sent anywhere.

use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    App::refuses(provider, "openid-issuer-differs", "issuer-mismatch").await
}
