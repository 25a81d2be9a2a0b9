//! The issuer: claims, signature, and the look at both before they leave.

use core::time::Duration;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};
use smart_discovery::{FhirBaseUrl, Issuer};
use smart_jose::jwt::Audience;
use smart_jose::{Algorithms, CryptoProvider, Text, UnixTime, jws};

use super::error::IssueError;
use super::grant::Grant;
use super::key_ring::KeyRing;
use super::signer::Signer;
use crate::fhir_user::{FhirUser, FhirUserError};
use crate::id_token::{self, Continuity, Expected, IdToken, Rules, hash_claim};
use crate::quirks::Quirks;
use crate::value::RawIdToken;

/// How long an ID token lives unless set otherwise: long enough to be looked at once.
pub const DEFAULT_LIFETIME: Duration = Duration::from_secs(300);
/// The longest life of an ID token. It says who signed in, and is no session.
pub const MAX_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// The clocks of two nodes of one server may differ by so much, which is no reason to lock anybody
/// out. It is far less than the leeway of a client, so what passes here does not fail there.
const NODE_SKEW: Duration = Duration::from_secs(5);

/// Names that the issuer writes itself, or that would change what a client makes of the token.
const RESERVED: [&str; 17] = [
    "iss",
    "sub",
    "aud",
    "azp",
    "exp",
    "nbf",
    "iat",
    "jti",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "at_hash",
    "c_hash",
    "fhirUser",
    "name",
    // Apps of SMART 1.0 take it for `fhirUser`.
    "profile",
];

/// Issues the ID tokens of one issuer.
#[derive(Clone, Debug)]
pub struct IdTokenIssuer {
    issuer: Issuer,
    lifetime: Duration,
    provider: CryptoProvider,
}

/// The claims, in the order of the standard. What has no value is left out, never `null`.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: Audience,
    #[serde(skip_serializing_if = "Option::is_none")]
    azp: Option<&'a str>,
    exp: u64,
    iat: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    amr: &'a [String],
    at_hash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    c_hash: Option<String>,
    #[serde(rename = "fhirUser", skip_serializing_if = "Option::is_none")]
    fhir_user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(flatten)]
    extra: &'a Map<String, Value>,
}

impl IdTokenIssuer {
    /// An issuer whose tokens live 300 s. [`Issuer`] has made sure that the URL is https without
    /// query and fragment (OpenID Connect Core 2).
    #[must_use]
    pub const fn new(issuer: Issuer, provider: &CryptoProvider) -> Self {
        Self {
            issuer,
            lifetime: DEFAULT_LIFETIME,
            provider: *provider,
        }
    }

    /// Lets tokens live so long, in whole seconds.
    ///
    /// # Errors
    ///
    /// [`IssueError::Lifetime`] under a second or over 24 h.
    pub fn with_lifetime(mut self, lifetime: Duration) -> Result<Self, IssueError> {
        let seconds = lifetime.as_secs();
        if seconds == 0 || seconds > MAX_LIFETIME.as_secs() {
            return Err(IssueError::Lifetime {
                limit: MAX_LIFETIME,
                found: lifetime,
            });
        }
        self.lifetime = Duration::from_secs(seconds);
        Ok(self)
    }

    /// The issuer.
    #[must_use]
    pub const fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// How long the tokens live.
    #[must_use]
    pub const fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Issues a token with the key of the ring that signs now with the client's algorithm.
    ///
    /// # Errors
    ///
    /// [`IssueError`].
    pub fn issue(
        &self,
        grant: &Grant<'_>,
        keys: &KeyRing,
        now: UnixTime,
    ) -> Result<RawIdToken, IssueError> {
        let planned = keys.schedule().token_life();
        if self.lifetime > planned {
            return Err(IssueError::OutlivesKey {
                lifetime: self.lifetime,
                planned,
            });
        }
        let algorithm = grant.client.algorithm();
        let signer = keys.signer(algorithm, now);
        self.issue_with(grant, signer.ok_or(IssueError::NoKey { algorithm })?, now)
    }

    /// Issues a token with this key. It must be one that the issuer publishes, and stay published
    /// until the token has expired; [`IdTokenIssuer::issue`] sees to both.
    ///
    /// # Errors
    ///
    /// [`IssueError`].
    pub fn issue_with(
        &self,
        grant: &Grant<'_>,
        signer: &Signer,
        now: UnixTime,
    ) -> Result<RawIdToken, IssueError> {
        let payload = self.payload(grant, signer, now)?;
        let token = RawIdToken::new(jws::sign(&payload, Some(signer.kid()), signer.key())?);
        self.read_back(&token, grant, signer, now)?;
        Ok(token)
    }

    /// The members that an introspection response repeats from the ID token: `iss`, `sub`, and
    /// `fhirUser` where its scope is granted (SMART App Launch 2.2, Token Introspection).
    #[must_use]
    pub fn introspection_members(&self, grant: &Grant<'_>) -> Map<String, Value> {
        let mut members = Map::new();
        if grant.has_scope("openid") {
            members.insert("iss".to_owned(), self.issuer.as_str().into());
            members.insert("sub".to_owned(), grant.subject.into());
        }
        if let Some((user, _)) = granted_user(grant) {
            members.insert("fhirUser".to_owned(), user.url().into());
        }
        members
    }

