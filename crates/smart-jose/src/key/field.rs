//! Arithmetic modulo an odd prime, for public values only.
//!
//! The backends check a public point when they use it, and not both at the same moment. We
//! decide once, when a key is read, so that both agree on every key (RFC 8725 3.4). That takes
//! a few multiplications. Nothing here runs in constant time, and nothing here sees a secret.

/// Enough 64-bit limbs for P-521.
const MAX_LIMBS: usize = 9;

/// A number below the modulus, in Montgomery form, least significant limb first.
pub(super) type Element = [u64; MAX_LIMBS];

/// The integers modulo one odd prime.
pub(super) struct Field {
    modulus: Element,
    limbs: usize,
    /// `-modulus⁻¹` modulo 2⁶⁴.
    inverse: u64,
    /// R² modulo the modulus, where R is 2 to the power of 64 × `limbs`.
    r_squared: Element,
}

impl Field {
    /// The field whose prime is given as big-endian octets.
    pub(super) fn new(prime: &[u8]) -> Self {
        let modulus = from_octets(prime);
        let limbs = prime.len().div_ceil(8);
        let low = modulus.first().copied().unwrap_or(1);
        // Newton's iteration doubles the number of right bits; an odd number is its own inverse
        // modulo 8, so five rounds give 96 bits, more than the 64 that are needed.
        let mut inverse = low;
        for _ in 0..5 {
            inverse = inverse.wrapping_mul(2_u64.wrapping_sub(low.wrapping_mul(inverse)));
        }
        let mut field = Self {
            modulus,
            limbs,
            inverse: inverse.wrapping_neg(),
            r_squared: [0; MAX_LIMBS],
        };
        // 1 doubled 2 × 64 × limbs times is R².
        let mut r_squared = [0; MAX_LIMBS];
        if let Some(one) = r_squared.first_mut() {
            *one = 1;
        }
        for _ in 0..128 * limbs {
            r_squared = field.add(&r_squared, &r_squared);
        }
        field.r_squared = r_squared;
        field
    }

    /// The element for big-endian octets, or `None` where the number is not below the prime.
    pub(super) fn element(&self, octets: &[u8]) -> Option<Element> {
        if octets.len() > MAX_LIMBS * 8 {
            return None;
        }
        let value = from_octets(octets);
        if !is_less(&value, &self.modulus) {
            return None;
        }
        Some(self.mul(&value, &self.r_squared))
    }

    pub(super) fn add(&self, a: &Element, b: &Element) -> Element {
        let mut sum = [0; MAX_LIMBS];
        let mut carry = false;
        for ((sum, a), b) in sum.iter_mut().zip(a).zip(b) {
            let (partial, first) = a.overflowing_add(*b);
            let (total, second) = partial.overflowing_add(u64::from(carry));
            *sum = total;
            carry = first || second;
        }
        self.reduce_once(&sum, carry)
    }

    pub(super) fn sub(&self, a: &Element, b: &Element) -> Element {
        // b is below the modulus, so modulus - b does not underflow.
        let negated = subtract(&self.modulus, b);
        self.add(a, &negated)
    }

    /// The Montgomery product: multiplies, and divides by R, limb by limb.
    pub(super) fn mul(&self, a: &Element, b: &Element) -> Element {
        // Two limbs above the product so far hold its carries.
        let mut sum = [0_u64; MAX_LIMBS + 2];
        for a in a.iter().take(self.limbs) {
            add_product(&mut sum, *a, b, self.limbs);
            let factor = sum.first().copied().unwrap_or(0).wrapping_mul(self.inverse);
            add_product(&mut sum, factor, &self.modulus, self.limbs);
            // The lowest limb is zero now: dividing by 2⁶⁴ is a move.
            sum.copy_within(1.., 0);
            if let Some(top) = sum.last_mut() {
                *top = 0;
            }
        }
        let mut product = [0; MAX_LIMBS];
        for (to, from) in product.iter_mut().zip(sum) {
            *to = from;
        }
        let carry = sum.get(self.limbs).is_some_and(|it| *it != 0) && self.limbs == MAX_LIMBS;
        self.reduce_once(&product, carry)
    }

    /// `base` to the power of a big-endian number.
    pub(super) fn pow(&self, base: &Element, exponent: &[u8]) -> Element {
        let mut power = self.one();
        for octet in exponent {
            for bit in (0..8).rev() {
                power = self.mul(&power, &power);
                if octet >> bit & 1 == 1 {
                    power = self.mul(&power, base);
                }
            }
        }
        power
    }

