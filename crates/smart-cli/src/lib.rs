//! `smart`: play a whole sign-in, verify a token from anywhere, follow the chain of
//! trust, serve a dashboard.
//!
//! It is a program. The library has its [`main`] and nothing else, so that a package of tests can
//! build the same program and run it.

mod args;
mod demo;
mod discover;
mod exit;
mod input;
mod log;
mod output;
mod provider;
mod sandbox;
mod serve;
mod signals;
mod verify;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Args, Command};
use crate::exit::{Exit, Failure};

/// The program: reads the command line, does what it says, and gives the exit status.
#[must_use]
pub fn main() -> ExitCode {
    let args = Args::parse();
    let json = args.command.prints_json();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return report(&Failure::io(format!("no runtime: {error}")), json),
    };
    match runtime.block_on(run(args)) {
        Ok(exit) => exit.into(),
        Err(failure) => report(&failure, json),
    }
}

async fn run(args: Args) -> Result<Exit, Failure> {
    match args.command {
        Command::Demo(args) => demo::run(&args).await,
        Command::Discover(args) => discover::run(&args).await,
        Command::Sandbox(args) => sandbox::run(args).await,
        Command::Serve(args) => serve::run(&args).await,
        Command::Verify(args) => verify::run(&args).await,
    }
}

/// Prints one line for whoever has to mend it, and an object for a program that waits for one.
fn report(failure: &Failure, json: bool) -> ExitCode {
    if json {
        output::json(failure);
    }
    output::error(format_args!("smart: {failure}"));
    failure.exit().into()
}
