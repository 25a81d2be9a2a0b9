//! Runs the conformance suites of the `smart-tests` package.
//!
//! Only a short name for a long command: the arguments and the exit status are the suites' own.

use crate::cargo::Cargo;
use crate::failure::Failure;

/// Runs the suites and hands on their exit status.
pub(crate) fn run(args: &[&str]) -> Result<(), Failure> {
    let suites = args.iter().fold(
        Cargo::new("run --quiet -p smart-tests --bin conformance --"),
        |cargo, arg| cargo.arg(arg),
    );
    match suites.status()? {
        Some(0) => Ok(()),
        Some(status) => Err(Failure::Status(u8::try_from(status).unwrap_or(1))),
        None => Err(Failure::Failed(format!(
            "ended by a signal: {}",
            suites.line()
        ))),
    }
}
