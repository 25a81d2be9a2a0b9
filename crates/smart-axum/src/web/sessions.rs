//! Which session a request means, and what is answered where that is not clear.

use core::fmt;
use std::sync::Arc;

use http::request::Parts;
use smart_oidc::jose::Secret;
use smart_oidc::profile::{FhirProfileSource, ProfileError, ProfileRequest};
use smart_oidc::session::{LaunchSession, SessionError, StoreKey};
use smart_oidc::{LaunchTag, SessionId, UserProfile};

use super::app::WebApp;
use super::cookies::Kind;
use super::csrf::{self, CsrfError, Sender};
use super::listing::has_ended;
use super::page::Choice;
use super::problem::{Problem, WebError};
use super::refusal::Refusal;

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
    /// A request that may change something needs the word of the browser that a page of the app sent
    /// it, or else the token in the header [`super::CSRF_HEADER`] or in its form
    /// ([`WebApp::may_have_token_in_form`]). A token that is there has to be that of the patient in
    /// context in any case. The handshake of a WebSocket may change something too.
    ///
    /// Where such a request names no launch, it is for the session that its token is of; without a token
    /// it is refused, even if the browser has one session only, as the page that sent it may be that of
    /// another one which has ended since.
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
        if csrf::is_safe(parts) {
            let (tag, id) = self.find(parts, path_tag, Intent::Read).await?;
            return self.open(parts, tag, id).await;
        }
        let forged = |error: CsrfError| self.refuse(parts, &error.into());
        let sender = csrf::sender(parts, self.url()).map_err(forged)?;
        let token = csrf::in_request(parts);
        // A form is a navigation, and what it says is for the patient whom its page shows: its token has
        // to be seen, in whatever shape it was sent. A script has other modes.
        if token.is_none() && (sender == Sender::Unknown || csrf::navigates(parts)) {
            return Err(forged(CsrfError::Missing));
        }
        let (tag, id) = self.find(parts, path_tag, Intent::Change(token)).await?;
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
        if token.is_none_or(str::is_empty) {
            return Err(forged(CsrfError::Missing));
        }
        let (tag, id) = self.find(parts, path_tag, Intent::Change(token)).await?;
        let session = self.open(parts, tag, id).await?;
        csrf::check(token, &session.csrf).map_err(forged)?;
        Ok(session)
    }

    /// The session that a request means, or `None` for a visitor: somebody without any, and on a route
    /// without a tag also somebody whose sessions have all ended. Their cookies stay, so that a page
    /// which is still open is not answered with the session of a later launch.
    ///
    /// # Errors
    ///
    /// As [`WebApp::session`].
    pub async fn session_or_visitor(
        &self,
        parts: &Parts,
        path_tag: Option<&str>,
    ) -> Result<Option<BrowserSession>, Refusal> {
        if !self.has_session(parts, path_tag) {
            return Ok(None);
        }
        if csrf::is_safe(parts) && matches!(self.named(parts, path_tag), Ok(None)) {
            let jar = self.jar(parts)?;
            let all = jar.all(Kind::Session);
            if let [(tag, id)] = all {
                let (tag, id) = (tag.clone(), SessionId::new(id.expose_secret().as_str()));
                let opened = self.opening(parts, &id).await?;
                if opened.as_ref().is_err_and(has_ended) {
                    return Ok(None);
                }
                return self.opened(parts, tag, id, opened).await.map(Some);
            }
            if self.have_ended(all).await {
                return Ok(None);
            }
        }
        self.session(parts, path_tag).await.map(Some)
    }

    /// Checks that a session which an outer part of the program has found for this request is the one
    /// that the request means.
    ///
    /// # Errors
    ///
    /// The answer for the browser, with [`WebError::UnclearTag`]: the request names another launch,
    /// whose name the outer part has not seen.
    pub fn check_found(
        &self,
        parts: &Parts,
        path_tag: Option<&str>,
        found: &BrowserSession,
    ) -> Result<(), Refusal> {
        let named = self.named(parts, path_tag);
        match named.map_err(|error| self.refuse(parts, &error))? {
            Some(tag) if tag != found.tag => Err(self.refuse(parts, &WebError::UnclearTag)),
            _ => Ok(()),
        }
    }

    /// Whether the token of a request may stand in its body, as the field [`super::CSRF_FIELD`] of a
    /// form. Whoever has the body then gives it to [`WebApp::keep_token_of_form`] before the session is
    /// asked for: browsers that do not say which site sent a form are served by its token only.
    #[must_use]
    pub fn may_have_token_in_form(&self, parts: &Parts) -> bool {
        csrf::may_be_in_form(parts)
    }

    /// Keeps the token of a form with its request, for [`WebApp::session`].
    pub fn keep_token_of_form(&self, parts: &mut Parts, body: &[u8]) {
        csrf::keep_of_form(parts, body);
    }

    /// Whether the browser has any session that this request could mean. Says nothing of whether it
    /// goes on.
    #[must_use]
    pub fn has_session(&self, parts: &Parts, path_tag: Option<&str>) -> bool {
        // More cookies than are read: it is refused with a page too.
        let Some(jar) = self.shared.cookies.read(&parts.headers) else {
            return true;
        };
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
                    let refused = self.no_session(parts, &session.tag, &session.id, &error);
                    return Err(refused.await);
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
        intent: Intent<'_>,
    ) -> Result<(LaunchTag, SessionId), Refusal> {
        self.query(parts)?;
        let jar = self.jar(parts)?;
        let named = self.named(parts, path_tag);
        let named = named.map_err(|error| self.refuse(parts, &error))?;
        let all = jar.all(Kind::Session);
        let named = match (named, intent) {
            (None, Intent::Change(Some(token))) => {
                let wrong = || self.refuse(parts, &CsrfError::Wrong.into());
                Some(csrf::tag_of(token).ok_or_else(wrong)?)
            }
            (named, _) => named,
        };
        let found = match (&named, all) {
            (Some(tag), _) => all.iter().find(|it| &it.0 == tag),
            (None, []) => None,
            (None, [only]) if intent == Intent::Read => Some(only),
            (None, [_]) => return Err(self.refuse(parts, &WebError::TagMissing)),
            (None, _) => return Err(self.choose(parts, &jar).await),
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
        let opened = self.opening(parts, &id).await?;
        self.opened(parts, tag, id, opened).await
    }

    /// The session for the patient whom the page shows, where it says so.
    async fn opening(
        &self,
        parts: &Parts,
        id: &SessionId,
    ) -> Result<Result<LaunchSession, SessionError>, Refusal> {
        let shown = self.shown(parts);
        let shown = shown.map_err(|error| self.refuse(parts, &error))?;
        Ok(match shown {
            Some(patient) => self.flow().session_showing(id, patient).await,
            None => self.flow().session(id).await,
        })
    }

    async fn opened(
        &self,
        parts: &Parts,
        tag: LaunchTag,
        id: SessionId,
        opened: Result<LaunchSession, SessionError>,
    ) -> Result<BrowserSession, Refusal> {
        match opened {
            Ok(launch) => Ok(BrowserSession {
                sign_out: csrf::token(&id, self.provider()),
                csrf: csrf::page_token(
                    &tag,
                    &id,
                    launch.context().patient.as_deref(),
                    self.provider(),
                ),
                root: self.root(&tag),
                tag,
                id,
                launch,
            }),
            Err(error) => Err(self.no_session(parts, &tag, &id, &error).await),
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
        self.opened(parts, tag, id, opened).await
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
    async fn no_session(
        &self,
        parts: &Parts,
        tag: &LaunchTag,
        id: &SessionId,
        error: &SessionError,
    ) -> Refusal {
        if let SessionError::PatientChanged(change) = error {
            return self.patient_has_changed(parts, tag, id, change).await;
        }
        let problem = Problem::of_session(error, self.now());
        if !error.needs_launch() {
            return self.refused(parts, &problem);
        }
        self.shared
            .profiles
            .forget(&StoreKey::of_session(id, self.provider()));
        // The cookie stays: without it a request that names no launch could be answered with the
        // session of another patient. Whoever wants it gone signs out of what there is.
        let sign_out = Choice::Link {
            href: self.url().path(&format!("/logout?tag={}", tag.as_str())),
            label: "Remove it from this browser".to_owned(),
        };
        self.refused_with(parts, &problem, vec![sign_out])
    }

    /// Where the pages of a session are.
    pub(super) fn root(&self, tag: &LaunchTag) -> String {
        self.url().path(&format!("/s/{}", tag.as_str()))
    }
}

/// What a request is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Intent<'r> {
    /// It only reads.
    Read,
    /// It may change something, and this is the token that it brought.
    Change(Option<&'r str>),
}
