//! Backend services: one request for many callers, and never a token past its end.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use smart_oidc::discovery::{Discovery, FhirBaseUrl, FixedClock, SmartConfiguration};
use smart_oidc::jose::key::PrivateKey;
use smart_oidc::jose::{Algorithm, UnixTime};
use smart_oidc::token::{BackendServices, BackendToken};
use smart_oidc::{
    AssertionSigner, AuthorizationServer, ClientAuthentication, ClientId, ClientSecret, TokenClient,
};
use smart_tests::fixture;

use super::provider;
use crate::fake_http::{Answer, FakeHttp, parameters};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const BASE: &str = "https://ehr.example/fhir";
const TOKEN: &str = "https://login.example/token";

struct World {
    http: Arc<FakeHttp>,
    clock: Arc<FixedClock>,
    smart: SmartConfiguration,
}

fn key_pair() -> ClientAuthentication {
    let pem = fixture::text("keys/issuer-p384.pem");
    let key = PrivateKey::from_pem(&pem, provider()).unwrap();
    let key = provider().signing_key(&key, Algorithm::ES384).unwrap();
    let signer = AssertionSigner::new("p384", key, provider());
    ClientAuthentication::PrivateKeyJwt(signer.unwrap())
}

fn secret() -> ClientAuthentication {
    ClientAuthentication::ClientSecretPost(ClientSecret::new("a secret"))
}

fn answer(token: &str, expires_in: Option<u64>) -> Answer {
    let mut body = json!({
        "access_token": token, "token_type": "bearer", "scope": "system/Observation.rs",
    });
    if let Some(seconds) = expires_in {
        body["expires_in"] = json!(seconds);
    }
    Answer::json(&body)
}

impl World {
    async fn new() -> Self {
        // A server of which nobody has made an OpenID issuer.
        let smart: Value = json!({"token_endpoint": TOKEN, "capabilities": []});
        let http = FakeHttp::new();
        let url = format!("{BASE}/.well-known/smart-configuration");
        http.answer(&url, Answer::json(&smart));
        let base = FhirBaseUrl::parse(BASE).unwrap();
        let discovery = Discovery::new(http.clone());
        let smart = discovery.smart_configuration(&base).await.unwrap();
        let http = FakeHttp::new();
        http.answer(TOKEN, answer("one", Some(300)));
        let clock = Arc::new(FixedClock::at(NOW));
        Self { http, clock, smart }
    }

    fn client(&self, authentication: ClientAuthentication) -> TokenClient {
        let id = ClientId::new("nightly");
        TokenClient::without_launch(id, authentication, self.http.clone(), provider())
    }

    fn services(
        &self,
        authentication: ClientAuthentication,
        scopes: &[&str],
    ) -> Result<BackendServices, &'static str> {
        BackendServices::new(
            self.client(authentication),
            AuthorizationServer::of_fhir_server(&self.smart),
            scopes.iter().collect(),
            self.clock.clone(),
        )
        .map_err(|error| error.code())
    }

    fn usual(&self) -> BackendServices {
        self.services(key_pair(), &["system/Observation.rs"])
            .unwrap()
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

async fn get(services: &BackendServices) -> Result<String, &'static str> {
    match services.token().await {
        Ok(token) => Ok(token.access_token().expose_secret().to_owned()),
        Err(error) => Err(error.code()),
    }
}

/// Lets tasks in the background come to their end.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

// covers: SMART-BS-1, SMART-BS-2
#[tokio::test]
async fn the_request_has_grant_scope_and_assertion() {
    let world = World::new().await;
    assert_eq!(get(&world.usual()).await.as_deref(), Ok("one"));
    let [sent] = &world.http.sent()[..] else {
        panic!("one request");
    };
    assert_eq!((sent.method.as_str(), &*sent.url), ("POST", TOKEN));
    let form = parameters(&sent.body);
    let names: Vec<_> = form.keys().map(String::as_str).collect();
    let expected = [
        "client_assertion",
        "client_assertion_type",
        "grant_type",
        "scope",
    ];
    assert_eq!(names, expected);
    assert_eq!(form["grant_type"], "client_credentials");
    assert_eq!(form["scope"], "system/Observation.rs");
}

