//! The sessions of one browser, in words for the person whose they are.

use core::time::Duration;

use http::request::Parts;
use smart_oidc::jose::Secret;
use smart_oidc::session::{LaunchSession, Peek, SessionError};
use smart_oidc::{LaunchTag, SessionId};
use tokio::time;

use super::app::{WebApp, wants_json};
use super::cookies::{Jar, Kind};
use super::page::Choice;
use super::problem::{Problem, WebError};
use super::refusal::Refusal;

/// All sessions of one browser are looked at within this time, for a list of them.
const TIME_TO_LIST: Duration = Duration::from_secs(3);
/// And the app finds its words within this.
const TIME_TO_WORD: Duration = Duration::from_secs(2);
/// Words are cut to so many characters.
const MAX_WORDS: usize = 200;

const UNKNOWN: &str = "A session that cannot be shown now";

impl WebApp {
    /// A page with all sessions of the browser. A script can choose none of them.
    pub(super) async fn choose(&self, parts: &Parts, jar: &Jar) -> Refusal {
        let listed = match wants_json(&parts.headers) {
            true => Vec::new(),
            false => self.listed(jar.all(Kind::Session)).await,
        };
        let choices = listed.into_iter().map(|(tag, label)| Choice::Link {
            href: format!("{}/", self.root(&tag)),
            label,
        });
        let problem = Problem::of_web(&WebError::SeveralSessions);
        self.refused_with(parts, &problem, choices.collect())
    }

    /// Sessions in words for the person whose they are. To be listed is no use of a session.
    pub(super) async fn listed(
        &self,
        sessions: &[(LaunchTag, Secret<String>)],
    ) -> Vec<(LaunchTag, String)> {
        let looks = self.looked_at(sessions).await;
        let mut listed: Vec<(LaunchTag, String)> = sessions
            .iter()
            .enumerate()
            .map(|(at, (tag, _))| (tag.clone(), label(looks.get(at), None)))
            .collect();
        let wording = async {
            for ((_, words), look) in listed.iter_mut().zip(&looks) {
                if let Ok(peek) = look
                    && let Some(patient) = shown(peek)
                {
                    let patient = self.in_words(&peek.session, patient).await;
                    *words = label(Some(look), Some(&patient));
                }
            }
        };
        // What could not be had in time goes without the app's words.
        let _ = time::timeout(TIME_TO_LIST, wording).await;
        listed
    }

    /// Looks at as many as can be had in time.
    async fn looked_at(
        &self,
        sessions: &[(LaunchTag, Secret<String>)],
    ) -> Vec<Result<Peek, SessionError>> {
        let mut looks = Vec::with_capacity(sessions.len());
        let looking = async {
            for (_, id) in sessions {
                let id = SessionId::new(id.expose_secret().as_str());
                looks.push(self.flow().peek(&id).await);
            }
        };
        let _ = time::timeout(TIME_TO_LIST, looking).await;
        looks
    }

    /// Whether it is sure that none of these goes on.
    pub(super) async fn have_ended(&self, sessions: &[(LaunchTag, Secret<String>)]) -> bool {
        let looks = self.looked_at(sessions).await;
        looks.len() == sessions.len() && looks.iter().all(|it| it.as_ref().is_err_and(has_ended))
    }

    /// A patient in the words of the app, or else by the id.
    pub(super) async fn in_words(&self, session: &LaunchSession, patient: &str) -> String {
        let by_id = || format!("patient {patient}");
        let Some(wording) = &self.shared.settings.wording else {
            return by_id();
        };
        let words = time::timeout(TIME_TO_WORD, wording.patient(session, patient)).await;
        let words = words.ok().flatten().unwrap_or_default();
        let words = plain(&words);
        if words.is_empty() { by_id() } else { words }
    }
}

/// Whether a session is over for good, whatever is set up anew.
pub(super) const fn has_ended(error: &SessionError) -> bool {
    matches!(error, SessionError::Lost | SessionError::Over)
}

/// Text from outside beside other text: without what turns the direction of its neighbours, and apart
/// from them where its own may be another.
fn plain(text: &str) -> String {
    let turns = |it: char| matches!(it, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let kept = text.chars().filter(|it| !it.is_control() && !turns(*it));
    let kept: String = kept.collect();
    let kept: String = kept.trim().chars().take(MAX_WORDS).collect();
    if kept.is_ascii() {
        return kept;
    }
    format!("\u{2068}{kept}\u{2069}")
}

/// The patient whom the pages of a session show.
fn shown(peek: &Peek) -> Option<&str> {
    match &peek.patient_change {
        Some(change) => Some(change.before()),
        None => peek.session.context().patient.as_deref(),
    }
}

fn label(look: Option<&Result<Peek, SessionError>>, words: Option<&str>) -> String {
    let peek = match look {
        Some(Ok(peek)) => peek,
        Some(Err(error)) if has_ended(error) => return "A session that has ended".to_owned(),
        Some(Err(error)) if error.needs_launch() => {
            return "A session that cannot go on".to_owned();
        }
        Some(Err(_)) | None => return UNKNOWN.to_owned(),
    };
    let session = &peek.session;
    let who = plain(session.name().unwrap_or("Signed in"));
    let base = session.fhir_base().as_str();
    let (_, rest) = base.split_once("://").unwrap_or(("", base));
    let host = rest.split('/').next().unwrap_or_default();
    let patient = match (words, shown(peek)) {
        (Some(words), _) => words.to_owned(),
        (None, Some(patient)) => format!("patient {patient}"),
        (None, None) => "no patient".to_owned(),
    };
    let more = match &peek.patient_change {
        Some(_) => "; another patient is open in the record",
        None => "",
    };
    format!("{who}, {patient}, at {host}{more}")
}
