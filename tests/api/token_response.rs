//! What a token endpoint may answer, and what is made of it.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};
use smart_oidc::jose::ErrorClass;
use smart_oidc::token::{Fate, TokenErrorCode, TokenResponseError};
use smart_oidc::{Scopes, TokenError, TokenResponse};

type Read = Result<TokenResponse, TokenResponseError>;

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Response<Bytes> {
    let mut answer = Response::builder().status(status);
    for (name, value) in headers {
        answer = answer.header(*name, *value);
    }
    answer.body(Bytes::from(body.to_owned())).unwrap()
}

const JSON: [(&str, &str); 1] = [("content-type", "application/json;charset=UTF-8")];

fn launch(asked: &str, body: &str) -> Read {
    TokenResponse::of_launch(&answer(200, &JSON, body), &Scopes::parse(asked))
}

fn refresh(before: &str, body: &str) -> Read {
    TokenResponse::of_refresh(&answer(200, &JSON, body), &Scopes::parse(before))
}

fn client_credentials(asked: &str, body: &str) -> Read {
    TokenResponse::of_client_credentials(&answer(200, &JSON, body), &Scopes::parse(asked))
}

/// A sound answer with these members more, or instead; `null` leaves one out.
fn body(members: &Value) -> String {
    let mut body = json!({
        "access_token": "a.b-c", "token_type": "Bearer", "expires_in": 3600, "scope": "openid",
        "id_token": "t",
    });
    for (name, value) in members.as_object().unwrap() {
        if value.is_null() {
            body.as_object_mut().unwrap().remove(name);
        } else {
            body[name] = value.clone();
        }
    }
    body.to_string()
}

fn codes(read: &TokenResponse) -> Vec<&'static str> {
    read.findings.iter().map(|it| it.code).collect()
}

// covers: SMART-TOK-5, SMART-TOK-6, SMART-TOK-10, SMART-TOK-12, SMART-TOK-13, SMART-TOK-14, OAUTH-2
#[test]
fn a_sound_answer_is_read_without_a_finding() {
    let details = json!([{"type": "smart_on_fhir", "locations": ["https://ehr.example/fhir"]}]);
    let read = launch(
        "openid launch/patient patient/*.rs",
        &body(&json!({
            "token_type": "bEaReR", "scope": "openid launch/patient patient/*.read",
            "refresh_token": "r", "patient": "p-1", "encounter": "e-1", "intent": "i",
            "__own": 1, "unknown": [2], "authorization_details": details,
        })),
    )
    .unwrap();
    assert_eq!(codes(&read), [""; 0]);
    assert_eq!(read.access_token.expose_secret(), "a.b-c");
    assert_eq!(read.expires_in, Some(Duration::from_secs(3600)));
    assert_eq!(read.scopes.as_str(), "openid launch/patient patient/*.read");
    assert!(read.has_scope("openid") && !read.has_scope("patient/*.rs"));
    assert_eq!(read.id_token.as_ref().unwrap().expose_secret(), "t");
    assert_eq!(read.refresh_token.as_ref().unwrap().expose_secret(), "r");
    assert_eq!(read.context.patient.as_deref(), Some("p-1"));
    assert_eq!(read.context.encounter.as_deref(), Some("e-1"));
    assert_eq!(read.context.extensions["__own"], 1);
    assert_eq!(read.extra["unknown"], json!([2]));
    assert_eq!(read.extra["authorization_details"], details);
    assert_eq!(read.extra.len(), 2);
    // No refresh token is no fault, whatever was asked for.
    let without = launch("openid offline_access", &body(&json!({}))).unwrap();
    assert!(without.refresh_token.is_none() && without.findings.is_empty());
}

