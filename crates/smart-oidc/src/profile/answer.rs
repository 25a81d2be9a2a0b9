//! What a FHIR server answers: checked to be the resource that was asked for, then read.

use bytes::Bytes;
use http::{Response, StatusCode, header};
use smart_jose::json::JsonError;
use smart_jose::{Text, UnixTime, json};

use super::draft::Draft;
use super::outcome::issues;
use super::read_error::ReadError;
use super::resource::{MAX_RESOURCE_OCTETS, UserResource};
use super::wire::Wire;
use crate::fhir_user::{FhirRead, FhirUserType};

/// Checks that the answer to a read is the resource that was asked for.
pub(super) fn wire(
    read: &FhirRead<'_>,
    response: &Response<Bytes>,
    limit: usize,
) -> Result<Wire, ReadError> {
    let status = response.status();
    match status {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED => {
            return Err(ReadError::Unauthorized {
                had_access_token: read.has_access_token(),
                issues: issues(response),
            });
        }
        StatusCode::FORBIDDEN => {
            let issues = issues(response);
            return Err(ReadError::Forbidden { issues });
        }
        StatusCode::NOT_FOUND => {
            let issues = issues(response);
            return Err(ReadError::NotFound { issues });
        }
        StatusCode::GONE => {
            let issues = issues(response);
            return Err(ReadError::Gone { issues });
        }
        _ if status.is_redirection() => {
            let status = status.as_u16();
            return Err(ReadError::Redirect { status });
        }
        _ => {
            return Err(ReadError::Status {
                status: status.as_u16(),
                issues: issues(response),
            });
        }
    }
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|it| it.to_str().ok());
    if let Some(found) = content_type.filter(|it| is_markup(it)) {
        let found = Text::new(found);
        return Err(ReadError::ContentType { found });
    }
    checked(read, response.body(), limit)
}

/// Whether a content type is HTML or XML. Anything else is looked into: servers label JSON in many
/// ways.
fn is_markup(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let subtype = essence.rsplit('/').next().unwrap_or_default();
    let subtype = subtype.to_ascii_lowercase();
    subtype == "html" || subtype == "xml" || subtype.ends_with("+xml")
}

/// Checks that a text is the resource that was asked for (FHIR, RESTful API, read).
fn checked(read: &FhirRead<'_>, text: &[u8], limit: usize) -> Result<Wire, ReadError> {
    let wire: Wire = json::read_object(text, limit).map_err(nameless)?;
    let target = read.target();
    let expected = target.resource_type.name();
    let found = wire.resource_type.value().map(String::as_str);
    if found != Some(expected) {
        // Only what is known to be the name of a type is shown; anything else may be a person's.
        let found = match found {
            Some(it @ ("OperationOutcome" | "Bundle")) => it,
            Some(it) => FhirUserType::from_name(it).map_or("another type", FhirUserType::name),
            None => "no resource",
        };
        let found = Text::new(found);
        return Err(ReadError::OtherResource { expected, found });
    }
    if wire.id.value() != Some(&target.id) {
        let found = Text::new(&format!("another {expected}"));
        return Err(ReadError::OtherResource { expected, found });
    }
    Ok(wire)
}

/// The same error without the name that a server wrote, which can be that of a person.
fn nameless(error: JsonError) -> JsonError {
    match error {
        JsonError::DuplicateMember { .. } => JsonError::DuplicateMember {
            name: Text::new("***"),
        },
        error => error,
    }
}

impl UserResource {
    /// Reads the resource that a read asks for from JSON, as it is at `now`: for a
    /// [`ProfileSource`](super::ProfileSource) of your own. The Practitioner of a role is read only
    /// where the role contains it.
    ///
    /// # Errors
    ///
    /// [`ReadError::Json`] where it is no strict JSON object of at most 1 MiB, and
    /// [`ReadError::OtherResource`] where it is of another type or has another id.
    pub fn parse(json: &[u8], read: &FhirRead<'_>, now: UnixTime) -> Result<Self, ReadError> {
        let wire = checked(read, json, MAX_RESOURCE_OCTETS)?;
        Ok(Draft::new(&wire, read.target().resource_type, now).finish())
    }
}
