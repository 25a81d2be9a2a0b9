//! The modules of the OpenID Foundation's suite for relying parties, each as a file of its name and
//! played against the sandbox over HTTP.
//!
//! `fixtures/relying-party.tsv` lists all names, with a reason where one does not apply. A name
//! without a file fails, and so does a file without a name. A module whose end the suite counts as
//! skipped is counted so here.

mod app;
mod moved;

use smart_oidc::jose::CryptoProvider;

use crate::named::{self, Play};
use crate::suite::Tally;

macro_rules! modules {
    ($($name:ident)*) => {
        $(mod $name;)*

        /// By the names of the files.
        const FILES: &[(&str, Play<&'static CryptoProvider>)] = &[
            $((stringify!($name), |provider| {
                Box::pin(async move { $name::play(provider).await.into() })
            })),*
        ];
    };
}

modules! {
    oidcc_client_test
    oidcc_client_test_client_secret_basic
    oidcc_client_test_discovery_issuer_mismatch
    oidcc_client_test_discovery_jwks_uri_keys
    oidcc_client_test_discovery_openid_config
    oidcc_client_test_idtoken_sig_none
    oidcc_client_test_idtoken_sig_rs256
    oidcc_client_test_ignores_unparseable_key_in_jwks
    oidcc_client_test_invalid_aud
    oidcc_client_test_invalid_iss
    oidcc_client_test_invalid_sig_es256
    oidcc_client_test_invalid_sig_rs256
    oidcc_client_test_kid_absent_multiple_jwks
    oidcc_client_test_kid_absent_single_jwks
    oidcc_client_test_missing_aud
    oidcc_client_test_missing_iat
    oidcc_client_test_missing_sub
    oidcc_client_test_nonce_invalid
    oidcc_client_test_refresh_token
    oidcc_client_test_refresh_token_invalid_issuer
    oidcc_client_test_refresh_token_invalid_sub
    oidcc_client_test_scope_userinfo_claims
    oidcc_client_test_signing_key_rotation
    oidcc_client_test_signing_key_rotation_just_before_signing
    oidcc_client_test_userinfo_bearer_header
    oidcc_client_test_userinfo_invalid_sub
    oidcc_client_test_userinfo_signed
}

/// Plays all of them.
///
/// # Errors
///
/// A line of the table has another form, or there is no runtime.
pub fn run(provider: &CryptoProvider) -> Result<Tally, String> {
    let provider = named::for_good(provider)?;
    named::run("relying-party.tsv", FILES, |_| {
        Ok(vec![(String::new(), provider)])
    })
}
