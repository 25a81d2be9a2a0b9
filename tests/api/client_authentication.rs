//! How a client proves at each endpoint who it is, and what never leaves.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::{Value, json};
use smart_oidc::discovery::{
    Discovery, EndpointUrl, FhirBaseUrl, Finding, FixedClock, HttpClient, TransportError,
    TrustedIssuer,
};
use smart_oidc::jose::crypto::{AtHand, RemoteSigningKey, SigningFailed};
use smart_oidc::jose::key::{PrivateKey, PublicKey};
use smart_oidc::jose::{Algorithm, Algorithms, ErrorClass, JwkSet, Text, UnixTime};
use smart_oidc::token::{BackendServices, Fate, RefreshRequest};
use smart_oidc::{
    ASSERTION_LIFE, AccessToken, AssertionAudience, AssertionSigner, AssertionType,
    AuthorizationServer, AuthorizedLaunch, ClientAuthentication, ClientConfig, ClientId,
    ClientSecret, Launch, Quirks, RedirectUri, RefreshToken, Scope, Scopes, TokenClient,
    TokenError, TokenResponse,
};
use smart_tests::fixture;
use smart_tests::forge::{Forge, kid_of, unb64};

use super::provider;
use crate::fake_http::{Answer, FakeHttp, Sent, parameters};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const BASE: &str = "https://ehr.example/fhir";
const ISSUER: &str = "https://login.example/oidc";
const TOKEN: &str = "https://login.example/token";
const REVOKE: &str = "https://login.example/revoke";
const INTROSPECT: &str = "https://login.example/introspect";
const CLIENT: &str = "growth-chart";
const SECRET: &str = "s3cr3t of the client";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn smart_document() -> Value {
    json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://login.example/authorize",
        "token_endpoint": TOKEN,
        "revocation_endpoint": REVOKE,
        "introspection_endpoint": INTROSPECT,
        "capabilities": [],
        "grant_types_supported": ["authorization_code"],
        "code_challenge_methods_supported": ["S256"],
    })
}

fn openid_document() -> Value {
    json!({
        "issuer": ISSUER,
        "jwks_uri": "https://login.example/jwks",
        "token_endpoint": TOKEN,
    })
}

async fn trusted(smart: &Value, openid: &Value) -> TrustedIssuer {
    let http = FakeHttp::new();
    let document = |base: &str, name: &str| format!("{base}/.well-known/{name}");
    http.answer(&document(BASE, "smart-configuration"), Answer::json(smart));
    http.answer(
        &document(ISSUER, "openid-configuration"),
        Answer::json(openid),
    );
    let base = FhirBaseUrl::parse(BASE).unwrap();
    Discovery::new(http).discover(&base).await.unwrap()
}

/// A server, and a network that keeps what is sent to it.
struct World {
    trusted: TrustedIssuer,
    server: AuthorizationServer,
    http: Arc<FakeHttp>,
}

impl World {
    async fn new() -> Self {
        Self::of(&smart_document(), &openid_document()).await
    }

    async fn of(smart: &Value, openid: &Value) -> Self {
        let trusted = trusted(smart, openid).await;
        let http = FakeHttp::new();
        http.answer(TOKEN, Answer::json(&tokens()));
        http.answer(REVOKE, Answer::status(200));
        http.answer(INTROSPECT, Answer::json(&json!({"active": false})));
        Self {
            server: AuthorizationServer::of(&trusted),
            trusted,
            http,
        }
    }

    fn launch(&self, client: &ClientConfig) -> Result<AuthorizedLaunch, &'static str> {
        let begun = Launch::standalone(&self.trusted, client)
            .begin(provider(), NOW)
            .map_err(|error| error.code())?;
        let url = begun.request.url();
        let query = url.split_once('?').unwrap().1;
        let state = &parameters(query.as_bytes())["state"];
        let query = format!("code=the+code&state={state}");
        let launch = begun
            .pending
            .authorize(&query, &begun.binding, provider(), NOW);
        Ok(launch.unwrap())
    }

    fn tokens(&self, client: &ClientConfig) -> TokenClient {
        TokenClient::new(client, self.http.clone(), provider())
    }

    async fn exchange(&self, client: &ClientConfig) -> Result<Sent, &'static str> {
        let launch = self.launch(client)?;
        let result = self.tokens(client).exchange(launch, NOW).await;
        result.map_err(|error| error.code())?;
        Ok(self.http.sent().pop().unwrap())
    }

    async fn refresh(&self, client: &ClientConfig) -> Result<Sent, &'static str> {
        let (token, granted) = (RefreshToken::new("the refresh token"), granted());
        let request = RefreshRequest::new(&token, &granted);
        let tokens = self.tokens(client);
        let refreshed = tokens.refresh(&self.server, &request, NOW).await;
        refreshed.map_err(|error| error.code())?;
        Ok(self.http.sent().pop().unwrap())
    }
}

fn tokens() -> Value {
    json!({
        "access_token": "access-1", "token_type": "Bearer", "expires_in": 300,
        "scope": "launch/patient patient/*.rs", "unknown": {"member": [1]},
    })
}

fn granted() -> Scopes {
    Scopes::parse("launch/patient patient/*.rs")
}

fn client(authentication: ClientAuthentication) -> ClientConfig {
    ClientConfig::confidential(
        ClientId::new(CLIENT),
        RedirectUri::new("https://app.example/cb"),
        authentication,
    )
}

fn basic() -> ClientAuthentication {
    ClientAuthentication::ClientSecretBasic(ClientSecret::new(SECRET))
}

fn post() -> ClientAuthentication {
    ClientAuthentication::ClientSecretPost(ClientSecret::new(SECRET))
}

