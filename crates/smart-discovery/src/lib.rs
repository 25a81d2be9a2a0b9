//! From a FHIR base URL to trusted keys: SMART and OpenID discovery, and the cache that keeps both
//! up to date.
//!
//! ```text
//! FhirBaseUrl ─▶ SmartConfiguration ─▶ Issuer ─▶ ProviderMetadata ─▶ RemoteJwks
//!                └──────────────── TrustedIssuer ────────────────┘
//!                └────────────────────── LiveIssuer ─────────────────────────┘
//! ```
//!
//! Each document is checked against the one before, and only this chain makes a [`TrustedIssuer`].
//! Nothing is ever fetched because of what a token says: the steps that the SMART guide shows
//! begin with the token's own `iss`, and anybody can write one.
//!
//! ```
//! # #[cfg(all(feature = "reqwest", feature = "ring"))] {
//! use std::sync::Arc;
//! use smart_discovery::jose::CryptoProvider;
//! use smart_discovery::{
//!     Discovery, DiscoveryError, FhirBaseUrl, IssuerRegistry, ReqwestClient, SystemClock,
//! };
//!
//! fn registry(http: ReqwestClient) -> IssuerRegistry {
//!     let (discovery, clock) = (Discovery::new(Arc::new(http)), Arc::new(SystemClock::new()));
//!     IssuerRegistry::new(discovery, CryptoProvider::ring(), clock)
//! }
//!
//! async fn who_signs(registry: &IssuerRegistry, base: &FhirBaseUrl) -> Result<String, DiscoveryError> {
//!     // The first caller fetches, all others wait for that one fetch, later ones wait for none.
//!     let trusted = registry.issuer(base).trusted().await?;
//!     Ok(trusted.issuer().to_string())
//! }
//! # }
//! ```
//!
//! # Which part
//!
//! - [`Discovery`] follows the chain once; [`Discovery::trace`] keeps every step for a report.
//! - [`LiveIssuer`] keeps one issuer up to date, documents and keys; [`IssuerRegistry`] many, each
//!   apart from all others. [`LiveIssuer::trusted`] and [`LiveIssuer::keys_of`] are what a
//!   verifier is made with.
//! - [`RemoteJwks`] is the cache of a key set alone; [`RemoteJwks::of_client`] the one for a server
//!   that verifies what its clients sign. [`FixedJwks`] holds keys that are given by hand.
//! - [`SmartConfiguration`] and [`ProviderMetadata`] are the typed documents, with `request` and
//!   `from_response` apart from any network: for another HTTP stack, or none.
//! - [`FhirBases`] says which FHIR server the `iss` of a launch names, if it is one of yours.
//!
//! # Defaults, and why
//!
//! | Default | Why |
//! |---|---|
//! | https only; http on loopback by a named opt-in | keys that arrive in the clear are anybody's keys |
//! | no redirects, no cookies, no proxy from the environment | a redirect is a fetch to a place of the sender's choosing, and so is a proxy that nobody named |
//! | no compression is asked for, and none is unpacked | a few thousand octets can stand for gigabytes |
//! | 2 s to connect, 5 s in all, 256 KiB of body | a hanging, dripping or endless server must not become ours |
//! | no address that is not of the public internet, unless [`Networks`] allow it; checked in the URL, in each answer of the resolver and on the connection | what a server's documents name must not reach behind your firewall |
//! | TLS 1.2 and up with the platform's roots or given ones; no switch that turns verification off | such a switch is found by those who should not |
//! | documents and keys live as long as their answer says, between 1 min and 24 h; 10 min where it says nothing | a withdrawn key must die one day, and a server must not be asked at every sign-in |
//! | from four fifths of their life on, give or take a tenth, they are fetched anew in the background, with the tag of the last answer | nobody waits for a fetch while something usable is at hand, and a thousand nodes do not ask at once |
//! | whoever waits shares one fetch, and it goes on when they go away | ten thousand people sign in at eight o'clock |
//! | an unknown `kid` fetches at once, and then none for 30 s, failures included; a bad signature draws on the same budget where the set was confirmed more than 1 min ago | a rotation is followed at once, and a flood of made-up tokens costs one request in 30 s |
//! | a `kid` that is unknown even then, or an algorithm that was not announced, reads the issuer's metadata again, once in 30 s | keys move, and issuers begin to use other algorithms |
//! | after a failure 10 s of rest, doubling up to 5 min; 1 s to 30 s where nothing is held; `Retry-After` up to 15 min | a server that is down is not kept down by us |
//! | what is held serves for 24 h past its life while its server is down | the provider's outage does not become yours, and has an end |
//! | a set that lost all its keys, a broken or an empty answer replaces nothing | that is a mistake far more often than a wish; `purge` is for who knows better |
//! | another issuer than before is refused, and what was trusted stays | a change of issuer is a decision of yours |
//! | new material under a known `kid` is taken, and told | servers do rotate like that; somebody should look |
//! | a registry holds 10,000 issuers and lets go of what was not asked for in 48 h | by then nothing of it could serve |
//!
//! # Watching it
//!
//! [`LiveIssuer::state`] and [`IssuerRegistry::states`] say how each document stands: fresh, stale,
//! being fetched, backing off, the last error, the next refresh. An [`Observer`] is told what
//! happens as it happens. Both hold names, codes and durations, never a token. With the feature
//! `tracing` the same goes to the program's subscriber, with a span around each fetch.
//!
//! # Starting warm
//!
//! [`IssuerRegistry::export`] and [`LiveIssuer::export`] give what can be written down, with times
//! of the wall clock. `import` takes it through every check of the chain, as old as it is: a node
//! that starts during an outage serves from it exactly as long as had it never stopped. Whoever can
//! write that file decides who may sign in.
//!
//! # Features
//!
//! - `ring` (default), `aws-lc-rs`: the cryptography, also of TLS. With both, TLS uses ring.
//! - `fips`: AWS-LC's validated module, for keys and for TLS, whatever else is on.
//! - `reqwest` (default): [`ReqwestClient`]. Without it, implement [`HttpClient`] yourself.
//! - `tracing`: spans and events for the program's subscriber.

