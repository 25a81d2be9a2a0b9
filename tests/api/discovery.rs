//! The chain of trust: which documents are fetched, in which order, and where the chain breaks.

use std::sync::Arc;

use serde_json::{Value, json};
use smart_oidc::discovery::{
    Discovery, DiscoveryError, FhirBaseUrl, FixedClock, Issuer, RemoteJwks, Trace, TrustedIssuer,
};
use smart_oidc::jose::{Algorithm, Algorithms, ErrorClass, UnixTime};
use smart_oidc::{ClientId, Expected, IdTokenVerifier, RawIdToken};
use smart_tests::forge::Forge;

use super::provider;
use crate::fake_http::{Answer, FakeHttp};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const CLIENT: &str = "growth-chart-app-123";
const BASE: &str = "https://ehr.example/r4/fhir";
const SMART_URL: &str = "https://ehr.example/r4/fhir/.well-known/smart-configuration";
const ISSUER: &str = "https://login.example/oidc";
const OPENID_URL: &str = "https://login.example/oidc/.well-known/openid-configuration";
const JWKS_URL: &str = "https://login.example/oidc/jwks";

/// A SMART configuration with which nothing is wrong.
fn smart() -> Value {
    json!({
        "issuer": ISSUER,
        "jwks_uri": JWKS_URL,
        "authorization_endpoint": "https://login.example/oidc/authorize",
        "token_endpoint": "https://login.example/oidc/token",
        "capabilities": ["launch-standalone", "sso-openid-connect"],
        "code_challenge_methods_supported": ["S256"],
        "grant_types_supported": ["authorization_code"],
    })
}

/// The metadata of an issuer with which nothing is wrong.
fn openid() -> Value {
    json!({
        "issuer": ISSUER,
        "jwks_uri": JWKS_URL,
        "id_token_signing_alg_values_supported": ["RS256", "ES384"],
        "authorization_response_iss_parameter_supported": true,
    })
}

fn with(mut document: Value, name: &str, value: impl Into<Value>) -> Value {
    document[name] = value.into();
    document
}

fn without(mut document: Value, name: &str) -> Value {
    let removed = document.as_object_mut().unwrap().remove(name);
    assert!(removed.is_some(), "{name} was not there");
    document
}

/// A network with both documents and the keys of the forged issuer.
fn network(smart: &Value, openid: &Value) -> Arc<FakeHttp> {
    let http = FakeHttp::new();
    http.answer(SMART_URL, Answer::json(smart));
    http.answer(OPENID_URL, Answer::json(openid));
    http.answer(JWKS_URL, Answer::json(&Forge::issuer().jwks()));
    http
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

fn trace_with(
    http: &Arc<FakeHttp>,
    settings: impl FnOnce(Discovery) -> Discovery,
    base: &str,
) -> Trace {
    let discovery = settings(Discovery::new(http.clone()));
    let base = FhirBaseUrl::parse(base).unwrap();
    block_on(discovery.trace(&base))
}

fn trace(http: &Arc<FakeHttp>) -> Trace {
    trace_with(http, |it| it, BASE)
}

/// The codes of all findings along the chain.
fn findings(trace: &Trace) -> Vec<&'static str> {
    trace
        .steps
        .iter()
        .flat_map(|it| &it.findings)
        .map(|it| it.code)
        .collect()
}

fn code(trace: &Trace) -> Result<&str, &'static str> {
    trace
        .outcome
        .as_ref()
        .map(|it| it.issuer().as_str())
        .map_err(DiscoveryError::code)
}

// covers: SMART-DISC-2, SMART-DISC-3, DISC-1, DISC-3, SMART-ID-11, SMART-DISC-25
#[test]
fn d1_the_chain_leads_from_the_fhir_base_to_the_keys() {
    for base in [BASE.to_owned(), format!("{BASE}/")] {
        let http = network(&smart(), &openid());
        let trace = trace_with(&http, |it| it, &base);
        assert_eq!(findings(&trace), [""; 0]);
        let trusted = trace.outcome.unwrap();
        assert_eq!(trusted.issuer().as_str(), ISSUER);
        assert_eq!(trusted.jwks_uri().as_str(), JWKS_URL);
        assert_eq!(trusted.fhir_base().as_str(), base);
        assert_eq!(http.urls(), [SMART_URL, OPENID_URL]);
        for sent in http.sent() {
            assert_eq!(sent.method, "GET");
            assert_eq!(sent.headers["accept"], "application/json");
            assert!(sent.body.is_empty());
        }
        let steps: Vec<_> = trace
            .steps
            .iter()
            .map(|it| (it.name, it.url.as_str()))
            .collect();
        assert_eq!(
            steps,
            [
                ("smart-configuration", SMART_URL),
                ("openid-configuration", OPENID_URL)
            ]
        );
    }
}