fn private(algorithm: Algorithm) -> PrivateKey {
    let name = match algorithm {
        Algorithm::ES384 => "keys/issuer-p384.pem",
        Algorithm::ES256 => "keys/issuer-p256.pem",
        _ => "keys/issuer-rsa-2048.pem",
    };
    PrivateKey::from_pem(&fixture::text(name), provider()).unwrap()
}

fn signer(algorithm: Algorithm) -> AssertionSigner {
    let key = provider().signing_key(&private(algorithm), algorithm);
    AssertionSigner::new(kid_of(algorithm.name()), key.unwrap(), provider()).unwrap()
}

fn key_pair(algorithm: Algorithm) -> ClientAuthentication {
    ClientAuthentication::PrivateKeyJwt(signer(algorithm))
}

/// Header and claims of an assertion, read by nothing of ours, if the signature is that of the key.
fn assertion(sent: &Sent) -> (Value, Value) {
    let form = parameters(&sent.body);
    assert_eq!(form["client_assertion_type"], JWT_BEARER);
    let token = &form["client_assertion"];
    let (input, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = input.split_once('.').unwrap();
    let read = |part: &str| serde_json::from_slice::<Value>(&unb64(part)).unwrap();
    let (header, claims) = (read(header), read(claims));
    let alg = header["alg"].as_str().unwrap().to_owned();
    let signature = unb64(signature);
    assert!(Forge::issuer().has_signed(&alg, input.as_bytes(), &signature));
    (header, claims)
}

fn names(sent: &Sent) -> Vec<String> {
    parameters(&sent.body).into_keys().collect()
}

// covers: SMART-TOK-1, SMART-TOK-2, SMART-TOK-3, SMART-TOK-4, SMART-SYM-1, SMART-SYM-4, SMART-CAS-15, CAS-1, CAS-2, CAS-9, OAUTH-2, OAUTH-5, SBCP-8, SBCP-12, SMART-SEC-5
#[tokio::test]
async fn each_method_proves_who_the_client_is_in_its_own_place() {
    let world = World::new().await;
    let common = ["code", "code_verifier", "grant_type", "redirect_uri"];
    let assertion = ["client_assertion", "client_assertion_type"];
    let cases = [
        (ClientAuthentication::Public, "none", &["client_id"][..]),
        (basic(), "client_secret_basic", &[]),
        (
            post(),
            "client_secret_post",
            &["client_id", "client_secret"],
        ),
        (key_pair(Algorithm::RS384), "private_key_jwt", &assertion),
        (key_pair(Algorithm::ES384), "private_key_jwt", &assertion),
    ];
    for (authentication, method, own) in cases {
        assert_eq!(authentication.method(), method);
        let sent = world.exchange(&client(authentication)).await.unwrap();
        assert_eq!((&sent.method, &*sent.url), (&Method::POST, TOKEN));
        let content_type = &sent.headers["content-type"];
        assert_eq!(content_type, "application/x-www-form-urlencoded");
        let mut expected: Vec<_> = own.iter().chain(&common).copied().collect();
        expected.sort_unstable();
        assert_eq!(names(&sent), expected, "{method}");
        let form = parameters(&sent.body);
        assert_eq!(form["grant_type"], "authorization_code");
        assert_eq!(form["code"], "the code");
        let header = sent.headers.get("authorization");
        match method {
            "client_secret_basic" => {
                let header = header.unwrap();
                assert!(header.is_sensitive());
                // growth-chart:s3cr3t+of+the+client
                let credentials = "Basic Z3Jvd3RoLWNoYXJ0OnMzY3IzdCtvZit0aGUrY2xpZW50";
                assert_eq!(header, credentials);
            }
            _ => assert_eq!(header, None, "{method}"),
        }
        if method == "client_secret_post" {
            assert_eq!(form["client_secret"], SECRET);
        }
    }
}

// covers: SMART-CAS-5, SMART-CAS-7, SMART-CAS-10, SMART-CAS-11, SMART-CAS-12, SMART-CAS-24, CAS-3, SBCP-17
#[tokio::test]
async fn an_assertion_says_what_a_server_looks_for() {
    let world = World::new().await;
    for algorithm in [Algorithm::RS384, Algorithm::ES384] {
        let sent = world.exchange(&client(key_pair(algorithm))).await.unwrap();
        let (header, mut claims) = assertion(&sent);
        let kid = kid_of(algorithm.name());
        assert_eq!(
            header,
            json!({"typ": "JWT", "alg": algorithm.name(), "kid": kid})
        );
        let jti = claims.as_object_mut().unwrap().remove("jti").unwrap();
        // 256 bits.
        assert_eq!(unb64(jti.as_str().unwrap()).len(), 32);
        let exp = NOW.as_secs() + ASSERTION_LIFE.as_secs();
        assert!(exp <= NOW.as_secs() + 300 - 60);
        // One text as the audience, and no list.
        assert_eq!(
            claims,
            json!({"iss": CLIENT, "sub": CLIENT, "aud": TOKEN, "exp": exp, "iat": NOW.as_secs()})
        );
    }
}

// covers: SMART-CAS-13, SMART-CAS-14, SMART-REF-3, CAS-10, OIDC-AUT-15
#[tokio::test]
async fn each_request_has_an_assertion_of_its_own() {
    let world = World::new().await;
    let client = client(key_pair(Algorithm::ES384));
    world.exchange(&client).await.unwrap();
    for _ in 0..3 {
        world.refresh(&client).await.unwrap();
    }
    // Two that did not arrive, and their second tries.
    for is_down in [true, true, false, false] {
        world.http.set_down(is_down);
        let refreshed = world.refresh(&client).await;
        assert_eq!(refreshed.err(), is_down.then_some("http-connect"));
    }
    let tokens = world.tokens(&client);
    let access = AccessToken::new("access-1");
    tokens
        .revoke_access_token(&world.server, &access, NOW)
        .await
        .unwrap();
    tokens
        .introspect(&world.server, &access, NOW)
        .await
        .unwrap();
    let sent = world.http.sent();
    assert_eq!(sent.len(), 10);
    let ids: BTreeSet<String> = sent
        .iter()
        .map(|it| assertion(it).1["jti"].to_string())
        .collect();
    assert_eq!(ids.len(), sent.len());
}

// covers: SMART-CAS-8, CAS-11, CAS-12, CAS-13, CAS-14
#[tokio::test]
async fn audience_type_and_jku_are_as_chosen() {
    let jku = EndpointUrl::parse("https://app.example/jwks.json").unwrap();
    let world = World::new().await;
    let chosen = signer(Algorithm::RS384)
        .with_audience(AssertionAudience::Issuer)
        .with_type(AssertionType::ClientAuthentication)
        .with_jku(jku.clone());
    let newer = client(ClientAuthentication::PrivateKeyJwt(chosen));
    for sent in [world.exchange(&newer).await, world.refresh(&newer).await] {
        let (header, claims) = assertion(&sent.unwrap());
        assert_eq!(header["typ"], "client-authentication+jwt");
        assert_eq!(header["jku"], jku.as_str());
        assert_eq!(claims["aud"], ISSUER);
    }
    // An endpoint that the issuer does not name could be anybody's, who would take an assertion for
    // the issuer there.
    let tokens = world.tokens(&newer);
    let token = RefreshToken::new("r");
    let revoked = tokens
        .revoke_refresh_token(&world.server, &token, NOW)
        .await;
    assert_eq!(revoked.unwrap_err().code(), "client-audience-not-vouched");
    let before = world.http.count();
    let mut openid = openid_document();
    openid["token_endpoint"] = json!("https://login.example/another");
    let elsewhere = World::of(&smart_document(), &openid).await;
    let refused = Some("client-audience-not-vouched");
    assert_eq!(elsewhere.exchange(&newer).await.err(), refused);
    assert_eq!(elsewhere.refresh(&newer).await.err(), refused);
    let no_issuer = AuthorizationServer::of_fhir_server(world.trusted.smart_configuration());
    let refused = no_issuer.check(&newer.authentication).unwrap_err();
    assert_eq!(refused.code(), "client-audience-not-vouched");
    assert_eq!(elsewhere.http.count() + world.http.count(), before);
    // A launch that began with other settings does not lend its endpoint a name that it never had.
    let older = client(key_pair(Algorithm::RS384));
    let launch = elsewhere.launch(&older).unwrap();
    let server = launch.context().authorization_server();
    assert_eq!(server.fhir_base().as_str(), BASE);
    let refused = server.check(&newer.authentication).unwrap_err();
    assert_eq!(refused.code(), "client-audience-not-vouched");
    let exchanged = elsewhere.tokens(&newer).exchange(launch, NOW).await;
    let refused = exchanged.map(drop).unwrap_err();
    assert_eq!(
        (refused.code(), refused.fate()),
        ("client-audience-not-vouched", Fate::NotSent)
    );
    assert_eq!(elsewhere.http.count() + world.http.count(), before);
    let sent = elsewhere.exchange(&older).await.unwrap();
    assert_eq!(assertion(&sent).1["aud"], TOKEN);
}

/// The audiences of what is sent to revoke a token and to ask what it is.
async fn audiences(world: &World, client: &ClientConfig) -> [Value; 2] {
    let tokens = world.tokens(client);
    let (token, access) = (RefreshToken::new("r"), AccessToken::new("a"));
    let revoked = tokens.revoke_refresh_token(&world.server, &token, NOW);
    revoked.await.unwrap();
    let revoked = assertion(&world.http.sent().pop().unwrap()).1;
    let asked = tokens.introspect(&world.server, &access, NOW);
    asked.await.unwrap();
    let asked = assertion(&world.http.sent().pop().unwrap()).1;
    [revoked["aud"].clone(), asked["aud"].clone()]
}

// covers: SMART-CAS-11, CAS-14
#[tokio::test]
async fn beside_the_token_endpoint_an_assertion_is_for_it_or_for_where_it_goes() {
    let world = World::new().await;
    let usual = client(key_pair(Algorithm::ES384));
    assert_eq!(audiences(&world, &usual).await, [TOKEN, TOKEN]);
    let posted = signer(Algorithm::ES384).with_audience(AssertionAudience::PostedEndpoint);
    let posted = client(ClientAuthentication::PrivateKeyJwt(posted));
    assert_eq!(audiences(&world, &posted).await, [REVOKE, INTROSPECT]);
    let sent = world.exchange(&posted).await.unwrap();
    assert_eq!(assertion(&sent).1["aud"], TOKEN);
}

/// Whoever names somebody else's token endpoint beside an endpoint of his own must not get what
/// opens it: not even where he is the issuer, who can name what he likes.
// covers: CAS-14
#[tokio::test]
async fn adv_an_endpoint_of_another_origin_gets_no_assertion_for_the_token_endpoint() {
    let usual = client(key_pair(Algorithm::ES384));
    for own in [
        "https://evil.example/revoke",
        "https://login.example:8443/revoke",
        "https://login.example.evil.example/revoke",
        "https://sub.login.example/revoke",
    ] {
        let (mut smart, mut openid) = (smart_document(), openid_document());
        for document in [&mut smart, &mut openid] {
            document["revocation_endpoint"] = json!(own);
            document["introspection_endpoint"] = json!(own.replace("revoke", "introspect"));
        }
        let world = World::of(&smart, &openid).await;
        world.http.answer(own, Answer::status(200));
        let inactive = Answer::json(&json!({"active": false}));
        let introspect = own.replace("revoke", "introspect");
        world.http.answer(&introspect, inactive);
        let expected = [own, &introspect].map(|it| json!(it));
        assert_eq!(audiences(&world, &usual).await, expected);
    }
}

/// A key of a service that does something wrong.
#[derive(Debug)]
struct Wrong {
    key: AtHand,
    says: Option<PublicKey>,
    makes: fn(Vec<u8>) -> Result<Vec<u8>, SigningFailed>,
}

#[async_trait]
impl RemoteSigningKey for Wrong {
    fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }
    fn public_key(&self) -> &PublicKey {
        self.says.as_ref().unwrap_or_else(|| self.key.public_key())
    }
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        tokio::task::yield_now().await;
        (self.makes)(self.key.sign(message).await?)
    }
}

