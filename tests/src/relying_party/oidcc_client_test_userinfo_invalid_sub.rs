//! UserInfo has the subject with something more at its end: none of it is used.

use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled, check};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    let app = App::new(provider, App::playing(["userinfo-subject-one-longer"]), &[]).await;
    let signed_in = app.sign_in().await?;
    let told = app.userinfo(&signed_in).await;
    check(told.err().as_deref() == Some("userinfo-other-subject"), "not refused for it")?;
    app.was_played()
}
