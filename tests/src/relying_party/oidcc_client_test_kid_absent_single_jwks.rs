//! The token names no key and the set has one: accepted.

use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled, check};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    let app = App::new(provider, App::playing("no-kid"), &[]).await;
    check(app.published_keys().await == 1, "not one key")?;
    app.is_accepted().await
}