mod address;
mod capability;
pub mod capability_statement;
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
mod single_flight;
mod smart_configuration;
mod sync;
mod telemetry;
#[cfg(feature = "reqwest")]
mod tls;
mod url;

pub use address::{AddressKind, NetworkError, Networks};
pub use capability::{Capability, CapabilitySet};
pub use clock::{Clock, FixedClock, SystemClock};
pub use conditional::retry_after;
pub use discover::{Discovery, DiscoveryError, Smart10Fallback, Step, Trace, TrustedIssuer};
pub use document::DocumentError;
pub use fhir_bases::FhirBases;
pub use finding::Finding;
pub use http_client::{HttpClient, TimeLimit, TransportError};
pub use jwks::{
    FixedJwks, JwksError, JwksSnapshot, KeySource, KeySourceError, RemoteJwks, SnapshotError,
};
pub use live::{
    IDLE, IssuerKeys, IssuerRegistry, IssuerSnapshot, IssuerState, LiveIssuer, MAX_ISSUERS,
};
pub use observe::{DocumentKind, DocumentState, Event, Happening, Observer, Phase};
pub use provider_metadata::{MetadataError, ProviderMetadata};
#[cfg(feature = "reqwest")]
pub use reqwest_client::{
    CONNECT_TIMEOUT, ClientError, ReqwestClient, ReqwestClientBuilder, TOTAL_TIMEOUT,
};
pub use single_flight::SingleFlight;
pub use smart_configuration::{AssociatedEndpoint, SmartConfiguration};
pub use smart_jose as jose;
pub use url::{EndpointUrl, FhirBaseUrl, Issuer, NotUnder, PlainHttp, UrlError};
