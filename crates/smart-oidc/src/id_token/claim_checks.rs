//! The checks on claims.
//!
//! Each holds for every ID token; where the token came with a refresh, it is also compared with
//! the first one of the session (OpenID Connect Core 12.2).

use std::borrow::Cow;

use smart_jose::json::Found;
use smart_jose::jwt::{ClaimError, NumericDate, check};
use smart_jose::member::{FromJson, Member};
use smart_jose::{Secret, Text};

use super::claims::{Claims, is_null, not_null};
use super::error::IdTokenError;
use super::examination::Examination;
use super::expected::NonceRule;
use super::hash::hash_claim;
use super::outcome::Outcome;

const NO_CLAIMS: &str = "the claims could not be read";

pub(super) fn form(it: &Examination<'_>) -> Outcome {
    match &it.claims {
        None => Outcome::NotRun(NO_CLAIMS),
        Some(Ok(_)) => Outcome::Passed,
        Some(Err(error)) => Outcome::Failed(IdTokenError::ClaimsJson(error.clone())),
    }
}

fn with_claims(
    it: &Examination<'_>,
    judge: impl FnOnce(&Claims<'_>) -> Result<(), IdTokenError>,
) -> Outcome {
    match &it.claims {
        Some(Ok(claims)) => judge(claims).into(),
        _ => Outcome::NotRun(NO_CLAIMS),
    }
}

/// A claim that this validation does not need, with `null` taken for absent and every other wrong
/// type an error.
fn unneeded<'c, T: FromJson>(
    claim: &'static str,
    member: &'c Member<T>,
) -> Result<Option<&'c T>, ClaimError> {
    if is_null(member) {
        return Ok(None);
    }
    check::optional(claim, member)
}

pub(super) fn issuer(it: &Examination<'_>) -> Outcome {
    with_claims(it, |claims| {
        match claims.iss.value() {
            Some(iss) if it.rules.is_met_by_slash(iss) => {}
            _ => check::issuer(&claims.iss, &it.rules.issuer)?,
        }
        match it.expected.first {
            Some(first) => first.check_issuer(&it.rules.issuer),
            None => Ok(()),
        }
    })
}

pub(super) fn audience(it: &Examination<'_>) -> Outcome {
    let client_id = it.rules.client_id.as_str();
    with_claims(it, |claims| {
        // One string that is ours is the usual form, and needs no list.
        if claims.aud == Some(Found::Plain(client_id)) && it.expected.first.is_none() {
            return Ok(());
        }
        let audience = claims.audience();
        check::audience(&audience, client_id, &it.rules.trusted_audiences)?;
        match (it.expected.first, audience.value()) {
            (Some(first), Some(audience)) => first.check_audience(audience),
            _ => Ok(()),
        }
    })
}

pub(super) fn authorized_party(it: &Examination<'_>) -> Outcome {
    let expected = it.rules.client_id.as_str();
    with_claims(it, |claims| {
        let azp = unneeded("azp", &claims.azp)?;
        if let Some(azp) = azp.filter(|azp| **azp != expected) {
            return Err(IdTokenError::AuthorizedParty {
                expected: Text::new(expected),
                found: Text::new(azp),
            });
        }
        match it.expected.first {
            Some(first) => first.check_authorized_party(azp.map(Cow::as_ref)),
            None => Ok(()),
        }
    })
}

pub(super) fn subject(it: &Examination<'_>) -> Outcome {
    with_claims(it, |claims| {
        let sub = check::required("sub", &claims.sub)?;
        let (octets, is_ascii) = (sub.len(), sub.is_ascii());
        if !is_ascii || !(1..=255).contains(&octets) {
            return Err(IdTokenError::Subject { octets, is_ascii });
        }
        match it.expected.first {
            Some(first) => first.check_subject(sub),
            None => Ok(()),
        }
    })
}

pub(super) fn expiry(it: &Examination<'_>) -> Outcome {
    with_claims(it, |claims| {
        Ok(check::expiry(&claims.exp, it.now, it.rules.leeway)?)
    })
}

pub(super) fn not_before(it: &Examination<'_>) -> Outcome {
    with_claims(it, |claims| {
        let nbf = not_null(&claims.nbf);
        Ok(check::not_before(&nbf, it.now, it.rules.leeway)?)
    })
}

