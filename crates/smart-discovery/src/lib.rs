//! From a FHIR base URL to trusted keys: SMART and OpenID discovery, and a cache of key sets.
//!
//! ```text
//! FhirBaseUrl ─▶ SmartConfiguration ─▶ Issuer ─▶ ProviderMetadata ─▶ RemoteJwks
//!                └──────────────── TrustedIssuer ────────────────┘
//! ```
//!
//! Each document is checked against the one before, and only [`Discovery`] makes a
//! [`TrustedIssuer`]. Nothing is ever fetched because of what a token says: the steps that the
//! SMART guide shows begin with the token's own `iss`, and anybody can write one.
//!
//! ```
//! # #[cfg(feature = "reqwest")] {
//! use std::sync::Arc;
//! use smart_discovery::{ClientError, Discovery, DiscoveryError, FhirBaseUrl, ReqwestClient};
//!
//! async fn who_signs(base: &FhirBaseUrl, http: ReqwestClient) -> Result<String, DiscoveryError> {
//!     let trusted = Discovery::new(Arc::new(http)).discover(base).await?;
//!     Ok(trusted.issuer().to_string())
//! }
//! # }
//! ```
//!
//! # Defaults, and why
//!
//! | Default | Why |
//! |---|---|
//! | https only; http on loopback by a named opt-in | keys that arrive in the clear are anybody's keys |
//! | no redirects | a redirect is a fetch to a place of the sender's choosing |
//! | 2 s to connect, 5 s in all, 256 KiB of body | a hanging or endless server must not become ours |
//! | no address that is not of the public internet, unless [`Networks`] allow it | what a server's documents name must not reach behind your firewall |
//! | keys live as long as their answer says, between 1 min and 24 h; 10 min where it says nothing | a withdrawn key must die one day, and a server must not be asked at every sign-in |
//! | from four fifths of their life on they are fetched anew in the background | nobody waits for a fetch while keys are at hand |
//! | an unknown `kid` refetches, at most once in 30 s; a bad signature draws on the same budget | a rotation is followed at once, and a flood of made-up tokens costs one request in 30 s |
//! | after a failure 10 s of rest, then longer, up to 5 min; `Retry-After` up to 15 min | a server that is down is not kept down by us |
//! | keys that are held verify for 24 h past their life while the issuer is down | the provider's outage does not become yours, and has an end |
//!
//! # Features
//!
//! - `ring` (default), `aws-lc-rs`: the cryptography, also of TLS. With both, TLS uses ring.
//! - `fips`: AWS-LC's validated module, for keys and for TLS, whatever else is on.
//! - `reqwest` (default): [`ReqwestClient`]. Without it, implement [`HttpClient`] yourself.

mod address;
mod capability;
mod capability_statement;
mod clock;
mod conditional;
mod discover;
pub mod document;
mod fhir_bases;
mod finding;
mod flight;
mod freshness;
mod http_client;
mod jitter;
pub mod jwks;
mod kept;
mod live;
mod observe;
mod provider_metadata;
#[cfg(feature = "reqwest")]
mod reqwest_client;
#[cfg(feature = "reqwest")]
mod resolver;
mod shelf;
mod smart_configuration;
mod sync;
mod telemetry;
#[cfg(feature = "reqwest")]
mod tls;
mod url;

pub use address::{AddressKind, NetworkError, Networks};
pub use capability::{Capability, CapabilitySet};
pub use clock::{Clock, FixedClock, SystemClock};
pub use discover::{Discovery, DiscoveryError, Smart10Fallback, Step, Trace, TrustedIssuer};
pub use document::DocumentError;
pub use fhir_bases::FhirBases;
pub use finding::Finding;
pub use http_client::{HttpClient, TimeLimit, TransportError};
pub use jwks::{
    FixedJwks, JwksError, JwksSnapshot, KeySource, KeySourceError, RemoteJwks, SnapshotError,
};
pub use live::{
    IDLE, ImportError, IssuerRegistry, IssuerSnapshot, IssuerState, LiveIssuer, MAX_ISSUERS,
};
pub use observe::{DocumentKind, DocumentState, Event, Happening, Observer, Phase};
pub use provider_metadata::{MetadataError, ProviderMetadata};
#[cfg(feature = "reqwest")]
pub use reqwest_client::{
    CONNECT_TIMEOUT, ClientError, ReqwestClient, ReqwestClientBuilder, TOTAL_TIMEOUT,
};
pub use smart_configuration::{AssociatedEndpoint, SmartConfiguration};
pub use smart_jose as jose;
pub use url::{EndpointUrl, FhirBaseUrl, Issuer, PlainHttp, UrlError};
