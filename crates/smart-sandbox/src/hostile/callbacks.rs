//! What goes back to the app's redirect URI.

use super::fault::Act::Callback;
use super::fault::Fault;
use super::moment::Moment;

const fn fault(
    name: &'static str,
    does: &'static str,
    client_must: &'static str,
    clause: &'static str,
    act: fn(&mut Vec<(String, String)>, &Moment<'_>),
) -> Fault {
    Fault {
        name,
        does,
        client_must,
        clause,
        act: Callback(act),
    }
}

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "callback-other-state",
        "the callback has the state of another launch",
        "find no launch, and redeem nothing",
        "RFC 6749 10.12",
        |it, _| put(it, "state", "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"),
    ),
    fault(
        "callback-without-state",
        "the callback has no state",
        "refuse the callback",
        "RFC 6749 4.1.2",
        |it, _| drop_name(it, "state"),
    ),
    fault(
        "callback-of-another-issuer",
        "the callback names another issuer",
        "refuse the callback, and send the code nowhere",
        "RFC 9207 2.4",
        |it, _| put(it, "iss", "https://attacker.example"),
    ),
    fault(
        "callback-without-issuer",
        "the callback names no issuer, although that was announced",
        "refuse the callback, and send the code nowhere",
        "RFC 9207 2.4",
        |it, _| drop_name(it, "iss"),
    ),
    fault(
        "callback-two-codes",
        "the callback has two codes",
        "refuse the callback: two readers would see two codes",
        "RFC 6749 3.1",
        |it, _| it.push(("code".to_owned(), "another-code".to_owned())),
    ),
    fault(
        "callback-without-code",
        "the callback has neither a code nor an error",
        "refuse the callback",
        "RFC 6749 4.1.2",
        |it, _| drop_name(it, "code"),
    ),
    fault(
        "callback-other-code",
        "the callback has a code that nobody issued",
        "say that the server refuses it",
        "RFC 6749 5.2",
        |it, _| put(it, "code", "a-code-that-nobody-issued"),
    ),
    fault(
        "callback-denied",
        "the callback is an error",
        "tell the user, and begin anew where the user wants it",
        "RFC 6749 4.1.2.1",
        |it, _| {
            drop_name(it, "code");
            put(it, "error", "access_denied");
        },
    ),
    fault(
        "callback-error-of-markup",
        "the callback is an error whose description is markup",
        "show none of it as markup, and go where no parameter says",
        "CWE-79",
        |it, _| {
            drop_name(it, "code");
            put(it, "error", "server_error");
            put(it, "error_description", "<script>alert(1)</script>");
            put(it, "error_uri", "javascript:alert(1)");
        },
    ),
    fault(
        "callback-two-states",
        "the callback has two states",
        "refuse the callback: two readers would see two launches",
        "RFC 6749 3.1",
        |it, _| it.push(("state".to_owned(), "another-state".to_owned())),
    ),
    fault(
        "callback-code-and-error",
        "the callback has a code and an error",
        "refuse the callback, or take it for the error",
        "RFC 6749 4.1.2.1",
        |it, _| put(it, "error", "access_denied"),
    ),
];

fn drop_name(pairs: &mut Vec<(String, String)>, name: &str) {
    pairs.retain(|(it, _)| it != name);
}

fn put(pairs: &mut Vec<(String, String)>, name: &str, value: &str) {
    drop_name(pairs, name);
    pairs.push((name.to_owned(), value.to_owned()));
}
