//! Algorithms: one table row for each, and nothing else in the crate lists them.
//!
//! A new algorithm is one row in `ROWS`, one entry in each backend that offers it, and two
//! test vectors. `none` and HMAC do not exist as values, so no later step can forget to refuse
//! them (RFC 8725 3.1 and 3.2).

use core::fmt;

/// A JWS signature algorithm by its registered name (RFC 7518 3.1, RFC 8037 3.1).
///
/// ```
/// use smart_jose::Algorithm;
/// assert_eq!(Algorithm::from_name("RS384"), Some(Algorithm::RS384));
/// assert_eq!(Algorithm::from_name("none"), None);
/// assert_eq!(Algorithm::from_name("rs384"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256: what every OpenID provider must offer.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384: what SMART client assertions use.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256, a salt of 32 octets.
    PS256,
    /// RSASSA-PSS with SHA-384, MGF1 with SHA-384, a salt of 48 octets.
    PS384,
    /// RSASSA-PSS with SHA-512, MGF1 with SHA-512, a salt of 64 octets.
    PS512,
    /// ECDSA on P-256 with SHA-256, signature of 64 octets.
    ES256,
    /// ECDSA on P-384 with SHA-384, signature of 96 octets.
    ES384,
    /// ECDSA on P-521 with SHA-512, signature of 132 octets; not offered by ring.
    ES512,
    /// EdDSA on Ed25519, also read under its fully specified name `Ed25519` (RFC 9864).
    EdDSA,
}

/// A hash function of the SHA-2 family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HashAlgorithm {
    /// SHA-256, 32 octets.
    Sha256,
    /// SHA-384, 48 octets.
    Sha384,
    /// SHA-512, 64 octets.
    Sha512,
}

/// What kind of key an algorithm needs; the curve is part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyType {
    /// RSA, 2048 to 8192 bits.
    Rsa,
    /// The curve P-256.
    P256,
    /// The curve P-384.
    P384,
    /// The curve P-521.
    P521,
    /// The Edwards curve of Ed25519.
    Ed25519,
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rsa => "RSA",
            Self::P256 => "EC P-256",
            Self::P384 => "EC P-384",
            Self::P521 => "EC P-521",
            Self::Ed25519 => "OKP Ed25519",
        })
    }
}

/// All that is known of one algorithm.
struct Row {
    algorithm: Algorithm,
    name: &'static str,
    /// A second registered name for the same thing, accepted on input and never written.
    alias: Option<&'static str>,
    key_type: KeyType,
    hash: HashAlgorithm,
}

impl Row {
    const fn new(
        algorithm: Algorithm,
        name: &'static str,
        key_type: KeyType,
        hash: HashAlgorithm,
    ) -> Self {
        Self {
            algorithm,
            name,
            alias: None,
            key_type,
            hash,
        }
    }
}

