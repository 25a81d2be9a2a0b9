//! What has gone wrong, and what the person at the screen can do about it.

use core::fmt::Display;

use http::StatusCode;
use smart_oidc::flow::FlowError;
use smart_oidc::jose::{ErrorClass, UnixTime};
use smart_oidc::session::SessionError;

use super::advice::{Advice, TRY_AGAIN};
use super::csrf::CsrfError;
use super::words::Words;

/// Why a request is refused by the web part of the app itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebError {
    /// The cookies of a request are too long to be looked at.
    #[error("the cookies of the request are too long")]
    CookiesTooLong,
    /// The request would change something, and may be forged.
    #[error(transparent)]
    Csrf(#[from] CsrfError),
    /// The body is longer than what the route reads.
    #[error("the body of the request is too long")]
    BodyTooLong,
    /// The form is not one, or lacks a field.
    #[error("the form cannot be read")]
    Form,
    /// The session has no ID token, so nobody is known.
    #[error("the session has no ID token: the scope openid was not granted")]
    NoUser,
    /// There is no such page.
    #[error("there is no such page")]
    NotFound,
    /// The browser has no session of this launch.
    #[error("the browser has no session of this launch")]
    NotSignedIn,
    /// The app asked who is at the screen, and that was not granted. What else was granted is revoked.
    #[error("the scope openid was asked for and not granted")]
    OpenidNotGranted,
    /// The query is too long to be looked at.
    #[error("the query of the request is too long")]
    QueryTooLong,
    /// The browser has several sessions, and the request does not say which one it means.
    #[error("the browser has several sessions, and the request names none of them")]
    SeveralSessions,
    /// The request would change something, and neither its address nor a token says for which launch.
    #[error("the request would change something and does not name its launch")]
    TagMissing,
    /// The header that says which patient the page shows does not say it.
    #[error("the request does not say which patient its page shows")]
    UnclearPatient,
    /// The request names no launch where it should, or two different ones.
    #[error("the request does not name one launch")]
    UnclearTag,
}

impl WebError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BodyTooLong => "web-body-too-long",
            Self::CookiesTooLong => "web-cookies-too-long",
            Self::Csrf(error) => error.code(),
            Self::Form => "web-form",
            Self::NoUser => "web-no-user",
            Self::NotFound => "web-not-found",
            Self::NotSignedIn => "web-not-signed-in",
            Self::OpenidNotGranted => "web-openid-not-granted",
            Self::QueryTooLong => "web-query-too-long",
            Self::SeveralSessions => "web-several-sessions",
            Self::TagMissing => "web-tag-missing",
            Self::UnclearPatient => "web-unclear-patient",
            Self::UnclearTag => "web-unclear-tag",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::NotSignedIn => ErrorClass::InvalidToken,
            Self::NoUser => ErrorClass::Configuration,
            Self::Csrf(error) => error.class(),
            Self::BodyTooLong
            | Self::CookiesTooLong
            | Self::Form
            | Self::NotFound
            | Self::OpenidNotGranted
            | Self::QueryTooLong
            | Self::SeveralSessions
            | Self::TagMissing
            | Self::UnclearPatient
            | Self::UnclearTag => ErrorClass::InvalidRequest,
        }
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::BodyTooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::CookiesTooLong => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Csrf(_) => StatusCode::FORBIDDEN,
            Self::QueryTooLong => StatusCode::URI_TOO_LONG,
            Self::SeveralSessions => StatusCode::CONFLICT,
            _ => status(self.class()),
        }
    }
}

