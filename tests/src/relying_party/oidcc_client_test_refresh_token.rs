//! A refresh, and UserInfo with the new token.

use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled, check};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    let app = App::new(provider, |it| it, &["offline_access"]).await;
    let mut signed_in = app.sign_in().await?;
    let refreshed = app.refresh(&signed_in).await?;
    let (new, old) = (refreshed.access_token(), signed_in.session.access_token());
    check(new.expose_secret() != old.expose_secret(), "the old token")?;
    signed_in.session = refreshed;
    app.userinfo(&signed_in).await.map(drop)
}
