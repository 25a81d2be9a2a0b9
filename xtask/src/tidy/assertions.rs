//! The law about tests: each one asserts something.
//!
//! A test that only calls and returns shows that nothing panicked, and reads as if it showed more.

use super::Violation;
use crate::tokens::{View, after_attributes};
use crate::tree::Tree;

/// What a test asserts with: words that begin so, macros and helpers alike.
const ASSERTING: [&str; 4] = ["assert", "check", "expect_", "prop_assert"];

/// Each test function contains an assertion.
pub(super) fn every_test_asserts(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, file) in tree.rust(&["crates/", "tests/", "xtask/"]) {
        let view = View(&file.tokens);
        for at in (0..file.tokens.len()).filter(|at| is_test_attribute(view, *at)) {
            let item = after_attributes(view, at);
            let Some(function) = (item..file.tokens.len()).find(|at| view.word(*at) == "fn") else {
                continue;
            };
            if !asserts(view, function, file.tokens.len()) {
                found.push(Violation {
                    path: path.to_owned(),
                    line: view.line(function),
                    sentence: format!("the test `{}` asserts nothing", view.word(function + 1)),
                    law: "assertion",
                });
            }
        }
    }
    found
}

fn is_test_attribute(view: View<'_>, at: usize) -> bool {
    view.starts(at, &["#", "[", "test", "]"]) || view.starts(at, &["#", "[", "tokio", "::", "test"])
}

fn asserts(view: View<'_>, function: usize, end: usize) -> bool {
    let Some(body) = (function..end).find(|at| view.word(*at) == "{") else {
        return false;
    };
    (body..view.after_group(body)).any(|at| {
        ASSERTING
            .iter()
            .any(|beginning| view.word(at).starts_with(beginning))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_asserts_nothing_is_caught() {
        let source = "#[test]\nfn a() { run(); }\n#[tokio::test(flavor = \"x\")]\n#[cfg(y)]\nasync fn b() \
                      -> R {\n // assert\n call(\"assert\")?; Err(E) }\n#[test]\nfn c() { assert!(true) }";
        let found = every_test_asserts(&Tree::of(&[("tests/a.rs", source)]));
        let shown: Vec<_> = found
            .iter()
            .map(|v| (v.line, v.sentence.as_str()))
            .collect();
        let expected = [
            (2, "the test `a` asserts nothing"),
            (5, "the test `b` asserts nothing"),
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn helpers_and_functions_that_are_no_tests_are_fine() {
        let source =
            "fn a() {}\n#[test]\nfn b() { check(case) }\n#[test]\nfn c() { expect_code(1) }";
        assert_eq!(
            every_test_asserts(&Tree::of(&[("crates/a/src/b.rs", source)])),
            []
        );
    }
}
