//! A script of ours in another language, and what it says.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;
use tokio::time::timeout;

/// A sign-in takes a second or two; a machine may be busy.
const LIMIT: Duration = Duration::from_secs(120);

/// What came of a sign-in.
#[derive(Debug)]
pub(crate) enum Said {
    /// What the app knows after it.
    Learned(Value),
    /// Why the app did not go on.
    Refused(String),
}

impl Said {
    /// What was learned.
    pub(crate) fn learned(self) -> Value {
        match self {
            Self::Learned(learned) => learned,
            Self::Refused(reason) => panic!("refused: {reason}"),
        }
    }

    /// What is wrong, unless it was refused for this reason.
    pub(crate) fn not_refused_for(&self, what: &str, expected: &str) -> Option<String> {
        match self {
            Self::Refused(reason) if reason.contains(expected) => None,
            Self::Refused(reason) => Some(format!("{what}: not for {expected:?}: {reason}")),
            Self::Learned(_) => Some(format!("{what}: not refused")),
        }
    }
}

/// A script for Node.js. It finds the packages of this folder.
pub(crate) fn node(folder: &Path, script: &str, told: &Value) -> Command {
    let mut command = Command::new("node");
    command.args(["--input-type=module", "--eval", script]);
    started_in(folder, command, told)
}

/// A script for the Python of this folder.
pub(crate) fn python(folder: &Path, script: &str, told: &Value) -> Command {
    let mut command = Command::new(folder.join("bin").join("python"));
    command.args(["-c", script]);
    started_in(folder, command, told)
}

fn started_in(folder: &Path, mut command: Command, told: &Value) -> Command {
    command
        .arg(told.to_string())
        .current_dir(folder)
        // All is on this machine, whatever proxy there is.
        .envs([("NO_PROXY", "*"), ("no_proxy", "*")])
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Runs a script to its end.
pub(crate) async fn said(mut command: Command) -> Said {
    let output = timeout(LIMIT, command.output()).await.unwrap().unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{out}{err}");
    let line = out.lines().last().unwrap_or_default();
    let said: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{out}{err}"));
    match said["refused"].as_str() {
        Some(reason) => Said::Refused(reason.to_owned()),
        None => Said::Learned(said["learned"].clone()),
    }
}
