//! Ed25519 public keys: the one encoding of a point that is on the curve and of high order.

use std::sync::LazyLock;

use super::field::{Element, Field};
use super::problem::KeyError;

/// An Ed25519 public key, 32 octets (RFC 8037 2, RFC 8032 5.1.5).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ed25519PublicKey([u8; 32]);

/// The coordinates y of the points whose order divides 8, little-endian: under such a key one
/// signature can be valid for many messages.
const LOW_ORDER: [[u8; 32]; 5] = [
    [0; 32],
    {
        let mut one = [0; 32];
        one[0] = 1;
        one
    },
    {
        let mut minus_one = [0xff; 32];
        minus_one[0] = 0xec;
        minus_one[31] = 0x7f;
        minus_one
    },
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];

impl Ed25519PublicKey {
    /// The key with these octets.
    ///
    /// # Errors
    ///
    /// [`KeyError::Ed25519Length`] unless there are 32, [`KeyError::Ed25519NotOnCurve`] where
    /// RFC 8032 5.1.3 decodes no point, [`KeyError::Ed25519LowOrder`] for a point whose order
    /// divides 8.
    pub fn from_octets(octets: &[u8]) -> Result<Self, KeyError> {
        let octets: [u8; 32] = octets.try_into().map_err(|_| KeyError::Ed25519Length {
            found: octets.len(),
        })?;
        // The highest bit is the sign of x; the rest is y.
        let mut y = octets;
        if let Some(top) = y.last_mut() {
            *top &= 0x7f;
        }
        if LOW_ORDER.contains(&y) {
            return Err(KeyError::Ed25519LowOrder);
        }
        y.reverse();
        if !CURVE.has_point(&y) {
            return Err(KeyError::Ed25519NotOnCurve);
        }
        Ok(Self(octets))
    }

    /// The octets of the key.
    #[must_use]
    pub const fn octets(&self) -> &[u8; 32] {
        &self.0
    }
}

/// `−x² + y² = 1 + d x² y²` over 2²⁵⁵ − 19.
struct Edwards {
    field: Field,
    d: Element,
    /// Half of the prime: the exponent of Euler's criterion.
    half: [u8; 32],
}

static CURVE: LazyLock<Edwards> = LazyLock::new(|| {
    let mut prime = [0xff; 32];
    (prime[0], prime[31]) = (0x7f, 0xed);
    let mut half = [0xff; 32];
    (half[0], half[31]) = (0x3f, 0xf6);
    let field = Field::new(&prime);
    // d is −121665 / 121666; the inverse is a power (Fermat).
    let mut inverse_exponent = prime;
    inverse_exponent[31] = 0xeb;
    let number = |value: u32| field.element(&value.to_be_bytes()).unwrap_or_default();
    let inverse = field.pow(&number(121_666), &inverse_exponent);
    let d = field.sub(&number(0), &field.mul(&number(121_665), &inverse));
    Edwards { field, d, half }
});

impl Edwards {
    /// Whether a point has this y, given as big-endian octets below the prime.
    fn has_point(&self, y: &[u8; 32]) -> bool {
        let f = &self.field;
        let Some(y) = f.element(y) else {
            return false;
        };
        let square = f.mul(&y, &y);
        // x² = (y² − 1) / (d y² + 1), and u / v is a square where u × v is.
        let u = f.sub(&square, &f.one());
        let v = f.add(&f.mul(&self.d, &square), &f.one());
        f.pow(&f.mul(&u, &v), &self.half) == f.one()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032 7.1, tests 1 to 3.
    const PUBLISHED: [[u8; 32]; 3] = [
        *b"\xd7\x5a\x98\x01\x82\xb1\x0a\xb7\xd5\x4b\xfe\xd3\xc9\x64\x07\x3a\x0e\xe1\x72\xf3\xda\xa6\x23\x25\xaf\x02\x1a\x68\xf7\x07\x51\x1a",
        *b"\x3d\x40\x17\xc3\xe8\x43\x89\x5a\x92\xb7\x0a\xa7\x4d\x1b\x7e\xbc\x9c\x98\x2c\xcf\x2e\xc4\x96\x8c\xc0\xcd\x55\xf1\x2a\xf4\x66\x0c",
        *b"\xfc\x51\xcd\x8e\x62\x18\xa1\xa3\x8d\xa4\x7e\xd0\x02\x30\xf0\x58\x08\x16\xed\x13\xba\x33\x03\xac\x5d\xeb\x91\x15\x48\x90\x80\x25",
    ];

    #[test]
    fn published_keys_are_keys_and_about_half_of_their_neighbours_are_not() {
        let mut on_curve = 0;
        for key in PUBLISHED {
            assert_eq!(Ed25519PublicKey::from_octets(&key).unwrap().octets(), &key);
            for first in 0..=255 {
                let mut key = key;
                key[0] = first;
                on_curve += usize::from(Ed25519PublicKey::from_octets(&key).is_ok());
            }
        }
        assert!((300..470).contains(&on_curve), "{on_curve} of 768");
    }

    #[test]
    fn low_order_points_are_refused_with_either_sign() {
        for mut key in LOW_ORDER {
            assert_eq!(
                Ed25519PublicKey::from_octets(&key),
                Err(KeyError::Ed25519LowOrder)
            );
            key[31] |= 0x80;
            assert_eq!(
                Ed25519PublicKey::from_octets(&key),
                Err(KeyError::Ed25519LowOrder)
            );
        }
    }

    #[test]
    fn a_second_encoding_of_a_point_is_refused() {
        // y = p and y = p + 1 are other spellings of 0 and 1.
        for low in 0xed..=0xff {
            let mut key = [0xff; 32];
            (key[0], key[31]) = (low, 0x7f);
            assert_eq!(
                Ed25519PublicKey::from_octets(&key),
                Err(KeyError::Ed25519NotOnCurve)
            );
        }
    }

    // covers: OKP-1
    #[test]
    fn the_length_is_32() {
        for length in [0, 31, 33, 57] {
            let octets = vec![1; length];
            assert_eq!(
                Ed25519PublicKey::from_octets(&octets),
                Err(KeyError::Ed25519Length { found: length }),
            );
        }
    }
}
