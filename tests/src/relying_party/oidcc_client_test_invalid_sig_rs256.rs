//! The RS256 signature is wrong: refused, although TLS may take its place in the code flow.

use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled, check};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    let app = App::new(provider, App::playing(["wrong-signature"]), &[]).await;
    app.is_refused("jws-bad-signature").await?;
    check(app.algorithms() == ["RS256"], "not one ID token with RS256")
}
