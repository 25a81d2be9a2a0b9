//! The ID token is signed with RS256: accepted.

use smart_oidc::jose::{Algorithm, CryptoProvider};

use super::app::{App, Handled, check};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    let app = App::new(provider, |it| it.algorithm(Algorithm::RS256), &[]).await;
    app.live().await?;
    check(app.algorithms() == ["RS256"], "not one ID token with RS256")
}
