//! The `nonce` is another one: refused.

use super::app::{App, Handled};
use smart_oidc::jose::CryptoProvider;

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    App::refuses(provider, "other-nonce", "id-token-nonce-mismatch").await
}