#[tokio::test]
async fn a_key_service_that_signs_wrongly_is_found_before_the_server_does() {
    let other = fixture::text("keys/other-p384.pem");
    let other = PrivateKey::from_pem(&other, provider()).unwrap();
    let other = other.public_key();
    type Makes = fn(Vec<u8>) -> Result<Vec<u8>, SigningFailed>;
    let cases: [(Makes, Option<PublicKey>, Option<&str>); 6] = [
        (Ok, None, None),
        (
            |mut it| {
                it[5] ^= 1;
                Ok(it)
            },
            None,
            Some("client-wrong-signature"),
        ),
        (|_| Ok(vec![0; 96]), None, Some("client-wrong-signature")),
        (Ok, Some(other), Some("client-wrong-signature")),
        // DER, perhaps.
        (|_| Ok(vec![0x30; 102]), None, Some("sign-signature-length")),
        (|_| Err(SigningFailed), None, Some("sign-failed")),
    ];
    for (makes, says, expected) in cases {
        let world = World::new().await;
        let key = provider()
            .signing_key(&private(Algorithm::ES384), Algorithm::ES384)
            .unwrap();
        let key = Arc::new(Wrong {
            key: AtHand::new(key),
            says,
            makes,
        });
        let signer = AssertionSigner::remote("p384", key, provider()).unwrap();
        let client = client(ClientAuthentication::PrivateKeyJwt(signer));
        let launch = world.launch(&client).unwrap();
        let result = world.tokens(&client).exchange(launch, NOW).await;
        let error = result.map(drop).err();
        assert_eq!(error.as_ref().map(TokenError::code), expected);
        assert_eq!(world.http.count(), usize::from(expected.is_none()));
        if let Some(error) = error {
            assert_eq!(
                (error.fate(), error.class()),
                (Fate::NotSent, ErrorClass::Upstream)
            );
        }
    }
}

