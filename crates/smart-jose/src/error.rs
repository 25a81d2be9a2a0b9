//! All errors of the crate under one roof. Modules own their errors and never look up here.

use crate::base64url::NotBase64Url;
use crate::class::ErrorClass;
use crate::crypto::{
    AeadFailed, BadSignature, GenerateError, NotAuthentic, PrepareError, RandomFailed,
    SigningFailed, SigningKeyError,
};
use crate::header::HeaderError;
use crate::json::JsonError;
use crate::jwk::{JwkSetError, KeySelectionError, PrivateJwkError, SkipReason};
use crate::jws::{JwsError, SignError};
use crate::jwt::{ClaimError, ValidationError};
use crate::key::{EncodingError, KeyError};

macro_rules! union {
    ($($(#[$doc:meta])* $variant:ident($inner:ty);)*) => {
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
            pub const fn code(&self) -> &'static str {
                match self { $(Self::$variant(error) => error.code(),)* }
            }

            /// Whose fault it is.
            #[must_use]
            pub const fn class(&self) -> ErrorClass {
                match self { $(Self::$variant(error) => error.class(),)* }
            }
        }
    };
}

union! {
    /// Nothing was sealed.
    Aead(AeadFailed);
    /// A signature is not valid.
    BadSignature(BadSignature);
    /// Text that is not canonical base64url.
    Base64Url(NotBase64Url);
    /// A claim is refused.
    Claim(ClaimError);
    /// DER or PEM that is no key.
    Encoding(EncodingError);
    /// A key was not generated.
    Generate(GenerateError);
    /// A header is refused.
    Header(HeaderError);
    /// JSON that is not strict.
    Json(JsonError);
    /// A text that is no key set.
    JwkSet(JwkSetError);
    /// A token is refused.
    Jws(JwsError);
    /// A key is refused.
    Key(KeyError);
    /// No key for a token.
    KeySelection(KeySelectionError);
    /// What is opened was not sealed so.
    NotAuthentic(NotAuthentic);
    /// A key was not prepared.
    Prepare(PrepareError);
    /// A private JWK was not read.
    PrivateJwk(PrivateJwkError);
    /// No random octets.
    Random(RandomFailed);
    /// Nothing was signed.
    Sign(SignError);
    /// A key did not sign.
    Signing(SigningFailed);
    /// A private key was not loaded.
    SigningKey(SigningKeyError);
    /// A JWK cannot be used.
    Skip(SkipReason);
    /// The claims are refused.
    Validation(ValidationError);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alg::Algorithm;

    #[test]
    fn code_and_class_are_those_of_the_error_inside() {
        let (token, keys) = (Algorithm::RS256, Algorithm::ES256);
        let cases: [(Error, &str, ErrorClass); 7] = [
            (
                BadSignature::new().into(),
                "jws-bad-signature",
                ErrorClass::InvalidToken,
            ),
            (
                JwsError::Encrypted.into(),
                "jws-encrypted",
                ErrorClass::InvalidToken,
            ),
            (
                JwsError::KeyMismatch { token, keys }.into(),
                "jws-key-mismatch",
                ErrorClass::Configuration,
            ),
            (
                HeaderError::AlgorithmMissing.into(),
                "alg-missing",
                ErrorClass::InvalidToken,
            ),
            (
                JwkSetError::TooMany { limit: 1, found: 2 }.into(),
                "jwks-too-many",
                ErrorClass::Upstream,
            ),
            (
                SignError::Key(SigningFailed).into(),
                "sign-failed",
                ErrorClass::Upstream,
            ),
            (
                SignError::EmptyPayload.into(),
                "sign-empty-payload",
                ErrorClass::Configuration,
            ),
        ];
        for (error, code, class) in cases {
            assert_eq!((error.code(), error.class()), (code, class), "{error}");
        }
    }
}
