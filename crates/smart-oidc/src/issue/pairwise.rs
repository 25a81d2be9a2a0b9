//! Subjects that two apps cannot compare.

use core::fmt;

use smart_jose::alg::HashAlgorithm;
use smart_jose::{CryptoProvider, Secret, base64url};

/// Makes `sub` values that differ from client to client (OpenID Connect Core 8.1), so that two
/// apps cannot find out that they have the same user. A server that uses them announces `pairwise`
/// in `subject_types_supported`.
#[derive(Clone)]
pub struct PairwiseSubjects {
    salt: Secret<Vec<u8>>,
    provider: CryptoProvider,
}

impl PairwiseSubjects {
    /// `salt` is a secret of the server, 32 random octets that never change: with another salt
    /// every user is a stranger to every app.
    #[must_use]
    pub fn new(salt: [u8; 32], provider: &CryptoProvider) -> Self {
        Self {
            salt: Secret::new(salt.to_vec()),
            provider: *provider,
        }
    }

    /// The subject of a user for one sector: the host of the client's `redirect_uri` or of its
    /// `sector_identifier_uri`, so that apps of one owner share it. 43 characters of base64url.
    #[must_use]
    pub fn subject(&self, sector: &str, user: &str) -> String {
        let salt = self.salt.expose_secret();
        // With room for all of it, so that no copy of the salt is left behind unwiped.
        let room = salt.len() + 8 + sector.len() + user.len();
        let mut octets = Vec::with_capacity(room);
        octets.extend_from_slice(salt);
        // The length says where the sector ends, so no two pairs run together.
        octets.extend(
            u64::try_from(sector.len())
                .unwrap_or(u64::MAX)
                .to_be_bytes(),
        );
        octets.extend(sector.as_bytes());
        octets.extend(user.as_bytes());
        let octets = Secret::new(octets);
        let hash = self
            .provider
            .hash(HashAlgorithm::Sha256, octets.expose_secret());
        base64url::encode(hash)
    }
}

impl fmt::Debug for PairwiseSubjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PairwiseSubjects(***)")
    }
}