// covers: SMART-TOK-7, SMART-TOK-8, SMART-SCP-14, SMART-SCP-2, SMART-CTX-1, SMART-CTX-2, OAUTH-10
#[test]
fn each_tolerance_is_a_finding() {
    let cases: [(Value, &[&str]); 25] = [
        (
            json!({"scope": "openid patient/X.sr x\"y"}),
            &["scope-invalid"],
        ),
        (json!({"expires_in": null}), &["expires-in-missing"]),
        (json!({"expires_in": "3600"}), &["expires-in-string"]),
        (json!({"expires_in": 0}), &["expires-in-zero"]),
        (
            json!({"expires_in": "0"}),
            &["expires-in-string", "expires-in-zero"],
        ),
        (
            json!({"expires_in": 9_223_372_036_854_775_u64}),
            &["expires-in-large"],
        ),
        (
            json!({"expires_in": "99999999999999999999"}),
            &["expires-in-string", "expires-in-large"],
        ),
        (json!({"expires_in": 1e300}), &["expires-in-large"]),
        (json!({"scope": null}), &["scope-missing"]),
        (json!({"scope": " openid"}), &["scope-spaces"]),
        (json!({"scope": "openid\tfhirUser"}), &["scope-spaces"]),
        (json!({"scope": ""}), &[]),
        (json!({"scope": "openid email"}), &[]),
        (json!({"scope": "openid user/*.rs"}), &["scope-unasked"]),
        (json!({"refresh_token": ""}), &["member-empty"]),
        (json!({"scope": "", "id_token": ""}), &["member-empty"]),
        (json!({"patient": "Patient/1"}), &["context-id-reference"]),
        (json!({"patient": ""}), &["context-id-empty"]),
        (json!({"need_patient_banner": "true"}), &["banner-string"]),
        (json!({"fhirContext": ["Task/1"]}), &["context-item-string"]),
        (
            json!({"scope": "openid launch/patient"}),
            &["patient-missing"],
        ),
        (
            json!({"scope": "openid launch/patient", "patient": "1"}),
            &[],
        ),
        (
            json!({"scope": "openid launch/encounter"}),
            &["encounter-missing"],
        ),
        (json!({"token_type": "BEARER"}), &[]),
        (json!({"expires_in": 0.5}), &[]),
    ];
    for (members, expected) in cases {
        let read = launch("openid", &body(&members)).unwrap();
        assert_eq!(codes(&read), expected, "{members}");
        let is_unknown = expected
            .iter()
            .any(|it| ["expires-in-missing", "expires-in-zero", "expires-in-large"].contains(it));
        assert_eq!(read.expires_in.is_none(), is_unknown, "{members}");
    }
    // Not long, but a life.
    let read = launch("openid", &body(&json!({"expires_in": "4294967296"}))).unwrap();
    assert_eq!(read.expires_in, Some(Duration::from_secs(1 << 32)));
    let nulls = r#"{"access_token":"a","token_type":"Bearer","scope":null,"expires_in":null,
        "refresh_token":null,"patient":null}"#;
    let read = launch("fhirUser", nulls).unwrap();
    assert_eq!(codes(&read)[..2], ["member-null", "scope-missing"]);
    assert_eq!(
        codes(&read)[2..],
        ["member-null", "member-null", "context-null"]
    );
    // A scope that is missing is the one that was asked for; an empty one is empty.
    assert_eq!(read.scopes.as_str(), "fhirUser");
    assert_eq!((read.expires_in, read.context.patient), (None, None));
    let none = launch("fhirUser", &body(&json!({"scope": ""}))).unwrap();
    assert!(none.scopes.is_empty());
}

// covers: SMART-CTX-13, SMART-CTX-14
#[test]
fn a_patient_scope_without_a_patient_is_a_finding() {
    for (scope, expected) in [
        ("patient/*.rs", vec!["patient-missing"]),
        ("patient/Observation.read", vec!["patient-missing"]),
        ("patient/Observation.rs?a=b", vec!["patient-missing"]),
        ("user/*.rs", vec![]),
    ] {
        let read = launch(scope, &body(&json!({"scope": scope}))).unwrap();
        assert_eq!(codes(&read), expected, "{scope}");
        assert_eq!(read.context.patient, None);
        // A refresh need not repeat who the patient is.
        let read = refresh(scope, &body(&json!({"scope": scope}))).unwrap();
        assert_eq!(codes(&read), [""; 0], "{scope}");
    }
}