// covers: SMART-CAS-3, SMART-CAS-5
#[test]
fn a_key_that_no_server_would_take_signs_nothing() {
    let with = |kid: &str, algorithm: Algorithm, accepted: Algorithms| {
        let key = provider()
            .signing_key(&private(algorithm), algorithm)
            .unwrap();
        let key = Arc::new(AtHand::new(key));
        AssertionSigner::with_algorithms(kid, key, accepted, provider())
            .map(|it| it.algorithm())
            .map_err(|error| error.code())
    };
    let usual = Algorithms::CLIENT_ASSERTION;
    for algorithm in [Algorithm::RS384, Algorithm::ES384] {
        assert_eq!(with("a", algorithm, usual), Ok(algorithm));
    }
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::PS384] {
        assert_eq!(with("a", algorithm, usual), Err("assertion-key-algorithm"));
        let named = Algorithms::of(&[algorithm]);
        assert_eq!(with("a", algorithm, named), Ok(algorithm));
    }
    for kid in ["", &"x".repeat(256)] {
        assert_eq!(with(kid, Algorithm::ES384, usual), Err("assertion-key-kid"));
    }
    // What is registered holds the public half and the name.
    let keys = vec![
        signer(Algorithm::RS384).jwk().clone(),
        signer(Algorithm::ES384).jwk().clone(),
    ];
    let set = serde_json::to_value(JwkSet::from_keys(keys, provider())).unwrap();
    let members = |at: usize| -> Vec<String> {
        let key = set["keys"][at].as_object().unwrap();
        key.keys().cloned().collect()
    };
    for (at, own) in [(0, &["e", "n"][..]), (1, &["crv", "x", "y"])] {
        let mut expected: Vec<_> = ["alg", "kid", "kty", "use"].iter().chain(own).collect();
        expected.sort_unstable();
        assert!(members(at).iter().eq(expected), "{set}");
    }
}

// covers: SMART-TOK-4, SBCP-17
#[tokio::test]
async fn a_method_that_the_server_does_not_announce_sends_nothing() {
    let all = [
        ClientAuthentication::Public,
        post(),
        basic(),
        key_pair(Algorithm::RS384),
        key_pair(Algorithm::ES384),
    ];
    let method = Some("client-method-not-announced");
    let algorithm = Some("client-algorithm-not-announced");
    let cases = [
        // Who says nothing is taken to know what is registered.
        (json!(null), json!(null), [None; 5], "private_key_jwt"),
        (
            json!(["private_key_jwt"]),
            json!(["ES384"]),
            [None, method, method, algorithm, None],
            "private_key_jwt",
        ),
        (
            json!(["client_secret_post", "client_secret_basic"]),
            json!(null),
            [None, None, None, method, method],
            "client_secret_basic",
        ),
        (
            json!(["client_secret_post", "private_key_jwt"]),
            json!(["RS256", "rs384"]),
            [None, None, method, algorithm, algorithm],
            "client_secret_post",
        ),
        (json!([]), json!([]), [None; 5], "private_key_jwt"),
    ];
    for (methods, algorithms, expected, best) in cases {
        let mut smart = smart_document();
        smart["token_endpoint_auth_methods_supported"] = methods.clone();
        smart["token_endpoint_auth_signing_alg_values_supported"] = algorithms;
        if methods.is_null() {
            let smart = smart.as_object_mut().unwrap();
            smart.retain(|name, _| !name.starts_with("token_endpoint_auth"));
        }
        let world = World::of(&smart, &openid_document()).await;
        for (authentication, expected) in all.iter().zip(expected) {
            let client = client(authentication.clone());
            // The person is not sent away for a launch that cannot end.
            assert_eq!(
                world.launch(&client).err(),
                expected,
                "{methods} {client:?}"
            );
            let before = world.http.count();
            assert_eq!(
                world.refresh(&client).await.err(),
                expected,
                "{methods} {client:?}"
            );
            let sent = world.http.count() - before;
            assert_eq!(sent, usize::from(expected.is_none()));
        }
        let found = world.server.best_of(&all).unwrap();
        assert_eq!(found.method(), best, "{methods}");
    }
    let world = World::new().await;
    assert!(world.server.best_of(&[]).is_none());
    let forgotten = client(ClientAuthentication::ClientSecretPost(ClientSecret::new(
        "",
    )));
    assert_eq!(world.launch(&forgotten).err(), Some("client-secret-empty"));
    assert_eq!(
        world.refresh(&forgotten).await.err(),
        Some("client-secret-empty")
    );
}

