//! `aud` is another client: refused.

use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    App::refuses(provider, "wrong-audience", "claim-audience").await
}
