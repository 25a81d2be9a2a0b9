//! Answers of a token endpoint: what is read can be used without harm, and the report is short.

#![no_main]

use bytes::Bytes;
use http::Response;
use libfuzzer_sys::fuzz_target;
use smart_oidc::scope::{Allowed, Interaction, Level};
use smart_oidc::{LaunchContext, Scopes, TokenResponse};

/// There is one finding at most for each rule, so their number has a bound.
const MOST_FINDINGS: usize = 48;

fuzz_target!(|body: &[u8]| {
    let asked = Scopes::parse("openid launch/patient patient/*.rs");
    let answer = Response::new(Bytes::copy_from_slice(body));
    if let Ok(read) = TokenResponse::of_launch(&answer, &asked) {
        assert!(!read.has_scope("openid") || read.id_token.is_some());
        check(&read);
    }
    if let Ok(read) = TokenResponse::of_refresh(&answer, &asked) {
        check(&read);
        let wider = read.scopes.missing_from(&asked).resource_scopes().count() > 0;
        let found = read.findings.iter().any(|it| it.code == "refresh-scope-wider");
        assert_eq!(found, wider);
    }
    if let Ok(read) = TokenResponse::of_client_credentials(&answer, &asked) {
        assert!(read.refresh_token.is_none() && read.id_token.is_none());
        check(&read);
    }
});

fn check(read: &TokenResponse) {
    assert!(!read.access_token.expose_secret().contains(char::is_whitespace));
    assert!(read.findings.len() <= MOST_FINDINGS);
    let context = &read.context;
    for id in [&context.patient, &context.encounter].into_iter().flatten() {
        assert!(!id.is_empty() && id != "." && id != "..");
        assert!(!id.contains(['/', '?', '#', '%', '\\', ' ']));
    }
    let scopes = &read.scopes;
    assert_eq!(Scopes::parse(scopes.as_str()), *scopes);
    assert!(scopes.means_the_same_as(scopes));
    if scopes.allows(Level::Patient, "Patient", Interaction::Read) != Allowed::No {
        assert!(scopes.as_str().contains("patient/"));
    }
    let stored = serde_json::to_string(context).expect("a context is written");
    let mut kept: LaunchContext = serde_json::from_str(&stored).expect("and comes back");
    assert_eq!(kept, *context);
    assert!(kept.merge(context.clone()).is_empty());
    assert_eq!(kept, *context);
}
