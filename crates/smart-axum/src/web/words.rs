//! What a sign-in that failed is called on its page, for every code that it can fail with.

use http::StatusCode;
use smart_oidc::jose::ErrorClass;

use super::advice::{Advice, TRY_AGAIN};

/// What the page of a sign-in says that failed with this code, and what the person can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorPage {
    /// The stable name of what went wrong, as a `FlowError` has it.
    pub code: &'static str,
    /// The title of the page.
    pub title: &'static str,
    /// What has happened.
    pub what: &'static str,
    /// What the person can do.
    pub advice: &'static str,
}

/// The pages of a sign-in that failed, for every code that a [`smart_oidc::flow::FlowError`] can have:
/// for whoever writes a manual, or pages of his own.
///
/// ```
/// let denied = smart_axum::web::error_pages().find(|it| it.code == "callback-denied");
/// assert_eq!(denied.map(|it| it.title), Some("Access was not given"));
/// ```
pub fn error_pages() -> impl Iterator<Item = ErrorPage> {
    let all = CODES.iter().flat_map(|(words, codes)| {
        let words = *words;
        codes.iter().map(move |code| (words, *code))
    });
    all.map(|(words, code)| {
        // Where it depends on what the server says, the usual one is shown here.
        let (title, what, advice) = words.say(ErrorClass::InvalidRequest);
        let advice = advice.text();
        ErrorPage {
            code,
            title,
            what,
            advice,
        }
    })
}

/// One page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// The person or the system said no.
    Denied,
    /// Nobody waits for it any more.
    Over,
    /// The address was opened by hand.
    NotFromRecord,
    /// The system is none that the app knows.
    NotRegistered,
    /// It did not come back as it was sent out.
    Astray,
    /// What the EHR sent to begin with is not right.
    OddLaunch,
    /// What is said of the person could not be verified.
    NotIdentified,
    /// The clocks of the two differ, or the person was too slow.
    Clocks,
    /// The sign-in at the EHR is too old or too weak for the app.
    TooWeak,
    /// The system did not say who it is.
    Nobody,
    /// The system has said no at the end; whose fault that is, its answer says.
    Refused,
    /// It is not said properly which patient is open.
    OddContext,
    /// The EHR is not reached or does not answer as it should.
    Elsewhere,
    /// The connection to the EHR is not one to be trusted.
    NotSecure,
    /// What the EHR says of itself does not lead to anybody who can be trusted.
    NotTrusted,
    /// The app's own store does not do its work.
    NotKept,
    /// The app is shutting down.
    Interrupted,
    /// The app is set up wrongly.
    Setup,
}

impl Words {
    /// The words for a code; for one that is not in the table, those of its class.
    pub(super) fn of(code: &str, class: ErrorClass) -> Self {
        let mut table = CODES.iter();
        let found = table.find(|(_, codes)| codes.contains(&code));
        found.map_or_else(|| Self::of_class(class), |it| it.0)
    }

    const fn of_class(class: ErrorClass) -> Self {
        match class {
            ErrorClass::InvalidToken => Self::NotIdentified,
            ErrorClass::InvalidRequest => Self::Astray,
            ErrorClass::Upstream => Self::Elsewhere,
            _ => Self::Setup,
        }
    }

