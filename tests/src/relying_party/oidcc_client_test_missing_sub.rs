//! There is no `sub`: refused.

use super::app::{App, Handled};
use smart_oidc::jose::CryptoProvider;

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    App::refuses(provider, "no-subject", "claim-missing").await
}
