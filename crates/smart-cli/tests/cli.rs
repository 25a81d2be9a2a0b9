//! The program as a shell sees it: what it prints, where, and which number it leaves.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that meets something unexpected should stop there"
)]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use smart_oidc::discovery::{
    Clock as _, Discovery, FhirBaseUrl, HttpClient, PlainHttp, ReqwestClient, SystemClock,
};
use smart_oidc::jose::CryptoProvider;
use smart_oidc::{ClientConfig, ClientId, Launch, RedirectUri, TokenClient};
use smart_sandbox::{DEFAULT_CLIENT_ID, Sandbox};
use tokio::net::TcpSocket;

/// Some time in the life of the worked example, which says nothing about its own.
const AT: &str = "1700000000";

#[cfg(feature = "ring")]
fn provider() -> &'static CryptoProvider {
    CryptoProvider::ring()
}

#[cfg(not(feature = "ring"))]
fn provider() -> &'static CryptoProvider {
    CryptoProvider::aws_lc_rs()
}

/// What a run left behind.
struct Ran {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

fn smart() -> Command {
    Command::new(env!("CARGO_BIN_EXE_smart"))
}

fn run_with_input(arguments: &[&str], input: &str) -> Ran {
    let mut child = smart()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that does not read its input may close it first.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let ran = Ran {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    for text in [&ran.stdout, &ran.stderr] {
        assert!(!text.contains("panicked"), "{arguments:?}: {text}");
    }
    ran
}

fn run(arguments: &[&str]) -> Ran {
    run_with_input(arguments, "")
}

impl Ran {
    /// A run that ended with this number and has said all it had to say on standard output.
    fn expect_report(self, status: i32) -> String {
        assert_eq!(
            (self.status, self.stderr.as_str()),
            (Some(status), ""),
            "{}",
            self.stdout
        );
        self.stdout
    }

    /// A run that ended with this number and one line on standard error.
    fn expect_error(&self, status: i32) -> &str {
        assert_eq!(self.status, Some(status), "{}{}", self.stdout, self.stderr);
        assert_eq!(self.stdout, "");
        let line = self.stderr.strip_suffix('\n').unwrap();
        assert_eq!(line.lines().count(), 1, "{line}");
        line.strip_prefix("smart: ").expect(line)
    }

    /// A run that clap ended: the number is ours, the text its own.
    fn expect_usage(&self) -> &str {
        assert_eq!(self.status, Some(2), "{}{}", self.stdout, self.stderr);
        assert_eq!(self.stdout, "");
        &self.stderr
    }
}

/// A file of the worked example.
fn fixture(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/worked-example")
        .join(name);
    path.to_str().unwrap().to_owned()
}

fn token() -> String {
    let text = fs::read_to_string(fixture("token.txt")).unwrap();
    text.trim_end().to_owned()
}

/// A file of one test, in cargo's own folder for such files.
fn scratch(name: &str, content: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A base URL whose port refuses: its socket is bound and does not listen, and while it is held
/// no server of another test can be given the port.
fn nobody() -> (String, TcpSocket) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (format!("http://{address}/fhir"), socket)
}

/// The arguments that judge a token of the worked example.
fn judging<'a>(token: &'a str, pem: &'a str) -> Vec<&'a str> {
    vec![
        "verify",
        token,
        "--pem",
        pem,
        "--issuer",
        "https://my-ehr.org/fhir",
        "--client-id",
        "growth-chart-app-123",
        "--no-nonce",
        "--at",
        AT,
    ]
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().filter(|it| !it.trim().is_empty()).collect()
}

#[test]
fn the_demo_signs_in() {
    let shown = run(&["demo"]).expect_report(0);
    assert_eq!(*lines(&shown).last().unwrap(), "signed in");
    assert!(!shown.contains("FAILED"), "{shown}");
    assert!(shown.contains("Practitioner/dr-smith"), "{shown}");
}

#[test]
fn the_demo_prints_one_json_object() {
    let shown = run(&["demo", "--json"]).expect_report(0);
    let demo: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(demo["passed"], true);
    let steps = demo["steps"].as_array().unwrap();
    assert!(steps.iter().all(|it| it["passed"] == true), "{shown}");
    assert_eq!(demo["discovery"]["trusted"], true);
    assert_eq!(demo["id_token"]["valid"], true);
    assert_eq!(demo["profile"]["practitioner_id"], "dr-smith");
}

// covers: SMART-ID-19
#[test]
fn the_worked_example_has_a_good_signature_and_is_no_id_token() {
    let (token, pem) = (token(), fixture("public.pem"));
    let shown = run(&judging(&token, &pem)).expect_report(1);
    let [.., signature, verdict] = lines(&shown)[..] else {
        panic!("{shown}");
    };
    assert_eq!(signature, "signature valid");
    assert!(verdict.starts_with("not a valid ID token: "), "{verdict}");
    assert!(
        verdict.contains("exp is missing") && verdict.contains("iat is missing"),
        "{verdict}"
    );

    let mut arguments = judging(&token, &pem);
    arguments.push("--json");
    let shown = run(&arguments).expect_report(1);
    let report: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(report["valid"], false);
    assert_eq!(report["verdict"][0], "signature valid");
    let failed: Vec<&str> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|it| it["code"].as_str())
        .collect();
    assert_eq!(failed, ["claim-missing"; 2]);
    assert!(!shown.contains(&token));
}

#[test]
fn the_signature_alone_can_be_judged() {
    let (token, pem) = (token(), fixture("public.pem"));
    let shown = run(&["verify", &token, "--pem", &pem, "--signature-only"]).expect_report(0);
    assert!(shown.contains("signature valid"), "{shown}");
    assert!(shown.contains("the claims were not judged"), "{shown}");
}

#[test]
fn a_token_is_read_from_standard_input() {
    let (token, pem) = (token(), fixture("public.pem"));
    let arguments = ["verify", "-", "--pem", &pem, "--signature-only"];
    for input in [token.clone(), format!("{token}\n"), format!("{token}\r\n")] {
        run_with_input(&arguments, &input).expect_report(0);
    }
    // A blank in front is no line break at the end.
    let shown = run_with_input(&arguments, &format!(" {token}")).expect_report(1);
    assert!(shown.contains("signature not valid"), "{shown}");
    for input in ["", "\n"] {
        let ran = run_with_input(&arguments, input);
        assert_eq!(ran.expect_error(2), "the token is empty");
    }
}

#[test]
fn a_server_in_a_private_network_is_refused_by_an_error_that_names_the_option() {
    let refused = run(&["discover", "https://10.255.255.1/fhir"]).expect_report(3);
    assert!(
        refused.contains("10.255.255.1, a private address"),
        "{refused}"
    );
    assert!(refused.contains("--allow-network"), "{refused}");
    let odd = [
        "discover",
        "https://10.255.255.1/fhir",
        "--allow-network",
        "10.255.0.0",
    ];
    let odd = run(&odd);
    let odd = odd.expect_error(2);
    assert!(odd.contains("10.255.0.0"), "{odd}");
}

#[test]
fn a_command_line_that_is_not_right_ends_with_2() {
    let (token, pem) = (token(), fixture("public.pem"));
    let no_token = run(&["verify", "--pem", &pem, "--signature-only"]);
    assert!(no_token.expect_error(2).contains("no token"));
    let unknown = run(&[
        "verify",
        &token,
        "--pem",
        &pem,
        "--signature-only",
        "--alg",
        "HS256",
    ]);
    assert!(unknown.expect_error(2).contains("HS256"));
    let lower = run(&[
        "verify",
        &token,
        "--pem",
        &pem,
        "--signature-only",
        "--alg",
        "rs384",
    ]);
    assert!(lower.expect_error(2).contains("rs384"));
    for arguments in [
        vec!["verify", &token, "--signature-only"],
        vec!["verify", &token, "--pem", &pem],
        vec![
            "verify",
            &token,
            "--pem",
            &pem,
            "--jwks",
            &pem,
            "--signature-only",
        ],
        vec![
            "verify",
            &token,
            "--pem",
            &pem,
            "--signature-only",
            "--at",
            "now",
        ],
        vec![
            "verify",
            &token,
            "--pem",
            &pem,
            "--signature-only",
            "--verbose",
        ],
        vec!["discover"],
        vec!["explode"],
        vec![],
    ] {
        let ran = run(&arguments);
        assert!(!ran.expect_usage().is_empty(), "{arguments:?}");
    }
}

#[test]
fn accepted_algorithms_are_the_ones_that_are_named() {
    let (token, pem) = (token(), fixture("public.pem"));
    let mut arguments = vec!["verify", &token, "--pem", &pem, "--signature-only", "--alg"];
    arguments.push("RS256,ES256");
    let shown = run(&arguments).expect_report(1);
    assert!(shown.contains("RS384 is not accepted"), "{shown}");
    *arguments.last_mut().unwrap() = "RS256,RS384";
    run(&arguments).expect_report(0);
}

#[test]
fn a_token_that_is_not_good_ends_with_1() {
    let (token, pem) = (token(), fixture("public.pem"));
    let cut = &token[..token.len() - 20];
    let unsigned = token.rsplit_once('.').unwrap().0;
    for token in [cut, unsigned, "a.b.c", "no token"] {
        let shown = run(&judging(token, &pem)).expect_report(1);
        assert!(shown.contains("signature not valid"), "{shown}");
        assert!(shown.contains("not a valid ID token"), "{shown}");
        let arguments = ["verify", token, "--pem", &pem, "--signature-only"];
        run(&arguments).expect_report(1);
    }
}

/// One nonce of 64 does.
#[test]
fn a_nonce_may_begin_with_a_hyphen() {
    let keys = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/keys");
    let (token, pem) = (token(), keys.join("issuer-rsa-2048.spki.pem"));
    let mut arguments = judging(&token, pem.to_str().unwrap());
    arguments.retain(|it| *it != "--no-nonce");
    arguments.extend(["--nonce", "-p4xuhyi8pUvaqEYfgEqxz"]);
    let shown = run(&arguments).expect_report(1);
    assert!(shown.contains("does not verify"), "{shown}");
}

#[test]
fn a_wrong_key_ends_with_1() {
    let keys = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/keys");
    let token = token();
    for (name, reason) in [
        ("issuer-rsa-2048.spki.pem", "does not verify"),
        ("issuer-p256.spki.pem", "no key for RS384"),
    ] {
        let pem = keys.join(name);
        let shown = run(&judging(&token, pem.to_str().unwrap())).expect_report(1);
        assert!(shown.contains(reason), "{shown}");
    }
    let empty = scratch("empty-set.json", r#"{"keys":[]}"#);
    let arguments = ["verify", &token, "--jwks", &empty, "--signature-only"];
    let shown = run(&arguments).expect_report(1);
    assert!(shown.contains("no key"), "{shown}");
}

#[test]
fn keys_that_cannot_be_read_end_with_3() {
    let (token, private) = (token(), fixture("private.pem"));
    let html = scratch("jwks.html", "<html>");
    let bare = scratch("bare.json", r#"{"kty":"RSA"}"#);
    let latin = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("latin-1.json");
    fs::write(&latin, b"{\"keys\":[\"\xe9\"]}").unwrap();
    let cases = [
        ("--jwks", html.as_str()),
        ("--jwks", &bare),
        ("--jwks", latin.to_str().unwrap()),
        ("--jwks", "no-such-file.json"),
        ("--jwks", env!("CARGO_MANIFEST_DIR")),
        ("--pem", "no-such-file.pem"),
        ("--pem", &html),
        ("--pem", &private),
    ];
    for (option, path) in cases {
        let ran = run(&["verify", &token, option, path, "--signature-only"]);
        let line = ran.expect_error(3);
        assert!(line.contains(path), "{line}");
        assert!(!line.contains("PRIVATE KEY-----"), "{line}");
    }
}

#[test]
fn a_server_that_is_down_ends_with_3() {
    let (base, _held) = nobody();
    let shown = run(&["discover", &base, "--allow-loopback"]).expect_report(3);
    assert!(shown.contains("no connection to"), "{shown}");
    let shown = run(&["discover", &base, "--allow-loopback", "--json"]).expect_report(3);
    let report: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(report["trusted"], false);
    assert_eq!(report["steps"][0]["code"], "http-connect");
    let token = token();
    let ran = run(&[
        "verify",
        &token,
        "--fhir-base",
        &base,
        "--allow-loopback",
        "--signature-only",
    ]);
    assert!(ran.expect_error(3).contains("no connection to"));
}

#[test]
fn http_needs_its_option_and_stays_on_this_machine() {
    let (base, _held) = nobody();
    let (token, pem) = (token(), fixture("public.pem"));
    let discover = run(&["discover", &base]);
    assert!(discover.expect_error(2).contains("--allow-loopback"));
    let verify = run(&["verify", &token, "--fhir-base", &base, "--signature-only"]);
    assert!(verify.expect_error(2).contains("--allow-loopback"));
    let far = run(&["discover", "http://ehr.invalid/fhir", "--allow-loopback"]);
    assert!(!far.expect_error(2).contains("--allow-loopback"));
    let issuer = run(&[
        "verify",
        &token,
        "--pem",
        &pem,
        "--issuer",
        "http://ehr.invalid",
        "--client-id",
        "a",
    ]);
    assert!(issuer.expect_error(2).contains("--issuer"));
    for bad in ["", "ehr.example/fhir", "https://", "https://a@ehr.example"] {
        run(&["discover", bad]).expect_error(2);
    }
}

/// A token that an app got from a sandbox, and the nonce that it had sent.
async fn signed_in(ehr: &Sandbox) -> (String, String) {
    let http: Arc<dyn HttpClient> =
        Arc::new(ReqwestClient::builder().allow_loopback().build().unwrap());
    let base = FhirBaseUrl::parse_with(&ehr.fhir_base(), PlainHttp::LoopbackOnly).unwrap();
    let trusted = Discovery::new(Arc::clone(&http))
        .allow_loopback_http()
        .discover(&base)
        .await
        .unwrap();
    let redirect_uri = RedirectUri::new("http://127.0.0.1:8765/callback");
    let client = ClientConfig::public(ClientId::new(DEFAULT_CLIENT_ID), redirect_uri);
    let now = SystemClock::new().now();
    let begun = Launch::standalone(&trusted, &client)
        .begin(provider(), now)
        .unwrap();
    let request = Request::get(begun.request.url())
        .body(Bytes::new())
        .unwrap();
    let response = http.send(request).await.unwrap();
    let location = response.headers()["location"].to_str().unwrap();
    let query = location.split_once('?').unwrap().1;
    let launch = begun
        .pending
        .authorize(query, &begun.binding, provider(), now)
        .unwrap();
    let (tokens, launch) = TokenClient::new(&client, http, provider())
        .exchange(launch, now)
        .await
        .unwrap();
    let token = tokens.id_token.unwrap().expose_secret().to_owned();
    (token, launch.nonce().unwrap().expose_secret().to_owned())
}

#[test]
fn a_token_of_a_running_server_is_judged_with_the_keys_of_that_server() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let ehr = runtime.block_on(Sandbox::start(provider())).unwrap();
    let (token, nonce) = runtime.block_on(signed_in(&ehr));
    let (base, issuer) = (ehr.fhir_base(), ehr.issuer());
    let arguments = |issuer: &str, rest: &[&str]| {
        let fixed = ["verify", &token, "--fhir-base", &base, "--allow-loopback"];
        let named = ["--client-id", DEFAULT_CLIENT_ID, "--issuer", issuer];
        let all = fixed.iter().chain(&named).chain(rest);
        all.map(|it| (*it).to_owned()).collect::<Vec<String>>()
    };
    let run = |arguments: Vec<String>| {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        run(&arguments)
    };
    let shown = run(arguments(&issuer, &["--nonce", &nonce])).expect_report(0);
    assert!(
        shown.ends_with("signature valid\na valid ID token\n"),
        "{shown}"
    );
    assert!(
        !shown.contains(&nonce) && !shown.contains(&token),
        "{shown}"
    );

    // Without a word about the nonce one check cannot run, and the verdict says so.
    let shown = run(arguments(&issuer, &[])).expect_report(0);
    assert!(shown.contains("not run: nonce"), "{shown}");
    assert!(!shown.contains("a valid ID token"), "{shown}");

    let shown = run(arguments(&issuer, &["--nonce", "another"])).expect_report(1);
    assert!(
        shown.contains("nonce is not the one that was sent"),
        "{shown}"
    );
    let shown = run(arguments(&issuer, &["--no-nonce"])).expect_report(1);
    assert!(shown.contains("not a valid ID token"), "{shown}");
    let shown = run(arguments(&issuer, &["--nonce", &nonce, "--at", "1"])).expect_report(1);
    assert!(shown.contains("not a valid ID token"), "{shown}");

    let other = run(arguments("https://other.example", &["--nonce", &nonce]));
    assert!(other.expect_error(1).contains(&issuer));

    let shown = run(vec![
        "discover".into(),
        base.clone(),
        "--allow-loopback".into(),
    ]);
    let shown = shown.expect_report(0);
    let verdict = format!("trusted: {base} signs in users as {issuer}");
    assert_eq!(*lines(&shown).last().unwrap(), verdict);
    runtime.block_on(ehr.shutdown());
}

/// Ends a process that does not end by itself.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // Either fails only where the process has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_sandbox_says_where_it_is_and_can_be_discovered() {
    let mut child = smart()
        .arg("sandbox")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    let _child = Ended(child);
    let mut said = BufReader::new(stdout).lines();
    let mut next = |name: &str| {
        let line = said.next().unwrap().unwrap();
        line.strip_prefix(name).expect(name).trim().to_owned()
    };
    let (base, issuer) = (next("FHIR base"), next("issuer"));
    assert_eq!(next("client id"), DEFAULT_CLIENT_ID);
    let shown = run(&["discover", &base, "--allow-loopback"]).expect_report(0);
    assert!(shown.contains(&issuer), "{shown}");
}

#[test]
fn the_sandbox_plays_what_it_is_told() {
    let mut child = smart()
        .args([
            "sandbox",
            "--auto-approve",
            "--localhost",
            "--hostile-people",
            "--smart-version",
            "1.0",
        ])
        .args(["--fault", "openid-issuer-differs", "--fault", "jwks-empty"])
        .args([
            "--client",
            "mine",
            "--redirect-uri",
            "https://app.example/callback",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    let _child = Ended(child);
    let said = BufReader::new(stdout).lines().map(Result::unwrap);
    let said: Vec<String> = said.take(6).collect();
    let base = said[0].strip_prefix("FHIR base").unwrap().trim();
    assert!(base.starts_with("http://localhost:"), "{base}");
    assert!(
        said[1].ends_with(base),
        "with 1.0 the FHIR base is the issuer: {said:?}"
    );
    assert!(said[2].ends_with("mine"), "{said:?}");
    assert!(said[3].starts_with("launcher"), "{said:?}");
    assert!(
        said[4].contains("openid-issuer-differs: the openid-configuration"),
        "{said:?}"
    );
    assert!(said[5].contains("jwks-empty"), "{said:?}");
    let shown = run(&["discover", base, "--allow-loopback"]).expect_report(1);
    assert!(shown.contains("attacker.example"), "{shown}");
}

/// A supervisor ends a service so; a terminal does by Ctrl-C.
#[cfg(unix)]
#[test]
fn the_sandbox_stops_in_an_orderly_way_when_it_is_told_to() {
    for signal in ["-TERM", "-INT"] {
        let mut child = smart()
            .arg("sandbox")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let mut child = Ended(child);
        let mut lines = BufReader::new(stdout).lines().map(Result::unwrap);
        // Read on, as it would not survive to write into nothing.
        let stop = lines.find(|it| it.contains("Stop it with Ctrl-C"));
        assert!(stop.is_some());
        let killed = Command::new("kill")
            .args([signal, &child.0.id().to_string()])
            .status();
        assert!(killed.unwrap().success());
        let status = child.0.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{signal}: {status}");
    }
}

#[test]
fn faults_are_listed_and_one_that_is_none_is_named() {
    let text = run(&["sandbox", "--list-faults"]).expect_report(0);
    assert!(text.contains("hs256-public-pem\n    HS256 with the public key in PEM"));
    assert!(text.contains("a client must: refuse the ID token"));
    let json = run(&["sandbox", "--list-faults", "--json"]).expect_report(0);
    let listed: Vec<Value> = serde_json::from_str(&json).unwrap();
    assert_eq!(listed.len(), smart_sandbox::Fault::all().count());
    assert!(
        listed
            .iter()
            .all(|it| it["clause"].as_str().unwrap().len() > 4)
    );
    let ran = run(&["sandbox", "--fault", "no-such-fault"]);
    let line = ran.expect_error(2);
    assert!(
        line.contains("no-such-fault") && line.contains("--list-faults"),
        "{line}"
    );
    let ran = run(&["sandbox", "--fault", "psychic-signature"]);
    let line = ran.expect_error(2);
    assert!(
        line.contains("psychic-signature") && line.contains("RS256"),
        "{line}"
    );
    run(&["sandbox", "--smart-version", "3.0"]).expect_usage();
    run(&["sandbox", "--alg", "none"]).expect_error(2);
    run(&["sandbox", "--client", "mine"]).expect_usage();
}

#[test]
fn the_sandbox_does_not_serve_published_keys_to_a_network() {
    for address in ["0.0.0.0:0", "[::]:0"] {
        let ran = run(&["sandbox", "--bind", address]);
        let line = ran.expect_error(2);
        assert!(line.contains("can be reached from the network"), "{line}");
        assert!(line.contains("--signing-key"), "{line}");
    }
    // A demo key stays one when it comes in as a file, and behind a proxy.
    let demo =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../smart-sandbox/src/keys/demo-rsa-1.pem");
    let demo = demo.to_str().unwrap();
    for arguments in [
        &["sandbox", "--bind", "0.0.0.0:0", "--signing-key", demo][..],
        &["sandbox", "--public-url", "https://ehr.example"],
        &[
            "sandbox",
            "--public-url",
            "https://ehr.example",
            "--signing-key",
            demo,
        ],
    ] {
        let ran = run(arguments);
        assert!(
            ran.expect_error(2).contains("anybody could sign tokens"),
            "{arguments:?}"
        );
    }
    let url = run(&["sandbox", "--public-url", "ftp://ehr.example"]);
    assert!(url.expect_error(2).contains("public URL"));
    let missing = run(&["sandbox", "--signing-key", "no-such-file.pem"]);
    assert!(missing.expect_error(3).contains("no-such-file.pem"));
    let public = fixture("public.pem");
    run(&["sandbox", "--signing-key", &public]).expect_error(3);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    run(&["sandbox", "--bind", &address]).expect_error(3);
}

#[test]
fn help_and_version_are_results_and_no_errors() {
    for arguments in [["--help"], ["--version"]] {
        let shown = run(&arguments).expect_report(0);
        assert!(shown.to_lowercase().contains("smart"), "{shown}");
    }
}

#[test]
fn the_last_line_says_what_was_not_checked() {
    let (token, pem) = (token(), fixture("public.pem"));
    let arguments = [
        "verify",
        &token,
        "--pem",
        &pem,
        "--at",
        AT,
        "--issuer",
        "https://my-ehr.org/fhir",
        "--client-id",
        "growth-chart-app-123",
    ];
    let shown = run(&arguments).expect_report(1);
    let last = shown.lines().last().unwrap();
    assert!(
        last.contains("exp is missing") && last.contains("iat is missing"),
        "{last}"
    );
    assert!(last.contains("nonce was not checked"), "{last}");
}

#[test]
fn an_algorithm_that_is_not_accepted_is_the_reason_for_what_was_not_run() {
    let (token, pem) = (token(), fixture("public.pem"));
    let shown = run(&[
        "verify",
        &token,
        "--pem",
        &pem,
        "--signature-only",
        "--alg",
        "ES256",
    ]);
    let shown = shown.expect_report(1);
    assert!(
        shown.contains("alg RS384 is not accepted here; accepted: ES256"),
        "{shown}"
    );
    assert!(shown.contains("the algorithm is not accepted"), "{shown}");
    assert!(!shown.contains("the header is refused"), "{shown}");
}

#[test]
fn json_is_printed_also_where_nothing_could_be_judged() {
    let ran = run(&[
        "verify",
        "a.b.c",
        "--jwks",
        "no-such-file",
        "--signature-only",
        "--json",
    ]);
    assert_eq!(ran.status, Some(3));
    let object: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (&object["valid"], &object["exit"]),
        (&Value::from(false), &Value::from(3))
    );
    assert!(object["error"].as_str().unwrap().contains("no-such-file"));
    assert!(ran.stderr.starts_with("smart: "), "{}", ran.stderr);
}

/// A server of SMART 1.0: no smart-configuration, but endpoints in its CapabilityStatement.
fn old_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/fhir", listener.local_addr().unwrap());
    let uri = |name: &str| json!({"url": name, "valueUri": format!("{base}/{name}")});
    let statement = json!({"resourceType": "CapabilityStatement", "rest": [{"security": {
        "extension": [{
            "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
            "extension": [uri("authorize"), uri("token")],
        }],
    }}]});
    let openid = json!({"issuer": base, "jwks_uri": format!("{base}/jwks")});
    // RFC 7515 A.3, the public half.
    let jwks = json!({"keys": [{
        "kty": "EC", "crv": "P-256", "kid": "a",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }]});
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut asked = String::new();
            BufReader::new(&stream).read_line(&mut asked).unwrap();
            let body = match asked.split(' ').nth(1).unwrap() {
                "/fhir/metadata" => Some(&statement),
                "/fhir/.well-known/openid-configuration" => Some(&openid),
                "/fhir/jwks" => Some(&jwks),
                _ => None,
            };
            let (status, body) = match body {
                Some(body) => ("200 OK", body.to_string()),
                None => ("404 Not Found", String::new()),
            };
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    base
}

#[test]
fn a_server_of_smart_1_0_is_trusted_by_its_option_alone_and_what_is_odd_is_said() {
    let base = old_server();
    let shown = run(&["discover", &base, "--allow-loopback"]).expect_report(3);
    assert!(
        shown.contains("status 404") && !shown.contains("capability-statement"),
        "{shown}"
    );
    let options = ["--allow-loopback", "--smart-1-0"];
    let shown = run(&[&["discover", &base], &options[..]].concat()).expect_report(0);
    let note = "the server has no smart-configuration";
    for part in ["FAILED", "capability-statement", note, "trusted: "] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    // Judging a token repeats what was odd on the way to its issuer.
    let token = token();
    let verify = [
        "verify",
        &token,
        "--fhir-base",
        &base,
        "--issuer",
        &base,
        "--client-id",
        "app",
        "--no-nonce",
    ];
    let shown = run(&[&verify, &options[..]].concat()).expect_report(1);
    assert!(
        shown.contains("note     the server has no smart-configuration"),
        "{shown}"
    );
    let shown = run(&[&verify, &options[..], &["--json"]].concat()).expect_report(1);
    let report: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(report["findings"][0]["code"], "smart-1.0");
}

#[test]
fn no_proxy_is_taken_from_the_environment() {
    let base = old_server();
    let (dead, _held) = nobody();
    let mut command = Command::new(env!("CARGO_BIN_EXE_smart"));
    command.args(["discover", &base, "--allow-loopback", "--smart-1-0"]);
    for name in [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
    ] {
        command.env(name, &dead);
    }
    let output = command
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn a_file_of_roots_and_a_proxy_that_are_none_are_refused() {
    let (base, _held) = nobody();
    let html = scratch("roots.html", "<html>");
    let ran = run(&["discover", &base, "--allow-loopback", "--roots", &html]);
    let line = ran.expect_error(3);
    assert!(
        line.contains(&html) && line.contains("no certificate"),
        "{line}"
    );
    let proxy = "http://user:hunter2@[proxy";
    let ran = run(&["discover", &base, "--allow-loopback", "--proxy", proxy]);
    let line = ran.expect_error(2);
    assert!(
        line.contains("--proxy") && !line.contains("hunter2"),
        "{line}"
    );
}
