//! The second sign-in is signed by new keys, and the old ones are gone: the set is fetched again.

use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled, check};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    let app = App::new(provider, |it| it, &[]).await;
    app.live().await?;
    app.ehr.rotate_keys().map_err(|error| error.to_string())?;
    app.ehr.withdraw_former_keys();
    app.live().await?;
    check(app.sent_to("/oidc/jwks").len() == 2, "not fetched twice")
}
