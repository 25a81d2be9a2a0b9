//! An app that tests the server at which it is registered, with nothing of ours in it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use smart_oidc::discovery::FixedClock;
use smart_oidc::jose::UnixTime;
use smart_sandbox::{
    ClientRegistration, EhrLaunch, LaunchContext, RedirectRule, Sandbox, SmartVersion,
};

use super::Case;
use super::http::{self, Answer, encoded, one};
use super::jwt::Jwt;
use crate::forge::{self, Forge};
use crate::named::{Handled, check};

pub(super) const CLIENT: &str = "inferno";
pub(super) const SERVICE: &str = "inferno-service";
pub(super) const LAUNCH: &str = "https://inferno.example/launch";
pub(super) const CALLBACK: &str = "https://inferno.example/redirect";
pub(super) const ORIGIN: &str = "https://inferno.example";
pub(super) const NOW: u64 = 1_800_000_000;
pub(super) const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const SECRET: &str = "secret-of-the-tester";

/// What was open in the EHR when it started the app.
const ENCOUNTER: &str = "e-1";

/// Who starts the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Launcher {
    Standalone,
    Ehr,
}

/// How the app authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Public,
    Secret,
    /// With assertions of this algorithm.
    Key(&'static str),
}

/// A tester, and the server.
pub(super) struct Tester {
    pub(super) ehr: Sandbox,
    pub(super) clock: Arc<FixedClock>,
    pub(super) launcher: Launcher,
    pub(super) kind: Kind,
    pub(super) version: SmartVersion,
    pub(super) forge: Forge,
}

/// The way back from the authorization endpoint.
pub(super) struct Back {
    pub(super) parameters: Vec<(String, String)>,
    pub(super) state: String,
    pub(super) verifier: String,
    pub(super) challenge: String,
}

impl Back {
    pub(super) fn code(&self) -> Result<&str, String> {
        if let Ok(error) = one(&self.parameters, "error") {
            return Err(format!("the authorization ended with {error}"));
        }
        let code = one(&self.parameters, "code")?;
        check(!code.is_empty(), "code is empty")?;
        Ok(code)
    }
}

/// With a tester of each kind that the version knows, launched in each way.
pub(super) async fn in_each_way(case: Case, play: impl AsyncFn(&Tester) -> Handled) -> Handled {
    let kinds = match case.version {
        SmartVersion::V1_0 => &[Kind::Public, Kind::Secret][..],
        _ => &[
            Kind::Public,
            Kind::Secret,
            Kind::Key("RS384"),
            Kind::Key("ES384"),
        ],
    };
    for launcher in [Launcher::Standalone, Launcher::Ehr] {
        for kind in kinds {
            let tester = Tester::new(case, launcher, *kind).await;
            let played = play(&tester).await;
            played.map_err(|it| format!("{launcher:?}, {kind:?}: {it}"))?;
        }
    }
    Ok(())
}

impl Tester {
    /// What the app is makes no difference.
    pub(super) async fn any(case: Case) -> Self {
        Self::new(case, Launcher::Standalone, Kind::Public).await
    }

    pub(super) async fn new(case: Case, launcher: Launcher, kind: Kind) -> Self {
        let clock = Arc::new(FixedClock::at(UnixTime::from_secs(NOW)));
        let forge = Forge::other();
        let rules = vec![RedirectRule::Exact(CALLBACK.to_owned())];
        let app = ClientRegistration::new(CLIENT, rules).with_origin(ORIGIN);
        let app = match kind {
            Kind::Public => app,
            Kind::Secret => app.with_secret_basic(SECRET),
            Kind::Key(_) => app.with_jwks(forge.jwks().to_string()),
        };
        let service = ClientRegistration::backend_service(SERVICE, "system/*.rs");
        let service = service.with_jwks(forge.jwks().to_string());
        let ehr = Sandbox::builder(case.provider)
            .version(case.version)
            .clock(clock.clone())
            .register_client(app)
            .register_client(service)
            .start()
            .await
            .unwrap();
        Self {
            ehr,
            clock,
            launcher,
            kind,
            version: case.version,
            forge,
        }
    }

    /// The FHIR base, after which one slash more is to make no difference.
    pub(super) fn base(&self) -> String {
        self.ehr.fhir_base()
    }

    pub(super) async fn well_known(&self) -> Result<Answer, String> {
        let url = format!("{}/.well-known/smart-configuration", self.base());
        http::get(&url).await
    }