/// The status that fits whose fault it is.
const fn status(class: ErrorClass) -> StatusCode {
    match class {
        ErrorClass::InvalidToken => StatusCode::UNAUTHORIZED,
        ErrorClass::InvalidRequest => StatusCode::BAD_REQUEST,
        ErrorClass::Upstream => StatusCode::BAD_GATEWAY,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// These say how the person signed in, which is for no log of an app.
const ABOUT_THE_PERSON: [&str; 3] = [
    "id-token-acr",
    "id-token-auth-time-in-future",
    "id-token-auth-time-too-old",
];

/// In seconds, where nobody says more.
const USUAL_WAIT: u64 = 5;
/// In seconds: nobody is sent away for longer.
const LONGEST_WAIT: u64 = 900;

/// What has gone wrong, in words for the person and in words for the log.
pub(super) struct Problem {
    pub(super) code: &'static str,
    pub(super) class: ErrorClass,
    pub(super) status: StatusCode,
    pub(super) title: &'static str,
    pub(super) paragraphs: [&'static str; 2],
    pub(super) advice: Advice,
    /// For the log: both sides of what was compared, and nothing secret.
    pub(super) detail: String,
    pub(super) retry_after: Option<u64>,
}

impl Problem {
    fn new(
        (code, class): (&'static str, ErrorClass),
        detail: &impl Display,
        title: &'static str,
        (what, advice): (&'static str, Advice),
    ) -> Self {
        Self {
            code,
            class,
            status: status(class),
            title,
            paragraphs: [what, advice.text()],
            advice,
            detail: if ABOUT_THE_PERSON.contains(&code) {
                "what the ID token says is left out, since it is about the person".to_owned()
            } else {
                detail.to_string()
            },
            retry_after: None,
        }
    }

    fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// It is over in a while.
    fn with_retry_after(self, secs: u64) -> Self {
        Self {
            retry_after: Some(secs),
            ..self.with_status(StatusCode::SERVICE_UNAVAILABLE)
        }
    }

    pub(super) fn of_web(error: &WebError) -> Self {
        let (title, what, then) = match error {
            WebError::BodyTooLong => (
                "That was too much",
                "The page has sent more than this app reads at once, so nothing was changed.",
                Advice::GoBack,
            ),
            WebError::NotFound => (
                "There is no such page",
                "The address does not lead to a page of this app.",
                Advice::Launch,
            ),
            WebError::TagMissing => (
                "Nothing was changed",
                "The page that you came from did not say which of your open patients it is for.",
                Advice::GoBack,
            ),
            WebError::CookiesTooLong => (
                "Too many cookies",
                "Your browser has sent more cookies than this app reads.",
                Advice::LaunchAfresh,
            ),
            WebError::Csrf(_) | WebError::Form => (
                "Nothing was changed",
                "The page that you came from is out of date, or the request came from somewhere else.",
                Advice::GoBack,
            ),
            WebError::NoUser => (
                "The app does not know who you are",
                "The system that opened the app did not say who you are.",
                Advice::Ask,
            ),
            WebError::NotSignedIn => (
                "You are not signed in",
                "You have signed out here, or this page was opened in a browser that is not signed in.",
                Advice::Launch,
            ),
            WebError::OpenidNotGranted => (
                "Access was not given",
                "The system that opened the app did not tell it who you are, and without that it opens nothing. You \
                 may have unticked it when you were asked. The app keeps nothing of what else it was given.",
                Advice::LaunchOrAsk,
            ),
            WebError::QueryTooLong => (
                "The address is too long",
                "The address of this page is longer than this app reads.",
                Advice::LaunchOrAsk,
            ),
            WebError::SeveralSessions => (
                "Which patient?",
                "You have this app open more than once in this browser, and this page belongs to none of them.",
                Advice::Choose,
            ),
            WebError::UnclearPatient => (
                "The page does not say whose it is",
                "The app has not said which patient this page shows, so nothing was done.",
                Advice::Launch,
            ),
            WebError::UnclearTag => (
                "The address is not complete",
                "The address of this page does not say which of your open patients it is for.",
                Advice::Launch,
            ),
        };
        let kind = (error.code(), error.class());
        Self::new(kind, error, title, (what, then)).with_status(error.status())
    }

    pub(super) fn of_session(error: &SessionError, now: UnixTime) -> Self {
        let kind = (error.code(), error.class());
        if error.needs_launch() {
            let (title, what) = ending(error);
            // A credential is missing, whoever is to blame for that.
            return Self::new(kind, error, title, (what, Advice::LaunchOrAsk))
                .with_status(StatusCode::UNAUTHORIZED);
        }
        if error.class() == ErrorClass::Configuration {
            let said = ("The app is not set up as it should be.", Advice::Ask);
            return Self::new(kind, error, "The app cannot go on", said);
        }
        let said = (
            "The system that the app works with does not answer at the moment. You are still signed in.",
            Advice::Later,
        );
        let problem = Self::new(kind, error, TRY_AGAIN, said);
        problem.with_retry_after(match error {
            SessionError::Resting { until } => until
                .as_secs()
                .saturating_sub(now.as_secs())
                .clamp(1, LONGEST_WAIT),
            _ => USUAL_WAIT,
        })
    }

    pub(super) fn of_flow(error: &FlowError) -> Self {
        let kind = (error.code(), error.class());
        let words = match error {
            // It is the server's fault, whatever the browser brings.
            FlowError::Callback(error) if error.is_outage() => {
                let (title, what, then) = Words::Elsewhere.say(ErrorClass::Upstream);
                return Self::new(kind, error, title, (what, then))
                    .with_status(StatusCode::BAD_GATEWAY);
            }
            _ => Words::of(error.code(), error.class()),
        };
        let (title, what, then) = words.say(error.class());
        let problem = Self::new(kind, error, title, (what, then));
        match words.status() {
            Some(StatusCode::SERVICE_UNAVAILABLE) => problem.with_retry_after(USUAL_WAIT),
            Some(status) => problem.with_status(status),
            None => problem,
        }
    }
}

/// Why a session has ended, for the person whose it was.
const fn ending(error: &SessionError) -> (&'static str, &'static str) {
    let what = match error {
        // It is still there; it is the app that is set up in another way now.
        SessionError::Refresh(_) | SessionError::Store(_) => {
            return (
                "Open the app again",
                "The app was set up anew since you opened it, and cannot go on with what you opened before.",
            );
        }
        SessionError::InDoubt => {
            "The app has asked for longer access, and the answer was lost. It cannot know what it may do now, so the \
             session has ended."
        }
        SessionError::Identity(_) => {
            "The app could not make sure that it is still you who is signed in, so the session has ended."
        }
        SessionError::Over => {
            "The access that the app was given is over, and the app cannot prolong it."
        }
        _ => "Your session has ended, so that nobody else can go on with it.",
    };
    ("Your session has ended", what)
}

#[cfg(test)]
mod tests {
    use smart_oidc::CallbackError;
    use smart_oidc::id_token::IdTokenError;
    use smart_oidc::jose::Text;

    use super::*;

    #[test]
    fn how_a_person_signed_in_is_for_no_log() {
        let acr = IdTokenError::Acr {
            asked: Text::from("urn:strong"),
            found: Some(Text::from("urn:of-the-person")),
        };
        let problem = Problem::of_flow(&acr.into());
        assert_eq!(problem.code, "id-token-acr");
        assert!(!problem.detail.contains("urn:"), "{}", problem.detail);
        for code in ABOUT_THE_PERSON {
            let mut pages = crate::web::error_pages();
            assert!(pages.any(|it| it.code == code), "{code}");
        }
    }

    #[test]
    fn a_server_that_cannot_answer_now_has_not_refused_anybody() {
        for (error, status, title) in [
            ("access_denied", 400, "Access was not given"),
            ("server_error", 502, "Please try again in a moment"),
            (
                "temporarily_unavailable",
                502,
                "Please try again in a moment",
            ),
        ] {
            let denied = CallbackError::Denied {
                error: Text::from(error),
                description: None,
            };
            let problem = Problem::of_flow(&denied.into());
            assert_eq!(problem.code, "callback-denied");
            assert_eq!((problem.status.as_u16(), problem.title), (status, title));
        }
    }
}
