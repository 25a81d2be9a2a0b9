//! The token names no key and the set has several: each that fits is tried.

use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled, check};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    let app = App::new(provider, App::playing("no-kid"), &[]).await;
    app.ehr.rotate_keys().map_err(|error| error.to_string())?;
    check(app.published_keys().await == 2, "not two keys")?;
    app.is_accepted().await
}
