//! A Redis of a test's own: a real server on a free port, with its files in a folder of its own.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use smart_oidc::jose::{CryptoProvider, base64url};

use crate::skip;
use crate::store_contract::eventually;

/// The programs that will do, where `SMART_TEST_REDIS_SERVER` names none.
const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];

/// Whether what was acknowledged outlives the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// Each write is on the disk before it is acknowledged.
    Always,
    /// Nothing is ever on the disk.
    None,
}

/// A running server, killed on drop.
#[derive(Debug)]
pub struct RedisServer {
    program: String,
    child: Option<Child>,
    port: u16,
    folder: PathBuf,
    arguments: Vec<String>,
}

impl RedisServer {
    /// Starts a server, or says that the test is skipped.
    pub async fn start(persistence: Persistence) -> Option<Self> {
        Self::start_with(persistence, |_| Vec::new()).await
    }

    /// Starts a server with further arguments; they may name files that were put into its folder.
    pub async fn start_with(
        persistence: Persistence,
        more: impl FnOnce(&Path) -> Vec<String>,
    ) -> Option<Self> {
        let Some(program) = program() else {
            let thread = thread::current();
            let test = thread.name().unwrap_or("redis");
            skip::say("redis", test, "there is no redis-server here");
            return None;
        };
        let folder = folder();
        let mut arguments = more(&folder);
        let appends = match persistence {
            Persistence::Always => "yes",
            Persistence::None => "no",
        };
        for (name, value) in [
            ("--bind", "127.0.0.1"),
            ("--dir", folder.to_str().unwrap()),
            ("--save", ""),
            ("--appendonly", appends),
            ("--appendfsync", "always"),
        ] {
            arguments.extend([name.to_owned(), value.to_owned()]);
        }
        let mut server = Self {
            program: program.clone(),
            child: None,
            port: free_port(),
            folder,
            arguments,
        };
        // Between choosing a port and listening on it somebody else may have taken it.
        for _ in 0..10 {
            if server.try_run().await {
                return Some(server);
            }
            server.port = free_port();
        }
        panic!("{program} does not start");
    }

    /// Runs the program; whether it listens.
    async fn try_run(&mut self) -> bool {
        let child = Command::new(&self.program)
            .arg("--port")
            .arg(self.port.to_string())
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = std::sync::Mutex::new(child.unwrap());
        let has_ended = || child.lock().unwrap().try_wait().unwrap().is_some();
        // What it reads from the disk comes first: until then it answers with an error.
        let is_up = || {
            self.try_ask(&[b"PING"])
                .is_ok_and(|it| !it.starts_with(b"LOADING"))
        };
        eventually("the server starts", async || has_ended() || is_up()).await;
        let ended = has_ended();
        self.child = Some(child.into_inner().unwrap());
        !ended
    }

    /// Where it is, for a client.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The port of plain connections.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Ends the process between two instructions, with no chance to tidy up.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts it again after [`RedisServer::kill`], on the same port and with the same files.
    pub async fn restart(&mut self) {
        assert!(self.child.is_none(), "it is running");
        assert!(self.try_run().await, "it does not start again");
    }

    /// Holds the process where it is: it keeps its connections, and answers nothing.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.child.as_ref().unwrap().id();
        let line = format!("kill -{signal} {id}");
        assert!(
            Command::new("sh")
                .args(["-c", &line])
                .status()
                .unwrap()
                .success()
        );
    }

    /// What it answers to a command, on a connection apart from the client that is tested: the
    /// octets of a string, the text of a number or an error, and nothing for nothing.
    #[must_use]
    pub fn ask(&self, command: &[&[u8]]) -> Vec<u8> {
        self.try_ask(command).unwrap()
    }

    /// Has it do something, which must not fail.
    pub fn tell(&self, command: &[&[u8]]) {
        let answer = String::from_utf8(self.ask(command)).unwrap();
        let is_number = answer.parse::<i64>().is_ok();
        assert!(answer == "OK" || is_number, "{answer}");
    }

    fn try_ask(&self, command: &[&[u8]]) -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut request = format!("*{}\r\n", command.len()).into_bytes();
        for part in command {
            request.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
            request.extend_from_slice(part);
            request.extend_from_slice(b"\r\n");
        }
        stream.write_all(&request)?;
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((kind, rest)) = line.trim_end().split_at_checked(1) else {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        };
        if kind != "$" || rest == "-1" {
            return Ok(if kind == "$" { Vec::new() } else { rest.into() });
        }
        let mut value = vec![0; rest.parse().unwrap()];
        reader.read_exact(&mut value)?;
        Ok(value)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
        // What cannot be removed is left to the system.
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// The program to run, if there is one. Whoever names one means it: then it is no other.
#[expect(
    clippy::disallowed_methods,
    reason = "whoever runs the tests says against what"
)]
fn program() -> Option<String> {
    let works = |program: &&str| {
        let output = Command::new(program).arg("--version").output();
        output.is_ok_and(|it| it.status.success())
    };
    match std::env::var("SMART_TEST_REDIS_SERVER") {
        Ok(named) => {
            assert!(works(&named.as_str()), "{named} does not run");
            Some(named)
        }
        Err(_) => PROGRAMS.into_iter().find(works).map(str::to_owned),
    }
}

/// A port that is free now.
#[must_use]
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// A new folder under a name that nobody had.
fn folder() -> PathBuf {
    let provider: &CryptoProvider = crate::backend::all()[0];
    let name = base64url::encode(provider.random::<12>().unwrap());
    let folder = std::env::temp_dir().join(format!("smart-redis-{name}"));
    fs::create_dir(&folder).unwrap();
    folder
}
