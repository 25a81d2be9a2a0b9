//! Published vectors and our own corpus, on every backend that is built in.

use smart_tests::corpus::Corpus;
use smart_tests::vectors::{self, Outcome};
use smart_tests::{backend, fixture, worked_example};

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

// covers: JWA-3, JWA-4, JWA-5, JWA-17, OKP-2, OKP-6, THB-1, THB-2, PKCE-3, OIDC-HSH-1, OIDC-HSH-4, OIDC-HSH-5, JWK-3, JWK-12
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
        let expected = if provider.name == "ring" { 2 } else { 0 };
        assert_eq!(
            (outcomes.len(), skipped),
            (35, expected),
            "{}",
            provider.name
        );
    }
}

// covers: JWA-16, OIDC-IDT-14, OIDC-VAL-6, OIDC-VAL-11, OIDC-VAL-12, OIDC-VAL-13, OIDC-HSH-2, OIDC-HSH-6, OIDC-IDT-2, OIDC-IDT-5, OIDC-IDT-6, OIDC-IDT-7, OIDC-IDT-11, OIDC-IDT-15, JWT-10, JWT-12, JWT-13, BISX-7, SMART-ID-13, SMART-ID-15, JWS-16
#[test]
fn our_own_corpus_is_judged_as_written() {
    let corpus = Corpus::parse(&fixture::text("corpus/id-tokens.json")).unwrap();
    let mut said = None;
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
        assert!(results.cases > 150, "{}", results.cases);
        // Backends must say the same of every case.
        let said = said.get_or_insert_with(|| results.said.clone());
        assert_eq!(*said, results.said, "{}", provider.name);
    }
}

#[test]
fn a_corpus_that_contradicts_itself_is_not_run() {
    let text = fixture::text("corpus/id-tokens.json");
    let twice = text.replacen("\"sound-RS384\"", "\"sound-RS256\"", 1);
    assert!(
        Corpus::parse(&twice)
            .unwrap_err()
            .0
            .contains("sound-RS256 occurs twice")
    );
    let class = text.replacen("\"malformed\"", "\"odd\"", 1);
    assert!(
        Corpus::parse(&class)
            .unwrap_err()
            .0
            .contains("unknown reason class odd")
    );
    let leeway = text.replacen("\"leeway_s\": 60", "\"leeway_s\": 301", 1);
    assert!(
        Corpus::parse(&leeway)
            .unwrap_err()
            .0
            .contains("more than 300")
    );
    assert!(
        Corpus::parse("{\n  \"format\": }")
            .unwrap_err()
            .0
            .starts_with("line 2, column ")
    );
}
