//! The claim `fhirUser`, taken apart as the suite does it.

use serde_json::Value;

use super::http::Answer;
use super::jwt::Jwt;
use super::tester::{Tester, text};
use crate::named::check;

const TYPES: [&str; 4] = ["Patient", "Practitioner", "RelatedPerson", "Person"];

/// Reads the user from the FHIR base, whatever host the claim names: the type and the answer.
pub(super) async fn read(tester: &Tester, tokens: &Value) -> Result<(String, Answer), String> {
    let id_token = Jwt::read(text(tokens, "id_token")?)?;
    let claim = id_token.text("fhirUser")?;
    let mut segments = claim.rsplit('/');
    let (Some(id), Some(kind)) = (segments.next(), segments.next()) else {
        return Err(format!("fhirUser is {claim}"));
    };
    check(TYPES.contains(&kind), format!("fhirUser is {claim}"))?;
    let answer = tester.read(&format!("{kind}/{id}"), tokens).await?;
    Ok((kind.to_owned(), answer))
}
