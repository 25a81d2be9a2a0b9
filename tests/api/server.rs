//! The rules of an authorization server: who authenticates, PKCE, codes and refresh tokens.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue};
use proptest::prelude::{ProptestConfig, any, prop_assert};
use proptest::{collection, proptest};
use serde_json::json;
use smart_oidc::jose::{JwkSet, Secret, UnixTime};
use smart_oidc::server::{
    ASSERTION_TYPE, AssertionAudience, AuthenticatedClient, AuthenticationMethod,
    ClientAssertionVerifier, ClientKeys, ClientRegistration, CodeBook, CodeChallenge, CodeError,
    CodeRequest, Credentials, GrantId, MAX_CODE_LIFE, MemoryReplayStore, Parameters, PkceError,
    Redemption, RefreshBook, RefreshTokenError, Refusal, Verdict,
};
use smart_oidc::{ClientId, RedirectUri};
use smart_tests::forge::{Forge, b64, sha256};

use super::provider;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const CLIENT: &str = "growth-chart-app-123";
const REDIRECT: &str = "https://app.example/callback";
const TOKEN_URL: &str = "https://ehr.example/oidc/token";
// RFC 7636, Appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn after(seconds: u64) -> UnixTime {
    NOW.saturating_add(Duration::from_secs(seconds))
}

fn form(pairs: &[(&str, &str)]) -> Parameters {
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    Parameters::parse(body.as_bytes()).unwrap()
}

fn header(value: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", HeaderValue::from_str(value).unwrap());
    headers
}

fn basic(pair: &str) -> HeaderMap {
    header(&format!("Basic {}", STANDARD.encode(pair)))
}

fn assertions() -> ClientAssertionVerifier {
    let audience = AssertionAudience::token_endpoint(TOKEN_URL);
    ClientAssertionVerifier::new(audience, Arc::new(MemoryReplayStore::default()), provider())
}

fn assertion(client: &str) -> String {
    let claims = json!({
        "iss": client, "sub": client, "aud": TOKEN_URL, "exp": NOW.as_secs() + 60, "jti": "a"
    });
    Forge::issuer().token("ES384", &claims)
}

fn keys() -> ClientRegistration {
    let jwks = Forge::issuer().jwks().to_string();
    let keys = JwkSet::parse(jwks.as_bytes(), provider()).unwrap();
    ClientRegistration::PrivateKeyJwt(ClientKeys::inline(keys))
}

fn secret(secret: &str) -> Secret<String> {
    Secret::new(secret.to_owned())
}

/// Reads and judges, and gives the client or what is said to it with the reason.
async fn judge(
    headers: &HeaderMap,
    form: &Parameters,
    registration: Option<&ClientRegistration>,
) -> Result<AuthenticatedClient, (&'static str, Refusal)> {
    let credentials = Credentials::read(headers, form).map_err(|it| (it.code(), it.refusal()))?;
    credentials
        .authenticate(registration, &assertions(), NOW)
        .await
        .map_err(|it| (it.code(), it.refusal()))
}

/// A client that has been found to be the one.
async fn public(client: &str) -> AuthenticatedClient {
    let form = form(&[("client_id", client)]);
    let registration = ClientRegistration::Public;
    judge(&HeaderMap::new(), &form, Some(&registration))
        .await
        .unwrap()
}

// covers: SMART-TOK-3, SMART-TOK-4, SMART-SYM-1, SBCP-17
#[tokio::test]
async fn each_method_proves_the_client_that_is_registered_with_it() {
    let nothing = HeaderMap::new();
    let jwt = assertion("backend");
    let cases = [
        (
            nothing.clone(),
            form(&[("client_id", "app")]),
            ClientRegistration::Public,
            ("app", AuthenticationMethod::None),
        ),
        (
            // The example of the SMART guide.
            header("Basic bXktYXBwOm15LWFwcC1zZWNyZXQtMTIz"),
            form(&[]),
            ClientRegistration::SecretBasic(secret("my-app-secret-123")),
            ("my-app", AuthenticationMethod::ClientSecretBasic),
        ),
        (
            nothing.clone(),
            form(&[("client_id", "app"), ("client_secret", "s e+c")]),
            ClientRegistration::SecretPost(secret("s e+c")),
            ("app", AuthenticationMethod::ClientSecretPost),
        ),
        (
            nothing,
            form(&[
                ("client_assertion_type", ASSERTION_TYPE),
                ("client_assertion", &jwt),
            ]),
            keys(),
            ("backend", AuthenticationMethod::PrivateKeyJwt),
        ),
    ];
    for (headers, form, registration, (client, method)) in &cases {
        let proven = judge(headers, form, Some(registration)).await.unwrap();
        assert_eq!(
            (proven.client_id().as_str(), proven.method()),
            (*client, *method)
        );
        assert_eq!(registration.method(), *method);
        assert_eq!(proven.is_public(), *method == AuthenticationMethod::None);
        // Registered with any other method, the same request proves nothing.
        for (_, _, other, _) in &cases {
            if other.method() != *method {
                let found = judge(headers, form, Some(other)).await;
                assert_eq!(found, Err(("client-method", Refusal::InvalidClient)));
            }
        }
        let found = judge(headers, form, None).await;
        assert_eq!(found, Err(("client-unknown", Refusal::InvalidClient)));
    }
}

