//! Client assertions: what is signed, with which key, and for whom (RFC 7523 2.2 and 3).

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use serde::Serialize;
use smart_discovery::EndpointUrl;
use smart_jose::crypto::{AtHand, PrepareError, RemoteSigningKey, SigningKey, VerifyingKey};
use smart_jose::jwk::SkipReason;
use smart_jose::jws::{SignError, SigningHeader, SigningInput};
use smart_jose::{
    Algorithm, Algorithms, CryptoProvider, ErrorClass, Jwk, Secret, UnixTime, base64url,
};

use super::error::ClientAuthenticationError;
use crate::value::ClientId;

/// How long an assertion is valid. A server refuses more than 300 s by its own clock, so a minute
/// is left for clocks that differ.
pub const ASSERTION_LIFE: Duration = Duration::from_secs(240);

/// A `kid` may be this long, in octets: it stands in every assertion.
const MAX_KID_OCTETS: usize = 255;

/// For whom an assertion is, as one text (never a list, of which another reader could be a part).
///
/// At the token endpoint the first two are the same. They differ at the endpoints for revocation and
/// introspection, where the standards say nothing and servers disagree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AssertionAudience {
    /// The token endpoint (SMART App Launch 2.2; RFC 7523 3), at every endpoint of its origin: most
    /// servers know themselves by this name everywhere, and some by no other but the issuer.
    ///
    /// An endpoint of another origin gets an assertion for itself, also where the issuer's own
    /// metadata names it: that somebody names both does not say that he runs the token endpoint, and
    /// if he does not, he could use the assertion there.
    #[default]
    TokenEndpoint,
    /// The endpoint that the assertion is posted to, for servers that compare it with the address
    /// of the request. Whoever gets it can use it nowhere else.
    PostedEndpoint,
    /// The issuer, as newer profiles want it (draft-ietf-oauth-rfc7523bis, FAPI 2.0). It is used
    /// only for endpoints that the issuer's own metadata names.
    Issuer,
}

/// The `typ` of an assertion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AssertionType {
    /// `JWT` (SMART App Launch 2.2).
    #[default]
    Jwt,
    /// `client-authentication+jwt` (draft-ietf-oauth-rfc7523bis).
    ClientAuthentication,
}

impl AssertionType {
    const fn name(self) -> &'static str {
        match self {
            Self::Jwt => "JWT",
            Self::ClientAuthentication => "client-authentication+jwt",
        }
    }
}

/// Signs client assertions with one registered key.
///
/// Each request gets one of its own: `iss` and `sub` are the client id, `aud` is one text, `exp` is
/// [`ASSERTION_LIFE`] ahead, and `jti` has 256 random bits. What the key has signed is verified
/// with its public half before it leaves.
///
/// ```
/// # #[cfg(feature = "ring")] {
/// use smart_oidc::jose::{Algorithm, CryptoProvider, JwkSet, key::PrivateKey};
/// use smart_oidc::{AssertionSigner, AssertionSignerError};
///
/// fn signer(key: &PrivateKey) -> Result<AssertionSigner, Box<dyn std::error::Error>> {
///     let ring = CryptoProvider::ring();
///     let key = ring.signing_key(key, Algorithm::ES384)?;
///     Ok(AssertionSigner::new("2027-01", key, ring)?)
/// }
///
/// let ring = CryptoProvider::ring();
/// let key = PrivateKey::generate(Algorithm::ES384, ring).unwrap();
/// let signer = signer(&key).unwrap();
/// // What to register, or to serve where the registration says:
/// let jwks = JwkSet::from_keys(vec![signer.jwk().clone()], ring);
/// assert!(serde_json::to_string(&jwks).unwrap().contains(r#""kid":"2027-01""#));
/// # }
/// ```
#[derive(Clone)]
pub struct AssertionSigner {
    key: Arc<dyn RemoteSigningKey>,
    jwk: Jwk,
    kid: String,
    verifier: Arc<dyn VerifyingKey>,
    jku: Option<EndpointUrl>,
    audience: AssertionAudience,
    typ: AssertionType,
}

/// Why a key cannot sign assertions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AssertionSignerError {
    /// The key signs with another algorithm than those that servers are sure to take.
    #[error("the key signs with {found}, assertions are signed with {accepted}")]
    Algorithm {
        /// What was accepted.
        accepted: Algorithms,
        /// The algorithm of the key.
        found: Algorithm,
    },
    /// A `kid` has 1 to 255 octets: without one no server can choose the key.
    #[error("a kid of {octets} octets; it must have 1 to 255")]
    Kid {
        /// Its length in octets.
        octets: usize,
    },
    /// The backend cannot verify with the public half.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// No server would take the public half.
    #[error("the key cannot be registered: {0}")]
    Publish(#[from] SkipReason),
}

