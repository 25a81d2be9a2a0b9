//! SMART on FHIR sign-in for apps: who is at the screen, and why you can trust that.
//!
//! # Validating an ID token
//!
//! ```
//! # #[cfg(feature = "ring")] {
//! use smart_oidc::discovery::Issuer;
//! use smart_oidc::id_token::{Expected, IdToken, IdTokenError, IdTokenVerifier};
//! use smart_oidc::jose::{Algorithms, CryptoProvider, JwkSet, UnixTime};
//! use smart_oidc::{ClientId, Nonce, RawIdToken};
//!
//! async fn who(token: &str, jwks: JwkSet, nonce: &Nonce, now: UnixTime) -> Result<IdToken, IdTokenError> {
//!     let issuer = Issuer::parse("https://ehr.example/oidc").expect("an https URL");
//!     let (client, ring) = (ClientId::new("my-app"), CryptoProvider::ring());
//!     let verifier =
//!         IdTokenVerifier::with_static_keys(&issuer, client, Algorithms::ID_TOKEN, jwks, ring);
//!     verifier.verify(&RawIdToken::new(token), &Expected::nonce(nonce), now).await
//! }
//! # }
//! ```
//!
//! `explain` instead of `verify` runs every check that can still run after one fails, and says
//! for each what was expected, what was found, which clause asks for it and what to do.
//!
//! # A sign-in, step by step
//!
//! Each type is used up by the next step, so none can be left out or done twice.
//!
//! ```text
//! FHIR base ──IssuerRegistry──▶ LiveIssuer ──trusted──▶ TrustedIssuer  kept up to date, keys too
//! Launch ──begin──▶ authorization URL, BrowserBinding, PendingLaunch
//! PendingLaunch ──authorize(callback, binding)──▶ AuthorizedLaunch     state, age, iss, error
//! AuthorizedLaunch ──exchange──▶ TokenResponse, ExchangedLaunch        code and verifier are spent
//! ExchangedLaunch, TokenResponse ──verify_launch──▶ IdToken            the nonce is inside
//! ExchangedLaunch, TokenResponse, IdToken ──LaunchSession::new──▶ LaunchSession
//! IdToken ──UserProfile::load──▶ UserProfile                           access token to the FHIR base only
//! ```
//!
//! # Who the app is
//!
//! [`ClientConfig`] holds one [`ClientAuthentication`]: none, a secret in a header or in the body,
//! or a key pair whose [`AssertionSigner`] makes an assertion for each request, and whose public
//! half [`PublishedKeys`] publishes. [`TokenClient`] uses
//! it to exchange a code, to refresh, to revoke and to introspect, and after a failure
//! [`TokenError::fate`] says whether the request may be sent again.
//! [`BackendServices`](token::BackendServices) keeps the token of a program that acts in its own
//! name. [`Quirks`] are what may be done otherwise for one server.
//!
//! # What it refuses
//!
//! - Trust from the token: the issuer comes from the FHIR base that you configured, and keys from
//!   that issuer, whatever `iss`, `jku` or `kid` say.
//! - A token whose signature was not checked. There is no switch for it.
//! - An audience list that also names somebody you do not trust, and an `azp` that is not you.
//! - To send a secret to a server that announces other methods, or an assertion for the issuer to an
//!   endpoint that the issuer does not name.
//! - A nonce that is missing, another, or unsolicited.
//! - A `fhirUser` outside the FHIR base, and every resource type that no user is. The access token
//!   goes there only, unless another base is named as sharing it: a [`FhirRead`] is the one value
//!   that carries it to a FHIR server, and only a [`FhirUser`] makes one.
//!
//! # What was granted, and what is in context
//!
//! [`TokenResponse::scopes`] is what the server granted, and [`Scopes::allows`] says what it opens,
//! in whichever syntax it is written. [`TokenResponse::context`] is the patient and whatever else
//! is in context; it is read from the token response and from nothing else.
//!
//! # For servers
//!
//! [`issue`] writes ID tokens and changes their keys; [`server`] holds the rules for clients, codes
//! and refresh tokens. [`seal`] keeps what a store holds from those who hold the store.
//!
//! # Features
//!
//! - `ring` (default), `aws-lc-rs`: the cryptography. One is enough; both may be on.
//! - `fips`: AWS-LC's module that is validated to FIPS 140-3, for keys and for TLS.
//! - `reqwest` (default): the HTTP client of `smart-discovery`.
//! - `tracing`: events for the program's subscriber, with names and codes and never a value.

mod authorization_request;
mod authorize;
mod callback;
mod client;
mod error;
mod extension;
mod fhir_user;
pub mod flow;
pub mod id_token;
pub mod issue;
pub mod launch_context;
mod launch_tag;
mod members;
pub mod pkce;
pub mod profile;
mod quirks;
pub mod scope;
pub mod seal;
mod served_keys;
pub mod server;
pub mod session;
mod telemetry;
pub mod token;
mod untrusted;
pub mod userinfo;
mod value;

pub use authorization_request::AuthorizationRequest;
pub use authorize::{
    AuthorizedLaunch, Begun, Launch, LaunchError, LaunchIdentity, LaunchKey, PendingLaunch,
};
pub use callback::{CallbackError, LAUNCH_LIFE};
pub use client::{
    ASSERTION_LIFE, AssertionAudience, AssertionSigner, AssertionSignerError, AssertionType,
    AuthorizationServer, ClientAuthentication, ClientAuthenticationError, ClientConfig,
    PublishedKeys, PublishedKeysError,
};
pub use error::Error;
pub use fhir_user::{
    FhirRead, FhirUser, FhirUserError, FhirUserPolicy, FhirUserType, ReferenceError, UnfitToken,
};
pub use id_token::{Expected, IdToken, IdTokenError, IdTokenVerifier};
pub use launch_context::LaunchContext;
pub use launch_tag::LaunchTag;
pub use profile::{ProfileError, ProfileRequest, ProfileSource, UserProfile};
pub use quirks::Quirks;
pub use scope::{Scope, Scopes};
pub use session::{MemoryStore, RefreshLease, SessionId, SessionStore, StoreError};
pub use smart_discovery as discovery;
pub use smart_jose as jose;
pub use token::{ExchangedLaunch, TokenClient, TokenError, TokenResponse};
pub use value::{
    AccessToken, AuthorizationCode, BrowserBinding, ClientId, ClientSecret, CodeVerifier,
    LaunchHandle, Nonce, RawIdToken, RedirectUri, RefreshToken, State,
};
