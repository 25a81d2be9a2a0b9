//! The sandbox as it is here, and apps that are registered with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use smart_oidc::discovery::{Clock, SystemClock};
use smart_oidc::jose::key::PrivateKey;
use smart_oidc::jose::{Algorithm, CryptoProvider, Jwk, JwkSet, UnixTime};
use smart_sandbox::{
    ClientRegistration, Fault, LaunchContext, RedirectRule, Sandbox, SandboxBuilder, Times,
};
use smart_tests::{backend, fixture};

pub(crate) const CLIENT_ID: &str = "growth-chart-app-123";
pub(crate) const SECRET: &str = "a-secret-without-odd-characters";
const KID: &str = "of-the-app";

/// How the app authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It does not.
    Public,
    /// By a secret in the header.
    Basic,
    /// By a secret in the body.
    Post,
    /// By assertions.
    Assertion(Algorithm),
}

impl Kind {
    /// The app with any callback on this machine.
    pub(crate) fn registration(self) -> ClientRegistration {
        let path = "/callback".to_owned();
        let app = ClientRegistration::new(CLIENT_ID, vec![RedirectRule::AnyLoopback { path }]);
        match self {
            Self::Public => app,
            Self::Basic => app.with_secret_basic(SECRET),
            Self::Post => app.with_secret_post(SECRET),
            Self::Assertion(algorithm) => app.with_jwks(jwks(algorithm)),
        }
    }

    /// The app's own key as its script is told it.
    pub(crate) fn key(self) -> Value {
        match self {
            Self::Assertion(algorithm) => json!({
                "pem": pem(algorithm), "alg": algorithm.name(), "kid": KID,
            }),
            _ => Value::Null,
        }
    }
}

fn pem(algorithm: Algorithm) -> String {
    fixture::text(match algorithm {
        Algorithm::ES384 => "keys/other-p384.pem",
        _ => "keys/other-rsa-2048.pem",
    })
}

/// The public half, as the sandbox has it.
fn jwks(algorithm: Algorithm) -> String {
    let provider = provider();
    let key = PrivateKey::from_pem(&pem(algorithm), provider).unwrap();
    let key = provider.signing_key(&key, algorithm).unwrap();
    let jwk = Jwk::new(key.public_key().clone(), KID.to_owned(), algorithm).unwrap();
    serde_json::to_string(&JwkSet::from_keys(vec![jwk], provider)).unwrap()
}

/// The first backend of this build. What both sign alike is tested elsewhere.
pub(crate) fn provider() -> &'static CryptoProvider {
    backend::all()[0]
}

/// The time, and a second later with each look at it: a refresh within the second of the sign-in
/// would bring no ID token.
#[derive(Debug, Default)]
struct Stepping {
    clock: SystemClock,
    steps: AtomicU64,
}

impl Clock for Stepping {
    fn now(&self) -> UnixTime {
        let step = self.steps.fetch_add(1, Ordering::Relaxed);
        UnixTime::from_secs(self.clock.now().as_secs() + step)
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }
}

/// A sandbox with this app.
pub(crate) fn builder(app: ClientRegistration) -> SandboxBuilder {
    let clock = Arc::new(Stepping::default());
    Sandbox::builder(provider())
        .clock(clock)
        .register_client(app)
}

/// A sandbox with the public app, that plays this fault.
pub(crate) async fn hostile(fault: &str) -> Sandbox {
    let fault = Fault::named(fault).unwrap();
    let builder = builder(Kind::Public.registration());
    let builder = builder.fault(fault, Times::UntilTakenBack);
    builder.start().await.unwrap()
}

/// The handle of a launch with a patient, an encounter and an image open.
pub(crate) fn launch(ehr: &Sandbox) -> String {
    let open = LaunchContext::new().patient("p-2").encounter("e-3");
    let open = open.also_open("ImagingStudy/7", None);
    let launch = ehr.ehr_launch(CLIENT_ID, open).unwrap();
    let url = launch.url("https://app.example/launch");
    let (_, query) = url.split_once('?').unwrap();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let (_, handle) = pairs.find(|(name, _)| name == "launch").unwrap();
    handle.into_owned()
}
