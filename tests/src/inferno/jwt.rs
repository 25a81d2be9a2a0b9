//! Tokens, read without our reader.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::forge;

/// A token that has the three parts of a JWS, and was not judged.
pub(super) struct Jwt {
    pub(super) header: Value,
    pub(super) claims: Value,
    signed: String,
    signature: Vec<u8>,
}

impl Jwt {
    pub(super) fn read(token: &str) -> Result<Self, String> {
        let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else {
            return Err("the token has not three parts".to_owned());
        };
        let octets = |part: &str| {
            let octets = URL_SAFE_NO_PAD.decode(part);
            octets.map_err(|it| format!("a part is no base64url: {it}"))
        };
        let object = |part: &str| {
            let value = serde_json::from_slice::<Value>(&octets(part)?);
            let value = value.map_err(|it| format!("a part is no JSON: {it}"))?;
            match value.is_object() {
                true => Ok(value),
                false => Err("a part is no JSON object".to_owned()),
            }
        };
        Ok(Self {
            header: object(header)?,
            claims: object(claims)?,
            signed: format!("{header}.{claims}"),
            signature: octets(signature)?,
        })
    }

    /// The text of a claim.
    pub(super) fn text(&self, claim: &str) -> Result<&str, String> {
        let value = self.claims[claim].as_str();
        value.ok_or_else(|| format!("{claim} is missing or no string"))
    }

    /// The number of a claim, in seconds.
    pub(super) fn seconds(&self, claim: &str) -> Result<u64, String> {
        let value = self.claims[claim].as_u64();
        value.ok_or_else(|| format!("{claim} is missing or no number"))
    }

    /// The key of a JWK Set that the header names; without a name it is the only one of its type.
    pub(super) fn key<'a>(&self, set: &'a Value, kty: &str) -> Result<&'a Value, String> {
        let keys = set["keys"].as_array().ok_or("keys is no array")?;
        let keys: Vec<&Value> = keys.iter().filter(|it| it["kty"] == kty).collect();
        match (&self.header["kid"], &keys[..]) {
            (Value::Null, [key]) => Ok(key),
            (Value::Null, _) => Err(format!("no kid, and {} keys of {kty}", keys.len())),
            (kid, keys) => {
                let found = keys.iter().find(|it| it["kid"] == *kid);
                found.copied().ok_or_else(|| format!("no key of kid {kid}"))
            }
        }
    }

    /// Whether the key has signed, with this algorithm and no other.
    pub(super) fn is_signed(&self, key: &Value, alg: &str) -> Result<(), String> {
        if self.header["alg"] != alg {
            return Err(format!("alg is {}, not {alg}", self.header["alg"]));
        }
        match forge::is_signed_by(key, alg, self.signed.as_bytes(), &self.signature)? {
            true => Ok(()),
            false => Err("the signature is not of this key".to_owned()),
        }
    }
}
