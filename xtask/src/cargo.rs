//! Running a child `cargo` as if it had been typed into a shell.
//!
//! `cargo run` tells its child which package it is (`CARGO_PKG_NAME` and others). A `cargo` started
//! from there would hand these on to build scripts, and ring's asks to be run again whenever one of
//! them changes: each build from here would undo the one from the shell. So they are removed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One `cargo` command line, which can be shown, run, or run for its output.
#[derive(Debug, Clone)]
pub(crate) struct Cargo {
    args: Vec<String>,
    envs: Vec<(&'static str, String)>,
    folder: Option<PathBuf>,
}

impl Cargo {
    /// The words after `cargo`, separated by white space.
    pub(crate) fn new(line: &str) -> Self {
        Self {
            args: Vec::new(),
            envs: Vec::new(),
            folder: None,
        }
        .args(line)
    }

    /// One more argument, taken as it is.
    pub(crate) fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }

    /// More arguments, separated by white space.
    pub(crate) fn args(mut self, line: &str) -> Self {
        self.args.extend(line.split_whitespace().map(str::to_owned));
        self
    }

    /// A variable for this child only.
    pub(crate) fn env(mut self, name: &'static str, value: &str) -> Self {
        self.envs.push((name, value.to_owned()));
        self
    }

    /// The folder to run in, when it is not the workspace's root.
    pub(crate) fn folder(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// The command line as one can paste it into a shell.
    pub(crate) fn line(&self) -> String {
        let mut words: Vec<String> = self
            .envs
            .iter()
            .map(|(name, value)| format!("{name}={}", quoted(value)))
            .collect();
        words.push("cargo".to_owned());
        words.extend(self.args.iter().map(|arg| quoted(arg)));
        words.join(" ")
    }

    /// Runs it with our own standard streams; the status is `None` when a signal ended it.
    pub(crate) fn status(&self) -> Result<Option<i32>, String> {
        let status = self
            .command()
            .status()
            .map_err(|error| self.not_started(&error))?;
        Ok(status.code())
    }

    /// Runs it with our own standard streams; anything but success is an error.
    pub(crate) fn run(&self) -> Result<(), String> {
        match self.status()? {
            Some(0) => Ok(()),
            Some(status) => Err(format!("exit status {status} from: {}", self.line())),
            None => Err(format!("ended by a signal: {}", self.line())),
        }
    }

    /// Runs it and returns its standard output; on failure the error carries its standard error.
    pub(crate) fn output(&self) -> Result<String, String> {
        let output = self
            .command()
            .stdin(Stdio::null())
            .output()
            .map_err(|error| self.not_started(&error))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("`{}` failed: {}", self.line(), said.trim()));
        }
        String::from_utf8(output.stdout)
            .map_err(|_| format!("`{}` printed something that is not UTF-8", self.line()))
    }

    fn not_started(&self, error: &std::io::Error) -> String {
        format!("cannot start `{}`: {error}", self.line())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(program());
        command.args(&self.args);
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(describes_this_package) {
                command.env_remove(name);
            }
        }
        command.envs(self.envs.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
    }
}

/// The `cargo` that runs us, so that a toolchain chosen on the command line is kept.
#[expect(
    clippy::disallowed_methods,
    reason = "cargo says where it is only through the environment; the rule is for the libraries"
)]
fn program() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"))
}

/// Variables that `cargo run` sets about the package it runs, as opposed to settings of the user.
fn describes_this_package(name: &str) -> bool {
    name.starts_with("CARGO_PKG_")
        || name.starts_with("CARGO_MANIFEST_")
        || matches!(
            name,
            "CARGO" | "CARGO_BIN_NAME" | "CARGO_CRATE_NAME" | "CARGO_PRIMARY_PACKAGE"
        )
}

/// Quotes a word for a POSIX shell when it needs it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./,:@+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_can_be_pasted() {
        let cargo = Cargo::new("doc --workspace")
            .env("RUSTDOCFLAGS", "-D warnings")
            .arg("{p}");
        assert_eq!(
            cargo.line(),
            "RUSTDOCFLAGS='-D warnings' cargo doc --workspace '{p}'"
        );
    }

    #[test]
    fn settings_of_the_user_reach_the_child() {
        assert!(!describes_this_package("CARGO_TARGET_DIR"));
        assert!(!describes_this_package("CARGO_TERM_COLOR"));
        assert!(describes_this_package("CARGO_PKG_NAME"));
    }
}
