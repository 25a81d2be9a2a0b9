//! The keys change between a look at the set and the signature.

use smart_oidc::jose::CryptoProvider;
use smart_sandbox::{Fault, Times};

use super::app::{App, Handled, check};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    let app = App::new(provider, |it| it, &[]).await;
    app.sign_in().await?;
    let fault = Fault::named("rotation-before-signing").ok_or("no such fault")?;
    app.ehr.play(fault, Times::Once).unwrap();
    app.sign_in().await?;
    check(app.ehr.playing().is_empty(), "not played")
}
