//! Issuing ID tokens, for EHR authorization servers.
//!
//! [`IdTokenIssuer`] writes the claims, computes `at_hash` and `c_hash`, signs, and gives nothing
//! out that [`crate::IdTokenVerifier`] would refuse: each token is run through the same list of
//! checks before it leaves. [`KeyRing`] knows which key signs now and which keys are published,
//! so that no verifier that keeps to the `Cache-Control` of the key set refuses a good token
//! while keys change.
//!
//! ```
//! # #[cfg(feature = "ring")] {
//! use core::time::Duration;
//! use smart_oidc::issue::{Grant, IdTokenIssuer, KeyRing, RegisteredClient, RotationSchedule, Signer};
//! use smart_oidc::discovery::{FhirBaseUrl, Issuer};
//! use smart_oidc::jose::key::PrivateKey;
//! use smart_oidc::jose::{Algorithm, CryptoProvider, UnixTime};
//! use smart_oidc::{AccessToken, ClientId, Nonce};
//!
//! fn example(pem: &str) -> Result<(), Box<dyn std::error::Error>> {
//!     let ring = CryptoProvider::ring();
//!     let now = UnixTime::from_secs(1_800_000_000);
//!     // Once, when the server starts.
//!     let key = PrivateKey::from_pem(pem, ring)?;
//!     let key = Signer::new("2027-01", ring.signing_key(&key, Algorithm::RS256)?, ring)?;
//!     let schedule = RotationSchedule::new(Duration::from_secs(600), Duration::from_secs(300))?;
//!     let keys = KeyRing::new(schedule, key, now)?;
//!     let issuer = IdTokenIssuer::new(Issuer::parse("https://ehr.example/oidc")?, ring)
//!         .with_lifetime(Duration::from_secs(300))?;
//!
//!     // For each token response.
//!     let client = RegisteredClient::new(ClientId::new("growth-chart"));
//!     let (access_token, nonce) = (AccessToken::new("SlAV32hkKG"), Nonce::new("n-0S6_WzA2Mj"));
//!     let scopes = ["openid".to_owned(), "fhirUser".to_owned()];
//!     let base = FhirBaseUrl::parse("https://ehr.example/fhir")?;
//!     let grant = Grant::new(&client, "user-4711", &scopes, &access_token)
//!         .with_nonce(&nonce)
//!         .with_fhir_user("Practitioner/123", &base)?;
//!     let id_token = issuer.issue(&grant, &keys, now)?;
//!
//!     // At `jwks_uri`.
//!     let served = keys.document(now, ring);
//!     assert_eq!(served.cache_control, "public, max-age=600");
//!     # let _ = id_token;
//!     Ok(())
//! }
//! # }
//! ```

mod client;
mod error;
mod grant;
mod issuer;
mod key_ring;
mod pairwise;
mod planned;
mod schedule;
mod signer;

pub use crate::served_keys::ServedKeys;
pub use client::RegisteredClient;
pub use error::{IssueError, KeyRingError};
pub use grant::Grant;
pub use issuer::{DEFAULT_LIFETIME, IdTokenIssuer, MAX_LIFETIME};
pub use key_ring::{KeyRing, KeyTimes};
pub use pairwise::PairwiseSubjects;
pub use planned::PlannedKey;
pub use schedule::RotationSchedule;
pub use signer::Signer;
