//! The law about dependencies: what each crate does without is a promise, so it is checked.
//!
//! A person who only verifies tokens gets no runtime and no HTTP, and the default tool has one
//! cryptography library in it. Cargo knows; here is what we ask and what must not be answered.

use super::Violation;
use crate::cargo::Cargo;
use crate::cargo_tree::{self, Packages};
use crate::tree::Tree;

/// One question to `cargo tree`, and what the answer must have and must not.
struct Promise {
    /// What is asked for, after `cargo tree --locked`.
    selection: &'static str,
    /// Whose promise it is.
    manifest: &'static str,
    present: &'static [&'static str],
    absent: &'static [&'static str],
}

/// Cryptography that would stand beside the chosen backend.
const SECOND_CRYPTOGRAPHY: [&str; 12] = [
    "aws-lc-rs",
    "aws-lc-sys",
    "curve25519-dalek",
    "ed25519-dalek",
    "hmac",
    "native-tls",
    "openssl",
    "openssl-sys",
    "p256",
    "p384",
    "rsa",
    "sha2",
];

const PROMISES: [Promise; 7] = [
    Promise {
        selection: "-p smart-jose -e normal",
        manifest: "crates/smart-jose/Cargo.toml",
        present: &["ring"],
        absent: &[
            "tokio*", "reqwest", "http", "hyper", "futures*", "async-*", "aws-lc-*",
        ],
    },
    Promise {
        selection: "-p smart-discovery -e normal --no-default-features --features ring",
        manifest: "crates/smart-discovery/Cargo.toml",
        present: &["ring"],
        absent: &["reqwest", "hyper*", "aws-lc-*"],
    },
    Promise {
        selection: "-p smart-oidc -e normal --no-default-features --features aws-lc-rs",
        manifest: "crates/smart-oidc/Cargo.toml",
        present: &["aws-lc-rs"],
        absent: &["ring", "reqwest"],
    },
    Promise {
        selection: "-p smart-oidc -e normal",
        manifest: "crates/smart-oidc/Cargo.toml",
        present: &["ring"],
        absent: &SECOND_CRYPTOGRAPHY,
    },
    Promise {
        selection: "-p smart-redis -e normal",
        manifest: "crates/smart-redis/Cargo.toml",
        present: &["ring"],
        absent: &SECOND_CRYPTOGRAPHY,
    },
    Promise {
        selection: "-p smart-axum -e normal",
        manifest: "crates/smart-axum/Cargo.toml",
        present: &["ring"],
        absent: &SECOND_CRYPTOGRAPHY,
    },
    Promise {
        selection: "-p smart-cli -e normal,build",
        manifest: "crates/smart-cli/Cargo.toml",
        present: &["ring"],
        absent: &SECOND_CRYPTOGRAPHY,
    },
];

/// Features of `serde_json` that change what parsing means for the whole build, ours included.
const CHANGES_MEANING: [&str; 2] = ["arbitrary_precision", "preserve_order"];

/// Each crate does without what it promises to do without.
pub(super) fn dependencies(tree: &Tree) -> Vec<Violation> {
    if !tree.on_disk {
        return Vec::new();
    }
    let mut found = Vec::new();
    for promise in &PROMISES {
        let question = Cargo::new("tree --locked --prefix none --format")
            .arg(cargo_tree::FORMAT)
            .args(promise.selection);
        let broken = match question.output() {
            Ok(output) => broken(promise, &cargo_tree::packages(&output)),
            Err(sentence) => vec![sentence],
        };
        found.extend(broken.into_iter().map(|sentence| Violation {
            path: promise.manifest.to_owned(),
            line: 1,
            sentence,
            law: "layering",
        }));
    }
    found
}

fn broken(promise: &Promise, packages: &Packages) -> Vec<String> {
    let mut broken = Vec::new();
    for name in cargo_tree::present(packages, promise.absent) {
        broken.push(format!(
            "{name} must not be in the tree of `{}`",
            promise.selection
        ));
    }
    for name in promise.present {
        if !packages.contains_key(*name) {
            broken.push(format!(
                "{name} must be in the tree of `{}`",
                promise.selection
            ));
        }
    }
    for feature in CHANGES_MEANING {
        if packages
            .get("serde_json")
            .is_some_and(|features| features.contains(feature))
        {
            broken.push(format!(
                "serde_json must not have `{feature}` in `{}`",
                promise.selection
            ));
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROMISE: Promise = Promise {
        selection: "-p a",
        manifest: "a",
        present: &["ring"],
        absent: &["tokio*", "http"],
    };

    #[test]
    fn a_kept_promise_is_fine() {
        let output = "ring v0.17.14|\nserde_json v1.0.154|std\nhttparse v1.0.0|\n";
        assert_eq!(broken(&PROMISE, &cargo_tree::packages(output)), [""; 0]);
    }

    #[test]
    fn each_way_to_break_a_promise_is_caught() {
        let output = "tokio-rustls v0.26.0|\nserde_json v1.0.154|preserve_order,std\n";
        let expected = [
            "tokio-rustls must not be in the tree of `-p a`",
            "ring must be in the tree of `-p a`",
            "serde_json must not have `preserve_order` in `-p a`",
        ];
        assert_eq!(broken(&PROMISE, &cargo_tree::packages(output)), expected);
    }
}
