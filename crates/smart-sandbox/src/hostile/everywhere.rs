//! What goes wrong below the JSON, the same at each place: redirects, answers without an end, answers
//! that are not what their headers say.

use axum::response::Response;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::response::Parts;
use http::{HeaderValue, StatusCode};

use super::fault::Act::{Answer, Head, Late, Text};
use super::fault::At::{
    Code, Jwks, OpenidConfiguration, Read, Refresh, SmartConfiguration, UserInfo,
};
use super::fault::{Fault, fault};
use super::moment::Moment;
use super::{streams, wrong};

const FOLLOW_NONE: &str = "follow no redirect";
const BOUNDED: &str = "read no more than a bound, whatever it is unpacked to";
const IN_TIME: &str = "wait for a bounded time in all, not for each octet";
const USE_NOTHING: &str = "use nothing of it";
const ONE_READING: &str = "refuse it: two readers would see two answers";

/// The same faults at one place: what its faults are called by, what it is, and a member that some
/// reader would believe if it came a second time.
macro_rules! faults {
    ($faults:ident, $at:ident, $prefix:literal, $what:literal, $again:literal) => {
        pub(super) const $faults: &[Fault] = &[
            fault(
                concat!($prefix, "-moved-to-loopback"),
                concat!($what, " redirects to a port of this machine"),
                FOLLOW_NONE,
                "CVE-2026-102267",
                Answer($at, moved_to_loopback),
            ),
            fault(
                concat!($prefix, "-moved-in-a-circle"),
                concat!($what, " redirects to itself"),
                FOLLOW_NONE,
                "CVE-2026-102267",
                Answer($at, moved_in_a_circle),
            ),
            fault(
                concat!($prefix, "-dripping"),
                concat!($what, " comes octet by octet and does not end"),
                IN_TIME,
                "RFC 9110 9.5",
                Answer($at, streams::dripping),
            ),
            fault(
                concat!($prefix, "-endless"),
                concat!($what, " does not end"),
                BOUNDED,
                "CVE-2025-61920",
                Answer($at, streams::endless),
            ),
            fault(
                concat!($prefix, "-packed"),
                concat!(
                    $what,
                    " is fifty kilobytes of gzip that become eight megabytes"
                ),
                BOUNDED,
                "CVE-2024-28180",
                Answer($at, streams::bomb),
            ),
            fault(
                concat!($prefix, "-cut-off"),
                concat!(
                    $what,
                    " breaks off in the middle, and the connection with it"
                ),
                USE_NOTHING,
                "RFC 9112 8",
                Answer($at, streams::cut_off),
            ),
            fault(
                concat!($prefix, "-of-many-headers"),
                concat!($what, " comes with five thousand headers"),
                "read no more headers than a bound",
                "RFC 9110 5.4",
                Answer($at, streams::many_headers),
            ),
            fault(
                concat!($prefix, "-nothing"),
                concat!($what, " is nothing, with status 204"),
                USE_NOTHING,
                "RFC 9110 15.3.5",
                Answer($at, nothing),
            ),
            fault(
                concat!($prefix, "-busy-for-ever"),
                concat!(
                    $what,
                    " answers 503, come back in three hundred billion years"
                ),
                "come back by a measure of its own",
                "RFC 9110 10.2.3",
                Answer($at, busy_for_ever),
            ),
            fault(
                concat!($prefix, "-as-text"),
                concat!($what, " says that it is plain text"),
                "refuse it, or say that the type is another one",
                "RFC 8259 11",
                Head($at, as_text),
            ),
            fault(
                concat!($prefix, "-in-utf-16"),
                concat!($what, " is UTF-16"),
                "refuse it: JSON is UTF-8",
                "RFC 8259 8.1",
                Text($at, in_utf_16),
            ),
            fault(
                concat!($prefix, "-with-a-mark"),
                concat!($what, " begins with a byte order mark"),
                "refuse it, or pass over the mark",
                "RFC 8259 8.1",
                Text($at, |it| format!("\u{feff}{it}").into()),
            ),
            fault(
                concat!($prefix, "-with-a-tail"),
                concat!($what, " goes on behind its end"),
                ONE_READING,
                "RFC 8259 2",
                Text($at, |it| format!("{it}{it}").into()),
            ),
            fault(
                concat!($prefix, "-member-twice"),
                concat!($what, " has a member twice, with two values"),
                ONE_READING,
                "RFC 8259 4",
                Text($at, |it| appended(it, $again)),
            ),
            fault(
                concat!($prefix, "-with-nan"),
                concat!($what, " has a member that is NaN, and one that is Infinity"),
                "refuse it: JSON knows neither",
                "RFC 8259 6",
                Text($at, |it| appended(it, r#""x_a":NaN,"x_b":-Infinity"#)),
            ),
            fault(
                concat!($prefix, "-with-a-giant-number"),
                concat!($what, " has a member that is 1e999"),
                "refuse it, or ignore the member without an overflow",
                "RFC 8259 6",
                Text($at, |it| appended(it, r#""x_giant":1e999"#)),
            ),
        ];
    };
}

faults!(
    SMART_CONFIGURATION,
    SmartConfiguration,
    "smart-configuration",
    "the smart-configuration",
    r#""token_endpoint":"https://attacker.example/token""#
);
faults!(
    OPENID_CONFIGURATION,
    OpenidConfiguration,
    "openid-configuration",
    "the openid-configuration",
    r#""jwks_uri":"https://attacker.example/jwks""#
);
faults!(JWKS, Jwks, "jwks", "the key set", r#""keys":[]"#);
faults!(
    TOKEN,
    Code,
    "token",
    "the answer to a code",
    r#""access_token":"another-token""#
);
faults!(
    REFRESH,
    Refresh,
    "refresh",
    "the answer to a refresh",
    r#""access_token":"another-token""#
);
faults!(
    RESOURCE,
    Read,
    "resource",
    "the resource",
    r#""id":"somebody-else""#
);
faults!(
    USERINFO,
    UserInfo,
    "userinfo",
    "UserInfo",
    r#""sub":"somebody-else""#
);

const TOO_MUCH: &str = "read no more than a bound";
const NO_OVERFLOW: &str = "refuse it without a stack overflow";
const SOON: &str = "wait for a bounded time";

/// What the places do not have in common, but for where they differ.
pub(super) const REST: &[Fault] = &[
    fault(
        "openid-configuration-failing",
        "the openid-configuration answers 500",
        USE_NOTHING,
        "OpenID Connect Discovery 4.2",
        Answer(OpenidConfiguration, wrong::failing),
    ),
    fault(
        "openid-configuration-broken",
        "the openid-configuration is cut short",
        USE_NOTHING,
        "OpenID Connect Discovery 4.2",
        Answer(OpenidConfiguration, wrong::broken),
    ),
    fault(
        "openid-configuration-huge",
        "the openid-configuration has eight megabytes",
        TOO_MUCH,
        "CVE-2025-61920",
        Answer(OpenidConfiguration, wrong::huge),
    ),
    fault(
        "openid-configuration-deep",
        "the openid-configuration is nested five thousand deep",
        NO_OVERFLOW,
        "CVE-2025-53864",
        Answer(OpenidConfiguration, wrong::deep),
    ),
    fault(
        "openid-configuration-late",
        "the openid-configuration comes after ten seconds",
        SOON,
        "OpenID Connect Discovery 4.2",
        Late(OpenidConfiguration),
    ),
    fault(
        "refresh-page",
        "the answer to a refresh is a page",
        "keep the session until its access token ends, and try the token once more",
        "RFC 9700 4.14.2",
        Answer(Refresh, wrong::page),
    ),
    fault(
        "refresh-broken",
        "the answer to a refresh is cut short",
        "keep the session until its access token ends, and try the token once more",
        "RFC 9700 4.14.2",
        Answer(Refresh, wrong::broken),
    ),
    fault(
        "refresh-huge",
        "the answer to a refresh has eight megabytes",
        TOO_MUCH,
        "CVE-2025-61920",
        Answer(Refresh, wrong::huge),
    ),
    fault(
        "refresh-deep",
        "the answer to a refresh is nested five thousand deep",
        NO_OVERFLOW,
        "CVE-2025-53864",
        Answer(Refresh, wrong::deep),
    ),
    fault(
        "refresh-late",
        "the answer to a refresh comes after ten seconds",
        SOON,
        "RFC 9700 4.14.2",
        Late(Refresh),
    ),
    fault(
        "userinfo-failing",
        "UserInfo answers 500",
        USE_NOTHING,
        "OpenID Connect Core 5.3.3",
        Answer(UserInfo, wrong::failing),
    ),
    fault(
        "userinfo-broken",
        "UserInfo is cut short",
        USE_NOTHING,
        "OpenID Connect Core 5.3.2",
        Answer(UserInfo, wrong::broken),
    ),
    fault(
        "userinfo-huge",
        "UserInfo has eight megabytes",
        TOO_MUCH,
        "CVE-2025-61920",
        Answer(UserInfo, wrong::huge),
    ),
    fault(
        "userinfo-deep",
        "UserInfo is nested five thousand deep",
        NO_OVERFLOW,
        "CVE-2025-53864",
        Answer(UserInfo, wrong::deep),
    ),
    fault(
        "userinfo-late",
        "UserInfo comes after ten seconds",
        SOON,
        "OpenID Connect Core 5.3.2",
        Late(UserInfo),
    ),
];

pub(super) fn moved_to_loopback(_: &Moment<'_>) -> Response {
    // The port of discarded octets, where nobody listens.
    let location = "http://127.0.0.1:9/";
    wrong::redirect(StatusCode::FOUND, location)
}

fn moved_in_a_circle(_: &Moment<'_>) -> Response {
    // Relative: the same address with an empty query. The method stays what it is.
    wrong::redirect(StatusCode::PERMANENT_REDIRECT, "?")
}

fn nothing(_: &Moment<'_>) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

pub(super) fn busy_for_ever(_: &Moment<'_>) -> Response {
    let mut response = wrong::json(StatusCode::SERVICE_UNAVAILABLE, "{}");
    let seconds = HeaderValue::from_static("9999999999999999999");
    response.headers_mut().insert(RETRY_AFTER, seconds);
    response
}

fn as_text(head: &mut Parts) {
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    head.headers.insert(CONTENT_TYPE, text);
}

fn in_utf_16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// The same object with more members at its end.
fn appended(text: &str, members: &str) -> Vec<u8> {
    let object = text.trim_end().strip_suffix('}').unwrap_or(text);
    format!("{object},{members}}}").into()
}
