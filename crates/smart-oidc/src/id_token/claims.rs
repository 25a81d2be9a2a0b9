//! The claims of an ID token, as they stand in its payload.

use core::time::Duration;
use std::borrow::Cow;

use smart_jose::UnixTime;
use smart_jose::json::{self, Found, JsonError, Name};
use smart_jose::jwt::{Audience, NumericDate};
use smart_jose::member::{self, JsonType, Member};

/// The claims that are looked at. Others are the caller's (OpenID Connect Core 2).
const NAMES: [Name<'static>; 16] = [
    Name::new("iss"),
    Name::new("sub"),
    Name::new("aud"),
    Name::new("azp"),
    Name::new("exp"),
    Name::new("nbf"),
    Name::new("iat"),
    Name::new("auth_time"),
    Name::new("nonce"),
    Name::new("acr"),
    Name::new("amr"),
    Name::new("at_hash"),
    Name::new("c_hash"),
    Name::new("fhirUser"),
    Name::new("profile"),
    Name::new("name"),
];

/// The claims as they were found; text without escapes stays where it is.
pub(super) struct Claims<'p> {
    pub(super) iss: Member<Cow<'p, str>>,
    pub(super) sub: Member<Cow<'p, str>>,
    /// Kept as JSON, since the usual single audience needs no list.
    pub(super) aud: Option<Found<'p>>,
    pub(super) azp: Member<Cow<'p, str>>,
    pub(super) exp: Member<NumericDate>,
    pub(super) nbf: Member<NumericDate>,
    pub(super) iat: Member<NumericDate>,
    pub(super) auth_time: Member<NumericDate>,
    pub(super) nonce: Member<Cow<'p, str>>,
    pub(super) acr: Member<Cow<'p, str>>,
    /// Nothing is decided by it, so it is read for a finding only.
    pub(super) amr: Option<Found<'p>>,
    pub(super) at_hash: Member<Cow<'p, str>>,
    pub(super) c_hash: Member<Cow<'p, str>>,
    pub(super) fhir_user: Member<Cow<'p, str>>,
    pub(super) profile: Member<Cow<'p, str>>,
    pub(super) name: Member<Cow<'p, str>>,
}

impl<'p> Claims<'p> {
    /// Reads a payload, which must be one strict JSON object.
    pub(super) fn read(payload: &'p str) -> Result<Self, JsonError> {
        let mut found = [None; NAMES.len()];
        json::scan_text(payload, &NAMES, &mut found)?;
        let [
            iss,
            sub,
            aud,
            azp,
            exp,
            nbf,
            iat,
            auth_time,
            nonce,
            acr,
            amr,
            at_hash,
            c_hash,
            fhir_user,
            profile,
            name,
        ] = found;
        Ok(Self {
            iss: member::read_text(iss),
            sub: member::read_text(sub),
            aud,
            azp: member::read_text(azp),
            exp: member::read(exp),
            nbf: member::read(nbf),
            iat: member::read(iat),
            auth_time: member::read(auth_time),
            nonce: member::read_text(nonce),
            acr: member::read_text(acr),
            amr,
            at_hash: member::read_text(at_hash),
            c_hash: member::read_text(c_hash),
            fhir_user: member::read_text(fhir_user),
            profile: member::read_text(profile),
            name: member::read_text(name),
        })
    }

    /// `aud` as a list.
    pub(super) fn audience(&self) -> Member<Audience> {
        member::read(self.aud)
    }
}

/// A claim that this validation does not need: `null` counts as absent there, with a finding.
pub(crate) fn not_null<T: Clone>(member: &Member<T>) -> Member<T> {
    match member {
        Member::WrongType(JsonType::Null) => Member::Absent,
        other => other.clone(),
    }
}

/// Whether a claim is there as `null`.
pub(super) const fn is_null<T>(member: &Member<T>) -> bool {
    matches!(member, Member::WrongType(JsonType::Null))
}

/// Checked dates lie between 1970 and 9999, so they fit a duration.
pub(super) fn whole_seconds(date: NumericDate) -> UnixTime {
    let seconds = Duration::try_from_secs_f64(date.as_secs()).unwrap_or_default();
    UnixTime::from_secs(seconds.as_secs())
}
