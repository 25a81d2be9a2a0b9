//! Which session a request means, and what is answered where that is not clear.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use http::request::Parts;
use smart_oidc::jose::Secret;
use smart_oidc::profile::{FhirProfileSource, ProfileError, ProfileRequest};
use smart_oidc::session::{LaunchSession, SessionError, StoreKey};
use smart_oidc::{LaunchTag, SessionId, UserProfile};
use tokio::time;

use super::app::WebApp;
use super::cookies::{Jar, Kind};
use super::csrf::{self, CsrfError, Sender};
use super::page::Choice;
use super::problem::{Problem, WebError};
use super::refusal::Refusal;

/// All sessions of one browser are looked at within this time, for a list of them.
const TIME_TO_LIST: Duration = Duration::from_secs(3);

/// The session of one browser, for one launch: who is at the screen, for which patient, and the
/// access token.
///
/// `Debug` shows neither a person nor a secret.
#[derive(Clone)]
pub struct BrowserSession {
    pub(super) tag: LaunchTag,
    pub(super) id: SessionId,
    csrf: Secret<String>,
    sign_out: Secret<String>,
    root: String,
    launch: LaunchSession,
}

impl BrowserSession {
    /// What the launch has brought: the user, the patient, the scopes, the access token.
    #[must_use]
    pub const fn launch(&self) -> &LaunchSession {
        &self.launch
    }

    /// The name of the launch.
    #[must_use]
    pub const fn tag(&self) -> &LaunchTag {
        &self.tag
    }

    /// The id of the session, for the methods of [`smart_oidc::flow::LaunchFlow`]. Whoever has it is
    /// signed in, so it goes nowhere else.
    #[must_use]
    pub const fn id(&self) -> &SessionId {
        &self.id
    }

    /// The value of the hidden field [`super::CSRF_FIELD`] of every form that changes something. It is
    /// good while this patient is in context: a form of a page that shows another one is refused.
    #[must_use]
    pub fn csrf_token(&self) -> &str {
        self.csrf.expose_secret()
    }

    /// The value of the hidden field [`super::CSRF_FIELD`] of a form that is posted to `/logout`, beside
    /// a field `tag` with the name of the launch. It is good whichever patient is in context.
    #[must_use]
    pub fn sign_out_token(&self) -> &str {
        self.sign_out.expose_secret()
    }

    /// The address of a page of this session, for links and redirects: `path` is what stands behind
    /// `/s/{tag}/`.
    #[must_use]
    pub fn path(&self, path: &str) -> String {
        format!("{}/{}", self.root, path.trim_start_matches('/'))
    }
}

impl fmt::Debug for BrowserSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrowserSession")
            .field("tag", &self.tag)
            .field("launch", &self.launch)
            .finish_non_exhaustive()
    }
}

impl WebApp {
    /// The session that a request means. `path_tag` is the part of its path that names the launch,
    /// where the route has one.
    ///
    /// A method that may change something needs the word of the browser that a page of the app sent
    /// it, or else the token in the header [`super::CSRF_HEADER`]. A token that is there has to be that
    /// of the patient in context in any case.
    ///
    /// # Errors
    ///
    /// The answer for the browser: it has no such session, several, or none that can be had now;
    /// another patient has come; or the request may be forged.
    pub async fn session(
        &self,
        parts: &Parts,
        path_tag: Option<&str>,
    ) -> Result<BrowserSession, Refusal> {
        if csrf::is_safe(&parts.method) {
            let (tag, id) = self.find(parts, path_tag).await?;
            return self.open(parts, tag, id).await;
        }
        let forged = |error: CsrfError| self.refuse(parts, &error.into());
        let sender = csrf::sender(parts, self.url()).map_err(forged)?;
        let token = csrf::in_header(parts);
        if token.is_none() && sender == Sender::Unknown {
            return Err(forged(CsrfError::Missing));
        }
        let (tag, id) = self.find(parts, path_tag).await?;
        let session = self.open(parts, tag, id).await?;
        // A token is heeded where there is one: it says which patient the page shows.
        if token.is_some() {
            csrf::check(token, &session.csrf).map_err(forged)?;
        }
        Ok(session)
    }

    /// The session that a form means, which has to bring the token in whatever way.
    ///
    /// # Errors
    ///
    /// As [`WebApp::session`].
    pub async fn session_of_form(
        &self,
        parts: &Parts,
        path_tag: Option<&str>,
        token: Option<&str>,
    ) -> Result<BrowserSession, Refusal> {
        let forged = |error: CsrfError| self.refuse(parts, &error.into());
        csrf::sender(parts, self.url()).map_err(forged)?;
        let (tag, id) = self.find(parts, path_tag).await?;
        let session = self.open(parts, tag, id).await?;
        csrf::check(token, &session.csrf).map_err(forged)?;
        Ok(session)
    }

