//! The list of checks, in the order of their errors: form, algorithm, key, signature, claims.

use smart_discovery::Finding;
use smart_jose::header::{HeaderError, is_media_type};
use smart_jose::jws::JwsError;
use smart_jose::jwt::{ClaimError, NumericDate, check};
use smart_jose::member::{FromJson, JsonType, Member};
use smart_jose::{Secret, Text};

use super::claims::Claims;
use super::error::IdTokenError;
use super::examination::{Examination, is_not_announced};
use super::expected::NonceRule;
use super::hash::hash_claim;

/// One check.
pub(super) struct Check {
    /// A stable name.
    pub(super) id: &'static str,
    /// What it makes sure of.
    pub(super) title: &'static str,
    /// The clause that asks for it.
    pub(super) clause: &'static str,
    pub(super) run: fn(&Examination<'_>) -> Outcome,
}

/// What came of a check.
pub(super) enum Outcome {
    Passed,
    Failed(IdTokenError),
    /// It could not be run, and why.
    NotRun(&'static str),
}

impl<E: Into<IdTokenError>> From<Result<(), E>> for Outcome {
    fn from(result: Result<(), E>) -> Self {
        match result {
            Ok(()) => Self::Passed,
            Err(error) => Self::Failed(error.into()),
        }
    }
}

/// Every check on an ID token. The verifier and the report both run this list.
pub(super) static CHECKS: [Check; 18] = [
    Check {
        id: "form",
        title: "the token has the compact form",
        clause: "RFC 7515 7.1, RFC 7519 7.2",
        run: form,
    },
    Check {
        id: "header",
        title: "the header is strict JSON and asks for no extension",
        clause: "RFC 7515 4.1.11, RFC 7797 7",
        run: header,
    },
    Check {
        id: "algorithm",
        title: "the algorithm is accepted",
        clause: "OpenID Connect Core 3.1.3.7 (7), RFC 8725 3.1",
        run: algorithm,
    },
    Check {
        id: "type",
        title: "the token is an ID token and no other kind",
        clause: "RFC 8725 3.11, 3.12",
        run: token_type,
    },
    Check {
        id: "key",
        title: "the issuer has a key for the token",
        clause: "OpenID Connect Core 10.1",
        run: key,
    },
    Check {
        id: "signature",
        title: "the signature verifies",
        clause: "OpenID Connect Core 3.1.3.7 (6)",
        run: signature,
    },
    Check {
        id: "claims",
        title: "the claims are strict JSON",
        clause: "RFC 7519 4, 7.2",
        run: claims_form,
    },
    Check {
        id: "issuer",
        title: "iss is the trusted issuer",
        clause: "OpenID Connect Core 3.1.3.7 (2)",
        run: |it| with_claims(it, |c| check::issuer(&c.iss, &it.rules.issuer)),
    },
    Check {
        id: "audience",
        title: "aud names this app and nobody who is not trusted",
        clause: "OpenID Connect Core 3.1.3.7 (3)",
        run: |it| {
            let (client_id, trusted) = (it.rules.client_id.as_str(), &it.rules.trusted_audiences);
            with_claims(it, |c| check::audience(&c.aud, client_id, trusted))
        },
    },
    Check {
        id: "authorized-party",
        title: "azp, if present, is this app",
        clause: "OpenID Connect Core 3.1.3.7 (4), (5)",
        run: authorized_party,
    },
    Check {
        id: "subject",
        title: "sub names a user",
        clause: "OpenID Connect Core 2",
        run: subject,
    },
    Check {
        id: "expiry",
        title: "the token has not expired",
        clause: "OpenID Connect Core 3.1.3.7 (9)",
        run: |it| with_claims(it, |c| check::expiry(&c.exp, it.now, it.rules.leeway)),
    },
    Check {
        id: "not-before",
        title: "the token is valid already",
        clause: "RFC 7519 4.1.5",
        run: |it| {
            with_claims(it, |c| {
                check::not_before(&not_null(&c.nbf), it.now, it.rules.leeway)
            })
        },
    },
    Check {
        id: "issued-at",
        title: "the token was issued at a plausible time",
        clause: "OpenID Connect Core 3.1.3.7 (10)",
        run: issued_at,
    },
    Check {
        id: "nonce",
        title: "the token answers this request",
        clause: "OpenID Connect Core 3.1.3.7 (11)",
        run: nonce,
    },
    Check {
        id: "acr",
        title: "the authentication is of a kind that was asked for",
        clause: "OpenID Connect Core 3.1.3.7 (12)",
        run: acr,
    },
    Check {
        id: "auth-time",
        title: "the authentication is recent enough",
        clause: "OpenID Connect Core 3.1.3.7 (13)",
        run: auth_time,
    },
    Check {
        id: "hashes",
        title: "at_hash and c_hash, if present, fit access token and code",
        clause: "OpenID Connect Core 3.1.3.8, 3.3.2.11",
        run: hashes,
    },
];

const FORM_FAILED: &str = "the token could not be taken apart";
const HEADER_FAILED: &str = "the header is refused";
const ALGORITHM_FAILED: &str = "the algorithm is not accepted";
const NO_CLAIMS: &str = "the claims could not be read";

fn form(it: &Examination<'_>) -> Outcome {
    match &it.header {
        Err(JwsError::Header(_)) | Ok(_) => Outcome::Passed,
        Err(error) => Outcome::Failed(error.clone().into()),
    }
}

/// Whether a header error is about the algorithm alone.
const fn is_about_algorithm(error: &HeaderError) -> bool {
    matches!(
        error,
        HeaderError::AlgorithmMissing
            | HeaderError::AlgorithmNotAccepted { .. }
            | HeaderError::AlgorithmUnsupported { .. }
    )
}

/// Why a check that needs the header was not run.
const fn no_header(error: &JwsError) -> Outcome {
    Outcome::NotRun(match error {
        JwsError::Header(error) if is_about_algorithm(error) => ALGORITHM_FAILED,
        JwsError::Header(_) => HEADER_FAILED,
        _ => FORM_FAILED,
    })
}

fn header(it: &Examination<'_>) -> Outcome {
    match &it.header {
        Ok(_) => Outcome::Passed,
        Err(JwsError::Header(error)) if is_about_algorithm(error) => Outcome::Passed,
        Err(error @ JwsError::Header(_)) => Outcome::Failed(error.clone().into()),
        Err(_) => Outcome::NotRun(FORM_FAILED),
    }
}

fn algorithm(it: &Examination<'_>) -> Outcome {
    match &it.header {
        Ok(_) => Outcome::Passed,
        Err(error @ JwsError::Header(header)) if is_about_algorithm(header) => {
            Outcome::Failed(error.clone().into())
        }
        Err(JwsError::Header(_)) => Outcome::NotRun(HEADER_FAILED),
        Err(_) => Outcome::NotRun(FORM_FAILED),
    }
}

/// An ID token has no `typ`, or the one of a plain JWT. Access tokens, logout tokens and others
/// that are typed are not ID tokens, whoever signed them.
fn token_type(it: &Examination<'_>) -> Outcome {
    match &it.header {
        Err(error) => no_header(error),
        Ok(header) => match header.typ.as_deref() {
            Some(typ) if !is_media_type(typ, "jwt") => Outcome::Failed(IdTokenError::Type {
                found: Text::new(typ),
            }),
            _ => Outcome::Passed,
        },
    }
}

fn key(it: &Examination<'_>) -> Outcome {
    match (&it.keys, &it.header) {
        (Some(keys), _) => keys.clone().into(),
        (None, Err(error)) => no_header(error),
        (None, Ok(_)) => Outcome::NotRun(HEADER_FAILED),
    }
}

fn signature(it: &Examination<'_>) -> Outcome {
    match &it.signature {
        None => Outcome::NotRun("there is no key to check it with"),
        Some(signature) => signature.clone().into(),
    }
}

fn claims_form(it: &Examination<'_>) -> Outcome {
    match &it.claims {
        None => Outcome::NotRun(NO_CLAIMS),
        Some(Ok(_)) => Outcome::Passed,
        Some(Err(error)) => Outcome::Failed(IdTokenError::ClaimsJson(error.clone())),
    }
}

fn with_claims<E: Into<IdTokenError>>(
    it: &Examination<'_>,
    judge: impl FnOnce(&Claims) -> Result<(), E>,
) -> Outcome {
    match &it.claims {
        Some(Ok((_, claims))) => judge(claims).into(),
        _ => Outcome::NotRun(NO_CLAIMS),
    }
}

/// A claim that this validation does not need: `null` counts as absent there, with a finding.
fn not_null<T: Clone>(member: &Member<T>) -> Member<T> {
    match member {
        Member::WrongType(JsonType::Null) => Member::Absent,
        other => other.clone(),
    }
}

/// Such a claim, with `null` taken for absent and every other wrong type an error.
fn unneeded<'c, T: FromJson>(
    claim: &'static str,
    member: &'c Member<T>,
) -> Result<Option<&'c T>, ClaimError> {
    match member {
        Member::WrongType(JsonType::Null) => Ok(None),
        other => check::optional(claim, other),
    }
}