// covers: SMART-BS-1, SMART-SYM-3
#[tokio::test]
async fn a_secret_is_refused_unless_it_is_loudly_allowed() {
    let world = World::new().await;
    let scopes = ["system/Observation.rs"];
    for authentication in [ClientAuthentication::Public, secret()] {
        let refused = world.services(authentication.clone(), &scopes);
        assert_eq!(refused.err(), Some("client-not-for-backend-services"));
        let server = AuthorizationServer::of_fhir_server(&world.smart);
        let client = world.client(authentication);
        let scopes = scopes.iter().collect();
        let asked = client.client_credentials(&server, &scopes, NOW).await;
        assert_eq!(asked.unwrap_err().code(), "client-not-for-backend-services");
    }
    assert_eq!(world.http.count(), 0);
    let loudly = |authentication| {
        BackendServices::with_secret_against_smart(
            world.client(authentication),
            AuthorizationServer::of_fhir_server(&world.smart),
            scopes.iter().collect(),
            world.clock.clone(),
        )
        .map_err(|error| error.code())
    };
    let refused = loudly(ClientAuthentication::Public).err();
    assert_eq!(refused, Some("client-not-for-backend-services"));
    assert_eq!(get(&loudly(secret()).unwrap()).await.as_deref(), Ok("one"));
    let form = parameters(&world.http.sent()[0].body);
    assert_eq!(form["client_secret"], "a secret");
}

// covers: SMART-BS-3
#[tokio::test]
async fn scopes_of_another_level_are_found() {
    let world = World::new().await;
    let findings = |scopes: &[&str]| {
        let services = world.services(key_pair(), scopes)?;
        let codes = services.findings().iter().map(|it| it.code);
        Ok::<_, &str>(codes.collect::<Vec<_>>())
    };
    let of_another_level = Ok(vec!["backend-scope"]);
    let none = Ok(vec![]);
    assert_eq!(findings(&["system/*.rs", "system/Patient.read"]), none);
    for scopes in [
        &["system/*.rs", "user/Patient.rs", "patient/*.rs"][..],
        &["openid"],
        &["of-somebody"],
    ] {
        assert_eq!(findings(scopes), of_another_level, "{scopes:?}");
    }
    // What is odd in a launch is odd here too.
    let odd = ["system/*.cruds", "system/x.rs", "system/X.rs?a:b=c"];
    let codes = ["scope-invalid", "scope-everything", "scope-experimental"];
    assert_eq!(findings(&odd), Ok(codes.to_vec()));
    assert_eq!(findings(&[]), Err("token-no-scope"));
    assert_eq!(findings(&[" "]), Err("token-no-scope"));
    assert_eq!(findings(&["system/*.rs", "a\"b"]), Err("token-scope"));
}

#[tokio::test]
async fn many_callers_share_one_request() {
    let world = World::new().await;
    let services = world.usual();
    world.http.close();
    let callers: Vec<_> = (0..500)
        .map(|_| {
            let services = services.clone();
            tokio::spawn(async move { get(&services).await })
        })
        .collect();
    settle().await;
    assert_eq!(world.http.count(), 1);
    world.http.open();
    for caller in callers {
        assert_eq!(caller.await.unwrap().as_deref(), Ok("one"));
    }
    assert_eq!(get(&services).await.as_deref(), Ok("one"));
    assert_eq!(world.http.count(), 1);
}

#[tokio::test]
async fn a_request_goes_on_when_its_caller_goes_away() {
    let world = World::new().await;
    let services = world.usual();
    world.http.close();
    let caller = {
        let services = services.clone();
        tokio::spawn(async move { get(&services).await })
    };
    settle().await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    world.http.open();
    assert_eq!(get(&services).await.as_deref(), Ok("one"));
    assert_eq!(world.http.count(), 1);
}