    /// Whether the browser has any session that this request could mean. Says nothing of whether it
    /// goes on.
    #[must_use]
    pub fn has_session(&self, parts: &Parts, path_tag: Option<&str>) -> bool {
        let jar = self.shared.cookies.read(&parts.headers).unwrap_or_default();
        match self.named(parts, path_tag) {
            Ok(Some(tag)) => jar.find(Kind::Session, &tag).is_some(),
            Ok(None) => !jar.all(Kind::Session).is_empty(),
            // It is refused with a page, and not treated as a visitor.
            Err(_) => true,
        }
    }

    /// Who is at the screen. It is read from the FHIR server at most every ten minutes for a session;
    /// where that does not give the card, the profile says why.
    ///
    /// # Errors
    ///
    /// The answer for the browser where the session has no ID token.
    pub async fn profile(
        &self,
        parts: &Parts,
        session: &BrowserSession,
    ) -> Result<Arc<UserProfile>, Refusal> {
        let flow = self.flow();
        let key = StoreKey::of_session(&session.id, self.provider());
        let now = flow.clock().monotonic();
        if let Some(profile) = self.shared.profiles.find(&key, now) {
            return Ok(profile);
        }
        let Some(request) = ProfileRequest::of_session(&session.launch) else {
            return Err(self.refuse(parts, &WebError::NoUser));
        };
        let source = FhirProfileSource::new(Arc::clone(flow.http()));
        let mut profile = UserProfile::load(&request, &source, self.now()).await;
        let is_due = profile.resource.as_ref().err();
        if is_due.is_some_and(ProfileError::refresh_is_due) {
            match self.after_rejection(session).await {
                Ok(launch) => {
                    if let Some(request) = ProfileRequest::of_session(&launch) {
                        profile = UserProfile::load(&request, &source, self.now()).await;
                    }
                }
                // The page is for a patient who is not the one in context any more.
                Err(error @ SessionError::PatientChanged(_)) => {
                    return Err(self.no_session(parts, &session.tag, &session.id, &error));
                }
                // Who is at the screen is known all the same; the profile says what is missing.
                Err(_) => {}
            }
        }
        let profile = Arc::new(profile);
        self.shared.profiles.keep(key, &profile, now);
        Ok(profile)
    }

    /// Checks a form of one of our own pages.
    pub(super) fn check_form(
        &self,
        parts: &Parts,
        id: &SessionId,
        token: Option<&str>,
    ) -> Result<(), Refusal> {
        let sent = csrf::sender(parts, self.url());
        let expected = csrf::token(id, self.provider());
        let checked = sent.and_then(|_| csrf::check(token, &expected));
        checked.map_err(|error| self.refuse(parts, &error.into()))
    }

    /// The launch that a request names, in its path or where the app said it may stand.
    fn named(&self, parts: &Parts, path_tag: Option<&str>) -> Result<Option<LaunchTag>, WebError> {
        let settings = &self.shared.settings;
        let mut named: Vec<String> = path_tag.map(str::to_owned).into_iter().collect();
        if let Some(header) = &settings.tag_header {
            let values = parts.headers.get_all(header).iter();
            named.extend(values.map(|it| it.to_str().unwrap_or_default().to_owned()));
        }
        if let Some(parameter) = &settings.tag_query {
            let query = parts.uri.query().unwrap_or_default();
            let pairs = form_urlencoded::parse(query.as_bytes());
            named.extend(
                pairs
                    .filter(|it| it.0 == *parameter)
                    .map(|it| it.1.into_owned()),
            );
        }
        let mut tags = named.iter().map(|it| LaunchTag::parse(it));
        let Some(first) = tags.next() else {
            return Ok(None);
        };
        let tag = first.ok_or(WebError::UnclearTag)?;
        // Where two places name two launches, neither is taken.
        match tags.all(|it| it.as_ref() == Some(&tag)) {
            true => Ok(Some(tag)),
            false => Err(WebError::UnclearTag),
        }
    }

    async fn find(
        &self,
        parts: &Parts,
        path_tag: Option<&str>,
    ) -> Result<(LaunchTag, SessionId), Refusal> {
        self.query(parts)?;
        let jar = self.jar(parts)?;
        let named = self.named(parts, path_tag);
        let named = named.map_err(|error| self.refuse(parts, &error))?;
        let all = jar.all(Kind::Session);
        let found = match (&named, all) {
            (Some(tag), _) => all.iter().find(|it| &it.0 == tag),
            (None, [only]) => Some(only),
            (None, [_, _, ..]) => return Err(self.choose(parts, &jar).await),
            (None, []) => None,
        };
        let (tag, id) = found.ok_or_else(|| self.refuse(parts, &WebError::NotSignedIn))?;
        Ok((tag.clone(), SessionId::new(id.expose_secret().as_str())))
    }

    async fn open(
        &self,
        parts: &Parts,
        tag: LaunchTag,
        id: SessionId,
    ) -> Result<BrowserSession, Refusal> {
        let shown = self.shown(parts);
        let shown = shown.map_err(|error| self.refuse(parts, &error))?;
        let opened = match shown {
            Some(patient) => self.flow().session_showing(&id, patient).await,
            None => self.flow().session(&id).await,
        };
        self.opened(parts, tag, id, opened)
    }

