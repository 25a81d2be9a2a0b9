//! The patient of the banner, read from the FHIR server with the session's token.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderValue, Request, StatusCode};
use serde_json::Value;
use smart_oidc::discovery::HttpClient;
use smart_oidc::session::LaunchSession;

/// Longer words are cut, in characters.
const MAX_WORD: usize = 200;

/// The codes of FHIR's AdministrativeGender.
const SEXES: [&str; 4] = ["male", "female", "other", "unknown"];

/// What a banner shows.
pub(super) struct Patient {
    pub(super) name: Option<String>,
    pub(super) born: Option<String>,
    pub(super) sex: Option<String>,
}

/// Why there is none to show.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ChartError {
    /// The FHIR server refuses the access token.
    Refused,
    /// Anything else, in words.
    Other(&'static str),
}

/// Reads the patient in context. The id has no character that could change the path.
pub(super) async fn patient(
    session: &LaunchSession,
    id: &str,
    http: &dyn HttpClient,
) -> Result<Patient, ChartError> {
    let url = format!("{}/Patient/{id}", session.fhir_base().trimmed());
    let bearer = format!("Bearer {}", session.access_token().expose_secret());
    let mut bearer =
        HeaderValue::from_str(&bearer).map_err(|_| ChartError::Other("the token is no header"))?;
    bearer.set_sensitive(true);
    let request = Request::get(url)
        .header(ACCEPT, "application/fhir+json")
        .header(AUTHORIZATION, bearer)
        .body(Bytes::new())
        .map_err(|_| ChartError::Other("its address cannot be asked for"))?;
    let response = http
        .send(request)
        .await
        .map_err(|_| ChartError::Other("the FHIR server could not be reached"))?;
    match response.status() {
        StatusCode::OK => read(response.body(), id),
        StatusCode::UNAUTHORIZED => Err(ChartError::Refused),
        StatusCode::FORBIDDEN => Err(ChartError::Other("reading it was not granted")),
        StatusCode::NOT_FOUND => Err(ChartError::Other("the FHIR server does not have it")),
        _ => Err(ChartError::Other("the FHIR server has answered otherwise")),
    }
}

/// Of another patient than the one who was asked for nothing is shown.
fn read(body: &[u8], id: &str) -> Result<Patient, ChartError> {
    let value: Value =
        serde_json::from_slice(body).map_err(|_| ChartError::Other("the answer is no JSON"))?;
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    if text("resourceType") != Some("Patient") || text("id") != Some(id) {
        return Err(ChartError::Other("the answer is not this patient"));
    }
    Ok(Patient {
        name: name(&value),
        born: text("birthDate").filter(|it| is_date(it)).map(cut),
        sex: text("gender").filter(|it| SEXES.contains(it)).map(cut),
    })
}

/// The official name, else the first that is not over.
fn name(patient: &Value) -> Option<String> {
    let names = patient.get("name")?.as_array()?;
    let usage = |it: &Value| it.get("use").and_then(Value::as_str).map(str::to_owned);
    let official = names
        .iter()
        .find(|it| usage(it).as_deref() == Some("official"));
    let current = || names.iter().find(|it| usage(it).as_deref() != Some("old"));
    let chosen = official.or_else(current)?;
    if let Some(text) = chosen.get("text").and_then(Value::as_str) {
        return Some(cut(text));
    }
    let given = chosen.get("given").and_then(Value::as_array);
    let given = given.into_iter().flatten().filter_map(Value::as_str);
    let family = chosen.get("family").and_then(Value::as_str);
    let words: Vec<&str> = given.chain(family).collect();
    (!words.is_empty()).then(|| cut(&words.join(" ")))
}

/// A FHIR date: a year, and maybe a month and a day.
fn is_date(text: &str) -> bool {
    matches!(text.len(), 4 | 7 | 10) && text.bytes().all(|it| it.is_ascii_digit() || it == b'-')
}

/// Without what turns the text beside it, or is no text.
fn cut(text: &str) -> String {
    let turns = |it: &char| matches!(it, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let kept = text.chars().filter(|it| !it.is_control() && !turns(it));
    kept.take(MAX_WORD).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_patient_than_the_one_in_context_is_not_shown() {
        let body = |id: &str| {
            let text = r#"{"resourceType":"Patient","id":"ID","birthDate":"1980-01-02","gender":"female",
                "name":[{"use":"old","text":"Old"},{"given":["Ada"],"family":"Example"}]}"#;
            text.replace("ID", id)
        };
        let read_it = read(body("p-1").as_bytes(), "p-1").ok().unwrap();
        assert_eq!(read_it.name.as_deref(), Some("Ada Example"));
        assert_eq!(read_it.born.as_deref(), Some("1980-01-02"));
        assert_eq!(read_it.sex.as_deref(), Some("female"));
        assert!(read(body("p-2").as_bytes(), "p-1").is_err());
        let practitioner = body("p-1").replace("\"Patient\"", "\"Person\"");
        assert!(read(practitioner.as_bytes(), "p-1").is_err());
    }
}
