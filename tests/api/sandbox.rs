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