fn authorized_party(it: &Examination<'_>) -> Outcome {
    let expected = it.rules.client_id.as_str();
    with_claims(it, |claims| match unneeded("azp", &claims.azp)? {
        Some(azp) if azp != expected => Err(IdTokenError::AuthorizedParty {
            expected: Text::new(expected),
            found: Text::new(azp),
        }),
        _ => Ok(()),
    })
}

fn subject(it: &Examination<'_>) -> Outcome {
    with_claims(it, |claims| {
        let sub = check::required("sub", &claims.sub)?;
        let (octets, is_ascii) = (sub.len(), sub.is_ascii());
        if is_ascii && (1..=255).contains(&octets) {
            return Ok(());
        }
        Err(IdTokenError::Subject { octets, is_ascii })
    })
}

fn issued_at(it: &Examination<'_>) -> Outcome {
    with_claims(it, |claims| {
        let iat = check::required("iat", &claims.iat)?;
        check::issued_at(*iat, it.now, it.rules.leeway, it.rules.max_issued_ago)
    })
}

fn nonce(it: &Examination<'_>) -> Outcome {
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
    }
}

fn acr(it: &Examination<'_>) -> Outcome {
    let asked = it.expected.acr_values;
    with_claims(it, |claims| {
        if asked.is_empty() {
            return unneeded("acr", &claims.acr)
                .map(drop)
                .map_err(IdTokenError::from);
        }
        match check::optional("acr", &claims.acr)? {
            Some(acr) if asked.contains(acr) => Ok(()),
            found => Err(IdTokenError::Acr {
                found: found.map(|it| Text::new(it)),
            }),
        }
    })
}

