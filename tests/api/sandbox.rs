//! The sandbox as an app meets it: each version of SMART App Launch, and a user of each type.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use smart_oidc::discovery::{
    Clock, Discovery, FhirBaseUrl, FixedClock, HttpClient, IssuerRegistry, PlainHttp, ReqwestClient,
};
use smart_oidc::flow::{EhrLaunch, LaunchFlow, Registrations, SignedIn};
use smart_oidc::jose::UnixTime;
use smart_oidc::profile::FhirProfileSource;
use smart_oidc::{ClientConfig, ClientId, MemoryStore, ProfileRequest, RedirectUri, UserProfile};
use smart_sandbox::{DEFAULT_CLIENT_ID, LaunchContext, Sandbox, SmartVersion};

use super::provider;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const CALLBACK: &str = "http://127.0.0.1:8765/callback";

struct World {
    ehr: Sandbox,
    clock: Arc<FixedClock>,
    base: FhirBaseUrl,
    http: Arc<dyn HttpClient>,
    flow: LaunchFlow,
}

impl World {
    async fn new(version: SmartVersion, scope: &str) -> Self {
        let clock = Arc::new(FixedClock::at(NOW));
        let builder = Sandbox::builder(provider()).clock(clock.clone());
        let ehr = builder.version(version).start().await.unwrap();
        let base = FhirBaseUrl::parse_with(&ehr.fhir_base(), PlainHttp::LoopbackOnly).unwrap();
        let http = ReqwestClient::builder().allow_loopback().build().unwrap();
        let http: Arc<dyn HttpClient> = Arc::new(http);
        let (id, callback) = (ClientId::new(DEFAULT_CLIENT_ID), RedirectUri::new(CALLBACK));
        let client = ClientConfig::public(id, callback)
            .with_scope("launch")
            .with_scope(scope);
        let registered = Registrations::new().with(base.clone(), client).unwrap();
        let discovery = Discovery::new(http.clone()).allow_loopback_http();
        let issuers = IssuerRegistry::new(discovery, provider(), clock.clone());
        let store = Arc::new(MemoryStore::new(clock.clone()));
        let flow = LaunchFlow::new(
            registered,
            issuers,
            http.clone(),
            provider(),
            clock.clone(),
            store,
        );
        Self {
            ehr,
            clock,
            base,
            http,
            flow,
        }
    }

    async fn launch(&self, open: LaunchContext) -> SignedIn {
        let launch = self.ehr.ehr_launch(DEFAULT_CLIENT_ID, open).unwrap();
        let url = launch.url("https://app.example/launch");
        let launch = EhrLaunch::parse(url.split_once('?').unwrap().1).unwrap();
        let (request, binding) = self.flow.begin_from_ehr(launch).await.unwrap();
        let request = Request::get(request.url()).body(Bytes::new()).unwrap();
        let response = self.http.send(request).await.unwrap();
        let location = response.headers()["location"].to_str().unwrap();
        let (_, query) = location.split_once('?').unwrap();
        self.flow.complete(query, &binding).await.unwrap()
    }
}

// covers: SMART-CTX-6
#[tokio::test]
async fn an_app_signs_in_with_each_version() {
    for (version, scope, items) in [
        (SmartVersion::V1_0, "patient/*.read", 0),
        (SmartVersion::V2_0, "patient/*.rs", 1),
        (SmartVersion::V2_2, "patient/*.rs", 1),
    ] {
        let world = World::new(version, scope).await;
        let open = LaunchContext::new().patient("p-2").encounter("e-3");
        let open = open.also_open("ImagingStudy/7", None);
        let signed_in = world.launch(open).await;
        let context = signed_in.session.context();
        assert_eq!(context.patient.as_deref(), Some("p-2"));
        assert_eq!(context.encounter.as_deref(), Some("e-3"));
        let found = context.fhir_context.as_ref().map_or(0, Vec::len);
        assert_eq!(found, items, "{version:?}");
        let id_token = signed_in.id_token.unwrap();
        assert_eq!(id_token.issuer(), world.ehr.issuer());
    }
}

