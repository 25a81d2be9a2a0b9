//! The profile of a user against a FHIR server that answers from a script: where the access token
//! goes, what becomes of each answer, and what is read.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use smart_oidc::discovery::{Discovery, FhirBaseUrl, Issuer};
use smart_oidc::jose::{Algorithms, ErrorClass, JwkSet, UnixTime};
use smart_oidc::profile::{
    DirectoryProfileSource, FhirProfileSource, ImageType, MAX_RESOURCE_OCTETS, Photo,
    ProfileRequest, ProfileSource, ReadError, UserResource,
};
use smart_oidc::{
    AccessToken, ClientConfig, ClientId, Expected, FhirRead, FhirUser, FhirUserType, IdToken,
    IdTokenVerifier, Launch, Nonce, RawIdToken, RedirectUri, Scopes, TokenClient, TokenResponse,
    UserProfile,
};
use smart_tests::forge::Forge;

use super::provider;
use crate::fake_http::{Answer, FakeHttp};

const BASE: &str = "https://ehr.example/fhir";
const STAFF: &str = "https://staff.example/fhir";
const ISSUER: &str = "https://login.example";
const ACCESS: &str = "access-token-secret";
/// 2026-07-01T00:00:00Z.
const NOW: UnixTime = UnixTime::from_secs(1_782_864_000);

fn base(url: &str) -> FhirBaseUrl {
    FhirBaseUrl::parse(url).unwrap()
}

/// A valid token with these claims besides the ones that it must have, and its text.
async fn token(claims: Value) -> (IdToken, String) {
    let mut all = json!({
        "iss": ISSUER,
        "sub": "alice",
        "aud": "app",
        "exp": NOW.as_secs() + 300,
        "iat": NOW.as_secs(),
        "nonce": "n",
    });
    for (name, value) in claims.as_object().unwrap() {
        all[name] = value.clone();
    }
    verified(&all, |it| it).await
}

async fn verified(
    claims: &Value,
    configure: impl FnOnce(IdTokenVerifier) -> IdTokenVerifier,
) -> (IdToken, String) {
    let text = Forge::issuer().token("RS256", claims);
    let keys = Forge::issuer().jwks().to_string();
    let verifier = configure(IdTokenVerifier::with_static_keys(
        &Issuer::parse(ISSUER).unwrap(),
        ClientId::new("app"),
        Algorithms::ID_TOKEN,
        JwkSet::parse(keys.as_bytes(), provider()).unwrap(),
        provider(),
    ));
    let nonce = Nonce::new("n");
    let raw = RawIdToken::new(text.clone());
    let token = verifier.verify(&raw, &Expected::nonce(&nonce), NOW).await;
    (token.unwrap(), text)
}

/// A token whose user is this.
async fn user(fhir_user: &str) -> IdToken {
    token(json!({ "fhirUser": fhir_user })).await.0
}

/// Loads the profile of a token from this network, with a request that may be changed.
async fn load_with<'t>(
    http: &Arc<FakeHttp>,
    token: &'t IdToken,
    access_token: &'t AccessToken,
    change: impl FnOnce(ProfileRequest<'t>) -> ProfileRequest<'t>,
) -> UserProfile {
    let request = ProfileRequest::new(token, &base(BASE), access_token);
    let source = FhirProfileSource::new(http.clone());
    UserProfile::load(&change(request), &source, NOW).await
}

async fn load(http: &Arc<FakeHttp>, token: &IdToken) -> UserProfile {
    load_with(http, token, &AccessToken::new(ACCESS), |it| it).await
}

/// The card of this Practitioner, read from a server.
async fn card(resource: &Value) -> UserResource {
    let kind = resource["resourceType"].as_str().unwrap();
    let id = resource["id"].as_str().unwrap();
    let http = FakeHttp::new();
    http.answer(&format!("{BASE}/{kind}/{id}"), Answer::json(resource));
    let profile = load(&http, &user(&format!("{kind}/{id}")).await).await;
    profile.resource.unwrap()
}

/// Where the requests went, and which authorization each had.
fn sent(http: &FakeHttp) -> Vec<(String, Option<String>)> {
    let sent = http.sent().into_iter().map(|it| {
        assert_eq!(it.method, "GET");
        assert!(it.body.is_empty());
        let bearer = it.headers.get_all("authorization").iter();
        let bearer: Vec<_> = bearer.map(|it| it.to_str().unwrap().to_owned()).collect();
        assert!(bearer.len() <= 1);
        (it.url, bearer.first().cloned())
    });
    sent.collect()
}

/// A request with the access token.
fn with_token(url: &str) -> (String, Option<String>) {
    (url.to_owned(), Some(format!("Bearer {ACCESS}")))
}

fn practitioner(id: &str) -> Value {
    json!({
        "resourceType": "Practitioner",
        "id": id,
        "name": [{ "use": "official", "prefix": ["Dr."], "given": ["Ada"], "family": "Smith" }],
    })
}

fn role(reference: &Value) -> Value {
    json!({
        "resourceType": "PractitionerRole",
        "id": "r1",
        "practitioner": reference,
        "code": [{ "text": "Surgeon" }],
        "specialty": [{ "coding": [{ "code": "394579002", "display": "Cardiology" }] }],
        "organization": { "reference": "Organization/1", "display": "Mercy Hospital" },
    })
}

// covers: SMART-USR-3, SMART-USR-4, SMART-USR-13, SMART-ID-3, SMART-ID-4
#[tokio::test]
async fn adv_bearer_origin_of_the_user() {
    for (claim, code) in [
        (
            "https://evil.example/fhir/Practitioner/1",
            "fhir-user-off-base",
        ),
        // A host that begins like ours, and one that ends like it.
        (
            "https://ehr.example.evil.example/fhir/Practitioner/1",
            "fhir-user-off-base",
        ),
        (
            "https://evil-ehr.example/fhir/Practitioner/1",
            "fhir-user-off-base",
        ),
        (
            "https://ehr.example@evil.example/fhir/Practitioner/1",
            "fhir-user-form",
        ),
        (
            "https://ehr.example:443@evil.example/fhir/Practitioner/1",
            "fhir-user-form",
        ),
        (
            "https://ehr.example:8443/fhir/Practitioner/1",
            "fhir-user-off-base",
        ),
        (
            "http://ehr.example/fhir/Practitioner/1",
            "fhir-user-off-base",
        ),
        (
            "https://ehr.example/fhir2/Practitioner/1",
            "fhir-user-off-base",
        ),
        (
            "https://ehr.example/fhir/tenant/Practitioner/1",
            "fhir-user-form",
        ),
        (
            "https://ehr.example/fhir/../other/Practitioner/1",
            "fhir-user-form",
        ),
        (
            "https://ehr.example/fhir/%2e%2e/Practitioner/1",
            "fhir-user-form",
        ),
        (
            "https://ehr.example/fhir/Practitioner/1?_format=xml",
            "fhir-user-form",
        ),
        (
            "https://ehr.example/fhir/Practitioner/1#1",
            "fhir-user-form",
        ),
        (
            "https://ehr.example\\@evil.example/fhir/Practitioner/1",
            "fhir-user-form",
        ),
        (
            "https://ehr.example\t/fhir/Practitioner/1",
            "fhir-user-form",
        ),
        ("//evil.example/fhir/Practitioner/1", "fhir-user-form"),
        ("Practitioner/1/../../Observation/1", "fhir-user-form"),
        ("Practitioner/1/_history/2", "fhir-user-form"),
        ("practitioner/1", "fhir-user-type"),
        ("Device/1", "fhir-user-type"),
    ] {
        let http = FakeHttp::new();
        let token = user(claim).await;
        let profile = load(&http, &token).await;
        assert_eq!(
            profile.resource.as_ref().unwrap_err().code(),
            code,
            "{claim}"
        );
        assert_eq!((profile.issuer(), profile.subject()), (ISSUER, "alice"));
        assert_eq!(profile.fhir_user, None);
        assert_eq!(http.count(), 0, "{claim}");
    }
}

