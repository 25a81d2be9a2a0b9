//! Apps that authenticate, and backend services.

use core::time::Duration;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};
use smart_discovery::{HttpClient, TransportError};
use smart_jose::key::PrivateKey;
use smart_jose::{Algorithm, CryptoProvider, Jwk, jws};
use smart_oidc::server::ASSERTION_TYPE;

use super::flow::{NOW, Pairs, builder, code, encode, exchange, request, with, without};
use super::http::{Answer, send};
use crate::{
    ClientRegistration, DEFAULT_CLIENT_ID, FixedClock, RedirectRule, Sandbox, SandboxBuilder,
    StartError,
};

pub(super) const SCOPE: &str = "openid fhirUser launch/patient offline_access";

pub(super) fn rules() -> Vec<RedirectRule> {
    vec![RedirectRule::AnyLoopback {
        path: "/callback".into(),
    }]
}

pub(super) fn app() -> ClientRegistration {
    ClientRegistration::new(DEFAULT_CLIENT_ID, rules())
}

/// A client's key, under the kid `1`.
pub(super) struct ClientKey {
    algorithm: Algorithm,
    key: PrivateKey,
    count: Mutex<u32>,
}

impl ClientKey {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        let ring = CryptoProvider::ring();
        let key = match algorithm {
            // ring makes no RSA keys.
            Algorithm::RS384 => {
                PrivateKey::from_pem(include_str!("../keys/demo-rsa-8.pem"), ring).unwrap()
            }
            _ => PrivateKey::generate(algorithm, ring).unwrap(),
        };
        Self {
            algorithm,
            key,
            count: Mutex::new(0),
        }
    }

    pub(super) fn jwks(&self) -> String {
        let key = Jwk::new(self.key.public_key(), "1", self.algorithm).unwrap();
        json!({ "keys": [key] }).to_string()
    }

    fn claims(&self, client_id: &str, sandbox: &Sandbox, now: u64) -> Value {
        let mut count = self.count.lock().unwrap();
        *count += 1;
        json!({
            "iss": client_id, "sub": client_id, "aud": format!("{}/token", sandbox.issuer()),
            "exp": now + 200, "jti": format!("jti-{count}"),
        })
    }

    /// A new assertion, as two parameters.
    pub(super) fn pairs(&self, client_id: &str, sandbox: &Sandbox, now: u64) -> Pairs {
        let ring = CryptoProvider::ring();
        let signer = ring.signing_key(&self.key, self.algorithm).unwrap();
        let claims = self.claims(client_id, sandbox, now).to_string();
        let jwt = jws::sign(claims.as_bytes(), Some("1"), &*signer).unwrap();
        vec![
            ("client_assertion_type", ASSERTION_TYPE.into()),
            ("client_assertion", jwt),
        ]
    }
}

pub(super) async fn start(builder: SandboxBuilder) -> (Sandbox, Arc<FixedClock>) {
    let clock = Arc::new(FixedClock::at(NOW));
    let sandbox = builder.clock(clock.clone()).start().await.unwrap();
    (sandbox, clock)
}

pub(super) fn assert_error(answer: &Answer, status: u16, error: &str) {
    let body = answer.json();
    assert_eq!(
        (answer.status, &body["error"]),
        (status, &json!(error)),
        "{}",
        answer.body
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let description = body["error_description"].as_str().unwrap();
    assert!(
        description
            .bytes()
            .all(|it| (b' '..=b'~').contains(&it) && it != b'"')
    );
}

pub(super) async fn new_code(sandbox: &Sandbox) -> String {
    code(sandbox, &with(request(sandbox), "scope", SCOPE)).await
}

/// Posts a form with these headers.
pub(super) async fn post(url: &str, headers: &[(&str, &str)], pairs: &Pairs) -> Answer {
    let form = ("content-type", "application/x-www-form-urlencoded");
    let headers = [&[form], headers].concat();
    send("POST", url, &headers, Some(&encode(pairs))).await
}

pub(super) fn token_url(sandbox: &Sandbox) -> String {
    format!("{}/token", sandbox.issuer())
}

#[tokio::test]
async fn an_app_with_a_secret_authenticates_as_it_is_registered() {
    let basic_header = [(
        "authorization",
        // growth-chart-app-123:s3cret
        "Basic Z3Jvd3RoLWNoYXJ0LWFwcC0xMjM6czNjcmV0",
    )];
    let in_form = |pairs: Pairs| with(pairs, "client_secret", "s3cret");
    let (basic, _) = start(builder().register_client(app().with_secret_basic("s3cret"))).await;
    let (in_body, _) = start(builder().register_client(app().with_secret_post("s3cret"))).await;
    for (sandbox, is_basic) in [(&basic, true), (&in_body, false)] {
        let url = token_url(sandbox);
        let pairs = exchange(&new_code(sandbox).await);
        let anonymous = without(pairs.clone(), "client_id");
        assert_error(&post(&url, &[], &pairs).await, 401, "invalid_client");
        let wrong = with(pairs.clone(), "client_secret", "wrong");
        assert_error(&post(&url, &[], &wrong).await, 401, "invalid_client");
        let both = post(&url, &basic_header, &in_form(pairs.clone())).await;
        assert_error(&both, 400, "invalid_request");
        let by_header = post(&url, &basic_header, &anonymous).await;
        let by_form = post(&url, &[], &in_form(pairs)).await;
        let statuses = [by_header.status, by_form.status];
        assert_eq!(statuses, if is_basic { [200, 401] } else { [401, 200] });
    }
}

/// Serves one key set, and counts.
#[derive(Debug, Default)]
struct OneSet {
    jwks: String,
    urls: Mutex<Vec<String>>,
}

#[async_trait]
impl HttpClient for OneSet {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        self.urls.lock().unwrap().push(request.uri().to_string());
        let response = Response::builder()
            .header("content-type", "application/json")
            .header("cache-control", "max-age=60");
        Ok(response.body(Bytes::from(self.jwks.clone())).unwrap())
    }
}

