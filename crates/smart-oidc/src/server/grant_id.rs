//! The name of one grant: what its code, its refresh tokens and its access tokens have in common.

use core::fmt;

use smart_jose::CryptoProvider;
use smart_jose::crypto::RandomFailed;

/// How long a name is, in octets.
pub(super) const GRANT_ID_OCTETS: usize = 16;

/// The name of what a user granted to a client once: 128 random bits. Every token that is issued for
/// the grant is kept with it, so that all of them can be revoked together (RFC 6749 4.1.2, RFC 9700
/// 4.14.2).
///
/// It stands in refresh tokens, so `Debug` does not show it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrantId(pub(super) [u8; GRANT_ID_OCTETS]);

impl GrantId {
    /// A new name.
    ///
    /// # Errors
    ///
    /// [`RandomFailed`] where the operating system gives no random octets.
    pub fn generate(provider: &CryptoProvider) -> Result<Self, RandomFailed> {
        provider.random().map(Self)
    }
}

impl fmt::Debug for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GrantId(***)")
    }
}