impl AssertionSignerError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Algorithm { .. } => "assertion-key-algorithm",
            Self::Kid { .. } => "assertion-key-kid",
            Self::Prepare(error) => error.code(),
            Self::Publish(error) => error.code(),
        }
    }

    /// Whose fault it is: always the app's own.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Configuration
    }
}

/// The claims, in the order in which SMART lists them.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: u64,
    jti: String,
    iat: u64,
}

impl AssertionSigner {
    /// A key at hand, RS384 or ES384, under the `kid` that it is registered with.
    ///
    /// # Errors
    ///
    /// [`AssertionSignerError`].
    pub fn new(
        kid: impl Into<String>,
        key: Arc<dyn SigningKey>,
        provider: &CryptoProvider,
    ) -> Result<Self, AssertionSignerError> {
        Self::remote(kid, Arc::new(AtHand::new(key)), provider)
    }

    /// The same with a key that signs somewhere else and takes its time.
    ///
    /// # Errors
    ///
    /// [`AssertionSignerError`].
    pub fn remote(
        kid: impl Into<String>,
        key: Arc<dyn RemoteSigningKey>,
        provider: &CryptoProvider,
    ) -> Result<Self, AssertionSignerError> {
        Self::with_algorithms(kid, key, Algorithms::CLIENT_ASSERTION, provider)
    }

    /// The same, where the key may sign with other algorithms: for a server that is known to take
    /// them.
    ///
    /// # Errors
    ///
    /// [`AssertionSignerError`].
    pub fn with_algorithms(
        kid: impl Into<String>,
        key: Arc<dyn RemoteSigningKey>,
        accepted: Algorithms,
        provider: &CryptoProvider,
    ) -> Result<Self, AssertionSignerError> {
        let kid = kid.into();
        if !(1..=MAX_KID_OCTETS).contains(&kid.len()) {
            return Err(AssertionSignerError::Kid { octets: kid.len() });
        }
        let found = key.algorithm();
        if !accepted.contains(found) {
            return Err(AssertionSignerError::Algorithm { accepted, found });
        }
        let jwk = Jwk::new(key.public_key().clone(), kid.clone(), found)?;
        let verifier = provider.prepare(jwk.key(), found)?;
        Ok(Self {
            key,
            jwk,
            kid,
            verifier,
            jku: None,
            audience: AssertionAudience::default(),
            typ: AssertionType::default(),
        })
    }

    /// Names the registered address of the key set in each assertion. It must be the registered
    /// one to the letter, or servers refuse the assertion.
    #[must_use]
    pub fn with_jku(mut self, registered: EndpointUrl) -> Self {
        self.jku = Some(registered);
        self
    }

    /// Writes another audience.
    #[must_use]
    pub const fn with_audience(mut self, audience: AssertionAudience) -> Self {
        self.audience = audience;
        self
    }

    /// Writes another `typ`.
    #[must_use]
    pub const fn with_type(mut self, typ: AssertionType) -> Self {
        self.typ = typ;
        self
    }

    /// The algorithm of the key.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }

    /// The name of the key.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half, to be registered.
    #[must_use]
    pub const fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    pub(super) fn key(&self) -> &dyn RemoteSigningKey {
        &*self.key
    }

    /// Whom the assertion is to be for.
    pub(super) const fn audience(&self) -> AssertionAudience {
        self.audience
    }

    /// A new assertion up to its signature.
    pub(super) fn draft(
        &self,
        client_id: &ClientId,
        audience: &str,
        provider: &CryptoProvider,
        now: UnixTime,
    ) -> Result<SigningInput, ClientAuthenticationError> {
        let claims = Claims {
            iss: client_id.as_str(),
            sub: client_id.as_str(),
            aud: audience,
            exp: now.saturating_add(ASSERTION_LIFE).as_secs(),
            jti: base64url::encode(provider.random::<32>()?),
            iat: now.as_secs(),
        };
        // Texts and numbers always serialize.
        let payload = serde_json::to_vec(&claims).map_err(|_| SignError::Header)?;
        let mut header = SigningHeader::new(self.algorithm())
            .with_kid(&self.kid)
            .with_typ(self.typ.name());
        if let Some(jku) = &self.jku {
            header = header.with_jku(jku.as_str());
        }
        Ok(SigningInput::with_header(&payload, &header)?)
    }

    /// The assertion, if the signature is one.
    pub(super) fn finish(
        &self,
        draft: SigningInput,
        signature: &[u8],
    ) -> Result<Secret<String>, ClientAuthenticationError> {
        let message = draft.message().to_vec();
        let assertion = Secret::new(draft.finish(signature)?);
        self.verifier
            .verify(&message, signature)
            .map_err(|_| ClientAuthenticationError::WrongSignature)?;
        Ok(assertion)
    }
}

impl fmt::Debug for AssertionSigner {
    /// Shows name and algorithm, and nothing of the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssertionSigner")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm())
            .field("audience", &self.audience)
            .field("typ", &self.typ)
            .finish_non_exhaustive()
    }
}