// covers: SMART-TOK-5, SMART-TOK-6, SMART-TOK-11, SMART-CTX-1, OAUTH-6, OAUTH-10
#[test]
fn an_answer_that_cannot_be_used_has_an_error_of_its_own() {
    let object = |members: Value| body(&members);
    let cases = [
        (String::new(), "token-json"),
        ("<html>".to_owned(), "token-json"),
        ("[]".to_owned(), "token-json"),
        ("{}".to_owned(), "token-member"),
        (
            r#"{"access_token":"a","access_token":"b","token_type":"Bearer"}"#.to_owned(),
            "token-json",
        ),
        (object(json!({"access_token": null})), "token-member"),
        (object(json!({"access_token": ""})), "token-member"),
        (object(json!({"access_token": "a b"})), "token-member"),
        (object(json!({"access_token": "a\n"})), "token-member"),
        (object(json!({"access_token": ["a"]})), "token-member"),
        (object(json!({"token_type": null})), "token-member"),
        (object(json!({"token_type": "mac"})), "token-type"),
        (object(json!({"token_type": "Bearer "})), "token-type"),
        (object(json!({"expires_in": -1})), "token-member"),
        (object(json!({"expires_in": "-1"})), "token-member"),
        (object(json!({"expires_in": "+1"})), "token-member"),
        (object(json!({"expires_in": "1h"})), "token-member"),
        (object(json!({"expires_in": ""})), "token-member"),
        (object(json!({"expires_in": true})), "token-member"),
        (object(json!({"scope": ["openid"]})), "token-member"),
        (object(json!({"id_token": {}})), "token-member"),
        (object(json!({"refresh_token": 7})), "token-member"),
        (object(json!({"id_token": null})), "token-no-id-token"),
        (object(json!({"id_token": ""})), "token-no-id-token"),
        (
            object(json!({"patient": {"reference": "Patient/1"}})),
            "context-type",
        ),
        (object(json!({"encounter": "../1"})), "context-id"),
        (object(json!({"x": "y".repeat(256 * 1024)})), "token-json"),
    ];
    for (body, code) in cases {
        let error = launch("openid", &body).unwrap_err();
        let shown: String = body.chars().take(200).collect();
        assert_eq!(error.code(), code, "{shown}");
        assert_eq!(error.class(), ErrorClass::Upstream, "{shown}");
    }
}

