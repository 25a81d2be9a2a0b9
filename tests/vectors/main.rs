//! Published vectors, our own corpus and the modules of a published suite, on every backend that is
//! built in.

mod program;

use smart_tests::corpus::{self, Corpus};
use smart_tests::suite::Outcome;
use smart_tests::{backend, fixture, inferno, relying_party, vectors, worked_example};

// covers: SMART-ID-19, JWS-15
#[test]
fn the_worked_example_has_a_good_signature_and_is_no_id_token() {
    for provider in backend::all() {
        assert!(
            worked_example::signature_is_valid(provider),
            "{}",
            provider.name
        );
        let report = worked_example::explain(provider);
        assert!(!report.valid);
        let result = |id: &str| report.check(id).and_then(|it| it.code);
        assert_eq!(result("signature"), None);
        assert_eq!(result("expiry"), Some("claim-missing"));
        assert_eq!(result("issued-at"), Some("claim-missing"));
        assert_eq!(
            report.checks.iter().filter(|it| it.code.is_some()).count(),
            2
        );
    }
}

#[test]
fn signing_the_worked_example_again_gives_the_same_octets() {
    for provider in backend::all() {
        assert_eq!(
            worked_example::signed_again(provider),
            worked_example::token()
        );
    }
}

// covers: OIDC-IDT-5, OIDC-UI-2, OIDC-RFR-2, OIDC-RFR-3, OIDC-KEY-4, DISC-4
#[test]
fn every_relying_party_module_is_played_or_has_a_reason() {
    for provider in backend::all() {
        let tally = relying_party::run(provider).unwrap();
        assert!(tally.failed.is_empty(), "{:#?}", tally.failed);
        // A refusal of an unsigned ID token is counted as the suite counts it.
        assert_eq!((tally.passed, tally.skipped_cases()), (26, 32));
    }
}

// covers: SMART-DISC-1, SMART-DISC-5, SMART-DISC-6, SMART-DISC-8, SMART-DISC-9, SMART-DISC-10, SMART-DISC-11
// covers: SMART-DISC-13, SMART-DISC-14, SMART-DISC-23, SMART-DISC-27, SMART-LCH-1, SMART-LCH-3, SMART-LCH-5
// covers: SMART-AUT-1, SMART-AUT-2, SMART-AUT-3, SMART-AUT-4, SMART-AUT-6, SMART-AUT-8, SMART-AUT-9, SMART-AUT-10
// covers: SMART-AUT-12, SMART-AUT-13, SMART-AUT-19, SMART-TOK-2, SMART-TOK-3, SMART-TOK-4, SMART-TOK-5, SMART-TOK-6
// covers: SMART-TOK-7, SMART-TOK-9, SMART-TOK-10, SMART-CTX-1, SMART-CTX-2, SMART-CTX-6, SMART-CTX-7, SMART-REF-1
// covers: SMART-REF-3, SMART-REF-4, SMART-REF-5, SMART-ID-1, SMART-ID-9, SMART-ID-10, SMART-ID-18, SMART-CAS-5
// covers: SMART-CAS-6, SMART-CAS-7, SMART-CAS-10, SMART-CAS-11, SMART-CAS-13, SMART-CAS-14, SMART-CAS-15, SMART-CAS-24
// covers: SMART-SYM-1, SMART-SYM-2, SMART-BS-1, SMART-BS-2, SMART-BS-6, SMART-BS-9, SMART-BS-10, SMART-INT-1
// covers: SMART-INT-2, SMART-INT-4, SMART-INT-5, SMART-INT-7, SMART-SEC-4, PKCE-1, PKCE-3, PKCE-7
#[test]
fn every_inferno_test_is_played_or_has_a_reason() {
    for provider in backend::all() {
        let tally = inferno::run(provider).unwrap();
        assert!(tally.failed.is_empty(), "{:#?}", tally.failed);
        assert_eq!((tally.passed, tally.skipped_cases()), (161, 22));
    }
}