fn auth_time(it: &Examination<'_>) -> Outcome {
    with_claims(it, |claims| {
        let (now, leeway) = (it.now, it.rules.leeway);
        let auth_time = match it.expected.max_age {
            Some(_) => Some(check::required("auth_time", &claims.auth_time)?),
            None => unneeded("auth_time", &claims.auth_time)?,
        };
        let Some(&auth_time) = auth_time else {
            return Ok(());
        };
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
    })
}

fn hashes(it: &Examination<'_>) -> Outcome {
    let header = match &it.header {
        Ok(header) => header,
        Err(error) => return no_header(error),
    };
    let fits = |claim: &'static str, found: Option<&String>, value: Option<&str>| {
        let (Some(found), Some(value)) = (found, value) else {
            return Ok(());
        };
        let computed = hash_claim(value, header.algorithm, &it.rules.provider);
        if Secret::new(computed).matches(found) {
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

/// What is odd about a token that may be valid all the same.
pub(super) fn findings(it: &Examination<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(Ok((_, claims))) = &it.claims {
        let registered = [
            ("azp", is_null(&claims.azp)),
            ("nbf", is_null(&claims.nbf)),
            ("nonce", is_null(&claims.nonce)),
            ("acr", is_null(&claims.acr)),
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
    }
    if let Err(error) = &it.header
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

const fn is_null<T>(member: &Member<T>) -> bool {
    matches!(member, Member::WrongType(JsonType::Null))
}
