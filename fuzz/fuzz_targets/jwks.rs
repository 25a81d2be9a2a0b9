//! Key sets: each entry is a key or is skipped, and a key survives being written and read.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use smart_jose::jwk::{MAX_CANDIDATES, PrivateJwk, thumbprint};
use smart_jose::{CryptoProvider, Jwk, JwkSet};

const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

fuzz_target!(|json: &[u8]| {
    let (ring, aws) = (CryptoProvider::ring(), CryptoProvider::aws_lc_rs());
    // A set that is no set may still be one key.
    let _ = Jwk::parse(json);
    let _ = PrivateJwk::parse(json);
    let Ok(set) = JwkSet::parse(json, aws) else {
        assert!(JwkSet::parse(json, ring).is_err());
        return;
    };

    // Entries are left as text, since a defect in one of them is no defect of the set.
    let lenient: BTreeMap<String, &RawValue> =
        serde_json::from_slice(json).expect("what was read is a JSON object");
    let entries: Vec<&RawValue> =
        serde_json::from_str(lenient["keys"].get()).expect("a set has an array of keys");
    let entries = entries.len();
    assert_eq!(set.keys().len() + set.skipped().len(), entries);
    assert!(set.skipped().iter().all(|it| it.position < entries));

    for key in set.keys() {
        let text = serde_json::to_vec(key).expect("a key can be written");
        let members: Map<String, Value> = serde_json::from_slice(&text).expect("as JSON");
        assert!(PRIVATE.iter().all(|it| !members.contains_key(*it)));
        let (again, findings) = Jwk::parse(&text).expect("and be read again");
        assert!(findings.is_empty());
        assert_eq!((again.key(), again.kid()), (key.key(), key.kid()));
        assert_eq!(again.algorithm(), key.algorithm());
        assert_eq!(thumbprint(key.key(), ring), thumbprint(key.key(), aws));
    }
    for algorithm in aws.algorithms().iter() {
        if let Ok(candidates) = set.candidates_for(algorithm) {
            assert_eq!(candidates.algorithm(), algorithm);
            assert!((1..=MAX_CANDIDATES).contains(&candidates.iter().count()));
        }
    }
});
