//! The typed documents: what each version of the guide puts there, what is made of what is odd,
//! and what is written back.

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};
use smart_oidc::discovery::{
    Capability, CapabilitySet, FhirBaseUrl, Issuer, PlainHttp, ProviderMetadata, SmartConfiguration,
};
use smart_oidc::jose::{Algorithm, Algorithms};

const BASE: &str = "https://ehr.example/fhir";
const ISSUER: &str = "https://login.example/tenant";

fn answer(document: &Value) -> Response<Bytes> {
    Response::new(Bytes::from(document.to_string()))
}

fn smart(document: &Value) -> SmartConfiguration {
    let base = FhirBaseUrl::parse(BASE).unwrap();
    SmartConfiguration::from_response(&base, &answer(document), PlainHttp::Refused).unwrap()
}

fn openid(document: &Value) -> ProviderMetadata {
    let issuer = Issuer::parse(ISSUER).unwrap();
    ProviderMetadata::from_response(&issuer, &answer(document), PlainHttp::Refused).unwrap()
}

fn url(path: &str) -> String {
    format!("https://login.example/{path}")
}

/// Everything that 2.2 has, and two members of somebody's own.
fn everything() -> Value {
    json!({
        "issuer": ISSUER,
        "jwks_uri": url("jwks"),
        "authorization_endpoint": url("authorize"),
        "grant_types_supported": ["authorization_code", "client_credentials"],
        "token_endpoint": url("token"),
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
        "registration_endpoint": url("register"),
        "smart_app_state_endpoint": url("state"),
        "associated_endpoints": [{"url": url("other"), "capabilities": ["launch-ehr"]}],
        "user_access_brand_bundle": url("brands.json"),
        "user_access_brand_identifier": {"value": "a"},
        "scopes_supported": ["openid", "fhirUser", "launch"],
        "response_types_supported": ["code"],
        "management_endpoint": url("manage"),
        "introspection_endpoint": url("introspect"),
        "revocation_endpoint": url("revoke"),
        "code_challenge_methods_supported": ["S256"],
        "capabilities": [
            "launch-ehr", "launch-standalone", "sso-openid-connect",
            "client-confidential-asymmetric", "permission-v2", "health-cards",
            "https://vendor.example/capability",
        ],
        "com.vendor": {"nested": [1, 2, 3]},
    })
}

// covers: SMART-DISC-15, SMART-DISC-16, SMART-DISC-17, SMART-DISC-18, SMART-DISC-19
// covers: SMART-DISC-21, SMART-DISC-24
#[test]
fn all_that_2_2_has_is_typed_and_the_rest_is_kept() {
    let found = smart(&everything());
    assert_eq!(found.findings, []);
    for (endpoint, path) in [
        (&found.authorization_endpoint, "authorize"),
        (&found.registration_endpoint, "register"),
        (&found.management_endpoint, "manage"),
        (&found.introspection_endpoint, "introspect"),
        (&found.revocation_endpoint, "revoke"),
        (&found.smart_app_state_endpoint, "state"),
    ] {
        assert_eq!(endpoint.as_ref().unwrap().as_str(), url(path));
    }
    let associated = &found.associated_endpoints[0];
    assert_eq!(associated.url, url("other"));
    assert_eq!(associated.capabilities, ["launch-ehr"]);
    let algorithms = found
        .token_endpoint_auth_signing_alg_values_supported
        .clone();
    assert_eq!(algorithms.unwrap(), ["RS384", "ES384"]);
    assert!(found.has(Capability::ClientConfidentialAsymmetric));
    assert!(found.has(Capability::PermissionV2) && !found.has(Capability::PermissionV1));
    assert!(found.has("https://vendor.example/capability"));
    let names: Vec<_> = found.extra.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "com.vendor",
            "user_access_brand_bundle",
            "user_access_brand_identifier"
        ]
    );
    // What is written reads back to the same.
    assert_eq!(serde_json::to_value(&found).unwrap(), everything());
}

