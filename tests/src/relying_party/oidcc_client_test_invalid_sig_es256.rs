//! The ES256 signature is wrong: refused.

use smart_oidc::jose::{Algorithm, CryptoProvider};

use super::app::{App, Handled, check};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    let app = App::new(
        provider,
        |it| App::playing(["wrong-signature"])(it.algorithm(Algorithm::ES256)),
        &[],
    );
    let app = app.await;
    app.is_refused("jws-bad-signature").await?;
    check(app.algorithms() == ["ES256"], "not one ID token with ES256")
}
