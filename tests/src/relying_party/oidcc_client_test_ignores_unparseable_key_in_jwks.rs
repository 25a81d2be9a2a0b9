//! The set has keys of types that nobody knows beside the one that signs: accepted.

use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    let app = App::new(provider, App::playing(["keys-of-unknown-types-beside"]), &[]).await;
    app.is_accepted().await
}
