//! Laws about seams: which files know a cryptography library, which know a web framework, and which
//! wait.
//!
//! A third backend or a second framework is possible, and a pure core stays pure, only while these
//! lists are short.

use super::Violation;
use crate::tokens::{View, is_word};
use crate::tree::Tree;

/// The only production files that name a cryptography library.
const BACKEND: [&str; 3] = [
    "crates/smart-jose/src/crypto/",
    "crates/smart-discovery/src/tls.rs",
    "crates/smart-redis/src/tls.rs",
];

/// Forges tokens that our own interface cannot express.
const HOSTILE: (&str, &str) = ("crates/smart-sandbox/", "/hostile.rs");

/// The only files of the libraries that wait: each is glue around a pure function.
const AWAITING: [&str; 40] = [
    "crates/smart-axum/src/extract.rs",
    "crates/smart-axum/src/form.rs",
    "crates/smart-axum/src/layer.rs",
    "crates/smart-axum/src/routes.rs",
    "crates/smart-axum/src/serve.rs",
    "crates/smart-axum/src/web/leave.rs",
    "crates/smart-axum/src/web/listing.rs",
    "crates/smart-axum/src/web/operations.rs",
    "crates/smart-axum/src/web/patient.rs",
    "crates/smart-axum/src/web/sessions.rs",
    "crates/smart-axum/src/web/sign_in.rs",
    "crates/smart-discovery/src/discover.rs",
    "crates/smart-discovery/src/jwks/remote.rs",
    "crates/smart-discovery/src/live/issuer.rs",
    "crates/smart-discovery/src/live/keys.rs",
    "crates/smart-discovery/src/reqwest_client.rs",
    "crates/smart-discovery/src/resolver.rs",
    "crates/smart-discovery/src/shelf.rs",
    "crates/smart-discovery/src/single_flight.rs",
    "crates/smart-oidc/src/client/authenticator.rs",
    "crates/smart-oidc/src/flow/launch_flow.rs",
    "crates/smart-oidc/src/flow/servers.rs",
    "crates/smart-oidc/src/id_token/verifier.rs",
    "crates/smart-oidc/src/profile/fhir.rs",
    "crates/smart-oidc/src/server/assertion/verifier.rs",
    "crates/smart-oidc/src/server/authenticate.rs",
    "crates/smart-oidc/src/session/keeper.rs",
    "crates/smart-oidc/src/session/keeper/inner.rs",
    "crates/smart-oidc/src/session/keeper/refresh.rs",
    "crates/smart-oidc/src/session/keeper/turn.rs",
    "crates/smart-oidc/src/session/keeper/writing.rs",
    "crates/smart-oidc/src/session/tasks.rs",
    "crates/smart-oidc/src/token/backend_services.rs",
    "crates/smart-oidc/src/token/client.rs",
    "crates/smart-oidc/src/token/introspect.rs",
    "crates/smart-oidc/src/token/revocation.rs",
    "crates/smart-oidc/src/userinfo/client.rs",
    "crates/smart-redis/src/dial.rs",
    "crates/smart-redis/src/link.rs",
    "crates/smart-redis/src/store.rs",
];

const LIBRARY_SOURCES: [&str; 5] = [
    "crates/smart-axum/src/",
    "crates/smart-jose/src/",
    "crates/smart-discovery/src/",
    "crates/smart-oidc/src/",
    "crates/smart-redis/src/",
];

/// What any framework could carry.
const FRAMEWORK_FREE: &str = "crates/smart-axum/src/web/";

/// The web part of an app names no framework, so that a second one needs routes only.
pub(super) fn framework(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, file) in tree.rust(&[FRAMEWORK_FREE]) {
        let view = View(&file.tokens);
        for at in 0..file.tokens.len() {
            if view.word(at) == "axum" {
                found.push(Violation {
                    path: path.to_owned(),
                    line: view.line(at),
                    sentence: "`axum` is named in what every framework shares".to_owned(),
                    law: "framework-seam",
                });
            }
        }
    }
    found
}

/// The names of the cryptography libraries occur behind the seam only.
pub(super) fn backend(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, file) in tree.rust(&["crates/"]) {
        let is_hostile = path.starts_with(HOSTILE.0) && path.ends_with(HOSTILE.1);
        let is_test = path.contains("/benches/") || path.contains("/tests/");
        if is_hostile || is_test || BACKEND.iter().any(|allowed| path.starts_with(allowed)) {
            continue;
        }
        let view = View(&file.tokens);
        for at in 0..file.tokens.len() {
            if names_backend(view, at) {
                found.push(Violation {
                    path: path.to_owned(),
                    line: view.line(at),
                    sentence: format!("`{}` is named outside of the seam", view.word(at)),
                    law: "backend-seam",
                });
            }
        }
    }
    found
}

