//! The ES256 signature is wrong: refused.

use smart_oidc::jose::{Algorithm, CryptoProvider};

use super::app::{App, Handled};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    let app = App::new(
        provider,
        |it| App::playing("wrong-signature")(it.algorithm(Algorithm::ES256)),
        &[],
    );
    app.await.is_refused("jws-bad-signature").await
}
