//! The ID token.

use serde_json::{Map, Value};
use smart_jose::jws::{self, SignError};
use smart_jose::{Algorithm, CryptoProvider, base64url};

use crate::context::{Context, Grant};
use crate::hostile::{Genuine, Moment};
use crate::keys::Signer;
use crate::scopes::SmartVersion;

/// The lifetime of an ID token, in seconds.
pub(crate) const LIFETIME_SECS: u64 = 300;

/// The claims that an ID token may have, for the discovery document.
pub(crate) const CLAIMS: [&str; 10] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "at_hash",
    "fhirUser",
    "name",
];

/// What is signed for one response.
pub(crate) struct Signed<'a> {
    pub(crate) grant: &'a Grant,
    pub(crate) access_token: &'a str,
    /// A refreshed token has no nonce (OpenID Connect Core 12.2).
    pub(crate) is_refresh: bool,
}

/// Signs the ID token of a grant. Claims without a value are left out, never `null`.
pub(crate) fn sign(
    context: &Context,
    signed: &Signed<'_>,
    signer: &Signer,
) -> Result<String, SignError> {
    let grant = signed.grant;
    let user = &grant.user;
    let iat = context.clock.now().as_secs();
    let mut claims = Map::new();
    let mut put = |name: &str, value: Value| {
        claims.insert(name.to_owned(), value);
    };
    put("iss", context.urls.issuer().into());
    put("sub", user.sub.as_str().into());
    put("aud", grant.client_id.as_str().into());
    put("exp", iat.saturating_add(LIFETIME_SECS).into());
    put("iat", iat.into());
    if grant.wants_auth_time {
        put("auth_time", grant.auth_time.into());
    }
    if let Some(nonce) = &grant.nonce
        && !signed.is_refresh
    {
        put("nonce", nonce.as_str().into());
    }
    let algorithm = signer.key.algorithm();
    let at_hash = at_hash(signed.access_token, algorithm, &context.provider);
    put("at_hash", at_hash.into());
    let is_old = context.version == SmartVersion::V1_0;
    let names_profile = is_old && grant.scopes.has("profile") && !grant.scopes.has("fhirUser");
    if grant.scopes.has("fhirUser") || names_profile {
        // Absolute, since there are clients that forget the base of a relative one.
        let fhir_user = format!("{}/{}", context.urls.fhir(), user.reference());
        let claim = if names_profile { "profile" } else { "fhirUser" };
        put(claim, fhir_user.into());
    }
    if grant.scopes.has_name() {
        put("name", user.name.as_str().into());
    }
    let moment = Moment {
        urls: &context.urls,
        provider: &context.provider,
        now: iat,
    };
    let is_refresh = signed.is_refresh;
    context
        .script
        .spoil_claims(is_refresh, &mut claims, &moment);
    let payload = Value::Object(claims).to_string();
    let token = jws::sign(payload.as_bytes(), Some(&signer.kid), &*signer.key)?;
    let genuine = Genuine {
        token,
        payload,
        kid: &signer.kid,
        key: &*signer.key,
        jwk: &signer.jwk,
    };
    Ok(context.script.forge(is_refresh, genuine, &moment))
}

/// The left half of the token's hash (OpenID Connect Core 3.1.3.6).
fn at_hash(access_token: &str, algorithm: Algorithm, provider: &CryptoProvider) -> String {
    let digest = provider.hash(algorithm.hash(), access_token.as_bytes());
    let octets = digest.as_ref();
    base64url::encode(octets.get(..octets.len() / 2).unwrap_or_default())
}

#[cfg(test)]
#[cfg(feature = "ring")]
mod tests {
    use super::*;

    // covers: OIDC-HSH-1, OIDC-HSH-5
    #[test]
    fn the_hash_is_the_one_of_the_algorithm_and_cut_in_half() {
        let ring = CryptoProvider::ring();
        // The access token of OpenID Connect Core A.3, with its `at_hash` for SHA-256.
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(
            at_hash(token, Algorithm::RS256, ring),
            "77QmUPtjPfzWtF2AnpK9RQ"
        );
        for (algorithm, length) in [
            (Algorithm::ES256, 22),
            (Algorithm::ES384, 32),
            (Algorithm::EdDSA, 43),
        ] {
            assert_eq!(at_hash(token, algorithm, ring).len(), length);
        }
    }
}