// covers: CAS-9
#[tokio::test]
async fn a_request_authenticates_in_one_way() {
    let jwt = assertion(CLIENT);
    let post = [("client_id", CLIENT), ("client_secret", "s")];
    let signed = [
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", jwt.as_str()),
    ];
    let several = Err(("credentials-several", Refusal::InvalidRequest));
    let both = [post.as_slice(), &signed].concat();
    let registration = keys();
    let pair = basic(&format!("{CLIENT}:s"));
    for (headers, form) in [
        (&pair, form(&post)),
        (&pair, form(&signed)),
        (&pair, form(&signed[..1])),
        (&HeaderMap::new(), form(&both)),
        (&pair, form(&both)),
    ] {
        assert_eq!(judge(headers, &form, Some(&registration)).await, several);
    }
    let mut twice = pair.clone();
    twice.append("authorization", HeaderValue::from_static("Basic YTpi"));
    assert_eq!(
        judge(&twice, &form(&[]), Some(&registration)).await,
        several
    );
}

// covers: SMART-SYM-2, OIDC-AUT-15
#[tokio::test]
async fn a_secret_counts_in_the_spelling_of_either_standard() {
    let registered = ClientRegistration::SecretBasic(secret("a+b%c:d é"));
    let good = [
        "app:a%2Bb%25c%3Ad+%C3%A9",
        // As it is, which is what the SMART guide describes.
        "app:a+b%c:d é",
    ];
    for pair in good {
        let proven = judge(&basic(pair), &form(&[]), Some(&registered)).await;
        assert!(proven.is_ok(), "{pair}");
        // Naming itself once more is no second method.
        let named = form(&[("client_id", "app")]);
        assert!(judge(&basic(pair), &named, Some(&registered)).await.is_ok());
    }
    let wrong = Err(("client-secret", Refusal::InvalidClient));
    for pair in ["app:a b%c:d é", "app:a", "app:A+B%C:D É", "app:a+b%c:d é "] {
        assert_eq!(
            judge(&basic(pair), &form(&[]), Some(&registered)).await,
            wrong,
            "{pair}"
        );
    }
    let id = judge(&basic("my%20app%3A1:s"), &form(&[]), None).await;
    assert_eq!(id, Err(("client-unknown", Refusal::InvalidClient)));
    let credentials = Credentials::read(&basic("my%20app%3A1:s"), &form(&[])).unwrap();
    assert_eq!(credentials.client_id().as_str(), "my app:1");
    // A registration that was never given a secret is nobody's.
    let empty = ClientRegistration::SecretPost(secret(""));
    let post = form(&[("client_id", "app"), ("client_secret", "x")]);
    assert_eq!(judge(&HeaderMap::new(), &post, Some(&empty)).await, wrong);
}

