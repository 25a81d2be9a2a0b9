//! `smart serve` as a browser sees it, over HTTP.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets something unexpected should stop there"
)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::json;
use smart_oidc::discovery::{HttpClient as _, ReqwestClient};
use smart_oidc::jose::CryptoProvider;
use smart_sandbox::{
    ClientRegistration, DEFAULT_CLIENT_ID, LaunchContext, RedirectRule, Sandbox, SandboxUser,
    UserType,
};

#[cfg(feature = "ring")]
fn provider() -> &'static CryptoProvider {
    CryptoProvider::ring()
}

#[cfg(not(feature = "ring"))]
fn provider() -> &'static CryptoProvider {
    CryptoProvider::aws_lc_rs()
}

/// The program while it serves. It is ended when it is dropped.
struct Served {
    child: Child,
    /// What it has said when it was ready.
    said: Vec<String>,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn smart(arguments: &[&str], environment: &[(&str, &str)]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smart"));
    let command = command.arg("serve").args(arguments);
    command
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn serve_with(arguments: &[&str], environment: &[(&str, &str)]) -> Served {
    let mut child = smart(arguments, environment);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = lines.map(Result::unwrap);
    let mut ready = false;
    let said = said
        .take_while(|it| {
            ready = it.starts_with("Stop it");
            !ready
        })
        .collect();
    let served = Served { child, said };
    assert!(ready, "{:?}", served.said);
    served
}

fn serve(arguments: &[&str]) -> Served {
    serve_with(arguments, &[])
}

/// What a run that does not serve says, and its number.
fn refused(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut child = smart(arguments, environment);
    let mut text = String::new();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    if let Some(Ok(line)) = stdout.lines().next() {
        // It serves after all, and would not end by itself.
        let _ = child.kill();
        text = line;
    }
    let _ = child.stderr.take().unwrap().read_to_string(&mut text);
    (child.wait().unwrap().code(), text)
}

impl Served {
    fn address(&self, name: &str) -> String {
        let mut lines = self.said.iter();
        let line = lines.find_map(|it| it.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches('/').to_owned()
    }

    fn url(&self) -> String {
        self.address("dashboard")
    }
}

/// An answer, read to its end.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
    url: String,
}

impl Answer {
    /// The value of a hidden field of the form that is sent there.
    fn field(&self, action: &str, name: &str) -> String {
        let (_, form) = self.body.split_once(&format!("action=\"{action}")).unwrap();
        let start = format!("name=\"{name}\" value=\"");
        let (_, rest) = form.split_once(&start).unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    fn headers_of(&self, name: &str) -> String {
        let all = self.headers.get_all(name).iter();
        let all: Vec<_> = all.map(|it| it.to_str().unwrap()).collect();
        all.join(" | ")
    }
}

/// A browser: it keeps cookies by host and port, and follows redirects.
struct Browser {
    http: ReqwestClient,
    cookies: Vec<(String, String, String)>,
}

impl Browser {
    fn new() -> Self {
        let http = ReqwestClient::builder().allow_loopback().build().unwrap();
        Self {
            http,
            cookies: Vec::new(),
        }
    }

    async fn send(&mut self, method: Method, url: &str, form: &[(&str, &str)]) -> Answer {
        let (mut method, mut url) = (method, url.to_owned());
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(form);
        let mut body = Bytes::from(body.finish());
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

    async fn get(&mut self, url: &str) -> Answer {
        self.send(Method::GET, url, &[]).await
    }

    async fn post(&mut self, url: &str, form: &[(&str, &str)]) -> Answer {
        self.send(Method::POST, url, form).await
    }
}

fn origin(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap();
    format!("{scheme}://{}", rest.split('/').next().unwrap())
}

const CHOICE: [(&str, &str); 2] = [("user", "Practitioner/dr-smith"), ("patient", "p-1")];

/// A port of this machine that was free a moment ago: a redirect URI has to name it beforehand.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A scratch file of one test.
fn scratch(name: &str, content: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn one_command_and_two_clicks_lead_to_the_dashboard() {
    let served = serve(&[]);
    let (mut browser, url) = (Browser::new(), served.url());
    let home = browser.get(&format!("{url}/")).await;
    assert_eq!(home.status, StatusCode::OK);
    for part in [
        "<html lang=\"en\">",
        "<main",
        "for=\"user\"",
        "for=\"patient\"",
        "Riley Example",
    ] {
        assert!(home.body.contains(part), "{part}: {}", home.body);
    }
    let page = browser.post(&format!("{url}/start"), &CHOICE).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    for part in [
        "Dr. Jordan Smith, MD",
        "1234567893",
        "Doctor of Medicine",
        ">JS<",
        "Riley Example",
        "id <code>p-1</code>",
        "Every check has passed.",
        "the signature verifies",
        "OpenID Connect Core 3.1.3.7 (11)",
        "<code>offline_access</code></th><td class=\"good\">granted",
        "Access token ends in",
        "<th scope=\"row\">Keys</th><td>fresh",
        "<html lang=\"en\">",
        "<main id=\"main\">",
    ] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    assert!(!page.body.contains("not granted"), "{}", page.body);
    // Nothing runs that stands in the page, and nobody keeps it.
    assert!(
        page.headers_of("content-security-policy")
            .contains("default-src 'self'")
    );
    assert_eq!(page.headers_of("cache-control"), "no-store");
    for asset in ["style.css", "dashboard.js"] {
        let asset = browser.get(&format!("{url}/assets/{asset}")).await;
        assert_eq!(asset.status, StatusCode::OK);
    }

    let action = page.url.strip_prefix(&url).unwrap();
    let refresh = format!("{action}refresh");
    let token = page.field(&refresh, "csrf_token");
    let form = [("csrf_token", token.as_str())];
    let rested = browser.post(&format!("{url}{refresh}"), &form).await;
    // A token that has only just come is not asked for again.
    assert!(
        rested.body.contains("Try again in half a minute"),
        "{}",
        rested.body
    );
    let forged = browser.post(&format!("{url}{refresh}"), &[]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);

    let token = page.field("/logout", "csrf_token");
    let tag = page.field("/logout", "tag");
    let form = [("tag", tag.as_str()), ("csrf_token", token.as_str())];
    let out = browser.post(&format!("{url}/logout"), &form).await;
    assert!(out.body.contains("You are signed out"), "{}", out.body);
    let gone = browser.get(&page.url).await;
    assert_eq!(gone.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn every_user_and_a_launch_without_a_patient_have_a_page() {
    let served = serve(&[]);
    let url = served.url();
    for (user, patient, parts) in [
        (
            "PractitionerRole/dr-okafor-cardiology",
            "p-4",
            ["Chidi Okafor", "Zoë"],
        ),
        (
            "Patient/p-2",
            "p-2",
            ["Morgan Sample", "id <code>p-2</code>"],
        ),
        ("RelatedPerson/rp-1", "", ["Casey Example", "Patient"]),
    ] {
        let mut browser = Browser::new();
        let form = [("user", user), ("patient", patient)];
        let page = browser.post(&format!("{url}/start"), &form).await;
        assert_eq!(page.status, StatusCode::OK, "{user}: {}", page.body);
        for part in parts {
            assert!(page.body.contains(part), "{user}: {part}: {}", page.body);
        }
    }
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://elsewhere.example"),
    ] {
        let form = "user=Practitioner%2Fdr-smith&patient=p-1";
        let request = Request::post(format!("{url}/start"))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(name, value)
            .body(Bytes::from(form));
        let response = Browser::new().http.send(request.unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{name}: {value}");
    }
    let mut browser = Browser::new();
    for form in [
        &[("user", "Practitioner/nobody"), ("patient", "p-1")][..],
        &[("user", "Practitioner/dr-smith"), ("patient", "nobody")],
        &[("user", "Practitioner/dr-smith")],
    ] {
        let page = browser.post(&format!("{url}/start"), form).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{form:?}");
        assert!(page.body.contains("role=\"alert\""));
    }
}

#[tokio::test]
async fn the_ehr_shows_it_in_a_frame_and_the_patient_itself() {
    let served = serve(&[]);
    let (mut browser, ehr) = (Browser::new(), served.address("EHR"));
    let home = browser.get(&format!("{}/", served.url())).await;
    let (_, rest) = home.body.split_once("<a href=\"http://localhost").unwrap();
    let query = rest.split('"').next().unwrap().split_once('?').unwrap().1;
    let launcher = format!("{ehr}/?{}", query.replace("&#38;", "&"));
    let launcher = browser.get(&launcher).await;
    let launch_url = format!("{}/launch", served.url());
    assert!(
        launcher.body.contains(&format!("value=\"{launch_url}\"")),
        "{}",
        launcher.body
    );
    let form = [
        ("client_id", DEFAULT_CLIENT_ID),
        ("launch_url", &launch_url),
        CHOICE[0],
        CHOICE[1],
        ("view", "frame"),
    ];
    let framed = browser.post(&format!("{ehr}/launch"), &form).await;
    let (_, rest) = framed.body.split_once("<iframe src=\"").unwrap();
    let src = rest.split('"').next().unwrap().replace("&#38;", "&");
    let page = browser.get(&src).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(
        page.body.contains("The EHR shows the patient itself"),
        "{}",
        page.body
    );
    assert!(!page.body.contains("Riley Example"), "{}", page.body);
    let policy = page.headers_of("content-security-policy");
    assert!(
        policy.contains(&format!("frame-ancestors {ehr}")),
        "{policy}"
    );
}

#[tokio::test]
async fn text_from_outside_is_never_markup_and_leads_nowhere() {
    const RIGHT_TO_LEFT: &str = "\u{202e}\u{5e9}\u{5dc}\u{5d5}\u{5dd}";
    let hostile = format!("<script>alert(1)</script>\"'{RIGHT_TO_LEFT}");
    let photos = [
        json!([{ "url": "javascript:alert(1)" }]),
        json!([{ "url": "https://elsewhere.example/track.png" }]),
        json!([{ "contentType": "image/svg+xml", "data": "PHN2ZyBvbmxvYWQ9ImFsZXJ0KDEpIi8+" }]),
        json!([{ "contentType": "image/svg+xml", "data": "R0lGODlhAQABAAAAACw=" }]),
    ];
    for (number, photo) in photos.into_iter().enumerate() {
        let user = SandboxUser::new(UserType::Practitioner, "dr-x", "sub-x", &hostile);
        let user = user.with_resource(json!({
            "name": [{ "text": hostile }],
            "photo": photo,
            "qualification": [{ "code": { "text": "<img src=x onerror=alert(1)>" } }]
        }));
        let patient = json!({
            "resourceType": "Patient", "id": "p-x", "name": [{ "text": hostile }],
            "birthDate": "<b>1980</b>", "gender": "javascript:alert(1)//\"><i>"
        });
        let builder = Sandbox::builder(provider()).user(user).resource(patient);
        let ehr = builder.start().await.unwrap();
        let (base, port) = (ehr.fhir_base(), free_port());
        let redirect = format!("http://127.0.0.1:{port}/callback");
        let bind = format!("127.0.0.1:{port}");
        let served = serve(&[
            "--fhir-base",
            &base,
            "--client-id",
            DEFAULT_CLIENT_ID,
            "--redirect-uri",
            &redirect,
            "--bind",
            &bind,
            "--allow-loopback",
        ]);
        let open = LaunchContext::new()
            .patient("p-x")
            .user("Practitioner/dr-x");
        let launch = ehr.ehr_launch(DEFAULT_CLIENT_ID, open).unwrap();
        let mut browser = Browser::new();
        let page = browser
            .get(&launch.url(&format!("{}/launch", served.url())))
            .await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        for bad in [
            "<script>",
            "<img src=x",
            "1980",
            "javascript:",
            "<i>",
            "elsewhere.example",
            "<svg",
        ] {
            assert!(!page.body.contains(bad), "{bad}: {}", page.body);
        }
        // What is written from right to left turns nothing beside it.
        assert_eq!(
            page.body.matches("\u{5dd}</bdi>").count(),
            3,
            "{}",
            page.body
        );
        assert!(!page.body.contains('\u{202e}'), "{}", page.body);
        let photo = browser.get(&format!("{}photo", page.url)).await;
        // A picture is what its octets are, whatever it is called.
        if number == 3 {
            assert!(page.body.contains("/photo\" alt=\"\""), "{}", page.body);
            assert_eq!(photo.headers_of("content-type"), "image/gif");
            assert!(
                photo
                    .headers_of("content-security-policy")
                    .contains("sandbox")
            );
            assert_eq!(photo.headers_of("x-content-type-options"), "nosniff");
        } else {
            assert!(page.body.contains("class=\"initials\""), "{}", page.body);
            assert_eq!(photo.status, StatusCode::NOT_FOUND);
        }
        // A page that fails says nothing of what was sent.
        let failed = format!("{}/launch?iss=%3Cscript%3E&launch=%3Cb%3E", served.url());
        let failed = browser.get(&failed).await;
        assert_eq!(failed.status, StatusCode::BAD_REQUEST);
        assert!(!failed.body.contains("<script>"), "{}", failed.body);
    }
}

#[tokio::test]
async fn a_launch_that_fails_ends_on_a_page_that_says_so_and_signs_nobody_in() {
    let unidentified = (401, "You could not be identified");
    for (fault, (status, title)) in [
        ("wrong-issuer", unidentified),
        ("other-nonce", unidentified),
        ("expired", unidentified),
        ("alg-none", unidentified),
        ("wrong-signature", unidentified),
        (
            "launch-of-another-server",
            (400, "not set up for this system"),
        ),
        ("callback-denied", (400, "Access was not given")),
        (
            "callback-of-another-issuer",
            (400, "You could not be signed in"),
        ),
        ("token-invalid-grant", (400, "You could not be signed in")),
        ("token-failing", (502, "try again")),
        ("openid-issuer-differs", (502, "try again")),
        ("jwks-failing", (502, "try again")),
    ] {
        let served = serve(&["--fault", fault]);
        let mut browser = Browser::new();
        let page = browser
            .post(&format!("{}/start", served.url()), &CHOICE)
            .await;
        assert_eq!(page.status.as_u16(), status, "{fault}: {}", page.body);
        for part in [title, "Reference: <code>", "<main"] {
            assert!(page.body.contains(part), "{fault}: {part}: {}", page.body);
        }
        let session = browser.cookies.iter().find(|it| it.1.contains("session"));
        assert!(session.is_none(), "{fault}");
    }
}

#[tokio::test]
async fn settings_come_from_flags_the_environment_and_a_file_and_secrets_from_neither_flag() {
    let registered = ClientRegistration::new(
        "the-app",
        vec![RedirectRule::AnyLoopback {
            path: "/callback".to_owned(),
        }],
    );
    let registered = registered.with_secret_basic("a secret of the test");
    let builder = Sandbox::builder(provider()).register_client(registered);
    let ehr = builder.start().await.unwrap();
    let port = free_port();
    let config = format!(
        "fhir_base = \"{}\"\nclient_id = \"overruled\"\nredirect_uri = \"http://127.0.0.1:{port}/callback\"\n\
         bind = \"127.0.0.1:{port}\"\nscope = \"launch/patient\"\n",
        ehr.fhir_base()
    );
    let config = scratch("serve.toml", &config);
    let secret = scratch("serve.secret", "a secret of the test\n");
    type Way<'w> = (&'w [&'w str], &'w [(&'w str, &'w str)]);
    let ways: [Way<'_>; 2] = [
        (
            &["--client-id", "the-app", "--client-secret-file", &secret],
            &[("SMART_CLIENT_ID", "overruled as well")],
        ),
        (
            &[],
            &[
                ("SMART_CLIENT_ID", "the-app"),
                ("SMART_CLIENT_SECRET", "a secret of the test"),
            ],
        ),
    ];
    for (arguments, environment) in ways {
        let mut all = vec!["--config", &config, "--allow-loopback"];
        all.extend(arguments);
        let served = serve_with(&all, environment);
        assert!(!served.said.iter().any(|it| it.contains("a secret")));
        let mut browser = Browser::new();
        let home = browser.get(&format!("{}/", served.url())).await;
        assert!(home.body.contains("Sign in"), "{}", home.body);
        let page = browser.get(&format!("{}/launch", served.url())).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        // Without a refresh token there is nothing to press, and the page says why.
        assert!(page.body.contains("cannot be refreshed"), "{}", page.body);
        assert!(
            page.body.contains("reading it was not granted"),
            "{}",
            page.body
        );
        let start = browser
            .post(&format!("{}/start", served.url()), &CHOICE)
            .await;
        assert_eq!(start.status, StatusCode::NOT_FOUND);
    }
    let written = scratch("serve-secret.toml", "client_secret = \"hunter2\"\n");
    let cases: [(&[&str], &str); 5] = [
        (&["--config", &written], "client_secret"),
        (&["--fhir-base", "https://ehr.example/fhir"], "all three"),
        (
            &["--config", &config, "--ask", "--allow-loopback"],
            "embedded EHR",
        ),
        (&["--client-secret", "hunter2"], "--client-secret"),
        (&["--fault", "no-such-fault"], "no fault"),
    ];
    for (arguments, part) in cases {
        let (status, said) = refused(arguments, &[]);
        assert_eq!(status, Some(2), "{arguments:?}: {said}");
        assert!(said.contains(part), "{arguments:?}: {said}");
        assert!(!said.contains("\"hunter2\""), "{said}");
    }
}

#[tokio::test]
async fn a_resource_that_cannot_be_read_is_said_and_the_page_is_there() {
    for (fault, part) in [
        ("resource-refused", "refuses the access token"),
        ("resource-forbidden", "reading it was not granted"),
        ("resource-absent", "does not have it"),
        ("resource-broken", "is no JSON"),
        ("resource-of-somebody-else", "is not this patient"),
        ("resource-of-another-type", "is not this patient"),
        ("resource-moved", "has answered otherwise"),
    ] {
        let served = serve(&["--fault", fault]);
        let url = format!("{}/start", served.url());
        let page = Browser::new().post(&url, &CHOICE).await;
        assert_eq!(page.status, StatusCode::OK, "{fault}: {}", page.body);
        assert!(page.body.contains(part), "{fault}: {}", page.body);
        assert!(!page.body.contains("Riley"), "{fault}: {}", page.body);
        // Who signed in is known by the token all the same.
        assert!(page.body.contains("Dr. Jordan Smith, MD"), "{fault}");
        assert!(
            page.body.contains("There is no more of the card"),
            "{fault}"
        );
    }
}
