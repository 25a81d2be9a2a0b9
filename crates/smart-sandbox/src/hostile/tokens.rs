//! ID tokens that are no compact JWS, or too much of one.

use serde_json::json;
use smart_jose::base64url;

use super::fault::Act::Forge;
use super::fault::Fault;
use super::fault::Which::First;
use super::moment::{Genuine, Moment};

const fn fault(
    name: &'static str,
    does: &'static str,
    client_must: &'static str,
    clause: &'static str,
    act: fn(&Genuine<'_>, &Moment<'_>) -> String,
) -> Fault {
    Fault {
        name,
        does,
        client_must,
        clause,
        act: Forge(First, act),
    }
}

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "encrypted",
        "the ID token has five parts",
        "refuse the ID token, and say that it is encrypted",
        "CVE-2026-29000",
        |it, _| format!("{}.AAAA.AAAA", it.token),
    ),
    fault(
        "json-serialisation",
        "the ID token is a JWS in JSON without signatures",
        "refuse the ID token",
        "CVE-2026-96760",
        |it, _| json!({ "payload": it.parts().1, "signatures": [] }).to_string(),
    ),
    fault(
        "many-dots",
        "the ID token is fifty thousand dots",
        "refuse the ID token without counting them into memory",
        "CVE-2025-30204",
        |_, _| ".".repeat(50_000),
    ),
    fault(
        "long-token",
        "the ID token is longer than 64 KiB",
        "refuse the ID token before it is decoded",
        "CVE-2025-61920",
        |it, _| {
            let long = base64url::encode(vec![b' '; 60_000]);
            format!("{long}.{}.{}", it.parts().1, it.parts().2)
        },
    ),
    fault(
        "no-token-at-all",
        "the ID token is a sentence",
        "refuse the ID token",
        "RFC 7515 7.1",
        |_, _| "this is not a token".to_owned(),
    ),
];
