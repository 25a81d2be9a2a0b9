//! The `nonce` is the one of this launch with one character more: refused.

use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    App::refuses(provider, "nonce-one-longer", "id-token-nonce-mismatch").await
}
