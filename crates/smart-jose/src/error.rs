//! All errors of the crate under one roof. Modules own their errors and never look up here.

use crate::base64url::NotBase64Url;
use crate::class::ErrorClass;
use crate::crypto::{GenerateError, PrepareError, RandomFailed, SigningKeyError};
use crate::header::HeaderError;
use crate::json::JsonError;
use crate::jwk::{JwkSetError, KeySelectionError, PrivateJwkError, SkipReason};
use crate::jws::{JwsError, SignError};
use crate::jwt::{ClaimError, ValidationError};
use crate::key::{EncodingError, KeyError};

macro_rules! union {
    ($($(#[$doc:meta])* $variant:ident($inner:ty) => $class:expr, $code:expr;)*) => {
        /// Any error of this crate. Every function returns the error of its own module; this
        /// type is for callers who want one.
        #[derive(Clone, Debug, PartialEq, thiserror::Error)]
        #[non_exhaustive]
        pub enum Error {
            $($(#[$doc])* #[error(transparent)] $variant(#[from] $inner),)*
        }

        impl Error {
            /// A stable name in kebab case, part of the promise of semantic versioning.
            #[must_use]
            pub fn code(&self) -> &'static str {
                match self { $(Self::$variant(error) => $code(error),)* }
            }

            /// Whose fault it is.
            #[must_use]
            pub const fn class(&self) -> ErrorClass {
                match self { $(Self::$variant(_) => $class,)* }
            }
        }
    };
}

union! {
    /// Text that is not canonical base64url.
    Base64Url(NotBase64Url) => ErrorClass::InvalidToken, |_: &NotBase64Url| "base64url";
    /// A claim is refused.
    Claim(ClaimError) => ErrorClass::InvalidToken, ClaimError::code;
    /// DER or PEM that is no key.
    Encoding(EncodingError) => ErrorClass::Configuration, EncodingError::code;
    /// A key was not generated.
    Generate(GenerateError) => ErrorClass::Configuration, GenerateError::code;
    /// A header is refused.
    Header(HeaderError) => ErrorClass::InvalidToken, HeaderError::code;
    /// JSON that is not strict.
    Json(JsonError) => ErrorClass::InvalidToken, JsonError::code;
    /// A text that is no key set.
    JwkSet(JwkSetError) => ErrorClass::Upstream, JwkSetError::code;
    /// A token is refused.
    Jws(JwsError) => ErrorClass::InvalidToken, JwsError::code;
    /// A key is refused.
    Key(KeyError) => ErrorClass::Configuration, KeyError::code;
    /// No key for a token.
    KeySelection(KeySelectionError) => ErrorClass::InvalidToken, KeySelectionError::code;
    /// A key was not prepared.
    Prepare(PrepareError) => ErrorClass::Configuration, PrepareError::code;
    /// A private JWK was not read.
    PrivateJwk(PrivateJwkError) => ErrorClass::Configuration, PrivateJwkError::code;
    /// No random octets.
    Random(RandomFailed) => ErrorClass::Configuration, |_: &RandomFailed| "random-failed";
    /// Nothing was signed.
    Sign(SignError) => ErrorClass::Configuration, SignError::code;
    /// A private key was not loaded.
    SigningKey(SigningKeyError) => ErrorClass::Configuration, SigningKeyError::code;
    /// A JWK cannot be used.
    Skip(SkipReason) => ErrorClass::Configuration, SkipReason::code;
    /// The claims are refused.
    Validation(ValidationError) => ErrorClass::InvalidToken, ValidationError::code;
}
