//! JSON Web Token (RFC 7519): claims, and the checks that every kind of token shares.

pub mod check;
mod claims;
mod policy;

pub use check::ClaimError;
pub use claims::{Audience, NumericDate, RegisteredClaims};
pub use policy::{ClaimsPolicy, ValidatedJwt, ValidationError, validate};