// covers: SMART-DISC-27
#[test]
fn d4_without_an_issuer_the_base_is_tried_and_must_name_itself() {
    let document = format!("{BASE}/.well-known/openid-configuration");
    let silent = without(without(smart(), "issuer"), "jwks_uri");
    let own = with(openid(), "issuer", BASE);

    let http = network(&silent, &openid());
    http.answer(&document, Answer::json(&own));
    let found = trace(&http);
    assert_eq!(code(&found), Ok(BASE));
    let both = ["sso-incomplete", "sso-incomplete", "issuer-missing"];
    assert_eq!(findings(&found), both);
    assert_eq!(http.urls(), [SMART_URL, &document]);

    // The base is no issuer by assumption: its own document has to say so.
    let http = network(&silent, &openid());
    http.answer(&document, Answer::json(&openid()));
    assert_eq!(code(&trace(&http)), Err("issuer-mismatch"));
    assert_eq!(http.urls(), [SMART_URL, &document]);

    let http = network(&silent, &openid());
    assert_eq!(code(&trace(&http)), Err("document-status"));
    assert_eq!(http.urls(), [SMART_URL, &document]);
}

#[test]
fn d4_an_issuer_that_is_the_address_of_the_document_is_met() {
    let http = network(&with(smart(), "issuer", OPENID_URL), &openid());
    let found = trace(&http);
    assert_eq!(code(&found), Ok(ISSUER));
    assert_eq!(findings(&found), ["issuer-is-document"]);
    assert_eq!(http.urls(), [SMART_URL, OPENID_URL]);

    // The document itself must still name the issuer, not its own address.
    let http = network(&with(smart(), "issuer", OPENID_URL), &{
        with(openid(), "issuer", OPENID_URL)
    });
    assert_eq!(code(&trace(&http)), Err("issuer-mismatch"));
}

// covers: DISC-2, DISC-4
#[test]
fn d4_one_final_slash_is_met_with_a_finding_and_the_document_decides() {
    let slashed = format!("{ISSUER}/");
    for (named, found, findings_wanted) in [
        (ISSUER, slashed.as_str(), vec!["issuer-slash"]),
        (&slashed, ISSUER, vec!["issuer-slash"]),
        (&slashed, &slashed, vec![]),
    ] {
        let http = network(
            &with(smart(), "issuer", named),
            &with(openid(), "issuer", found),
        );
        let trace = trace(&http);
        assert_eq!(code(&trace), Ok(found), "{named}");
        assert_eq!(findings(&trace), findings_wanted, "{named}");
        assert_eq!(http.urls(), [SMART_URL, OPENID_URL]);
    }
}

// covers: DISC-4, DISC-5, SMART-DISC-25, ASM-4
#[test]
fn d1_every_other_difference_breaks_the_chain() {
    for (found, expected) in [
        ("https://LOGIN.example/oidc", "issuer-mismatch"),
        ("https://login.example/OIDC", "issuer-mismatch"),
        ("https://login.example:443/oidc", "issuer-mismatch"),
        ("https://login.example/oidc//", "issuer-mismatch"),
        ("https://login.example/oid", "issuer-mismatch"),
        ("https://login.example/oidc2", "issuer-mismatch"),
        ("https://login.example", "issuer-mismatch"),
        ("https://login.example/%6fidc", "issuer-mismatch"),
        ("https://evil.example/oidc", "issuer-mismatch"),
        ("https://login.example.evil.example/oidc", "issuer-mismatch"),
        (BASE, "issuer-mismatch"),
        ("http://login.example/oidc", "document-url"),
        ("https://user@login.example/oidc", "document-url"),
        ("https://login.example/oidc?x", "document-url"),
        ("https://login.example/oidc#x", "document-url"),
        ("https://login.example/../oidc", "document-url"),
        ("login.example/oidc", "document-url"),
        ("", "document-url"),
    ] {
        let http = network(&smart(), &with(openid(), "issuer", found));
        assert_eq!(code(&trace(&http)), Err(expected), "{found}");
        assert_eq!(http.urls(), [SMART_URL, OPENID_URL]);
    }
    // An issuer that is refused is never asked.
    for named in [
        "http://login.example/oidc",
        "ftp://login.example/oidc",
        "file:///etc/oidc",
        "https://user:password@login.example/oidc",
        "https://login.example/oidc?tenant=1",
        "oidc",
    ] {
        let http = network(&with(smart(), "issuer", named), &openid());
        assert!(code(&trace(&http)).is_err(), "{named}");
        assert_eq!(http.urls(), [SMART_URL], "{named}");
    }
}