// covers: SMART-DISC-27, SMART-DISC-12, SMART-DISC-10, SMART-DISC-15
#[test]
fn a_document_of_1_0_is_read_and_what_it_lacks_is_said() {
    let found = smart(&json!({
        "authorization_endpoint": url("authorize"),
        "token_endpoint": url("token"),
        "token_endpoint_auth_methods": ["client_secret_basic"],
        "capabilities": ["launch-ehr", "sso-openid-connect"],
    }));
    assert!(found.is_smart_1_0() && !found.is_from_capability_statement());
    assert_eq!(found.issuer, None);
    let methods = found.token_endpoint_auth_methods_supported.unwrap();
    assert_eq!(methods, ["client_secret_basic"]);
    let codes: Vec<_> = found.findings.iter().map(|it| it.code).collect();
    assert_eq!(
        codes,
        ["pkce-not-announced", "sso-incomplete", "sso-incomplete"]
    );
    // A list that says nothing is no list, and the other name is read.
    for (others, expected) in [
        (
            json!(["client_secret_post"]),
            Some(vec!["client_secret_post".to_owned()]),
        ),
        (json!([]), None),
        (Value::Null, None),
    ] {
        let found = smart(&json!({
            "token_endpoint": url("token"), "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": [], "token_endpoint_auth_methods": others,
        }));
        assert_eq!(found.token_endpoint_auth_methods_supported, expected);
        let codes: Vec<_> = found.findings.iter().map(|it| it.code).collect();
        assert!(codes.contains(&"auth-methods-empty"), "{codes:?}");
    }
    // A back-end server has nowhere to send a browser.
    let found = smart(&json!({"token_endpoint": url("token")}));
    assert!(found.authorization_endpoint.is_none());
}

// covers: SMART-DISC-13, SMART-DISC-17, SMART-DISC-18
#[test]
fn members_that_nobody_needs_do_not_refuse_a_document() {
    let mut odd = everything();
    odd["revocation_endpoint"] = json!("http://login.example/revoke");
    odd["introspection_endpoint"] = json!("");
    odd["registration_endpoint"] = json!(7);
    odd["associated_endpoints"] = json!([{"capabilities": []}]);
    odd["capabilities"] = json!([1, null]);
    let found = smart(&odd);
    assert!(found.revocation_endpoint.is_none() && found.introspection_endpoint.is_none());
    assert!(found.registration_endpoint.is_none() && found.associated_endpoints.is_empty());
    assert!(found.capabilities.is_empty());
    let codes: Vec<_> = found.findings.iter().map(|it| it.code).collect();
    assert_eq!(
        codes,
        [
            "member-type",
            "endpoint-refused",
            "member-type",
            "member-type"
        ],
        "{:?}",
        found.findings
    );
}

// covers: SMART-DISC-21, SMART-DISC-22
#[test]
fn capability_sets_need_what_the_guide_says() {
    use Capability::{
        ClientConfidentialSymmetric, ClientPublic, ContextEhrEncounter, ContextEhrPatient,
        ContextStandalonePatient, LaunchEhr, LaunchStandalone, PermissionPatient, PermissionUser,
    };
    let sets = [
        (
            CapabilitySet::PatientStandalone,
            vec![
                LaunchStandalone,
                ContextStandalonePatient,
                PermissionPatient,
            ],
        ),
        (
            CapabilitySet::PatientEhr,
            vec![LaunchEhr, ContextEhrPatient, PermissionPatient],
        ),
        (
            CapabilitySet::ClinicianStandalone,
            vec![LaunchStandalone, PermissionUser, PermissionPatient],
        ),
        (
            CapabilitySet::ClinicianEhr,
            vec![
                LaunchEhr,
                ContextEhrPatient,
                ContextEhrEncounter,
                PermissionUser,
                PermissionPatient,
            ],
        ),
    ];
    let listing = |capabilities: &[Capability]| {
        let names: Vec<_> = capabilities.iter().map(|it| it.name()).collect();
        smart(&json!({"token_endpoint": url("token"), "capabilities": names}))
    };
    for (set, needed) in sets {
        for client in [ClientPublic, ClientConfidentialSymmetric] {
            let with_client = [needed.clone(), vec![client]].concat();
            assert_eq!(listing(&with_client).lacks(set), []);
            for left_out in &needed {
                let rest = with_client.iter().filter(|it| *it != left_out);
                let rest: Vec<_> = rest.copied().collect();
                assert_eq!(listing(&rest).lacks(set), [*left_out]);
            }
        }
        assert_eq!(listing(&needed).lacks(set), [ClientPublic]);
    }
    // Each name is the guide's, and each is there once.
    let mut names: Vec<_> = Capability::ALL.iter().map(|it| it.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Capability::ALL.len());
    assert!(listing(Capability::ALL).has("permission-online"));
}

