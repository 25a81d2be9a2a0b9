//! Laws about a file as a whole: how it opens, how long it is, which white space it has.

use super::Violation;
use crate::tree::Tree;

/// A file holds one idea; beyond this it holds two.
const LONGEST: usize = 700;

const RUST: [&str; 4] = ["crates/", "tests/", "xtask/", "fuzz/"];

/// What we write by hand. Fixtures are left out, as some are strange on purpose.
const WRITTEN: [&str; 8] = [
    ".rs",
    ".toml",
    ".md",
    ".yml",
    ".yaml",
    ".tsv",
    ".sh",
    ".gitignore",
];

/// Each Rust file opens with a `//!` that says why it exists.
pub(super) fn front_line(tree: &Tree) -> Vec<Violation> {
    tree.rust(&RUST)
        .filter(|(_, file)| !file.text.starts_with("//!"))
        .map(|(path, _)| Violation {
            path: path.to_owned(),
            line: 1,
            sentence: "a file opens with a `//!` line that says why it exists".to_owned(),
            law: "front-line",
        })
        .collect()
}

/// No file of a crate grows without end.
pub(super) fn size(tree: &Tree) -> Vec<Violation> {
    tree.rust(&["crates/"])
        .filter(|(path, _)| path.contains("/src/"))
        .map(|(path, file)| (path, file.text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST)
        .map(|(path, lines)| Violation {
            path: path.to_owned(),
            line: lines,
            sentence: format!("{lines} lines, and one idea fits in {LONGEST}"),
            law: "file-size",
        })
        .collect()
}

/// White space that an editor does not show and a diff does.
pub(super) fn hygiene(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, file) in tree.under("") {
        if !is_written(path) {
            continue;
        }
        let mut say = |line: usize, sentence: &str| {
            found.push(Violation {
                path: path.to_owned(),
                line,
                sentence: sentence.to_owned(),
                law: "hygiene",
            });
        };
        let last = file.text.lines().count();
        if file.text.contains('\r') {
            say(1, "a line ends with a carriage return");
        }
        if !file.text.is_empty() && !file.text.ends_with('\n') {
            say(last, "the last line does not end with a newline");
        }
        for (number, line) in (1..).zip(file.text.lines()) {
            if line.ends_with([' ', '\t']) {
                say(number, "white space at the end of the line");
            }
            if path.ends_with(".rs") && line.contains('\t') {
                say(number, "a tab");
            }
        }
    }
    found
}

fn is_written(path: &str) -> bool {
    let is_fixture = path.contains("/fixtures/");
    path.starts_with(".ci/") || !is_fixture && WRITTEN.iter().any(|end| path.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(violations: &[Violation]) -> Vec<(&str, usize)> {
        violations
            .iter()
            .map(|v| (v.path.as_str(), v.line))
            .collect()
    }

    #[test]
    fn a_file_without_its_front_line_is_caught() {
        let tree = Tree::of(&[
            ("crates/a/src/lib.rs", "//! Why.\n"),
            ("tests/b.rs", "// Not a doc.\n"),
            ("fuzz/c.rs", ""),
        ]);
        assert_eq!(
            lines(&front_line(&tree)),
            [("tests/b.rs", 1), ("fuzz/c.rs", 1)]
        );
    }

    #[test]
    fn a_file_that_holds_two_ideas_is_caught() {
        let (fits, long) = ("//\n".repeat(LONGEST), "//\n".repeat(LONGEST + 1));
        let tree = Tree::of(&[
            ("crates/a/src/fits.rs", &fits),
            ("crates/a/src/long.rs", &long),
            ("crates/a/tests/long.rs", &long),
        ]);
        assert_eq!(lines(&size(&tree)), [("crates/a/src/long.rs", LONGEST + 1)]);
    }

    #[test]
    fn invisible_white_space_is_caught() {
        let tree = Tree::of(&[
            ("a.md", "one \ntwo"),
            ("b.rs", "\tx\n"),
            (".ci/run", "a\r\n"),
            ("good.rs", "fn main() {}\n"),
            ("tests/fixtures/odd.md", "as it came \r\n"),
        ]);
        let expected = [(".ci/run", 1), ("a.md", 2), ("a.md", 1), ("b.rs", 1)];
        assert_eq!(lines(&hygiene(&tree)), expected);
    }
}