/// An id that reads in two ways is the one of the form, or the one that is registered.
// covers: OIDC-AUT-15
#[tokio::test]
async fn an_id_counts_in_one_spelling() {
    let raw = basic("app+lab:s%2Bt");
    let read = |form: &Parameters| Credentials::read(&raw, form).unwrap();
    let ids = |it: &Credentials| -> Vec<String> {
        it.client_ids().map(|it| it.as_str().to_owned()).collect()
    };
    // (who is registered, who it is)
    let cases: [(&[&str], Option<&str>); 4] = [
        (&["app+lab"], Some("app+lab")),
        (&["app lab"], Some("app lab")),
        // The standard's spelling counts where both are there.
        (&["app+lab", "app lab"], Some("app lab")),
        (&["app", "lab"], None),
    ];
    for (registered, expected) in cases {
        let mut credentials = read(&form(&[]));
        assert_eq!(ids(&credentials), ["app lab", "app+lab"]);
        let found = credentials.registration(|it| {
            let is_there = registered.contains(&it.as_str());
            is_there.then(|| (it.clone(), ClientRegistration::SecretBasic(secret("s+t"))))
        });
        let (id, registration) = found.unzip();
        assert_eq!(id.as_ref().map(ClientId::as_str), expected);
        // From then on it is that one, whatever else would be asked.
        assert_eq!(ids(&credentials), [expected.unwrap_or("app lab")]);
        let mut asked = Vec::new();
        let none: Option<()> = credentials.registration(|it| {
            asked.push(it.as_str().to_owned());
            None
        });
        assert_eq!((none, asked), (None, ids(&credentials)));
        let verifier = assertions();
        let proven = credentials.authenticate(registration.as_ref(), &verifier, NOW);
        let proven = proven.await.ok();
        let proven = proven.as_ref().map(|it| it.client_id().as_str());
        assert_eq!(proven, expected);
    }
    // What the form names is what the header means, and nothing else is looked up.
    for named in ["app+lab", "app lab"] {
        let mut credentials = read(&form(&[("client_id", named)]));
        assert_eq!(ids(&credentials), [named]);
        let other = credentials.registration(|it| (it.as_str() != named).then_some(()));
        assert_eq!(other, None);
        assert_eq!(credentials.client_id().as_str(), named);
    }
    // A third client is neither, and an id that reads in one way is one.
    for named in ["app", "app%2Blab", "app++lab"] {
        let read = Credentials::read(&raw, &form(&[("client_id", named)]));
        assert_eq!(read.unwrap_err().code(), "credentials-other-client");
    }
    for pair in ["app:s", "app%lab:s"] {
        let read = Credentials::read(&basic(pair), &form(&[])).unwrap();
        assert_eq!(read.client_ids().count(), 1, "{pair}");
    }
}

#[tokio::test]
async fn what_is_no_authentication_is_told_apart() {
    let registration = ClientRegistration::SecretBasic(secret("s"));
    let encoded = |octets: &[u8]| header(&format!("Basic {}", STANDARD.encode(octets)));
    let cases = [
        (HeaderMap::new(), "credentials-nobody"),
        (header("Bearer abc"), "credentials-scheme"),
        (header("Basic"), "credentials-basic"),
        (header("Basic !!!"), "credentials-basic"),
        (header("Basic YXBw"), "credentials-basic"),
        (encoded(b"app:"), "credentials-basic"),
        (encoded(b":s"), "credentials-basic"),
        (encoded(b"app:\xff"), "credentials-basic"),
    ];
    for (headers, expected) in cases {
        let found = judge(&headers, &form(&[]), Some(&registration)).await;
        assert_eq!(
            found,
            Err((expected, Refusal::InvalidClient)),
            "{headers:?}"
        );
    }
    let other = form(&[("client_id", "other")]);
    let found = judge(&basic("app:s"), &other, Some(&registration)).await;
    assert_eq!(
        found,
        Err(("credentials-other-client", Refusal::InvalidClient))
    );
    // The scheme has no case.
    let lower = header(&format!("bASIC {}", STANDARD.encode("app:s")));
    assert!(judge(&lower, &form(&[]), Some(&registration)).await.is_ok());
}

// covers: SMART-AUT-24, OAUTH-3
#[test]
fn no_two_readers_see_two_requests() {
    let code = |body: &str| Parameters::parse(body.as_bytes()).map_err(|it| it.code());
    for repeated in [
        "code=a&code=b",
        "code=a&code=a",
        "code=&code=a",
        "a&a",
        "%63ode=a&code=b",
    ] {
        assert_eq!(
            code(repeated).unwrap_err(),
            "parameter-repeated",
            "{repeated}"
        );
    }
    let many: String = (0..200).map(|n| format!("p{n}=1&")).collect();
    assert_eq!(code(&many).unwrap_err(), "parameter-too-many");
    let read = code("a=&b=%2B+%26&c").unwrap();
    assert_eq!(
        (read.get("a"), read.get("b"), read.get("c")),
        (None, Some("+ &"), None)
    );
    assert_eq!(
        format!("{:?}", code("client_secret=hunter2").unwrap()),
        r#"{"client_secret"}"#
    );
}

fn challenge() -> CodeChallenge {
    CodeChallenge::read(Some(CHALLENGE), Some("S256")).unwrap()
}