#[test]
fn d4_a_template_is_named_as_such_and_never_looked_up() {
    let template = "https://login.example/{tenantid}/v2.0";
    let http = network(&with(smart(), "issuer", template), &openid());
    assert_eq!(code(&trace(&http)), Err("issuer-template"));
    assert_eq!(http.urls(), [SMART_URL]);

    let http = network(&smart(), &with(openid(), "issuer", template));
    assert_eq!(code(&trace(&http)), Err("issuer-template"));
    let error = trace(&http).outcome.unwrap_err();
    assert!(error.remedy().contains("pin"), "{}", error.remedy());
}

#[test]
fn d4_a_pinned_issuer_is_the_only_one_that_is_accepted() {
    let pin = |text: &str| {
        let issuer = Issuer::parse(text).unwrap();
        move |it: Discovery| it.pin_issuer(issuer)
    };
    let http = network(&smart(), &openid());
    assert_eq!(code(&trace_with(&http, pin(ISSUER), BASE)), Ok(ISSUER));
    for other in [
        "https://login.example/oidc/",
        "https://login.example/other",
        BASE,
    ] {
        let http = network(&smart(), &openid());
        let found = trace_with(&http, pin(other), BASE);
        assert_eq!(code(&found), Err("issuer-not-pinned"), "{other}");
        // At most the pinned issuer was asked, and never the one that the server names instead.
        let slashed = other.strip_suffix('/') == Some(ISSUER);
        assert_eq!(http.count(), if slashed { 2 } else { 1 }, "{other}");
    }
    // Where the server names none, or a template, the pin says which one it is.
    for named in [json!(null), json!("https://login.example/{tenantid}/v2.0")] {
        let http = network(&with(smart(), "issuer", named), &openid());
        assert_eq!(code(&trace_with(&http, pin(ISSUER), BASE)), Ok(ISSUER));
        assert_eq!(http.urls(), [SMART_URL, OPENID_URL]);
    }
}

// covers: SMART-DISC-7
#[test]
fn d5_relative_endpoints_are_resolved_against_the_base_and_reported() {
    for (written, expected) in [
        ("oauth/token", "https://ehr.example/r4/fhir/oauth/token"),
        ("/oauth/token", "https://ehr.example/oauth/token"),
        ("../../token", "https://ehr.example/token"),
    ] {
        let http = network(&with(smart(), "token_endpoint", written), &openid());
        let found = trace(&http);
        assert_eq!(findings(&found), ["relative-endpoint"], "{written}");
        let trusted = found.outcome.unwrap();
        let endpoint = &trusted.smart_configuration().token_endpoint;
        assert_eq!(endpoint.as_str(), expected);
    }
    for written in [
        "//evil.example/token",
        "http://login.example/token",
        "javascript://login.example/token",
        "%2e%2e/token",
        "",
    ] {
        let http = network(&with(smart(), "token_endpoint", written), &openid());
        assert_eq!(code(&trace(&http)), Err("document-url"), "{written}");
        assert_eq!(http.urls(), [SMART_URL], "{written}");
    }
}

#[test]
fn d4_where_the_key_addresses_differ_the_issuers_own_wins() {
    let other = "https://ehr.example/keys";
    let http = network(&with(smart(), "jwks_uri", other), &openid());
    let found = trace(&http);
    assert_eq!(findings(&found), ["jwks-uri-differs"]);
    assert_eq!(found.outcome.unwrap().jwks_uri().as_str(), JWKS_URL);
}

