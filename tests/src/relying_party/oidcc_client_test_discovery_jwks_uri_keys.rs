//! The keys are those of the `jwks_uri` of openid-configuration, which changes each time and is nowhere
//! else.

use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled, check};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    let app = App::with_moved(provider, "jwks_uri", "/oidc/jwks").await;
    app.live().await?;
    check(app.sent_to("/oidc/jwks").len() == 1, "not asked once")
}
