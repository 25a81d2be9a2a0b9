//! A server that behaves towards apps as the one of Inferno does, odd as that is: the FHIR base is the
//! issuer, an ID token lives for a year and has neither nonce nor `at_hash`, the metadata of SMART say
//! nothing of signing in or of keys, a refresh brings the same refresh token and a new ID token, and a
//! code is good without a verifier. It judges nothing else of what it is sent: the tests do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use smart_oidc::discovery::{Clock as _, FixedClock};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::http::{one, pairs};
use super::jwt::Jwt;
use crate::forge::{self, Forge};

pub(super) const PATIENT: &str = "the-patient";
const USER: &str = "Practitioner/of-inferno";
const YEAR: u64 = 365 * 24 * 3600;
const CODE_LIFE: u64 = 600;

/// What was asked for with a code, and when.
#[derive(Clone)]
struct Asked {
    client: String,
    scope: String,
    challenge: String,
    at: u64,
}

/// A running server, until it is dropped.
pub(super) struct Mock {
    pub(super) base: String,
    /// The launch that it gives, as if its user had clicked.
    pub(super) launch: String,
    task: JoinHandle<()>,
}

struct Server {
    base: String,
    clock: Arc<FixedClock>,
    forge: Forge,
    /// By code, which is the refresh token too.
    asked: Mutex<BTreeMap<String, Asked>>,
    access_tokens: Mutex<Vec<String>>,
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Mock {
    pub(super) async fn start(clock: Arc<FixedClock>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/fhir", listener.local_addr().unwrap());
        let server = Arc::new(Server {
            base: base.clone(),
            clock,
            forge: Forge::issuer(),
            asked: Mutex::default(),
            access_tokens: Mutex::default(),
        });
        let router = Router::new().fallback(answer).with_state(server);
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
        });
        Self {
            base,
            launch: forge::random(),
            task,
        }
    }
}

async fn answer(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 64 * 1024).await.unwrap();
    let form = match head.method {
        Method::POST => pairs(std::str::from_utf8(&body).unwrap()),
        _ => pairs(head.uri.query().unwrap_or_default()),
    };
    match head.uri.path() {
        "/fhir/.well-known/smart-configuration" => json_of(200, &server.smart()),
        "/fhir/.well-known/openid-configuration" => json_of(200, &server.openid()),
        "/keys" => json_of(200, &server.forge.jwks()),
        "/authorization" => server.authorize(&form),
        "/token" => match server.token(&form) {
            Ok(body) => json_of(200, &body),
            Err(problem) => {
                let body = json!({"error": "invalid_client", "error_description": problem});
                json_of(401, &body)
            }
        },
        path => {
            let header = head.headers.get("authorization");
            let header = header.and_then(|it| it.to_str().ok()).unwrap_or_default();
            server.read(path, header)
        }
    }
}

fn json_of(status: u16, body: &Value) -> Response {
    http::Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .header("cache-control", "no-store")
        .header("pragma", "no-cache")
        .header("access-control-allow-origin", "*")
        .body(Body::from(body.to_string()))
        .unwrap()
}

impl Server {
    fn now(&self) -> u64 {
        self.clock.now().as_secs()
    }

    fn at(&self, path: &str) -> String {
        let host = self.base.strip_suffix("/fhir").unwrap();
        format!("{host}/{path}")
    }

