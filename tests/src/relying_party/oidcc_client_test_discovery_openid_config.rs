//! The endpoints are those of openid-configuration.

use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled, check};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    let app = App::new(provider, |it| it, &[]).await;
    app.sign_in().await?;
    let asked = app.sent_to("/oidc/.well-known/openid-configuration");
    check(!asked.is_empty(), "not asked")
}