// covers: SMART-USR-12, SMART-USR-3
#[tokio::test]
async fn adv_bearer_origin_along_a_redirect() {
    let url = format!("{BASE}/Practitioner/1");
    let token = user("Practitioner/1").await;
    for status in [300, 301, 302, 303, 304, 307, 308] {
        for to in [
            "https://evil.example/fhir/Practitioner/1",
            "https://ehr.example/fhir/Practitioner/2",
            "/fhir/Practitioner/2",
        ] {
            let http = FakeHttp::new();
            http.answer(&url, Answer::redirect(status, to));
            let profile = load(&http, &token).await;
            assert_eq!(
                profile.resource.as_ref().unwrap_err().code(),
                "profile-redirect",
                "{status} {to}"
            );
            assert_eq!(sent(&http), [with_token(&url)]);
        }
    }
}

// covers: SMART-USR-7, SMART-USR-10, SMART-USR-11, SMART-SCP-10
#[tokio::test]
async fn f6_each_refusal_has_its_own_error_and_leaves_the_identity() {
    let url = format!("{BASE}/Practitioner/1");
    let (token, _) = token(json!({"fhirUser": "Practitioner/1", "name": "Ada of the token"})).await;
    for (status, code, is_due) in [
        (401, "profile-unauthorized", true),
        (403, "profile-forbidden", false),
        (404, "profile-not-found", false),
        (410, "profile-gone", false),
        (400, "profile-status", false),
        (406, "profile-status", false),
        (429, "profile-status", false),
        (500, "profile-status", false),
        (503, "profile-status", false),
        (201, "profile-status", false),
        (203, "profile-status", false),
        (204, "profile-status", false),
        (206, "profile-status", false),
    ] {
        let http = FakeHttp::new();
        http.answer(&url, Answer::status(status));
        let profile = load(&http, &token).await;
        let error = profile.resource.as_ref().unwrap_err();
        assert_eq!(
            (error.code(), error.refresh_is_due()),
            (code, is_due),
            "{status}"
        );
        assert_eq!(error.class(), ErrorClass::Upstream);
        // Nothing is tried a second time, and the identity is as good as before.
        assert_eq!(sent(&http), [with_token(&url)], "{status}");
        assert_eq!(profile.key, token.user_key());
        assert_eq!(profile.name.as_deref(), Some("Ada of the token"));
        assert_eq!(profile.practitioner_id(), Some("1"));
    }
    // The resource itself under another status: a proxy that changed it says 203.
    for status in [201, 202, 203, 206, 226] {
        let http = FakeHttp::new();
        let answer = Answer::json(&practitioner("1")).with_status(status);
        http.answer(&url, answer);
        let error = load(&http, &token).await.resource.unwrap_err();
        assert_eq!(error.code(), "profile-status", "{status}");
    }
    let http = FakeHttp::new();
    http.set_down(true);
    let profile = load(&http, &token).await;
    assert_eq!(
        profile.resource.as_ref().unwrap_err().code(),
        "http-connect"
    );
    assert_eq!(http.count(), 1);
}

// covers: SMART-USR-11
#[tokio::test]
async fn what_an_operation_outcome_says_comes_as_codes_only() {
    let outcome = json!({
        "resourceType": "OperationOutcome",
        "text": { "div": "<div>Hidden Patient</div>" },
        "issue": [
            { "severity": "error", "code": "forbidden", "diagnostics": "Hidden Patient 4711" },
            { "severity": "error", "code": "Hidden Patient", "details": { "text": "Hidden" } },
        ],
    })
    .to_string();
    let token = user("Practitioner/1").await;
    for status in [401, 403, 404, 410, 422, 500] {
        let http = FakeHttp::new();
        let answer = Answer::text("application/fhir+json", &outcome).with_status(status);
        http.answer(&format!("{BASE}/Practitioner/1"), answer);
        let profile = load(&http, &token).await;
        let smart_oidc::ProfileError::Read(error) = profile.resource.unwrap_err() else {
            panic!("{status}");
        };
        let issues: Vec<_> = error.issues().iter().collect();
        assert_eq!(issues.len(), 2, "{status}");
        assert_eq!(issues[0].code.as_ref().unwrap().as_str(), "forbidden");
        assert_eq!(issues[0].severity.as_ref().unwrap().as_str(), "error");
        assert_eq!(issues[1].code, None);
        assert!(error.to_string().contains("says forbidden"), "{error}");
        assert!(
            !format!("{error} {error:?}").contains("Hidden"),
            "{error:?}"
        );
    }
    // Bodies that are none, also long and deep ones, change nothing.
    for body in ["", "<html>", &"[".repeat(100_000), &"x".repeat(500_000)] {
        let http = FakeHttp::new();
        let answer = Answer::text("application/json", body).with_status(403);
        http.answer(&format!("{BASE}/Practitioner/1"), answer);
        let error = load(&http, &token).await.resource.unwrap_err();
        assert_eq!(error.code(), "profile-forbidden");
    }
}

