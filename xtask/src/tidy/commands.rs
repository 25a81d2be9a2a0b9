//! The law about commands: none of ours turns on everything, and none changes the compiler's flags.
//!
//! All features at once is a build that nobody uses, which hides what is missing from the others.
//! Compiler flags in the environment build every dependency again. Prose may name both, to explain.

use super::Violation;
use crate::tree::Tree;

// Put together, so that the words do not stand here as a command.
const EVERYTHING: &str = concat!("--all", "-features");
const COMPILER_FLAGS: &str = concat!("RUST", "FLAGS");

/// Folders and files that hold commands.
const SCRIPTS: [&str; 3] = [".ci/", ".github/", ".cargo/"];
const PROSE: [&str; 5] = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "docs/",
    "crates/",
];

/// No command of ours has a flag that rebuilds the world.
pub(super) fn no_rebuilding_flag(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut say = |path: &str, line: usize, text: &str| {
        if let Some(flag) = flag_in(text) {
            found.push(Violation {
                path: path.to_owned(),
                line,
                sentence: format!("a command uses `{flag}`"),
                law: "command",
            });
        }
    };
    for (path, file) in tree.rust(&["xtask/"]) {
        for string in &file.strings {
            say(path, string.line, &string.text);
        }
    }
    for (path, file) in SCRIPTS.iter().flat_map(|folder| tree.under(folder)) {
        for (line, text) in (1..)
            .zip(file.text.lines())
            .filter(|(_, text)| !is_comment(text))
        {
            say(path, line, text);
        }
    }
    for (path, file) in PROSE.iter().flat_map(|folder| tree.under(folder)) {
        if path.ends_with(".md") {
            for (line, text) in commands(&file.text) {
                say(path, line, text);
            }
        }
    }
    found
}

fn flag_in(text: &str) -> Option<&'static str> {
    [EVERYTHING, COMPILER_FLAGS]
        .into_iter()
        .find(|flag| text.contains(flag))
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

/// The lines of fenced code; what stands between them is prose.
fn commands(text: &str) -> Vec<(usize, &str)> {
    let mut fenced = false;
    let mut lines = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        if text.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced && !is_comment(text) {
            lines.push((line, text));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let text = text
            .replace("{all}", EVERYTHING)
            .replace("{flags}", COMPILER_FLAGS);
        no_rebuilding_flag(&Tree::of(&[(path, &text)]))
            .iter()
            .map(|v| v.line)
            .collect()
    }

    #[test]
    fn a_flag_in_a_command_is_caught() {
        assert_eq!(
            lines(
                ".ci/run",
                "# why\ncargo test {all}\n{flags}='-D warnings' x"
            ),
            [2, 3]
        );
        assert_eq!(
            lines(".github/workflows/ci.yml", "env:\n  {flags}: -D warnings"),
            [2]
        );
        assert_eq!(lines("xtask/src/ci.rs", "f(\"doc {all}\")"), [1]);
        assert_eq!(
            lines("README.md", "words\n```sh\ncargo doc {all}\n```"),
            [3]
        );
    }

    #[test]
    fn words_that_explain_are_fine() {
        assert_eq!(
            lines(
                ".ci/run",
                "  # never {all}, never {flags}\nRUSTDOCFLAGS=x y"
            ),
            [0; 0]
        );
        assert_eq!(
            lines("xtask/src/ci.rs", "// not {all}\nf(\"RUSTDOCFLAGS\")"),
            [0; 0]
        );
        assert_eq!(
            lines("docs/style.md", "Never {flags}.\n```sh\n# nor {all}\n```"),
            [0; 0]
        );
    }
}
