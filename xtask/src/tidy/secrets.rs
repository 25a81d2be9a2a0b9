//! The law about secrets: a type that holds one does not derive a way to show or compare it.
//!
//! A derived `Debug` prints the value into the first log line, and a derived `PartialEq` compares in
//! a time that depends on it. A type is known by its name, or by a comment `// secret` above it.

use super::{LIBRARIES, Violation};
use crate::tokens::{View, is_word};
use crate::tree::{File, Tree};

/// Types of the libraries that hold a secret.
const NAMES: [&str; 14] = [
    "AccessToken",
    "AuthorizationCode",
    "BrowserBinding",
    "ClientSecret",
    "CodeVerifier",
    "EcPrivateKey",
    "Ed25519PrivateKey",
    "Nonce",
    "PrivateKey",
    "RawIdToken",
    "RefreshToken",
    "RsaPrivateKey",
    "Secret",
    "State",
];

const REVEALING: [&str; 4] = ["Debug", "Display", "PartialEq", "Serialize"];

/// How far above its type the comment may stand: attributes and docs come between.
const MARK_REACH: usize = 6;

/// A type that holds a secret derives nothing that reveals it.
pub(super) fn no_revealing_derive(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, file) in tree
        .rust(&["crates/"])
        .filter(|(path, _)| path.contains("/src/"))
    {
        for ty in types(file) {
            if !(is_library(path) && NAMES.contains(&ty.name) || is_marked(file, ty.line)) {
                continue;
            }
            for derive in ty
                .derives
                .iter()
                .filter(|derive| REVEALING.contains(derive))
            {
                found.push(Violation {
                    path: path.to_owned(),
                    line: ty.line,
                    sentence: format!("`{}` holds a secret and derives `{derive}`", ty.name),
                    law: "secret-derive",
                });
            }
        }
    }
    found
}

fn is_library(path: &str) -> bool {
    LIBRARIES
        .iter()
        .any(|name| path.starts_with(&format!("crates/{name}/")))
}

fn is_marked(file: &File, line: usize) -> bool {
    let above = line.saturating_sub(1);
    file.text
        .lines()
        .take(above)
        .skip(above.saturating_sub(MARK_REACH))
        .any(|text| text.trim_start().starts_with("// secret"))
}

struct Type<'t> {
    name: &'t str,
    line: usize,
    derives: Vec<&'t str>,
}

fn types(file: &File) -> Vec<Type<'_>> {
    let view = View(&file.production);
    let mut types = Vec::new();
    let mut derives = Vec::new();
    let mut at = 0;
    while at < file.production.len() {
        match view.word(at) {
            // Also inside of `cfg_attr`.
            "derive" if view.word(at + 1) == "(" => {
                let end = view.after_group(at + 1);
                derives.extend(
                    (at + 2..end)
                        .map(|at| view.word(at))
                        .filter(|word| is_word(word)),
                );
                at = end;
            }
            "struct" | "enum" if is_word(view.word(at + 1)) => {
                types.push(Type {
                    name: view.word(at + 1),
                    line: view.line(at),
                    derives: std::mem::take(&mut derives),
                });
                at += 2;
            }
            ";" | "{" | "}" => {
                derives.clear();
                at += 1;
            }
            _ => at += 1,
        }
    }
    types
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentences(source: &str) -> Vec<String> {
        let tree = Tree::of(&[("crates/smart-oidc/src/token.rs", source)]);
        no_revealing_derive(&tree)
            .into_iter()
            .map(|v| v.sentence)
            .collect()
    }

    #[test]
    fn a_secret_by_name_that_derives_debug_is_caught() {
        let source =
            "#[derive(Clone, std::fmt::Debug)]\n#[serde(transparent)]\npub struct AccessToken(S);";
        assert_eq!(
            sentences(source),
            ["`AccessToken` holds a secret and derives `Debug`"]
        );
        let source = "#[cfg_attr(x, derive(Serialize))]\nstruct Secret<T> { t: T }";
        assert_eq!(sentences(source).len(), 1);
    }

    #[test]
    fn a_secret_by_its_mark_is_caught() {
        let source = "// secret\n/// A pin.\n#[derive(PartialEq)]\nstruct Pin(u8);";
        assert_eq!(
            sentences(source),
            ["`Pin` holds a secret and derives `PartialEq`"]
        );
    }

    #[test]
    fn other_derives_and_other_types_are_fine() {
        let source =
            "#[derive(Clone)]\nstruct Nonce(S);\n#[derive(Debug)]\nstruct Open;\nstruct State;";
        assert_eq!(sentences(source), [""; 0]);
    }
}
