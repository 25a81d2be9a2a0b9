//! What the revocation endpoint answers when a user signs out.

use http::StatusCode;
use serde_json::json;

use super::fault::Act::{Answer, Late};
use super::fault::At::Revocation;
use super::fault::{Fault, fault};
use super::{everywhere, streams, wrong};

const SIGN_OUT: &str = "end the session all the same, and say that the tokens may live on";
const FOLLOW_NONE: &str = "follow no redirect: the token would go along";
const RFC: &str = "RFC 7009 2.2.1";

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "revocation-absent",
        "the revocation endpoint is not found",
        SIGN_OUT,
        RFC,
        Answer(Revocation, wrong::absent),
    ),
    fault(
        "revocation-failing",
        "the revocation endpoint answers 500",
        SIGN_OUT,
        RFC,
        Answer(Revocation, wrong::failing),
    ),
    fault(
        "revocation-busy-for-ever",
        "the revocation endpoint answers 503, come back in three hundred billion years",
        SIGN_OUT,
        RFC,
        Answer(Revocation, everywhere::busy_for_ever),
    ),
    fault(
        "revocation-unsupported",
        "the revocation endpoint says that it revokes no such tokens",
        SIGN_OUT,
        RFC,
        Answer(Revocation, |_| {
            let body = json!({ "error": "unsupported_token_type" });
            wrong::json(StatusCode::BAD_REQUEST, body.to_string())
        }),
    ),
    fault(
        "revocation-moved",
        "the revocation endpoint redirects to another host",
        FOLLOW_NONE,
        "RFC 9700 4.12",
        Answer(Revocation, wrong::moved),
    ),
    fault(
        "revocation-moved-to-loopback",
        "the revocation endpoint redirects to a port of this machine",
        FOLLOW_NONE,
        "RFC 9700 4.12",
        Answer(Revocation, everywhere::moved_to_loopback),
    ),
    fault(
        "revocation-late",
        "the answer to a revocation comes after ten seconds",
        "let the user go at once or after a bounded time",
        RFC,
        Late(Revocation),
    ),
    fault(
        "revocation-dripping",
        "the answer to a revocation comes octet by octet and does not end",
        "let the user go at once or after a bounded time",
        RFC,
        Answer(Revocation, streams::dripping),
    ),
    fault(
        "revocation-endless",
        "the answer to a revocation does not end",
        "read no more than a bound",
        "CVE-2025-61920",
        Answer(Revocation, streams::endless),
    ),
    fault(
        "revocation-cut-off",
        "the answer to a revocation breaks off in the middle, and the connection with it",
        SIGN_OUT,
        RFC,
        Answer(Revocation, streams::cut_off),
    ),
];
