//! The laws of the house that neither the compiler nor a lint can hold.
//!
//! Each law is a function from the tree to its violations, so each has a test that shows it a
//! breach. All of them run in `cargo xtask tidy` and, as a test, in `cargo test --workspace`.

mod assertions;
mod commands;
mod covers;
mod escapes;
mod files;
mod layering;
mod machine;
mod manifests;
mod modules;
mod paths;
mod seams;
mod secrets;

use std::fmt;
use std::path::Path;

use crate::failure::Failure;
use crate::tree::Tree;

/// The crates that others depend on.
const LIBRARIES: [&str; 5] = [
    "smart-jose",
    "smart-discovery",
    "smart-oidc",
    "smart-redis",
    "smart-axum",
];

/// One breach of one law.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Violation {
    path: String,
    line: usize,
    sentence: String,
    law: &'static str,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}: {} ({})",
            self.path, self.line, self.sentence, self.law
        )
    }
}

type Law = fn(&Tree) -> Vec<Violation>;

const LAWS: [Law; 21] = [
    files::front_line,
    files::size,
    files::hygiene,
    modules::no_cycle,
    modules::error_is_on_top,
    seams::backend,
    seams::framework,
    seams::awaits,
    secrets::no_revealing_derive,
    escapes::no_skipped_test,
    escapes::nothing_unfinished,
    escapes::no_sleeping_test,
    escapes::reasons,
    assertions::every_test_asserts,
    manifests::inherits,
    manifests::versions_in_one_place,
    commands::no_rebuilding_flag,
    machine::no_machine_path,
    covers::ids_exist,
    covers::matrix_is_fresh,
    layering::dependencies,
];

/// Prints what is wrong; anything wrong is a failure.
pub(crate) fn run(root: &Path) -> Result<(), Failure> {
    match report(root)? {
        0 => Ok(()),
        count => Err(Failure::Failed(format!("tidy: {count} violations"))),
    }
}

/// Prints each violation and returns how many there are.
pub(crate) fn report(root: &Path) -> Result<usize, String> {
    let violations = violations(&Tree::read(root)?);
    for violation in &violations {
        println!("{violation}");
    }
    Ok(violations.len())
}

fn violations(tree: &Tree) -> Vec<Violation> {
    LAWS.iter().flat_map(|law| law(tree)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_is_tidy() -> Result<(), String> {
        let found = violations(&Tree::read(&crate::workspace_root())?);
        let lines: Vec<String> = found.iter().map(Violation::to_string).collect();
        assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
        Ok(())
    }

    #[test]
    fn a_violation_can_be_clicked() {
        let violation = Violation {
            path: "a.rs".to_owned(),
            line: 3,
            sentence: "this is wrong".to_owned(),
            law: "law",
        };
        assert_eq!(violation.to_string(), "a.rs:3: this is wrong (law)");
    }
}
