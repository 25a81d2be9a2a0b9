//! A token under examination: what is known of it, as far as it could be read.

use core::time::Duration;
use std::sync::Arc;

use smart_discovery::KeySourceError;
use smart_jose::header::HeaderError;
use smart_jose::json::JsonError;
use smart_jose::jws::{self, JwsError};
use smart_jose::{
    Algorithms, Candidates, CryptoProvider, ProtectedHeader, UnixTime, UnverifiedJws, danger,
};

use super::claims::Claims;
use super::error::IdTokenError;
use super::expected::Expected;
use super::usual_header::Usual;
use crate::quirks::Quirks;
use crate::value::ClientId;

/// What a verifier asks of every token.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) issuer: Arc<str>,
    pub(crate) client_id: ClientId,
    /// What the caller accepts.
    pub(crate) accepted: Algorithms,
    /// What the issuer announced of that when the verifier was made.
    pub(crate) announced: Algorithms,
    pub(crate) leeway: Duration,
    pub(crate) max_issued_ago: Option<Duration>,
    pub(crate) trusted_audiences: Vec<String>,
    pub(crate) max_octets: usize,
    pub(crate) provider: CryptoProvider,
    /// Whether `profile` may stand for a missing `fhirUser`.
    pub(crate) reads_profile: bool,
    /// What is done otherwise for the server's sake.
    pub(crate) quirks: Quirks,
}

impl Rules {
    /// Whether this `iss` is met only because one final slash more or less is.
    pub(super) fn is_met_by_slash(&self, iss: &str) -> bool {
        let (ours, theirs) = (&*self.issuer, iss);
        self.quirks.token_issuer_slash
            && (ours.strip_suffix('/') == Some(theirs) || theirs.strip_suffix('/') == Some(ours))
    }
}

/// Whether to go on after a failure.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Mode {
    Verify,
    Explain,
}

/// A token that was taken apart, and not more.
pub(crate) struct Parsed<'t> {
    token: &'t str,
    result: Result<UnverifiedJws<'t>, JwsError>,
}

impl<'t> Parsed<'t> {
    /// Takes a token apart if its algorithm is one of these.
    pub(crate) fn new(token: &'t str, rules: &Rules, accepted: Algorithms) -> Self {
        let result = UnverifiedJws::parse_with_limit(token, accepted, rules.max_octets);
        Self { token, result }
    }

    /// The same, where its header may be the usual one.
    pub(crate) fn knowing(token: &'t str, rules: &Rules, usual: &Usual) -> Self {
        let result = usual.parse(token, rules.accepted, rules.max_octets);
        Self { token, result }
    }

    /// The same, and looks at the encoding of every part: keys may have to be fetched next, which
    /// a token that is malformed is not worth.
    pub(crate) fn whole(token: &'t str, rules: &Rules, accepted: Algorithms) -> Self {
        let Self { token, result } = Self::new(token, rules, accepted);
        let result = match result {
            Ok(unverified) => unverified.check_encoding().map(|()| unverified),
            // An error of form comes before one of the header, which was met first.
            Err(error @ JwsError::Header(_)) => Err(jws::check_form(token, rules.max_octets)
                .err()
                .unwrap_or(error)),
            Err(error) => Err(error),
        };
        Self { token, result }
    }

    /// Whether the caller accepts the algorithm and the issuer does not announce it.
    pub(crate) fn is_refused_by_announcement(&self, rules: &Rules) -> bool {
        self.result
            .as_ref()
            .err()
            .is_some_and(|it| is_not_announced(it, rules))
    }