// covers: SMART-BS-9
#[tokio::test]
async fn a_token_is_renewed_ahead_and_never_used_past_its_end() {
    let world = World::new().await;
    let services = world.usual();
    assert_eq!(get(&services).await.as_deref(), Ok("one"));
    world.http.answer(TOKEN, answer("two", Some(300)));
    world.pass(239);
    assert_eq!(get(&services).await.as_deref(), Ok("one"));
    settle().await;
    assert_eq!(world.http.count(), 1);
    // A minute before its end somebody fetches, and nobody waits for it.
    world.pass(1);
    for _ in 0..10 {
        assert_eq!(get(&services).await.as_deref(), Ok("one"));
    }
    settle().await;
    assert_eq!(get(&services).await.as_deref(), Ok("two"));
    assert_eq!(world.http.count(), 2);
    // Nobody asked for one in time: then it is waited for.
    world.http.answer(TOKEN, answer("three", Some(300)));
    world.pass(300);
    assert_eq!(get(&services).await.as_deref(), Ok("three"));
    assert_eq!(world.http.count(), 3);
}

#[tokio::test]
async fn the_life_of_a_token_counts_from_the_request() {
    let world = World::new().await;
    let services = world.usual();
    world.http.close();
    let caller = {
        let services = services.clone();
        tokio::spawn(async move { services.token().await.unwrap().expires_at })
    };
    settle().await;
    world.pass(100);
    world.http.open();
    let end = NOW.as_secs() + 300;
    assert_eq!(caller.await.unwrap(), Some(UnixTime::from_secs(end)));
    world.http.answer(TOKEN, answer("two", Some(300)));
    world.pass(195);
    assert_eq!(get(&services).await.as_deref(), Ok("two"));
}

#[tokio::test]
async fn without_a_life_a_token_is_used_for_a_minute_and_without_any_never() {
    let world = World::new().await;
    let services = world.usual();
    world.http.answer(TOKEN, answer("one", None));
    assert_eq!(services.token().await.unwrap().expires_at, None);
    world.http.answer(TOKEN, answer("two", None));
    world.pass(44);
    assert_eq!(get(&services).await.as_deref(), Ok("one"));
    world.pass(11);
    assert_eq!(get(&services).await.as_deref(), Ok("two"));
    assert_eq!(world.http.count(), 2);

    // Zero says nothing of its life; half a second is over when it arrives.
    let services = world.usual();
    world.http.answer(TOKEN, answer("zero", Some(0)));
    assert_eq!(services.token().await.unwrap().expires_at, None);
    let services = world.usual();
    let dead = json!({"access_token": "dead", "token_type": "bearer", "expires_in": 0.5});
    world.http.answer(TOKEN, Answer::json(&dead));
    assert_eq!(get(&services).await, Err("backend-no-life"));
    assert_eq!(get(&services).await, Err("backend-no-life"));
    assert_eq!(world.http.count(), 4);
}

#[tokio::test]
async fn a_server_that_is_down_is_left_alone_between_tries() {
    let world = World::new().await;
    let services = world.usual();
    world.http.set_down(true);
    for _ in 0..20 {
        let error = services.token().await.unwrap_err();
        assert_eq!(error.code(), "http-connect");
        assert!(error.retry_after().unwrap() <= Duration::from_millis(1200));
    }
    assert_eq!(world.http.count(), 1);
    world.pass(2);
    assert_eq!(get(&services).await, Err("http-connect"));
    assert_eq!(world.http.count(), 2);
    // It rests longer now, and what it answers then is no token of before.
    world.http.set_down(false);
    world.pass(1);
    assert_eq!(get(&services).await, Err("http-connect"));
    assert_eq!(world.http.count(), 2);
    world.pass(2);
    assert_eq!(get(&services).await.as_deref(), Ok("one"));
    // A server that refuses is asked no more often than one that is down.
    let refusal = Answer::json(&json!({"error": "invalid_client"})).with_status(400);
    world.http.answer(TOKEN, refusal);
    world.pass(240);
    for _ in 0..20 {
        assert_eq!(get(&services).await.as_deref(), Ok("one"));
        settle().await;
    }
    assert_eq!(world.http.count(), 4);
    // The token that failed to be renewed ends when it ends.
    world.pass(55);
    assert_eq!(get(&services).await, Err("token-refused"));
    assert_eq!(get(&services).await, Err("token-refused"));
    assert_eq!(world.http.count(), 5);
}