    /// What the server says of itself.
    pub(super) async fn configuration(&self) -> Result<Value, String> {
        self.well_known().await?.is(&[200])?.json()
    }

    /// An endpoint that the server names.
    pub(super) async fn endpoint(&self, name: &str) -> Result<String, String> {
        let configuration = self.configuration().await?;
        let url = configuration[name].as_str();
        let url = url.ok_or_else(|| format!("there is no {name}"))?;
        check(url.starts_with("http"), format!("{name} is not absolute"))?;
        Ok(url.to_owned())
    }

    /// What the app asks for.
    pub(super) fn scopes(&self) -> &'static str {
        match (self.launcher, self.version) {
            (Launcher::Standalone, SmartVersion::V1_0) => {
                "launch/patient openid fhirUser offline_access patient/*.read"
            }
            (Launcher::Standalone, _) => {
                "launch/patient openid fhirUser offline_access patient/*.rs"
            }
            (Launcher::Ehr, SmartVersion::V1_0) => {
                "launch openid fhirUser offline_access user/*.read"
            }
            (Launcher::Ehr, _) => "launch openid fhirUser offline_access user/*.rs",
        }
    }

    /// The patient whom the EHR has open.
    pub(super) fn open_patient(&self) -> String {
        self.ehr.patients().swap_remove(0).0
    }

    /// What the EHR says when it starts the app.
    fn launched(&self) -> EhrLaunch {
        let open = LaunchContext::new()
            .patient(self.open_patient())
            .encounter(ENCOUNTER)
            .also_open("ImagingStudy/of-the-lung", None);
        self.ehr.ehr_launch(CLIENT, open).unwrap()
    }

    /// Sends the browser to the authorization endpoint.
    pub(super) async fn authorize(&self) -> Result<Back, String> {
        self.authorize_by("GET", &[]).await
    }

    /// Sends it with this method, some parameters being otherwise.
    pub(super) async fn authorize_by(
        &self,
        method: &str,
        otherwise: &[(&str, &str)],
    ) -> Result<Back, String> {
        let (state, verifier) = (forge::random(), forge::random());
        let challenge = forge::b64(forge::sha256(verifier.as_bytes()));
        let base = self.base();
        let mut asked = vec![
            ("response_type", "code"),
            ("client_id", CLIENT),
            ("redirect_uri", CALLBACK),
            ("scope", self.scopes()),
            ("state", &state),
            ("aud", &base),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let launched = (self.launcher == Launcher::Ehr).then(|| self.launched());
        asked.extend(launched.iter().map(|it| ("launch", it.launch.as_str())));
        asked.retain(|it| otherwise.iter().all(|other| other.0 != it.0));
        asked.extend(otherwise);
        let url = self.endpoint("authorization_endpoint").await?;
        let answer = match method {
            "GET" => {
                // The endpoint may have a query of its own.
                let mark = if url.contains('?') { '&' } else { '?' };
                http::get(&format!("{url}{mark}{}", encoded(asked))).await?
            }
            _ => http::post(&url, &[], &asked).await?,
        };
        let (target, parameters) = answer.redirect()?;
        check(target == CALLBACK, format!("sent to {target}"))?;
        let found = one(&parameters, "state")?;
        check(found == state, format!("state is {found}, not {state}"))?;
        Ok(Back {
            parameters,
            state,
            verifier,
            challenge,
        })
    }

    /// An assertion of this app, its claims and its header being otherwise.
    pub(super) fn assertion(&self, alg: &str, client: &str, aud: &str, otherwise: Value) -> String {
        let mut claims = json!({
            "iss": client, "sub": client, "aud": aud, "exp": NOW + 300, "jti": forge::random(),
        });
        for (name, value) in otherwise.as_object().into_iter().flatten() {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value.clone(),
            }
        }
        self.forge.token(alg, &claims)
    }

    /// Sends a form to the token endpoint and says in it who the app is.
    pub(super) async fn ask(&self, form: &[(&str, &str)]) -> Result<Answer, String> {
        self.ask_as(CLIENT, form).await
    }

    /// The same under a name that need not be the app's.
    pub(super) async fn ask_as(
        &self,
        client: &str,
        form: &[(&str, &str)],
    ) -> Result<Answer, String> {
        let url = self.endpoint("token_endpoint").await?;
        let (header, more) = self.credentials(client, &url);
        let form = form.iter().copied();
        let more = more.iter().map(|it| (it.0, it.1.as_str()));
        let form: Vec<_> = form.chain(more).collect();
        let mut headers = vec![("origin", ORIGIN), ("accept", "application/json")];
        headers.extend(header.as_deref().map(|it| ("authorization", it)));
        http::post(&url, &headers, &form).await
    }

    /// The header and the parameters with which the app says who it is.
    pub(super) fn credentials(
        &self,
        client: &str,
        token_url: &str,
    ) -> (Option<String>, Vec<(&'static str, String)>) {
        match self.kind {
            Kind::Public => (None, vec![("client_id", client.to_owned())]),
            Kind::Secret => {
                let pair = STANDARD.encode(format!("{client}:{SECRET}"));
                (Some(format!("Basic {pair}")), Vec::new())
            }
            Kind::Key(alg) => {
                let assertion = self.assertion(alg, client, token_url, Value::Null);
                let kind = ("client_assertion_type", ASSERTION.to_owned());
                (None, vec![kind, ("client_assertion", assertion)])
            }
        }
    }

    /// Exchanges the code.
    pub(super) async fn exchange(&self, back: &Back) -> Result<Answer, String> {
        self.exchange_with(back, Some(&back.verifier)).await
    }

    /// Exchanges it with this verifier.
    pub(super) async fn exchange_with(
        &self,
        back: &Back,
        verifier: Option<&str>,
    ) -> Result<Answer, String> {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", back.code()?),
            ("redirect_uri", CALLBACK),
        ];
        form.extend(verifier.map(|it| ("code_verifier", it)));
        self.ask(&form).await
    }

    /// The answer of the token endpoint to a whole launch.
    pub(super) async fn token_answer(&self) -> Result<Answer, String> {
        let back = self.authorize().await?;
        self.exchange(&back).await
    }

    /// What came with the access token.
    pub(super) async fn tokens(&self) -> Result<Value, String> {
        self.token_answer().await?.is(&[200])?.json()
    }

    /// Refreshes.
    pub(super) async fn refresh(
        &self,
        refresh_token: &str,
        scope: Option<&str>,
    ) -> Result<Answer, String> {
        let mut form = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
        ];
        form.extend(scope.map(|it| ("scope", it)));
        self.ask(&form).await
    }

    /// The ID token of a launch.
    pub(super) async fn id_token(&self) -> Result<Jwt, String> {
        let tokens = self.tokens().await?;
        Jwt::read(text(&tokens, "id_token")?)
    }

    /// The metadata of the issuer that an ID token names.
    pub(super) async fn openid_answer(&self, id_token: &Jwt) -> Result<Answer, String> {
        let issuer = id_token.text("iss")?;
        let issuer = issuer.strip_suffix('/').unwrap_or(issuer);
        http::get(&format!("{issuer}/.well-known/openid-configuration")).await
    }

    /// The metadata, and the keys that they lead to.
    pub(super) async fn openid(&self, id_token: &Jwt) -> Result<(Value, Value), String> {
        let metadata = self.openid_answer(id_token).await?.is(&[200])?.json()?;
        let keys = http::get(text(&metadata, "jwks_uri")?).await?;
        let keys = keys.is(&[200])?.json()?;
        Ok((metadata, keys))
    }

    /// Reads from the FHIR server.
    pub(super) async fn read(&self, path: &str, tokens: &Value) -> Result<Answer, String> {
        let bearer = format!("Bearer {}", text(tokens, "access_token")?);
        let headers = [("authorization", bearer.as_str()), ("origin", ORIGIN)];
        http::send("GET", &format!("{}/{path}", self.base()), &headers, "").await
    }
}

/// The text of a member, which is not empty.
pub(super) fn text<'a>(object: &'a Value, name: &str) -> Result<&'a str, String> {
    let text = object[name].as_str().filter(|it| !it.is_empty());
    text.ok_or_else(|| format!("{name} is missing or no text: {}", object[name]))
}

/// The texts of a member, which are not empty.
pub(super) fn texts<'a>(object: &'a Value, name: &str) -> Result<Vec<&'a str>, String> {
    let items = object[name].as_array();
    let items = items.ok_or_else(|| format!("{name} is no array: {}", object[name]))?;
    let texts = items
        .iter()
        .map(|it| it.as_str().filter(|it| !it.is_empty()));
    let texts: Option<Vec<_>> = texts.collect();
    texts.ok_or_else(|| format!("{name} has something else than texts"))
}

/// The scopes of an answer.
pub(super) fn scopes(object: &Value) -> Result<Vec<&str>, String> {
    Ok(text(object, "scope")?.split(' ').collect())
}
