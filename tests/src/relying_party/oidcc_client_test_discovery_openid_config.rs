//! openid-configuration is fetched before the user is sent anywhere, and used: what it alone names is
//! asked.

use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled, check};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    let app = App::with_moved(provider, "userinfo_endpoint", "/oidc/userinfo").await;
    app.sign_in().await?;
    let asked = app.sent_to("/oidc/.well-known/openid-configuration");
    check(asked.len() == 1, "the sign-in did not ask for it once")?;
    app.live().await?;
    check(app.sent_to("/oidc/userinfo").len() == 1, "not used")
}