// covers: SMART-TOK-16
#[test]
fn adv_what_was_issued_in_an_answer_that_is_refused_is_kept_hidden() {
    let tokens = |members: &str| format!(r#"{{"refresh_token":"hidden-r",{members}}}"#);
    let both = Some((Some("hidden-a"), Some("hidden-r")));
    let refresh_only = Some((None, Some("hidden-r")));
    let cases = [
        // Every kind of answer that is refused.
        (
            r#""access_token":"hidden-a","token_type":"Bearer","scope":"openid""#,
            ("token-no-id-token", both),
        ),
        (
            r#""access_token":"hidden-a","token_type":"mac""#,
            ("token-type", both),
        ),
        (
            r#""access_token":"hidden-a","token_type":"Bearer","patient":1"#,
            ("context-type", both),
        ),
        (r#""access_token":"hidden-a""#, ("token-member", both)),
        (
            r#""access_token":"hidden-a","token_type":"Bearer","token_type":"Bearer""#,
            ("token-json", both),
        ),
        // Of two, the one that says something.
        (
            r#""access_token":"hidden-a","access_token":null"#,
            ("token-json", both),
        ),
        (
            r#""access_token":"first","\u0061ccess_token":"hidden-a""#,
            ("token-json", both),
        ),
        // One that no header can carry is revoked by its text, and what is no text cannot be.
        (
            r#""access_token":"hidden|a","token_type":"Bearer""#,
            ("token-member", Some((Some("hidden|a"), Some("hidden-r")))),
        ),
        (
            r#""access_token":["hidden-a"]"#,
            ("token-member", refresh_only),
        ),
        (r#""token_type":"Bearer""#, ("token-member", refresh_only)),
        (
            r#""access_token":null,"refresh_token":null,"refresh_token":"""#,
            ("token-json", refresh_only),
        ),
    ];
    let read = |body: &str| launch("openid", body).unwrap_err();
    for (members, (code, expected)) in cases {
        let error = read(&tokens(members));
        assert_eq!(error.code(), code, "{members}");
        let issued = error.issued();
        let found = issued.map(|it| {
            let access = it.access_token.as_ref().map(|it| it.expose_secret());
            (
                access,
                it.refresh_token.as_ref().map(|it| it.expose_secret()),
            )
        });
        assert_eq!(found, expected, "{members}");
        let shown = format!("{error:?} {error} {:?}", TokenError::from(error.clone()));
        assert!(!shown.contains("hidden"), "{shown}");
        assert_eq!(TokenError::from(error.clone()).issued(), issued);
        assert_eq!(error, read(&tokens(members)));
        assert_ne!(error, read(&tokens(members).replace("hidden-r", "other-r")));
    }
    for body in [
        "{}",
        r#"{"access_token":null,"refresh_token":""}"#,
        r#"{"error":"a","error":"b"}"#,
        r#"["access_token"]"#,
        r#"{"access_token":"hidden-a","x":1,"x":1"#,
    ] {
        assert_eq!(read(body).issued(), None, "{body}");
    }
    let long = body(&json!({"x": "y".repeat(256 * 1024)}));
    assert_eq!(read(&long).issued(), None);
}

// covers: SMART-REF-4, SMART-REF-5, SMART-REF-6, SMART-CTX-17
#[test]
fn a_refresh_keeps_what_it_does_not_say_and_may_not_widen() {
    let cases: [(Value, &str, &[&str]); 7] = [
        (json!({}), "openid", &[]),
        (
            json!({"scope": null}),
            "openid patient/*.rs",
            &["scope-missing"],
        ),
        (
            json!({"scope": "openid patient/X.r"}),
            "openid patient/X.r",
            &[],
        ),
        (
            json!({"scope": "openid patient/*.read"}),
            "openid patient/*.read",
            &[],
        ),
        (
            json!({"scope": "openid patient/*.cruds"}),
            "openid patient/*.cruds",
            &["refresh-scope-wider"],
        ),
        (
            json!({"scope": "user/X.r"}),
            "user/X.r",
            &["refresh-scope-wider"],
        ),
        (
            json!({"expires_in": null}),
            "openid",
            &["expires-in-missing"],
        ),
    ];
    for (members, scopes, expected) in cases {
        let mut members = members;
        members["id_token"] = Value::Null;
        let read = refresh("openid patient/*.rs", &body(&members)).unwrap();
        assert_eq!(read.scopes.as_str(), scopes, "{members}");
        assert_eq!(codes(&read), expected, "{members}");
        // Neither token need come again.
        assert!(read.id_token.is_none() && read.refresh_token.is_none());
    }
    let wider = refresh(
        "a",
        &body(&json!({"scope": "patient/X.rs?patient=secret-id"})),
    )
    .unwrap();
    assert!(wider.findings[0].found.contains("patient/X.rs"));
    assert!(!wider.findings[0].found.contains("secret-id"));

    let first = body(&json!({"patient": "p-1", "intent": "a"}));
    let mut kept = launch("openid", &first).unwrap().context;
    let newer = refresh("openid", &body(&json!({"intent": "b", "__x": 1}))).unwrap();
    assert!(kept.merge(newer.context).is_empty());
    assert_eq!(kept.patient.as_deref(), Some("p-1"));
    assert_eq!(kept.intent.as_deref(), Some("b"));
    assert_eq!(kept.extensions["__x"], 1);
}

// covers: SMART-REF-9
#[test]
fn a_service_gets_an_access_token_and_nothing_else() {
    let read = client_credentials(
        "system/*.rs",
        &body(&json!({"scope": "system/*.rs", "refresh_token": "r"})),
    )
    .unwrap();
    assert!(read.refresh_token.is_none() && read.id_token.is_none());
    assert_eq!(codes(&read), ["refresh-token-unasked", "id-token-unasked"]);

    let sound = json!({"scope": "openid system/X.rs", "id_token": null});
    let read = client_credentials("system/*.rs", &body(&sound)).unwrap();
    // No user signs in here, so `openid` is a word like any other.
    assert_eq!(codes(&read), [""; 0]);
    let wider = json!({"scope": "system/*.cruds", "id_token": null});
    let read = client_credentials("system/*.rs", &body(&wider)).unwrap();
    assert_eq!(codes(&read), ["scope-unasked"]);
}

/// The refusal in an answer.
fn refused(status: u16, content_type: &str, body: &str) -> smart_oidc::token::Refusal {
    let answer = answer(status, &[("content-type", content_type)], body);
    let read = TokenResponse::of_refresh(&answer, &Scopes::default());
    let error = read.unwrap_err();
    assert_eq!(error.code(), "token-refused");
    error.refusal().unwrap().clone()
}

// covers: OAUTH-1, SMART-USR-12
#[test]
fn errors_are_read_from_every_4xx_under_every_content_type() {
    let named = [
        (
            "invalid_client",
            TokenErrorCode::InvalidClient,
            ErrorClass::Configuration,
            true,
        ),
        (
            "invalid_grant",
            TokenErrorCode::InvalidGrant,
            ErrorClass::InvalidRequest,
            true,
        ),
        (
            "invalid_request",
            TokenErrorCode::InvalidRequest,
            ErrorClass::InvalidRequest,
            true,
        ),
        (
            "invalid_scope",
            TokenErrorCode::InvalidScope,
            ErrorClass::Configuration,
            true,
        ),
        (
            "unauthorized_client",
            TokenErrorCode::UnauthorizedClient,
            ErrorClass::Configuration,
            true,
        ),
        (
            "unsupported_grant_type",
            TokenErrorCode::UnsupportedGrantType,
            ErrorClass::Configuration,
            true,
        ),
        (
            "invalid_target",
            TokenErrorCode::Other("invalid_target".into()),
            ErrorClass::InvalidRequest,
            true,
        ),
        (
            "Invalid_Grant",
            TokenErrorCode::Other("Invalid_Grant".into()),
            ErrorClass::Upstream,
            false,
        ),
        (
            "server_error",
            TokenErrorCode::ServerError,
            ErrorClass::Upstream,
            false,
        ),
        (
            "temporarily_unavailable",
            TokenErrorCode::TemporarilyUnavailable,
            ErrorClass::Upstream,
            true,
        ),
    ];
    for (text, code, class, issued_nothing) in named {
        for status in [400, 401, 403, 404, 422] {
            for content_type in ["application/json", "text/plain", "text/html"] {
                let body = json!({ "error": text }).to_string();
                let found = refused(status, content_type, &body);
                assert_eq!(found.error, Some(code.clone()));
                assert_eq!(found.status, status);
                assert_eq!(found.is_invalid_grant(), text == "invalid_grant");
                assert_eq!(found.is_invalid_client(), text == "invalid_client");
                assert_eq!(
                    found.error.as_ref().unwrap().to_string().trim_matches('"'),
                    text
                );
                // A 401 was turned away whatever its word, unless the server has failed.
                let is_turned_away = status == 401 && text != "server_error";
                let issued_nothing = issued_nothing || is_turned_away;
                assert_eq!(found.issued_nothing(), issued_nothing, "{status} {text}");
                assert_eq!(TokenResponseError::Refused(found).class(), class);
            }
        }
    }
    // A gateway, a FHIR server, nothing: there is a refusal and no code.
    for body in [
        "",
        "<html>",
        r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"login"}]}"#,
        r#"{"error":{"code":"invalid_grant"}}"#,
        r#"{"error":""}"#,
        r#"{"error":"invalid_grant","error":"x"}"#,
    ] {
        let found = refused(401, "application/fhir+json", body);
        assert_eq!(found.error, None, "{body}");
        assert!(!found.is_invalid_grant() && !found.is_invalid_client());
        assert_eq!(
            TokenResponseError::Refused(found).class(),
            ErrorClass::Upstream
        );
    }
}

