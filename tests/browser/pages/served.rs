//! `smart serve`, as a person starts it.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, ChildStdout, Command, Stdio};

use smart_sandbox::{DEFAULT_CLIENT_ID, Sandbox};

/// The program while it serves. It ends when it is dropped.
pub(crate) struct Served {
    child: Child,
    said: Vec<String>,
    /// A program whose output nobody takes may stop.
    _stdout: BufReader<ChildStdout>,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port of this machine that was free a moment ago: a redirect URI has to name it beforehand.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl Served {
    /// With the EHR in the same program.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::try_to_start(arguments).unwrap()
    }

    /// What it has said where it ends at once.
    fn try_to_start(arguments: &[&str]) -> Result<Self, Vec<String>> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_smart-in-test"))
            .arg("serve")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut said: Vec<String> = Vec::new();
        while !said.last().is_some_and(|it| it.starts_with("Stop it")) {
            let mut line = String::new();
            let octets = stdout.read_line(&mut line).unwrap();
            if octets == 0 {
                let _ = child.wait();
                return Err(said);
            }
            said.push(line.trim_end().to_owned());
        }
        Ok(Self {
            child,
            said,
            _stdout: stdout,
        })
    }

    /// At an EHR of the test, which may show it in a frame. Browsers find it where it listens.
    pub(crate) fn beside(ehr: &Sandbox) -> Self {
        Self::at(ehr, |port| format!("http://127.0.0.1:{port}")).0
    }

    /// The same behind something that browsers find at `url`; and the port on which it listens.
    pub(crate) fn behind(ehr: &Sandbox, url: &str) -> (Self, u16) {
        Self::at(ehr, |_| url.to_owned())
    }

    fn at(ehr: &Sandbox, url: impl Fn(u16) -> String) -> (Self, u16) {
        // Another program may have taken the port meanwhile.
        let mut tries = (0..5).filter_map(|_| {
            let port = free_port();
            let arguments = [
                "--fhir-base",
                &ehr.fhir_base(),
                "--client-id",
                DEFAULT_CLIENT_ID,
                "--redirect-uri",
                &format!("{}/callback", url(port)),
                "--bind",
                &format!("127.0.0.1:{port}"),
                "--framed-by",
                &ehr.base_url(),
                "--allow-loopback",
            ];
            Some((Self::try_to_start(&arguments).ok()?, port))
        });
        tries.next().unwrap()
    }

    fn address(&self, name: &str) -> String {
        let mut lines = self.said.iter();
        let line = lines.find_map(|it| it.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches('/').to_owned()
    }

    /// Of the app.
    pub(crate) fn url(&self) -> String {
        self.address("dashboard")
    }

    /// Of the EHR in the same program.
    pub(crate) fn ehr(&self) -> String {
        self.address("EHR")
    }
}
