//! The `nonce` is another one: refused.

use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    App::refuses(provider, "other-nonce", "id-token-nonce-mismatch").await
}
