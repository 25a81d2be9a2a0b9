//! The access token goes to UserInfo in the header.

use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled, check};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    let app = App::new(provider, |it| it, &[]).await;
    let (signed_in, _) = app.live().await?;
    let bearer = format!("Bearer {}", signed_in.session.access_token().expose_secret());
    let sent = app.sent_to("/oidc/userinfo");
    check(sent == [(bearer, String::new())], "sent otherwise")
}
