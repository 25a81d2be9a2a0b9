//! Whether a fault is one at all with the keys that sign here: what changes nothing is not played.

use serde_json::{Value, json};
use smart_jose::jws;

use super::fault::{Act, At, Fault};
use super::moment::{Genuine, Moment};
use crate::key_rings::KeyRings;
use crate::keys::Signer;

/// Why a fault is not played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultError {
    /// The fault is about keys of another kind, and would change nothing.
    #[error(
        "the fault {fault} changes nothing where {signing} signs: it needs a key of another kind"
    )]
    Key {
        /// The name of the fault.
        fault: &'static str,
        /// The algorithms of the keys that sign.
        signing: String,
    },
    /// The fault changes the keys, and a key that signs cannot be followed by another.
    #[error("the fault {fault} needs a next key, and none can be made for {signing}")]
    NextKey {
        /// The name of the fault.
        fault: &'static str,
        /// The algorithms of the keys that sign.
        signing: String,
    },
}

impl FaultError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Key { .. } => "sandbox-fault-key",
            Self::NextKey { .. } => "sandbox-fault-next-key",
        }
    }
}

/// Tries the fault on each key that signs, without playing it.
pub(crate) fn judge(fault: &Fault, keys: &KeyRings, moment: &Moment<'_>) -> Result<(), FaultError> {
    let signing = || {
        let names: Vec<&str> = keys.algorithms().map(|it| it.name()).collect();
        names.join(", ")
    };
    let mut signers = keys.signers();
    let fits = match &fault.act {
        Act::Body(At::Jwks, act) => signers.any(|it| changes_set(*act, it, moment)),
        Act::Forge(_, act) => signers.any(|it| changes_token(*act, it, moment)),
        Act::Keys(_) if keys.can_rotate().is_err() => {
            return Err(FaultError::NextKey {
                fault: fault.name,
                signing: signing(),
            });
        }
        _ => true,
    };
    match fits {
        true => Ok(()),
        false => Err(FaultError::Key {
            fault: fault.name,
            signing: signing(),
        }),
    }
}

/// A set of this key alone: what is done to another one beside it leaves a sign-in as it is.
fn changes_set(act: fn(&mut Value, &Moment<'_>), signer: &Signer, moment: &Moment<'_>) -> bool {
    let before = json!({ "keys": [signer.jwk] });
    let mut set = before.clone();
    act(&mut set, moment);
    set != before
}

fn changes_token(
    act: fn(&Genuine<'_>, &Moment<'_>) -> String,
    signer: &Signer,
    moment: &Moment<'_>,
) -> bool {
    let payload = "{}".to_owned();
    let Ok(token) = jws::sign(payload.as_bytes(), Some(&signer.kid), &*signer.key) else {
        return false;
    };
    let genuine = Genuine {
        token,
        payload,
        kid: &signer.kid,
        key: &*signer.key,
        jwk: &signer.jwk,
    };
    act(&genuine, moment) != genuine.token
}

#[cfg(test)]
#[cfg(feature = "ring")]
mod tests {
    use std::collections::BTreeSet;

    use smart_jose::{Algorithm, CryptoProvider};

    use super::*;
    use crate::keys::KeyRing;
    use crate::urls::Urls;

    /// The faults that are refused with keys of these algorithms.
    fn refused(first: Algorithm, other: Option<Algorithm>) -> BTreeSet<&'static str> {
        let provider = CryptoProvider::ring();
        let ring = KeyRing::demo(first, provider).unwrap();
        let mut keys = KeyRings::new(ring, false, provider);
        if let Some(other) = other {
            keys.hold(other).unwrap();
        }
        let urls = Urls::localhost(1);
        let moment = Moment {
            urls: &urls,
            provider,
            now: 1_800_000_000,
        };
        let refused = Fault::all().filter(|it| judge(it, &keys, &moment).is_err());
        refused.map(Fault::name).collect()
    }

    #[test]
    fn a_fault_is_for_the_keys_of_which_it_changes_something() {
        let of_curves = [
            "key-off-the-curve",
            "psychic-signature",
            "psychic-signature-of-the-order",
            "signature-in-der",
        ];
        let of_rsa = [
            "hs256-modulus",
            "key-of-even-exponent",
            "key-of-even-modulus",
            "key-of-exponent-one",
            "key-of-giant-exponent",
        ];
        let names = |it: &[&'static str]| it.iter().copied().collect::<BTreeSet<_>>();
        assert_eq!(refused(Algorithm::RS256, None), names(&of_curves));
        assert_eq!(refused(Algorithm::ES256, None), names(&of_rsa));
        // 48 octets have no padding.
        let mut expected = names(&of_rsa);
        expected.extend(["padded-key", "psychic-signature-of-the-order"]);
        assert_eq!(refused(Algorithm::ES384, None), expected);
        let both = names(&[&of_rsa[..], &of_curves[..]].concat());
        assert_eq!(refused(Algorithm::EdDSA, None), both);
        assert_eq!(
            refused(Algorithm::ES256, Some(Algorithm::PS256)),
            names(&[])
        );
    }

    #[test]
    fn keys_that_cannot_be_followed_do_not_change_before_signing() {
        let provider = CryptoProvider::ring();
        let own = include_str!("../keys/demo-rsa-1.pem");
        let own = smart_jose::key::PrivateKey::from_pem(own, provider).unwrap();
        let own = KeyRing::own(&own, "mine".into(), Algorithm::RS256, false, provider).unwrap();
        let keys = KeyRings::new(own, false, provider);
        let urls = Urls::localhost(1);
        let moment = Moment {
            urls: &urls,
            provider,
            now: 0,
        };
        let fault = Fault::named("rotation-before-signing").unwrap();
        let error = judge(fault, &keys, &moment).unwrap_err();
        assert_eq!(error.code(), "sandbox-fault-next-key");
        assert!(error.to_string().contains("RS256"), "{error}");
    }
}