    pub(super) fn one(&self) -> Element {
        let mut one = [0; MAX_LIMBS];
        if let Some(low) = one.first_mut() {
            *low = 1;
        }
        self.mul(&one, &self.r_squared)
    }

    /// Brings a number below twice the modulus below the modulus.
    fn reduce_once(&self, value: &Element, carry: bool) -> Element {
        if carry || !is_less(value, &self.modulus) {
            return subtract(value, &self.modulus);
        }
        *value
    }
}

/// Adds `factor` × `value` onto `sum`.
fn add_product(sum: &mut [u64; MAX_LIMBS + 2], factor: u64, value: &Element, limbs: usize) {
    let mut carry = 0_u128;
    for (i, sum) in sum.iter_mut().enumerate() {
        let limb = if i < limbs {
            value.get(i).copied().unwrap_or(0)
        } else {
            0
        };
        let total = u128::from(*sum) + u128::from(factor) * u128::from(limb) + carry;
        *sum = low(total);
        carry = total >> 64;
    }
}

#[expect(clippy::as_conversions, reason = "the truncation is the point")]
const fn low(value: u128) -> u64 {
    value as u64
}

fn subtract(a: &Element, b: &Element) -> Element {
    let mut difference = [0; MAX_LIMBS];
    let mut borrow = false;
    for ((difference, a), b) in difference.iter_mut().zip(a).zip(b) {
        let (partial, first) = a.overflowing_sub(*b);
        let (total, second) = partial.overflowing_sub(u64::from(borrow));
        *difference = total;
        borrow = first || second;
    }
    difference
}

fn is_less(a: &Element, b: &Element) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

fn from_octets(octets: &[u8]) -> Element {
    let mut value = [0; MAX_LIMBS];
    for (limb, chunk) in value.iter_mut().zip(octets.rchunks(8)) {
        *limb = chunk
            .iter()
            .fold(0, |sum, octet| sum << 8 | u64::from(*octet));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A prime that is small enough to check everything by hand, and one of two limbs.
    const PRIMES: [u128; 3] = [
        251,
        0xffff_ffff_ffff_ffc5,
        0xffff_ffff_ffff_ffff_ffff_ffff_ffff_ff61,
    ];

    fn plain(field: &Field, element: &Element) -> u128 {
        // Multiplying by a plain one takes an element out of Montgomery form.
        let mut one = [0; MAX_LIMBS];
        one[0] = 1;
        let plain = field.mul(element, &one);
        u128::from(plain[0]) | u128::from(plain[1]) << 64
    }

    fn slow_mul(a: u128, b: u128, p: u128) -> u128 {
        let mut sum = 0_u128;
        for bit in (0..128).rev() {
            let add = |a: u128, b: u128| {
                let (sum, carry) = a.overflowing_add(b);
                if carry || sum >= p {
                    sum.wrapping_sub(p)
                } else {
                    sum
                }
            };
            sum = add(sum, sum);
            if b >> bit & 1 == 1 {
                sum = add(sum, a);
            }
        }
        sum
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_schoolbook_arithmetic(a: u128, b: u128, which in 0..3_usize) {
            let p = PRIMES[which];
            let octets: Vec<u8> = p.to_be_bytes().into_iter().skip_while(|it| *it == 0).collect();
            let field = Field::new(&octets);
            let (a, b) = (a % p, b % p);
            let (x, y) = (field.element(&a.to_be_bytes()).unwrap(), field.element(&b.to_be_bytes()).unwrap());
            proptest::prop_assert_eq!(plain(&field, &field.mul(&x, &y)), slow_mul(a, b, p));
            let (sum, carry) = a.overflowing_add(b);
            let sum = if carry || sum >= p { sum.wrapping_sub(p) } else { sum };
            proptest::prop_assert_eq!(plain(&field, &field.add(&x, &y)), sum);
            proptest::prop_assert_eq!(field.sub(&field.add(&x, &y), &y), x);
            // Fermat: a^(p-1) is 1 for every a that is not 0.
            if a != 0 {
                proptest::prop_assert_eq!(field.pow(&x, &(p - 1).to_be_bytes()), field.one());
            }
        }
    }

    #[test]
    fn a_number_that_is_not_below_the_prime_is_no_element() {
        let field = Field::new(&[251]);
        assert!(field.element(&[250]).is_some());
        assert!(field.element(&[251]).is_none());
        assert!(field.element(&[0; 80]).is_none());
    }
}