/// Our own modules bear the libraries' names, but always behind another one: `crypto::ring::`.
fn names_backend(view: View<'_>, at: usize) -> bool {
    if !matches!(view.word(at), "ring" | "aws_lc_rs") {
        return false;
    }
    let behind_another = view.before(at, 1) == "::" && is_word(view.before(at, 2));
    let is_use = view.before(at, 1) == "use" || view.before(at, 2) == "extern";
    !behind_another && (view.word(at + 1) == "::" || is_use)
}

/// The libraries wait in a few files only.
pub(super) fn awaits(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, file) in tree.rust(&LIBRARY_SOURCES) {
        if AWAITING.contains(&path) {
            continue;
        }
        let view = View(&file.production);
        for at in 0..file.production.len() {
            if view.starts(at, &[".", "await"]) {
                found.push(Violation {
                    path: path.to_owned(),
                    line: view.line(at),
                    sentence: "this file decides and does not wait; await in the shell".to_owned(),
                    law: "await-seam",
                });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_declared_for_tests_may_wait_in_a_file_of_its_own() {
        let waits = "async fn wait() { soon().await }";
        let awaiting = |declaration: &str| {
            let tree = Tree::of(&[
                ("crates/smart-oidc/src/low.rs", declaration),
                ("crates/smart-oidc/src/low/tests.rs", waits),
                ("crates/smart-oidc/src/low/tests/deeper.rs", waits),
            ]);
            let found = awaits(&tree);
            found.into_iter().map(|it| it.path).collect::<Vec<_>>()
        };
        assert!(awaiting("#[cfg(test)]\nmod tests;").is_empty());
        assert_eq!(awaiting("mod tests;").len(), 2);
        assert_eq!(awaiting("#[cfg(test)]\nmod others;").len(), 2);
    }

    fn lines(violations: &[Violation]) -> Vec<usize> {
        violations.iter().map(|v| v.line).collect()
    }

    #[test]
    fn a_backend_outside_of_the_seam_is_caught() {
        let source = "use ring::digest;\nuse ring;\nfn f() { ::aws_lc_rs::rand::fill() }";
        let tree = Tree::of(&[("crates/smart-oidc/src/flow.rs", source)]);
        assert_eq!(lines(&backend(&tree)), [1, 2, 3]);
    }

    #[test]
    fn a_framework_in_what_all_share_is_caught() {
        let source =
            "// axum\nuse http::Response;\nuse axum::body::Body;\nconst T: &str = \"axum\";";
        let tree = Tree::of(&[
            ("crates/smart-axum/src/web/page.rs", source),
            ("crates/smart-axum/src/routes.rs", source),
        ]);
        let found = framework(&tree);
        assert_eq!(lines(&found), [3]);
        assert!(found.iter().all(|it| it.path.ends_with("page.rs")));
    }

    #[test]
    fn our_own_modules_and_the_seam_are_fine() {
        let own =
            "use crate::crypto::ring::PROVIDER; // ring::digest\nfn f() { P::ring(\"ring::\") }";
        let tree = Tree::of(&[
            ("crates/smart-jose/src/jwk.rs", own),
            ("crates/smart-jose/src/crypto/ring.rs", "use ring::digest;"),
            ("crates/smart-sandbox/src/hostile.rs", "use ring::hmac;"),
            ("crates/smart-jose/benches/verify.rs", "use ring::digest;"),
            ("tests/src/forge.rs", "use ring::digest;"),
        ]);
        assert_eq!(lines(&backend(&tree)), [0; 0]);
    }

    #[test]
    fn waiting_outside_of_the_shell_is_caught() {
        let source =
            "async fn f() {\n g().await\n}\n#[cfg(test)]\nmod tests { fn t() { g().await } }";
        let tree = Tree::of(&[
            ("crates/smart-oidc/src/scope.rs", source),
            ("crates/smart-oidc/src/token/client.rs", source),
            ("crates/smart-cli/src/main.rs", source),
        ]);
        let found = awaits(&tree);
        assert_eq!(lines(&found), [2]);
        assert!(found.iter().all(|v| v.path.ends_with("scope.rs")));
    }
}
