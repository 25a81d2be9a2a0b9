//! The refreshed ID token has the subject with something more at its end: the session ends.

use smart_oidc::jose::CryptoProvider;

use super::app::{App, Handled};

pub(super) async fn play(provider: &'static CryptoProvider) -> Handled {
    App::refuses_refresh(provider, "refresh-subject-one-longer", "refresh-identity-changed").await
}