/// The words of a command line: those in single quotes are one.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (place, part) in command.split('\'').enumerate() {
        if place % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// The request that a command line of `curl` makes, to this sandbox.
fn request_of(command: &str, ehr: &Sandbox) -> Request<Bytes> {
    let mut words = words(command).into_iter();
    let (mut method, mut url, mut body) = ("GET".to_owned(), String::new(), Bytes::new());
    let mut headers = Vec::new();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-s" => {}
            "-X" => method = words.next().unwrap(),
            "-H" => headers.push(words.next().unwrap()),
            "-d" => {
                method = "POST".to_owned();
                body = words.next().unwrap().into();
            }
            address => {
                let path = address.strip_prefix("http://127.0.0.1:8080").unwrap();
                url = format!("{}{path}", ehr.base_url());
            }
        }
    }
    let request = Request::builder().method(&*method).uri(url);
    let request = headers.iter().fold(request, |request, header| {
        let (name, value) = header.split_once(": ").unwrap();
        request.header(name, value)
    });
    request.body(body).unwrap()
}

/// Each command line of the page does what it is there for, in its order.
#[tokio::test]
async fn the_command_lines_of_the_page_work() {
    let ehr = Sandbox::start(provider()).await.unwrap();
    let http = ReqwestClient::builder().allow_loopback().build().unwrap();
    let page = include_str!("../../docs/sandbox.md");
    let (_, rest) = page
        .split_once("```console\n$ smart sandbox --auto-approve --bind")
        .unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    let commands: Vec<&str> = block.split("\n$ curl ").skip(1).collect();
    let mut asked = std::collections::BTreeSet::new();
    for command in commands {
        let request = request_of(command, &ehr);
        let what = format!("{} {}", request.method(), request.uri().path());
        let answer = http.send(request).await.unwrap();
        let text = String::from_utf8_lossy(answer.body()).into_owned();
        assert!(answer.status().is_success(), "{command}: {text}");
        assert!(
            serde_json::from_str::<serde_json::Value>(&text).is_ok(),
            "{command}: {text}"
        );
        asked.insert(what);
    }
    // The table of the page lists them all.
    let rows = page
        .lines()
        .filter(|it| it.starts_with("| `") && it.contains("/_sandbox"));
    let listed = rows.flat_map(|row| {
        let cell = row.trim_start_matches('|').split('|').next().unwrap();
        cell.split(',')
            .map(|it| it.trim().trim_matches('`').replace("NAME", "expired"))
    });
    assert_eq!(asked, listed.collect());
    assert!(ehr.users().iter().any(|it| it.name == "Uma Example"));
    assert!(ehr.patients().iter().any(|it| it.1 == "Noa Example"));
}

// covers: SMART-USR-1
#[tokio::test]
async fn a_user_of_each_type_has_a_profile() {
    let world = World::new(SmartVersion::V2_2, "patient/*.rs").await;
    for (user, name) in [
        ("Practitioner/dr-smith", "Smith"),
        ("PractitionerRole/dr-okafor-cardiology", "Okafor"),
        ("Patient/p-2", "Sample"),
        ("RelatedPerson/rp-1", "Casey"),
        ("Person/person-1", "Quinn"),
    ] {
        let signed_in = world.launch(LaunchContext::new().user(user)).await;
        let id_token = signed_in.id_token.unwrap();
        let access_token = signed_in.session.access_token();
        let request = ProfileRequest::new(&id_token, &world.base, access_token);
        let source = FhirProfileSource::new(world.http.clone());
        let profile = UserProfile::load(&request, &source, world.clock.now()).await;
        let fhir_user = profile.fhir_user.as_ref().unwrap();
        assert_eq!(fhir_user.reference(), user);
        assert!(
            profile.resource.is_ok(),
            "{user}: {:?}",
            profile.resource.err()
        );
        let shown = profile.name.unwrap();
        assert!(shown.contains(name), "{user}: {shown}");
    }
}
