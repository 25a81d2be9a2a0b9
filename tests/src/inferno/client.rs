//! What the suite asserts of an app.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use smart_oidc::discovery::FhirBaseUrl;
use smart_oidc::flow::Registrations;

use super::Case;
use super::app::{self, CALLBACK, CLIENT, KID, Kind, LAUNCH, Place, Played, member};
use super::http::{one, pairs};
use super::jwt::Jwt;
use super::tester::ASSERTION;
use crate::forge;
use crate::named::{Handled, check};
use crate::wire::Sent;

/// The addresses of the app are of https, which the app itself insists on, and it publishes keys that
/// can be used.
pub(super) fn registration(case: Case, kind: Kind) -> Handled {
    let (authentication, jwks) = app::authentication(kind, Place::Sandbox, case.provider);
    if let Some(jwks) = jwks {
        keys(kind, &jwks)?;
    }
    if let Kind::Bsca(_) = kind {
        return Ok(());
    }
    let base = FhirBaseUrl::parse("https://ehr.example/fhir").unwrap();
    let registered = |redirect_uri: &str| {
        let client = app::config(authentication.clone(), Place::Sandbox, redirect_uri);
        Registrations::new().with(base.clone(), client)
    };
    let refused = registered(&CALLBACK.replace("https:", "http:"));
    check(refused.is_err(), "an app without TLS is registered")?;
    let registered = registered(CALLBACK).map_err(|it| it.code().to_owned())?;
    let mut addresses = registered
        .redirect_uris()
        .map(|it| it.as_str())
        .chain([LAUNCH]);
    addresses.try_for_each(|it| check(it.starts_with("https://"), format!("{it} has no TLS")))
}

/// There is a key, each has a name and no private half, and can be used.
fn keys(kind: Kind, jwks: &str) -> Handled {
    let keys = member(jwks, "keys");
    let keys = keys.as_array().filter(|it| !it.is_empty());
    let keys = keys.ok_or("no key is published")?;
    keys.iter().try_for_each(|key| {
        check(key["kid"] == KID, format!("kid is {}", key["kid"]))?;
        check(key["d"].is_null(), "a private key is published")?;
        let alg = algorithm(kind);
        let has_signed = forge::is_signed_by(key, alg, b"nothing", &[0; 256])?;
        check(!has_signed, "it accepts zeros")
    })
}

/// What the app signs with.
fn algorithm(kind: Kind) -> &'static str {
    match kind {
        Kind::Alca(algorithm) | Kind::Bsca(algorithm) => algorithm.name(),
        _ => "none",
    }
}

/// Each authorization request has all that it must have, and what must be new is another one each time.
pub(super) fn authorization_requests(played: &Played) -> Handled {
    let times = played.asked.len();
    check(times == 2, format!("it was asked {times} times"))?;
    let mut once = BTreeSet::new();
    for asked in &played.asked {
        for (name, expected) in [
            ("response_type", "code"),
            ("client_id", CLIENT),
            ("redirect_uri", CALLBACK),
            ("aud", &played.base),
            ("code_challenge_method", "S256"),
        ] {
            let found = one(asked, name)?;
            check(found == expected, format!("{name} is {found}"))?;
        }
        for name in ["state", "code_challenge", "scope"] {
            check(!one(asked, name)?.is_empty(), format!("{name} is empty"))?;
        }
        for name in ["state", "code_challenge", "nonce"] {
            let found = one(asked, name);
            let is_new = found.is_err() || once.insert((name, found?));
            check(is_new, format!("a {name} twice"))?;
        }
        let launch = one(asked, "launch").ok();
        check(
            launch == played.launch.as_deref(),
            format!("launch is {launch:?}"),
        )?;
        // The mock never gives it back, and nobody else is spared.
        let has_nonce = one(asked, "nonce").is_ok();
        let expected = played.place == Place::Sandbox;
        check(has_nonce == expected, "the nonce is not as it was agreed")?;
    }
    Ok(())
}

/// Each token request has all that it must have.
pub(super) fn token_requests(played: &Played) -> Handled {
    let mut ids = BTreeSet::new();
    let mut grants = Vec::new();
    for sent in played.token_requests() {
        let form = pairs(&sent.body);
        let grant = one(&form, "grant_type")?.to_owned();
        match grant.as_str() {
            "authorization_code" => code_request(played, &form)?,
            "refresh_token" => {
                one(&form, "refresh_token")?;
            }
            "client_credentials" => {
                check(!one(&form, "scope")?.is_empty(), "scope is empty")?;
            }
            other => return Err(format!("grant_type is {other}")),
        }
        grants.push(grant);
        says_who(played, sent, &form, &mut ids)?;
    }
    let expected: &[&str] = match played.kind {
        Kind::Bsca(_) => &["client_credentials", "client_credentials"],
        _ => &["authorization_code", "refresh_token", "refresh_token"],
    };
    check(grants == expected, format!("the grants are {grants:?}"))
}