// covers: DISC-5, DISC-10, SMART-USR-12, CACHE-16, SMART-DISC-13
#[test]
fn d6_what_is_no_strict_json_document_breaks_the_chain_at_once() {
    let text = |body: &str| Answer::text("application/json", body);
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(70), "]".repeat(70));
    let long = format!("{{\"x\":\"{}\"}}", "x".repeat(256 * 1024));
    let cases = [
        (
            Answer::text("text/html; charset=utf-8", "<html>"),
            "document-html",
        ),
        (
            Answer::text("Text/HTML", &openid().to_string()),
            "document-html",
        ),
        (
            Answer::redirect(302, "https://login.example/elsewhere"),
            "document-redirect",
        ),
        (
            Answer::redirect(307, "http://127.0.0.1/"),
            "document-redirect",
        ),
        (Answer::status(304), "document-not-modified"),
        (Answer::status(404), "document-status"),
        (Answer::status(410), "document-status"),
        (Answer::status(500), "document-status"),
        (Answer::status(204), "document-status"),
        (Answer::status(200), "document-json"),
        (text("<html>"), "document-json"),
        (text("{} {}"), "document-json"),
        (text("[]"), "document-json"),
        (text("{}"), "document-json"),
        (text("\u{feff}{}"), "document-json"),
        (
            text(r#"{"issuer":7,"jwks_uri":7,"token_endpoint":7}"#),
            "document-json",
        ),
        (
            text(&format!(
                r#"{{"issuer":"{ISSUER}","iss\u0075er":"https://evil.example","jwks_uri":"{JWKS_URL}","token_endpoint":"{JWKS_URL}"}}"#
            )),
            "document-json",
        ),
        (text(&deep), "document-json"),
        (text(&long), "document-json"),
    ];
    for (answer, expected) in cases {
        let http = network(&smart(), &openid());
        http.answer(SMART_URL, answer.clone());
        let found = trace(&http);
        assert_eq!(code(&found), Err(expected), "{answer:?}");
        assert_eq!(http.urls(), [SMART_URL]);
        assert_eq!(
            found.outcome.unwrap_err().class(),
            ErrorClass::Upstream,
            "{expected}"
        );

        let http = network(&smart(), &openid());
        http.answer(OPENID_URL, answer.clone());
        assert_eq!(code(&trace(&http)), Err(expected), "{answer:?}");
        assert_eq!(http.urls(), [SMART_URL, OPENID_URL]);
    }
    let http = network(&smart(), &openid());
    http.set_down(true);
    let found = trace(&http);
    assert_eq!(code(&found), Err("http-connect"));
    let error = found.outcome.unwrap_err();
    assert!(error.document().is_some() && !error.is_not_found());
    assert_eq!(http.urls(), [SMART_URL]);
}

#[test]
fn only_a_missing_document_counts_as_not_found() {
    for (status, expected) in [(404, true), (410, true), (403, false), (500, false)] {
        let http = network(&smart(), &openid());
        http.answer(SMART_URL, Answer::status(status));
        let error = trace(&http).outcome.unwrap_err();
        assert_eq!(error.is_not_found(), expected, "{status}");
    }
}

#[test]
fn d6_a_json_document_under_another_media_type_is_read_with_a_finding() {
    for (content_type, expected) in [
        ("application/json;charset=UTF-8", vec![]),
        ("Application/JSON", vec![]),
        ("application/fhir+json", vec![]),
        ("text/plain", vec!["content-type"]),
        ("application/octet-stream", vec!["content-type"]),
    ] {
        let http = network(&smart(), &openid());
        http.answer(
            OPENID_URL,
            Answer::text(content_type, &openid().to_string()),
        );
        let found = trace(&http);
        assert_eq!(code(&found), Ok(ISSUER), "{content_type}");
        assert_eq!(findings(&found), expected, "{content_type}");
    }
}

// covers: DISC-10, SMART-SEC-1
#[test]
fn adv_jwks_scheme() {
    for uri in [
        "http://login.example/jwks",
        "http://127.0.0.1/jwks",
        "file:///etc/jwks.json",
        "ftp://login.example/jwks",
        "data:application/json,%7B%22keys%22%3A%5B%5D%7D",
        "javascript:alert(1)",
        "https://user@login.example/jwks",
        "//login.example/jwks",
        "/jwks",
        "jwks",
        "",
    ] {
        let http = network(&smart(), &with(openid(), "jwks_uri", uri));
        assert_eq!(code(&trace(&http)), Err("document-url"), "{uri}");
        assert_eq!(http.urls(), [SMART_URL, OPENID_URL], "{uri}");
    }
    // Plain http needs the opt-in by its name, and even then stays on this machine.
    for (uri, is_trusted) in [
        ("http://127.0.0.1:8080/jwks", true),
        ("http://[::1]/jwks", true),
        ("http://localhost/jwks", true),
        ("http://login.example/jwks", false),
        ("http://127.0.0.1.evil.example/jwks", false),
        ("http://10.0.0.1/jwks", false),
    ] {
        let http = network(&smart(), &with(openid(), "jwks_uri", uri));
        let found = trace_with(&http, Discovery::allow_loopback_http, BASE);
        assert_eq!(found.outcome.is_ok(), is_trusted, "{uri}");
    }
}

