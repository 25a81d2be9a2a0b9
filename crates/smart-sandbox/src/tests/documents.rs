//! What is announced.

use smart_jose::Algorithm;

use super::flow::builder;
use super::http::{get, send};
use crate::{ClientRegistration, RedirectRule, SmartVersion};

// covers: SMART-DISC-1, SMART-DISC-4, SMART-DISC-5, SMART-DISC-6, SMART-DISC-8, SMART-DISC-9
// covers: SMART-DISC-10, SMART-DISC-11, SMART-DISC-13, SMART-DISC-14
#[tokio::test]
async fn the_smart_configuration_is_complete() {
    let sandbox = builder().start().await.unwrap();
    let url = format!("{}/.well-known/smart-configuration", sandbox.fhir_base());
    let answer = send("GET", &url, &[("accept", "text/html")], None).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let document = answer.json();
    let issuer = sandbox.issuer();
    assert_eq!(document["issuer"], issuer);
    for (member, path) in [
        ("jwks_uri", "/jwks"),
        ("authorization_endpoint", "/authorize"),
        ("token_endpoint", "/token"),
        ("introspection_endpoint", "/introspect"),
        ("revocation_endpoint", "/revoke"),
    ] {
        assert_eq!(document[member], format!("{issuer}{path}"));
    }
    let one = |value: &str| serde_json::json!([value]);
    let grants = ["authorization_code", "refresh_token", "client_credentials"];
    assert_eq!(document["grant_types_supported"], serde_json::json!(grants));
    assert_eq!(document["response_types_supported"], one("code"));
    assert_eq!(document["code_challenge_methods_supported"], one("S256"));
    assert_eq!(
        document["token_endpoint_auth_methods_supported"],
        serde_json::json!([
            "none",
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt"
        ])
    );
    assert_eq!(
        document["token_endpoint_auth_signing_alg_values_supported"],
        serde_json::json!(["RS384", "ES384"])
    );
    let capabilities = document["capabilities"].as_array().unwrap();
    assert!(capabilities.iter().all(serde_json::Value::is_string));
    for capability in [
        "launch-ehr",
        "launch-standalone",
        "client-public",
        "client-confidential-symmetric",
        "client-confidential-asymmetric",
        "permission-offline",
        "sso-openid-connect",
        "authorize-post",
    ] {
        assert!(capabilities.contains(&capability.into()), "{capability}");
    }
}

// covers: DISC-1, DISC-3, DISC-8, DISC-9, DISC-18, SMART-DISC-25, ISSP-2
#[tokio::test]
async fn the_openid_configuration_is_complete() {
    let sandbox = builder().algorithm(Algorithm::ES384).start().await.unwrap();
    let answer = get(&format!(
        "{}/.well-known/openid-configuration",
        sandbox.issuer()
    ))
    .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let document = answer.json();
    assert_eq!(document["issuer"], sandbox.issuer());
    assert_ne!(sandbox.issuer(), sandbox.fhir_base());
    for member in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
        let url = document[member].as_str().unwrap();
        assert!(url.starts_with(&sandbox.issuer()), "{member}");
    }
    assert_eq!(
        document["id_token_signing_alg_values_supported"],
        serde_json::json!(["RS256", "ES384"])
    );
    assert_eq!(
        document["response_types_supported"],
        serde_json::json!(["code"])
    );
    assert_eq!(
        document["subject_types_supported"],
        serde_json::json!(["public"])
    );
    assert_eq!(
        document["authorization_response_iss_parameter_supported"],
        true
    );
    let scopes = document["scopes_supported"].as_array().unwrap();
    assert!(scopes.contains(&"openid".into()));
    let claims = document["claims_supported"].as_array().unwrap();
    assert!(claims.contains(&"fhirUser".into()));
    for (name, value) in document.as_object().unwrap() {
        assert_ne!(value, &serde_json::json!([]), "{name} is empty");
    }
}

// covers: SMART-ID-8, SMART-ID-10, DISC-13
#[tokio::test]
async fn the_key_set_has_public_keys_and_may_be_cached_for_a_while() {
    let sandbox = builder().start().await.unwrap();
    let answer = get(&format!("{}/jwks", sandbox.issuer())).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("max-age=300"));
    let set = answer.json();
    let key = set["keys"][0].as_object().unwrap();
    assert_eq!(key["kid"], sandbox.kid());
    assert_eq!(key["kty"], "RSA");
    assert_eq!(key["alg"], "RS256");
    assert_eq!(key["use"], "sig");
    for member in ["n", "e"] {
        assert!(key[member].is_string(), "{member}");
    }
    for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
        assert!(!key.contains_key(private), "{private}");
    }
}

