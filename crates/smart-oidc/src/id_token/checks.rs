//! The list of checks, in the order of their errors: form, algorithm, key, signature, claims.

use smart_jose::Text;
use smart_jose::header::{HeaderError, is_media_type};
use smart_jose::jws::JwsError;

use super::claim_checks as claims;
use super::error::IdTokenError;
use super::examination::Examination;
use super::outcome::{Check, Outcome};

/// Every check on an ID token. The verifier and the report both run this list.
pub(super) static CHECKS: [Check; 18] = [
    Check {
        id: "form",
        title: "the token has the compact form",
        clause: "RFC 7515 7.1, RFC 7519 7.2",
        binds: true,
        run: form,
    },
    Check {
        id: "header",
        title: "the header is strict JSON and asks for no extension",
        clause: "RFC 7515 4.1.11, RFC 7797 7",
        binds: true,
        run: header,
    },
    Check {
        id: "algorithm",
        title: "the algorithm is accepted",
        clause: "OpenID Connect Core 3.1.3.7 (7), RFC 8725 3.1",
        binds: true,
        run: algorithm,
    },
    Check {
        id: "type",
        title: "the token is an ID token and no other kind",
        clause: "RFC 8725 3.11, 3.12",
        binds: false,
        run: token_type,
    },
    Check {
        id: "key",
        title: "the issuer has a key for the token",
        clause: "OpenID Connect Core 10.1",
        binds: true,
        run: key,
    },
    Check {
        id: "signature",
        title: "the signature verifies",
        clause: "OpenID Connect Core 3.1.3.7 (6)",
        binds: true,
        run: signature,
    },
    Check {
        id: "claims",
        title: "the claims are strict JSON",
        clause: "RFC 7519 4, 7.2",
        binds: true,
        run: claims::form,
    },
    Check {
        id: "issuer",
        title: "iss is the trusted issuer",
        clause: "OpenID Connect Core 3.1.3.7 (2)",
        binds: true,
        run: claims::issuer,
    },
    Check {
        id: "audience",
        title: "aud names this app and nobody who is not trusted",
        clause: "OpenID Connect Core 3.1.3.7 (3)",
        binds: false,
        run: claims::audience,
    },
    Check {
        id: "authorized-party",
        title: "azp, if present, is this app",
        clause: "OpenID Connect Core 3.1.3.7 (4), (5)",
        binds: true,
        run: claims::authorized_party,
    },
    Check {
        id: "subject",
        title: "sub names a user",
        clause: "OpenID Connect Core 2",
        binds: true,
        run: claims::subject,
    },
    Check {
        id: "expiry",
        title: "the token has not expired",
        clause: "OpenID Connect Core 3.1.3.7 (9)",
        binds: false,
        run: claims::expiry,
    },
    Check {
        id: "not-before",
        title: "the token is valid already",
        clause: "RFC 7519 4.1.5",
        binds: false,
        run: claims::not_before,
    },
    Check {
        id: "issued-at",
        title: "the token was issued at a plausible time",
        clause: "OpenID Connect Core 3.1.3.7 (10)",
        binds: false,
        run: claims::issued_at,
    },
    Check {
        id: "nonce",
        title: "the token answers this request",
        clause: "OpenID Connect Core 3.1.3.7 (11)",
        binds: true,
        run: claims::nonce,
    },
    Check {
        id: "acr",
        title: "the authentication is of a kind that was asked for",
        clause: "OpenID Connect Core 3.1.3.7 (12)",
        binds: false,
        run: claims::acr,
    },
    Check {
        id: "auth-time",
        title: "the authentication is recent enough",
        clause: "OpenID Connect Core 3.1.3.7 (13)",
        binds: true,
        run: claims::auth_time,
    },
    Check {
        id: "hashes",
        title: "at_hash and c_hash, if present, fit access token and code",
        clause: "OpenID Connect Core 3.1.3.8, 3.3.2.11",
        binds: false,
        run: claims::hashes,
    },
];

const FORM_FAILED: &str = "the token could not be taken apart";
const HEADER_FAILED: &str = "the header is refused";
const ALGORITHM_FAILED: &str = "the algorithm is not accepted";

fn form(it: &Examination<'_>) -> Outcome {
    match &it.evidence.header {
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
    match &it.evidence.header {
        Ok(_) => Outcome::Passed,
        Err(JwsError::Header(error)) if is_about_algorithm(error) => Outcome::Passed,
        Err(error @ JwsError::Header(_)) => Outcome::Failed(error.clone().into()),
        Err(_) => Outcome::NotRun(FORM_FAILED),
    }
}

fn algorithm(it: &Examination<'_>) -> Outcome {
    match &it.evidence.header {
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
    match &it.evidence.header {
        Err(error) => no_header(error),
        Ok(header) => match header.typ() {
            Some(typ) if !is_media_type(typ, "jwt") => Outcome::Failed(IdTokenError::Type {
                found: Text::new(typ),
            }),
            _ => Outcome::Passed,
        },
    }
}

fn key(it: &Examination<'_>) -> Outcome {
    match (&it.evidence.keys, &it.evidence.header) {
        (Some(keys), _) => keys.clone().into(),
        (None, Err(error)) => no_header(error),
        (None, Ok(_)) => Outcome::NotRun(HEADER_FAILED),
    }
}

fn signature(it: &Examination<'_>) -> Outcome {
    match &it.evidence.signature {
        None => Outcome::NotRun("there is no key to check it with"),
        Some(signature) => signature.clone().into(),
    }
}
