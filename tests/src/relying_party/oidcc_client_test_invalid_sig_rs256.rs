//! The RS256 signature is wrong: refused.

use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    App::refuses(provider, "wrong-signature", "jws-bad-signature").await
}