// covers: DISC-14, DISC-15, DISC-16, DISC-17, DISC-20, ASM-7
#[test]
fn provider_metadata_has_the_defaults_of_the_standard_and_reads_back() {
    let found = openid(&json!({"issuer": ISSUER, "jwks_uri": url("jwks")}));
    assert_eq!(
        found.token_endpoint_auth_methods_supported,
        ["client_secret_basic"]
    );
    assert_eq!(
        found.grant_types_supported,
        ["authorization_code", "implicit"]
    );
    assert!(found.request_uri_parameter_supported);
    assert!(!found.authorization_response_iss_parameter_supported);
    assert_eq!(found.narrow(Algorithms::ID_TOKEN), Algorithms::ID_TOKEN);

    let whole = json!({
        "issuer": ISSUER,
        "jwks_uri": url("jwks"),
        "authorization_endpoint": url("authorize"),
        "token_endpoint": url("token"),
        "userinfo_endpoint": url("userinfo"),
        "registration_endpoint": url("register"),
        "introspection_endpoint": url("introspect"),
        "revocation_endpoint": url("revoke"),
        "end_session_endpoint": url("logout"),
        "authorization_response_iss_parameter_supported": true,
        "request_uri_parameter_supported": false,
        "id_token_signing_alg_values_supported": ["RS256", "XX999", "ES384"],
        "scopes_supported": ["openid"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "claims_supported": ["sub"],
        "code_challenge_methods_supported": ["S256"],
        "grant_types_supported": ["authorization_code"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES384"],
        "acr_values_supported": ["1"],
        // Signed metadata may be passed over, and is.
        "signed_metadata": "e30.e30.AA",
    });
    let found = openid(&whole);
    assert_eq!(serde_json::to_value(&found).unwrap(), whole);
    assert_eq!(
        found.narrow(Algorithms::ID_TOKEN),
        Algorithms::of(&[Algorithm::RS256, Algorithm::ES384])
    );
    assert_eq!(found.userinfo_endpoint.unwrap().as_str(), url("userinfo"));

    let mut odd = whole;
    odd["end_session_endpoint"] = json!("javascript:alert(1)");
    odd["scopes_supported"] = json!([]);
    let found = openid(&odd);
    assert!(found.end_session_endpoint.is_none());
    assert!(
        found
            .findings
            .iter()
            .any(|it| it.code == "endpoint-refused")
    );
    let written = serde_json::to_value(&found).unwrap();
    assert!(written.get("scopes_supported").is_none());
}

// covers: ASM-1, ASM-2, ASM-3, ASM-4, ASM-9, ASM-10
#[test]
fn metadata_of_an_oauth_server_is_elsewhere_and_checked_the_same() {
    for (issuer, openid, oauth) in [
        (
            "https://h",
            "https://h/.well-known/openid-configuration",
            "https://h/.well-known/oauth-authorization-server",
        ),
        (
            "https://h/",
            "https://h/.well-known/openid-configuration",
            "https://h/.well-known/oauth-authorization-server",
        ),
        (
            "https://h/a",
            "https://h/a/.well-known/openid-configuration",
            "https://h/.well-known/oauth-authorization-server/a",
        ),
        (
            "https://h/a/",
            "https://h/a/.well-known/openid-configuration",
            "https://h/.well-known/oauth-authorization-server/a",
        ),
        (
            "https://h:8443/a/b",
            "https://h:8443/a/b/.well-known/openid-configuration",
            "https://h:8443/.well-known/oauth-authorization-server/a/b",
        ),
        (
            "https://[2001:db8::1]/t",
            "https://[2001:db8::1]/t/.well-known/openid-configuration",
            "https://[2001:db8::1]/.well-known/oauth-authorization-server/t",
        ),
    ] {
        let issuer = Issuer::parse(issuer).unwrap();
        assert_eq!(ProviderMetadata::request(&issuer).uri().to_string(), openid);
        assert_eq!(
            ProviderMetadata::oauth_request(&issuer).uri().to_string(),
            oauth
        );
    }
    let issuer = Issuer::parse(ISSUER).unwrap();
    let read = |named: &str| {
        let document = json!({"issuer": named, "jwks_uri": url("jwks")});
        let answer = answer(&document);
        let found = ProviderMetadata::from_oauth_response(&issuer, &answer, PlainHttp::Refused);
        found.map(|it| it.issuer).map_err(|it| it.code())
    };
    assert_eq!(read(ISSUER), Ok(issuer.clone()));
    for other in [
        "https://login.example/Tenant",
        "https://login.example",
        "https://evil.example/tenant",
    ] {
        assert_eq!(read(other), Err("issuer-mismatch"));
    }
}
