//! RSA public keys: length, parity and exponent.

use super::problem::KeyError;

/// The shortest modulus, in bits (RFC 7518 3.3 and 3.5).
pub const MIN_RSA_BITS: usize = 2048;
/// The longest modulus, in bits: what both backends verify, and a bound on what a hostile key
/// can cost.
pub const MAX_RSA_BITS: usize = 8192;

/// An RSA public key (RFC 7518 6.3.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RsaPublicKey {
    n: Box<[u8]>,
    e: Box<[u8]>,
}

impl RsaPublicKey {
    /// The key with this modulus and public exponent, big-endian octets.
    ///
    /// Leading zero octets are dropped, as RFC 7518 6.3.1.1 warns that producers exist that
    /// write them; the key and its thumbprint are those of the number.
    ///
    /// # Errors
    ///
    /// [`KeyError::RsaTooSmall`] below 2048 bits and [`KeyError::RsaTooLarge`] above 8192, both
    /// counted exactly; [`KeyError::RsaEvenModulus`]; [`KeyError::RsaExponent`] unless the
    /// exponent is odd and from 3 to 2³³ − 1.
    pub fn from_components(n: &[u8], e: &[u8]) -> Result<Self, KeyError> {
        let (n, e) = (significant(n), significant(e));
        let bits = bits(n);
        if bits < MIN_RSA_BITS {
            return Err(KeyError::RsaTooSmall {
                bits,
                min: MIN_RSA_BITS,
            });
        }
        if bits > MAX_RSA_BITS {
            return Err(KeyError::RsaTooLarge {
                bits,
                max: MAX_RSA_BITS,
            });
        }
        if !is_odd(n) {
            return Err(KeyError::RsaEvenModulus);
        }
        // Five octets hold 2³³ − 1, and the comparison below needs no more.
        let exponent = e
            .iter()
            .take(6)
            .fold(0_u64, |sum, octet| sum << 8 | u64::from(*octet));
        if !is_odd(e) || !(3..1 << 33).contains(&exponent) {
            return Err(KeyError::RsaExponent);
        }
        Ok(Self {
            n: n.into(),
            e: e.into(),
        })
    }

    /// The modulus, big-endian, without leading zeros.
    #[must_use]
    pub const fn n(&self) -> &[u8] {
        &self.n
    }

    /// The public exponent, big-endian, without leading zeros.
    #[must_use]
    pub const fn e(&self) -> &[u8] {
        &self.e
    }

    /// The length of the modulus in bits.
    #[must_use]
    pub fn bits(&self) -> usize {
        bits(&self.n)
    }
}

/// The octets from the first that is not zero.
pub(super) fn significant(octets: &[u8]) -> &[u8] {
    let zeros = octets.iter().take_while(|it| **it == 0).count();
    octets.get(zeros..).unwrap_or_default()
}

fn bits(significant: &[u8]) -> usize {
    let spare = significant.first().map_or(0, |top| top.leading_zeros());
    significant
        .len()
        .saturating_mul(8)
        .saturating_sub(usize::try_from(spare).unwrap_or(0))
}

fn is_odd(octets: &[u8]) -> bool {
    octets.last().is_some_and(|low| low & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An odd modulus of exactly this many bits.
    fn modulus(bits: usize) -> Vec<u8> {
        let mut n = vec![0xff; bits.div_ceil(8)];
        n[0] = if bits.is_multiple_of(8) {
            0xff
        } else {
            (1 << (bits % 8)) - 1
        };
        n
    }

    fn code(n: &[u8], e: &[u8]) -> Result<usize, &'static str> {
        RsaPublicKey::from_components(n, e)
            .map(|key| key.bits())
            .map_err(|error| error.code())
    }

    // covers: JWA-2
    #[test]
    fn bits_are_counted_exactly() {
        let e = [1, 0, 1];
        for (bits, expected) in [
            (0, Err("key-rsa-too-small")),
            (1024, Err("key-rsa-too-small")),
            (2041, Err("key-rsa-too-small")),
            (2047, Err("key-rsa-too-small")),
            (2048, Ok(2048)),
            (2049, Ok(2049)),
            (4096, Ok(4096)),
            (8192, Ok(8192)),
            (8193, Err("key-rsa-too-large")),
            (16384, Err("key-rsa-too-large")),
        ] {
            let n = if bits == 0 { vec![] } else { modulus(bits) };
            assert_eq!(code(&n, &e), expected, "{bits}");
            // Leading zeros do not make a key longer.
            assert_eq!(code(&[&[0, 0], &*n].concat(), &e), expected, "{bits}");
        }
    }

    // covers: JWA-14
    #[test]
    fn parity_and_exponent_have_edges() {
        let n = modulus(2048);
        let mut even = n.clone();
        *even.last_mut().unwrap() = 0xfe;
        assert_eq!(code(&even, &[3]), Err("key-rsa-even-modulus"));
        for e in [
            &[3][..],
            &[1, 0, 1],
            &[0, 0, 1, 0, 1],
            &[1, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert_eq!(code(&n, e), Ok(2048), "{e:?}");
        }
        for e in [
            &[][..],
            &[0],
            &[1],
            &[2],
            &[1, 0, 0],
            &[2, 0, 0, 0, 1],
            &[1; 6],
            &[1; 600],
        ] {
            assert_eq!(code(&n, e), Err("key-rsa-exponent"), "{e:?}");
        }
    }

    // covers: JWA-1, THB-6
    #[test]
    fn leading_zeros_are_no_part_of_the_key() {
        let n = modulus(2048);
        let key = RsaPublicKey::from_components(&[&[0], &*n].concat(), &[0, 1, 0, 1]).unwrap();
        assert_eq!(key, RsaPublicKey::from_components(&n, &[1, 0, 1]).unwrap());
    }
}