// covers: SMART-SYM-2, SMART-TOK-3
#[tokio::test]
async fn quirks_of_credentials_are_found_where_they_bite() {
    let world = World::new().await;
    let credentials = async |authentication: ClientAuthentication, quirks: Quirks| {
        let client = client(authentication).with_quirks(quirks);
        let launch = world.launch(&client).unwrap();
        let (tokens, _) = world.tokens(&client).exchange(launch, NOW).await.unwrap();
        // What the answer itself is like is another matter.
        let is_ours = |code: &&str| !["scope-unasked", "patient-missing"].contains(code);
        let codes = tokens.findings.iter().map(|it| it.code);
        let codes: Vec<_> = codes.filter(is_ours).collect();
        (world.http.sent().pop().unwrap(), codes)
    };
    let mut raw = Quirks::default();
    raw.raw_basic_credentials = true;
    let (sent, codes) = credentials(basic(), raw).await;
    // growth-chart:s3cr3t of the client
    let header = "Basic Z3Jvd3RoLWNoYXJ0OnMzY3IzdCBvZiB0aGUgY2xpZW50";
    assert_eq!(sent.headers["authorization"], header);
    assert_eq!(codes, ["raw-basic-credentials"]);
    let plain = ClientAuthentication::ClientSecretBasic(ClientSecret::new("abc-123"));
    assert_eq!(credentials(plain, raw).await.1, [""; 0]);
    assert_eq!(credentials(post(), raw).await.1, [""; 0]);

    let mut named = Quirks::default();
    named.client_id_with_basic = true;
    for authentication in [basic(), key_pair(Algorithm::ES384)] {
        let (sent, codes) = credentials(authentication, named).await;
        assert_eq!(parameters(&sent.body)["client_id"], CLIENT);
        assert_eq!(codes, ["client-id-with-basic"]);
    }
    for authentication in [ClientAuthentication::Public, post()] {
        assert_eq!(credentials(authentication, named).await.1, [""; 0]);
    }
}

// covers: SMART-REF-1, SMART-REF-2, SMART-REF-3, SMART-REF-6, OAUTH-8, OIDC-AUT-15
#[tokio::test]
async fn a_refresh_asks_for_what_was_granted_and_no_more() {
    let world = World::new().await;
    let (token, granted) = (RefreshToken::new("the refresh token"), granted());
    let refreshed = RefreshRequest::new(&token, &granted);
    let public = client(ClientAuthentication::Public);
    let tokens = world.tokens(&public);
    let answer = tokens
        .refresh(&world.server, &refreshed, NOW)
        .await
        .unwrap();
    // Where there is no new refresh token, the old one stays.
    assert!(answer.refresh_token.is_none());
    let sent = world.http.sent().pop().unwrap();
    assert_eq!(names(&sent), ["client_id", "grant_type", "refresh_token"]);
    let form = parameters(&sent.body);
    assert_eq!(form["grant_type"], "refresh_token");
    assert_eq!(form["refresh_token"], "the refresh token");
    assert_eq!(form["client_id"], CLIENT);
    assert_eq!((&sent.method, &*sent.url), (&Method::POST, TOKEN));

    // Another user agent's credentials: a confidential client authenticates each time.
    let sent = world.refresh(&client(basic())).await.unwrap();
    assert!(sent.headers.contains_key("authorization"));
    assert_eq!(names(&sent), ["grant_type", "refresh_token"]);

    let mut rotated = self::tokens();
    rotated["refresh_token"] = json!("the next one");
    rotated["scope"] = json!("openid launch/patient");
    world.http.answer(TOKEN, Answer::json(&rotated));
    let less = Scopes::parse("launch/patient patient/Observation.r");
    let narrower = RefreshRequest::new(&token, &granted).asking_for(&less);
    // A refresh may come without an ID token, though openid is granted.
    let answer = tokens.refresh(&world.server, &narrower, NOW).await.unwrap();
    assert_eq!(
        answer.refresh_token.unwrap().expose_secret(),
        "the next one"
    );
    let sent = world.http.sent().pop().unwrap();
    assert_eq!(
        parameters(&sent.body)["scope"],
        "launch/patient patient/Observation.r"
    );

    let before = world.http.count();
    for (asked, code) in [
        ("patient/*.cruds", "token-scope-not-granted"),
        ("launch/patient user/*.rs", "token-scope-not-granted"),
        ("patient/Observation.rsu", "token-scope-not-granted"),
        ("system/*.rs", "token-scope-not-granted"),
        ("Launch/patient", "token-scope-not-granted"),
        (" ", "token-no-scope"),
        ("", "token-no-scope"),
    ] {
        let scopes = Scopes::parse(asked);
        let wider = RefreshRequest::new(&token, &granted).asking_for(&scopes);
        let error = tokens
            .refresh(&world.server, &wider, NOW)
            .await
            .unwrap_err();
        assert_eq!(
            (error.code(), error.fate()),
            (code, Fate::NotSent),
            "{asked:?}"
        );
    }
    assert_eq!(world.http.count(), before);
}

