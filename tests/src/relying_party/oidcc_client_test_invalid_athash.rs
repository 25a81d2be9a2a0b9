//! `at_hash` is of another access token: refused.

use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    App::refuses(provider, "wrong-access-token-hash", "id-token-at-hash").await
}