// covers: SMART-SYM-1, SMART-SYM-2, SMART-CAS-5, JWA-3, JWA-4, JWA-5, JWA-17, OKP-2, OKP-6, THB-1, THB-2, PKCE-3, OIDC-HSH-1, OIDC-HSH-4, OIDC-HSH-5, JWK-3, JWK-12
#[test]
fn every_published_vector_is_accounted_for() {
    for provider in backend::all() {
        let outcomes = vectors::run(provider);
        let failed: Vec<_> = outcomes
            .iter()
            .filter(|(_, it)| matches!(it, Outcome::Failed(_)))
            .collect();
        assert!(failed.is_empty(), "{}: {failed:#?}", provider.name);
        let skipped = outcomes
            .iter()
            .filter(|(_, it)| matches!(it, Outcome::Skipped(_)))
            .count();
        // Four cannot be tried anywhere, and four ask for ES512.
        let expected = if provider.name == "ring" { 8 } else { 4 };
        assert_eq!(
            (outcomes.len(), skipped),
            (46, expected),
            "{}",
            provider.name
        );
    }
}

// covers: JWA-16, OIDC-IDT-14, OIDC-VAL-6, OIDC-VAL-11, OIDC-VAL-12, OIDC-VAL-13, OIDC-HSH-2, OIDC-HSH-6, OIDC-IDT-2, OIDC-IDT-5, OIDC-IDT-6, OIDC-IDT-7, OIDC-IDT-11, OIDC-IDT-15, JWT-10, JWT-12, JWT-13, BISX-7, SMART-ID-13, SMART-ID-15, JWS-16
#[test]
fn our_own_corpus_is_judged_as_written() {
    let corpus = Corpus::parse(fixture::text("corpus/id-tokens.json").as_bytes()).unwrap();
    let mut first = None;
    for provider in backend::all() {
        let results = corpus.run(provider);
        let wrong = [
            &results.wrong_accept,
            &results.wrong_reject,
            &results.wrong_reason,
            &results.wrong_profile,
            &results.policy_deviation,
            &results.panics,
        ];
        assert!(
            wrong.iter().all(|it| it.is_empty()),
            "{}: {wrong:#?}",
            provider.name
        );
        assert_eq!(results.cases, corpus.cases.len());
        assert!(results.cases > 1000, "{}", results.cases);
        // Backends must say the same of every case.
        assert!(results.said.len() > 1000, "{}", results.said.len());
        let first = first.get_or_insert_with(|| corpus.run(provider));
        assert_eq!(
            first.differences(&results).next(),
            None,
            "{}",
            provider.name
        );
    }
}

/// Every code that the validation of an ID token can return stands in the table of reasons: the
/// compiler cannot say so, as the errors may grow, and their sources can.
#[test]
fn every_code_has_a_reason() {
    // The check was not run, the launch had no token or was another one, and keys that are
    // fetched: a corpus meets none of these.
    let elsewhere = [
        "id-token-check-not-run",
        "id-token-missing",
        "id-token-other-launch",
        "jwks-interrupted",
        "key-unknown-retry",
    ];
    let sources = [
        ("smart-oidc/src/id_token/error.rs", "IdTokenError"),
        ("smart-jose/src/header.rs", "HeaderError"),
        ("smart-jose/src/jws/compact.rs", "JwsError"),
        ("smart-jose/src/jwt/check.rs", "ClaimError"),
        ("smart-jose/src/jwk/set.rs", "KeySelectionError"),
        ("smart-discovery/src/jwks/source.rs", "KeySourceError"),
    ];
    let mut codes = Vec::new();
    for (path, name) in sources {
        let text = std::fs::read_to_string(fixture::path("../../crates").join(path)).unwrap();
        let (_, body) = text.split_once(&format!("\nimpl {name} {{")).expect(path);
        let (_, body) = body.split_once("const fn code(&self)").expect(path);
        let (body, _) = body.split_once("\n    }\n").expect(path);
        let literals = body.split('"').skip(1).step_by(2);
        let found: Vec<String> = literals
            .filter(|it| it.contains('-'))
            .map(str::to_owned)
            .collect();
        assert!(found.len() > 1, "{path}");
        codes.extend(found);
    }
    assert!(codes.len() > 40, "{codes:?}");
    for code in codes {
        let has_reason = corpus::reason_of(&code, "").is_some();
        let is_elsewhere = elsewhere.contains(&code.as_str());
        assert!(has_reason != is_elsewhere, "{code}");
    }
}
