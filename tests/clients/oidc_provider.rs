//! Our client at `oidc-provider` of npm, a certified server that nobody here has written.

use std::collections::BTreeMap;
use std::fmt;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};
use smart_oidc::discovery::{
    Discovery, FhirBaseUrl, HttpClient, IssuerRegistry, PlainHttp, ReqwestClient, SystemClock,
    TransportError,
};
use smart_oidc::flow::{LaunchFlow, Registrations, SignedIn};
use smart_oidc::{ClientConfig, ClientId, FhirUserPolicy, MemoryStore, RedirectUri};
use smart_tests::installed;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use crate::ehr::{CLIENT_ID, provider};
use crate::said::node;

const SCRIPT: &str = include_str!("oidc_provider.mjs");
const CALLBACK: &str = "http://127.0.0.1:8765/callback";

/// Sends, and where it is asked to, with another PKCE verifier than the one of the launch.
struct Wire {
    inner: ReqwestClient,
    is_other_verifier: bool,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

#[async_trait]
impl HttpClient for Wire {
    async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        if self.is_other_verifier && request.uri().path() == "/token" {
            let form = form_urlencoded::parse(request.body()).into_owned();
            let other = form.map(|(name, value)| match &*name {
                "code_verifier" => (name, "x".repeat(value.len())),
                _ => (name, value),
            });
            let mut form = form_urlencoded::Serializer::new(String::new());
            let form = form.extend_pairs(other).finish();
            *request.body_mut() = Bytes::from(form);
        }
        self.inner.send(request).await
    }
}

/// The server, our client, and the user's browser.
struct World {
    flow: LaunchFlow,
    base: FhirBaseUrl,
    browser: ReqwestClient,
    /// Killed with it.
    _server: Child,
}

impl World {
    /// With this answer spoilt, and the verifier as it is or another.
    async fn new(spoilt: Option<&str>, is_other_verifier: bool) -> Option<Self> {
        let folder = installed::of_npm(env!("CARGO_TARGET_TMPDIR"))?;
        let told = json!({ "clientId": CLIENT_ID, "redirectUri": CALLBACK, "spoilt": spoilt });
        let mut server = node(folder, SCRIPT, &told);
        // It ends when this end is closed, even if nobody could kill it.
        server.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = server.stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let first = lines.next_line().await.unwrap().unwrap();
        let at: Value = serde_json::from_str(&first).unwrap();
        let base = format!("{}/fhir", at["base"].as_str().unwrap());
        let base = FhirBaseUrl::parse_with(&base, PlainHttp::LoopbackOnly).unwrap();
        let http = || ReqwestClient::builder().allow_loopback().build().unwrap();
        let wire = Arc::new(Wire {
            inner: http(),
            is_other_verifier,
        });
        let client = ClientConfig::public(ClientId::new(CLIENT_ID), RedirectUri::new(CALLBACK))
            .with_scope("launch/patient")
            .with_scope("offline_access");
        let registered = Registrations::new().with(base.clone(), client).unwrap();
        let discovery = Discovery::new(wire.clone()).allow_loopback_http();
        let clock = Arc::new(SystemClock::new());
        let issuers = IssuerRegistry::new(discovery, provider(), clock.clone());
        let store = Arc::new(MemoryStore::new(clock.clone()));
        // What was just made may be refused at once here.
        let flow = LaunchFlow::new(registered, issuers, wire, provider(), clock, store)
            .with_rejection_pause(Duration::ZERO);
        Some(Self {
            flow,
            base,
            browser: http(),
            _server: server,
        })
    }

    /// Follows redirects with the cookies of each answer, until one goes to the app.
    async fn browse(&self, url: &str) -> String {
        let mut cookies = BTreeMap::new();
        let mut url = url_of::Absolute::new(url);
        for _ in 0..12 {
            let header: Vec<String> = cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let request = Request::get(url.as_str()).header("cookie", header.join("; "));
            let request = request.body(Bytes::new()).unwrap();
            let answer = self.browser.send(request).await.unwrap();
            for cookie in answer.headers().get_all("set-cookie") {
                let cookie = cookie.to_str().unwrap().split(';').next().unwrap();
                let (name, value) = cookie.split_once('=').unwrap();
                cookies.insert(name.to_owned(), value.to_owned());
            }
            let is_redirect = matches!(answer.status(), StatusCode::FOUND | StatusCode::SEE_OTHER);
            let body = String::from_utf8_lossy(answer.body());
            assert!(is_redirect, "{}: {body}", answer.status());
            url = url.join(answer.headers()["location"].to_str().unwrap());
            if let Some(query) = url.as_str().strip_prefix(CALLBACK) {
                return query.trim_start_matches('?').to_owned();
            }
        }
        panic!("redirects without end");
    }

    async fn sign_in(&self) -> Result<SignedIn, &'static str> {
        let begun = self.flow.begin_standalone(&self.base).await;
        let (request, binding) = begun.map_err(|error| error.code())?;
        let query = self.browse(&request.url()).await;
        let signed_in = self.flow.complete(&query, &binding).await;
        signed_in.map_err(|error| error.code())
    }
}

mod url_of {
    //! An address, and what a `Location` makes of it.

    pub(super) struct Absolute(String);

    impl Absolute {
        pub(super) fn new(url: &str) -> Self {
            Self(url.to_owned())
        }

        pub(super) fn as_str(&self) -> &str {
            &self.0
        }

        /// A whole address or the path of one is all that is sent here.
        pub(super) fn join(&self, location: &str) -> Self {
            if !location.starts_with('/') {
                return Self::new(location);
            }
            let authority = self.0.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
            Self(format!("{authority}{location}"))
        }
    }
}

// covers: PKCE-1
#[tokio::test]
async fn our_client_signs_in_at_oidc_provider() {
    let Some(world) = World::new(None, false).await else {
        return;
    };
    let signed_in = world.sign_in().await.unwrap();
    let id_token = signed_in.id_token.unwrap();
    assert_eq!(id_token.subject(), "dr-smith");
    let issuer = world.base.as_str().strip_suffix("/fhir").unwrap();
    assert_eq!(id_token.issuer(), issuer);
    let policy = FhirUserPolicy::new(world.base.clone());
    let user = signed_in.session.fhir_user(&policy).unwrap().unwrap();
    assert_eq!(user.reference(), "Practitioner/dr-smith");
    let old = signed_in.session.access_token();
    let refreshed = world.flow.session_after_rejection(&signed_in.id, old);
    let refreshed = refreshed.await.unwrap();
    let new = refreshed.access_token();
    assert_ne!(new.expose_secret(), old.expose_secret());
    assert_eq!(refreshed.user_key(), signed_in.session.user_key());
}

#[tokio::test]
async fn oidc_provider_refuses_another_verifier() {
    let Some(world) = World::new(None, true).await else {
        return;
    };
    assert_eq!(world.sign_in().await.unwrap_err(), "token-refused");
}

#[tokio::test]
async fn our_client_refuses_what_was_spoilt_on_the_way() {
    for (spoilt, expected) in [
        ("issuer", "issuer-mismatch"),
        ("callback", "callback-issuer"),
        ("signature", "jws-bad-signature"),
    ] {
        let Some(world) = World::new(Some(spoilt), false).await else {
            return;
        };
        assert_eq!(world.sign_in().await.unwrap_err(), expected, "{spoilt}");
    }
}
