//! What is odd about a token that may be valid all the same.

use smart_discovery::Finding;
use smart_jose::Text;
use smart_jose::header::HeaderError;
use smart_jose::jws::JwsError;
use smart_jose::member::{self, JsonType, Member};

use super::claims::{Claims, is_null};
use super::examination::{Examination, is_not_announced};

pub(super) fn findings(it: &Examination<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(Ok(claims)) = &it.claims {
        of_claims(claims, &mut findings);
        if it.rules.quirks.smart_1_0_profile
            && (claims.fhir_user == Member::Absent || is_null(&claims.fhir_user))
            && claims.profile.value().is_some()
        {
            findings.push(Finding::new(
                "smart-1-0-profile",
                "profile is read in the place of fhirUser",
                "write fhirUser (SMART App Launch 2.2, Scopes for requesting identity data)",
            ));
        }
        if let Some(iss) = claims
            .iss
            .value()
            .filter(|iss| it.rules.is_met_by_slash(iss))
        {
            findings.push(Finding::new(
                "token-issuer-slash",
                format!(
                    "iss is {}, the issuer is {}",
                    Text::new(iss),
                    Text::new(&it.rules.issuer)
                ),
                "write the issuer in the token as in openid-configuration",
            ));
        }
    }
    if let Err(error) = &it.evidence.header
        && is_not_announced(error, it.rules)
        && let JwsError::Header(HeaderError::AlgorithmNotAccepted { found, .. }) = error
    {
        findings.push(Finding::new(
            "algorithm-not-announced",
            format!("{found} would be accepted, but the issuer does not announce it"),
            "publish it in id_token_signing_alg_values_supported",
        ));
    }
    findings
}

fn of_claims(claims: &Claims<'_>, findings: &mut Vec<Finding>) {
    if is_ordinary(claims) {
        return;
    }
    // Read only where it is there: most tokens have none.
    let amr = match claims.amr {
        None => Member::Absent,
        amr => member::read::<Vec<String>>(amr),
    };
    let registered = [
        ("azp", is_null(&claims.azp)),
        ("nbf", is_null(&claims.nbf)),
        ("nonce", is_null(&claims.nonce)),
        ("acr", is_null(&claims.acr)),
        ("amr", is_null(&amr)),
        ("auth_time", is_null(&claims.auth_time)),
        ("at_hash", is_null(&claims.at_hash)),
        ("c_hash", is_null(&claims.c_hash)),
        ("fhirUser", is_null(&claims.fhir_user)),
        ("name", is_null(&claims.name)),
        ("profile", is_null(&claims.profile)),
    ];
    for (claim, _) in registered.into_iter().filter(|(_, null)| *null) {
        findings.push(Finding::new(
            "null-claim",
            format!("{claim} is null, which counts as absent"),
            "leave out claims that have no value",
        ));
    }
    if let Member::WrongType(found) = amr
        && found != JsonType::Null
    {
        findings.push(Finding::new(
            "amr-type",
            format!("amr is {found}, not an array of strings; nothing is decided by it"),
            "write amr as an array of strings (OpenID Connect Core 2)",
        ));
    }
    if claims.acr.value().is_some_and(|acr| acr.is_empty()) {
        findings.push(Finding::new(
            "acr-empty",
            "acr is an empty string",
            "leave out acr, or name the class of the authentication",
        ));
    }
}

/// The findings that a quirk leaves, which is told where a token is made and not for a report.
pub(super) fn is_of_quirk(finding: &Finding) -> bool {
    matches!(finding.code, "smart-1-0-profile" | "token-issuer-slash")
}

/// Whether there is nothing to find, as with most tokens, told at a glance.
fn is_ordinary(claims: &Claims<'_>) -> bool {
    let has_null = is_null(&claims.azp)
        | is_null(&claims.nbf)
        | is_null(&claims.nonce)
        | is_null(&claims.acr)
        | is_null(&claims.auth_time)
        | is_null(&claims.at_hash)
        | is_null(&claims.c_hash)
        | is_null(&claims.fhir_user)
        | is_null(&claims.name)
        | is_null(&claims.profile);
    !has_null && claims.amr.is_none() && claims.acr == Member::Absent
}
