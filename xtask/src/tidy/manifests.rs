//! Laws about manifests: what is common is written once, in the root.
//!
//! A version in two places is two versions before long, and a package without the workspace's lints
//! is one that no lint looks at. The reader here knows as much TOML as our manifests use.

use super::Violation;
use crate::tree::Tree;

const INHERITED: [&str; 4] = ["version", "edition", "rust-version", "license"];

/// Each member takes lints, version, edition, toolchain and licence from the workspace.
pub(super) fn inherits(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, text) in manifests(tree) {
        let entries = entries(text);
        let inherited = |table: &str, key: &str| {
            entries
                .iter()
                .any(|e| e.table == table && e.key == key && e.is_inherited())
        };
        let mut say = |what: &str| {
            found.push(Violation {
                path: path.to_owned(),
                line: 1,
                sentence: format!("{what} must come from the workspace"),
                law: "manifest",
            });
        };
        for key in INHERITED
            .into_iter()
            .filter(|key| !inherited("package", key))
        {
            say(&format!("`{key}`"));
        }
        let has_lints = entries
            .iter()
            .any(|e| e.table == "lints" && e.key == "workspace" && e.value == "true");
        if !has_lints {
            say("`[lints]`");
        }
    }
    found
}

/// No member gives a dependency's version; a development dependency on a neighbour may have none.
pub(super) fn versions_in_one_place(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, text) in manifests(tree) {
        let entries = entries(text);
        for entry in &entries {
            let Some((kind, name)) = dependency(entry) else {
                continue;
            };
            // In `[dependencies.NAME]` the entries beside this one belong to the dependency too.
            let beside = |key: &str| {
                entries.iter().any(|e| {
                    e.table == entry.table && e.key == key && dependency(e) == Some((kind, name))
                })
            };
            let has_version = entry.has("version") || entry.value.starts_with('"');
            let neighbour = kind == "dev-dependencies" && entry.has("path") && !has_version;
            if !entry.is_inherited() && !neighbour && !beside("workspace") {
                found.push(Violation {
                    path: path.to_owned(),
                    line: entry.line,
                    sentence: format!("`{name}` must be `workspace = true`"),
                    law: "dependency-version",
                });
            }
        }
    }
    found
}

fn manifests(tree: &Tree) -> impl Iterator<Item = (&str, &str)> {
    tree.under("")
        .map(|(path, file)| (path, file.text.as_str()))
        .filter(|(path, _)| {
            let is_crate = path.starts_with("crates/") && path.matches('/').count() == 2;
            (is_crate && path.ends_with("/Cargo.toml"))
                || matches!(
                    *path,
                    "tests/Cargo.toml" | "tests/browser/Cargo.toml" | "xtask/Cargo.toml"
                )
        })
}

/// `key = value` below `[table]`; `a.b = c` has the key `a` and the value `{ b = c }`.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    line: usize,
    table: String,
    key: String,
    value: String,
}

impl Entry {
    fn is_inherited(&self) -> bool {
        self.member("workspace") == Some("true") || self.key == "workspace" && self.value == "true"
    }

    fn has(&self, key: &str) -> bool {
        self.member(key).is_some()
    }

    /// The value of a member, when this is an inline table.
    fn member(&self, key: &str) -> Option<&str> {
        let inside = self.value.strip_prefix('{')?.strip_suffix('}')?;
        inside.split(',').find_map(|member| {
            let (name, value) = member.split_once('=')?;
            (name.trim() == key).then_some(value.trim())
        })
    }
}

/// The kind of a dependency and its name, when the entry is one or is part of one.
fn dependency(entry: &Entry) -> Option<(&str, &str)> {
    const KINDS: [&str; 3] = ["dev-dependencies", "build-dependencies", "dependencies"];
    KINDS.into_iter().find_map(|kind| {
        if entry.table == kind || entry.table.ends_with(&format!(".{kind}")) {
            return Some((kind, entry.key.as_str()));
        }
        let start = entry.table.find(&format!("{kind}."))?;
        let name = entry.table.get(start + kind.len() + 1..)?;
        Some((kind, name))
    })
}

fn entries(text: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut table = String::new();
    let mut lines = (1..).zip(text.lines());
    while let Some((line, first)) = lines.next() {
        let first = without_comment(first);
        if let Some(name) = first
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            table = name.trim_matches(['[', ']']).to_owned();
            continue;
        }
        let Some((key, value)) = first.split_once('=') else {
            continue;
        };
        let mut value = value.trim().to_owned();
        while is_open(&value) {
            let Some((_, more)) = lines.next() else {
                break;
            };
            value.push_str(without_comment(more));
        }
        let (key, value) = match key.trim().split_once('.') {
            Some((key, member)) => (key, format!("{{ {member} = {value} }}")),
            None => (key.trim(), value),
        };
        entries.push(Entry {
            line,
            table: table.clone(),
            key: key.to_owned(),
            value,
        });
    }
    entries
}

fn is_open(value: &str) -> bool {
    value.matches(['[', '{']).count() > value.matches([']', '}']).count()
}

fn without_comment(line: &str) -> &str {
    let mut quoted = false;
    let end = line.find(|c: char| {
        quoted ^= c == '"';
        c == '#' && !quoted
    });
    end.and_then(|end| line.get(..end)).unwrap_or(line).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
[package]
name = \"a\"
version.workspace = true
edition = { workspace = true }
rust-version.workspace = true
license.workspace = true

[dependencies]
ring = { workspace = true, optional = true }
serde.workspace = true # why
tokio = { workspace = true, features = [
    \"sync\", # and why
    \"time\",
] }

[dependencies.url]
workspace = true
features = [\"serde\"]

[dev-dependencies]
neighbour = { path = \"../neighbour\", default-features = false }

[lints]
workspace = true
";

    fn sentences(law: fn(&Tree) -> Vec<Violation>, manifest: &str) -> Vec<String> {
        let tree = Tree::of(&[("crates/a/Cargo.toml", manifest), ("fuzz/Cargo.toml", "")]);
        law(&tree)
            .into_iter()
            .map(|v| format!("{}: {}", v.line, v.sentence))
            .collect()
    }

    #[test]
    fn a_good_manifest_breaks_no_law() {
        assert_eq!(sentences(inherits, GOOD), [""; 0]);
        assert_eq!(sentences(versions_in_one_place, GOOD), [""; 0]);
    }

    #[test]
    fn what_is_not_inherited_is_caught() {
        let bad = GOOD
            .replace(
                "version.workspace = true\nedition",
                "version = \"1.0.0\"\nedition",
            )
            .replace("[lints]", "[other]");
        let expected = [
            "1: `version` must come from the workspace",
            "1: `[lints]` must come from the workspace",
        ];
        assert_eq!(sentences(inherits, &bad), expected);
    }

    #[test]
    fn a_version_of_ones_own_is_caught() {
        let bad = "[dependencies]\na = \"1\"\n[dev-dependencies]\nb = { path = \"../b\", version = \"1\" }\n\
                   [target.'cfg(unix)'.dependencies]\nc = { version = \"1\" }\n[dependencies.d]\nversion = \"1\"";
        let expected = [
            "2: `a` must be `workspace = true`",
            "4: `b` must be `workspace = true`",
            "6: `c` must be `workspace = true`",
            "8: `d` must be `workspace = true`",
        ];
        assert_eq!(sentences(versions_in_one_place, bad), expected);
    }
}