#[tokio::test]
async fn a_server_that_asks_for_a_rest_is_left_alone_for_as_long() {
    let busy = |status, wish: &str| Answer::status(status).with("retry-after", wish);
    let gateway = Answer::text("text/html", "<html>").with_status(403);
    for (told, rest) in [
        (busy(429, "600"), 600),
        (busy(503, "600"), 600),
        (gateway.with("retry-after", "600"), 600),
        // A day is longer than anybody is kept away by one header.
        (busy(429, "86400"), 900),
    ] {
        let world = World::new().await;
        let services = world.usual();
        world.http.answer(TOKEN, told);
        for second in 0..10 {
            let error = services.token().await.unwrap_err();
            let left = Duration::from_secs(rest - second);
            assert_eq!(error.retry_after(), Some(left));
            world.pass(1);
        }
        world.http.answer(TOKEN, answer("one", Some(300)));
        world.pass(rest - 11);
        assert!(get(&services).await.is_err());
        assert_eq!(world.http.count(), 1);
        world.pass(1);
        assert_eq!(get(&services).await.as_deref(), Ok("one"));
        assert_eq!(world.http.count(), 2);
    }
    // What asks for less than we rest anyway changes nothing.
    let world = World::new().await;
    let services = world.usual();
    world.http.answer(TOKEN, busy(429, "0"));
    let error = services.token().await.unwrap_err();
    assert!(error.retry_after().unwrap() >= Duration::from_millis(800));
}

// covers: SMART-BS-10, SMART-BS-11, SBCP-12
#[tokio::test]
async fn the_token_goes_to_its_own_fhir_server_only() {
    let world = World::new().await;
    let server = AuthorizationServer::of_fhir_server(&world.smart);
    assert_eq!(server.fhir_base().as_str(), BASE);
    let token: Arc<BackendToken> = world.usual().token().await.unwrap();
    let header = |url: &str| token.authorization_for(url).ok();
    for url in [
        "https://ehr.example/fhir/Observation?patient=1",
        "https://EHR.example:443/fhir/Patient/1",
    ] {
        let header = header(url).unwrap();
        assert_eq!(header, "Bearer one");
        assert!(header.is_sensitive());
    }
    for url in [
        "https://evil.example/fhir/Observation",
        "https://ehr.example.evil.example/fhir/Observation",
        "https://ehr.example/fhirx/Observation",
        "https://ehr.example/",
        "http://ehr.example/fhir/Observation",
        "https://u@ehr.example/fhir/Observation",
        "https://ehr.example/fhir/../admin",
        "Observation/1",
    ] {
        assert_eq!(header(url), None, "{url}");
    }
    assert!(!format!("{token:?}").contains("one"));
}

// covers: SMART-BS-8, SMART-REF-9
#[tokio::test]
async fn a_refresh_token_is_dropped() {
    let world = World::new().await;
    let body = json!({
        "access_token": "one", "token_type": "bearer", "scope": "system/Observation.rs",
        "expires_in": 300, "refresh_token": "r", "id_token": "t",
    });
    world.http.answer(TOKEN, Answer::json(&body));
    let token = world.usual().token().await.unwrap();
    let codes: Vec<_> = token.findings.iter().map(|it| it.code).collect();
    assert_eq!(codes, ["refresh-token-unasked", "id-token-unasked"]);
}

#[tokio::test]
async fn a_token_that_the_fhir_server_refuses_is_replaced_once() {
    let world = World::new().await;
    let services = world.usual();
    let one = services.token().await.unwrap();
    world.http.answer(TOKEN, answer("two", Some(300)));
    // It was got a moment ago, so another one would be refused as well.
    assert!(!services.discard(&one));
    assert_eq!(get(&services).await.as_deref(), Ok("one"));
    world.pass(30);
    assert!(services.discard(&one));
    assert!(!services.discard(&one));
    assert_eq!(get(&services).await.as_deref(), Ok("two"));
    world.pass(30);
    assert!(!services.discard(&one));
    assert_eq!(get(&services).await.as_deref(), Ok("two"));
    assert_eq!(world.http.count(), 2);
}
