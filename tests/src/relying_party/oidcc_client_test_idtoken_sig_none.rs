//! The ID token is unsigned: refused, also in the code flow.

use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    App::refuses(provider, "alg-none", "jws-empty-segment").await
}
