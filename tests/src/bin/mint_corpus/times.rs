//! Dates: the second at which a verdict changes, and numbers that are no dates.

use serde_json::json;

use crate::{Minter, NOW, accept, and, choice, reject, spelled, with};

const HEADER: &[u8] = br#"{"alg":"RS256","kid":"rsa"}"#;

pub(crate) fn mint(m: &mut Minter) {
    m.group = "exp";
    for (id, why, exp) in [
        ("before", "in time, without leeway", "1700000001"),
        ("now", "within the leeway", "1700000000"),
        ("in-leeway", "the last second of the leeway", "1699999941"),
        (
            "in-leeway-fraction",
            "the last part of the leeway",
            "1699999940.5",
        ),
        ("fraction", "a date may have a fraction", "1700000300.75"),
        ("point-zero", "a fraction of nothing", "1700000300.0"),
        ("exponent", "another spelling of the number", "1.7000003e9"),
        (
            "exponent-upper",
            "another spelling of the number",
            "17000003E+2",
        ),
        (
            "negative-exponent",
            "another spelling of the number",
            "170000030000e-2",
        ),
        (
            "year-9999",
            "the last second of the year 9999",
            "253402300799",
        ),
    ] {
        m.texts(id, why, HEADER, spelled("exp", exp).as_bytes(), accept());
    }
    for (id, why, exp) in [
        (
            "at-leeway",
            "the first second beyond the leeway",
            "1699999940",
        ),
        ("beyond-leeway", "beyond the leeway", "1699999939"),
        (
            "fraction-before",
            "beyond the leeway by a part of a second",
            "1699999939.999",
        ),
        ("day-ago", "a day ago", "1699913600"),
        ("zero", "1970", "0"),
        ("negative-zero", "1970", "-0"),
        ("one", "1970", "1"),
        ("tiny", "1970", "1e-300"),
        ("negative", "before 1970", "-1"),
        ("negative-huge", "before all time", "-1e300"),
        ("year-10000", "beyond the year 9999", "253402300800"),
        ("milliseconds", "milliseconds", "1700000300000"),
        ("nanoseconds", "nanoseconds", "1700000300000000000"),
        ("huge", "no date", "1e300"),
        ("largest", "no date", "1.7976931348623157e308"),
        ("2-53", "beyond what a double counts", "9007199254740993"),
        ("i64", "the largest of 64 bits", "9223372036854775807"),
        ("i64-overflow", "one more", "9223372036854775808"),
        ("u64", "the largest of 64 bits", "18446744073709551615"),
        ("u64-overflow", "one more", "18446744073709551616"),
    ] {
        m.texts(
            id,
            why,
            HEADER,
            spelled("exp", exp).as_bytes(),
            reject("expired"),
        );
    }
    for (id, exp) in [
        ("text", json!("1700000300")),
        ("text-iso", json!("2023-11-14T22:18:20Z")),
        ("array", json!([NOW + 300])),
    ] {
        m.claims(id, "no number", &with("exp", exp), reject("expired claims"));
    }
    let later = |seconds: i64, verdict| and(verdict, json!({"now": NOW + 300 + seconds}));
    for (id, seconds, verdict) in [
        ("clock-at", 0, accept()),
        ("clock-59", 59, accept()),
        ("clock-60", 60, reject("expired")),
        ("clock-3600", 3600, reject("expired")),
    ] {
        m.claims(
            id,
            "the same token later",
            &crate::claims(),
            later(seconds, verdict),
        );
    }

    m.group = "nbf";
    for (id, why, nbf) in [
        ("now", "from now on", "1700000000"),
        ("past", "long since", "1600000000"),
        ("zero", "since 1970", "0"),
        ("in-leeway", "within the leeway", "1700000059"),
        ("at-leeway", "the last second of the leeway", "1700000060"),
        ("exponent", "another spelling of the number", "1.7e9"),
    ] {
        m.texts(id, why, HEADER, spelled("nbf", nbf).as_bytes(), accept());
    }
    for (id, why, nbf) in [
        (
            "beyond-leeway",
            "the first second beyond the leeway",
            "1700000061",
        ),
        (
            "fraction",
            "beyond the leeway by a part of a second",
            "1700000060.001",
        ),
        ("tomorrow", "tomorrow", "1700086400"),
        ("milliseconds", "milliseconds", "1700000000000"),
        ("huge", "no date", "1e300"),
        ("u64-overflow", "no date", "18446744073709551616"),
    ] {
        m.texts(
            id,
            why,
            HEADER,
            spelled("nbf", nbf).as_bytes(),
            reject("not_yet_valid"),
        );
    }
    m.claims(
        "negative",
        "before 1970",
        &with("nbf", -1),
        choice(reject("not_yet_valid")),
    );

    m.group = "iat";
    for (id, why, iat) in [
        ("now", "now", "1700000000"),
        ("in-leeway", "within the leeway", "1700000059"),
        ("at-leeway", "the last second of the leeway", "1700000060"),
        ("fraction", "a date may have a fraction", "1699999999.25"),
        ("exponent", "another spelling of the number", "1.7e9"),
        ("old", "ten years ago; no age is asked for", "1400000000"),
        ("zero", "1970; no age is asked for", "0"),
    ] {
        m.texts(id, why, HEADER, spelled("iat", iat).as_bytes(), accept());
    }
    for (id, why, iat) in [
        (
            "beyond-leeway",
            "the first second beyond the leeway",
            "1700000061",
        ),
        (
            "fraction-beyond",
            "beyond the leeway by a part of a second",
            "1700000060.5",
        ),
        ("tomorrow", "tomorrow", "1700086400"),
        ("milliseconds", "milliseconds", "1700000000000"),
        ("year-10000", "beyond the year 9999", "253402300800"),
        ("huge", "no date", "1e300"),
        ("u64-overflow", "no date", "18446744073709551616"),
    ] {
        m.texts(
            id,
            why,
            HEADER,
            spelled("iat", iat).as_bytes(),
            reject("iat"),
        );
    }
    m.claims(
        "text",
        "no number",
        &with("iat", "1699999990"),
        reject("iat claims"),
    );
    m.claims(
        "negative",
        "before 1970",
        &with("iat", -1),
        choice(reject("iat")),
    );

    m.group = "auth-time";
    let asked = |max_age: u64, verdict| and(verdict, json!({"max_age": max_age}));
    for (id, why, max_age, auth_time) in [
        ("fresh", "just now", 600, json!(NOW)),
        ("at-age", "as old as is allowed", 600, json!(NOW - 600)),
        (
            "at-leeway",
            "as old as is allowed, and the leeway",
            600,
            json!(NOW - 660),
        ),
        (
            "fraction",
            "a date may have a fraction",
            600,
            json!(1_699_999_999.5),
        ),
        (
            "future-in-leeway",
            "the clocks differ",
            600,
            json!(NOW + 60),
        ),
        ("zero-age", "as fresh as can be", 0, json!(NOW)),
        (
            "zero-age-leeway",
            "as fresh as can be, and the leeway",
            0,
            json!(NOW - 60),
        ),
    ] {
        m.claims(
            id,
            why,
            &with("auth_time", auth_time),
            asked(max_age, accept()),
        );
    }
    for (id, why, max_age, auth_time) in [
        (
            "too-old",
            "a second older than the leeway",
            600,
            json!(NOW - 661),
        ),
        (
            "too-old-fraction",
            "a part of a second older",
            600,
            json!(1_699_999_339.5),
        ),
        (
            "zero-age-too-old",
            "a second older than the leeway",
            0,
            json!(NOW - 61),
        ),
        ("day-old", "a day", 600, json!(NOW - 86_400)),
        ("zero", "1970", 600, json!(0)),
        ("future", "a second beyond the leeway", 600, json!(NOW + 61)),
        ("milliseconds", "milliseconds", 600, json!(NOW * 1000)),
        ("negative", "before 1970", 600, json!(-1)),
        ("huge", "no date", 600, json!(1e300)),
        ("text", "no number", 600, json!("1700000000")),
        ("null", "null where the claim is needed", 600, json!(null)),
        ("array", "no number", 600, json!([NOW])),
        ("true", "no number", 600, json!(true)),
    ] {
        m.claims(
            id,
            why,
            &with("auth_time", auth_time),
            asked(max_age, reject("auth_time claims")),
        );
    }
    m.claims(
        "missing",
        "asked for and not there",
        &crate::claims(),
        asked(600, reject("auth_time claims")),
    );
    m.claims(
        "not-asked",
        "old, and nobody asked",
        &with("auth_time", 0),
        accept(),
    );
    m.claims(
        "future-not-asked",
        "in the future, and nobody asked",
        &with("auth_time", NOW + 61),
        choice(reject("auth_time")),
    );
}
