//! The modules of the OpenID Foundation's suite for relying parties, each as a file of its name and
//! played against the sandbox over HTTP.
//!
//! `fixtures/relying-party.tsv` lists all names, with a reason where one does not apply. A name
//! without a file fails, and so does a file without a name. A module whose end the suite counts as
//! skipped is counted so here.

mod app;

use std::collections::BTreeMap;
use std::pin::Pin;

use smart_oidc::jose::CryptoProvider;

use crate::fixture;
use crate::suite::{Outcome, Tally};

type Play = fn(&'static CryptoProvider) -> Pin<Box<dyn Future<Output = Outcome>>>;

macro_rules! modules {
    ($($name:ident)*) => {
        $(mod $name;)*

        /// By the names of the files.
        const FILES: &[(&str, Play)] = &[
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
}

impl From<Result<(), String>> for Outcome {
    fn from(handled: Result<(), String>) -> Self {
        match handled {
            Ok(()) => Self::Passed,
            Err(problem) => Self::Failed(problem),
        }
    }
}

/// Plays all of them.
///
/// # Errors
///
/// A line of the table has another form, or there is no runtime.
pub fn run(provider: &CryptoProvider) -> Result<Tally, String> {
    // Servers outlive the call that starts them, and each provider is there for good.
    let provider = crate::backend::all()
        .into_iter()
        .find(|it| it.name == provider.name)
        .ok_or("no such backend")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let mut files: BTreeMap<String, Play> = FILES
        .iter()
        .map(|(name, play)| (name.replace('_', "-"), *play))
        .collect();
    let mut tally = Tally::default();
    let table = fixture::text("relying-party.tsv");
    for line in table.lines().filter(|it| !it.starts_with('#')) {
        let (name, reason) = line.split_once('\t').ok_or("two columns are expected")?;
        let outcome = match (files.remove(name), reason) {
            (None, "") => Outcome::Failed("there is no file of this name".to_owned()),
            (None, reason) => Outcome::Skipped(reason.to_owned()),
            (Some(_), reason) if !reason.is_empty() => {
                Outcome::Failed("there is a file, and a reason for none".to_owned())
            }
            (Some(play), _) => runtime.block_on(play(provider)),
        };
        tally.take(name, outcome);
    }
    for name in files.into_keys() {
        let what = "it is in no row of fixtures/relying-party.tsv".to_owned();
        tally.take(&name, Outcome::Failed(what));
    }
    Ok(tally)
}
