//! The rules on what a verified assertion says. No clock, no store: pure.

use core::time::Duration;

use smart_jose::alg::HashAlgorithm;
use smart_jose::json::{self, Name};
use smart_jose::jwt::{Audience, NumericDate, check};
use smart_jose::{CryptoProvider, Text, UnixTime, VerifiedJws, header, member};

use super::audience::AssertionAudience;
use super::error::AssertionError;
use super::replay::AssertionUse;
use crate::value::ClientId;

/// The claims that are looked at.
const CLAIMS: [Name<'static>; 7] = [
    Name::new("iss"),
    Name::new("sub"),
    Name::new("aud"),
    Name::new("exp"),
    Name::new("nbf"),
    Name::new("iat"),
    Name::new("jti"),
];

/// What the claims are held against.
pub(super) struct Rules<'a> {
    pub(super) client_id: &'a ClientId,
    pub(super) audience: &'a AssertionAudience,
    pub(super) max_life: Duration,
    pub(super) leeway: Duration,
    pub(super) now: UnixTime,
}

/// `typ` says that the token is for this: `JWT` (SMART App Launch 2.2), or the explicit type that
/// the successor of RFC 7523 gives it.
pub(super) fn check_typ(typ: Option<&str>) -> Result<(), AssertionError> {
    let is_ours = |typ: &str| {
        ["jwt", "client-authentication+jwt"]
            .iter()
            .any(|it| header::is_media_type(typ, it))
    };
    if typ.is_some_and(is_ours) {
        return Ok(());
    }
    Err(AssertionError::Typ {
        found: typ.map(Text::new),
    })
}

/// Judges the claims, and says which use this is (RFC 7523 3; SMART App Launch 2.2).
pub(super) fn judge(
    token: &VerifiedJws,
    rules: &Rules<'_>,
    provider: &CryptoProvider,
) -> Result<AssertionUse, AssertionError> {
    let payload = token.payload();
    let mut found = [None; CLAIMS.len()];
    json::scan_object(payload, payload.len(), &CLAIMS, &mut found)?;
    let [iss, sub, aud, exp, nbf, iat, jti] = found;
    for (name, found) in [("iss", iss), ("sub", sub)] {
        let found = member::read_text(found);
        let found = check::required(name, &found)?;
        if found != rules.client_id.as_str() {
            return Err(AssertionError::Client {
                name,
                expected: Text::new(rules.client_id.as_str()),
                found: Text::new(found),
            });
        }
    }
    let aud = member::read::<Audience>(aud);
    rules.audience.check(check::required("aud", &aud)?)?;
    check_times(
        &member::read(exp),
        &member::read(nbf),
        &member::read(iat),
        rules,
    )?;
    let jti = member::read_text(jti);
    let jti = check::required("jti", &jti)?;
    if jti.is_empty() {
        return Err(AssertionError::JtiBlank);
    }
    // The longest that a token can be accepted which is accepted now: `exp` may lie as far ahead as
    // this, and the leeway comes on top once more.
    let until = rules
        .now
        .saturating_add(rules.max_life)
        .saturating_add(rules.leeway.saturating_mul(2))
        .saturating_add(Duration::from_secs(1));
    let id = fingerprint(rules.client_id.as_str(), jti, provider);
    Ok(AssertionUse::new(rules.client_id.clone(), id, until))
}

fn check_times(
    exp: &member::Member<NumericDate>,
    nbf: &member::Member<NumericDate>,
    iat: &member::Member<NumericDate>,
    rules: &Rules<'_>,
) -> Result<(), AssertionError> {
    let Rules { now, leeway, .. } = *rules;
    check::expiry(exp, now, leeway)?;
    let exp = *check::required("exp", exp)?;
    let limit = rules.max_life.saturating_add(leeway);
    if exp > NumericDate::from_time(now.saturating_add(limit)) {
        return Err(AssertionError::Lifetime { now, exp, limit });
    }
    check::not_before(nbf, now, leeway)?;
    if let Some(iat) = check::optional("iat", iat)? {
        check::issued_at(*iat, now, leeway, None)?;
    }
    Ok(())
}

/// One id for one `jti` of one client. The length before the client keeps the two apart.
fn fingerprint(client_id: &str, jti: &str, provider: &CryptoProvider) -> [u8; 32] {
    let length = u64::try_from(client_id.len()).unwrap_or(u64::MAX);
    let text = [&length.to_be_bytes(), client_id.as_bytes(), jti.as_bytes()].concat();
    let digest = provider.hash(HashAlgorithm::Sha256, &text);
    let mut id = [0; 32];
    for (to, from) in id.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    id
}
