//! `iss` is the issuer with one character more: refused.

use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    App::refuses(provider, "issuer-one-longer", "claim-issuer").await
}