    fn smart(&self) -> Value {
        json!({
            "issuer": self.base,
            "authorization_endpoint": self.at("authorization"),
            "token_endpoint": self.at("token"),
            "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_basic"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
            "grant_types_supported": ["client_credentials", "authorization_code"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["system/*.read", "user/*.read", "patient/*.read"],
            "capabilities": [
                "launch-ehr", "launch-standalone", "client-public",
                "client-confidential-symmetric", "client-confidential-asymmetric",
                "permission-offline", "context-ehr-patient", "context-standalone-patient",
            ],
        })
    }

    fn openid(&self) -> Value {
        json!({
            "issuer": self.base,
            "authorization_endpoint": self.at("authorization"),
            "token_endpoint": self.at("token"),
            "jwks_uri": self.at("keys"),
            "response_types_supported": ["code", "id_token", "token id_token"],
            "subject_types_supported": ["pairwise", "public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        })
    }

    /// It sends the browser wherever it is told, with a code and the state.
    fn authorize(&self, form: &[(String, String)]) -> Response {
        let given = |name: &str| one(form, name).unwrap_or_default().to_owned();
        let code = forge::random();
        let asked = Asked {
            client: given("client_id"),
            scope: given("scope"),
            challenge: given("code_challenge"),
            at: self.now(),
        };
        self.asked.lock().unwrap().insert(code.clone(), asked);
        let to = format!(
            "{}?code={code}&state={}",
            given("redirect_uri"),
            given("state")
        );
        http::Response::builder()
            .status(StatusCode::FOUND)
            .header("location", to)
            .body(Body::empty())
            .unwrap()
    }

    fn token(&self, form: &[(String, String)]) -> Result<Value, String> {
        let access_token = forge::random();
        self.access_tokens
            .lock()
            .unwrap()
            .push(access_token.clone());
        let mut body = json!({
            "access_token": access_token, "token_type": "Bearer", "expires_in": 3600,
        });
        let code = match one(form, "grant_type")? {
            "client_credentials" => {
                Jwt::read(one(form, "client_assertion")?)?;
                body["scope"] = one(form, "scope")?.into();
                return Ok(body);
            }
            "refresh_token" => one(form, "refresh_token")?,
            _ => {
                let code = one(form, "code")?;
                self.judge_code(code, one(form, "code_verifier").ok())?;
                code
            }
        };
        let asked = self.asked.lock().unwrap();
        let asked = asked.get(code).ok_or("nobody has asked for this")?;
        let scope = one(form, "scope").unwrap_or(&asked.scope);
        body["scope"] = scope.into();
        body["patient"] = PATIENT.into();
        let has = |name: &str| scope.split(' ').any(|it| it == name);
        if has("offline_access") {
            body["refresh_token"] = code.into();
        }
        if has("openid") {
            let mut claims = json!({
                "iss": self.base, "sub": "practitioner-of-inferno", "aud": asked.client,
                "iat": self.now(), "exp": self.now() + YEAR,
            });
            if has("fhirUser") {
                claims["fhirUser"] = format!("{}/{USER}", self.base).into();
            }
            body["id_token"] = self.forge.token("RS256", &claims).into();
        }
        Ok(body)
    }

    /// A verifier is judged if there is one.
    fn judge_code(&self, code: &str, verifier: Option<&str>) -> Result<(), String> {
        let asked = self.asked.lock().unwrap();
        let asked = asked.get(code).ok_or("there is no such code")?;
        if self.now() > asked.at + CODE_LIFE {
            return Err("the code is over".to_owned());
        }
        let hashed = verifier.map(|it| forge::b64(forge::sha256(it.as_bytes())));
        match hashed.is_none_or(|it| it == asked.challenge) {
            true => Ok(()),
            false => Err("the verifier is another one's".to_owned()),
        }
    }

    /// It has whatever it is asked for, for whoever has a token.
    fn read(&self, path: &str, authorization: &str) -> Response {
        let tokens = self.access_tokens.lock().unwrap();
        let token = authorization.strip_prefix("Bearer ").unwrap_or_default();
        if !tokens.iter().any(|it| it == token) {
            return json_of(401, &json!({"resourceType": "OperationOutcome"}));
        }
        let mut segments = path.rsplit('/');
        let (id, kind) = (segments.next(), segments.next());
        let body = json!({
            "resourceType": kind, "id": id, "name": [{"family": "Tester", "given": ["Ines"]}],
        });
        json_of(200, &body)
    }
}