// covers: SMART-USR-5
#[tokio::test]
async fn only_the_resource_that_was_asked_for_is_read() {
    let token = user("Practitioner/1").await;
    let deep = format!(
        r#"{{"resourceType":"Practitioner","id":"1","x":{}{}}}"#,
        "[".repeat(70),
        "]".repeat(70)
    );
    let bottomless = format!(r#"{{"id":"1","x":{}"#, "[".repeat(500_000));
    let huge = format!(
        r#"{{"resourceType":"Practitioner","id":"1","x":"{}"}}"#,
        "x".repeat(MAX_RESOURCE_OCTETS)
    );
    for (body, code) in [
        (
            r#"{"resourceType":"Practitioner","id":"2"}"#,
            "profile-other-resource",
        ),
        (
            r#"{"resourceType":"Practitioner","id":1}"#,
            "profile-other-resource",
        ),
        (
            r#"{"resourceType":"Practitioner"}"#,
            "profile-other-resource",
        ),
        (
            r#"{"resourceType":"practitioner","id":"1"}"#,
            "profile-other-resource",
        ),
        (
            r#"{"resourceType":"Patient","id":"1"}"#,
            "profile-other-resource",
        ),
        (
            r#"{"resourceType":"OperationOutcome","id":"1"}"#,
            "profile-other-resource",
        ),
        (
            r#"{"resourceType":["Practitioner"],"id":"1"}"#,
            "profile-other-resource",
        ),
        (r#"{"id":"1"}"#, "profile-other-resource"),
        (
            r#"{"resourceType":"Practitioner","id":"1","id":"1"}"#,
            "profile-json",
        ),
        (
            r#"{"resourceType":"Practitioner","id":"1"}x"#,
            "profile-json",
        ),
        (
            r#"[{"resourceType":"Practitioner","id":"1"}]"#,
            "profile-json",
        ),
        ("null", "profile-json"),
        ("", "profile-json"),
        ("\u{feff}{}", "profile-json"),
        (&deep, "profile-json"),
        (&bottomless, "profile-json"),
        (&huge, "profile-json"),
    ] {
        let http = FakeHttp::new();
        let answer = Answer::text("application/fhir+json", body);
        http.answer(&format!("{BASE}/Practitioner/1"), answer);
        let profile = load(&http, &token).await;
        let error = profile.resource.as_ref().unwrap_err();
        assert_eq!(error.code(), code, "{body:.60}");
        assert_eq!(profile.key, token.user_key());
        assert_eq!(http.count(), 1);
    }
}

// covers: SMART-USR-6
#[tokio::test]
async fn json_is_read_however_it_is_labelled_and_pages_are_told_apart() {
    let token = user("Practitioner/1").await;
    let body = practitioner("1").to_string();
    for (label, code) in [
        ("application/fhir+json; charset=utf-8", None),
        ("application/json", None),
        ("application/json+fhir", None),
        ("text/plain", None),
        ("", None),
        ("text/html; charset=utf-8", Some("profile-content-type")),
        ("Text/HTML", Some("profile-content-type")),
        ("application/xhtml+xml", Some("profile-content-type")),
        ("application/fhir+xml", Some("profile-content-type")),
        ("application/xml", Some("profile-content-type")),
    ] {
        let http = FakeHttp::new();
        http.answer(
            &format!("{BASE}/Practitioner/1"),
            Answer::text(label, &body),
        );
        let found = load(&http, &token).await.resource;
        assert_eq!(found.err().map(|it| it.code()), code, "{label}");
        let accept = http.sent()[0].headers["accept"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(accept.contains("application/fhir+json") && accept.contains("application/json"));
    }
}

// covers: SMART-USR-1, SMART-USR-2
#[tokio::test]
async fn the_card_of_a_clinician_is_whole() {
    let gif = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";
    let resource = json!({
        "resourceType": "Practitioner",
        "id": "1",
        "active": true,
        "identifier": [
            { "system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567890" },
            { "system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893" },
            { "system": "urn:oid:2.999.7", "value": "D-7", "use": "usual",
              "type": { "coding": [{ "code": "MD", "display": "Medical License" }] } },
        ],
        "name": [
            { "use": "maiden", "text": "Ada Jones" },
            { "use": "official", "prefix": ["Dr."], "given": ["Ada", "B."], "family": "Smith", "suffix": ["MD"] },
        ],
        "telecom": [
            { "system": "email", "value": "ada@mercy.example", "use": "work", "rank": 2 },
            { "system": "phone", "value": "+1 555 0100", "use": "work", "rank": 1 },
            { "system": "fax", "value": "+1 555 0199", "period": { "end": "2020" } },
        ],
        "photo": [
            { "contentType": "image/svg+xml", "data": "PHN2Zy8+" },
            { "contentType": "image/gif", "data": gif },
        ],
        "qualification": [
            { "code": { "text": "Doctor of Medicine" }, "issuer": { "display": "Example University" } },
            { "code": { "coding": [{ "code": "BS" }] }, "period": { "start": "1995", "end": "1999-05" } },
            { "code": { "coding": [{ "code": "PHD", "display": "Doctor of Philosophy" }] } },
            { "code": { "text": "Master of Science" }, "period": { "start": "2027" } },
        ],
        "communication": [{ "coding": [{ "system": "urn:ietf:bcp:47", "code": "fr" }] }],
    });
    let http = FakeHttp::new();
    http.answer(&format!("{BASE}/Practitioner/1"), Answer::json(&resource));
    // A final slash of the base makes no second one.
    let token = user("Practitioner/1").await;
    let access_token = AccessToken::new(ACCESS);
    let request = ProfileRequest::new(&token, &base(&format!("{BASE}/")), &access_token);
    let source = FhirProfileSource::new(http.clone());
    let profile = UserProfile::load(&request, &source, NOW).await;
    assert_eq!(sent(&http), [with_token(&format!("{BASE}/Practitioner/1"))]);

    assert_eq!(profile.name.as_deref(), Some("Dr. Ada B. Smith MD"));
    assert_eq!(profile.language.as_deref(), Some("fr"));
    assert_eq!(profile.practitioner_id(), Some("1"));
    let card = profile.resource.unwrap();
    assert_eq!(card.resource_type, FhirUserType::Practitioner);
    assert!(card.is_current);
    // One with a slip in it is no NPI, and is found among the identifiers.
    assert_eq!(card.npi(), Some("1234567893"));
    let identifiers: Vec<_> = card
        .identifiers
        .iter()
        .map(|it| it.value.as_str())
        .collect();
    assert_eq!(identifiers, ["1234567893", "D-7", "1234567890"]);
    assert_eq!(
        card.identifiers[1].system.as_deref(),
        Some("urn:oid:2.999.7")
    );
    assert_eq!(card.identifiers[1].kind.as_deref(), Some("Medical License"));
    let telecoms: Vec<_> = card.telecoms.iter().map(|it| it.value.as_str()).collect();
    assert_eq!(telecoms, ["+1 555 0100", "ada@mercy.example"]);
    let learnt: Vec<_> = card
        .qualifications
        .iter()
        .map(|it| it.text.as_str())
        .collect();
    assert_eq!(learnt, ["Doctor of Medicine", "Doctor of Philosophy"]);
    assert_eq!(
        card.qualifications[0].issuer.as_deref(),
        Some("Example University")
    );
    let Some(Photo::Inline { image_type, data }) = &card.photo else {
        panic!("{:?}", card.photo);
    };
    assert_eq!((*image_type, data.len()), (ImageType::Gif, 42));
    assert_eq!(card.practitioner, None);
}

// covers: SMART-ID-4, SMART-USR-14
#[tokio::test]
async fn each_type_of_user_has_a_card_in_every_version() {
    let related = card(&json!({
        "resourceType": "RelatedPerson", "id": "1", "name": [{ "text": "Ida" }],
        "relationship": { "coding": [{ "code": "MTH", "display": "mother" }] },
        "period": { "end": "2020" },
        "patient": { "reference": "https://evil.example/Patient/1" },
    }))
    .await;
    assert_eq!(related.roles, ["mother"]);
    assert!(!related.is_current);
    let patient = card(&json!({
        "resourceType": "Patient", "id": "1", "active": false, "name": [{ "text": "Pat" }],
        "communication": [
            { "language": { "coding": [{ "system": "urn:ietf:bcp:47", "code": "en" }] } },
            { "language": { "coding": [{ "system": "urn:ietf:bcp:47", "code": "es" }] }, "preferred": true },
        ],
    }))
    .await;
    assert_eq!(patient.language.as_deref(), Some("es"));
    assert!(!patient.is_current);
    let person = card(&json!({
        "resourceType": "Person", "id": "1", "name": [{ "given": ["Per"] }],
        "photo": { "url": "https://pictures.example/per.png" },
        "link": [{ "target": { "reference": "https://evil.example/Patient/1" } }],
    }))
    .await;
    assert_eq!(person.name.as_deref(), Some("Per"));
    assert!(matches!(&person.photo, Some(Photo::Url(url)) if url.as_str().ends_with("/per.png")));
    // DSTU2: one name, its family in an array, and the roles inside the Practitioner.
    let dstu2 = card(&json!({
        "resourceType": "Practitioner", "id": "1",
        "name": { "family": ["Smith"], "given": ["Ada"] },
        "practitionerRole": [
            { "role": { "text": "Intern" }, "period": { "end": "2001" } },
            { "role": { "text": "Surgeon" }, "specialty": [{ "text": "Cardiology" }],
              "managingOrganization": { "display": "Mercy Hospital" } },
        ],
    }))
    .await;
    assert_eq!(dstu2.name.as_deref(), Some("Ada Smith"));
    assert_eq!(
        (dstu2.roles, dstu2.specialties),
        (vec!["Surgeon".into()], vec!["Cardiology".into()])
    );
    assert_eq!(dstu2.organization.as_deref(), Some("Mercy Hospital"));
}

// covers: SMART-USR-16
#[tokio::test]
async fn a_role_is_followed_to_its_practitioner_on_the_same_server() {
    for reference in [
        "Practitioner/p1",
        "https://ehr.example/fhir/Practitioner/p1",
        "https://EHR.example:443/fhir/Practitioner/p1",
        // The version falls away: what is shown is how things are now.
        "Practitioner/p1/_history/2",
        "https://ehr.example/fhir/Practitioner/p1/_history/2",
    ] {
        let http = FakeHttp::new();
        let mut role = role(&json!({ "reference": reference, "display": "A. Smith" }));
        role["identifier"] = json!([{ "value": "role-7" }]);
        role["telecom"] = json!([{ "system": "phone", "value": "1" }]);
        let mut person = practitioner("p1");
        person["identifier"] =
            json!([{ "value": "1234567893", "system": "http://hl7.org/fhir/sid/us-npi" }]);
        person["telecom"] = json!([{ "system": "phone", "value": "2" }]);
        person["qualification"] = json!([{ "code": { "text": "MD" } }]);
        person["communication"] = json!([{ "coding": [{ "code": "de" }] }]);
        // A Practitioner that names another one leads nowhere.
        person["practitioner"] = json!({ "reference": "Practitioner/p2" });
        let (first, second) = (
            format!("{BASE}/PractitionerRole/r1"),
            format!("{BASE}/Practitioner/p1"),
        );
        http.answer(&first, Answer::json(&role));
        http.answer(&second, Answer::json(&person));
        let profile = load(&http, &user("PractitionerRole/r1").await).await;
        assert_eq!(
            sent(&http),
            [with_token(&first), with_token(&second)],
            "{reference}"
        );
        assert_eq!(profile.name.as_deref(), Some("Dr. Ada Smith"));
        assert_eq!(profile.practitioner_id(), Some("p1"));
        assert_eq!(profile.language.as_deref(), Some("de"));
        let card = profile.resource.unwrap();
        assert_eq!(card.resource_type, FhirUserType::PractitionerRole);
        assert!(card.is_current);
        assert_eq!(card.roles, ["Surgeon"]);
        assert_eq!(card.specialties, ["Cardiology"]);
        assert_eq!(card.organization.as_deref(), Some("Mercy Hospital"));
        assert_eq!(card.npi(), Some("1234567893"));
        assert_eq!(card.identifiers.len(), 2);
        let telecoms: Vec<_> = card.telecoms.iter().map(|it| it.value.as_str()).collect();
        assert_eq!(telecoms, ["1", "2"]);
        assert_eq!(card.qualifications[0].text, "MD");
        assert_eq!(card.practitioner.unwrap().followed, Ok(()));
    }
}

// covers: SMART-USR-16, SMART-USR-3
#[tokio::test]
async fn no_other_reference_of_a_role_is_followed() {
    for (reference, code) in [
        (
            json!({"reference": "https://evil.example/fhir/Practitioner/p1"}),
            "reference-off-base",
        ),
        (
            json!({"reference": "https://ehr.example.evil.example/fhir/Practitioner/p1"}),
            "reference-off-base",
        ),
        (
            json!({"reference": "https://ehr.example/fhir2/Practitioner/p1"}),
            "reference-off-base",
        ),
        (
            json!({"reference": "http://ehr.example/fhir/Practitioner/p1"}),
            "reference-off-base",
        ),
        (
            json!({"reference": "https://ehr.example:8443/fhir/Practitioner/p1"}),
            "reference-off-base",
        ),
        (
            json!({"reference": "https://ehr.example@evil.example/fhir/Practitioner/p1"}),
            "reference-form",
        ),
        (
            json!({"reference": "//evil.example/fhir/Practitioner/p1"}),
            "reference-form",
        ),
        (
            json!({"reference": "/fhir/Practitioner/p1"}),
            "reference-form",
        ),
        (
            json!({"reference": "../fhir/Practitioner/p1"}),
            "reference-form",
        ),
        (json!({"reference": "Practitioner/p1?x"}), "reference-form"),
        (
            json!({"reference": "Practitioner/p1/_history/.."}),
            "reference-form",
        ),
        (
            json!({"reference": "Practitioner/p1/_history"}),
            "reference-form",
        ),
        (
            json!({"reference": "Practitioner/p1/_history/1/2"}),
            "reference-form",
        ),
        (
            json!({"reference": "Practitioner?identifier=1"}),
            "reference-form",
        ),
        (
            json!({"reference": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"}),
            "reference-form",
        ),
        (json!({"reference": ""}), "reference-form"),
        // Neither itself nor another type: the step leads to a Practitioner and ends there.
        (
            json!({"reference": "PractitionerRole/r1"}),
            "practitioner-type",
        ),
        (json!({"reference": "Patient/p1"}), "practitioner-type"),
        (json!({"reference": "Person/p1"}), "practitioner-type"),
        (
            json!({"reference": "RelatedPerson/p1"}),
            "practitioner-type",
        ),
        (json!({"reference": "Organization/p1"}), "reference-type"),
        (json!({"reference": "#p1"}), "practitioner-not-contained"),
        (json!({"reference": "#"}), "practitioner-not-contained"),
        (
            json!({"identifier": {"value": "1234567893"}}),
            "practitioner-logical",
        ),
        (json!({"display": "A. Smith"}), "practitioner-missing"),
        (json!({"reference": 7}), "practitioner-missing"),
        (json!("Practitioner/p1"), "practitioner-missing"),
        (Value::Null, "practitioner-missing"),
    ] {
        let http = FakeHttp::new();
        let url = format!("{BASE}/PractitionerRole/r1");
        http.answer(&url, Answer::json(&role(&reference)));
        let profile = load(&http, &user("PractitionerRole/r1").await).await;
        assert_eq!(sent(&http), [with_token(&url)], "{reference}");
        assert_eq!(profile.practitioner_id(), None);
        let card = profile.resource.unwrap();
        let followed = card.practitioner.unwrap().followed.unwrap_err();
        assert_eq!(followed.code(), code, "{reference}");
        assert_eq!(card.roles, ["Surgeon"]);
        let display = reference.get("display").and_then(Value::as_str);
        assert_eq!(card.name.as_deref(), display);
    }
}

#[tokio::test]
async fn a_practitioner_inside_the_role_needs_no_second_read() {
    let mut role = role(&json!({ "reference": "#p1" }));
    let mut person = practitioner("p1");
    // What is inside names nobody further either.
    person["practitioner"] = json!({ "reference": "Practitioner/p2" });
    // Both must be active for the card to be.
    person["active"] = false.into();
    role["contained"] = json!([
        7,
        { "resourceType": "Organization", "id": "p1", "name": "Not a person" },
        { "resourceType": "Practitioner", "id": "p0", "name": [{ "text": "Another" }] },
        person,
    ]);
    let card = card(&role).await;
    assert_eq!(card.name.as_deref(), Some("Dr. Ada Smith"));
    assert!(!card.is_current);
    let link = card.practitioner.unwrap();
    // An id inside of a resource is none on the server.
    assert_eq!((link.id, link.followed), (None, Ok(())));
}

#[tokio::test]
async fn the_id_of_what_is_inside_may_have_its_mark_and_must_not_be_empty() {
    for (reference, id, is_found) in [
        ("#p1", json!("p1"), true),
        ("#p1", json!("#p1"), true),
        ("#p1", json!("##p1"), false),
        ("#p1", json!("p2"), false),
        // The role itself, and not somebody without an id.
        ("#", json!("#"), false),
        ("#", json!(""), false),
        ("#", Value::Null, false),
    ] {
        let mut role = role(&json!({ "reference": reference, "display": "A. Smith" }));
        let mut person = practitioner("");
        person["id"] = id.clone();
        role["contained"] = json!([person]);
        let card = card(&role).await;
        let followed = card.practitioner.unwrap().followed;
        let code = followed.err().map(|it| it.code());
        let expected = (!is_found).then_some("practitioner-not-contained");
        assert_eq!(code, expected, "{reference} {id}");
        let name = if is_found {
            "Dr. Ada Smith"
        } else {
            "A. Smith"
        };
        assert_eq!(card.name.as_deref(), Some(name), "{reference} {id}");
    }
}

/// A role that contains its Practitioner.
fn role_with(members: &Value, practitioner_members: &Value) -> Value {
    let mut role = role(&json!({ "reference": "#p1" }));
    let mut person = practitioner("p1");
    for (name, value) in members.as_object().unwrap() {
        role[name] = value.clone();
    }
    for (name, value) in practitioner_members.as_object().unwrap() {
        person[name] = value.clone();
    }
    role["contained"] = json!([person]);
    role
}

#[tokio::test]
async fn what_is_current_comes_before_what_is_over_whoever_has_it() {
    let card = card(&role_with(
        &json!({
            "identifier": [
                { "value": "role-ended", "use": "official", "period": { "end": "2020" } },
                { "value": "role-later", "period": { "start": "2027" } },
                { "value": "role-none" },
            ],
            "telecom": [
                { "value": "role-old", "use": "old", "rank": 1 },
                { "value": "role-2", "rank": 2 },
                { "value": "role-none" },
            ],
            "photo": [{ "data": "R0lGODlh" }],
            "communication": [{ "coding": [{ "code": "de" }] }],
        }),
        &json!({
            "identifier": [
                { "value": "person-none" },
                { "value": "person-official", "use": "official" },
                { "value": "person-old", "use": "old" },
            ],
            "telecom": [
                { "value": "person-none" },
                { "value": "person-2", "rank": 2 },
                { "value": "person-1", "rank": 1 },
            ],
            "photo": [{ "data": "R0lGODlhAAAA" }],
            "communication": [{ "coding": [{ "code": "fr" }] }],
        }),
    ))
    .await;
    let identifiers = card
        .identifiers
        .iter()
        .map(|it| (it.value.as_str(), it.is_current));
    assert_eq!(
        identifiers.collect::<Vec<_>>(),
        [
            ("person-official", true),
            ("role-none", true),
            ("person-none", true),
            ("role-ended", false),
            ("role-later", false),
            ("person-old", false),
        ]
    );
    let telecoms: Vec<_> = card.telecoms.iter().map(|it| it.value.as_str()).collect();
    assert_eq!(
        telecoms,
        [
            "person-1",
            "role-2",
            "person-2",
            "role-none",
            "person-none",
            "role-old"
        ]
    );
    // A photo and a language are the person's first.
    assert_eq!(
        format!("{:?}", card.photo.unwrap()),
        "Photo(image/gif, 9 octets)"
    );
    assert_eq!(card.language.as_deref(), Some("fr"));
}

#[tokio::test]
async fn no_cut_loses_what_is_best() {
    let many = |value: Value| vec![value; 100];
    let npi = "http://hl7.org/fhir/sid/us-npi";
    let mut identifiers = many(json!({ "value": "2", "use": "official" }));
    identifiers.push(json!({ "value": "1234567893", "system": npi, "use": "secondary" }));
    let card = card(&role_with(
        &json!({
            "identifier": many(json!({ "value": "1", "use": "official" })),
            "telecom": many(json!({ "value": "1", "rank": 2 })),
        }),
        &json!({
            "identifier": identifiers,
            "telecom": [{ "value": "2", "rank": 1 }],
        }),
    ))
    .await;
    assert_eq!((card.identifiers.len(), card.telecoms.len()), (64, 64));
    assert_eq!(card.npi(), Some("1234567893"));
    assert_eq!(card.telecoms[0].value, "2");
}

#[tokio::test]
async fn the_npi_of_a_practitioner_comes_before_one_that_the_role_had() {
    let npi = "http://hl7.org/fhir/sid/us-npi";
    for member in [
        json!({ "use": "old" }),
        json!({ "period": { "end": "2020" } }),
        json!({ "period": { "start": "2027" } }),
        json!({ "use": "temp" }),
        json!({ "use": "secondary" }),
    ] {
        let mut had = json!({ "value": "1245319599", "system": npi });
        for (name, value) in member.as_object().unwrap() {
            had[name] = value.clone();
        }
        let card = card(&role_with(
            &json!({ "identifier": [had] }),
            &json!({ "identifier": [{ "value": "1234567893", "system": npi }] }),
        ))
        .await;
        assert_eq!(card.npi(), Some("1234567893"), "{member}");
        assert_eq!(card.identifiers.len(), 2);
    }
}

// covers: SMART-USR-16, SMART-USR-10
#[tokio::test]
async fn a_role_keeps_its_card_where_its_practitioner_cannot_be_read() {
    let (first, second) = (
        format!("{BASE}/PractitionerRole/r1"),
        format!("{BASE}/Practitioner/p1"),
    );
    let huge = format!(r#"{{"x":"{}"}}"#, "x".repeat(MAX_RESOURCE_OCTETS));
    let token = user("PractitionerRole/r1").await;
    for (answer, code) in [
        (Answer::status(401), "profile-unauthorized"),
        (Answer::status(403), "profile-forbidden"),
        (Answer::status(404), "profile-not-found"),
        (Answer::status(410), "profile-gone"),
        (Answer::status(500), "profile-status"),
        (
            Answer::redirect(302, "https://evil.example/"),
            "profile-redirect",
        ),
        (Answer::text("text/html", "<html>"), "profile-content-type"),
        (Answer::text("application/json", "{"), "profile-json"),
        (Answer::text("application/json", &huge), "profile-json"),
        (Answer::json(&practitioner("p2")), "profile-other-resource"),
        (
            Answer::json(&role(&json!({ "reference": "Practitioner/p1" }))),
            "profile-other-resource",
        ),
    ] {
        let http = FakeHttp::new();
        let role = role(&json!({ "reference": "Practitioner/p1", "display": "A. Smith" }));
        http.answer(&first, Answer::json(&role));
        http.answer(&second, answer.clone());
        let profile = load(&http, &token).await;
        assert_eq!(
            sent(&http),
            [with_token(&first), with_token(&second)],
            "{answer:?}"
        );
        // Who it is is known also where the resource is not.
        assert_eq!(profile.practitioner_id(), Some("p1"));
        assert_eq!(profile.name.as_deref(), Some("A. Smith"));
        let card = profile.resource.unwrap();
        assert_eq!(card.roles, ["Surgeon"]);
        assert_eq!(
            card.practitioner.unwrap().followed.unwrap_err().code(),
            code
        );
    }
}

// covers: SMART-USR-3, SMART-USR-16
#[tokio::test]
async fn f7_another_base_is_read_only_by_name_and_gets_the_token_only_by_name() {
    let (first, second) = (
        format!("{STAFF}/PractitionerRole/r1"),
        format!("{STAFF}/Practitioner/p1"),
    );
    let token = user(&first).await;
    let access_token = AccessToken::new(ACCESS);
    let network = |reference: &str| {
        let http = FakeHttp::new();
        http.answer(
            &first,
            Answer::json(&role(&json!({ "reference": reference }))),
        );
        http.answer(&second, Answer::json(&practitioner("p1")));
        http
    };
    let refused = network("Practitioner/p1");
    let profile = load(&refused, &token).await;
    assert_eq!(
        profile.resource.as_ref().unwrap_err().code(),
        "fhir-user-off-base"
    );
    assert_eq!(refused.count(), 0);

    // Allowed: both reads go there, and the token with neither.
    let allowed = network("Practitioner/p1");
    let profile = load_with(&allowed, &token, &access_token, |it| {
        it.allow_base(base(STAFF))
    })
    .await;
    assert_eq!(
        sent(&allowed),
        [(first.clone(), None), (second.clone(), None)]
    );
    assert_eq!(profile.name.as_deref(), Some("Dr. Ada Smith"));
    assert!(!profile.fhir_user.unwrap().takes_access_token());

    // Named as sharing the token: it goes along with both.
    let shared = network(&second);
    let profile = load_with(&shared, &token, &access_token, |it| {
        it.share_token_with(base(STAFF))
    })
    .await;
    assert_eq!(sent(&shared), [with_token(&first), with_token(&second)]);
    assert_eq!(profile.practitioner_id(), Some("p1"));

    // The step never leaves the server that it began on, not even for the launch's own.
    for reference in [
        "https://ehr.example/fhir/Practitioner/p1",
        "https://evil.example/Practitioner/p1",
    ] {
        let http = network(reference);
        let profile = load_with(&http, &token, &access_token, |it| {
            it.allow_base(base(STAFF))
        })
        .await;
        assert_eq!(sent(&http), [(first.clone(), None)]);
        let link = profile.resource.unwrap().practitioner.unwrap();
        assert_eq!(link.followed.unwrap_err().code(), "reference-off-base");
    }
    let http = FakeHttp::new();
    http.answer(
        &format!("{BASE}/PractitionerRole/r1"),
        Answer::json(&role(&json!({ "reference": second }))),
    );
    let ours = user("PractitionerRole/r1").await;
    load_with(&http, &ours, &access_token, |it| {
        it.share_token_with(base(STAFF))
    })
    .await;
    assert_eq!(
        sent(&http),
        [with_token(&format!("{BASE}/PractitionerRole/r1"))]
    );

    // A base that does not get the token and wants one: a refresh would change nothing.
    let http = FakeHttp::new();
    http.answer(&first, Answer::status(401));
    let profile = load_with(&http, &token, &access_token, |it| {
        it.allow_base(base(STAFF))
    })
    .await;
    let error = profile.resource.as_ref().unwrap_err();
    assert_eq!(error.code(), "profile-unauthorized");
    assert!(!error.refresh_is_due());
}

// covers: SMART-USR-9
#[tokio::test]
async fn the_id_token_never_leaves() {
    let http = FakeHttp::new();
    let (token, text) = token(json!({ "fhirUser": "PractitionerRole/r1" })).await;
    let role = role(&json!({ "reference": "Practitioner/p1" }));
    http.answer(&format!("{BASE}/PractitionerRole/r1"), Answer::json(&role));
    load(&http, &token).await;
    assert_eq!(http.count(), 2);
    let signature = text.rsplit('.').next().unwrap();
    for request in http.sent() {
        assert_eq!(request.headers["authorization"], format!("Bearer {ACCESS}"));
        assert!(request.headers["authorization"].is_sensitive());
        assert!(!format!("{request:?}").contains(signature));
    }
    // An access token that no header can carry is sent nowhere.
    let http = FakeHttp::new();
    let unfit = AccessToken::new("a\r\nhost: evil.example");
    let profile = load_with(&http, &token, &unfit, |it| it).await;
    assert_eq!(
        profile.resource.as_ref().unwrap_err().code(),
        "profile-access-token"
    );
    assert_eq!(http.count(), 0);
}

// covers: SMART-USR-15
#[tokio::test]
async fn the_patient_in_context_is_another_fact_than_the_user() {
    let (token, text) = token(json!({ "fhirUser": "Patient/mother-1" })).await;
    let response = json!({
        "access_token": ACCESS, "token_type": "Bearer", "scope": "openid fhirUser launch/patient",
        "patient": "child-1", "id_token": text,
    });
    let response = http::Response::new(bytes::Bytes::from(response.to_string()));
    let tokens = TokenResponse::of_launch(&response, &Scopes::default()).unwrap();
    let http = FakeHttp::new();
    let url = format!("{BASE}/Patient/mother-1");
    let mother = json!({ "resourceType": "Patient", "id": "mother-1", "name": [{ "text": "Mo" }] });
    http.answer(&url, Answer::json(&mother));
    let profile = load_with(&http, &token, &tokens.access_token, |it| it).await;
    assert_eq!(tokens.context.patient.as_deref(), Some("child-1"));
    assert_eq!(profile.fhir_user.as_ref().unwrap().id(), "mother-1");
    assert_eq!(profile.name.as_deref(), Some("Mo"));
    assert_eq!(profile.practitioner_id(), None);
    assert_eq!(sent(&http), [with_token(&url)]);
}

// covers: SMART-ID-16, SMART-USR-7
#[tokio::test]
async fn a_token_without_a_user_is_an_error_only_where_one_was_promised() {
    let (token, _) = token(json!({ "name": "Ada" })).await;
    let access_token = AccessToken::new(ACCESS);
    let http = FakeHttp::new();
    let profile = load(&http, &token).await;
    assert_eq!(
        profile.resource.as_ref().unwrap_err().code(),
        "profile-no-fhir-user"
    );
    let profile = load_with(
        &http,
        &token,
        &access_token,
        ProfileRequest::fhir_user_was_granted,
    )
    .await;
    assert_eq!(
        profile.resource.as_ref().unwrap_err().code(),
        "fhir-user-missing"
    );
    assert_eq!(profile.name.as_deref(), Some("Ada"));
    assert_eq!(profile.practitioner_id(), None);
    assert_eq!(http.count(), 0);
}

// covers: SMART-ID-13
#[tokio::test]
async fn f1_profile_is_read_for_old_servers_and_as_a_reference_only() {
    for (claims, is_old, expected) in [
        (
            json!({"profile": "Practitioner/1"}),
            true,
            Some("Practitioner/1"),
        ),
        (
            json!({"profile": format!("{BASE}/Practitioner/1")}),
            true,
            Some("Practitioner/1"),
        ),
        (json!({"profile": "Practitioner/1"}), false, None),
        (json!({"profile": "https://blog.example/alice"}), true, None),
        (json!({"profile": "Device/1"}), true, None),
        (
            json!({"profile": "Practitioner/1", "fhirUser": "Patient/2"}),
            true,
            Some("Patient/2"),
        ),
    ] {
        let mut all = json!({
            "iss": ISSUER, "sub": "alice", "aud": "app", "nonce": "n",
            "exp": NOW.as_secs() + 300, "iat": NOW.as_secs(),
        });
        for (name, value) in claims.as_object().unwrap() {
            all[name] = value.clone();
        }
        let old = |it: IdTokenVerifier| {
            if is_old {
                it.reading_smart_1_0_profile()
            } else {
                it
            }
        };
        let (token, _) = verified(&all, old).await;
        let http = FakeHttp::new();
        let profile = load(&http, &token).await;
        let found = profile.fhir_user.map(|it| it.reference());
        assert_eq!(found.as_deref(), expected, "{claims}");
        assert_eq!(http.count(), usize::from(expected.is_some()));
    }
}

#[tokio::test]
async fn name_and_language_come_from_the_token_first() {
    let resource = json!({
        "resourceType": "Practitioner", "id": "1", "name": [{ "text": "Ada of the resource" }],
        "communication": [{ "coding": [{ "code": "fr" }] }],
    });
    for (claims, name, language) in [
        (
            json!({"name": "Ada of the token", "locale": "en-US"}),
            "Ada of the token",
            "en-US",
        ),
        (
            json!({"name": " \n", "locale": "de_AT"}),
            "Ada of the resource",
            "de-AT",
        ),
        (
            json!({"name": 7, "locale": "<script>"}),
            "Ada of the resource",
            "fr",
        ),
        (
            json!({"name": "A\u{202e}da\n", "locale": null}),
            "Ada",
            "fr",
        ),
        (json!({}), "Ada of the resource", "fr"),
    ] {
        let http = FakeHttp::new();
        http.answer(&format!("{BASE}/Practitioner/1"), Answer::json(&resource));
        let mut claims = claims;
        claims["fhirUser"] = "Practitioner/1".into();
        let (token, _) = token(claims).await;
        let profile = load(&http, &token).await;
        assert_eq!(profile.name.as_deref(), Some(name));
        assert_eq!(profile.language.as_deref(), Some(language));
    }
}

#[tokio::test]
async fn everything_in_a_card_is_bounded() {
    let many = |value: Value| vec![value; 100];
    let long = "x".repeat(5000);
    let card = card(&json!({
        "resourceType": "Practitioner", "id": "1",
        "name": many(json!({ "given": [long], "family": "y" })),
        "identifier": many(json!({ "value": "1" })),
        "telecom": many(json!({ "value": "1" })),
        "qualification": many(json!({ "code": { "text": "é".repeat(600) } })),
        "practitionerRole": many(json!({ "role": { "text": "r" }, "specialty": [{ "text": "s" }, { "text": "s" }] })),
    }))
    .await;
    assert_eq!(card.name.unwrap().len(), 1024);
    assert_eq!((card.identifiers.len(), card.telecoms.len()), (64, 64));
    assert_eq!((card.roles.len(), card.specialties.len()), (64, 64));
    assert_eq!(card.qualifications.len(), 64);
    assert_eq!(card.qualifications[0].text.len(), 1024);
    // A piece of an identifier would be another identifier.
    let card = self::card(&json!({
        "resourceType": "Practitioner", "id": "1",
        "identifier": [{ "value": long }, { "value": "1", "system": long }],
        "telecom": [{ "value": long }],
    }))
    .await;
    assert_eq!((card.identifiers.len(), card.telecoms.len()), (1, 0));
    assert_eq!(card.identifiers[0].system, None);
}

#[tokio::test]
async fn the_limit_of_a_resource_can_be_set() {
    let token = user("Practitioner/1").await;
    let access_token = AccessToken::new(ACCESS);
    let body = practitioner("1").to_string();
    let http = FakeHttp::new();
    http.answer(
        &format!("{BASE}/Practitioner/1"),
        Answer::text("application/json", &body),
    );
    for (limit, code) in [(body.len(), None), (body.len() - 1, Some("profile-json"))] {
        let source = FhirProfileSource::new(http.clone()).with_limit(limit);
        let request = ProfileRequest::new(&token, &base(BASE), &access_token);
        let profile = UserProfile::load(&request, &source, NOW).await;
        assert_eq!(profile.resource.err().map(|it| it.code()), code);
    }
    // A photo makes a resource longer than most documents are.
    let mut long = practitioner("1");
    long["photo"] = json!([{ "data": "A".repeat(700_000) }]);
    http.answer(&format!("{BASE}/Practitioner/1"), Answer::json(&long));
    assert!(load(&http, &token).await.resource.unwrap().photo.is_none());
}

/// Each place in a value, as a JSON pointer.
fn places(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let place = format!("{place}/{name}");
                places(value, &place, found);
                found.push(place);
            }
        }
        Value::Array(elements) => {
            for (at, value) in elements.iter().enumerate() {
                let place = format!("{place}/{at}");
                places(value, &place, found);
                found.push(place);
            }
        }
        _ => {}
    }
}

#[test]
fn a_slip_anywhere_hides_nothing_elsewhere() {
    let whole = json!({
        "resourceType": "PractitionerRole", "id": "1", "active": true, "period": { "start": "2020" },
        "code": [{ "text": "Surgeon", "coding": [{ "system": "s", "code": "c", "display": "d" }] }],
        "specialty": [{ "text": "Cardiology" }],
        "organization": { "display": "Mercy" },
        "telecom": [{ "system": "phone", "value": "1", "use": "work", "rank": 1, "period": { "end": "2030" } }],
        "identifier": [{ "system": "s", "value": "v", "use": "usual", "type": { "text": "t" } }],
        "practitioner": { "reference": "#p", "display": "Ada", "identifier": { "value": "1" } },
        "contained": [{
            "resourceType": "Practitioner", "id": "p",
            "name": [{ "use": "official", "given": ["Ada"], "family": "Smith", "period": { "start": "2020" } }],
            "photo": [{ "contentType": "image/gif", "data": "R0lGODlh", "url": "https://a.example/" }],
            "qualification": [{ "code": { "text": "MD" }, "issuer": { "display": "U" } }],
            "communication": [{ "language": { "coding": [{ "code": "en" }] }, "preferred": true }],
        }],
    });
    let mut found = Vec::new();
    places(&whole, "", &mut found);
    assert!(found.len() > 50, "{}", found.len());
    let user = FhirUser::parse("PractitionerRole/1", &base(BASE)).unwrap();
    let access_token = AccessToken::new(ACCESS);
    let read = user.read(&access_token);
    let parse = |value: &Value| UserResource::parse(value.to_string().as_bytes(), &read, NOW);
    let good = parse(&whole).unwrap();
    assert_eq!(good.name.as_deref(), Some("Ada Smith"));
    assert!(good.photo.is_some() && good.language.is_some());
    for place in found {
        for slip in [
            json!(null),
            json!(true),
            json!(-7.5),
            json!(7),
            json!("slip"),
            json!([]),
            json!({}),
            json!([[null, { "a": [7] }], "slip"]),
            json!({ "a": { "b": [] } }),
        ] {
            let mut resource = whole.clone();
            *resource.pointer_mut(&place).unwrap() = slip.clone();
            if matches!(place.as_str(), "/resourceType" | "/id") {
                assert!(parse(&resource).is_err());
                continue;
            }
            let card = parse(&resource).unwrap();
            let touches = |members: &[&str]| members.iter().any(|it| place.starts_with(it));
            if !touches(&["/contained", "/practitioner"]) {
                assert_eq!(card.name, good.name, "{place} {slip}");
                assert_eq!(card.photo, good.photo, "{place} {slip}");
            }
            if !touches(&["/code"]) {
                assert_eq!(card.roles, good.roles, "{place} {slip}");
            }
            if !touches(&["/telecom"]) {
                assert_eq!(card.telecoms, good.telecoms, "{place} {slip}");
            }
        }
    }
}

// covers: SMART-TOK-16
#[tokio::test]
async fn no_person_is_in_debug_or_display() {
    let http = FakeHttp::new();
    let mut role =
        role(&json!({ "reference": "Practitioner/hidden-p1", "display": "Hidden Display" }));
    role["id"] = "hidden-r1".into();
    role["telecom"] = json!([
        { "system": "email", "value": "hidden@mercy.example" },
        { "system": "hidden@mercy.example", "value": "email" },
    ]);
    let mut person = practitioner("hidden-p1");
    person["name"] = json!([{ "text": "Ada Hidden" }]);
    person["identifier"] = json!([
        { "system": "urn:a", "value": "hidden-7", "type": { "text": "hidden" } },
        { "system": "Ada Hidden", "value": "hidden-8" },
    ]);
    person["photo"] = json!([{ "url": "https://pictures.example/hidden" }]);
    person["qualification"] = json!([{ "code": { "text": "hidden degree" } }]);
    http.answer(
        &format!("{BASE}/PractitionerRole/hidden-r1"),
        Answer::json(&role),
    );
    http.answer(
        &format!("{BASE}/Practitioner/hidden-p1"),
        Answer::json(&person),
    );
    let claims =
        json!({ "fhirUser": "PractitionerRole/hidden-r1", "name": "Hidden", "sub": "hidden-sub" });
    let (token, _) = token(claims).await;
    let access_token = AccessToken::new(ACCESS);
    let request = ProfileRequest::new(&token, &base(BASE), &access_token);
    let source = FhirProfileSource::new(http.clone());
    let profile = UserProfile::load(&request, &source, NOW).await;
    let card = profile.resource.as_ref().unwrap();
    assert_eq!(card.name.as_deref(), Some("Ada Hidden"));
    let user = profile.fhir_user.as_ref().unwrap();
    let mut shown = vec![
        format!("{profile:?} {card:?} {request:?} {:?}", profile.key),
        format!("{user:?} {:?}", user.read(&access_token)),
        format!(
            "{:?} {:?} {:?}",
            card.identifiers, card.telecoms, card.qualifications
        ),
        format!("{:?} {:?}", card.photo, card.practitioner),
        format!(
            "{:?}",
            user.read(&access_token).request().unwrap().headers()
        ),
    ];
    // Errors, one of each kind, for claims and resources that name somebody.
    for (claim, answer) in [
        (
            "https://hidden:hidden@evil.example/Patient/hidden",
            Answer::status(200),
        ),
        (
            "https://evil.example/hidden/Patient/hidden",
            Answer::status(200),
        ),
        (
            "https://ehr.example/fhir/Patient/hidden/x",
            Answer::status(200),
        ),
        ("Patient/hidden hidden", Answer::status(200)),
        ("Patient/hidden", Answer::status(404)),
        (
            "Patient/hidden",
            Answer::redirect(302, "https://evil.example/hidden"),
        ),
        (
            "Patient/hidden",
            Answer::text("application/json", r#"{"name":"hidden","id":hidden}"#),
        ),
        (
            "Patient/hidden",
            Answer::text("application/json", r#"{"resourceType":"Ada Hidden 4711"}"#),
        ),
        (
            "Patient/hidden",
            Answer::json(&json!({"resourceType": "Patient", "id": "hidden-2"})),
        ),
    ] {
        let http = FakeHttp::new();
        http.answer(&format!("{BASE}/Patient/hidden"), answer);
        let token = self::user(claim).await;
        let error = load(&http, &token).await.resource.unwrap_err();
        shown.push(format!("{error} {error:?}"));
    }
    for text in shown {
        for secret in ["hidden", "Hidden", ACCESS] {
            assert!(!text.contains(secret), "{secret} shows in {text}");
        }
    }
}

/// What is loaded after a launch in which the server granted these scopes.
async fn after_launch(scope: &str, claims: Value) -> UserProfile {
    let http = FakeHttp::new();
    let smart = json!({
        "issuer": ISSUER,
        "authorization_endpoint": format!("{ISSUER}/authorize"),
        "token_endpoint": format!("{ISSUER}/token"),
        "capabilities": [],
    });
    let openid = json!({ "issuer": ISSUER, "jwks_uri": format!("{ISSUER}/jwks") });
    for (place, document) in [
        (format!("{BASE}/.well-known/smart-configuration"), smart),
        (format!("{ISSUER}/.well-known/openid-configuration"), openid),
    ] {
        http.answer(&place, Answer::json(&document));
    }
    let trusted = Discovery::new(http.clone()).discover(&base(BASE)).await;
    let client = ClientConfig::public(
        ClientId::new("app"),
        RedirectUri::new("https://app.example/cb"),
    );
    let begun = Launch::standalone(&trusted.unwrap(), &client)
        .begin(provider(), NOW)
        .unwrap();
    let url = begun.request.url();
    let query = url.split_once('?').unwrap().1;
    let mut query = form_urlencoded::parse(query.as_bytes());
    let state = query.find(|it| it.0 == "state").unwrap().1;
    let callback = format!("code=c&state={state}");
    let launch = begun
        .pending
        .authorize(&callback, &begun.binding, provider(), NOW)
        .unwrap();
    let (token, text) = token(claims).await;
    let response = json!({
        "access_token": ACCESS, "token_type": "Bearer", "scope": scope, "id_token": text,
    });
    http.answer(&format!("{ISSUER}/token"), Answer::json(&response));
    let (tokens, launch) = TokenClient::new(&client, http.clone(), provider())
        .exchange(launch, NOW)
        .await
        .unwrap();
    let request = ProfileRequest::of_launch(&token, &launch, &tokens);
    UserProfile::load(&request, &FhirProfileSource::new(http), NOW).await
}

// covers: SMART-ID-16
#[tokio::test]
async fn after_a_launch_the_granted_scopes_say_whether_a_user_is_missed() {
    for (scope, code, class) in [
        (
            "openid fhirUser",
            "fhir-user-missing",
            ErrorClass::InvalidToken,
        ),
        // The app did not ask, or was not given what it asked for: the token is as it should be.
        ("openid", "profile-no-fhir-user", ErrorClass::Configuration),
        (
            "openid fhirUserX",
            "profile-no-fhir-user",
            ErrorClass::Configuration,
        ),
    ] {
        let profile = after_launch(scope, json!({})).await;
        let error = profile.resource.unwrap_err();
        assert_eq!((error.code(), error.class()), (code, class), "{scope}");
        assert!(!error.refresh_is_due());
    }
    // Nothing is missed where it is there, and the base is that of the launch.
    let claims = json!({ "fhirUser": format!("{BASE}/Patient/1") });
    let profile = after_launch("openid fhirUser", claims).await;
    assert_eq!(profile.resource.unwrap_err().code(), "profile-not-found");
    assert_eq!(profile.fhir_user.unwrap().reference(), "Patient/1");
}

#[tokio::test]
async fn only_practitioners_and_roles_have_a_practitioner_id() {
    for (claim, expected) in [
        ("Practitioner/1", Some("1")),
        ("PractitionerRole/1", None),
        ("Patient/1", None),
        ("RelatedPerson/1", None),
        ("Person/1", None),
    ] {
        let (kind, _) = claim.split_once('/').unwrap();
        let http = FakeHttp::new();
        let resource = json!({ "resourceType": kind, "id": "1" });
        http.answer(&format!("{BASE}/{claim}"), Answer::json(&resource));
        let profile = load(&http, &user(claim).await).await;
        assert!(profile.resource.is_ok(), "{claim}");
        assert_eq!(profile.practitioner_id(), expected, "{claim}");
    }
}

/// A source that a site writes for itself.
#[derive(Debug)]
struct Own(String);

#[async_trait]
impl ProfileSource for Own {
    async fn resource(
        &self,
        read: &FhirRead<'_>,
        now: UnixTime,
    ) -> Result<UserResource, ReadError> {
        UserResource::parse(self.0.as_bytes(), read, now)
    }
}

#[tokio::test]
async fn a_source_of_ones_own_reads_with_the_same_care() {
    let token = user("Practitioner/1").await;
    let access_token = AccessToken::new(ACCESS);
    let request = ProfileRequest::new(&token, &base(BASE), &access_token);
    let profile = UserProfile::load(&request, &Own(practitioner("1").to_string()), NOW).await;
    assert_eq!(profile.name.as_deref(), Some("Dr. Ada Smith"));
    let profile = UserProfile::load(&request, &Own(practitioner("2").to_string()), NOW).await;
    assert_eq!(
        profile.resource.as_ref().unwrap_err().code(),
        "profile-other-resource"
    );
    let token = user("PractitionerRole/r1").await;
    let request = ProfileRequest::new(&token, &base(BASE), &access_token);
    let role = role(&json!({ "reference": "Practitioner/p1" })).to_string();
    let card = UserProfile::load(&request, &Own(role), NOW)
        .await
        .resource
        .unwrap();
    let followed = card.practitioner.unwrap().followed;
    assert_eq!(followed.unwrap_err().code(), "practitioner-not-read");
}

/// Loads a user from a directory.
async fn look_up(directory: &DirectoryProfileSource, fhir_user: &str) -> UserProfile {
    let (token, access_token) = (user(fhir_user).await, AccessToken::new(ACCESS));
    let request = ProfileRequest::new(&token, &base(BASE), &access_token).allow_base(base(STAFF));
    UserProfile::load(&request, directory, NOW).await
}

#[tokio::test]
async fn a_directory_knows_the_users_of_one_base() {
    let mut directory = DirectoryProfileSource::new(base(&format!("{BASE}/")));
    assert!(directory.is_empty());
    let bundle = json!({
        "resourceType": "Bundle",
        "entry": [
            { "fullUrl": "urn:uuid:1", "resource": practitioner("p1") },
            { "resource": role(&json!({ "reference": "Practitioner/p1" })) },
            { "resource": { "resourceType": "Organization", "id": "o1" } },
            { "resource": { "resourceType": "Practitioner" } },
            { "resource": { "resourceType": "Practitioner", "id": "no id" } },
            { "resource": { "resourceType": "https://ehr.example/fhir/Practitioner", "id": "p9" } },
            { "search": {} }, 7, null,
        ],
    });
    assert_eq!(directory.add_json(bundle.to_string().as_bytes()), Ok(2));
    let lines = format!(
        "{}\r\n\n{}\n{}",
        json!({ "resourceType": "Patient", "id": "1", "name": [{ "text": "Old" }] }),
        json!({ "resourceType": "Patient", "id": "1", "name": [{ "text": "New" }] }),
        json!({ "resourceType": "Observation", "id": "1" }),
    );
    assert_eq!(directory.add_ndjson(lines.as_bytes()), Ok(2));
    assert_eq!(directory.len(), 3);

    let profile = look_up(&directory, "Patient/1").await;
    assert_eq!(profile.name.as_deref(), Some("New"));
    let profile = look_up(&directory, &format!("{BASE}/PractitionerRole/r1")).await;
    assert_eq!(profile.name.as_deref(), Some("Dr. Ada Smith"));
    assert_eq!(profile.practitioner_id(), Some("p1"));
    // Another server's ids are other people, also where that server is allowed.
    for unknown in [
        "Practitioner/1",
        "Person/p1",
        "https://staff.example/fhir/Practitioner/p1",
    ] {
        let profile = look_up(&directory, unknown).await;
        assert_eq!(
            profile.resource.as_ref().unwrap_err().code(),
            "profile-not-in-directory",
            "{unknown}"
        );
        assert_eq!(profile.subject(), "alice");
    }
    let mut roles = DirectoryProfileSource::new(base(BASE));
    let role = role(&json!({ "reference": "Practitioner/p1", "display": "A. Smith" }));
    assert_eq!(roles.add_json(role.to_string().as_bytes()), Ok(1));
    let card = look_up(&roles, "PractitionerRole/r1")
        .await
        .resource
        .unwrap();
    assert_eq!(card.name.as_deref(), Some("A. Smith"));
    let followed = card.practitioner.unwrap().followed;
    assert_eq!(followed.unwrap_err().code(), "profile-not-in-directory");
    assert!(!format!("{directory:?} {roles:?}").contains("Smith"));
}

#[test]
fn a_directory_refuses_what_is_not_whole() {
    let mut directory = DirectoryProfileSource::new(base(BASE));
    let good = practitioner("1").to_string();
    let text = format!("{good}\n{{\"a\":1,\"a\":2}}\n");
    let error = directory.add_ndjson(text.as_bytes()).unwrap_err();
    assert_eq!(error.code(), "directory-json");
    assert!(error.to_string().contains("line 2"), "{error}");
    assert_eq!(
        directory.add_json(text.as_bytes()).unwrap_err().code(),
        "directory-json"
    );
    assert_eq!(
        directory.add_json(b"[]").unwrap_err().code(),
        "directory-json"
    );
    let entries = br#"{"resourceType":"Bundle","entry":7}"#;
    assert_eq!(
        directory.add_json(entries).unwrap_err().code(),
        "directory-json"
    );
    let long = vec![b' '; smart_oidc::profile::MAX_DIRECTORY_OCTETS + 1];
    for error in [directory.add_json(&long), directory.add_ndjson(&long)] {
        let error = error.unwrap_err();
        assert_eq!(
            (error.code(), error.class()),
            ("directory-too-long", ErrorClass::Configuration)
        );
    }
    // Nothing of it was added.
    assert!(directory.is_empty());
}
