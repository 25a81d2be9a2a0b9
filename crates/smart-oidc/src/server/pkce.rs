//! The server's half of PKCE (RFC 7636): S256, and nothing else.

use core::fmt;

use smart_jose::{CryptoProvider, ErrorClass, Secret, Text};

use super::refusal::Refusal;
use crate::pkce;
use crate::value::CodeVerifier;

/// The length of an S256 challenge: 32 octets as base64url.
const CHALLENGE_OCTETS: usize = 43;

/// The `code_challenge` of an authorization request, kept with the code.
///
/// Each code has one, so there is no code that is redeemed without a verifier: a request without a
/// challenge makes no value of this type (RFC 9700 2.1.1, downgrade).
///
/// ```
/// # #[cfg(feature = "ring")] {
/// use smart_oidc::jose::CryptoProvider;
/// use smart_oidc::server::CodeChallenge;
/// // RFC 7636, Appendix B.
/// let challenge = Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
/// let challenge = CodeChallenge::read(challenge, Some("S256")).unwrap();
/// let verifier = Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
/// assert_eq!(challenge.verify(verifier, CryptoProvider::ring()), Ok(()));
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct CodeChallenge(String);

impl CodeChallenge {
    /// Reads `code_challenge` and `code_challenge_method` of an authorization request.
    ///
    /// A method that is left out means `plain` (RFC 7636 4.3), and SMART forbids `plain`.
    ///
    /// # Errors
    ///
    /// [`PkceError::NoChallenge`], [`PkceError::Method`], [`PkceError::ChallengeForm`].
    pub fn read(challenge: Option<&str>, method: Option<&str>) -> Result<Self, PkceError> {
        let challenge = present(challenge).ok_or(PkceError::NoChallenge)?;
        if method != Some("S256") {
            return Err(PkceError::Method {
                found: method.map(Text::new),
            });
        }
        let is_base64url = challenge
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'_');
        if challenge.len() != CHALLENGE_OCTETS || !is_base64url {
            return Err(PkceError::ChallengeForm);
        }
        Ok(Self(challenge.to_owned()))
    }

    /// The value that the client sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the `code_verifier` of a token request belongs to this challenge; compared in
    /// constant time (RFC 7636 4.6).
    ///
    /// # Errors
    ///
    /// [`PkceError::NoVerifier`] also for a blank one, [`PkceError::VerifierForm`],
    /// [`PkceError::VerifierIsChallenge`], [`PkceError::Mismatch`].
    pub fn verify(
        &self,
        verifier: Option<&str>,
        provider: &CryptoProvider,
    ) -> Result<(), PkceError> {
        let verifier = CodeVerifier::new(present(verifier).ok_or(PkceError::NoVerifier)?);
        // By its name and not only because the hashes differ: this client hashes nothing, and
        // whoever saw its request holds its verifier.
        if verifier.matches(&self.0) {
            return Err(PkceError::VerifierIsChallenge);
        }
        if !pkce::is_well_formed(verifier.expose_secret()) {
            return Err(PkceError::VerifierForm);
        }
        if !Secret::new(pkce::challenge(&verifier, provider)).matches(&self.0) {
            return Err(PkceError::Mismatch);
        }
        Ok(())
    }
}

/// A value of blanks is left out, too: no client that has a verifier sends one.
fn present(value: Option<&str>) -> Option<&str> {
    value.filter(|it| !it.trim().is_empty())
}

impl fmt::Debug for CodeChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeChallenge(***)")
    }
}

/// Why a request fails at PKCE.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PkceError {
    /// The challenge is not one of S256.
    #[error("code_challenge is not 43 characters of base64url")]
    ChallengeForm,
    /// The method is not S256, or is left out.
    #[error("code_challenge_method is {}, not S256", .found.as_ref().map_or_else(|| "missing, which means plain".to_owned(), ToString::to_string))]
    Method {
        /// The method.
        found: Option<Text>,
    },
    /// The verifier is another one.
    #[error("code_verifier does not belong to the code_challenge")]
    Mismatch,
    /// There is no challenge.
    #[error("code_challenge is missing")]
    NoChallenge,
    /// There is no verifier, or a blank one.
    #[error("code_verifier is missing or blank")]
    NoVerifier,
    /// The verifier is not 43 to 128 unreserved characters (RFC 7636 4.1).
    #[error("code_verifier is not 43 to 128 unreserved characters")]
    VerifierForm,
    /// The verifier is the challenge itself: the client does not do S256.
    #[error("code_verifier is the code_challenge itself")]
    VerifierIsChallenge,
}

impl PkceError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ChallengeForm => "pkce-challenge-form",
            Self::Method { .. } => "pkce-method",
            Self::Mismatch => "pkce-mismatch",
            Self::NoChallenge => "pkce-no-challenge",
            Self::NoVerifier => "pkce-no-verifier",
            Self::VerifierForm => "pkce-verifier-form",
            Self::VerifierIsChallenge => "pkce-verifier-is-challenge",
        }
    }

    /// Whose fault it is: always the request's.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::InvalidRequest
    }

    /// What the client is told: `invalid_request` at the authorization endpoint (RFC 7636 4.4.1),
    /// `invalid_grant` at the token endpoint (RFC 7636 4.6).
    #[must_use]
    pub const fn refusal(&self) -> Refusal {
        match self {
            Self::ChallengeForm | Self::Method { .. } | Self::NoChallenge => {
                Refusal::InvalidRequest
            }
            Self::Mismatch | Self::NoVerifier | Self::VerifierForm | Self::VerifierIsChallenge => {
                Refusal::InvalidGrant
            }
        }
    }
}
