//! The issuer's metadata are complete.

use super::Case;
use super::tester::{Tester, text, texts};
use crate::named::{Handled, check};

pub(super) async fn play(case: Case) -> Handled {
    let tester = Tester::any(case).await;
    let id_token = tester.id_token().await?;
    let metadata = tester.openid_answer(&id_token).await?.is(&[200])?.json()?;
    for name in ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"] {
        text(&metadata, name)?;
    }
    for name in ["response_types_supported", "subject_types_supported"] {
        check(!texts(&metadata, name)?.is_empty(), format!("{name} is empty"))?;
    }
    let algorithms = texts(&metadata, "id_token_signing_alg_values_supported")?;
    check(algorithms.contains(&"RS256"), "no RS256")
}