// covers: SMART-AUT-11, PKCE-5, PKCE-8
#[test]
fn a_request_without_s256_makes_no_challenge() {
    let read = |challenge, method| {
        CodeChallenge::read(challenge, method).map_err(|it| (it.code(), it.refusal()))
    };
    assert_eq!(
        read(Some(CHALLENGE), Some("S256")).unwrap().as_str(),
        CHALLENGE
    );
    let padded = format!("{CHALLENGE}=");
    let plus = CHALLENGE.replace('-', "+");
    let cases = [
        (None, Some("S256"), "pkce-no-challenge"),
        (Some(""), Some("S256"), "pkce-no-challenge"),
        (Some("  "), Some("S256"), "pkce-no-challenge"),
        (Some(CHALLENGE), None, "pkce-method"),
        (Some(CHALLENGE), Some("plain"), "pkce-method"),
        (Some(CHALLENGE), Some("s256"), "pkce-method"),
        (Some(CHALLENGE), Some(""), "pkce-method"),
        (Some(&CHALLENGE[1..]), Some("S256"), "pkce-challenge-form"),
        (Some(&padded), Some("S256"), "pkce-challenge-form"),
        (Some(&plus), Some("S256"), "pkce-challenge-form"),
    ];
    for (challenge, method, expected) in cases {
        let found = read(challenge, method).unwrap_err();
        assert_eq!(
            found,
            (expected, Refusal::InvalidRequest),
            "{challenge:?} {method:?}"
        );
    }
}

// covers: SMART-AUT-12, PKCE-1, PKCE-3, PKCE-8, PKCE-10
#[test]
fn only_the_verifier_verifies() {
    let verify = |verifier| challenge().verify(verifier, provider());
    assert_eq!(verify(Some(VERIFIER)), Ok(()));
    let (long, plus) = ("a".repeat(129), VERIFIER.replace('-', "+"));
    let cases = [
        (None, PkceError::NoVerifier),
        (Some(""), PkceError::NoVerifier),
        (Some(" "), PkceError::NoVerifier),
        (Some(CHALLENGE), PkceError::VerifierIsChallenge),
        (Some(&VERIFIER[1..]), PkceError::VerifierForm),
        (Some(&long), PkceError::VerifierForm),
        (Some(&plus), PkceError::VerifierForm),
        (
            Some("aBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            PkceError::Mismatch,
        ),
    ];
    for (verifier, expected) in cases {
        let found = verify(verifier).unwrap_err();
        assert_eq!(found, expected, "{verifier:?}");
        assert_eq!(found.refusal(), Refusal::InvalidGrant);
    }
    // The length counts even where the hash agrees.
    for (length, is_good) in [(42, false), (43, true), (128, true), (129, false)] {
        let verifier = "v".repeat(length);
        let challenge = b64(sha256(verifier.as_bytes()));
        let challenge = CodeChallenge::read(Some(&challenge), Some("S256")).unwrap();
        let found = challenge.verify(Some(&verifier), provider());
        assert_eq!(found.is_ok(), is_good, "{length}");
    }
    assert_eq!(format!("{:?}", challenge()), "CodeChallenge(***)");
}

fn code_request() -> CodeRequest {
    CodeRequest::new(
        ClientId::new(CLIENT),
        RedirectUri::new(REDIRECT),
        challenge(),
    )
}

fn good<'a>(client: &'a AuthenticatedClient) -> Redemption<'a> {
    Redemption::new(client, Some(REDIRECT), Some(VERIFIER))
}

/// What was found to be good.
fn good_of<T, E: std::fmt::Debug>(verdict: Verdict<T, E>) -> T {
    verdict.or_revoke(|_| panic!("used before")).unwrap()
}

/// What comes of presenting a code, which is spent where it is good.
fn redeem(
    codes: &mut CodeBook<&'static str>,
    code: &str,
    redemption: &Redemption<'_>,
    now: UnixTime,
) -> Result<&'static str, &'static str> {
    codes
        .present(code, redemption, now)
        .or_revoke(drop)
        .map(|it| *it.spend())
        .map_err(|it| it.code())
}

