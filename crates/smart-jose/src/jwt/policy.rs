//! Validation of a token that is no ID token: an assertion, or a token of your own.

use core::fmt;
use core::time::Duration;

use serde::de::DeserializeOwned;

use super::check::{self, ClaimError, DEFAULT_LEEWAY, MAX_LEEWAY};
use crate::class::ErrorClass;
use crate::header::{ProtectedHeader, is_media_type};
use crate::json::{self, Found, JsonError, Name};
use crate::jws::VerifiedJws;
use crate::member;
use crate::text::Text;
use crate::time::UnixTime;

/// What a token must say. There is no `Default`: whom a token must be from and for is a decision,
/// and a named expectation is a required claim (RFC 8725 3.8, 3.9).
#[derive(Clone, Debug)]
pub struct ClaimsPolicy {
    issuer: String,
    audience: String,
    leeway: Duration,
    typ: Option<String>,
}

impl ClaimsPolicy {
    /// `iss` must be this issuer and `aud` must name this audience and no other.
    #[must_use]
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            audience: audience.into(),
            leeway: DEFAULT_LEEWAY,
            typ: None,
        }
    }

    /// Accepts tokens of this `typ` only, such as `at+jwt` (RFC 8725 3.11), compared as
    /// [`crate::header::is_media_type`] does. Unless set, `typ` must be absent or `JWT`: a token
    /// that was made for another use is not taken for one of this.
    #[must_use]
    pub fn with_typ(mut self, typ: impl Into<String>) -> Self {
        self.typ = Some(typ.into());
        self
    }

    /// Grants this leeway on the time claims, 60 s unless set and at most 300 s.
    #[must_use]
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway.min(MAX_LEEWAY);
        self
    }
}

/// A token whose signature and claims are valid. Only [`validate`] makes one.
#[derive(Clone)]
pub struct ValidatedJwt<C> {
    header: ProtectedHeader,
    claims: C,
}

impl<C> ValidatedJwt<C> {
    /// The header.
    pub const fn header(&self) -> &ProtectedHeader {
        &self.header
    }

    /// The claims.
    pub const fn claims(&self) -> &C {
        &self.claims
    }

    /// The claims, by value.
    pub fn into_claims(self) -> C {
        self.claims
    }
}

impl<C> fmt::Debug for ValidatedJwt<C> {
    /// Shows the header and no claim: claims name people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValidatedJwt")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

/// Why the claims of a token are refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ValidationError {
    /// A claim is refused.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The token says that it is of another use.
    #[error("typ is {}, expected {expected}", .found.as_ref().map_or_else(|| "missing".to_owned(), ToString::to_string))]
    Typ {
        /// The `typ` that is asked for; `JWT` may also be absent.
        expected: Text,
        /// The `typ` of the token.
        found: Option<Text>,
    },
    /// The payload is not a strict JSON object, or does not fit the caller's type.
    #[error("the claims are not a strict JSON object: {0}")]
    Json(#[from] JsonError),
}

impl ValidationError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Claim(error) => error.code(),
            Self::Typ { .. } => "jwt-typ",
            Self::Json(_) => "claims-json",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::InvalidToken
    }
}

/// `typ` is the expected one, or where none is named absent or `JWT`.
fn check_typ(header: &ProtectedHeader, policy: &ClaimsPolicy) -> Result<(), ValidationError> {
    let expected = policy.typ.as_deref();
    let fits = match (expected, header.typ()) {
        (None, None) => true,
        (None, Some(typ)) => is_media_type(typ, "jwt"),
        (Some(_), None) => false,
        (Some(expected), Some(typ)) => {
            let expected = expected.to_ascii_lowercase();
            is_media_type(
                typ,
                expected.strip_prefix("application/").unwrap_or(&expected),
            )
        }
    };
    if fits {
        return Ok(());
    }
    Err(ValidationError::Typ {
        expected: Text::new(expected.unwrap_or("JWT")),
        found: header.typ().map(Text::new),
    })
}

/// The claims that [`validate`] looks at, found while the payload is scanned.
const CHECKED: [Name<'static>; 5] = [
    Name::new("iss"),
    Name::new("aud"),
    Name::new("exp"),
    Name::new("nbf"),
    Name::new("iat"),
];

/// Checks `typ`, `iss`, `aud`, `exp`, `nbf` and `iat` (where there is one), then reads the claims
/// into the caller's type (RFC 7519 7.2, RFC 8725 3.8 to 3.12).
///
/// It is for tokens of your own and for assertions. An ID token has more rules, which
/// `smart-oidc` holds: nonce, `azp`, hashes, a required `sub` and `iat`.
///
/// # Errors
///
/// [`ValidationError`]: the first rule that fails, in the order named.
///
/// ```
/// # #[cfg(feature = "ring")] {
/// use smart_jose::jwt::{ClaimsPolicy, validate};
/// use smart_jose::key::PrivateKey;
/// use smart_jose::{Algorithm, Algorithms, CryptoProvider, Jwk, JwkSet, UnixTime, UnverifiedJws, jws};
///
/// let ring = CryptoProvider::ring();
/// let private = PrivateKey::generate(Algorithm::ES256, ring).unwrap();
/// let signer = ring.signing_key(&private, Algorithm::ES256).unwrap();
/// let claims = br#"{"iss":"https://a.example","aud":"b","exp":1700000300,"colour":"green"}"#;
/// let token = jws::sign(claims, Some("1"), &*signer).unwrap();
///
/// let keys = JwkSet::from_keys(
///     vec![Jwk::new(private.public_key(), "1", Algorithm::ES256).unwrap()],
///     ring,
/// );
/// let token = UnverifiedJws::parse(&token, Algorithms::of(&[Algorithm::ES256])).unwrap();
/// let keys = keys.candidates(token.header()).unwrap();
/// let token = token.verify(&keys).unwrap();
///
/// #[derive(serde::Deserialize)]
/// struct Claims { colour: String }
/// let policy = ClaimsPolicy::new("https://a.example", "b");
/// let token = validate::<Claims>(token, &policy, UnixTime::from_secs(1_700_000_000)).unwrap();
/// assert_eq!(token.claims().colour, "green");
/// # }
/// ```
pub fn validate<C: DeserializeOwned>(
    token: VerifiedJws,
    policy: &ClaimsPolicy,
    now: UnixTime,
) -> Result<ValidatedJwt<C>, ValidationError> {
    let (header, payload) = token.into_parts();
    check_typ(&header, policy)?;
    let mut found = [None; CHECKED.len()];
    let text = json::scan_object(&payload, payload.len(), &CHECKED, &mut found)?;
    let [iss, aud, exp, nbf, iat] = found;
    check::issuer(&member::read_text(iss), &policy.issuer)?;
    // One string that is ours is the usual form, and needs no list.
    if aud != Some(Found::Plain(&policy.audience)) {
        check::audience(&member::read(aud), &policy.audience, &[])?;
    }
    check::expiry(&member::read(exp), now, policy.leeway)?;
    check::not_before(&member::read(nbf), now, policy.leeway)?;
    if let Some(iat) = check::optional("iat", &member::read(iat))? {
        check::issued_at(*iat, now, policy.leeway, None)?;
    }
    Ok(ValidatedJwt {
        header,
        claims: json::read_checked(text)?,
    })
}
