//! The ID token is unsigned: refused, also in the code flow.

use super::app::{App, Handled};
use smart_oidc::jose::CryptoProvider;

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    App::refuses(provider, "alg-none", "jws-empty-segment").await
}