// covers: SMART-AUT-20, OIDC-AUT-9, PKCE-9, SBCP-10
#[tokio::test]
async fn a_code_is_good_once_for_a_minute_and_for_one_client() {
    let (client, other) = (public(CLIENT).await, public("other-app").await);
    let mut codes = CodeBook::new(provider());
    let issue = |codes: &mut CodeBook<_>| codes.issue(code_request(), "granted", NOW).unwrap();
    let code = issue(&mut codes);
    let text = code.expose_secret();
    assert_eq!(text.len(), 43);
    assert!(!text.contains(CHALLENGE));
    let wrong = [
        (
            Redemption::new(&other, Some(REDIRECT), Some(VERIFIER)),
            "code-other-client",
        ),
        (
            Redemption::new(&client, None, Some(VERIFIER)),
            "code-no-redirect-uri",
        ),
        (
            Redemption::new(
                &client,
                Some("https://app.example/callback/"),
                Some(VERIFIER),
            ),
            "code-redirect-uri",
        ),
        (
            Redemption::new(
                &client,
                Some("https://APP.example/callback"),
                Some(VERIFIER),
            ),
            "code-redirect-uri",
        ),
        (
            Redemption::new(&client, Some(REDIRECT), None),
            "pkce-no-verifier",
        ),
        (
            Redemption::new(&client, Some(REDIRECT), Some(CHALLENGE)),
            "pkce-verifier-is-challenge",
        ),
    ];
    // What fails changes nothing: the client still has its code, and nothing is to be revoked.
    for (redemption, expected) in &wrong {
        let verdict = codes.present(text, redemption, NOW);
        let error = verdict.or_revoke(|_| panic!("used before")).unwrap_err();
        assert_eq!(error.code(), *expected);
    }
    assert_eq!(
        redeem(&mut codes, "guess", &good(&client), NOW),
        Err("code-unknown")
    );
    assert_eq!(
        redeem(&mut codes, text, &good(&client), after(59)),
        Ok("granted")
    );
    // Whoever presents it again, and however: it is a second use.
    assert_eq!(
        redeem(&mut codes, text, &good(&client), after(59)),
        Err("code-reused")
    );
    assert_eq!(
        redeem(&mut codes, text, &wrong[0].0, after(3000)),
        Err("code-reused")
    );
    assert_eq!(
        redeem(&mut codes, text, &good(&client), after(3600)),
        Err("code-unknown")
    );
    let late = issue(&mut codes);
    let late = redeem(&mut codes, late.expose_secret(), &good(&client), after(60));
    assert_eq!(late, Err("code-expired"));
}

// covers: SBCP-10
#[tokio::test]
async fn a_second_use_names_the_grant_to_revoke() {
    let client = public(CLIENT).await;
    let mut codes = CodeBook::new(provider());
    let first = codes.issue(code_request(), 1, NOW).unwrap();
    let second = codes.issue(code_request(), 2, NOW).unwrap();
    let redemption = good(&client);
    let mut spend = |code: &str| {
        let good = good_of(codes.present(code, &redemption, NOW));
        let id = good.grant_id();
        assert!([1, 2].contains(good.spend()));
        id
    };
    let ids = [spend(first.expose_secret()), spend(second.expose_secret())];
    assert_ne!(ids[0], ids[1]);
    for (code, grant_id) in [first, second].iter().zip(ids) {
        let verdict = codes.present(code.expose_secret(), &redemption, NOW);
        let mut revoked = Vec::new();
        let error = verdict.or_revoke(|it| revoked.push(it)).unwrap_err();
        assert_eq!(
            (error.clone(), revoked),
            (CodeError::Reused, vec![grant_id])
        );
        assert_eq!(error.refusal(), Refusal::InvalidGrant);
    }
}

/// A response that could not be made costs the client nothing.
#[tokio::test]
async fn a_code_that_was_looked_at_is_not_spent() {
    let client = public(CLIENT).await;
    let mut codes = CodeBook::new(provider());
    let code = codes.issue(code_request(), "granted", NOW).unwrap();
    for _ in 0..3 {
        let good = codes.present(code.expose_secret(), &good(&client), NOW);
        assert_eq!(good_of(good).grant(), &"granted");
    }
    assert_eq!(
        redeem(&mut codes, code.expose_secret(), &good(&client), NOW),
        Ok("granted")
    );
}

#[tokio::test]
async fn codes_are_bounded_in_number_and_life() {
    let client = public(CLIENT).await;
    let mut codes = CodeBook::new(provider()).with_capacity(3);
    let issued: Vec<_> = (0..50)
        .map(|_| codes.issue(code_request(), "granted", NOW).unwrap())
        .collect();
    assert_eq!(codes.len(), 3);
    let verdicts = issued
        .iter()
        .rev()
        .take(4)
        .map(|it| it.expose_secret().to_owned());
    let verdicts: Vec<_> = verdicts
        .map(|it| redeem(&mut codes, &it, &good(&client), NOW))
        .collect();
    assert_eq!(
        verdicts,
        [
            Ok("granted"),
            Ok("granted"),
            Ok("granted"),
            Err("code-unknown")
        ]
    );
    let mut long = CodeBook::new(provider())
        .with_memory(Duration::ZERO)
        .with_life(Duration::from_secs(86_400));
    let code = long.issue(code_request(), "granted", NOW).unwrap();
    let end = MAX_CODE_LIFE.as_secs();
    let mut at = |now| match long.present(code.expose_secret(), &good(&client), now) {
        Verdict::Good(_) => Ok(()),
        Verdict::Reused { error, .. } | Verdict::Refused(error) => Err(error.code()),
    };
    assert_eq!(at(after(end - 1)), Ok(()));
    assert_eq!(at(after(end)), Err("code-unknown"));
}

