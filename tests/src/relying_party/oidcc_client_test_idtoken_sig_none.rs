//! The ID token is unsigned. In the code flow a client may take it or not; ours never does, which the
//! suite counts as skipped.

use smart_oidc::jose::CryptoProvider;

use super::app::App;
use crate::suite::Outcome;

pub(super) async fn play(provider: &'static CryptoProvider) -> Outcome {
    match App::refuses(provider, "alg-none", "jws-empty-segment").await {
        Ok(()) => Outcome::Skipped("an unsigned ID token is refused, as a client may".to_owned()),
        Err(problem) => Outcome::Failed(problem),
    }
}
