//! `smart` as the tests in the browser run it: built with them, and so never an old one.

use std::process::ExitCode;

fn main() -> ExitCode {
    smart_cli::main()
}
