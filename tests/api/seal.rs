//! Sealed values: what opens them, what does not, and a change of keys that loses none.

use std::collections::BTreeSet;
use std::sync::{Arc, Barrier};
use std::thread;

use proptest::prelude::{ProptestConfig, any, prop_assert};
use proptest::{collection, proptest};
use smart_oidc::jose::CryptoProvider;
use smart_oidc::jose::{ErrorClass, base64url};
use smart_oidc::seal::{MAX_SEALING_KEYS, OpenError, SealError, SealingKey, SealingKeys};

use super::provider;

const NAME: &str = "session/4711";
const TEXT: &[u8] = b"access-token-SlAV32hkKG";

fn key(id: &str, octet: u8) -> SealingKey {
    SealingKey::new(id, &[octet; 32], provider()).unwrap()
}

fn keys() -> SealingKeys {
    SealingKeys::new(key("2027-01", 1))
}

fn open(keys: &SealingKeys, name: &str, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    keys.open(name, sealed).map(|it| it.expose_secret().clone())
}

fn code(keys: &SealingKeys, name: &str, sealed: &[u8]) -> &'static str {
    open(keys, name, sealed).unwrap_err().code()
}

#[test]
fn what_is_sealed_opens_and_shows_nothing() {
    let keys = keys();
    for length in [0, 1, 16, 5000] {
        let text = vec![7; length];
        let sealed = keys.seal(NAME, &text).unwrap();
        assert_eq!(open(&keys, NAME, &sealed).unwrap(), text);
    }
    let sealed = keys.seal(NAME, TEXT).unwrap();
    assert_eq!(sealed.len(), 2 + 7 + 12 + TEXT.len() + 16);
    assert!(!sealed.windows(6).any(|it| it == &TEXT[..6]));
    // The same text is never the same octets.
    let all: BTreeSet<Vec<u8>> = (0..100).map(|_| keys.seal(NAME, TEXT).unwrap()).collect();
    assert_eq!(all.len(), 100);
}

/// Whatever is sealed by one backend is there for a process with another.
#[test]
fn a_value_has_one_form_on_every_backend() {
    let sealed = keys().seal(NAME, TEXT).unwrap();
    let others = [
        #[cfg(feature = "ring")]
        CryptoProvider::ring(),
        #[cfg(feature = "aws-lc-rs")]
        CryptoProvider::aws_lc_rs(),
    ];
    for other in others {
        let other = SealingKeys::new(SealingKey::new("2027-01", &[1; 32], other).unwrap());
        assert_eq!(open(&other, NAME, &sealed).unwrap(), TEXT);
    }
}

/// The form is a promise to those who keep values. This one was made by Python's `cryptography`.
#[test]
fn what_others_sealed_in_this_form_opens() {
    let sealed = "AQcyMDI3LTAxAAECAwQFBgcICQoL2sX2Q1ONKw2RAYKqDTqk4vj1WWKe2gJtpN0OBpQI8Dz2ReE0I6Y0";
    let sealed = base64url::decode(sealed).unwrap();
    assert_eq!(open(&keys(), NAME, &sealed).unwrap(), TEXT);
}

#[test]
fn a_value_opens_under_its_own_name_only() {
    let keys = keys();
    let sealed = keys.seal(NAME, TEXT).unwrap();
    for other in [
        "session/4712",
        "session/471",
        "session/47110",
        "",
        "launch/4711",
    ] {
        assert_eq!(code(&keys, other, &sealed), "seal-tampered", "{other}");
    }
    // A name cannot lend octets to the id before it.
    let short = SealingKeys::new(key("a", 1));
    let long = SealingKeys::new(key("ab", 1));
    let sealed = short.seal("bc", TEXT).unwrap();
    let mut moved = sealed;
    moved[1] = 2;
    moved.insert(3, b'b');
    assert_eq!(code(&long, "c", &moved), "seal-tampered");
}

