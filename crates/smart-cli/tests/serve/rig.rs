//! The program while it serves, and a browser before it.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, Method, Request, StatusCode};
use smart_oidc::discovery::{HttpClient as _, ReqwestClient};
use smart_oidc::jose::CryptoProvider;

#[cfg(feature = "ring")]
pub(super) fn provider() -> &'static CryptoProvider {
    CryptoProvider::ring()
}

#[cfg(not(feature = "ring"))]
pub(super) fn provider() -> &'static CryptoProvider {
    CryptoProvider::aws_lc_rs()
}

/// The program while it serves. It is ended when it is dropped.
pub(super) struct Served {
    pub(super) child: Child,
    /// What it has said when it was ready.
    pub(super) said: Vec<String>,
    /// Where it writes its log.
    log: PathBuf,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.log);
    }
}

/// Starts it. What it writes to standard error goes to a file, which never makes it wait.
pub(super) fn smart(arguments: &[&str], environment: &[(&str, &str)]) -> (Child, PathBuf) {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let name = format!("serve-{}-{run}.log", process::id());
    let log = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut command = Command::new(env!("CARGO_BIN_EXE_smart"));
    let command = command.arg("serve").args(arguments);
    let child = command
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(&log).unwrap())
        .spawn()
        .unwrap();
    (child, log)
}

pub(super) fn serve_with(arguments: &[&str], environment: &[(&str, &str)]) -> Served {
    let (mut child, log) = smart(arguments, environment);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = lines.map(Result::unwrap);
    let mut ready = false;
    let said = said
        .take_while(|it| {
            ready = it.starts_with("Stop it");
            !ready
        })
        .collect();
    let served = Served { child, said, log };
    assert!(ready, "{:?}: {}", served.said, served.log());
    served
}

pub(super) fn serve(arguments: &[&str]) -> Served {
    serve_with(arguments, &[])
}

/// What a run that does not serve says, and its number.
pub(super) fn refused(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let (mut child, log) = smart(arguments, environment);
    let mut text = String::new();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    if let Some(Ok(line)) = stdout.lines().next() {
        // It serves after all, and would not end by itself.
        let _ = child.kill();
        text = line;
    }
    let status = child.wait().unwrap();
    text.push_str(&fs::read_to_string(&log).unwrap());
    let _ = fs::remove_file(log);
    (status.code(), text)
}

impl Served {
    pub(super) fn address(&self, name: &str) -> String {
        let mut lines = self.said.iter();
        let line = lines.find_map(|it| it.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches('/').to_owned()
    }

    pub(super) fn url(&self) -> String {
        self.address("dashboard")
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }
}

/// An answer, read to its end.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
    pub(super) url: String,
}

impl Answer {
    /// The value of a hidden field of the form that is sent there.
    pub(super) fn field(&self, action: &str, name: &str) -> String {
        let (_, form) = self.body.split_once(&format!("action=\"{action}")).unwrap();
        let start = format!("name=\"{name}\" value=\"");
        let (_, rest) = form.split_once(&start).unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    pub(super) fn headers_of(&self, name: &str) -> String {
        let all = self.headers.get_all(name).iter();
        let all: Vec<_> = all.map(|it| it.to_str().unwrap()).collect();
        all.join(" | ")
    }
}

/// A browser: it keeps cookies by host and port, and follows redirects.
pub(super) struct Browser {
    pub(super) http: ReqwestClient,
    pub(super) cookies: Vec<(String, String, String)>,
}

impl Browser {
    pub(super) fn new() -> Self {
        let http = ReqwestClient::builder().allow_loopback().build().unwrap();
        Self {
            http,
            cookies: Vec::new(),
        }
    }

    pub(super) async fn send(
        &mut self,
        method: Method,
        url: &str,
        form: &[(&str, &str)],
    ) -> Answer {
        let (mut method, mut url) = (method, url.to_owned());
        let mut body = {
            let mut fields = form_urlencoded::Serializer::new(String::new());
            Bytes::from(fields.extend_pairs(form).finish())
        };
        for _ in 0..10 {
            let host = origin(&url);
            let cookies: Vec<_> = self.cookies.iter().filter(|it| it.0 == host).collect();
            let cookies: Vec<_> = cookies
                .iter()
                .map(|it| format!("{}={}", it.1, it.2))
                .collect();
            let mut request = Request::builder().method(method.clone()).uri(&url);
            if !cookies.is_empty() {
                request = request.header(COOKIE, cookies.join("; "));
            }
            if method == Method::POST {
                let kind = "application/x-www-form-urlencoded";
                request = request.header(CONTENT_TYPE, kind);
                request = request.header("sec-fetch-site", "same-origin");
            }
            let request = request.body(body.clone()).unwrap();
            let response = self.http.send(request).await.unwrap();
            for cookie in response.headers().get_all(SET_COOKIE) {
                let (pair, attributes) = cookie.to_str().unwrap().split_once("; ").unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                self.cookies.retain(|it| it.1 != name);
                if !attributes.contains("Max-Age=0") {
                    let cookie = (host.clone(), name.to_owned(), value.to_owned());
                    self.cookies.push(cookie);
                }
            }
            if !response.status().is_redirection() {
                let (parts, body) = response.into_parts();
                return Answer {
                    status: parts.status,
                    headers: parts.headers,
                    body: String::from_utf8_lossy(&body).into_owned(),
                    url,
                };
            }
            let location = response.headers()[LOCATION].to_str().unwrap();
            url = match location.starts_with('/') {
                true => format!("{host}{location}"),
                false => location.to_owned(),
            };
            (method, body) = (Method::GET, Bytes::new());
        }
        unreachable!("redirects without end");
    }

    pub(super) async fn get(&mut self, url: &str) -> Answer {
        self.send(Method::GET, url, &[]).await
    }

    pub(super) async fn post(&mut self, url: &str, form: &[(&str, &str)]) -> Answer {
        self.send(Method::POST, url, form).await
    }
}

pub(super) fn origin(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap();
    format!("{scheme}://{}", rest.split('/').next().unwrap())
}

pub(super) const CHOICE: [(&str, &str); 2] =
    [("user", "Practitioner/dr-smith"), ("patient", "p-1")];

/// A scratch file of one test.
pub(super) fn scratch(name: &str, content: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}
