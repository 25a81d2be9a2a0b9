//! Sealing: what one backend seals every backend opens, and nothing else opens.

#![cfg(any(feature = "ring", feature = "aws-lc-rs"))]
#![expect(
    clippy::unwrap_used,
    reason = "a test that stops here has failed, and says where"
)]

use std::collections::BTreeSet;

use smart_jose::CryptoProvider;
use smart_jose::crypto::{AEAD_TAG_OCTETS, NotAuthentic};

const KEY: [u8; 32] = *b"0123456789abcdef0123456789abcdef";
const AAD: &[u8] = b"the name of the record";

/// Every backend of this build.
fn providers() -> Vec<&'static CryptoProvider> {
    vec![
        #[cfg(feature = "ring")]
        CryptoProvider::ring(),
        #[cfg(feature = "aws-lc-rs")]
        CryptoProvider::aws_lc_rs(),
    ]
}

/// Seals on one backend and gives the nonce with the sealed text.
fn sealed(provider: &CryptoProvider, text: &[u8]) -> ([u8; 12], Vec<u8>) {
    let mut sealed = text.to_vec();
    let key = provider.aead.key(&KEY).unwrap();
    let nonce = key.seal(AAD, &mut sealed).unwrap();
    (nonce, sealed)
}

fn opened(
    provider: &CryptoProvider,
    key: &[u8; 32],
    nonce: &[u8; 12],
    aad: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>, NotAuthentic> {
    let mut text = sealed.to_vec();
    let result = provider.aead.key(key).unwrap().open(nonce, aad, &mut text);
    if result.is_err() {
        assert!(text.is_empty(), "nothing may be left to read");
    }
    result.map(|()| text)
}

#[test]
fn what_one_backend_seals_every_backend_opens() {
    for length in [0, 1, 15, 16, 17, 4096, 100_000] {
        let text: Vec<u8> = (0..=255).cycle().take(length).collect();
        for provider in providers() {
            let (nonce, sealed) = sealed(provider, &text);
            assert_eq!(sealed.len(), text.len() + AEAD_TAG_OCTETS);
            assert!(length < 15 || !sealed.starts_with(&text[..15]));
            for other in providers() {
                let opened = opened(other, &KEY, &nonce, AAD, &sealed);
                assert_eq!(
                    opened.as_ref(),
                    Ok(&text),
                    "{} {}",
                    provider.name,
                    other.name
                );
            }
        }
    }
}

#[test]
fn a_change_anywhere_is_noticed() {
    let text = b"a text of a few octets";
    for provider in providers() {
        let (nonce, sealed) = sealed(provider, text);
        let flipped = |octets: &[u8], at: usize, bit: u32| {
            let mut octets = octets.to_vec();
            octets[at] ^= 1 << bit;
            octets
        };
        let refused = |key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], sealed: &[u8]| {
            assert_eq!(opened(provider, key, nonce, aad, sealed), Err(NotAuthentic));
        };
        for bit in 0..8 {
            for at in 0..sealed.len() {
                refused(&KEY, &nonce, AAD, &flipped(&sealed, at, bit));
            }
            for at in 0..nonce.len() {
                let nonce = flipped(&nonce, at, bit).try_into().unwrap();
                refused(&KEY, &nonce, AAD, &sealed);
            }
            for at in 0..AAD.len() {
                refused(&KEY, &nonce, &flipped(AAD, at, bit), &sealed);
            }
            for at in 0..KEY.len() {
                let key = flipped(&KEY, at, bit).try_into().unwrap();
                refused(&key, &nonce, AAD, &sealed);
            }
        }
        for length in 0..sealed.len() {
            refused(&KEY, &nonce, AAD, &sealed[..length]);
        }
        refused(&KEY, &nonce, AAD, &[sealed.as_slice(), &[0]].concat());
        refused(&KEY, &nonce, b"", &sealed);
        assert_eq!(opened(provider, &KEY, &nonce, AAD, &sealed).unwrap(), text);
    }
}

/// One nonce for two texts would give both away.
#[test]
fn no_nonce_is_drawn_twice() {
    for provider in providers() {
        let key = provider.aead.key(&KEY).unwrap();
        let nonces: BTreeSet<[u8; 12]> = (0..10_000)
            .map(|_| key.seal(AAD, &mut b"text".to_vec()).unwrap())
            .collect();
        assert_eq!(nonces.len(), 10_000, "{}", provider.name);
    }
}

/// `Debug` of a key is for logs.
#[test]
fn a_key_is_not_printed() {
    for provider in providers() {
        let key = provider.aead.key(&KEY).unwrap();
        let shown = format!("{key:?} {provider:?}");
        assert!(!shown.contains("0123456789"), "{shown}");
        // As a list of numbers.
        assert!(!shown.contains("48, 49, 50"), "{shown}");
    }
}
