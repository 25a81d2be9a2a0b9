//! The keys are those of its `jwks_uri`.

use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled, check};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    let app = App::new(provider, |it| it, &[]).await;
    app.sign_in().await?;
    check(!app.sent_to("/oidc/jwks").is_empty(), "not asked")
}
