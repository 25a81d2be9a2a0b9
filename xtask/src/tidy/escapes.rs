//! Laws about ways out: a test that is skipped, code that is unfinished, a lint that is silenced.
//!
//! Each is handy for an hour and stays for years, so none of them gets in.

use super::Violation;
use crate::tokens::View;
use crate::tree::Tree;

const RUST: [&str; 4] = ["crates/", "tests/", "xtask/", "fuzz/"];

/// No test is ignored, and none passes by panicking anywhere.
pub(super) fn no_skipped_test(tree: &Tree) -> Vec<Violation> {
    each_token(tree, &RUST, |_, view, at| {
        let attribute = view.before(at, 1) == "[" && view.before(at, 2) == "#";
        match view.word(at) {
            "ignore" if attribute => Some("a skipped test tests nothing; repair or remove it"),
            "should_panic" if attribute => {
                Some("any panic passes this test; assert the error that is expected")
            }
            _ => None,
        }
        .map(|sentence| (sentence.to_owned(), "skipped-test"))
    })
}

/// Nothing is left to be written later.
pub(super) fn nothing_unfinished(tree: &Tree) -> Vec<Violation> {
    each_token(tree, &RUST, |_, view, at| {
        let word = view.word(at);
        (matches!(word, "todo" | "unimplemented") && view.word(at + 1) == "!")
            .then(|| (format!("`{word}!` is unfinished code"), "unfinished"))
    })
}

/// A test that sleeps is slow when it passes and wrong when the machine is busy.
pub(super) fn no_sleeping_test(tree: &Tree) -> Vec<Violation> {
    each_token(tree, &["crates/", "tests/"], |path, view, at| {
        let is_test = path.starts_with("tests/") || path.contains("/tests/");
        let sleeps = view.starts(at, &["thread", "::", "sleep"])
            || view.starts(at, &["time", "::", "sleep"]);
        (is_test && sleeps).then(|| {
            (
                "a test passes time in, it does not sleep".to_owned(),
                "sleeping-test",
            )
        })
    })
}

/// Whoever silences a lint says why.
pub(super) fn reasons(tree: &Tree) -> Vec<Violation> {
    each_token(tree, &RUST, |_, view, at| {
        let word = view.word(at);
        let is_attribute = matches!(word, "allow" | "expect")
            && view.before(at, 1) == "["
            && matches!(view.before(at, 2), "#" | "!")
            && view.word(at + 1) == "(";
        let end = view.after_group(at + 1);
        let has_reason = || (at..end).any(|at| view.starts(at, &["reason", "="]));
        (is_attribute && !has_reason())
            .then(|| (format!("`{word}` without `reason = \"...\"`"), "reason"))
    })
}

/// Asks the rule at each token of the Rust files below these folders.
fn each_token(
    tree: &Tree,
    folders: &[&str],
    rule: impl Fn(&str, View<'_>, usize) -> Option<(String, &'static str)>,
) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, file) in tree.rust(folders) {
        let view = View(&file.tokens);
        for at in 0..file.tokens.len() {
            if let Some((sentence, law)) = rule(path, view, at) {
                let (path, line) = (path.to_owned(), view.line(at));
                found.push(Violation {
                    path,
                    line,
                    sentence,
                    law,
                });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(law: fn(&Tree) -> Vec<Violation>, path: &str, source: &str) -> Vec<usize> {
        law(&Tree::of(&[(path, source)]))
            .iter()
            .map(|v| v.line)
            .collect()
    }

    #[test]
    fn a_skipped_test_is_caught() {
        let source = "#[test]\n#[ignore = \"slow\"]\nfn a() {}\n#[should_panic]\nfn b() {}";
        assert_eq!(lines(no_skipped_test, "tests/a.rs", source), [2, 4]);
        let good = "// #[ignore]\n#[test]\nfn a() { ignore(); \"#[should_panic]\"; }";
        assert_eq!(lines(no_skipped_test, "tests/a.rs", good), [0; 0]);
    }

    #[test]
    fn unfinished_code_is_caught() {
        let source = "fn a() { todo!() }\nfn b() { unimplemented!(\"later\") }";
        assert_eq!(
            lines(nothing_unfinished, "crates/a/src/b.rs", source),
            [1, 2]
        );
        let good = "// todo!()\nfn todo() {}";
        assert_eq!(lines(nothing_unfinished, "crates/a/src/b.rs", good), [0; 0]);
    }

    #[test]
    fn a_sleeping_test_is_caught() {
        let source = "std::thread::sleep(d);\ntokio::time::sleep(d).await;";
        assert_eq!(lines(no_sleeping_test, "tests/a.rs", source), [1, 2]);
        assert_eq!(
            lines(no_sleeping_test, "crates/a/tests/b.rs", source),
            [1, 2]
        );
        assert_eq!(lines(no_sleeping_test, "crates/a/src/b.rs", source), [0; 0]);
    }

    #[test]
    fn a_lint_silenced_without_a_reason_is_caught() {
        let source = "#![allow(dead_code)]\n#[expect(\n    missing_docs\n)]\nfn a() {}";
        assert_eq!(lines(reasons, "xtask/src/a.rs", source), [1, 2]);
        let good = "#[expect(\n    missing_docs,\n    reason = \"why\"\n)]\nfn a() { b.expect(c) }";
        assert_eq!(lines(reasons, "xtask/src/a.rs", good), [0; 0]);
    }
}