fn grant_id() -> GrantId {
    GrantId::generate(provider()).unwrap()
}

/// What comes of presenting a refresh token, which is rotated where it is good.
fn rotate(
    tokens: &mut RefreshBook<&'static str>,
    token: &str,
    client: &AuthenticatedClient,
    now: UnixTime,
) -> Result<String, &'static str> {
    tokens
        .present(token, client, now)
        .or_revoke(drop)
        .map(|it| it.rotate().unwrap().expose_secret().to_owned())
        .map_err(|it| it.code())
}

// covers: SBCP-14, SMART-REF-7
#[tokio::test]
async fn a_refresh_token_is_good_once_and_a_second_use_ends_the_grant() {
    let (client, other) = (public(CLIENT).await, public("other-app").await);
    let mut tokens = RefreshBook::new(provider());
    let id = grant_id();
    let first = tokens.issue(id, &client, "granted", NOW).unwrap();
    let first = first.expose_secret();
    // Another client's request changes nothing.
    let found = rotate(&mut tokens, first, &other, NOW);
    assert_eq!(found, Err("refresh-token-other-client"));
    let mut chain = vec![first.to_owned()];
    for _ in 0..100 {
        let last = chain.last().unwrap();
        let next = rotate(&mut tokens, last, &client, NOW).unwrap();
        assert!(!chain.contains(&next));
        chain.push(next);
    }
    assert_eq!(tokens.len(), 1);
    // The oldest of all, a hundred generations later.
    let verdict = tokens.present(first, &client, NOW);
    let mut revoked = Vec::new();
    let error = verdict.or_revoke(|it| revoked.push(it)).unwrap_err();
    assert_eq!(revoked, [id]);
    assert_eq!(error, RefreshTokenError::Reused);
    assert_eq!(error.refusal(), Refusal::InvalidGrant);
    for it in &chain {
        assert_eq!(
            rotate(&mut tokens, it, &client, NOW),
            Err("refresh-token-unknown")
        );
    }
    assert!(tokens.is_empty());
}

#[tokio::test]
async fn a_thief_who_is_first_is_found_when_the_owner_comes() {
    let client = public(CLIENT).await;
    let mut tokens = RefreshBook::new(provider());
    let stolen = tokens.issue(grant_id(), &client, "granted", NOW).unwrap();
    let stolen = stolen.expose_secret();
    let bystander = tokens.issue(grant_id(), &client, "other", NOW).unwrap();
    let thief = rotate(&mut tokens, stolen, &client, NOW).unwrap();
    let thief = rotate(&mut tokens, &thief, &client, NOW).unwrap();
    assert_eq!(
        rotate(&mut tokens, stolen, &client, NOW),
        Err("refresh-token-reused")
    );
    assert_eq!(
        rotate(&mut tokens, &thief, &client, NOW),
        Err("refresh-token-unknown")
    );
    // Another grant of the same client goes on.
    assert!(rotate(&mut tokens, bystander.expose_secret(), &client, NOW).is_ok());
}

#[tokio::test]
async fn a_token_says_whose_it_is_at_any_generation() {
    let client = public(CLIENT).await;
    let mut tokens = RefreshBook::new(provider());
    let id = grant_id();
    let first = tokens.issue(id, &client, "granted", NOW).unwrap();
    let first = first.expose_secret();
    let next = rotate(&mut tokens, first, &client, NOW).unwrap();
    for token in [first, &next] {
        let named = tokens.client_id_of(token).unwrap().clone();
        assert_eq!(named.as_str(), CLIENT);
        let credentials = Credentials::of_public(named);
        assert_eq!(credentials.method(), AuthenticationMethod::None);
        assert_eq!(credentials.client_id().as_str(), CLIENT);
    }
    assert_eq!(tokens.client_id_of("unknown"), None);
    assert!(tokens.revoke(id));
    assert_eq!(tokens.client_id_of(&next), None);
}

#[tokio::test]
async fn a_token_that_was_looked_at_is_not_spent() {
    let client = public(CLIENT).await;
    let mut tokens = RefreshBook::new(provider());
    let id = grant_id();
    let token = tokens.issue(id, &client, "granted", NOW).unwrap();
    for _ in 0..3 {
        let good = good_of(tokens.present(token.expose_secret(), &client, NOW));
        assert_eq!((good.grant(), good.grant_id()), (&"granted", id));
    }
    assert!(rotate(&mut tokens, token.expose_secret(), &client, NOW).is_ok());
}