// covers: OAUTH-1, SMART-REF-8
#[test]
fn a_new_launch_is_for_who_is_refused_for_good_or_asked_for() {
    let error = |status, code: &str| {
        let body = json!({ "error": code }).to_string();
        let read = TokenResponse::of_refresh(&answer(status, &JSON, &body), &Scopes::default());
        TokenError::from(read.unwrap_err())
    };
    for code in [
        "invalid_grant",
        "interaction_required",
        "login_required",
        "consent_required",
        "access_denied",
    ] {
        for status in [400, 401, 403] {
            let error = error(status, code);
            assert!(error.needs_launch(), "{status} {code}");
            assert_eq!(error.fate(), Fate::Refused, "{status} {code}");
        }
        // Something on the way gave up: it is not the last word.
        for status in [408, 425, 499, 429, 500, 503] {
            assert!(!error(status, code).needs_launch(), "{status} {code}");
        }
        for status in [408, 425, 499] {
            assert_eq!(error(status, code).fate(), Fate::InDoubt, "{status} {code}");
        }
    }
    for code in [
        "invalid_client",
        "invalid_request",
        "invalid_scope",
        "slow_down",
        "temporarily_unavailable",
        "server_error",
        "Login_Required",
    ] {
        assert!(!error(400, code).needs_launch(), "{code}");
    }
    assert!(!TokenError::NoScope.needs_launch());
}