/// A network in which every request ends like this.
#[derive(Debug)]
struct Ends(Result<Answer, TransportError>);

#[async_trait]
impl HttpClient for Ends {
    async fn send(&self, _: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        self.0.as_ref().map(Answer::response).map_err(Clone::clone)
    }
}

// covers: OAUTH-1, OAUTH-5, SMART-REF-8
#[tokio::test]
async fn it_is_known_whether_a_request_may_be_sent_again() {
    let host = || Text::new("login.example");
    let problem = || Text::new("broken");
    let limit = Duration::from_secs(5);
    let says = |status, body| Ok(Answer::text("application/json", body).with_status(status));
    let refusal = r#"{"error":"invalid_grant"}"#;
    let cases = [
        (
            Err(TransportError::Connect {
                host: host(),
                problem: problem(),
            }),
            Fate::NotSent,
        ),
        (
            Err(TransportError::Tls {
                host: host(),
                problem: problem(),
            }),
            Fate::NotSent,
        ),
        (
            Err(TransportError::Request { problem: problem() }),
            Fate::NotSent,
        ),
        (
            Err(TransportError::Exchange {
                host: host(),
                problem: problem(),
            }),
            Fate::InDoubt,
        ),
        (
            Err(TransportError::Timeout {
                host: host(),
                limit,
            }),
            Fate::InDoubt,
        ),
        (
            Err(TransportError::BodyTooLong {
                host: host(),
                limit: 1,
            }),
            Fate::InDoubt,
        ),
        (says(400, refusal), Fate::Refused),
        (says(401, refusal), Fate::Refused),
        (says(403, refusal), Fate::Refused),
        (
            Ok(Answer::text("text/html", refusal).with_status(401)),
            Fate::Refused,
        ),
        (
            says(400, r#"{"error":"interaction_required"}"#),
            Fate::Refused,
        ),
        // Something on the way gave up, whatever it says about it.
        (says(408, refusal), Fate::InDoubt),
        (says(425, refusal), Fate::InDoubt),
        (says(499, refusal), Fate::InDoubt),
        // Nobody has judged the request, or has said so.
        (says(400, r#"{"error":"server_error"}"#), Fate::InDoubt),
        (
            says(400, r#"{"error":"temporarily_unavailable"}"#),
            Fate::Refused,
        ),
        (
            says(400, r#"{"status":400,"error":"Bad Request"}"#),
            Fate::InDoubt,
        ),
        (says(403, r#"{"error":"blocked_by_policy"}"#), Fate::InDoubt),
        (
            says(400, r#"{"resourceType":"OperationOutcome"}"#),
            Fate::InDoubt,
        ),
        // Put off, in so many words.
        (
            says(503, r#"{"error":"temporarily_unavailable"}"#),
            Fate::Refused,
        ),
        (
            says(503, r#"{"error":"Temporarily_Unavailable"}"#),
            Fate::InDoubt,
        ),
        (says(503, refusal), Fate::InDoubt),
        (
            says(502, r#"{"error":"temporarily_unavailable"}"#),
            Fate::InDoubt,
        ),
        (Ok(Answer::status(429)), Fate::Refused),
        (Ok(Answer::status(500)), Fate::InDoubt),
        (Ok(Answer::status(502)), Fate::InDoubt),
        // The new refresh token may be in what cannot be read.
        (says(200, "{"), Fate::InDoubt),
        (says(200, "{}"), Fate::InDoubt),
        (
            says(200, r#"{"token_type":"Bearer","expires_in":3600}"#),
            Fate::InDoubt,
        ),
        (
            says(200, r#"{"access_token":null,"refresh_token":""}"#),
            Fate::InDoubt,
        ),
        (says(200, r#"{"error":"a","error":"b"}"#), Fate::InDoubt),
        (
            says(
                200,
                r#"{"access_token":"a","token_type":"Bearer","x":1,"x":"#,
            ),
            Fate::InDoubt,
        ),
        // Tokens came that are not accepted.
        (
            says(200, r#"{"access_token":"a|b","token_type":"Bearer"}"#),
            Fate::Spent,
        ),
        (
            says(200, r#"{"access_token":["a"],"token_type":"Bearer"}"#),
            Fate::Spent,
        ),
        (says(200, r#"{"refresh_token":"r-2"}"#), Fate::Spent),
        (
            says(200, r#"{"access_token":"a","access_token":null}"#),
            Fate::Spent,
        ),
        (
            says(200, r#"{"access_token":"a","token_type":"mac"}"#),
            Fate::Spent,
        ),
        (
            says(
                200,
                r#"{"access_token":"a","expires_in":"soon","token_type":"Bearer"}"#,
            ),
            Fate::Spent,
        ),
        (
            says(
                200,
                r#"{"access_token":"a","token_type":"Bearer","token_type":"Bearer"}"#,
            ),
            Fate::Spent,
        ),
        (Ok(Answer::text("text/html", "<html>")), Fate::InDoubt),
        (
            Ok(Answer::redirect(307, "https://evil.example/token")),
            Fate::InDoubt,
        ),
        (Ok(Answer::redirect(302, TOKEN)), Fate::InDoubt),
    ];
    // A page of something before the server, or a word of its framework. Only some statuses say that
    // it went no further, and a server that has failed says that it went.
    let page = |status| Ok(Answer::text("text/html", "<html>").with_status(status));
    let word = |status| says(status, r#"{"status":0,"error":"Unauthorized"}"#);
    let failed = |status| says(status, r#"{"error":"server_error"}"#);
    let turned_away = [401, 405, 411, 413, 414, 415, 421, 429, 431];
    let cases = cases.into_iter().chain((400..500).flat_map(|status| {
        let fate = match turned_away.contains(&status) {
            true => Fate::Refused,
            false => Fate::InDoubt,
        };
        // 429 is read without its body.
        let fate_of_failed = match status {
            429 => Fate::Refused,
            _ => Fate::InDoubt,
        };
        [
            (page(status), fate),
            (word(status), fate),
            (failed(status), fate_of_failed),
        ]
    }));
    let (token, granted) = (RefreshToken::new("r"), granted());
    let refresh = RefreshRequest::new(&token, &granted);
    let world = World::new().await;
    for (end, fate) in cases {
        let shown = format!("{end:?}");
        let client = TokenClient::new(&client(post()), Arc::new(Ends(end)), provider());
        let error = client
            .refresh(&world.server, &refresh, NOW)
            .await
            .unwrap_err();
        assert_eq!(error.fate(), fate, "{shown}");
        assert_eq!(error.is_in_doubt(), fate == Fate::InDoubt);
        assert_eq!(error.issued().is_some(), fate == Fate::Spent, "{shown}");
        // Where nobody knows what became of it, nobody says whose fault the request is either.
        if fate == Fate::InDoubt {
            assert_eq!(error.class(), ErrorClass::Upstream, "{shown}");
        }
        for hidden in [SECRET, ":\"Bearer", ":\\\"Bearer"] {
            assert!(!format!("{error:?}{error}").contains(hidden), "{error}");
        }
    }
}

// covers: OAUTH-5
#[tokio::test]
async fn a_redirect_gets_nothing() {
    let world = World::new().await;
    world
        .http
        .answer(TOKEN, Answer::redirect(307, "https://evil.example/token"));
    assert_eq!(
        world.refresh(&client(post())).await.err(),
        Some("token-status")
    );
    assert_eq!(world.http.urls(), [TOKEN]);
}

#[tokio::test]
async fn a_launch_of_another_registration_is_not_exchanged() {
    let world = World::new().await;
    let launch = world.launch(&client(post())).unwrap();
    let mut other = client(post());
    other.client_id = ClientId::new("another");
    let error = world.tokens(&other).exchange(launch, NOW).await.map(drop);
    let error = error.unwrap_err();
    assert_eq!(
        (error.code(), error.fate()),
        ("token-other-client", Fate::NotSent)
    );
    assert_eq!(world.http.count(), 0);
}

#[tokio::test]
async fn a_token_is_revoked_where_the_server_says() {
    let world = World::new().await;
    let tokens = world.tokens(&client(basic()));
    let (refresh, access) = (RefreshToken::new("r-1"), AccessToken::new("a-1"));
    tokens
        .revoke_refresh_token(&world.server, &refresh, NOW)
        .await
        .unwrap();
    tokens
        .revoke_access_token(&world.server, &access, NOW)
        .await
        .unwrap();
    let expected = [("r-1", "refresh_token"), ("a-1", "access_token")];
    for (sent, (token, hint)) in world.http.sent().iter().zip(expected) {
        assert_eq!((&sent.method, &*sent.url), (&Method::POST, REVOKE));
        assert!(sent.headers["authorization"].is_sensitive());
        assert_eq!(names(sent), ["token", "token_type_hint"]);
        let form = parameters(&sent.body);
        assert_eq!((&*form["token"], &*form["token_type_hint"]), (token, hint));
    }
    let revoke = async |answer: Answer| {
        world.http.answer(REVOKE, answer);
        let revoked = tokens
            .revoke_access_token(&world.server, &access, NOW)
            .await;
        revoked.map_err(|error| error.to_string())
    };
    assert_eq!(revoke(Answer::status(204)).await, Ok(()));
    let error = json!({"error": "unsupported_token_type", "error_description": "a-1"});
    let refused = revoke(Answer::json(&error).with_status(400))
        .await
        .unwrap_err();
    assert!(refused.contains("unsupported_token_type") && !refused.contains("a-1"));
    for status in [302, 400, 404, 503] {
        let refused = revoke(Answer::status(status)).await;
        assert!(refused.unwrap_err().contains("of no name"));
    }
    // A server without the endpoint, or of which only the launch is known.
    let mut smart = smart_document();
    smart.as_object_mut().unwrap().remove("revocation_endpoint");
    let without = World::of(&smart, &openid_document()).await;
    let launch = world.launch(&client(basic())).unwrap();
    for server in [without.server, launch.context().authorization_server()] {
        let before = world.http.count();
        let revoked = tokens.revoke_access_token(&server, &access, NOW).await;
        assert_eq!(revoked.unwrap_err().code(), "revocation-no-endpoint");
        assert_eq!(world.http.count(), before);
    }
}

// covers: INTR-1, INTR-5, SMART-INT-1, SMART-INT-6
#[tokio::test]
async fn a_token_is_introspected_by_client_or_by_bearer() {
    let world = World::new().await;
    let active =
        json!({"active": true, "scope": "patient/*.rs", "client_id": "x", "exp": 1_800_000_300});
    world.http.answer(INTROSPECT, Answer::json(&active));
    let (access, callers) = (AccessToken::new("a-1"), AccessToken::new("callers"));
    for authentication in [basic(), post(), key_pair(Algorithm::RS384)] {
        let tokens = world.tokens(&client(authentication));
        let found = tokens
            .introspect(&world.server, &access, NOW)
            .await
            .unwrap();
        assert!(
            matches!(found, smart_oidc::token::Introspection::Active(it) if it.has_scope("patient/*.rs"))
        );
    }
    let tokens = world.tokens(&client(post()));
    let asked = tokens.introspect_with_bearer(&world.server, &access, &callers, NOW);
    asked.await.unwrap();
    for sent in world.http.sent() {
        assert_eq!((&sent.method, &*sent.url), (&Method::POST, INTROSPECT));
        let form = parameters(&sent.body);
        assert_eq!(form["token"], "a-1");
        assert_eq!(form["token_type_hint"], "access_token");
    }
    let sent = world.http.sent().pop().unwrap();
    assert_eq!(sent.headers["authorization"], "Bearer callers");
    assert!(sent.headers["authorization"].is_sensitive());
    // The bearer token is in the place of all other credentials.
    assert_eq!(names(&sent), ["token", "token_type_hint"]);

    let before = world.http.count();
    let unfit = AccessToken::new("line\nbreak");
    let asked = tokens.introspect_with_bearer(&world.server, &access, &unfit, NOW);
    assert_eq!(asked.await.unwrap_err().code(), "introspection-bearer");
    let launch = world.launch(&client(basic())).unwrap();
    let server = launch.context().authorization_server();
    let asked = tokens.introspect(&server, &access, NOW);
    assert_eq!(asked.await.unwrap_err().code(), "introspection-no-endpoint");
    assert_eq!(world.http.count(), before);
}

/// A search parameter in a scope can name a patient (SMART App Launch 2.2, finer-grained resource
/// constraints).
#[tokio::test]
async fn adv_a_scope_that_names_a_patient_is_shown_without_it() {
    const NAMED: &str = "patient/Observation.rs?subject=Patient/hidden";
    let mut shown: Vec<(&str, String)> = Vec::new();
    let mut show = |what, it: &dyn std::fmt::Debug| shown.push((what, format!("{it:?}")));
    let findings = |found: &[Finding]| {
        let found = found.iter().map(|it| it.found.as_str());
        found.collect::<Vec<_>>().join("\n")
    };
    let world = World::new().await;
    let scopes = Scopes::parse(NAMED);
    show("a scope", &Scope::parse(NAMED));
    show("a list", &scopes);

    let mut config = client(post());
    config.scopes = Scopes::parse(&format!("openid {NAMED} {NAMED}&_sort:x=Patient/hidden"));
    show("a configuration", &config);
    let launch = Launch::standalone(&world.trusted, &config);
    show("a launch", &launch);
    let begun = launch.begin(provider(), NOW).unwrap();
    show("what begins", &begun);
    show("its findings", &findings(&begun.findings));
    assert!(!begun.findings.is_empty());
    config.scopes = Scopes::parse("launch/task?role=Patient/hidden&role=Patient/hidden");
    let launch = Launch::standalone(&world.trusted, &config);
    let error = launch.begin(provider(), NOW).unwrap_err();
    show("what does not begin", &(error.to_string(), error));

    let (token, none) = (RefreshToken::new("r"), Scopes::parse("openid"));
    let wider = RefreshRequest::new(&token, &none).asking_for(&scopes);
    show("a refresh", &wider);
    let tokens = world.tokens(&client(post()));
    let error = tokens.refresh(&world.server, &wider, NOW).await;
    let error = error.unwrap_err();
    assert_eq!(error.code(), "token-scope-not-granted");
    show("a refresh that is refused", &(error.to_string(), error));

    let mut body = self::tokens();
    body["scope"] = json!(format!("{NAMED} {NAMED}\"x patient/X.rs?y=Patient/hidden"));
    let answer = Answer::json(&body).response();
    for read in [
        TokenResponse::of_launch(&answer, &none).unwrap(),
        TokenResponse::of_refresh(&answer, &none).unwrap(),
        TokenResponse::of_client_credentials(&answer, &none).unwrap(),
    ] {
        show("a response", &read);
        show("its findings", &findings(&read.findings));
        assert!(read.findings.len() >= 2);
    }

    let clock = Arc::new(FixedClock::at(NOW));
    let backend = |scopes: &str| {
        BackendServices::new(
            world.tokens(&client(key_pair(Algorithm::ES384))),
            world.server.clone(),
            Scopes::parse(scopes),
            clock.clone(),
        )
    };
    let services = backend(NAMED).unwrap();
    world.http.answer(TOKEN, Answer::json(&body));
    let held = services.token().await.unwrap();
    show("a service's token", &held);
    show("its findings", &findings(&held.findings));
    show("a service", &services);
    show("its findings", &findings(services.findings()));
    assert!(!services.findings().is_empty());
    let error = backend(&format!("{NAMED}\"")).unwrap_err();
    assert_eq!(error.code(), "token-scope");
    show("a service that is refused", &(error.to_string(), error));

    let body = json!({"active": true, "scope": NAMED, "patient": "hidden"});
    world.http.answer(INTROSPECT, Answer::json(&body));
    let access = AccessToken::new("a");
    let asked = tokens.introspect(&world.server, &access, NOW).await;
    show("what a token opens", &asked.unwrap());

    for (what, shown) in shown {
        assert!(!shown.contains("hidden"), "{what}: {shown}");
    }
}

// covers: SMART-CAS-22, SMART-TOK-16
#[tokio::test]
async fn nothing_secret_is_shown() {
    let world = World::new().await;
    for authentication in [basic(), post(), key_pair(Algorithm::ES384)] {
        let config = client(authentication);
        let sent = world.exchange(&config).await.unwrap();
        let form = parameters(&sent.body);
        let http = Arc::new(Ends(Ok(Answer::status(200))));
        let tokens = TokenClient::new(&config, http, provider());
        let shown = format!("{config:?}{tokens:?}{:?}", sent.headers);
        let mut hidden = vec![SECRET.to_owned(), "s3cr3t".to_owned(), form["code"].clone()];
        hidden.extend(form.get("client_assertion").cloned());
        hidden.push("Z3Jvd3RoLWNoYXJ0".to_owned());
        for hidden in hidden {
            assert!(!shown.contains(&hidden), "{hidden} in {shown}");
        }
    }
}
