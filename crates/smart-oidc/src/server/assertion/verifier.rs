//! The verifier: form, then key, then signature, then claims, and last of all the replay store.

use core::time::Duration;
use std::sync::Arc;

use smart_discovery::{KeySource as _, KeySourceError, RemoteJwks};
use smart_jose::jws::JwsError;
use smart_jose::jwt::check::{DEFAULT_LEEWAY, MAX_LEEWAY};
use smart_jose::{
    Algorithm, Algorithms, Candidates, CryptoProvider, ProtectedHeader, Text, UnixTime,
    UnverifiedJws, VerifiedJws,
};

use super::super::authenticated::{AuthenticatedClient, AuthenticationMethod};
use super::audience::AssertionAudience;
use super::claims::{self, Rules};
use super::error::AssertionError;
use super::keys::{ClientKeys, Source};
use super::presented::{ClientAssertion, MAX_ASSERTION_OCTETS};
use super::replay::{ReplayStore, Use};
use crate::value::ClientId;

/// The algorithms that are accepted unless others are named: the two that SMART App Launch 2.2 asks
/// clients to have.
pub const ASSERTION_ALGORITHMS: Algorithms = Algorithms::of(&[Algorithm::RS384, Algorithm::ES384]);

/// So far ahead `exp` may lie (SMART App Launch 2.2: five minutes); the leeway comes on top.
pub const MAX_ASSERTION_LIFE: Duration = Duration::from_secs(300);

/// Verifies client assertions for one token endpoint.
///
/// An assertion is good once: the last thing that is done with a good one is to note it. One that
/// fails for another reason has not been used.
#[derive(Clone, Debug)]
pub struct ClientAssertionVerifier {
    audience: AssertionAudience,
    replay: Arc<dyn ReplayStore>,
    algorithms: Algorithms,
    leeway: Duration,
    provider: CryptoProvider,
}

impl ClientAssertionVerifier {
    /// A verifier for assertions with this `aud`, which notes each use in this store. Every process
    /// of a fleet must note in the same one.
    #[must_use]
    pub fn new(
        audience: AssertionAudience,
        replay: Arc<dyn ReplayStore>,
        provider: &CryptoProvider,
    ) -> Self {
        Self {
            audience,
            replay,
            algorithms: ASSERTION_ALGORITHMS,
            leeway: DEFAULT_LEEWAY,
            provider: *provider,
        }
    }

    /// Accepts these algorithms: what the server announces as
    /// `token_endpoint_auth_signing_alg_values_supported`.
    #[must_use]
    pub const fn with_algorithms(mut self, algorithms: Algorithms) -> Self {
        self.algorithms = algorithms;
        self
    }

    /// Grants this leeway on `exp`, `nbf` and `iat`, 60 s unless set and at most 300 s.
    #[must_use]
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway.min(MAX_LEEWAY);
        self
    }

    /// What is accepted.
    #[must_use]
    pub const fn algorithms(&self) -> Algorithms {
        self.algorithms
    }

    /// Verifies an assertion with the keys of the client that it names, and notes its use.
    ///
    /// `client_id` and `keys` come from one registration, the one of
    /// [`ClientAssertion::claimed_client_id`].
    ///
    /// # Errors
    ///
    /// [`AssertionError`]: the first rule that fails. Nothing is fetched but the key set at the URL
    /// that the client registered, and not even that before header and `jku` are right.
    pub async fn verify(
        &self,
        assertion: &ClientAssertion,
        client_id: &ClientId,
        keys: &ClientKeys,
        now: UnixTime,
    ) -> Result<AuthenticatedClient, AssertionError> {
        let same_client = |name, found: &ClientId| {
            if found == client_id {
                return Ok(());
            }
            Err(AssertionError::Client {
                name,
                expected: Text::new(client_id.as_str()),
                found: Text::new(found.as_str()),
            })
        };
        same_client("client_id", assertion.claimed_client_id())?;
        let token = self.parse(assertion)?;
        let kid = token.header().kid().ok_or(AssertionError::NoKid)?;
        let kid = Text::new(kid);
        claims::check_typ(token.header().typ())?;
        check_jku(assertion, keys)?;
        let token = self.check_signature(assertion, token, keys, kid).await?;
        let rules = Rules {
            client_id,
            audience: &self.audience,
            max_life: MAX_ASSERTION_LIFE,
            leeway: self.leeway,
            now,
        };
        let used = claims::judge(&token, &rules, &self.provider)?;
        match self.replay.note(&used, now).await? {
            Use::First => Ok(AuthenticatedClient::assertion(
                client_id.clone(),
                AuthenticationMethod::PrivateKeyJwt,
            )),
            Use::Again => Err(AssertionError::Replayed),
        }
    }

    fn parse<'a>(&self, assertion: &'a ClientAssertion) -> Result<UnverifiedJws<'a>, JwsError> {
        UnverifiedJws::parse_with_limit(assertion.jwt(), self.algorithms, MAX_ASSERTION_OCTETS)
    }

    async fn check_signature(
        &self,
        assertion: &ClientAssertion,
        token: UnverifiedJws<'_>,
        keys: &ClientKeys,
        kid: Text,
    ) -> Result<VerifiedJws, AssertionError> {
        let remote = match &keys.0 {
            Source::Inline(set) => {
                let key = set.exactly_one(token.header());
                return Ok(token.verify(&key.map_err(KeySourceError::from)?)?);
            }
            Source::Remote(remote) => remote,
        };
        // Kept for the second look, which nearly no token needs.
        let header = token.header().clone();
        let key = one_of(fetched(remote, &header).await?, &kid)?;
        match token.verify(&key) {
            Err(JwsError::BadSignature) => {
                // Some clients change their key and keep its name.
                let Some(key) = remote.candidates_after_bad_signature(&header).await else {
                    return Err(JwsError::BadSignature.into());
                };
                Ok(self.parse(assertion)?.verify(&one_of(key, &kid)?)?)
            }
            other => Ok(other?),
        }
    }
}

/// The keys of the client's own set, which is read where what is held is too old.
async fn fetched(
    remote: &RemoteJwks,
    header: &ProtectedHeader,
) -> Result<Candidates, KeySourceError> {
    match remote.cached(header) {
        Some(keys) => Ok(keys),
        None => remote.candidates(header).await,
    }
}

/// The one key, where there is one.
fn one_of(keys: Candidates, kid: &Text) -> Result<Candidates, AssertionError> {
    let found = keys.iter().count();
    if found == 1 {
        return Ok(keys);
    }
    Err(AssertionError::KeyAmbiguous {
        kid: kid.clone(),
        found,
    })
}

/// `jku` is absent, or what the client registered; nothing is ever fetched because of it.
fn check_jku(assertion: &ClientAssertion, keys: &ClientKeys) -> Result<(), AssertionError> {
    let registered = keys.url().map(|it| it.as_str());
    match assertion.jku()? {
        Some(jku) if registered != Some(jku.as_str()) => Err(AssertionError::Jku {
            registered: registered.map(Text::new),
            found: Text::new(&jku),
        }),
        _ => Ok(()),
    }
}