// covers: OAUTH-9, SMART-TOK-16
#[test]
fn adv_what_a_server_says_about_an_error_is_kept_and_not_shown() {
    let prose = "Invalid refresh token: 8xLOxBtZp8 <script>\u{1b}[31m";
    let body = json!({
        "error": "invalid_grant", "error_description": prose,
        "error_uri": "https://ehr.example/errors/8xLOxBtZp8",
    });
    let found = refused(400, "application/json", &body.to_string());
    let error = TokenResponseError::Refused(found.clone());
    for shown in [
        error.to_string(),
        format!("{error:?}"),
        format!("{found:?}"),
    ] {
        assert!(!shown.contains("8xLOxBtZp8"), "{shown}");
        assert!(shown.contains("400"), "{shown}");
    }
    assert_eq!(
        error.to_string(),
        "the server refuses with status 400 and the error invalid_grant"
    );
    let exposed = found.description.unwrap().expose_untrusted().to_string();
    assert!(exposed.contains("8xLOxBtZp8") && !exposed.contains('\u{1b}'));
    let uri = found.uri.unwrap().expose_untrusted().to_string();
    assert!(uri.contains("https://ehr.example/errors/"));
    // A code that nobody knows is the server's text too.
    let odd = json!({ "error": format!("x\n{}", "y".repeat(5000)) });
    let shown = refused(400, "application/json", &odd.to_string()).to_string();
    assert!(shown.len() < 300 && !shown.contains('\n'), "{shown}");
}

// covers: OAUTH-1, OAUTH-5
#[test]
fn a_status_that_is_neither_yes_nor_no_refuses_nothing() {
    let error = r#"{"error":"invalid_grant"}"#;
    for status in [201, 204, 302, 307, 429, 500, 502, 503] {
        let answer = answer(status, &JSON, error);
        let read = TokenResponse::of_refresh(&answer, &Scopes::default());
        let expected = TokenResponseError::Status {
            status,
            retry_after: None,
        };
        assert_eq!(expected.class(), ErrorClass::Upstream);
        assert_eq!(read.unwrap_err(), expected);
    }
    for (value, expected) in [("30", 30), ("86400", 900), ("99999999999999999999999", 900)] {
        for status in [429, 503] {
            let answer = answer(status, &[("retry-after", value)], "");
            let error = TokenResponse::of_refresh(&answer, &Scopes::default()).unwrap_err();
            let retry_after = Some(Duration::from_secs(expected));
            assert_eq!(error.retry_after(), retry_after);
            assert_eq!(TokenError::from(error.clone()).retry_after(), retry_after);
            assert_eq!(
                error,
                TokenResponseError::Status {
                    status,
                    retry_after
                }
            );
        }
        let refused = answer(403, &[("retry-after", value)], "<html>");
        let error = TokenResponse::of_refresh(&refused, &Scopes::default()).unwrap_err();
        assert_eq!(error.retry_after(), Some(Duration::from_secs(expected)));
    }
    let silent = TokenResponse::of_refresh(&answer(429, &[], ""), &Scopes::default());
    assert_eq!(silent.unwrap_err().retry_after(), None);
}

// covers: SMART-TOK-5
#[test]
fn a_success_is_json_whatever_its_content_type_says_unless_it_is_a_page() {
    for (content_type, expected) in [
        (None, Ok(vec![])),
        (Some("application/json"), Ok(vec![])),
        (Some("Application/JSON ; charset=utf-8"), Ok(vec![])),
        (Some("application/fhir+json"), Ok(vec![])),
        (Some("text/plain"), Ok(vec!["content-type"])),
        (
            Some("application/x-www-form-urlencoded"),
            Ok(vec!["content-type"]),
        ),
        (Some("text/html; charset=utf-8"), Err("token-html")),
    ] {
        let headers: Vec<_> = content_type
            .map(|it| ("content-type", it))
            .into_iter()
            .collect();
        let answer = answer(200, &headers, &body(&json!({})));
        let read = TokenResponse::of_launch(&answer, &Scopes::parse("openid"));
        let read = read.map(|it| codes(&it)).map_err(|it| it.code());
        assert_eq!(read, expected, "{content_type:?}");
    }
}

// covers: SMART-TOK-16
#[test]
fn adv_debug_of_a_response_shows_nobody_and_no_token() {
    let read = launch(
        "openid",
        &body(&json!({
            "access_token": "hidden", "id_token": "hidden", "refresh_token": "hidden",
            "patient": "Patient/hidden", "encounter": "hidden", "intent": "hidden",
            "tenant": "hidden", "fhirContext": ["Patient/hidden", {"reference": "https://x/hidden"}],
            "smart_style_url": "http://ehr.example/?hidden", "__hidden": "hidden",
            "scope": "openid patient/X.rs?patient=hidden", "other": "hidden",
        })),
    )
    .unwrap();
    let shown = format!("{read:?}");
    assert!(!shown.contains("hidden"), "{shown}");
    assert!(shown.contains("has_patient: true"), "{shown}");
}