pub(super) fn issued_at(it: &Examination<'_>) -> Outcome {
    with_claims(it, |claims| {
        let iat = *check::required("iat", &claims.iat)?;
        check::issued_at(iat, it.now, it.rules.leeway, it.rules.max_issued_ago)?;
        match it.expected.first {
            Some(first) => first.check_issued_at(iat),
            None => Ok(()),
        }
    })
}

pub(super) fn nonce(it: &Examination<'_>) -> Outcome {
    match &it.expected.nonce {
        NonceRule::Unknown => {
            Outcome::NotRun("nothing was said about the nonce: give it, or say that none was sent")
        }
        NonceRule::Sent(sent) => with_claims(it, |claims| {
            let nonce = check::required("nonce", &claims.nonce)?;
            // An empty nonce would tie the token to nothing.
            if !nonce.is_empty() && sent.matches(nonce) {
                Ok(())
            } else {
                Err(IdTokenError::NonceMismatch)
            }
        }),
        NonceRule::NoneSent => with_claims(it, |claims| match unneeded("nonce", &claims.nonce)? {
            Some(_) => Err(IdTokenError::NonceUnsolicited),
            None => Ok(()),
        }),
        NonceRule::OfFirst(first) => with_claims(it, |claims| first.check_nonce(claims)),
    }
}

pub(super) fn acr(it: &Examination<'_>) -> Outcome {
    let asked = it.expected.acr_values;
    with_claims(it, |claims| {
        if asked.is_empty() {
            return unneeded("acr", &claims.acr)
                .map(drop)
                .map_err(IdTokenError::from);
        }
        match check::optional("acr", &claims.acr)? {
            Some(acr) if asked.iter().any(|it| it == acr) => Ok(()),
            found => Err(IdTokenError::Acr {
                asked: Text::new(&asked.join(" ")),
                found: found.map(|it| Text::new(it)),
            }),
        }
    })
}

pub(super) fn auth_time(it: &Examination<'_>) -> Outcome {
    with_claims(it, |claims| {
        let auth_time = match it.expected.max_age {
            Some(_) => Some(*check::required("auth_time", &claims.auth_time)?),
            None => unneeded("auth_time", &claims.auth_time)?.copied(),
        };
        // First, so that another date is told from one that is merely odd.
        if let Some(first) = it.expected.first {
            first.check_auth_time(auth_time)?;
        }
        match auth_time {
            Some(auth_time) => authenticated_at(auth_time, it),
            None => Ok(()),
        }
    })
}

fn authenticated_at(auth_time: NumericDate, it: &Examination<'_>) -> Result<(), IdTokenError> {
    let (now, leeway) = (it.now, it.rules.leeway);
    check::plausible("auth_time", auth_time)?;
    let seconds = NumericDate::from_time(now).as_secs();
    if auth_time.as_secs() > seconds + leeway.as_secs_f64() {
        return Err(IdTokenError::AuthTimeInFuture { now, auth_time });
    }
    match it.expected.max_age {
        Some(max_age)
            if auth_time.as_secs() + max_age.as_secs_f64() + leeway.as_secs_f64() < seconds =>
        {
            Err(IdTokenError::AuthTimeTooOld {
                now,
                auth_time,
                max_age,
            })
        }
        _ => Ok(()),
    }
}

pub(super) fn hashes(it: &Examination<'_>) -> Outcome {
    let Ok(header) = &it.evidence.header else {
        return Outcome::NotRun("the header could not be read");
    };
    let fits = |claim: &'static str, found: Option<&Cow<'_, str>>, value: Option<&str>| {
        let (Some(found), Some(value)) = (found, value) else {
            return Ok(());
        };
        let computed = hash_claim(value, header.algorithm(), &it.rules.provider);
        if Secret::new(computed).matches(found.as_bytes()) {
            Ok(())
        } else {
            Err(IdTokenError::Hash { claim })
        }
    };
    with_claims(it, |claims| {
        let (at_hash, c_hash) = (
            unneeded("at_hash", &claims.at_hash)?,
            unneeded("c_hash", &claims.c_hash)?,
        );
        let access_token = it.expected.access_token.map(|it| it.expose_secret());
        let code = it.expected.code.map(|it| it.expose_secret());
        fits("at_hash", at_hash, access_token)?;
        fits("c_hash", c_hash, code)
    })
}
