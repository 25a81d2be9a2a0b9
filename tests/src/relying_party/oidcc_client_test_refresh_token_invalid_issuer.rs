//! The refreshed ID token has another issuer: the session ends.

use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled, check};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    let app = App::new(
        provider,
        App::playing("refresh-of-another-issuer"),
        &["offline_access"],
    );
    let app = app.await;
    let signed_in = app.sign_in().await?;
    let refreshed = app.refresh(&signed_in).await;
    let code = refreshed.err();
    check(code.as_deref() == Some("refresh-identity-changed"), "not refused for it")
}
