//! The RS256 signature is wrong: refused.

use super::app::{App, Handled};
use smart_oidc::jose::CryptoProvider;

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    App::refuses(provider, "wrong-signature", "jws-bad-signature").await
}
