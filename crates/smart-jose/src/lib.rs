//! Strict JWS, JWK and JWT for SMART on FHIR: sync, no I/O, no clock, on ring or aws-lc-rs.
//!
//! Pick this crate alone if you sign or verify tokens and fetch the keys yourself.
//! `smart-discovery` adds the fetching and `smart-oidc` the sign-in.
//!
//! # A token changes type as it is checked
//!
//! ```text
//! &str ──parse(accepted)──▶ UnverifiedJws ──verify(keys)──▶ VerifiedJws ──validate(policy, now)──▶ ValidatedJwt
//! ```
//!
//! Each arrow consumes what came before, and only the last type shows claims in a type of yours. So
//! the accepted algorithms cannot be forgotten, nothing of the payload can be read before the
//! signature is checked, and [`jwt::validate`] checks type, issuer, audience and time before it
//! gives claims. ([`VerifiedJws::payload`] gives the octets to those who have rules of their own.)
//!
//! ```
//! # #[cfg(feature = "ring")] {
//! use smart_jose::jwt::{ClaimsPolicy, RegisteredClaims, validate};
//! use smart_jose::{Algorithm, Algorithms, CryptoProvider, Error, JwkSet, UnixTime, UnverifiedJws};
//!
//! // A token of your own, from one of your services to another. For ID tokens see `smart-oidc`.
//! fn subject(token: &str, jwks: &[u8], now: UnixTime) -> Result<Option<String>, Error> {
//!     let keys = JwkSet::parse(jwks, CryptoProvider::ring())?;
//!     let token = UnverifiedJws::parse(token, Algorithms::of(&[Algorithm::ES256]))?;
//!     let candidates = keys.candidates(token.header())?;
//!     let token = token.verify(&candidates)?;
//!     let policy = ClaimsPolicy::new("https://gateway.example", "https://charts.example");
//!     let token = validate::<RegisteredClaims>(token, &policy, now)?;
//!     Ok(token.into_claims().sub.into_value())
//! }
//!
//! let error = subject("e30.e30.AA", br#"{"keys":[]}"#, UnixTime::from_secs(0)).unwrap_err();
//! assert_eq!(error.code(), "alg-missing");
//! # }
//! ```
//!
//! # What it refuses, and why
//!
//! | Refused | Because |
//! |---|---|
//! | `none`, HMAC, any algorithm the caller did not name | [`Algorithm`] has no such values, and the accepted set is an argument (RFC 8725 3.1) |
//! | a key that serves another type, curve, `alg`, `use` or `key_ops` | a header never decides what a key is for |
//! | keys in the header (`jwk`, `jku`, `x5c`, `x5u`) | they are ignored; nothing is fetched because of a token |
//! | every `crit`, `b64: false`, `zip`, `cty: JWT` | no extension is understood, so none is pretended |
//! | padding, spare bits, white space, five parts, the JSON form | the same octets have one spelling |
//! | a `typ` that is neither absent nor `JWT`, unless you name it | a token for another use is not one for this (RFC 8725 3.11) |
//! | a token over 64 KiB, a header over 8 KiB, a key set over 256 KiB | reading what nobody has signed must stay cheap |
//! | duplicate members (escapes resolved), lone surrogates, depth over 64, trailing text | two readers must not see two tokens |
//! | RSA under 2048 bits counted exactly or over 8192, even moduli, exponents that are even or not between 3 and 2³³; points off their curve or of low order | both backends then agree on every key |
//! | private members and symmetric keys in a public set | whoever published them, everybody has them |
//! | dates in milliseconds, claims of the wrong type | a wrong type is an error of its own, never "absent" |
//!
//! # Which feature
//!
//! - `ring` (default): builds fast and has all that SMART asks for. It does not offer ES512 or
//!   RSA key generation, and signs with RSA keys of up to 4096 bits.
//! - `aws-lc-rs`: adds `CryptoProvider::aws_lc_rs()` with both. Choose it where P-384 is used
//!   often. Both features may be on; the one that you pass in is the one that works.
//! - `fips`: `aws-lc-rs` linked against the module of AWS-LC that is validated to FIPS 140-3;
//!   [`CryptoProvider::fips`] then says so. Building it takes CMake, Go and a few minutes.
//! - `async-signer`: adds a trait for keys that sign over the network.
//! - neither backend: bring your own [`CryptoProvider`], for a hardware module or another library.
//!
//! # Errors
//!
//! Each module has its own enum; [`Error`] gathers them. Each has a `code()` that is stable and a
//! `class()` that is coarse enough for a peer ([`ErrorClass`]), and carries both sides of a
//! comparison. Text from outside is bounded and escaped ([`Text`]). No error holds a token, a key
//! or a secret.
//!
//! # What it costs
//!
//! A token as servers issue it (up to 19 members, one audience, a header of up to 500 octets)
//! costs one allocation besides those of your claims type: its payload. Refusing one for its form,
//! its algorithm or its `kid` costs none but that of the text which the error shows. Tests count
//! both. `cargo xtask bench` prints how the rest compares with the bare signature;
//! `docs/design.md` holds figures.

pub mod alg;
pub mod base64url;
mod class;
pub mod crypto;
pub mod danger;
mod error;
pub mod header;
mod import;
pub mod json;
pub mod jwk;
pub mod jws;
pub mod jwt;
pub mod key;
pub mod member;
mod secret;
mod short;
mod text;
mod time;

pub use alg::{Algorithm, Algorithms};
pub use class::ErrorClass;
pub use crypto::CryptoProvider;
pub use error::Error;
pub use header::ProtectedHeader;
pub use jwk::{Candidates, Jwk, JwkSet};
pub use jws::{UnverifiedJws, VerifiedJws};
pub use jwt::{ClaimsPolicy, ValidatedJwt};
pub use secret::Secret;
pub use text::Text;
pub use time::UnixTime;
