//! `iss` is another issuer: refused.

use super::app::{App, Handled};
use smart_oidc::jose::CryptoProvider;

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    App::refuses(provider, "wrong-issuer", "claim-issuer").await
}