/// The verifier at the end of the chain.
fn verifier(http: &Arc<FakeHttp>, trusted: &TrustedIssuer) -> IdTokenVerifier {
    let keys = RemoteJwks::new(
        trusted.jwks_uri().clone(),
        http.clone(),
        provider(),
        Arc::new(FixedClock::at(NOW)),
    );
    IdTokenVerifier::new(
        trusted,
        ClientId::new(CLIENT),
        provider().algorithms(),
        Arc::new(keys),
        provider(),
    )
}

fn claims(issuer: &str) -> Value {
    json!({
        "iss": issuer,
        "sub": "alice",
        "aud": CLIENT,
        "exp": NOW.as_secs() + 300,
        "iat": NOW.as_secs(),
    })
}

fn judge(verifier: &IdTokenVerifier, token: &str) -> Result<(), &'static str> {
    let expected = Expected::no_nonce_sent();
    block_on(verifier.verify(&RawIdToken::new(token), &expected, NOW))
        .map(drop)
        .map_err(|error| error.code())
}

// covers: DISC-20, OIDC-VAL-7, JWT-14, BCP-1
#[test]
fn the_announced_algorithms_narrow_what_is_accepted_and_never_widen_it() {
    const MEMBER: &str = "id_token_signing_alg_values_supported";
    let some = |list: &[Algorithm]| Some(Algorithms::of(list));
    let cases = [
        (json!(["RS256"]), some(&[Algorithm::RS256]), vec![]),
        (
            json!(["RS256", "HS256", "none"]),
            some(&[Algorithm::RS256]),
            vec!["algorithms-unknown"],
        ),
        (
            json!(["RS256", "rs384"]),
            some(&[Algorithm::RS256]),
            vec!["algorithms-unknown"],
        ),
        (
            json!(["ES384"]),
            some(&[Algorithm::ES384]),
            vec!["algorithms-without-rs256"],
        ),
        (
            json!(["rs256"]),
            None,
            vec!["algorithms-unknown", "algorithms-without-rs256"],
        ),
        (json!([]), None, vec!["algorithms-without-rs256"]),
        (json!(null), None, vec!["member-type", "algorithms-missing"]),
    ];
    for (announced, narrowed, expected) in cases {
        let http = network(&smart(), &with(openid(), MEMBER, announced.clone()));
        let found = trace(&http);
        assert_eq!(findings(&found), expected, "{announced}");
        let trusted = found.outcome.unwrap();
        assert_eq!(
            trusted.provider_metadata().id_token_algorithms,
            narrowed,
            "{announced}"
        );
        let verifier = verifier(&http, &trusted);
        for alg in ["RS256", "RS384", "ES384"] {
            let algorithm = Algorithm::from_name(alg).unwrap();
            let is_accepted = narrowed.is_none_or(|it| it.contains(algorithm));
            let token = Forge::issuer().token(alg, &claims(ISSUER));
            let verdict = if is_accepted {
                Ok(())
            } else {
                Err("alg-not-accepted")
            };
            assert_eq!(judge(&verifier, &token), verdict, "{alg} {announced}");
            // A report says that it is the issuer's list and not ours that left it out.
            let report = block_on(verifier.explain(
                &RawIdToken::new(token),
                &Expected::no_nonce_sent(),
                NOW,
            ));
            let codes: Vec<_> = report.findings.iter().map(|it| it.code).collect();
            assert_eq!(codes.contains(&"algorithm-not-announced"), !is_accepted);
        }
        // Whatever an issuer announces, these do not exist here.
        let unsigned = Forge::issuer().raw_token("RS256", br#"{"alg":"none"}"#, b"{}");
        assert_eq!(judge(&verifier, &unsigned), Err("alg-unsupported"));
    }
    let caller = Algorithms::of(&[Algorithm::ES384]);
    let http = network(&smart(), &openid());
    let trusted = trace(&http).outcome.unwrap();
    let keys = RemoteJwks::new(
        trusted.jwks_uri().clone(),
        http,
        provider(),
        Arc::new(FixedClock::at(NOW)),
    );
    let verifier = IdTokenVerifier::new(
        &trusted,
        ClientId::new(CLIENT),
        caller,
        Arc::new(keys),
        provider(),
    );
    let token = Forge::issuer().token("RS256", &claims(ISSUER));
    assert_eq!(judge(&verifier, &token), Err("alg-not-accepted"));
}

// covers: SMART-ID-12, BCP-8, BCP-10, OIDC-IDT-14, JWS-12
#[test]
fn adv_token_iss_drives_discovery() {
    const EVIL: &str = "https://evil.example/oidc";
    let http = network(&smart(), &openid());
    // The stranger's metadata is perfect; it must simply never be asked for.
    let evil_document = format!("{EVIL}/.well-known/openid-configuration");
    let evil_keys = format!("{EVIL}/jwks");
    let evil = with(
        with(openid(), "issuer", EVIL),
        "jwks_uri",
        evil_keys.as_str(),
    );
    http.answer(&evil_document, Answer::json(&evil));
    http.answer(&evil_keys, Answer::json(&Forge::other().jwks()));
    let trusted = trace(&http).outcome.unwrap();
    let verifier = verifier(&http, &trusted);

    let stranger = Forge::other();
    for kid in [json!("rsa"), json!("another"), json!(evil_keys)] {
        let header = json!({"alg": "RS256", "kid": kid, "jku": evil_keys, "x5u": evil_keys});
        let token = stranger.token_with("RS256", &header, &claims(EVIL));
        assert!(judge(&verifier, &token).is_err(), "{kid}");
        let report =
            block_on(verifier.explain(&RawIdToken::new(token), &Expected::no_nonce_sent(), NOW));
        assert!(!report.valid);
    }
    let own = Forge::issuer().token("RS256", &claims(ISSUER));
    assert_eq!(judge(&verifier, &own), Ok(()));
    // Its own issuer was asked once more for the keys that it does not have, and nobody else.
    assert_eq!(http.urls(), [SMART_URL, OPENID_URL, JWKS_URL, JWKS_URL]);
}

// covers: OIDC-VAL-2, BCP-8
#[test]
fn adv_iss_not_configured() {
    let http = network(&smart(), &openid());
    let trusted = trace(&http).outcome.unwrap();
    let verifier = verifier(&http, &trusted);
    // Even the issuer's own key signs for nobody else.
    for iss in [
        "https://login.example/oidc/",
        "https://login.example",
        "https://other.example/oidc",
        BASE,
        "",
    ] {
        let token = Forge::issuer().token("RS256", &claims(iss));
        assert_eq!(judge(&verifier, &token), Err("claim-issuer"), "{iss}");
    }
}

// covers: CACHE-16, SMART-USR-12
#[test]
fn adv_jwks_redirect() {
    for to in [
        "https://evil.example/jwks",
        "http://login.example/oidc/jwks",
        "https://127.0.0.1/jwks",
        "https://169.254.169.254/latest/meta-data",
        JWKS_URL,
    ] {
        let http = network(&smart(), &openid());
        http.answer(to, Answer::json(&Forge::issuer().jwks()));
        http.answer(JWKS_URL, Answer::redirect(302, to));
        let trusted = trace(&http).outcome.unwrap();
        let token = Forge::issuer().token("RS256", &claims(ISSUER));
        let verdict = judge(&verifier(&http, &trusted), &token);
        assert_eq!(verdict, Err("document-redirect"), "{to}");
        assert_eq!(http.urls(), [SMART_URL, OPENID_URL, JWKS_URL], "{to}");
    }
}

#[test]
fn what_is_odd_about_the_smart_configuration_is_said() {
    let cases = [
        (
            without(smart(), "code_challenge_methods_supported"),
            vec!["pkce-not-announced"],
        ),
        (
            with(
                smart(),
                "code_challenge_methods_supported",
                json!(["plain"]),
            ),
            vec!["pkce-without-s256"],
        ),
        (
            with(
                smart(),
                "code_challenge_methods_supported",
                json!(["plain", "S256"]),
            ),
            vec!["pkce-plain"],
        ),
        (without(smart(), "jwks_uri"), vec!["sso-incomplete"]),
    ];
    for (document, expected) in cases {
        let http = network(&document, &openid());
        let found = trace(&http);
        assert_eq!(findings(&found), expected);
        assert_eq!(code(&found), Ok(ISSUER));
    }
}