use Algorithm::{ES256, ES384, ES512, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
use HashAlgorithm::{Sha256, Sha384, Sha512};

const RS256_ROW: Row = Row::new(RS256, "RS256", KeyType::Rsa, Sha256);
const RS384_ROW: Row = Row::new(RS384, "RS384", KeyType::Rsa, Sha384);
const RS512_ROW: Row = Row::new(RS512, "RS512", KeyType::Rsa, Sha512);
const PS256_ROW: Row = Row::new(PS256, "PS256", KeyType::Rsa, Sha256);
const PS384_ROW: Row = Row::new(PS384, "PS384", KeyType::Rsa, Sha384);
const PS512_ROW: Row = Row::new(PS512, "PS512", KeyType::Rsa, Sha512);
const ES256_ROW: Row = Row::new(ES256, "ES256", KeyType::P256, Sha256);
const ES384_ROW: Row = Row::new(ES384, "ES384", KeyType::P384, Sha384);
const ES512_ROW: Row = Row::new(ES512, "ES512", KeyType::P521, Sha512);
// The hash is the one that OpenID's hash claims use with Ed25519.
const EDDSA_ROW: Row = Row {
    alias: Some("Ed25519"),
    ..Row::new(EdDSA, "EdDSA", KeyType::Ed25519, Sha512)
};

/// The table, in the order of the enum.
static ROWS: [Row; Algorithm::COUNT] = [
    RS256_ROW, RS384_ROW, RS512_ROW, PS256_ROW, PS384_ROW, PS512_ROW, ES256_ROW, ES384_ROW,
    ES512_ROW, EDDSA_ROW,
];

impl Algorithm {
    /// How many algorithms the table has.
    pub(crate) const COUNT: usize = 10;

    const fn row(self) -> &'static Row {
        // A match instead of an index: a new variant without a row does not compile.
        match self {
            RS256 => &RS256_ROW,
            RS384 => &RS384_ROW,
            RS512 => &RS512_ROW,
            PS256 => &PS256_ROW,
            PS384 => &PS384_ROW,
            PS512 => &PS512_ROW,
            ES256 => &ES256_ROW,
            ES384 => &ES384_ROW,
            ES512 => &ES512_ROW,
            EdDSA => &EDDSA_ROW,
        }
    }

    /// The algorithm with this registered name; names are case-sensitive (RFC 7515 4.1.1).
    ///
    /// Both `EdDSA` and `Ed25519` name [`Algorithm::EdDSA`]. `None` for every other text.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        ROWS.iter()
            .find(|it| it.name == name || it.alias == Some(name))
            .map(|it| it.algorithm)
    }

    /// The registered name, as it is written into a header.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The only kind of key that this algorithm works with.
    #[must_use]
    pub const fn key_type(self) -> KeyType {
        self.row().key_type
    }

    /// The hash that belongs to the algorithm; hash claims such as `at_hash` use it too
    /// (OpenID Connect Core 3.1.3.6).
    #[must_use]
    pub const fn hash(self) -> HashAlgorithm {
        self.row().hash
    }

    /// The position in the table, below [`Algorithm::COUNT`].
    pub(crate) const fn index(self) -> usize {
        match self {
            RS256 => 0,
            RS384 => 1,
            RS512 => 2,
            PS256 => 3,
            PS384 => 4,
            PS512 => 5,
            ES256 => 6,
            ES384 => 7,
            ES512 => 8,
            EdDSA => 9,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of algorithms: what a caller accepts, or what a backend offers.
///
/// There is no `Default`: what to accept is a decision (RFC 8725 3.1). For ID tokens it is
/// usually [`Algorithms::ID_TOKEN`].
///
/// ```
/// use smart_jose::{Algorithm, Algorithms};
/// let accepted = Algorithms::of(&[Algorithm::RS256, Algorithm::ES384]);
/// assert!(accepted.contains(Algorithm::RS256));
/// assert!(!accepted.contains(Algorithm::PS256));
/// assert_eq!(accepted.to_string(), "RS256, ES384");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Algorithms(u16);

impl Algorithms {
    /// The empty set; a token parsed with it is always refused.
    pub const NONE: Self = Self(0);

    /// What is accepted for ID tokens unless the caller says otherwise: RS256 and ES256, which
    /// OpenID providers use, and RS384 and ES384, which SMART asks of its parties.
    pub const ID_TOKEN: Self = Self::of(&[RS256, RS384, ES256, ES384]);
    /// What client assertions are signed with unless more is named: RS384 and ES384, both of which
    /// every client must have (SMART App Launch 2.2, Asymmetric Authentication).
    pub const CLIENT_ASSERTION: Self = Self::of(&[RS384, ES384]);

    /// The set of these algorithms.
    #[must_use]
    pub const fn of(algorithms: &[Algorithm]) -> Self {
        let mut bits = 0;
        let mut rest = algorithms;
        while let [first, tail @ ..] = rest {
            bits |= Self::bit(*first);
            rest = tail;
        }
        Self(bits)
    }

    const fn bit(algorithm: Algorithm) -> u16 {
        1 << algorithm.index()
    }

    /// Whether the set holds this algorithm.
    #[must_use]
    pub const fn contains(self, algorithm: Algorithm) -> bool {
        self.0 & Self::bit(algorithm) != 0
    }

    /// The algorithms that are in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether the set is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many algorithms are in the set.
    #[must_use]
    pub fn len(self) -> usize {
        self.iter().count()
    }

    /// The algorithms of the set, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = Algorithm> {
        ROWS.iter()
            .map(|it| it.algorithm)
            .filter(move |it| self.contains(*it))
    }
}

impl FromIterator<Algorithm> for Algorithms {
    fn from_iter<I: IntoIterator<Item = Algorithm>>(algorithms: I) -> Self {
        Self(
            algorithms
                .into_iter()
                .fold(0, |bits, it| bits | Self::bit(it)),
        )
    }
}

impl fmt::Display for Algorithms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, algorithm) in self.iter().enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            write!(f, "{separator}{algorithm}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Algorithms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_by_its_name_and_its_place() {
        for (i, row) in ROWS.iter().enumerate() {
            assert_eq!(Algorithm::from_name(row.name), Some(row.algorithm));
            assert_eq!(row.algorithm.index(), i);
            assert_eq!(row.algorithm.name(), row.name);
        }
        assert_eq!(
            Algorithms::of(&ROWS.each_ref().map(|it| it.algorithm)).len(),
            Algorithm::COUNT
        );
    }

    // covers: JWS-7, BISX-1, OIDC-IDT-13, JWA-9
    #[test]
    fn names_that_are_not_algorithms_of_ours_do_not_exist() {
        for name in [
            "none", "None", "NONE", "nOnE", "", "none ", "HS256", "HS384", "HS512", "rs256",
            "RS256 ",
        ] {
            assert_eq!(Algorithm::from_name(name), None, "{name:?}");
        }
    }

    // covers: OKP-5, BISX-3
    #[test]
    fn both_names_of_ed25519_are_read_and_one_is_written() {
        assert_eq!(Algorithm::from_name("Ed25519"), Some(EdDSA));
        assert_eq!(Algorithm::from_name("EdDSA"), Some(EdDSA));
        assert_eq!(Algorithm::from_name("Ed448"), None);
        assert_eq!(EdDSA.name(), "EdDSA");
    }

    #[test]
    fn sets_hold_what_was_put_in() {
        let set: Algorithms = [ES384, RS256].into_iter().collect();
        assert_eq!(set, Algorithms::of(&[RS256, ES384]));
        assert_eq!(
            set.intersection(Algorithms::of(&[ES384, PS256])),
            Algorithms::of(&[ES384])
        );
        assert!(Algorithms::NONE.is_empty());
        assert_eq!(format!("{set:?}"), "{RS256, ES384}");
    }
}
