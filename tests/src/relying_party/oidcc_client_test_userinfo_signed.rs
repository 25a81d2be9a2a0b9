//! UserInfo is signed for an app that is registered so: it is verified, and none of it is used where the
//! signature is somebody else's.

use serde_json::Value;
use smart_oidc::jose::{Algorithm, CryptoProvider};
use smart_sandbox::{ClientRegistration, Fault, SandboxBuilder, Times};

use super::app::{App, Handled, check};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    let registered = ClientRegistration::default().with_userinfo_algorithm(Algorithm::RS256);
    let set = |it: SandboxBuilder| it.register_client(registered);
    let app = App::new(provider, set, &["profile"]).await;
    let signed_in = app.sign_in().await?;
    let told = app.userinfo(&signed_in).await?;
    check(told.is_signed(), "UserInfo is not signed")?;
    let claims: Value = told.claims().map_err(|error| error.to_string())?;
    check(claims["name"].is_string(), "no name")?;
    let fault = Fault::named("userinfo-signed-by-an-attacker").ok_or("no such fault")?;
    app.ehr.play(fault, Times::Once).unwrap();
    let told = app.userinfo(&signed_in).await;
    check(
        told.err().as_deref() == Some("jws-bad-signature"),
        "another's signature is not refused for it",
    )
}
