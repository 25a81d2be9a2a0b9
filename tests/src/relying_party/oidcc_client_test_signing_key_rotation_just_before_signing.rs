//! The keys are replaced between a look at the set and the signature: the set is fetched again.

use smart_oidc::jose::CryptoProvider;
use smart_sandbox::{Fault, Times};

use super::app::{App, Handled, check};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    let app = App::new(provider, |it| it, &[]).await;
    app.live().await?;
    let fault = Fault::named("replacement-before-signing").ok_or("no such fault")?;
    app.ehr.play(fault, Times::Once).unwrap();
    app.live().await?;
    check(app.ehr.playing().is_empty(), "not played")?;
    check(app.sent_to("/oidc/jwks").len() == 2, "not fetched twice")
}
