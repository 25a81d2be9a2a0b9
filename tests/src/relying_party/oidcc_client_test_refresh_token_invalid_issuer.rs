//! The refreshed ID token has the issuer with one character more: the session ends.

use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    App::refuses_refresh(provider, "refresh-issuer-one-longer", "refresh-identity-changed").await
}