// covers: SMART-CAS-1, SMART-CAS-6, SMART-CAS-13, SMART-CAS-20
#[tokio::test]
async fn an_app_with_a_key_authenticates_with_a_new_assertion_each_time() {
    for algorithm in [Algorithm::RS384, Algorithm::ES384] {
        let key = ClientKey::new(algorithm);
        let http = Arc::new(OneSet {
            jwks: key.jwks(),
            ..OneSet::default()
        });
        let at = "https://app.example/jwks.json";
        let inline = builder().register_client(app().with_jwks(key.jwks()));
        let remote = builder()
            .register_client(app().with_jwks_uri(at))
            .http_client(http.clone());
        for builder in [inline, remote] {
            let (sandbox, clock) = start(builder).await;
            let url = token_url(&sandbox);
            let assertion = || key.pairs(DEFAULT_CLIENT_ID, &sandbox, NOW.as_secs());
            let code = new_code(&sandbox).await;
            let pairs = without(exchange(&code), "client_id");
            assert_error(
                &post(&url, &[], &exchange(&code)).await,
                401,
                "invalid_client",
            );
            let first = assertion();
            let answer = post(&url, &[], &[pairs.clone(), first.clone()].concat()).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            let refresh = answer.json()["refresh_token"].as_str().unwrap().to_owned();
            let refresh: Pairs = vec![
                ("grant_type", "refresh_token".into()),
                ("refresh_token", refresh),
            ];
            clock.advance(Duration::from_secs(1));
            // The assertion of before has been used; what it came with has not.
            let again = post(&url, &[], &[refresh.clone(), first].concat()).await;
            assert_error(&again, 401, "invalid_client");
            let other = key.pairs("other", &sandbox, NOW.as_secs());
            let other = post(&url, &[], &[refresh.clone(), other].concat()).await;
            assert_error(&other, 401, "invalid_client");
            let answer = post(&url, &[], &[refresh, assertion()].concat()).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
        assert_eq!(*http.urls.lock().unwrap(), [at]);
    }
}

pub(super) fn service(key: &ClientKey) -> ClientRegistration {
    ClientRegistration::backend_service("service", "system/Patient.rs").with_jwks(key.jwks())
}

pub(super) fn credentials_grant(scope: &str) -> Pairs {
    vec![
        ("grant_type", "client_credentials".into()),
        ("scope", scope.into()),
    ]
}

#[tokio::test]
async fn a_reset_forgets_which_assertions_were_used() {
    let key = ClientKey::new(Algorithm::ES384);
    let (sandbox, _) = start(builder().register_client(service(&key))).await;
    let assertion = key.pairs("service", &sandbox, NOW.as_secs());
    let form = [credentials_grant("system/Patient.rs"), assertion].concat();
    let url = token_url(&sandbox);
    assert_eq!(post(&url, &[], &form).await.status, 200);
    assert_error(&post(&url, &[], &form).await, 401, "invalid_client");
    sandbox.reset();
    assert_eq!(post(&url, &[], &form).await.status, 200);
    assert_error(&post(&url, &[], &form).await, 401, "invalid_client");
}

// covers: SMART-BS-4, SMART-BS-5, SMART-BS-6, SMART-BS-7, SMART-BS-8, SMART-REF-9
#[tokio::test]
async fn a_backend_service_gets_what_it_is_registered_for() {
    let key = ClientKey::new(Algorithm::ES384);
    let (sandbox, clock) = start(builder().register_client(service(&key))).await;
    let url = token_url(&sandbox);
    let signed = |pairs: Pairs| [pairs, key.pairs("service", &sandbox, NOW.as_secs())].concat();
    let wide = "system/Patient.r system/Practitioner.r user/*.rs";
    let answer = post(&url, &[], &signed(credentials_grant(wide))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let token = answer.json();
    assert_eq!(
        token,
        json!({
            "access_token": token["access_token"], "token_type": "Bearer", "expires_in": 300,
            "scope": "system/Patient.r"
        })
    );
    let read = |path: &'static str| {
        let (url, token) = (format!("{}/{path}", sandbox.fhir_base()), token.clone());
        async move {
            let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
            send("GET", &url, &[("authorization", &bearer)], None)
                .await
                .status
        }
    };
    assert_eq!(read("Patient/p-1").await, 200);
    assert_eq!(read("Practitioner/dr-smith").await, 403);
    for (scope, error) in [
        ("", "invalid_request"),
        ("system/*.rs", "invalid_scope"),
        ("user/Patient.rs", "invalid_scope"),
    ] {
        let answer = post(&url, &[], &signed(credentials_grant(scope))).await;
        assert_error(&answer, 400, error);
    }
    let plain = with(
        credentials_grant("system/Patient.r"),
        "client_id",
        "service",
    );
    assert_error(&post(&url, &[], &plain).await, 401, "invalid_client");
    // It lives five minutes, although others live an hour.
    clock.advance(Duration::from_secs(299));
    assert_eq!(read("Patient/p-1").await, 200);
    clock.advance(Duration::from_secs(1));
    assert_eq!(read("Patient/p-1").await, 401);
}

// covers: SMART-SYM-3
#[tokio::test]
async fn other_apps_get_no_token_of_their_own_accord() {
    let key = ClientKey::new(Algorithm::ES384);
    let signed = builder().register_client(app().with_jwks(key.jwks()));
    let secret = builder().register_client(app().with_secret_post("s3cret"));
    for (builder, is_signed) in [(signed, true), (secret, false), (builder(), false)] {
        let (sandbox, _) = start(builder).await;
        let proof = match is_signed {
            true => key.pairs(DEFAULT_CLIENT_ID, &sandbox, NOW.as_secs()),
            false => vec![("client_id", DEFAULT_CLIENT_ID.into())],
        };
        let mut pairs = [credentials_grant("system/Patient.r"), proof].concat();
        let mut answer = post(&token_url(&sandbox), &[], &pairs).await;
        if answer.status == 401 {
            pairs.push(("client_secret", "s3cret".into()));
            answer = post(&token_url(&sandbox), &[], &pairs).await;
        }
        assert_error(&answer, 400, "unauthorized_client");
    }
}

#[tokio::test]
async fn apps_that_could_never_authenticate_are_named_at_the_start() {
    let ec = ClientKey::new(Algorithm::ES384);
    let backend = || ClientRegistration::backend_service("b", "system/*.rs");
    let http = || Arc::new(OneSet::default());
    let cases = [
        (app().with_secret_basic(""), "sandbox-client-secret"),
        (app().with_secret_post(""), "sandbox-client-secret"),
        (app().with_jwks("{}"), "jwks-no-keys"),
        (app().with_jwks(r#"{"keys":[]}"#), "sandbox-no-client-key"),
        (
            app().with_jwks_uri("http://app.example/jwks"),
            "sandbox-jwks-uri",
        ),
        (backend(), "sandbox-backend-without-keys"),
        (
            backend().with_secret_basic("s"),
            "sandbox-backend-without-keys",
        ),
    ];
    for (client, code) in cases {
        let builder = builder().register_client(client).http_client(http());
        assert_eq!(builder.start().await.unwrap_err().code(), code);
    }
    let uri = app().with_jwks_uri("https://app.example/jwks");
    let error = builder()
        .register_client(uri.clone())
        .start()
        .await
        .unwrap_err();
    assert!(matches!(error, StartError::NoHttpClient { .. }));
    assert_eq!(error.code(), "sandbox-no-http-client");
    let good = builder().register_client(uri).http_client(http());
    assert!(good.start().await.is_ok());
    let shown = format!("{:?}", app().with_secret_basic("hunter2"));
    assert!(!shown.contains("hunter2"));
    assert!(
        builder()
            .register_client(service(&ec))
            .start()
            .await
            .is_ok()
    );
}