    /// What is needed to find a key.
    pub(crate) fn header(&self) -> Option<&ProtectedHeader> {
        self.result.as_ref().ok().map(UnverifiedJws::header)
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

/// What could be had of a token, by value.
pub(crate) struct Evidence {
    pub(super) header: Result<ProtectedHeader, JwsError>,
    pub(super) keys: Option<Result<(), KeySourceError>>,
    pub(super) signature: Option<Result<(), JwsError>>,
    /// The payload, which must be text; in explain mode also of a token that did not verify, for a
    /// report only.
    pub(super) payload: Option<Result<String, JsonError>>,
}

impl Evidence {
    /// Checks the signature, if there are keys.
    pub(crate) fn gather(
        parsed: Parsed<'_>,
        keys: Option<Result<Candidates, KeySourceError>>,
        rules: &Rules,
        mode: Mode,
    ) -> Self {
        let Parsed { token, result } = parsed;
        let (mut signature, mut payload) = (None, None);
        let header = match (result, &keys) {
            (Err(error), _) => Err(error),
            (Ok(unverified), Some(Ok(keys))) => match unverified.verify(keys) {
                Ok(verified) => {
                    let (header, octets) = verified.into_parts();
                    (signature, payload) = (Some(Ok(())), Some(octets));
                    Ok(header)
                }
                // A part that is not canonical is an error of form, and comes first.
                Err(error) => match Parsed::whole(token, rules, rules.accepted).result {
                    Err(form) => Err(form),
                    Ok(unverified) => {
                        signature = Some(Err(error));
                        Ok(unverified.header().clone())
                    }
                },
            },
            (Ok(unverified), _) => Ok(unverified.header().clone()),
        };
        if payload.is_none() && mode == Mode::Explain {
            payload = danger::unverified_payload_with_limit(token, rules.max_octets).ok();
        }
        let payload = payload.map(|octets| {
            String::from_utf8(octets).map_err(|error| JsonError::NotUtf8 {
                offset: error.utf8_error().valid_up_to(),
            })
        });
        Self {
            keys: keys.map(|it| it.map(drop)).filter(|_| header.is_ok()),
            header,
            signature,
            payload,
        }
    }

    /// Header and payload, if the signature is valid; otherwise why not, in the order form,
    /// algorithm, key, signature.
    pub(crate) fn verified(self) -> Result<(ProtectedHeader, String), IdTokenError> {
        let header = self.header?;
        if let Some(Err(error)) = self.keys {
            return Err(error.into());
        }
        match (self.signature, self.payload) {
            (Some(Ok(())), Some(Ok(payload))) => Ok((header, payload)),
            (Some(Ok(())), Some(Err(error))) => Err(IdTokenError::ClaimsJson(error)),
            (Some(Err(error)), _) => Err(error.into()),
            _ => Err(IdTokenError::CheckNotRun {
                check: "signature",
                because: "there is no key to check it with",
            }),
        }
    }

    /// The text of the payload, if it is text.
    pub(super) fn text(&self) -> &str {
        match &self.payload {
            Some(Ok(text)) => text,
            _ => "",
        }
    }

    /// Whether the signature is valid.
    pub(crate) const fn has_verified(&self) -> bool {
        matches!(self.signature, Some(Ok(())))
    }

    /// Whether there were keys, and none of them verified.
    pub(crate) const fn has_bad_signature(&self) -> bool {
        matches!(self.signature, Some(Err(JwsError::BadSignature)))
    }
}

/// Everything the checks look at.
pub(super) struct Examination<'a> {
    pub(super) rules: &'a Rules,
    pub(super) expected: &'a Expected<'a>,
    pub(super) now: UnixTime,
    pub(super) evidence: &'a Evidence,
    pub(super) claims: Option<Result<Claims<'a>, JsonError>>,
}

impl<'a> Examination<'a> {
    /// Reads the claims, if there is a payload.
    pub(super) fn new(
        evidence: &'a Evidence,
        rules: &'a Rules,
        expected: &'a Expected<'a>,
        now: UnixTime,
    ) -> Self {
        let claims = evidence.payload.as_ref().map(|payload| match payload {
            Ok(payload) => Claims::read(payload),
            Err(error) => Err(error.clone()),
        });
        Self {
            rules,
            expected,
            now,
            evidence,
            claims,
        }
    }
}
