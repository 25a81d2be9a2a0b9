//! ID tokens that nobody signed, or somebody else, or in a way that must not count.

use serde_json::{Value, json};
use smart_jose::alg::HashAlgorithm;
use smart_jose::crypto::SigningKey;
use smart_jose::{Algorithm, CryptoProvider, base64url};

use super::fault::Act::Forge;
use super::fault::Fault;
use super::fault::Which::First;
use super::moment::{Genuine, Moment};
use crate::keys::strangers_key;

const fn fault(
    name: &'static str,
    does: &'static str,
    client_must: &'static str,
    clause: &'static str,
    act: fn(&Genuine<'_>, &Moment<'_>) -> String,
) -> Fault {
    Fault {
        name,
        does,
        client_must,
        clause,
        act: Forge(First, act),
    }
}

const REFUSE: &str = "refuse the ID token";
const KEY_CONFUSION: &str = "refuse the ID token: a public key is no secret";

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "alg-none",
        "the ID token is not signed, and says so",
        REFUSE,
        "CVE-2015-2951",
        |it, _| unsigned(it, "none", ""),
    ),
    fault(
        "alg-none-odd-case",
        "the ID token is not signed, and says so as nOnE",
        REFUSE,
        "GHSA-9gxv-x7rp-r2hc",
        |it, _| unsigned(it, "nOnE", ""),
    ),
    fault(
        "alg-none-with-signature",
        "the ID token says none and carries the signature of another",
        REFUSE,
        "CVE-2026-28802",
        |it, _| unsigned(it, "none", it.parts().2),
    ),
    fault(
        "alg-missing",
        "the header has no alg",
        REFUSE,
        "RFC 7515 4.1.1",
        |it, _| signed(it, &json!({ "kid": it.kid }), it.key),
    ),
    fault(
        "hs256-public-pem",
        "HS256 with the public key in PEM for its secret",
        KEY_CONFUSION,
        "CVE-2015-9235",
        |it, at| {
            let pem = it.key.public_key().to_spki_pem().unwrap_or_default();
            hs256(it, pem.as_bytes(), at.provider)
        },
    ),
    fault(
        "hs256-public-der",
        "HS256 with the public key in DER for its secret",
        KEY_CONFUSION,
        "CVE-2016-10555",
        |it, at| {
            let der = it.key.public_key().to_spki_der().unwrap_or_default();
            hs256(it, &der, at.provider)
        },
    ),
    fault(
        "hs256-public-jwk",
        "HS256 with the public key as a JWK for its secret",
        KEY_CONFUSION,
        "CVE-2016-5431",
        |it, at| {
            let jwk = serde_json::to_string(it.jwk).unwrap_or_default();
            hs256(it, jwk.as_bytes(), at.provider)
        },
    ),
    fault(
        "hs256-empty-secret",
        "HS256 with an empty secret",
        REFUSE,
        "CVE-2026-114616",
        |it, at| hs256(it, b"", at.provider),
    ),
    fault(
        "wrong-signature",
        "one bit of the signature is another",
        REFUSE,
        "RFC 7515 5.2",
        wrong_signature,
    ),
    fault(
        "wrong-payload",
        "the claims are others than were signed",
        REFUSE,
        "RFC 7515 5.2",
        wrong_payload,
    ),
    fault(
        "wrong-signature-and-expired",
        "the claims are others than were signed, and have ended",
        "refuse the ID token for its signature, and judge no claim of it",
        "CVE-2024-51744",
        wrong_signature_and_expired,
    ),
    fault(
        "empty-signature",
        "the signature is empty",
        REFUSE,
        "RFC 7515 5.2",
        |it, _| {
            let (header, payload, _) = it.parts();
            format!("{header}.{payload}.")
        },
    ),
    fault(
        "psychic-signature",
        "ECDSA with r and s of zero",
        REFUSE,
        "CVE-2022-21449",
        |it, _| {
            if !is_ecdsa(it) {
                return it.token.clone();
            }
            resigned(it, |octets| octets.fill(0))
        },
    ),
    fault(
        "another-algorithm",
        "the header names another algorithm of the same key type",
        REFUSE,
        "CVE-2022-23541",
        |it, _| {
            let other = match it.key.algorithm() {
                Algorithm::RS256 => "RS384",
                Algorithm::ES256 => "ES384",
                Algorithm::ES384 | Algorithm::ES512 => "ES256",
                // Of its type there is no other.
                Algorithm::EdDSA => "Ed448",
                _ => "RS256",
            };
            let (_, payload, signature) = it.parts();
            let header = encoded(&json!({ "alg": other, "kid": it.kid }));
            format!("{header}.{payload}.{signature}")
        },
    ),
    fault(
        "unknown-kid",
        "the ID token names a key that is not in the set",
        "refuse the ID token, after one look whether the set has changed",
        "OpenID Connect Core 10.1.1",
        |it, _| signed(it, &with_kid(it, "nobody-knows-me"), it.key),
    ),
    fault(
        "kid-of-a-path",
        "the name of the key climbs through folders",
        "refuse the ID token: a name of a key is opaque and reaches no URL",
        "CVE-2026-81829",
        |it, _| {
            signed(
                it,
                &with_kid(it, "../../../../etc/passwd%00\r\nHost: a"),
                it.key,
            )
        },
    ),
    fault(
        "no-kid",
        "the ID token names no key",
        "try the keys that fit",
        "RFC 7515 4.1.4",
        |it, _| signed(it, &json!({ "alg": it.key.algorithm().name() }), it.key),
    ),
    fault(
        "embedded-key",
        "the header carries the key that has signed, of an attacker",
        "refuse the ID token: keys come from the set of the issuer",
        "CVE-2018-0114",
        |it, at| {
            forged(
                it,
                at,
                |alg, jwk| json!({ "alg": alg, "kid": "attacker", "jwk": jwk }),
            )
        },
    ),
    fault(
        "embedded-key-url",
        "the header names the address of an attacker's key set",
        "refuse the ID token, and fetch nothing from there",
        "RFC 7515 4.1.2",
        |it, at| {
            let jku = "https://attacker.example/jwks";
            forged(
                it,
                at,
                |alg, _| json!({ "alg": alg, "kid": "attacker", "jku": jku, "x5u": jku }),
            )
        },
    ),
    fault(
        "kid-of-an-attacker",
        "an attacker's key has signed under the name of the issuer's",
        REFUSE,
        "RFC 7515 5.2",
        |it, at| forged(it, at, |alg, _| json!({ "alg": alg, "kid": it.kid })),
    ),
    fault(
        "short-signature",
        "the signature lacks its last octet",
        REFUSE,
        "CVE-2024-42460",
        |it, _| resigned(it, |octets| octets.truncate(octets.len().saturating_sub(1))),
    ),
    fault(
        "long-signature",
        "the signature begins with one octet of zero more",
        REFUSE,
        "CVE-2020-14966",
        |it, _| resigned(it, |octets| octets.insert(0, 0)),
    ),
    fault(
        "signature-in-der",
        "the signature is a sequence of two integers",
        "refuse the ID token: the form of a signature is fixed",
        "RFC 7518 3.4",
        |it, _| in_der(it),
    ),
    fault(
        "unknown-crit",
        "the header has an extension that must be understood",
        REFUSE,
        "CVE-2025-59420",
        |it, _| with(it, "crit", json!(["exp2"])),
    ),
    fault(
        "empty-crit",
        "crit is empty",
        REFUSE,
        "RFC 7515 4.1.11",
        |it, _| with(it, "crit", json!([])),
    ),
    fault(
        "crit-of-a-usual-name",
        "crit names alg",
        REFUSE,
        "RFC 7515 4.1.11",
        |it, _| with(it, "crit", json!(["alg"])),
    ),
    fault(
        "unencoded-payload",
        "the header says b64: false",
        REFUSE,
        "RFC 7797 6",
        |it, _| with(it, "b64", json!(false)),
    ),
    fault(
        "compressed",
        "the header says zip",
        "refuse the ID token, and unpack nothing",
        "CVE-2024-28180",
        |it, _| with(it, "zip", json!("DEF")),
    ),
    fault(
        "typ-access-token",
        "typ is the one of an access token",
        "refuse the ID token: it is another kind of token",
        "RFC 8725 3.11",
        |it, _| with(it, "typ", json!("at+jwt")),
    ),
    fault(
        "typ-logout-token",
        "typ is the one of a logout token",
        "refuse the ID token: it is another kind of token",
        "RFC 8725 3.11",
        |it, _| with(it, "typ", json!("logout+jwt")),
    ),
    fault(
        "nested",
        "cty says that the payload is a token",
        REFUSE,
        "RFC 7519 5.2",
        |it, _| with(it, "cty", json!("JWT")),
    ),
    fault(
        "header-twice",
        "the header has alg twice",
        REFUSE,
        "RFC 7515 4",
        |it, _| {
            let name = it.key.algorithm().name();
            let header = format!(r#"{{"alg":"none","\u0061lg":"{name}","kid":"{}"}}"#, it.kid);
            of_text(it, &header, &it.payload, it.key)
        },
    ),
    fault(
        "claim-twice",
        "the claims have sub twice",
        "refuse the ID token: two readers would see two users",
        "RFC 7519 4",
        |it, _| {
            let rest = it.payload.strip_prefix('{').unwrap_or_default();
            let payload = format!(r#"{{"sub":"somebody-else",{rest}"#);
            let header = with_kid(it, it.kid).to_string();
            of_text(it, &header, &payload, it.key)
        },
    ),
    fault(
        "padded-signature",
        "the signature has padding",
        "refuse the ID token: one token has one spelling",
        "CVE-2026-62995",
        |it, _| format!("{}=", it.token),
    ),
    fault(
        "white-space",
        "the ID token ends with a line break",
        "refuse the ID token: one token has one spelling",
        "RFC 7515 7.1",
        |it, _| format!("{}\n", it.token),
    ),
];

pub(super) fn encoded(header: &Value) -> String {
    base64url::encode(header.to_string())
}

pub(super) fn with_kid(genuine: &Genuine<'_>, kid: &str) -> Value {
    json!({ "alg": genuine.key.algorithm().name(), "kid": kid })
}

/// Signed well, with one more member in the header.
pub(super) fn with(genuine: &Genuine<'_>, name: &str, value: Value) -> String {
    let mut header = with_kid(genuine, genuine.kid);
    if let Some(members) = header.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
    signed(genuine, &header, genuine.key)
}

pub(super) fn signed(genuine: &Genuine<'_>, header: &Value, key: &dyn SigningKey) -> String {
    of_text(genuine, &header.to_string(), &genuine.payload, key)
}

/// A token of any header and any claims; the genuine one where the key does not sign.
pub(super) fn of_text(
    genuine: &Genuine<'_>,
    header: &str,
    payload: &str,
    key: &dyn SigningKey,
) -> String {
    let message = format!(
        "{}.{}",
        base64url::encode(header),
        base64url::encode(payload)
    );
    match key.sign(message.as_bytes()) {
        Ok(signature) => format!("{message}.{}", base64url::encode(signature)),
        Err(_) => genuine.token.clone(),
    }
}

pub(super) fn unsigned(genuine: &Genuine<'_>, name: &str, signature: &str) -> String {
    let header = encoded(&json!({ "alg": name }));
    format!("{header}.{}.{signature}", genuine.parts().1)
}

/// HMAC (RFC 2104) over SHA-256, which our own interface has no name for.
pub(super) fn hs256(genuine: &Genuine<'_>, secret: &[u8], provider: &CryptoProvider) -> String {
    let header = encoded(&json!({ "alg": "HS256", "kid": genuine.kid }));
    let message = format!("{header}.{}", genuine.parts().1);
    let sha256 = |octets: &[u8]| {
        let digest = provider.hash(HashAlgorithm::Sha256, octets);
        digest.as_ref().to_vec()
    };
    let secret = match secret.len() {
        0..=64 => secret.to_vec(),
        _ => sha256(secret),
    };
    let padded = |with: u8| -> Vec<u8> {
        let octets = secret.iter().copied().chain(core::iter::repeat(0));
        octets.take(64).map(|it| it ^ with).collect()
    };
    let inner = sha256(&[padded(0x36), message.as_bytes().to_vec()].concat());
    let tag = sha256(&[padded(0x5c), inner].concat());
    format!("{message}.{}", base64url::encode(tag))
}

/// Signed with somebody else's key, by the algorithm of the genuine token: the header gets its name.
pub(super) fn forged(
    genuine: &Genuine<'_>,
    at: &Moment<'_>,
    header: impl FnOnce(&str, Value) -> Value,
) -> String {
    let algorithm = genuine.key.algorithm();
    let made = || {
        let stranger = strangers_key(algorithm, genuine.kid, at.provider).ok()?;
        let jwk = serde_json::to_value(&stranger.jwk).ok()?;
        Some((stranger.key, jwk))
    };
    match made() {
        Some((key, jwk)) => signed(genuine, &header(algorithm.name(), jwk), &*key),
        None => genuine.token.clone(),
    }
}

/// Whether the signature is `r || s`.
pub(super) fn is_ecdsa(genuine: &Genuine<'_>) -> bool {
    matches!(
        genuine.key.algorithm(),
        Algorithm::ES256 | Algorithm::ES384 | Algorithm::ES512
    )
}

/// `r || s` as the sequence of two integers that most other formats have; other signatures stay.
fn in_der(genuine: &Genuine<'_>) -> String {
    if !is_ecdsa(genuine) {
        return genuine.token.clone();
    }
    let (header, payload, signature) = genuine.parts();
    let octets = base64url::decode(signature).unwrap_or_default();
    let (r, s) = octets.split_at(octets.len() / 2);
    let integer = |it: &[u8]| {
        let zeros = it.iter().take_while(|it| **it == 0).count();
        let mut value = it.get(zeros..).unwrap_or_default().to_vec();
        if value.first().is_none_or(|it| *it >= 0x80) {
            value.insert(0, 0);
        }
        let length = u8::try_from(value.len()).unwrap_or(u8::MAX);
        [vec![0x02, length], value].concat()
    };
    let both = [integer(r), integer(s)].concat();
    let length = u8::try_from(both.len()).unwrap_or(u8::MAX);
    let der = [vec![0x30, length], both].concat();
    format!("{header}.{payload}.{}", base64url::encode(der))
}

/// The signature with other octets in its place.
pub(super) fn resigned(genuine: &Genuine<'_>, act: impl FnOnce(&mut Vec<u8>)) -> String {
    let (header, payload, signature) = genuine.parts();
    let mut octets = base64url::decode(signature).unwrap_or_default();
    act(&mut octets);
    format!("{header}.{payload}.{}", base64url::encode(octets))
}

fn wrong_signature(genuine: &Genuine<'_>, _: &Moment<'_>) -> String {
    let (header, payload, signature) = genuine.parts();
    // The first character has six whole bits, so the result is canonical too.
    let other = match signature.strip_prefix('A') {
        Some(rest) => format!("B{rest}"),
        None => format!("A{}", signature.get(1..).unwrap_or_default()),
    };
    format!("{header}.{payload}.{other}")
}

fn claims_changed(genuine: &Genuine<'_>, name: &str, value: Value) -> String {
    let (header, _, signature) = genuine.parts();
    let mut claims: Value = serde_json::from_str(&genuine.payload).unwrap_or_default();
    if let Some(members) = claims.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
    format!("{header}.{}.{signature}", encoded(&claims))
}

fn wrong_payload(genuine: &Genuine<'_>, _: &Moment<'_>) -> String {
    claims_changed(genuine, "sub", json!("somebody-else"))
}

fn wrong_signature_and_expired(genuine: &Genuine<'_>, at: &Moment<'_>) -> String {
    claims_changed(genuine, "exp", json!(at.now.saturating_sub(9_999)))
}