/// It has the redirect URI and the verifier of the authorization request.
fn code_request(played: &Played, form: &[(String, String)]) -> Handled {
    let asked = played.asked.first().ok_or("nothing was asked")?;
    let (found, before) = (one(form, "redirect_uri")?, one(asked, "redirect_uri")?);
    check(
        found == before,
        format!("redirect_uri is {found}, and was {before}"),
    )?;
    let verifier = one(form, "code_verifier")?;
    check(
        (43..=128).contains(&verifier.len()),
        "the verifier has another length",
    )?;
    let is_unreserved = |it: u8| it.is_ascii_alphanumeric() || b"-._~".contains(&it);
    check(
        verifier.bytes().all(is_unreserved),
        "the verifier has other characters",
    )?;
    let hashed = forge::b64(forge::sha256(verifier.as_bytes()));
    let challenge = one(asked, "code_challenge")?;
    check(
        hashed == challenge,
        "the verifier is not the one of the challenge",
    )
}

/// It says who the app is, in the one way that is agreed.
fn says_who(
    played: &Played,
    sent: &Sent,
    form: &[(String, String)],
    ids: &mut BTreeSet<String>,
) -> Handled {
    let header = sent.authorization();
    let has_secret = one(form, "client_secret").is_ok();
    check(!has_secret, "the secret is in the form")?;
    // A confidential app leaves it out (SMART App Launch 2.2, Obtain access token).
    let has_id = form.iter().any(|it| it.0 == "client_id");
    let is_public = played.kind == Kind::Alp;
    check(has_id == is_public, format!("a client_id: {has_id}"))?;
    match played.kind {
        Kind::Alp => {
            check(header.is_empty(), "a public app with a credential")?;
            let client = one(form, "client_id")?;
            check(client == CLIENT, format!("client_id is {client}"))
        }
        Kind::Alcs => {
            let pair = format!("{CLIENT}:{}", played.place.secret());
            let expected = format!("Basic {}", STANDARD.encode(pair));
            check(header == expected, "the header is not id and secret")
        }
        Kind::Alca(_) | Kind::Bsca(_) => {
            check(header.is_empty(), "an assertion, and a header")?;
            let kind = one(form, "client_assertion_type")?;
            check(
                kind == ASSERTION,
                format!("client_assertion_type is {kind}"),
            )?;
            assertion(played, one(form, "client_assertion")?, ids)
        }
    }
}

/// The assertion is for the token endpoint, by the app, once, and signed with its key.
fn assertion(played: &Played, token: &str, ids: &mut BTreeSet<String>) -> Handled {
    let jwt = Jwt::read(token)?;
    let kind = &jwt.header["typ"];
    check(kind == "JWT", format!("typ is {kind}"))?;
    check(
        jwt.header["kid"] == KID,
        format!("kid is {}", jwt.header["kid"]),
    )?;
    for (name, expected) in [("iss", CLIENT), ("sub", CLIENT), ("aud", &played.token_url)] {
        let found = jwt.text(name)?;
        check(found == expected, format!("{name} is {found}"))?;
    }
    jwt.seconds("exp")?;
    let id = jwt.text("jti")?.to_owned();
    check(!id.is_empty(), "jti is empty")?;
    check(ids.insert(id), "a jti twice")?;
    let jwks = played.jwks.as_deref().ok_or("no keys")?;
    let set: Value = serde_json::from_str(jwks).map_err(|it| it.to_string())?;
    let alg = algorithm(played.kind);
    let kty = if alg == "ES384" { "EC" } else { "RSA" };
    jwt.is_signed(jwt.key(&set, kty)?, alg)
}

/// Every token that was given opened something at the FHIR server, and went nowhere else.
pub(super) fn token_use(played: &Played) -> Handled {
    let answers = played.token_requests().map(|it| it.answer.as_str());
    let given: Vec<String> = answers
        .filter_map(|it| member(it, "access_token").as_str().map(str::to_owned))
        .collect();
    check(!given.is_empty(), "no token was given")?;
    for token in given {
        let bearer = format!("Bearer {token}");
        let used = played.sent.iter().filter(|it| it.authorization() == bearer);
        let used: Vec<&Sent> = used.collect();
        let opened = used
            .iter()
            .any(|it| it.status.is_some_and(|it| it.is_success()));
        check(opened, "a token was not used, or in vain")?;
        let fhir = format!("{}/", played.base);
        let strayed = used.iter().find(|it| !it.url.starts_with(&fhir));
        let strayed = strayed.map(|it| it.url.as_str());
        check(strayed.is_none(), format!("a token went to {strayed:?}"))?;
        let by_get = used.iter().all(|it| it.method == http::Method::GET);
        check(by_get, "something was written")?;
    }
    Ok(())
}

/// An app that sends a nonce does not sign in where none comes back: what it survives there is agreed
/// with it beforehand, and not put up with.
pub(super) async fn insists_on_nonce(case: Case) -> Handled {
    let ended = app::sign_in_with_nonce(case.provider).await;
    let code = ended.err().unwrap_or_else(|| "nothing".to_owned());
    check(code == "claim-missing", format!("it ended with {code}"))
}