// covers: SMART-DISC-23, SMART-SEC-4, SMART-USR-17, DISC-19
#[tokio::test]
async fn scripts_of_other_origins_may_call_what_is_for_them() {
    let app = ClientRegistration::new(
        "spa",
        vec![RedirectRule::Exact("https://app.example/cb".into())],
    )
    .with_origin("https://other.example:8443");
    let sandbox = builder().register_client(app).start().await.unwrap();
    let (fhir, issuer) = (sandbox.fhir_base(), sandbox.issuer());
    let allowed = async |method, url: &str, origin| {
        let answer = send(method, url, &[("origin", origin)], None).await;
        // There are no cookies, and nothing else of a browser's is to come along.
        assert_eq!(
            answer.header("access-control-allow-credentials"),
            None,
            "{url}"
        );
        if method == "OPTIONS" && answer.header("access-control-allow-origin").is_some() {
            assert_eq!(answer.status, 204);
            let allowed = answer.header("access-control-allow-headers").unwrap();
            assert!(allowed.contains("Authorization"));
        }
        let allowed = answer.header("access-control-allow-origin");
        allowed.map(str::to_owned)
    };
    for url in [
        format!("{fhir}/.well-known/smart-configuration"),
        format!("{fhir}/metadata"),
        format!("{issuer}/.well-known/openid-configuration"),
        format!("{issuer}/jwks"),
    ] {
        for method in ["GET", "OPTIONS"] {
            let allowed = allowed(method, &url, "https://anybody.example").await;
            assert_eq!(allowed.as_deref(), Some("*"), "{method} {url}");
        }
    }
    for url in [
        format!("{fhir}/Patient/p-1"),
        format!("{fhir}/Patient"),
        format!("{issuer}/token"),
        format!("{issuer}/userinfo"),
        format!("{issuer}/revoke"),
    ] {
        for method in ["GET", "OPTIONS"] {
            for known in ["https://app.example", "https://other.example:8443"] {
                let allowed = allowed(method, &url, known).await;
                assert_eq!(allowed.as_deref(), Some(known), "{method} {url}");
            }
            for unknown in [
                "https://anybody.example",
                "https://app.example.evil",
                "null",
            ] {
                let allowed = allowed(method, &url, unknown).await;
                assert_eq!(allowed, None, "{method} {url} {unknown}");
            }
        }
    }
    for url in [
        format!("{issuer}/authorize"),
        format!("{issuer}/introspect"),
        format!("{}/_sandbox/faults", sandbox.base_url()),
    ] {
        let allowed = allowed("GET", &url, "https://app.example").await;
        assert_eq!(allowed, None, "{url}");
    }
}

#[tokio::test]
async fn the_first_version_says_less_and_has_its_issuer_elsewhere() {
    let sandbox = builder().version(SmartVersion::V1_0).start().await.unwrap();
    assert_eq!(sandbox.issuer(), sandbox.fhir_base());
    let url = format!("{}/.well-known/smart-configuration", sandbox.fhir_base());
    let document = get(&url).await.json();
    for absent in [
        "issuer",
        "jwks_uri",
        "grant_types_supported",
        "code_challenge_methods_supported",
    ] {
        assert!(document.get(absent).is_none(), "{absent}");
    }
    let capabilities = document["capabilities"].as_array().unwrap();
    assert!(!capabilities.contains(&"permission-v2".into()));
    let url = format!("{}/.well-known/openid-configuration", sandbox.fhir_base());
    assert_eq!(get(&url).await.json()["issuer"], sandbox.fhir_base());
    let later = builder().version(SmartVersion::V2_0).start().await.unwrap();
    let url = format!("{}/.well-known/openid-configuration", later.fhir_base());
    assert_eq!(get(&url).await.status, 404);
}

#[tokio::test]
async fn older_apps_find_the_endpoints_in_the_capability_statement() {
    let sandbox = builder().start().await.unwrap();
    let answer = get(&format!("{}/metadata", sandbox.fhir_base())).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/fhir+json"));
    let statement = answer.json();
    assert_eq!(statement["resourceType"], "CapabilityStatement");
    assert_eq!(statement["fhirVersion"], "4.0.1");
    let url = format!("{}/.well-known/smart-configuration", sandbox.fhir_base());
    let configuration = get(&url).await.json();
    let extension = &statement["rest"][0]["security"]["extension"][0]["extension"];
    let issuer = sandbox.issuer();
    assert_eq!(extension[0]["valueUri"], format!("{issuer}/authorize"));
    assert_eq!(extension[1]["valueUri"], format!("{issuer}/token"));
    // All that the smart-configuration says is said here too, and the same.
    for (here, there) in [
        ("authorize", "authorization_endpoint"),
        ("token", "token_endpoint"),
        ("introspect", "introspection_endpoint"),
        ("revoke", "revocation_endpoint"),
    ] {
        let stated = extension.as_array().unwrap().iter();
        let stated: Vec<_> = stated.filter(|it| it["url"] == here).collect();
        assert_eq!(stated.len(), 1, "{here}");
        assert_eq!(stated[0]["valueUri"], configuration[there], "{here}");
    }
}

#[tokio::test]
async fn anything_else_is_not_found_in_json() {
    let sandbox = builder().start().await.unwrap();
    for path in ["/fhir", "/oidc", "/oidc/jwks/", "/favicon.ico", "/a/b/c/d"] {
        let answer = get(&format!("{}{path}", sandbox.base_url())).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.json()["error"], "not_found");
    }
}