    fn opened(
        &self,
        parts: &Parts,
        tag: LaunchTag,
        id: SessionId,
        opened: Result<LaunchSession, SessionError>,
    ) -> Result<BrowserSession, Refusal> {
        match opened {
            Ok(launch) => Ok(BrowserSession {
                sign_out: csrf::token(&id, self.provider()),
                csrf: csrf::page_token(&id, launch.context().patient.as_deref(), self.provider()),
                root: self.root(&tag),
                tag,
                id,
                launch,
            }),
            Err(error) => Err(self.no_session(parts, &tag, &id, &error)),
        }
    }

    /// The patient whom the page of a request shows, where the app said that it tells.
    fn shown<'p>(&self, parts: &'p Parts) -> Result<Option<&'p str>, WebError> {
        let Some(header) = &self.shared.settings.patient_header else {
            return Ok(None);
        };
        let mut values = parts.headers.get_all(header).iter();
        let Some(value) = values.next() else {
            return Ok(None);
        };
        // An empty one would say that nobody is shown, which is no id.
        let shown = value.to_str().ok().filter(|it| !it.is_empty());
        match (shown, values.next()) {
            (Some(shown), None) => Ok(Some(shown)),
            _ => Err(WebError::UnclearPatient),
        }
    }

    /// The session after its FHIR server has refused its access token with status 401: with another
    /// token, for the same patient. Call it once for a request; a token that has only just come is not
    /// refreshed ([`SessionError::Resting`]).
    ///
    /// # Errors
    ///
    /// The answer for the browser, as for [`WebApp::session`].
    pub async fn session_after_rejection(
        &self,
        parts: &Parts,
        session: &BrowserSession,
    ) -> Result<BrowserSession, Refusal> {
        let opened = self.after_rejection(session).await;
        let (tag, id) = (session.tag.clone(), session.id.clone());
        self.opened(parts, tag, id, opened)
    }

    async fn after_rejection(
        &self,
        session: &BrowserSession,
    ) -> Result<LaunchSession, SessionError> {
        let (flow, id, rejected) = (self.flow(), &session.id, session.launch.access_token());
        match session.launch.context().patient.as_deref() {
            Some(shown) => {
                flow.session_showing_after_rejection(id, shown, rejected)
                    .await
            }
            None => flow.session_after_rejection(id, rejected).await,
        }
    }

    /// What is answered where there is no session to work with.
    fn no_session(
        &self,
        parts: &Parts,
        tag: &LaunchTag,
        id: &SessionId,
        error: &SessionError,
    ) -> Refusal {
        match error {
            SessionError::PatientChanged(change) => {
                self.patient_has_changed(parts, tag, id, change)
            }
            // The cookie stays: without it a request that names no launch could be answered with
            // the session of another patient. It ends with the longest life of a session.
            _ => self.refused(parts, &Problem::of_session(error, self.now())),
        }
    }

    /// A page with all sessions of the browser.
    async fn choose(&self, parts: &Parts, jar: &Jar) -> Refusal {
        let listed = self.listed(jar.all(Kind::Session)).await;
        let choices = listed.into_iter().map(|(tag, label)| Choice::Link {
            href: format!("{}/", self.root(&tag)),
            label,
        });
        let problem = Problem::of_web(&WebError::SeveralSessions);
        self.refused_with(parts, &problem, choices.collect())
    }

    /// Sessions in words for the person whose they are.
    pub(super) async fn listed(
        &self,
        sessions: &[(LaunchTag, Secret<String>)],
    ) -> Vec<(LaunchTag, String)> {
        let mut listed = Vec::with_capacity(sessions.len());
        let listing = async {
            for (tag, id) in sessions {
                let id = SessionId::new(id.expose_secret().as_str());
                let label = match self.flow().session(&id).await {
                    Ok(session) => described(&session),
                    Err(error) if error.needs_launch() => "A session that has ended".to_owned(),
                    Err(_) => UNKNOWN.to_owned(),
                };
                listed.push((tag.clone(), label));
            }
        };
        // What could not be had in time is listed without words.
        let _ = time::timeout(TIME_TO_LIST, listing).await;
        for (tag, _) in sessions.iter().skip(listed.len()) {
            listed.push((tag.clone(), UNKNOWN.to_owned()));
        }
        listed
    }

    /// Where the pages of a session are.
    pub(super) fn root(&self, tag: &LaunchTag) -> String {
        self.url().path(&format!("/s/{}", tag.as_str()))
    }
}

const UNKNOWN: &str = "A session that cannot be shown now";

fn described(session: &LaunchSession) -> String {
    let who = session.name().unwrap_or("Signed in");
    let base = session.fhir_base().as_str();
    let (_, rest) = base.split_once("://").unwrap_or(("", base));
    let host = rest.split('/').next().unwrap_or_default();
    match session.context().patient.as_deref() {
        Some(patient) => format!("{who}, patient {patient}, at {host}"),
        None => format!("{who}, no patient, at {host}"),
    }
}
