//! EC public keys: full-width coordinates of a point that is on its curve.

use std::sync::LazyLock;

use super::curve::Curve;
use super::field::{Element, Field};
use super::problem::KeyError;

/// A point on P-256, P-384 or P-521 (RFC 7518 6.2.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EcPublicKey {
    curve: Curve,
    /// 0x04, x, y: the uncompressed form of SEC 1 2.3.3, which both backends read.
    point: Box<[u8]>,
}

impl EcPublicKey {
    /// The key with these coordinates: big-endian octets, as many as the field has, leading
    /// zeros included (RFC 7518 6.2.1.2 and 6.2.1.3).
    ///
    /// # Errors
    ///
    /// [`KeyError::EcCoordinateLength`] for another width, [`KeyError::EcNotOnCurve`] for a
    /// coordinate that is not below the prime or a point that is not on the curve.
    pub fn from_coordinates(curve: Curve, x: &[u8], y: &[u8]) -> Result<Self, KeyError> {
        for coordinate in [x, y] {
            if coordinate.len() != curve.octets() {
                return Err(KeyError::EcCoordinateLength {
                    curve,
                    expected: curve.octets(),
                    found: coordinate.len(),
                });
            }
        }
        if !equation(curve).holds(x, y) {
            return Err(KeyError::EcNotOnCurve { curve });
        }
        let mut point = Vec::with_capacity(1 + 2 * curve.octets());
        point.push(4);
        point.extend_from_slice(x);
        point.extend_from_slice(y);
        Ok(Self {
            curve,
            point: point.into(),
        })
    }

    /// The key in the uncompressed form of SEC 1 2.3.3: the octet 4, then x, then y.
    ///
    /// # Errors
    ///
    /// As [`EcPublicKey::from_coordinates`]; another form (compressed, infinity) counts as not on
    /// the curve.
    pub fn from_uncompressed(curve: Curve, point: &[u8]) -> Result<Self, KeyError> {
        match point.split_first() {
            Some((4, coordinates)) => {
                let (x, y) = coordinates.split_at(coordinates.len() / 2);
                Self::from_coordinates(curve, x, y)
            }
            _ => Err(KeyError::EcNotOnCurve { curve }),
        }
    }

    /// The curve.
    #[must_use]
    pub const fn curve(&self) -> Curve {
        self.curve
    }

    /// The coordinate x, full width.
    #[must_use]
    pub fn x(&self) -> &[u8] {
        self.point.get(1..=self.curve.octets()).unwrap_or_default()
    }

    /// The coordinate y, full width.
    #[must_use]
    pub fn y(&self) -> &[u8] {
        self.point
            .get(1 + self.curve.octets()..)
            .unwrap_or_default()
    }

    /// The uncompressed form: the octet 4, then x, then y.
    #[must_use]
    pub const fn uncompressed(&self) -> &[u8] {
        &self.point
    }
}

/// `y² = x³ − 3x + b` over one prime field.
struct Equation {
    field: Field,
    b: Element,
}

impl Equation {
    fn new(curve: Curve) -> Self {
        let (prime, b) = curve.prime_and_b();
        let field = Field::new(&hex(prime));
        let b = field.element(&hex(b)).unwrap_or_default();
        Self { field, b }
    }

    fn holds(&self, x: &[u8], y: &[u8]) -> bool {
        let f = &self.field;
        let (Some(x), Some(y)) = (f.element(x), f.element(y)) else {
            return false;
        };
        let cube = f.mul(&f.mul(&x, &x), &x);
        let three_x = f.add(&f.add(&x, &x), &x);
        f.mul(&y, &y) == f.add(&f.sub(&cube, &three_x), &self.b)
    }
}

fn equation(curve: Curve) -> &'static Equation {
    static P256: LazyLock<Equation> = LazyLock::new(|| Equation::new(Curve::P256));
    static P384: LazyLock<Equation> = LazyLock::new(|| Equation::new(Curve::P384));
    static P521: LazyLock<Equation> = LazyLock::new(|| Equation::new(Curve::P521));
    match curve {
        Curve::P256 => &P256,
        Curve::P384 => &P384,
        Curve::P521 => &P521,
    }
}

/// The octets of a constant of ours; an odd or foreign character would show in every test.
fn hex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .filter_map(|pair| u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The base points (FIPS 186-4 D.1.2).
    const BASE: [(Curve, &str, &str); 3] = [
        (
            Curve::P256,
            "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
            "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
        ),
        (
            Curve::P384,
            "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7",
            "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f",
        ),
        (
            Curve::P521,
            "00c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66",
            "011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650",
        ),
    ];

    // covers: JWA-12, BCP-4
    #[test]
    fn only_points_on_the_curve_are_keys() {
        for (curve, x, y) in BASE {
            let (x, y) = (hex(x), hex(y));
            let key = EcPublicKey::from_coordinates(curve, &x, &y).unwrap();
            assert_eq!((key.x(), key.y()), (&*x, &*y));
            assert_eq!(
                EcPublicKey::from_uncompressed(curve, key.uncompressed()),
                Ok(key)
            );

            for at in 0..y.len() {
                let mut y = y.clone();
                y[at] ^= 1;
                assert_eq!(
                    EcPublicKey::from_coordinates(curve, &x, &y),
                    Err(KeyError::EcNotOnCurve { curve }),
                );
            }
            let zero = vec![0; curve.octets()];
            assert!(EcPublicKey::from_coordinates(curve, &zero, &zero).is_err());
            // x + p names the same point modulo p, in a second spelling.
            assert!(EcPublicKey::from_coordinates(curve, &vec![0xff; curve.octets()], &y).is_err());
            for (other, ..) in BASE {
                assert_eq!(
                    EcPublicKey::from_coordinates(other, &x, &y).is_ok(),
                    other == curve
                );
            }
        }
    }

    // covers: JWA-11
    #[test]
    fn coordinates_have_the_full_width() {
        let (curve, x, y) = BASE[0];
        let (x, y) = (hex(x), hex(y));
        let wide = [&[0], &*x].concat();
        for x in [&x[1..], &wide, &[]] {
            assert_eq!(
                EcPublicKey::from_coordinates(curve, x, &y),
                Err(KeyError::EcCoordinateLength {
                    curve,
                    expected: 32,
                    found: x.len()
                }),
            );
        }
        assert!(EcPublicKey::from_uncompressed(curve, &[&[2], &*x].concat()).is_err());
        assert!(EcPublicKey::from_uncompressed(curve, &[]).is_err());
        assert!(EcPublicKey::from_uncompressed(curve, &[0]).is_err());
    }
}
