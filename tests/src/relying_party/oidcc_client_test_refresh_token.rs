//! A refresh, and UserInfo with the new token.

use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled, check};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    let app = App::new(provider, |it| it, &["offline_access"]).await;
    let (mut signed_in, _) = app.live().await?;
    let old = signed_in.session.access_token().expose_secret().to_owned();
    app.live_on(&mut signed_in).await?;
    let new = signed_in.session.access_token().expose_secret();
    let sent = app.sent_to("/oidc/userinfo");
    let sent: Vec<&str> = sent.iter().map(|it| it.0.as_str()).collect();
    check(*new != old, "the old token")?;
    check(sent == [format!("Bearer {old}"), format!("Bearer {new}")], "not each token once")
}
