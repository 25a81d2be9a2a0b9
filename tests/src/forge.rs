//! Mints tokens, good and illegal, on a raw backend and `serde_json`.
//!
//! Nothing here goes through `smart-jose`: its API cannot express most of these tokens, and a
//! shared encoder would hide an error that reader and writer have in common.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

#[cfg(not(feature = "ring"))]
use aws_lc_rs as raw;
#[cfg(feature = "ring")]
use ring as raw;

use raw::rand::SystemRandom;
use raw::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED, ECDSA_P384_SHA384_FIXED_SIGNING,
    EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
    RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair, UnparsedPublicKey,
    VerificationAlgorithm,
};

use crate::fixture;

/// An issuer that signs whatever it is told to.
#[derive(Debug)]
pub struct Forge {
    rsa: RsaKeyPair,
    p256: EcdsaKeyPair,
    p384: EcdsaKeyPair,
}

/// The octets of base64url without padding.
#[must_use]
pub fn unb64(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// base64url without padding.
#[must_use]
pub fn b64(octets: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}

fn pkcs8(name: &str) -> Vec<u8> {
    let pem = fixture::text(name);
    pem_rfc7468::decode_vec(pem.trim().as_bytes())
        .expect(name)
        .1
}

#[cfg(feature = "ring")]
fn ecdsa(algorithm: &'static raw::signature::EcdsaSigningAlgorithm, der: &[u8]) -> EcdsaKeyPair {
    EcdsaKeyPair::from_pkcs8(algorithm, der, &SystemRandom::new()).unwrap()
}

#[cfg(not(feature = "ring"))]
fn ecdsa(algorithm: &'static raw::signature::EcdsaSigningAlgorithm, der: &[u8]) -> EcdsaKeyPair {
    EcdsaKeyPair::from_pkcs8(algorithm, der).unwrap()
}

impl Forge {
    /// The issuer whose keys the tests trust.
    #[must_use]
    pub fn issuer() -> Self {
        Self::named("issuer")
    }

    /// Somebody else.
    #[must_use]
    pub fn other() -> Self {
        Self::named("other")
    }

    fn named(name: &str) -> Self {
        Self {
            rsa: RsaKeyPair::from_pkcs8(&pkcs8(&format!("keys/{name}-rsa-2048.pem"))).unwrap(),
            p256: ecdsa(
                &ECDSA_P256_SHA256_FIXED_SIGNING,
                &pkcs8(&format!("keys/{name}-p256.pem")),
            ),
            p384: ecdsa(
                &ECDSA_P384_SHA384_FIXED_SIGNING,
                &pkcs8(&format!("keys/{name}-p384.pem")),
            ),
        }
    }

    /// A signature in JOSE form. `alg` says which key and hash; it need not be what a header says.
    #[must_use]
    pub fn signature(&self, alg: &str, message: &[u8]) -> Vec<u8> {
        let rng = SystemRandom::new();
        let rsa = |encoding: &'static dyn RsaEncoding| {
            let mut signature = vec![0; self.modulus_octets()];
            self.rsa
                .sign(encoding, &rng, message, &mut signature)
                .unwrap();
            signature
        };
        match alg {
            "RS256" => rsa(&RSA_PKCS1_SHA256),
            "RS384" => rsa(&RSA_PKCS1_SHA384),
            "RS512" => rsa(&RSA_PKCS1_SHA512),
            "PS256" => rsa(&RSA_PSS_SHA256),
            "PS384" => rsa(&RSA_PSS_SHA384),
            "PS512" => rsa(&RSA_PSS_SHA512),
            "ES256" => self.p256.sign(&rng, message).unwrap().as_ref().to_vec(),
            "ES384" => self.p384.sign(&rng, message).unwrap().as_ref().to_vec(),
            _ => panic!("the forge does not sign with {alg}"),
        }
    }

    #[cfg(feature = "ring")]
    fn modulus_octets(&self) -> usize {
        self.rsa.public().modulus_len()
    }

    #[cfg(not(feature = "ring"))]
    fn modulus_octets(&self) -> usize {
        self.rsa.public_modulus_len()
    }

    /// Whether this is a signature of our key, judged by the backend alone.
    #[must_use]
    pub fn has_signed(&self, alg: &str, message: &[u8], signature: &[u8]) -> bool {
        let verify = |algorithm: &'static dyn VerificationAlgorithm, key: &[u8]| {
            let key = UnparsedPublicKey::new(algorithm, key);
            key.verify(message, signature).is_ok()
        };
        let (rsa, p384) = (self.rsa.public_key(), self.p384.public_key());
        match alg {
            "RS256" => verify(&RSA_PKCS1_2048_8192_SHA256, rsa.as_ref()),
            "RS384" => verify(&RSA_PKCS1_2048_8192_SHA384, rsa.as_ref()),
            "ES384" => verify(&ECDSA_P384_SHA384_FIXED, p384.as_ref()),
            _ => panic!("the forge does not verify {alg}"),
        }
    }

    /// A token of these texts, which need not be JSON.
    #[must_use]
    pub fn raw_token(&self, alg: &str, header: &[u8], payload: &[u8]) -> String {
        self.sign(alg, &format!("{}.{}", b64(header), b64(payload)))
    }

    /// A token of two segments as they are, which need not be base64url: the signature is good
    /// for this spelling and no other.
    #[must_use]
    pub fn sign(&self, alg: &str, input: &str) -> String {
        let signature = self.signature(alg, input.as_bytes());
        format!("{input}.{}", b64(signature))
    }

    /// A token with this header and these claims, signed with the algorithm `sign_with`.
    #[must_use]
    pub fn token_with(&self, sign_with: &str, header: &Value, claims: &Value) -> String {
        self.raw_token(
            sign_with,
            header.to_string().as_bytes(),
            claims.to_string().as_bytes(),
        )
    }

    /// A token as an issuer would make it, with `alg` and the `kid` of the key.
    #[must_use]
    pub fn token(&self, alg: &str, claims: &Value) -> String {
        let header = json!({"alg": alg, "kid": kid_of(alg), "typ": "JWT"});
        self.token_with(alg, &header, claims)
    }

    /// The public keys as a JWK Set, built from the backend's own view of them.
    #[must_use]
    pub fn jwks(&self) -> Value {
        let (n, e) = self.rsa_public();
        let point = |pair: &EcdsaKeyPair, crv: &str, alg: &str| {
            let octets = pair.public_key().as_ref()[1..].to_vec();
            let (x, y) = octets.split_at(octets.len() / 2);
            json!({"kty": "EC", "crv": crv, "x": b64(x), "y": b64(y), "kid": kid_of(alg), "use": "sig"})
        };
        json!({"keys": [
            {"kty": "RSA", "n": b64(n), "e": b64(e), "kid": kid_of("RS256"), "use": "sig"},
            point(&self.p256, "P-256", "ES256"),
            point(&self.p384, "P-384", "ES384"),
        ]})
    }

    #[cfg(feature = "ring")]
    fn rsa_public(&self) -> (Vec<u8>, Vec<u8>) {
        let public: raw::rsa::PublicKeyComponents<Vec<u8>> = self.rsa.public().into();
        (public.n, public.e)
    }

    #[cfg(not(feature = "ring"))]
    fn rsa_public(&self) -> (Vec<u8>, Vec<u8>) {
        let public = self.rsa.public_key();
        let n = public.modulus().big_endian_without_leading_zero().to_vec();
        (
            n,
            public.exponent().big_endian_without_leading_zero().to_vec(),
        )
    }
}

