//! The tests of Inferno's SMART App Launch test kit, and what the kit for certification has besides,
//! each as a file of its name.
//!
//! A server is tested by a client that shares nothing with ours: it speaks HTTP by itself, and reads
//! tokens with the backend alone. The app that is tested is ours, at the sandbox and at a server that
//! behaves as Inferno's own does; what it sent is judged here, and not by the server.
//!
//! `fixtures/inferno.tsv` lists all names with their suites, and a reason where one does not apply. A
//! name without a file fails, and so does a file without a name. A group whose tests have no names
//! but their places in it is one file.

mod app;
mod body;
mod client;
mod cors;
mod ehr;
mod fhir_user;
mod http;
mod introspecting;
mod jwt;
mod mock;
mod refreshing;
mod service;
mod tester;
mod verifiers;

use smart_oidc::jose::CryptoProvider;
use smart_sandbox::SmartVersion;

use crate::named::{self, Play};
use crate::suite::Tally;

/// With what a test is played.
#[derive(Clone, Copy)]
struct Case {
    provider: &'static CryptoProvider,
    version: SmartVersion,
}

macro_rules! tests {
    ($($name:ident)*) => {
        $(mod $name;)*

        /// By the names of the files.
        const FILES: &[(&str, Play<Case>)] = &[
            $((stringify!($name), |case| {
                Box::pin(async move { $name::play(case).await.into() })
            })),*
        ];
    };
}

tests! {
    g10_invalid_token_refresh
    g10_patient_scope
    g10_smart_invalid_aud
    g10_smart_invalid_pkce_code_verifier_group
    g10_smart_invalid_token_request
    g10_smart_scopes
    g10_smart_well_known_capabilities
    g10_token_revocation
    smart_app_launch
    smart_app_redirect
    smart_app_redirect_stu2
    smart_backend_services_auth_request_success
    smart_backend_services_auth_response_body
    smart_backend_services_invalid_client_assertion
    smart_backend_services_invalid_grant_type
    smart_backend_services_invalid_jwt
    smart_bad_code_verifier_code_received
    smart_bad_code_verifier_redirect
    smart_bad_code_verifier_token_request
    smart_blank_code_verifier_code_received
    smart_blank_code_verifier_redirect
    smart_blank_verifier_token_request
    smart_client_access_alca_interaction
    smart_client_access_alcs_interaction
    smart_client_access_alp_interaction
    smart_client_access_bsca_interaction
    smart_client_authorization_request_alca_verification
    smart_client_authorization_request_alcs_verification
    smart_client_authorization_request_alp_verification
    smart_client_registration_alca_verification
    smart_client_registration_alcs_verification
    smart_client_registration_alp_verification
    smart_client_registration_bsca_verification
    smart_client_token_request_alca_verification
    smart_client_token_request_alcs_verification
    smart_client_token_request_alp_verification
    smart_client_token_request_bsca_verification
    smart_client_token_use_verification
    smart_code_received
    smart_cors_metadata_request
    smart_cors_openid_fhir_user_claim
    smart_cors_token_exchange
    smart_cors_well_known_endpoint
    smart_discovery
    smart_ehr_refresh_with_scopes
    smart_ehr_refresh_without_scopes
    smart_launch_received
    smart_no_code_verifier_code_received
    smart_no_code_verifier_redirect
    smart_no_verifier_token_request
    smart_openid_decode_id_token
    smart_openid_fhir_user_claim
    smart_openid_required_configuration_fields
    smart_openid_retrieve_configuration
    smart_openid_retrieve_jwks
    smart_openid_token_header
    smart_openid_token_payload
    smart_plain_code_verifier_code_received
    smart_plain_code_verifier_redirect
    smart_plain_code_verifier_token_request
    smart_standalone_refresh_with_scopes
    smart_standalone_refresh_without_scopes
    smart_token_exchange
    smart_token_exchange_stu2
    smart_token_exchange_stu2_2
    smart_token_introspection_request_group
    smart_token_introspection_response_group
    smart_token_refresh
    smart_token_refresh_body
    smart_token_refresh_stu2
    smart_token_response_body
    smart_token_response_body_stu2_2
    smart_token_response_headers
    well_known_capabilities_stu1
    well_known_capabilities_stu2
    well_known_endpoint
}

/// The versions that a suite is for, each with what tells it apart.
fn versions(suite: &str) -> Result<&'static [(&'static str, SmartVersion)], String> {
    Ok(match suite {
        "smart" => &[("smart", SmartVersion::V1_0)],
        "smart_stu2" => &[("smart_stu2", SmartVersion::V2_0)],
        "smart_stu2_2" => &[("smart_stu2_2", SmartVersion::V2_2)],
        "smart_client_stu2_2" => &[("smart_client_stu2_2", SmartVersion::V2_2)],
        "smart_access_brands" => &[("smart_access_brands", SmartVersion::V2_2)],
        // It lets the vendor choose.
        "g10_certification" => &[
            ("g10_certification, SMART 1.0", SmartVersion::V1_0),
            ("g10_certification, SMART 2.0", SmartVersion::V2_0),
            ("g10_certification, SMART 2.2", SmartVersion::V2_2),
        ],
        _ => return Err(format!("there is no suite {suite}")),
    })
}

/// Plays all of them.
///
/// # Errors
///
/// A line of the table has another form, or there is no runtime.
pub fn run(provider: &CryptoProvider) -> Result<Tally, String> {
    let provider = named::for_good(provider)?;
    named::run("inferno.tsv", FILES, |between| {
        let [suites] = between else {
            return Err("a test has its suites in one column".to_owned());
        };
        let mut cases = Vec::new();
        for suite in suites.split(' ') {
            for (label, version) in versions(suite)? {
                let case = Case {
                    provider,
                    version: *version,
                };
                cases.push((format!(" ({label})"), case));
            }
        }
        Ok(cases)
    })
}