    fn payload(
        &self,
        grant: &Grant<'_>,
        signer: &Signer,
        now: UnixTime,
    ) -> Result<Vec<u8>, IssueError> {
        if !grant.has_scope("openid") {
            return Err(IssueError::NoOpenid);
        }
        let fhir_user = granted_user(grant).map(|(user, _)| user.url());
        if fhir_user.is_none() && grant.has_scope("fhirUser") {
            return Err(IssueError::FhirUserMissing);
        }
        if let Some(claim) = grant
            .extra
            .keys()
            .find(|it| RESERVED.contains(&it.as_str()))
        {
            return Err(IssueError::ReservedClaim {
                claim: Text::new(claim),
            });
        }
        if grant.max_age.is_some() && grant.auth_time.is_none() {
            return Err(IssueError::NoAuthTime);
        }
        if grant.first.is_some() && grant.nonce.is_some() {
            return Err(IssueError::NonceOnRefresh);
        }
        if let Some(first) = grant.first.map(Continuity::issued_at)
            && now <= first
        {
            return Err(IssueError::RefreshTooSoon { first, now });
        }
        let client_id = grant.client.client_id().as_str();
        let mut audiences = vec![client_id.to_owned()];
        for audience in grant.audiences {
            if audience.is_empty() || audiences.contains(audience) {
                return Err(IssueError::Audience {
                    found: Text::new(audience),
                });
            }
            audiences.push(audience.clone());
        }
        let hash = |value: &str| hash_claim(value, signer.algorithm(), &self.provider);
        let claims = Claims {
            iss: self.issuer.as_str(),
            sub: grant.subject,
            // With several audiences a reader would like to know which of them is meant.
            azp: (audiences.len() > 1).then_some(client_id),
            aud: Audience::new(audiences),
            exp: now.saturating_add(self.lifetime).as_secs(),
            iat: now.as_secs(),
            auth_time: grant.auth_time.map(UnixTime::as_secs),
            nonce: grant.nonce.map(|it| it.expose_secret()),
            acr: grant.acr,
            amr: grant.amr,
            at_hash: hash(grant.access_token.expose_secret()),
            c_hash: grant.code.map(|it| hash(it.expose_secret())),
            fhir_user: fhir_user.as_deref(),
            name: grant.name,
            extra: &grant.extra,
        };
        // Maps of strings and values always serialize.
        serde_json::to_vec(&claims).map_err(|_| IssueError::Sign(jws::SignError::Header))
    }

    /// Reads the token as a client does whose clock is nearly ours.
    fn read_back(
        &self,
        token: &RawIdToken,
        grant: &Grant<'_>,
        signer: &Signer,
        now: UnixTime,
    ) -> Result<(), IssueError> {
        let rules = Rules {
            issuer: Arc::from(self.issuer.as_str()),
            client_id: grant.client.client_id().clone(),
            accepted: Algorithms::of(&[signer.algorithm()]),
            announced: Algorithms::of(&[signer.algorithm()]),
            leeway: NODE_SKEW,
            max_issued_ago: None,
            trusted_audiences: grant.audiences.to_vec(),
            max_octets: jws::MAX_TOKEN_OCTETS,
            provider: self.provider,
            reads_profile: false,
            quirks: Quirks::default(),
        };
        let mut expected = match (grant.first, grant.nonce) {
            (Some(first), _) => Expected::refreshed(first, grant.access_token),
            (None, Some(nonce)) => Expected::nonce(nonce).with_access_token(grant.access_token),
            (None, None) => Expected::no_nonce_sent().with_access_token(grant.access_token),
        };
        if let Some(code) = grant.code {
            expected = expected.with_code(code);
        }
        if let Some(max_age) = grant.max_age {
            expected = expected.with_max_age(max_age);
        }
        let read = id_token::judge_at_hand(token, signer.candidates(), &rules, &expected, now);
        names_the_user(&read.map_err(IssueError::WouldBeRefused)?, grant)
    }
}

fn names_the_user(token: &IdToken, grant: &Grant<'_>) -> Result<(), IssueError> {
    let Some((meant, base)) = granted_user(grant) else {
        return Ok(());
    };
    match token.fhir_user(base) {
        Ok(Some(found)) if found == *meant => Ok(()),
        Ok(_) => Err(IssueError::FhirUser(FhirUserError::Missing)),
        Err(error) => Err(IssueError::FhirUser(error)),
    }
}

/// The user's resource, where the client may know it.
fn granted_user<'g>(grant: &'g Grant<'_>) -> Option<&'g (FhirUser, &'g FhirBaseUrl)> {
    grant
        .fhir_user
        .as_ref()
        .filter(|_| grant.has_scope("fhirUser"))
}