// covers: SBCP-15
#[tokio::test]
async fn tokens_die_idle_and_grants_die_old() {
    let client = public(CLIENT).await;
    let day = |n: u64| after(n * 86_400);
    let mut tokens = RefreshBook::new(provider())
        .with_idle(Duration::from_secs(86_400))
        .with_life(Duration::from_secs(10 * 86_400));
    let token = tokens.issue(grant_id(), &client, "granted", NOW).unwrap();
    let found = rotate(&mut tokens, token.expose_secret(), &client, day(1));
    assert_eq!(found, Err("refresh-token-idle"));
    let token = tokens.issue(grant_id(), &client, "granted", NOW).unwrap();
    let mut token = token.expose_secret().to_owned();
    // Used each half day, until the grant itself is over.
    for half in 1..20 {
        token = rotate(&mut tokens, &token, &client, after(half * 43_200)).unwrap();
    }
    let found = rotate(&mut tokens, &token, &client, day(10));
    assert_eq!(found, Err("refresh-token-unknown"));
}

#[tokio::test]
async fn a_client_gives_its_own_tokens_back() {
    let (client, other) = (public(CLIENT).await, public("other-app").await);
    let mut tokens = RefreshBook::new(provider());
    let id = grant_id();
    let token = tokens.issue(id, &client, "granted", NOW).unwrap();
    let text = token.expose_secret();
    assert_eq!(tokens.revoke_token(text, &other, NOW), None);
    assert_eq!(tokens.revoke_token("guess", &client, NOW), None);
    let (found, owner, grant) = tokens.peek(text, NOW).unwrap();
    assert_eq!((found, owner.as_str(), *grant), (id, CLIENT, "granted"));
    assert_eq!(tokens.revoke_token(text, &client, NOW), Some(id));
    assert_eq!(tokens.revoke_token(text, &client, NOW), None);
    assert!(tokens.peek(text, NOW).is_none());
    let id = grant_id();
    let token = tokens.issue(id, &client, "granted", NOW).unwrap();
    let former = token.expose_secret().to_owned();
    rotate(&mut tokens, &former, &client, NOW).unwrap();
    // A former token is nothing to look at, and its client may still give the grant back.
    assert!(tokens.peek(&former, NOW).is_none());
    assert_eq!(tokens.revoke_token(&former, &client, NOW), Some(id));
    let id = grant_id();
    let token = tokens.issue(id, &client, "granted", NOW).unwrap();
    assert!(tokens.revoke(id) && !tokens.revoke(id));
    let found = rotate(&mut tokens, token.expose_secret(), &client, NOW);
    assert_eq!(found, Err("refresh-token-unknown"));
}

#[tokio::test]
async fn what_is_no_token_is_unknown_and_grants_are_bounded() {
    let client = public(CLIENT).await;
    let mut tokens = RefreshBook::new(provider()).with_capacity(2);
    let issued: Vec<_> = (0..20)
        .map(|_| tokens.issue(grant_id(), &client, "granted", NOW).unwrap())
        .collect();
    assert_eq!(tokens.len(), 2);
    let last = issued[19].expose_secret();
    let long = "A".repeat(10_000);
    for wrong in [
        "",
        "!",
        "AAAA",
        &long,
        &last[..63],
        &last[..60],
        &format!("{last}AAAA"),
        issued[0].expose_secret(),
    ] {
        assert_eq!(
            rotate(&mut tokens, wrong, &client, NOW),
            Err("refresh-token-unknown")
        );
    }
    assert!(rotate(&mut tokens, last, &client, NOW).is_ok());
}

/// What is revoked or over leaves its place, so that nobody who is in use pays for it.
#[tokio::test]
async fn a_live_grant_is_not_pushed_out_by_dead_ones() {
    let client = public(CLIENT).await;
    let mut tokens = RefreshBook::new(provider()).with_capacity(3);
    let live = tokens.issue(grant_id(), &client, "live", NOW).unwrap();
    for _ in 0..50 {
        let id = grant_id();
        tokens.issue(id, &client, "gone", NOW).unwrap();
        assert!(tokens.revoke(id));
    }
    assert_eq!(tokens.len(), 1);
    // A grant that begins once more under its name is one grant.
    let id = grant_id();
    for grant in ["again", "gone", "again"] {
        tokens.issue(id, &client, grant, NOW).unwrap();
    }
    tokens.issue(grant_id(), &client, "third", NOW).unwrap();
    assert_eq!(tokens.len(), 3);
    let live = rotate(&mut tokens, live.expose_secret(), &client, NOW).unwrap();
    // Those that nobody uses are over first, and then they hold no place either.
    let idle = after(30 * 86_400);
    let live = rotate(&mut tokens, &live, &client, after(86_400)).unwrap();
    for expected in [2, 3] {
        tokens.issue(grant_id(), &client, "new", idle).unwrap();
        assert_eq!(tokens.len(), expected);
    }
    assert!(rotate(&mut tokens, &live, &client, idle).is_ok());
}

