//! Runs the conformance suites of the `smart-tests` package.
//!
//! Only a short name for a long command: the arguments and the exit status are the suites' own.

use std::path::Path;

use crate::cargo::Cargo;
use crate::failure::Failure;

/// Runs the suites and hands on their exit status. Files are named from where the caller stands,
/// which is not always the root.
pub(crate) fn run(from: &Path, args: &[&str]) -> Result<(), Failure> {
    let mut suites = Cargo::new("run --quiet -p smart-tests --bin conformance --");
    let mut is_file = false;
    for arg in args {
        let path = from.join(arg);
        let arg = if is_file {
            path.to_str().unwrap_or(arg)
        } else {
            arg
        };
        is_file = matches!(arg, "--corpus" | "--json");
        suites = suites.arg(arg);
    }
    match suites.status()? {
        Some(0) => Ok(()),
        Some(status) => Err(Failure::Status(u8::try_from(status).unwrap_or(1))),
        None => Err(Failure::Failed(format!(
            "ended by a signal: {}",
            suites.line()
        ))),
    }
}
