//! The law about machines: no file names a folder of the machine it was written on.
//!
//! Such a path works for its author and for nobody else.

use super::Violation;
use crate::tree::Tree;

// Put together, so that the law does not catch itself.
const FOLDERS: [&str; 4] = [
    concat!("/", "root/"),
    concat!("/", "home/"),
    concat!("/", "work/"),
    concat!("/", "tmp/"),
];
const OUTSIDE: &str = concat!("../", "shared");

/// A temporary folder is asked for, in scripts too; only these may list names to be left alone.
const EXEMPT: &str = ".gitignore";

/// No file names a path that exists on one machine only.
pub(super) fn no_machine_path(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, file) in tree.under("").filter(|(path, _)| !path.ends_with(EXEMPT)) {
        for (line, text) in (1..).zip(file.text.lines()) {
            if let Some(named) = named_in(text) {
                found.push(Violation {
                    path: path.to_owned(),
                    line,
                    sentence: format!("`{named}` exists on one machine only"),
                    law: "machine-path",
                });
            }
        }
    }
    found
}

fn named_in(text: &str) -> Option<&'static str> {
    let folder = FOLDERS.into_iter().find(|folder| {
        text.match_indices(folder).any(|(at, _)| {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            begins_path(before)
        })
    });
    folder.or_else(|| text.contains(OUTSIDE).then_some(OUTSIDE))
}

/// In the middle of a URL the same words are a path on a server.
fn begins_path(before: Option<char>) -> bool {
    before.is_none_or(|c| c.is_whitespace() || "\"'`([{=:,<>|/".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_one_machine_is_caught() {
        for folder in FOLDERS {
            for text in [
                format!("{folder}x"),
                format!("see `{folder}`"),
                format!("file://{folder}"),
            ] {
                let tree = Tree::of(&[("docs/a.md", &text)]);
                assert_eq!(no_machine_path(&tree).len(), 1, "{text}");
            }
        }
        let tree = Tree::of(&[("docs/a.md", &format!("in {OUTSIDE}/x"))]);
        assert_eq!(no_machine_path(&tree).len(), 1);
    }

    #[test]
    fn a_path_of_a_server_is_fine() {
        for folder in FOLDERS {
            let url = format!("https://ehr.example{folder}x");
            let tree = Tree::of(&[("docs/a.md", &url), (".gitignore", folder)]);
            assert_eq!(no_machine_path(&tree), [], "{url}");
        }
    }
}
