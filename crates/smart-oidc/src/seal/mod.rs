//! Sealing what is kept outside the process: sessions in a shared store, values in a cookie.
//!
//! A sealed value can be read and made only with a key of the ring, and only under the name that it
//! was sealed for: whoever can write to the store can neither read a session nor put one user's
//! session in the place of another's. Whoever can write can still delete, and can put back an older
//! value of the same name; a store that must notice that says in the context which one it is.
//!
//! # Changing keys
//!
//! A ring has one key that seals and any number that only open. In a fleet the change takes two
//! steps, so that no process meets a key that it does not know:
//!
//! 1. every process gets the new key with [`SealingKeys::also_opening`];
//! 2. every process gets the new key as the one that seals, and the old one with
//!    [`SealingKeys::also_opening`].
//!
//! The old key can go when the last value that it sealed has expired. One that has become known to
//! others must go at once, and what it sealed with it.
//!
//! ```
//! # #[cfg(feature = "ring")] {
//! use smart_oidc::jose::CryptoProvider;
//! use smart_oidc::seal::{SealingKey, SealingKeys};
//!
//! # fn example(new: &str, old: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let ring = CryptoProvider::ring();
//! let keys = SealingKeys::new(SealingKey::from_base64url("2027-02", new, ring)?)
//!     .also_opening(SealingKey::from_base64url("2027-01", old, ring)?)?;
//!
//! let sealed = keys.seal("session/4711", b"what nobody else may read")?;
//! let opened = keys.open("session/4711", &sealed)?;
//! assert_eq!(opened.expose_secret(), b"what nobody else may read");
//! assert_eq!(keys.open("session/4712", &sealed).unwrap_err().code(), "seal-tampered");
//! # Ok(()) }
//! # let key = |octet| smart_oidc::jose::base64url::encode([octet; 32]);
//! # example(&key(2), &key(1)).unwrap();
//! # }
//! ```
//!
//! # The form
//!
//! | Octets | What |
//! |---|---|
//! | 1 | the version, 1 |
//! | 1 | the length of the key's id |
//! | 1 to 32 | the key's id |
//! | 12 | the nonce |
//! | as many as the text | the text under AES-256-GCM |
//! | 16 | the tag |
//!
//! The associated data is everything before the nonce, and then the context.

mod error;
mod form;
mod key;
mod keys;

pub use error::{OpenError, SealError, SealingKeyError};
pub use key::{MAX_KEY_ID_OCTETS, SealingKey};
pub use keys::{MAX_SEALING_KEYS, SealingKeys};
