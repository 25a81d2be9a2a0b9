//! The token is signed by HMAC with what is public: refused.

use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    App::refuses(provider, "hs256-public-pem", "alg-unsupported").await
}