    /// The title, what has happened, and what to do.
    pub(super) const fn say(self, class: ErrorClass) -> (&'static str, &'static str, Advice) {
        match self {
            Self::Denied => (
                "Access was not given",
                "The system that opened the app did not give it access. You may have said no, or you may not be \
                 allowed to use this app.",
                Advice::LaunchOrAsk,
            ),
            Self::Over => (
                "This sign-in is over",
                "It took longer than ten minutes, was finished already, or began in another browser. If your browser \
                 refuses cookies, it cannot finish it either.",
                Advice::LaunchOrAsk,
            ),
            Self::NotFromRecord => (
                "Open the app from a patient's record",
                "This address is the one by which the record opens the app. By itself it leads nowhere.",
                Advice::Launch,
            ),
            Self::NotRegistered => (
                "The app is not set up for this system",
                "The system that opened the app is not one of those that the app knows.",
                Advice::Ask,
            ),
            Self::Astray => (
                NOT_SIGNED_IN,
                "The sign-in did not come back as it was sent out.",
                Advice::LaunchOrAsk,
            ),
            Self::OddLaunch => (
                NOT_SIGNED_IN,
                "The system that opened the app did not do so as it should.",
                Advice::LaunchOrAsk,
            ),
            Self::NotIdentified => (
                NOT_IDENTIFIED,
                "What the system that opened the app says about you could not be verified, so the app did not \
                 sign you in.",
                Advice::LaunchOrAsk,
            ),
            Self::Clocks => (
                NOT_IDENTIFIED,
                "What the system that opened the app says about you is not valid at this time, so the app did not \
                 sign you in. Its clock and that of the app may differ.",
                Advice::LaunchOrAsk,
            ),
            Self::TooWeak => (
                "Sign in again at your system",
                "This app needs a sign-in that is more recent, or stronger, than the one you have now.",
                Advice::SignInAfresh,
            ),
            Self::Nobody => (
                "The app does not know who you are",
                "The system that opened the app did not say who you are.",
                Advice::LaunchOrAsk,
            ),
            Self::Refused => match class {
                ErrorClass::Upstream => Self::Elsewhere.say(class),
                ErrorClass::Configuration => Self::Setup.say(class),
                _ => (
                    NOT_SIGNED_IN,
                    "The system that opened the app did not let the app finish your sign-in. It may have taken too \
                     long, or its page was loaded twice.",
                    Advice::LaunchOrAsk,
                ),
            },
            Self::OddContext => (
                NOT_SIGNED_IN,
                "The system that opened the app did not say properly which patient is open, so nobody's record is \
                 shown.",
                Advice::LaunchOrAsk,
            ),
            Self::Elsewhere => (
                TRY_AGAIN,
                "The system that opened the app does not answer as it should at the moment.",
                Advice::LaunchLater,
            ),
            Self::NotSecure => (
                TRY_AGAIN,
                "The app could not make a connection that it can trust to the system that opened it.",
                Advice::LaunchLater,
            ),
            Self::NotTrusted => (
                TRY_AGAIN,
                "What the system that opened the app says about itself cannot be right, so the app sent nobody there.",
                Advice::LaunchLater,
            ),
            Self::NotKept => (
                TRY_AGAIN,
                "The app cannot keep your sign-in at the moment.",
                Advice::LaunchLater,
            ),
            Self::Interrupted => (
                TRY_AGAIN,
                "The app was interrupted before your sign-in was finished.",
                Advice::LaunchLater,
            ),
            Self::Setup => (
                "The app cannot go on",
                "The app is not set up as it should be.",
                Advice::Ask,
            ),
        }
    }

    /// The status, where it is not the one of the class.
    pub(super) const fn status(self) -> Option<StatusCode> {
        match self {
            Self::NotKept | Self::Interrupted => Some(StatusCode::SERVICE_UNAVAILABLE),
            _ => None,
        }
    }
}

const NOT_SIGNED_IN: &str = "You could not be signed in";
const NOT_IDENTIFIED: &str = "You could not be identified";

