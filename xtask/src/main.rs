//! The project's chores, as `cargo xtask NAME`.
//!
//! One program instead of a folder of scripts: the same command runs on every desk and in CI, its
//! rules have unit tests, and it depends on none of our crates, so it works while a library does
//! not compile.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is a command-line program: printing is what it does"
)]

mod bench;
mod cargo;
mod cargo_tree;
mod ci;
mod conformance;
mod downstream;
mod failure;
mod fuzz;
mod matrix;
mod requirements;
mod scratch;
mod tidy;
mod tokens;
mod tree;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use failure::Failure;

const HELP: &str = "\
The project's chores.

cargo xtask ci [--from STEP] [--list]   everything that `cargo test --workspace` does not run
cargo xtask tidy                        the laws of the house
cargo xtask matrix [--check]            write docs/conformance.md, or say that it is stale
cargo xtask conformance [ARGS...]       the suites, or --corpus FILE; docs/corpus.md has the rest
cargo xtask downstream [--allow-dirty]  package the crates and use them from outside
cargo xtask bench                       each benchmark as a ratio to its floor
cargo xtask fuzz [--seconds N]          run each fuzz target, 30 s unless told otherwise
cargo xtask help                        this text

Exit status: 0 all is well, 1 something failed, 2 the command line was not understood.";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let from = std::env::current_dir().unwrap_or_default();
    let outcome = enter_root().and_then(|root| dispatch(&root, &from, &args));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(sentence) = failure.sentence() {
                eprintln!("{sentence}");
            }
            failure.exit_code()
        }
    }
}

fn dispatch(root: &Path, from: &Path, args: &[String]) -> Result<(), Failure> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["ci", rest @ ..] => ci::run(root, rest),
        ["tidy"] => tidy::run(root),
        ["matrix"] => matrix::write(root),
        ["matrix", "--check"] => matrix::check(root),
        ["conformance", rest @ ..] => conformance::run(from, rest),
        ["downstream"] => downstream::run(root, false),
        ["downstream", "--allow-dirty"] => downstream::run(root, true),
        ["bench"] => bench::run(root),
        ["fuzz", rest @ ..] => fuzz::run(root, rest),
        ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            Ok(())
        }
        [] => Err(Failure::Usage(HELP.to_owned())),
        _ => Err(Failure::Usage(format!(
            "not understood: `cargo xtask {}`\n\n{HELP}",
            words.join(" ")
        ))),
    }
}

/// The workspace's root becomes the current folder, so that each command behaves the same from
/// wherever it was called.
fn enter_root() -> Result<PathBuf, Failure> {
    let root = workspace_root();
    std::env::set_current_dir(&root)
        .map_err(|error| Failure::Failed(format!("cannot enter {}: {error}", root.display())))?;
    Ok(root)
}

/// This package sits one folder below the root.
fn workspace_root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_owned()
}