/// The one that would end first makes room: the one that nobody has used for longest.
#[tokio::test]
async fn the_grant_that_rests_longest_makes_room() {
    let client = public(CLIENT).await;
    let mut tokens = RefreshBook::new(provider()).with_capacity(3);
    let [old, middle, young] = [0, 1, 2].map(|n| {
        let token = tokens.issue(grant_id(), &client, "granted", after(n));
        token.unwrap().expose_secret().to_owned()
    });
    let old = rotate(&mut tokens, &old, &client, after(10)).unwrap();
    tokens.issue(grant_id(), &client, "new", after(11)).unwrap();
    let unknown = Err("refresh-token-unknown".into());
    let mut is_there = |token: &str| rotate(&mut tokens, token, &client, after(12));
    assert_eq!(is_there(&middle).map_err(str::to_owned), unknown);
    assert!(is_there(&old).is_ok() && is_there(&young).is_ok());
}

/// One that signs in without end pushes out what is its own.
#[tokio::test]
async fn a_client_that_runs_wild_ends_no_grant_of_another() {
    let (client, wild) = (public(CLIENT).await, public("wild").await);
    let mut tokens = RefreshBook::new(provider()).with_capacity(40);
    let mut codes = CodeBook::new(provider()).with_capacity(40);
    let request = |client: &str| {
        let mut request = code_request();
        request.client_id = ClientId::new(client);
        request
    };
    let own: Vec<_> = (0..30)
        .map(|_| {
            let token = tokens.issue(grant_id(), &client, "granted", NOW).unwrap();
            let code = codes.issue(request(CLIENT), "granted", NOW).unwrap();
            (token, code)
        })
        .collect();
    for n in 0..500 {
        let (id, now) = (grant_id(), after(n % 40));
        tokens.issue(id, &wild, "granted", now).unwrap();
        codes.issue(request("wild"), "granted", now).unwrap();
        assert!(tokens.len() <= 40 && codes.len() <= 40);
    }
    assert_eq!((tokens.len(), codes.len()), (40, 40));
    for (token, code) in &own {
        assert!(rotate(&mut tokens, token.expose_secret(), &client, NOW).is_ok());
        let found = redeem(&mut codes, code.expose_secret(), &good(&client), NOW);
        assert_eq!(found, Ok("granted"));
    }
    // Who comes with less than a quarter is given a place of the client that holds the most.
    let other = public("other").await;
    tokens.issue(grant_id(), &other, "granted", NOW).unwrap();
    assert_eq!(tokens.len(), 40);
}

#[tokio::test]
async fn no_debug_shows_what_could_be_presented() {
    let client = public(CLIENT).await;
    let (mut codes, mut tokens) = (CodeBook::new(provider()), RefreshBook::new(provider()));
    let code = codes.issue(code_request(), "patient-4711", NOW).unwrap();
    let token = tokens
        .issue(grant_id(), &client, "patient-4711", NOW)
        .unwrap();
    let read = Credentials::read(&basic("app:hunter2"), &form(&[])).unwrap();
    let registered = ClientRegistration::SecretBasic(secret("hunter2"));
    let shown = format!("{codes:?} {tokens:?} {read:?} {registered:?}");
    let held = codes.present(code.expose_secret(), &good(&client), NOW);
    let held = good_of(held);
    let shown = format!("{shown} {held:?} {:?}", grant_id());
    let held = good_of(tokens.present(token.expose_secret(), &client, NOW));
    let shown = format!("{shown} {held:?}");
    for secret in [
        code.expose_secret(),
        token.expose_secret(),
        "4711",
        "hunter2",
        VERIFIER,
    ] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever comes, it is read or refused, and never more than one client is named.
    #[test]
    fn no_request_is_too_odd(
        body in collection::vec(any::<u8>(), 0..200),
        pair in collection::vec(any::<u8>(), 0..80),
        value in "[ -~]{0,60}",
    ) {
        let encoded = format!("Basic {}", STANDARD.encode(&pair));
        let parameters = Parameters::parse(&body).unwrap_or_default();
        for value in [&encoded, &value] {
            if let Ok(read) = Credentials::read(&header(value), &parameters) {
                let named = parameters.get("client_id");
                prop_assert!(named.is_none_or(|it| it == read.client_id().as_str()));
            }
        }
        let assertion = form(&[
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", &String::from_utf8_lossy(&pair)),
        ]);
        prop_assert!(Credentials::read(&HeaderMap::new(), &assertion).is_err());
    }
}
