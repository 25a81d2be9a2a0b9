//! RSA keys that no backend signs with: too short, or with an odd exponent.
//!
//! A few lines of arithmetic, slow and with no care for secrets, since the keys are public.

use serde_json::{Value, json};
use smart_tests::fixture;
use smart_tests::forge::{b64, sha256};

/// A private key from a PEM file (PKCS #8).
pub(crate) struct Rsa {
    pub(crate) n: Vec<u8>,
    pub(crate) e: Vec<u8>,
    d: Vec<u8>,
}

impl Rsa {
    pub(crate) fn read(name: &str) -> Self {
        let pem = fixture::text(&format!("keys/{name}.pem"));
        let der = pem_rfc7468::decode_vec(pem.trim().as_bytes()).unwrap().1;
        // PrivateKeyInfo { version, algorithm, OCTET STRING { RSAPrivateKey { version, n, e, d } } }
        let info = values(values(&der)[0]);
        let numbers = values(values(info[2])[0]);
        let number = |at: usize| {
            let zeros = numbers[at].iter().take_while(|it| **it == 0).count();
            numbers[at][zeros..].to_vec()
        };
        Self {
            n: number(1),
            e: number(2),
            d: number(3),
        }
    }

    pub(crate) fn jwk(&self, kid: &str) -> Value {
        json!({"kty": "RSA", "n": b64(&self.n), "e": b64(&self.e), "kid": kid, "use": "sig"})
    }

    /// RS256 under `kid`.
    pub(crate) fn token(&self, kid: &str, claims: &Value) -> String {
        let header = json!({"alg": "RS256", "kid": kid});
        let input = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        let message = encoded(&input, self.n.len());
        format!("{input}.{}", b64(power(&message, &self.d, &self.n)))
    }
}

/// A token whose signature is good under the exponent 1, which anybody can make.
pub(crate) fn signed_with_exponent_one(kid: &str, octets: usize, claims: &Value) -> String {
    let header = json!({"alg": "RS256", "kid": kid});
    let input = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
    let message = encoded(&input, octets);
    format!("{input}.{}", b64(message))
}

/// EMSA-PKCS1-v1_5 with SHA-256 (RFC 8017 9.2).
fn encoded(input: &str, octets: usize) -> Vec<u8> {
    let hash = sha256(input.as_bytes());
    let prefix = [
        0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
        0x05, 0x00, 0x04, 0x20,
    ];
    let padding = vec![0xff; octets - 3 - prefix.len() - hash.len()];
    [&[0, 1], padding.as_slice(), &[0], &prefix, &hash].concat()
}

/// The values in a run of DER.
fn values(mut der: &[u8]) -> Vec<&[u8]> {
    let mut values = Vec::new();
    while let [_, length, ..] = der {
        let (header, length) = match *length {
            long @ 0x80.. => {
                let octets = usize::from(long & 0x7f);
                let length = der[2..2 + octets].iter();
                (
                    2 + octets,
                    length.fold(0, |sum, it| sum * 256 + usize::from(*it)),
                )
            }
            short => (2, usize::from(short)),
        };
        values.push(&der[header..header + length]);
        der = &der[header + length..];
    }
    values
}

/// `base` to the power of `exponent` modulo an odd `modulus`, by Montgomery multiplication.
fn power(base: &[u8], exponent: &[u8], modulus: &[u8]) -> Vec<u8> {
    let n = limbs(modulus, modulus.len().div_ceil(4));
    let words = n.len();
    let mut inverse = 1_u32;
    for _ in 0..5 {
        inverse = inverse.wrapping_mul(2_u32.wrapping_sub(n[0].wrapping_mul(inverse)));
    }
    let minus_inverse = inverse.wrapping_neg();
    let multiply = |a: &[u32], b: &[u32]| {
        let mut sum = vec![0_u32; words + 2];
        for b in b {
            let mut add = |factor: u32, of: &[u32]| {
                let mut carry = 0_u64;
                for (sum, limb) in sum.iter_mut().zip(of) {
                    carry += u64::from(*sum) + u64::from(factor) * u64::from(*limb);
                    *sum = carry as u32;
                    carry >>= 32;
                }
                for sum in &mut sum[words..] {
                    carry += u64::from(*sum);
                    *sum = carry as u32;
                    carry >>= 32;
                }
                sum[0]
            };
            let lowest = add(*b, a);
            add(lowest.wrapping_mul(minus_inverse), &n);
            sum.rotate_left(1);
            sum[words + 1] = 0;
        }
        reduced(sum, &n)
    };
    // 2^(32 words) and its square, by doubling.
    let mut doubled = vec![0; words + 1];
    doubled[0] = 1;
    let mut one = Vec::new();
    for step in 0..2 * 32 * words {
        if step == 32 * words {
            one = doubled[..words].to_vec();
        }
        let mut carry = 0;
        for limb in &mut doubled {
            (*limb, carry) = (*limb << 1 | carry, *limb >> 31);
        }
        doubled = reduced(doubled, &n);
        doubled.push(0);
    }
    let base = multiply(&limbs(base, words), &doubled[..words]);
    let mut result = one;
    for octet in exponent {
        for bit in (0..8).rev() {
            result = multiply(&result, &result);
            if octet >> bit & 1 == 1 {
                result = multiply(&result, &base);
            }
        }
    }
    let mut plain_one = vec![0; words];
    plain_one[0] = 1;
    let result = multiply(&result, &plain_one);
    let octets: Vec<u8> = result
        .iter()
        .rev()
        .flat_map(|it| it.to_be_bytes())
        .collect();
    octets[octets.len() - modulus.len()..].to_vec()
}

/// Once less the modulus where that is possible, and as wide as it.
fn reduced(mut number: Vec<u32>, n: &[u32]) -> Vec<u32> {
    let mut less = number.clone();
    let mut borrow = 0_i64;
    for (at, limb) in less.iter_mut().enumerate() {
        let difference = i64::from(*limb) - i64::from(n.get(at).copied().unwrap_or(0)) + borrow;
        *limb = difference as u32;
        borrow = difference >> 32;
    }
    if borrow == 0 {
        number = less;
    }
    number.truncate(n.len());
    number
}

/// Limbs of 32 bits, the lowest first.
fn limbs(octets: &[u8], words: usize) -> Vec<u32> {
    let mut limbs: Vec<u32> = octets
        .rchunks(4)
        .map(|it| it.iter().fold(0, |sum, octet| sum << 8 | u32::from(*octet)))
        .collect();
    limbs.resize(words, 0);
    limbs
}
