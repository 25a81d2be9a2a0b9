//! The driver of the browser: a program of its own, with a browser and a profile of its own.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A driver that runs. It and its browser end when it is dropped.
pub(crate) struct Driver {
    child: Child,
    port: u16,
    profile: PathBuf,
}

/// The path of the browser, or why there is none.
pub(crate) fn browser() -> Result<&'static Path, &'static str> {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        said("chromedriver", "--version")?;
        // Hosted machines have the other one.
        let path = Command::new("sh")
            .args(["-c", "command -v chromium || command -v google-chrome"])
            .output()
            .map_err(|error| error.to_string())?;
        let path = String::from_utf8_lossy(&path.stdout).trim().to_owned();
        match path.is_empty() {
            true => Err("chromium is not installed".to_owned()),
            false => Ok(PathBuf::from(path)),
        }
    });
    found.as_deref().map_err(String::as_str)
}

/// A browser that is root, or that may not make namespaces, has no sandbox of its own. What it is shown
/// here is ours.
pub(crate) fn has_no_sandbox() -> bool {
    let is_root = said("id", "-u").is_ok_and(|it| it.trim() == "0");
    let namespace = Command::new("unshare").args(["--user", "true"]).output();
    is_root || !namespace.is_ok_and(|it| it.status.success())
}

fn said(program: &str, argument: &str) -> Result<String, String> {
    let output = Command::new(program).arg(argument).output();
    let output = output.map_err(|error| format!("{program} cannot be run: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!("{program} fails")),
    }
}

impl Driver {
    pub(crate) fn start() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let profile = format!("profile-{}-{number}", std::process::id());
        let profile = Path::new(env!("CARGO_TARGET_TMPDIR")).join(profile);
        fs::create_dir_all(&profile).unwrap();
        // It takes a free port and says which.
        let mut child = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.map_while(Result::ok).find_map(|it| {
            let (_, rest) = it.split_once("successfully on port ")?;
            rest.trim_end_matches('.').parse().ok()
        });
        let port = port.expect("the driver says on which port it listens");
        Self {
            child,
            port,
            profile,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A folder for the browser alone.
    pub(crate) fn profile(&self) -> &Path {
        &self.profile
    }

    /// Asks it to end with its browsers. One that is killed would leave them behind.
    fn shut_down(&self) -> std::io::Result<()> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let limit = Duration::from_secs(30);
        let mut stream = TcpStream::connect_timeout(&address, limit)?;
        stream.set_read_timeout(Some(limit))?;
        stream
            .write_all(b"GET /shutdown HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
        stream.read_to_end(&mut Vec::new())?;
        Ok(())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if self.shut_down().is_err() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
        // The browser may still be writing there; what is left of it lies in the target folder.
        let _ = fs::remove_dir_all(&self.profile);
    }
}
