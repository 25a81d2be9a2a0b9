//! All errors of the crate under one roof.

use smart_discovery::DiscoveryError;
use smart_jose::ErrorClass;

use crate::authorize::LaunchError;
use crate::callback::CallbackError;
use crate::client::{AssertionSignerError, ClientAuthenticationError, PublishedKeysError};
use crate::fhir_user::FhirUserError;
use crate::flow::{FlowError, RegistrationError};
use crate::id_token::{IdTokenError, RefreshError};
use crate::issue::{IssueError, KeyRingError};
use crate::profile::ProfileError;
use crate::seal::{OpenError, SealError, SealingKeyError};
use crate::server::{
    AuthenticationError, CodeError, CredentialsError, ParameterError, PkceError, RefreshTokenError,
};
use crate::session::{RenewalError, SessionError, StoreError};
use crate::token::{BackendError, IntrospectionError, RevocationError, TokenError};
use crate::userinfo::UserInfoError;

/// Any error of a sign-in. Every function returns the error of its own module; this type is for
/// callers who want one.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A key cannot sign client assertions.
    #[error(transparent)]
    AssertionSigner(#[from] AssertionSignerError),
    /// A server does not take a client.
    #[error(transparent)]
    Authentication(#[from] AuthenticationError),
    /// A backend service has no token now.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The callback is refused.
    #[error(transparent)]
    Callback(#[from] CallbackError),
    /// A request cannot be authenticated.
    #[error(transparent)]
    ClientAuthentication(#[from] ClientAuthenticationError),
    /// A server does not take a code.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// A request names its client wrongly.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The chain of trust broke.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    /// `fhirUser` is refused.
    #[error(transparent)]
    FhirUser(#[from] FhirUserError),
    /// A sign-in does not go on.
    #[error(transparent)]
    Flow(#[from] FlowError),
    /// The ID token is refused.
    #[error(transparent)]
    IdToken(#[from] IdTokenError),
    /// Nobody knows what a token opens.
    #[error(transparent)]
    Introspection(#[from] IntrospectionError),
    /// No ID token is issued.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// A key cannot join the ring.
    #[error(transparent)]
    KeyRing(#[from] KeyRingError),
    /// The launch cannot begin.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// A sealed value is not opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A request to a server is malformed.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// A server does not take a code_verifier.
    #[error(transparent)]
    Pkce(#[from] PkceError),
    /// The profile has no card.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The keys of an app are not published.
    #[error(transparent)]
    PublishedKeys(#[from] PublishedKeysError),
    /// Nothing of a refresh may be used.
    #[error(transparent)]
    Refresh(#[from] RefreshError),
    /// A server does not take a refresh token.
    #[error(transparent)]
    RefreshToken(#[from] RefreshTokenError),
    /// A registration is not taken.
    #[error(transparent)]
    Registration(#[from] RegistrationError),
    /// A session was not refreshed.
    #[error(transparent)]
    Renewal(#[from] RenewalError),
    /// Nobody knows that a token is revoked.
    #[error(transparent)]
    Revocation(#[from] RevocationError),
    /// A value is not sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A key cannot seal.
    #[error(transparent)]
    SealingKey(#[from] SealingKeyError),
    /// There is no session to work with.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// A store did not do what it was asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No tokens came.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Nothing of a UserInfo answer may be used.
    #[error(transparent)]
    UserInfo(#[from] UserInfoError),
}

impl Error {
    /// A stable name in kebab case, part of the promise of semantic versioning.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::AssertionSigner(error) => error.code(),
            Self::Authentication(error) => error.code(),
            Self::Backend(error) => error.code(),
            Self::Callback(error) => error.code(),
            Self::ClientAuthentication(error) => error.code(),
            Self::Code(error) => error.code(),
            Self::Credentials(error) => error.code(),
            Self::Discovery(error) => error.code(),
            Self::FhirUser(error) => error.code(),
            Self::Flow(error) => error.code(),
            Self::IdToken(error) => error.code(),
            Self::Introspection(error) => error.code(),
            Self::Issue(error) => error.code(),
            Self::KeyRing(error) => error.code(),
            Self::Launch(error) => error.code(),
            Self::Open(error) => error.code(),
            Self::Parameter(error) => error.code(),
            Self::Pkce(error) => error.code(),
            Self::Profile(error) => error.code(),
            Self::PublishedKeys(error) => error.code(),
            Self::Refresh(error) => error.code(),
            Self::RefreshToken(error) => error.code(),
            Self::Registration(error) => error.code(),
            Self::Renewal(error) => error.code(),
            Self::Revocation(error) => error.code(),
            Self::Seal(error) => error.code(),
            Self::SealingKey(error) => error.code(),
            Self::Session(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Token(error) => error.code(),
            Self::UserInfo(error) => error.code(),
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::AssertionSigner(error) => error.class(),
            Self::Authentication(error) => error.class(),
            Self::Backend(error) => error.class(),
            Self::Callback(error) => error.class(),
            Self::ClientAuthentication(error) => error.class(),
            Self::Code(error) => error.class(),
            Self::Credentials(error) => error.class(),
            Self::Discovery(error) => error.class(),
            Self::FhirUser(_) => ErrorClass::InvalidToken,
            Self::Flow(error) => error.class(),
            Self::IdToken(error) => error.class(),
            Self::Introspection(error) => error.class(),
            Self::Issue(error) => error.class(),
            Self::KeyRing(error) => error.class(),
            Self::Launch(error) => error.class(),
            Self::Open(error) => error.class(),
            Self::Parameter(error) => error.class(),
            Self::Pkce(error) => error.class(),
            Self::Profile(error) => error.class(),
            Self::PublishedKeys(error) => error.class(),
            Self::Refresh(error) => error.class(),
            Self::RefreshToken(error) => error.class(),
            Self::Registration(error) => error.class(),
            Self::Renewal(error) => error.class(),
            Self::Revocation(error) => error.class(),
            Self::Seal(error) => error.class(),
            Self::SealingKey(error) => error.class(),
            Self::Session(error) => error.class(),
            Self::Store(error) => error.class(),
            Self::Token(error) => error.class(),
            Self::UserInfo(error) => error.class(),
        }
    }
}