/// The Ed25519 key of the issuer, as a JWK under the `kid` `ed25519`.
#[must_use]
pub fn ed25519_jwk() -> Value {
    let x = b64(ed25519().public_key().as_ref());
    json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "ed25519", "use": "sig"})
}

/// A token of these texts, signed with the Ed25519 key of the issuer.
#[must_use]
pub fn ed25519_token(header: &Value, claims: &Value) -> String {
    let input = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
    let signature = ed25519().sign(input.as_bytes());
    format!("{input}.{}", b64(signature))
}

fn ed25519() -> Ed25519KeyPair {
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pkcs8("keys/issuer-ed25519.pem")).unwrap()
}

/// SHA-256.
#[must_use]
pub fn sha256(octets: &[u8]) -> Vec<u8> {
    raw::digest::digest(&raw::digest::SHA256, octets)
        .as_ref()
        .to_vec()
}

/// The left half of a hash, base64url: `at_hash` and `c_hash` for an algorithm.
#[must_use]
pub fn half_hash(alg: &str, value: &str) -> String {
    let digest = match alg {
        "EdDSA" => &raw::digest::SHA512,
        _ if alg.ends_with("256") => &raw::digest::SHA256,
        _ if alg.ends_with("384") => &raw::digest::SHA384,
        _ if alg.ends_with("512") => &raw::digest::SHA512,
        _ => panic!("no hash for {alg}"),
    };
    let digest = raw::digest::digest(digest, value.as_bytes());
    let octets = digest.as_ref();
    b64(&octets[..octets.len() / 2])
}

/// The key ids of the forge: one for each kind of key.
#[must_use]
pub fn kid_of(alg: &str) -> &'static str {
    match alg {
        "ES256" => "p256",
        "ES384" => "p384",
        _ => "rsa",
    }
}

/// An HMAC-SHA-256 tag: what an attacker makes with a public key as the secret.
#[must_use]
pub fn hs256(secret: &[u8], message: &[u8]) -> Vec<u8> {
    let key = raw::hmac::Key::new(raw::hmac::HMAC_SHA256, secret);
    raw::hmac::sign(&key, message).as_ref().to_vec()
}

/// Whether this is an RSA signature with PKCS #1 v1.5 padding by the key of a JWK, judged by the
/// backend alone; an error where the key cannot be used for it.
///
/// # Errors
///
/// What is wrong with the key, or with the algorithm.
pub fn is_signed_by(
    jwk: &Value,
    alg: &str,
    message: &[u8],
    signature: &[u8],
) -> Result<bool, String> {
    let number = |name: &str| {
        let text = jwk[name].as_str();
        let octets = text.and_then(|it| URL_SAFE_NO_PAD.decode(it).ok());
        octets.ok_or_else(|| format!("{name} of the key is no base64url"))
    };
    if alg == "ES384" {
        let point = [vec![4], number("x")?, number("y")?].concat();
        let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point);
        return Ok(jwk["crv"] == "P-384" && key.verify(message, signature).is_ok());
    }
    let parameters = match alg {
        "RS256" => &RSA_PKCS1_2048_8192_SHA256,
        "RS384" => &RSA_PKCS1_2048_8192_SHA384,
        _ => return Err(format!("{alg} is not looked at")),
    };
    let (n, e) = (number("n")?, number("e")?);
    if jwk["kty"] != "RSA" || n.len() < 256 || n[0] == 0 {
        return Err("no RSA key of 2048 bits".to_owned());
    }
    let key = raw::signature::RsaPublicKeyComponents { n, e };
    Ok(key.verify(parameters, message, signature).is_ok())
}

/// 256 bits that nobody can guess, in base64url.
#[must_use]
pub fn random() -> String {
    let mut octets = [0; 32];
    raw::rand::SecureRandom::fill(&SystemRandom::new(), &mut octets).unwrap();
    b64(octets)
}