#[test]
fn every_changed_octet_is_noticed() {
    let keys = keys().also_opening(key("2027-02", 2)).unwrap();
    let sealed = keys.seal(NAME, TEXT).unwrap();
    for at in 0..sealed.len() {
        for bit in 0..8 {
            let mut changed = sealed.clone();
            changed[at] ^= 1 << bit;
            assert!(keys.open(NAME, &changed).is_err(), "octet {at}, bit {bit}");
        }
    }
    for length in 0..sealed.len() {
        assert!(keys.open(NAME, &sealed[..length]).is_err(), "{length}");
    }
    let longer = [sealed.as_slice(), &[0]].concat();
    assert_eq!(code(&keys, NAME, &longer), "seal-tampered");
    // The id of another key of the ring: that key has not sealed it.
    let mut other = sealed.clone();
    other[8] = b'2';
    assert_eq!(code(&keys, NAME, &other), "seal-tampered");
    assert_eq!(open(&keys, NAME, &sealed).unwrap(), TEXT);
}

#[test]
fn each_failure_has_its_own_name() {
    let keys = keys();
    let sealed = keys.seal(NAME, TEXT).unwrap();
    let mut newer = sealed.clone();
    newer[0] = 2;
    let cases: [(Vec<u8>, &str, ErrorClass); 7] = [
        (vec![], "seal-form", ErrorClass::Upstream),
        (vec![1], "seal-form", ErrorClass::Upstream),
        (vec![1, 255, 0], "seal-form", ErrorClass::Upstream),
        (
            b"{\"plain\":true}".to_vec(),
            "seal-unknown-version",
            ErrorClass::Configuration,
        ),
        (newer, "seal-unknown-version", ErrorClass::Configuration),
        // An id that is not text, and one that nobody has.
        (
            [&[1, 2, 0xff, 0xff], &[0; 28][..]].concat(),
            "seal-form",
            ErrorClass::Upstream,
        ),
        (
            [&[1, 0][..], &[0; 28]].concat(),
            "seal-unknown-key",
            ErrorClass::Configuration,
        ),
    ];
    for (octets, expected, class) in cases {
        let error = open(&keys, NAME, &octets).unwrap_err();
        assert_eq!(
            (error.code(), error.class()),
            (expected, class),
            "{octets:?}"
        );
    }
    let stranger = SealingKeys::new(key("2026-12", 1));
    let error = open(&stranger, NAME, &sealed).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no key of the ring has the id \"2027-01\""
    );
    // Another key under the same name.
    let impostor = SealingKeys::new(key("2027-01", 9));
    assert_eq!(code(&impostor, NAME, &sealed), "seal-tampered");
}

#[test]
fn a_change_of_keys_loses_no_value() {
    let old = || key("old", 1);
    let new = || key("new", 2);
    let before = SealingKeys::new(old());
    // Both steps of the change, with processes of each step side by side.
    let first = SealingKeys::new(old()).also_opening(new()).unwrap();
    let second = SealingKeys::new(new()).also_opening(old()).unwrap();
    let after = SealingKeys::new(new());
    for (writer, readers) in [
        (&before, [&before, &first, &second].as_slice()),
        (&first, &[&before, &first, &second]),
        (&second, &[&first, &second, &after]),
        (&after, &[&first, &second, &after]),
    ] {
        let sealed = writer.seal(NAME, TEXT).unwrap();
        for reader in readers {
            assert_eq!(
                open(reader, NAME, &sealed).unwrap(),
                TEXT,
                "{writer:?} {reader:?}"
            );
        }
    }
    // The newest seals.
    assert_eq!(second.newest().id(), "new");
    let sealed = second.seal(NAME, TEXT).unwrap();
    assert_eq!(code(&before, NAME, &sealed), "seal-unknown-key");
}

#[test]
fn a_spent_key_seals_no_more_and_goes_on_opening() {
    let keys = SealingKeys::new(key("2027-01", 1).with_limit(3));
    let sealed: Vec<_> = (0..3).map(|_| keys.seal(NAME, TEXT).unwrap()).collect();
    assert_eq!(keys.newest().remaining(), 0);
    let spent = SealError::Spent {
        key_id: "2027-01".into(),
        limit: 3,
    };
    assert_eq!(keys.seal(NAME, TEXT), Err(spent));
    for it in sealed {
        assert_eq!(open(&keys, NAME, &it).unwrap(), TEXT);
    }
    // No limit is above the one of the algorithm.
    assert_eq!(key("a", 1).with_limit(u64::MAX).remaining(), 1 << 32);
    assert_eq!(key("a", 1).remaining(), 1 << 32);
}