/// Every code that a sign-in can fail with. A test holds it against the code of the libraries, so that
/// one that is new has words of its own.
const CODES: [(Words, &[&str]); 18] = [
    (Words::Denied, &["callback-denied"]),
    (Words::Over, &["callback-expired", "launch-unknown"]),
    (
        Words::NotFromRecord,
        &["launch-request-duplicate", "launch-request-missing"],
    ),
    (Words::NotRegistered, &["launch-not-registered"]),
    (
        Words::Astray,
        &[
            "callback-duplicate",
            "callback-issuer",
            "callback-missing",
            "callback-state",
        ],
    ),
    (
        Words::OddLaunch,
        &["launch-handle-too-long", "launch-unknown-fhir-base"],
    ),
    (
        Words::NotIdentified,
        &[
            "alg-missing",
            "alg-not-accepted",
            "alg-unsupported",
            "claim-audience",
            "claim-audience-untrusted",
            "claim-date-range",
            "claim-issuer",
            "claim-missing",
            "claim-type",
            "claims-json",
            "header-b64",
            "header-crit",
            "header-json",
            "header-nested",
            "header-type",
            "header-zip",
            "id-token-at-hash",
            "id-token-azp",
            "id-token-c-hash",
            "id-token-changed",
            "id-token-nonce-mismatch",
            "id-token-nonce-unsolicited",
            "id-token-subject",
            "id-token-type",
            "jws-bad-signature",
            "jws-base64",
            "jws-empty-segment",
            "jws-encrypted",
            "jws-json-serialization",
            "jws-key-mismatch",
            "jws-segment-count",
            "jws-too-long",
            "key-ambiguous",
            "key-unfit",
            "key-unknown",
            "refresh-identity-changed",
        ],
    ),
    (
        Words::Clocks,
        &[
            "claim-expired",
            "claim-issued-in-future",
            "claim-issued-too-long-ago",
            "claim-not-yet-valid",
            "id-token-auth-time-in-future",
        ],
    ),
    (
        Words::TooWeak,
        &["id-token-acr", "id-token-auth-time-too-old"],
    ),
    (Words::Nobody, &["id-token-missing", "token-no-id-token"]),
    (Words::Refused, &["token-refused"]),
    (Words::OddContext, &["context-id", "context-type"]),
    (
        Words::Elsewhere,
        &[
            "discovery-interrupted",
            "document-encoding",
            "document-html",
            "document-json",
            "document-missing-member",
            "document-not-modified",
            "document-redirect",
            "document-status",
            "http-body-too-long",
            "http-connect",
            "http-exchange",
            "http-timeout",
            "jwks-bare-jwk",
            "jwks-certificate-map",
            "jwks-duplicate-member",
            "jwks-interrupted",
            "jwks-json",
            "jwks-no-keys",
            "jwks-no-usable-key",
            "jwks-too-long",
            "jwks-too-many",
            "json-byte-order-mark",
            "json-duplicate-member",
            "json-lone-surrogate",
            "json-not-an-object",
            "json-not-utf8",
            "json-number-range",
            "json-reserved-member",
            "json-structure",
            "json-syntax",
            "json-too-deep",
            "json-too-long",
            "json-trailing",
            "key-unknown-retry",
            "launch-no-authorization-endpoint",
            "refresh-undecided",
            "token-html",
            "token-json",
            "token-member",
            "token-status",
            "token-type",
        ],
    ),
    (Words::NotSecure, &["http-address", "http-tls"]),
    (
        Words::NotTrusted,
        &[
            "document-url",
            "issuer-changed",
            "issuer-mismatch",
            "issuer-not-pinned",
            "issuer-template",
            "url-fragment",
            "url-not-https",
            "url-query",
            "url-syntax",
            "url-user-info",
        ],
    ),
    (
        Words::NotKept,
        &[
            "session-busy",
            "session-in-doubt",
            "session-lost",
            "session-over",
            "session-patient-changed",
            "session-resting",
            "store-changed",
            "store-fenced",
            "store-full",
            "store-gone",
            "store-unavailable",
        ],
    ),
    (Words::Interrupted, &["session-interrupted"]),
    (
        Words::Setup,
        &[
            "client-algorithm-not-announced",
            "client-audience-not-vouched",
            "client-id-colon",
            "client-method-not-announced",
            "client-not-for-backend-services",
            "client-secret-empty",
            "client-wrong-signature",
            "http-request",
            "id-token-check-not-run",
            "id-token-other-launch",
            "launch-fhir-user-without-openid",
            "launch-no-scope",
            "launch-scope",
            "random-failed",
            "session-not-registered",
            "session-other-issuer",
            "sign-empty-payload",
            "sign-failed",
            "sign-header",
            "sign-signature-length",
            "store-exists",
            "store-too-long",
            "store-unreadable",
            "token-no-scope",
            "token-other-client",
            "token-scope",
            "token-scope-not-granted",
        ],
    ),
];
