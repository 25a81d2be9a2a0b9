//! A token under examination: what is known of it, as far as it could be read.

use core::time::Duration;

use smart_discovery::KeySourceError;
use smart_jose::header::HeaderError;
use smart_jose::json::{self, JsonError};
use smart_jose::jws::JwsError;
use smart_jose::{
    Algorithm, Algorithms, Candidates, CryptoProvider, ProtectedHeader, Text, UnixTime,
    UnverifiedJws, danger,
};

use super::claims::Claims;
use super::expected::Expected;
use crate::value::ClientId;

/// What a verifier asks of every token.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) issuer: String,
    pub(super) client_id: ClientId,
    /// What the caller accepts.
    pub(super) accepted: Algorithms,
    /// What the issuer announced of that when the verifier was made.
    pub(super) announced: Algorithms,
    pub(super) leeway: Duration,
    pub(super) max_issued_ago: Option<Duration>,
    pub(super) trusted_audiences: Vec<String>,
    pub(super) max_octets: usize,
    pub(super) provider: CryptoProvider,
}

/// Whether to go on after a failure.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Mode {
    Verify,
    Explain,
}

/// A token that was taken apart, and not more.
pub(super) struct Parsed<'t>(&'t str, Result<UnverifiedJws<'t>, JwsError>);

impl<'t> Parsed<'t> {
    /// Takes a token apart if its algorithm is one of these.
    pub(super) fn new(token: &'t str, rules: &Rules, accepted: Algorithms) -> Self {
        let parsed = UnverifiedJws::parse_with_limit(token, accepted, rules.max_octets);
        // Keys may have to be fetched next, which a token that is malformed is not worth.
        let parsed = parsed.and_then(|token| token.check_encoding().map(|()| token));
        Self(token, parsed)
    }

    /// Whether the caller accepts the algorithm and the issuer does not announce it.
    pub(super) fn is_refused_by_announcement(&self, rules: &Rules) -> bool {
        self.1
            .as_ref()
            .err()
            .is_some_and(|it| is_not_announced(it, rules))
    }

    /// What is needed to find a key.
    pub(super) fn header(&self) -> Option<&ProtectedHeader> {
        self.1.as_ref().ok().map(UnverifiedJws::header)
    }
}

/// Whether a token was refused for an algorithm that the caller accepts: then it is the issuer
/// that does not announce it.
pub(super) fn is_not_announced(error: &JwsError, rules: &Rules) -> bool {
    match error {
        JwsError::Header(HeaderError::AlgorithmNotAccepted { found, .. }) => {
            rules.accepted.contains(*found)
        }
        _ => false,
    }
}

/// The parts of the header that checks and reports need.
#[derive(Clone)]
pub(super) struct Header {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<Text>,
    pub(super) typ: Option<String>,
}

/// Everything the checks look at.
pub(super) struct Examination<'a> {
    pub(super) rules: &'a Rules,
    pub(super) expected: &'a Expected<'a>,
    pub(super) now: UnixTime,
    pub(super) header: Result<Header, JwsError>,
    pub(super) keys: Option<Result<(), KeySourceError>>,
    pub(super) signature: Option<Result<(), JwsError>>,
    /// The payload and its claims; in explain mode also of a token that did not verify.
    pub(super) claims: Option<Result<(Vec<u8>, Claims), JsonError>>,
}

impl<'a> Examination<'a> {
    /// Reads as much of the token as the mode allows. Claims of a token that did not verify are
    /// read for a report only.
    pub(super) fn new(
        parsed: Parsed<'_>,
        keys: Option<Result<Candidates, KeySourceError>>,
        rules: &'a Rules,
        expected: &'a Expected<'a>,
        now: UnixTime,
        mode: Mode,
    ) -> Self {
        let Parsed(token, parsed) = parsed;
        let header = parsed.as_ref().map_err(Clone::clone).map(|token| Header {
            algorithm: token.header().algorithm(),
            kid: token.header().kid().map(Text::new),
            typ: token.header().typ().map(str::to_owned),
        });
        let verified = match (parsed, &keys) {
            (Ok(token), Some(Ok(keys))) => Some(token.verify(keys)),
            _ => None,
        };
        let (signature, payload) = match verified {
            Some(Ok(token)) => (Some(Ok(())), Some(token.into_parts().1)),
            Some(Err(error)) => (Some(Err(error)), None),
            None => (None, None),
        };
        let payload = match (payload, mode) {
            (None, Mode::Explain) => {
                danger::unverified_payload_with_limit(token, rules.max_octets).ok()
            }
            (payload, _) => payload,
        };
        let claims = payload.map(|payload| {
            let claims = json::read_object(&payload, payload.len())?;
            Ok((payload, claims))
        });
        let keys = keys.map(|keys| keys.map(drop));
        Self {
            rules,
            expected,
            now,
            header,
            keys,
            signature,
            claims,
        }
    }
}