#[test]
fn threads_share_one_count() {
    let keys = SealingKeys::new(key("2027-01", 1).with_limit(1000));
    let start = Arc::new(Barrier::new(4));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (keys, start) = (keys.clone(), Arc::clone(&start));
            thread::spawn(move || {
                start.wait();
                (0..400).filter(|_| keys.seal(NAME, TEXT).is_ok()).count()
            })
        })
        .collect();
    let sealed: usize = threads.into_iter().map(|it| it.join().unwrap()).sum();
    assert_eq!(sealed, 1000);
}

#[test]
fn only_a_key_becomes_a_key() {
    let code =
        |id: &str, octets: &[u8]| SealingKey::new(id, octets, provider()).map_err(|it| it.code());
    assert!(code("a-Z_0.9", &[0; 32]).is_ok());
    assert!(code(&"a".repeat(32), &[0; 32]).is_ok());
    for id in ["", "a b", "a/b", "ä", "a\n", &"a".repeat(33)] {
        assert_eq!(code(id, &[0; 32]).unwrap_err(), "sealing-key-id", "{id:?}");
    }
    for length in [0, 16, 31, 33, 43, 64] {
        assert_eq!(
            code("a", &vec![0; length]).unwrap_err(),
            "sealing-key-length"
        );
    }
    let text =
        |text: &str| SealingKey::from_base64url("a", text, provider()).map_err(|it| it.code());
    let good = base64url::encode([1; 32]);
    assert!(text(&good).is_ok());
    assert_eq!(
        text(&format!("{good}=")).unwrap_err(),
        "sealing-key-base64url"
    );
    assert_eq!(
        text(&format!("{good}\n")).unwrap_err(),
        "sealing-key-base64url"
    );
    assert_eq!(
        text("correct horse battery staple").unwrap_err(),
        "sealing-key-base64url"
    );
    assert_eq!(text("hunter22").unwrap_err(), "sealing-key-length");
    let sealed = SealingKeys::new(key("a", 1)).seal(NAME, TEXT).unwrap();
    let read = SealingKeys::new(SealingKey::from_base64url("a", &good, provider()).unwrap());
    assert_eq!(open(&read, NAME, &sealed).unwrap(), TEXT);
}

#[test]
fn two_fresh_keys_are_two_keys() {
    let fresh = || SealingKeys::new(SealingKey::generate("a", provider()).unwrap());
    let (one, other) = (fresh(), fresh());
    let sealed = one.seal(NAME, TEXT).unwrap();
    assert_eq!(open(&one, NAME, &sealed).unwrap(), TEXT);
    assert_eq!(code(&other, NAME, &sealed), "seal-tampered");
}

#[test]
fn a_ring_is_bounded_and_each_name_is_one_key() {
    let mut ring = keys();
    for n in 1..MAX_SEALING_KEYS {
        ring = ring.also_opening(key(&format!("key-{n}"), 1)).unwrap();
    }
    assert_eq!(ring.iter().count(), MAX_SEALING_KEYS);
    let more = ring.clone().also_opening(key("more", 1));
    assert_eq!(more.unwrap_err().code(), "sealing-key-too-many");
    for taken in ["2027-01", "key-3"] {
        let doubled = ring.clone().also_opening(key(taken, 5));
        assert_eq!(doubled.unwrap_err().code(), "sealing-key-duplicate-id");
    }
}

#[test]
fn nothing_printed_shows_a_key_or_a_text() {
    let keys = keys().also_opening(key("2026-12", 0xab)).unwrap();
    let sealed = keys.seal(NAME, TEXT).unwrap();
    let error = keys.open("session/secret-handle", &sealed).unwrap_err();
    let opened = keys.open(NAME, &sealed).unwrap();
    let shown = format!("{keys:?} {error:?} {error} {opened:?}");
    assert!(shown.contains("2027-01") && shown.contains("2026-12"));
    for secret in ["171", "1, 1, 1", "ab, ab", "secret-handle", "SlAV32"] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_octets_open_that_were_not_sealed(octets in collection::vec(any::<u8>(), 0..120)) {
        let ring = keys();
        prop_assert!(ring.open(NAME, &octets).is_err());
        // The same behind a head that is right.
        let head = [&[1, 7], b"2027-01".as_slice(), &octets].concat();
        prop_assert!(ring.open(NAME, &head).is_err());
    }
}
