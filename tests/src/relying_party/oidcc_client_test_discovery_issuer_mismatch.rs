//! The document names the issuer with something more at its end: refused before the user is sent
//! anywhere.

use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled, check};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    let app = App::new(provider, App::playing(["openid-issuer-one-longer"]), &[]).await;
    let lived = app.live().await;
    check(!app.has_sent_user_off(), "the user was sent off")?;
    check(lived.err().as_deref() == Some("issuer-mismatch"), "not refused for it")?;
    app.was_played()
}
