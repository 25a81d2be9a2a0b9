//! What is installed of other registries than that of Rust, once for all tests and all runs.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::thread;

use crate::skip;

const PACKAGE: &str = include_str!("../clients/package.json");
const PACKAGE_LOCK: &str = include_str!("../clients/package-lock.json");
const REQUIREMENTS: &str = include_str!("../clients/requirements.txt");

/// The folder with the packages of npm in it, or a line that says that the test is skipped. `scratch`
/// is where cargo lets tests write.
#[must_use]
pub fn of_npm(scratch: &str) -> Option<&'static Path> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        // `oidc-provider` calls this, which Node.js 18 does not have.
        let is_recent = run(Command::new("node").args(["--eval", "URL.parse('http://a/').href"]));
        is_recent.map_err(|error| format!("Node.js is missing or too old: {error}"))?;
        once(scratch, "npm", PACKAGE_LOCK, npm)
    });
    found("npm", folder)
}

/// The folder of a Python that has the packages of `PyPI`, or a line that says that the test is
/// skipped. `scratch` is where cargo lets tests write.
#[must_use]
pub fn of_pypi(scratch: &str) -> Option<&'static Path> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| once(scratch, "pypi", REQUIREMENTS, pypi));
    found("pypi", folder)
}

fn found(tool: &str, folder: &'static Result<PathBuf, String>) -> Option<&'static Path> {
    match folder {
        Ok(folder) => Some(folder),
        Err(reason) => {
            let thread = thread::current();
            skip::say(tool, thread.name().unwrap_or("clients"), reason);
            None
        }
    }
}

/// Fills a folder, unless that was done for the same list before. Another process may do the same, so
/// all happens in a folder of our own, and only the whole takes the name.
fn once(
    scratch: &str,
    tool: &str,
    list: &str,
    fill: fn(&Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let mut hasher = DefaultHasher::new();
    list.hash(&mut hasher);
    let name = format!("clients-{tool}-{:016x}", hasher.finish());
    let whole = Path::new(scratch).join(name);
    if whole.exists() {
        return Ok(whole);
    }
    let own = whole.with_extension(format!("{}.part", std::process::id()));
    let renamed = fs::create_dir_all(&own)
        .map_err(said)
        .and_then(|()| fill(&own))
        .and_then(|()| match fs::rename(&own, &whole) {
            // Somebody else was faster.
            Err(_) if whole.exists() => Ok(()),
            other => other.map_err(said),
        });
    let _ = fs::remove_dir_all(&own);
    renamed.map(|()| whole)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it stands where an error is mapped"
)]
fn said(error: io::Error) -> String {
    error.to_string()
}

fn npm(folder: &Path) -> Result<(), String> {
    fs::write(folder.join("package.json"), PACKAGE).map_err(said)?;
    fs::write(folder.join("package-lock.json"), PACKAGE_LOCK).map_err(said)?;
    let arguments = [
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--fetch-timeout=60000",
    ];
    run(Command::new("npm").args(arguments).current_dir(folder))
}

fn pypi(folder: &Path) -> Result<(), String> {
    fs::write(folder.join("requirements.txt"), REQUIREMENTS).map_err(said)?;
    run(Command::new("python3")
        .args(["-m", "venv", "."])
        .current_dir(folder))?;
    // By its module: the folder is renamed later, and scripts name the one that they were made in.
    run(Command::new(folder.join("bin").join("python"))
        .args(["-m", "pip", "install", "--quiet", "--no-deps"])
        .args(["--only-binary", ":all:", "--disable-pip-version-check"])
        .args(["--requirement", "requirements.txt"])
        .current_dir(folder))
}

fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| format!("{program} cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let last = text.lines().rev().find(|it| !it.trim().is_empty());
    Err(format!("{program} failed: {}", last.unwrap_or_default()))
}
