//! The metadata of SMART 2 name what they must, and PKCE with S256 alone.

use super::Case;
use super::tester::{Tester, text, texts};
use crate::named::{Handled, check};

pub(super) async fn play(case: Case) -> Handled {
    let configuration = Tester::any(case).await.configuration().await?;
    text(&configuration, "authorization_endpoint")?;
    text(&configuration, "token_endpoint")?;
    let grants = texts(&configuration, "grant_types_supported")?;
    check(grants.contains(&"authorization_code"), "no authorization_code")?;
    let methods = texts(&configuration, "code_challenge_methods_supported")?;
    check(methods.contains(&"S256"), "no S256")?;
    check(!methods.contains(&"plain"), "plain is announced")?;
    let capabilities = texts(&configuration, "capabilities")?;
    check(!capabilities.is_empty(), "it is capable of nothing")?;
    if capabilities.contains(&"sso-openid-connect") {
        text(&configuration, "issuer")?;
        text(&configuration, "jwks_uri")?;
        return Ok(());
    }
    check(configuration.get("issuer").is_none(), "an issuer without sso-openid-connect")
}
