//! A launch that has been finished: who signed in, for what, and with which tokens.

use core::fmt;
use core::time::Duration;

use smart_discovery::{FhirBaseUrl, Issuer};
use smart_jose::UnixTime;

use super::patient_change::PatientChange;
use super::tokens::{Need, Rest, Tokens};
use crate::fhir_user::{FhirUser, FhirUserError, FhirUserPolicy};
use crate::id_token::{Continuity, IdToken, UserKey};
use crate::launch_context::LaunchContext;
use crate::scope::Scopes;
use crate::telemetry;
use crate::token::{ExchangedLaunch, TokenResponse};
use crate::value::{AccessToken, ClientId, RawIdToken, RefreshToken};

/// A session lives so long at most, whatever is refreshed, unless set otherwise.
pub const SESSION_LIFE: Duration = Duration::from_secs(12 * 3600);

/// So long after its access token a session that cannot be refreshed is still known.
const FAREWELL: Duration = Duration::from_secs(300);

/// The end of a launch, and what an app works with all day: who signed in, what was granted, in
/// which context, and the access token.
///
/// Tokens stay on the server; the browser holds a [`super::SessionId`].
#[derive(Clone)]
pub struct LaunchSession {
    pub(crate) issuer: Issuer,
    pub(crate) fhir_base: FhirBaseUrl,
    pub(crate) client_id: ClientId,
    pub(crate) identity: Option<Identity>,
    pub(crate) scopes: Scopes,
    pub(crate) context: LaunchContext,
    pub(crate) tokens: Tokens,
    /// An answer to a refresh whose ID token could not be judged yet.
    pub(crate) unjudged: Option<Unjudged>,
    /// The patient before a refresh brought another one, until the app takes that one.
    pub(crate) patient_before: Option<String>,
    pub(crate) began_at: UnixTime,
    /// When its life was last extended because it was used; of interest where it may not lie idle.
    pub(crate) seen_at: UnixTime,
    pub(crate) ends_at: UnixTime,
}

/// Who signed in, from the ID token of the launch; a refresh cannot change it.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) continuity: Continuity,
    pub(crate) name: Option<String>,
    pub(crate) fhir_user: Option<String>,
    pub(crate) acr: Option<String>,
    pub(crate) auth_time: Option<UnixTime>,
}

/// Tokens of a refresh that nothing may be done with before their ID token was judged.
#[derive(Clone)]
pub(crate) struct Unjudged {
    pub(crate) id_token: RawIdToken,
    pub(crate) tokens: Tokens,
    pub(crate) scopes: Scopes,
    pub(crate) context: LaunchContext,
}

impl LaunchSession {
    /// Ends the launch: what it was is used up. `id_token` is the one that came with `tokens`,
    /// validated by [`crate::IdTokenVerifier::verify_launch`]; `None` only where none came, which
    /// is so where `openid` was not granted.
    ///
    /// # Errors
    ///
    /// [`UnverifiedIdToken`] where an ID token came that was not validated.
    pub fn new(
        launch: ExchangedLaunch,
        tokens: TokenResponse,
        id_token: Option<&IdToken>,
        now: UnixTime,
    ) -> Result<Self, UnverifiedIdToken> {
        if tokens.id_token.is_some() != id_token.is_some() {
            return Err(UnverifiedIdToken);
        }
        let context = launch.into_context();
        let session = Self {
            issuer: context.issuer,
            fhir_base: context.fhir_base,
            client_id: context.client_id,
            identity: id_token.map(Identity::of),
            scopes: tokens.scopes.clone(),
            context: tokens.context.clone(),
            tokens: Tokens::received(&tokens, now),
            unjudged: None,
            patient_before: None,
            began_at: now,
            seen_at: now,
            ends_at: now.saturating_add(SESSION_LIFE),
        };
        Ok(session)
    }

    /// The same session, that ends so long after its launch, whatever is refreshed.
    #[must_use]
    pub const fn with_life(mut self, life: Duration) -> Self {
        self.ends_at = self.began_at.saturating_add(life);
        self
    }

    /// The issuer of the launch.
    #[must_use]
    pub const fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The FHIR server that the access token opens.
    #[must_use]
    pub const fn fhir_base(&self) -> &FhirBaseUrl {
        &self.fhir_base
    }

    /// The app.
    #[must_use]
    pub const fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// Who signed in; `None` where no ID token came.
    #[must_use]
    pub fn user_key(&self) -> Option<UserKey> {
        self.identity.as_ref().map(|it| it.continuity.user_key())
    }

    /// `name` of the ID token.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.identity.as_ref()?.name.as_deref()
    }

    /// `acr` of the ID token.
    #[must_use]
    pub fn acr(&self) -> Option<&str> {
        self.identity.as_ref()?.acr.as_deref()
    }

    /// `auth_time` of the ID token.
    #[must_use]
    pub fn auth_time(&self) -> Option<UnixTime> {
        self.identity.as_ref()?.auth_time
    }

    /// The FHIR resource of the user; `None` where the ID token names none.
    ///
    /// # Errors
    ///
    /// [`FhirUserError`]. The identity stays valid.
    pub fn fhir_user(&self, policy: &FhirUserPolicy) -> Result<Option<FhirUser>, FhirUserError> {
        let claim = self
            .identity
            .as_ref()
            .and_then(|it| it.fhir_user.as_deref());
        claim.map(|it| FhirUser::parse_with(it, policy)).transpose()
    }

    /// What was granted.
    #[must_use]
    pub const fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// The context of the launch: the patient, the encounter and so on. It is another fact than
    /// who the user is.
    #[must_use]
    pub const fn context(&self) -> &LaunchContext {
        &self.context
    }

    /// The access token.
    #[must_use]
    pub const fn access_token(&self) -> &AccessToken {
        &self.tokens.access
    }

    /// When the access token ends, if the server said so.
    #[must_use]
    pub const fn access_ends_at(&self) -> Option<UnixTime> {
        self.tokens.ends_at
    }

    /// Whether there is a refresh token that can be used.
    #[must_use]
    pub const fn can_refresh(&self) -> bool {
        self.tokens.can_refresh()
    }

    /// Whether the refresh token was sent and no answer was read. The session then lives until its
    /// access token ends, unless one more request succeeds.
    #[must_use]
    pub const fn is_in_doubt(&self) -> bool {
        self.tokens.is_in_doubt()
    }

    /// When the session ends, whatever is refreshed.
    #[must_use]
    pub const fn ends_at(&self) -> UnixTime {
        self.ends_at
    }

    /// What is needed at this time. `rejected` says that the FHIR server refuses the access token.
    pub(crate) fn need(&self, now: UnixTime, rejected: bool) -> Need {
        if self.unjudged.is_none() {
            return self.tokens.need(now, rejected);
        }
        // The answer is there; its ID token is to be judged again.
        let serves = self.tokens.serves(now) && !rejected;
        self.tokens.when_rested(now, serves)
    }

    /// Takes in the answer to a refresh. Where an ID token came with it nothing of it is used
    /// before that was judged; the refresh token that was sent is used up in any case.
    pub(crate) fn receive(&mut self, response: TokenResponse, now: UnixTime) {
        for finding in &response.findings {
            telemetry::odd("refresh-response", finding.code);
        }
        let mut tokens = Tokens::received(&response, now);
        let before = self.tokens.refresh.take();
        self.tokens.refresh_is_over();
        tokens.refresh = tokens.refresh.or(before);
        tokens.rest = self.tokens.rest;
        let (scopes, context) = (response.scopes, response.context);
        match response.id_token {
            Some(id_token) if self.identity.is_some() => {
                self.unjudged = Some(Unjudged {
                    id_token,
                    tokens,
                    scopes,
                    context,
                });
            }
            // Without an identity there is nothing that an ID token could contradict.
            _ => self.take_over(tokens, scopes, context, now),
        }
    }

    /// Makes the answer that was judged the session's own.
    pub(crate) fn accept(&mut self, now: UnixTime) {
        if let Some(it) = self.unjudged.take() {
            self.take_over(it.tokens, it.scopes, it.context, now);
        }
    }

    fn take_over(
        &mut self,
        mut tokens: Tokens,
        scopes: Scopes,
        context: LaunchContext,
        now: UnixTime,
    ) {
        match tokens.serves(now) {
            true => tokens.rest = Rest::NONE,
            // One that has ended before it could be used must not cause a request after the other.
            false => tokens.rest(now, None),
        }
        self.tokens = tokens;
        self.scopes = scopes;
        let before = self.context.patient.clone();
        for finding in self.context.merge(context) {
            telemetry::odd("refresh-response", finding.code);
        }
        let before = self.patient_before.take().or(before);
        // A patient for whom there was none before is no other patient; and neither is the one
        // whom the app still shows, when he comes back.
        if before.is_some() && before != self.context.patient {
            self.patient_before = before;
        }
    }

    /// The change of patient that the app has not taken yet.
    pub(crate) fn patient_change(&self) -> Option<PatientChange> {
        self.change_from(self.patient_before.as_deref()?)
    }

    /// What is told to an app that shows this patient, where another one is in context.
    pub(crate) fn change_from(&self, shown: &str) -> Option<PatientChange> {
        let now = self.context.patient.as_deref();
        (now != Some(shown)).then(|| PatientChange {
            before: shown.to_owned(),
            now: now.map(str::to_owned),
        })
    }

    /// Every token of the session, refresh tokens first: those in use, and those of an answer that
    /// could not be judged yet.
    pub(crate) fn all_tokens(&self) -> (Vec<&RefreshToken>, Vec<&AccessToken>) {
        let all = [
            Some(&self.tokens),
            self.unjudged.as_ref().map(|it| &it.tokens),
        ];
        let all = all.into_iter().flatten();
        (
            all.clone().filter_map(|it| it.refresh.as_ref()).collect(),
            all.map(|it| &it.access).collect(),
        )
    }

    /// Whether nobody has refreshed the session since it was like that one, or begun to.
    pub(crate) fn is_of_same_refresh(&self, other: &Self) -> bool {
        let unjudged = |it: &Self| {
            it.unjudged
                .as_ref()
                .map(|it| it.id_token.expose_secret().to_owned())
        };
        self.tokens.has_mark_of(&other.tokens) && unjudged(self) == unjudged(other)
    }

    /// Takes note of a use. The clock of a node that is slow takes nothing back.
    pub(crate) fn is_used(&mut self, now: UnixTime) {
        self.seen_at = self.seen_at.max(now);
    }

    /// How long a store need keep it, where it may lie idle so long.
    pub(crate) fn life(&self, now: UnixTime, idle: Option<Duration>) -> Duration {
        // Whoever writes has a use of it in hand, so the time to lie idle begins anew.
        let ends_at = match idle {
            Some(idle) => self.ends_at.min(now.saturating_add(idle)),
            None => self.ends_at,
        };
        let left = |end: UnixTime| Duration::from_secs(end.as_secs().saturating_sub(now.as_secs()));
        match self.tokens.ends_at {
            // A session that cannot go on is over with its access token. It is kept a little longer,
            // so that whoever comes back hears so, and so that the answer to a last request that is
            // under way finds it.
            Some(end) if !self.tokens.can_refresh() && self.unjudged.is_none() => {
                left(end.max(now).saturating_add(FAREWELL).min(ends_at))
            }
            _ => left(ends_at),
        }
    }
}

/// An ID token came with the tokens and was not validated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ID token of the launch was not validated")]
#[expect(clippy::exhaustive_structs, reason = "there is nothing more to say")]
pub struct UnverifiedIdToken;

impl Identity {
    fn of(token: &IdToken) -> Self {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Self {
            continuity: token.continuity(),
            name: owned(token.name()),
            fhir_user: owned(token.fhir_user_claim()),
            acr: owned(token.acr()),
            auth_time: token.auth_time(),
        }
    }
}

impl fmt::Debug for LaunchSession {
    /// Shows neither a token nor who the user or the patient is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LaunchSession")
            .field("issuer", &self.issuer)
            .field("fhir_base", &self.fhir_base)
            .field("client_id", &self.client_id)
            .field("tokens", &self.tokens)
            .field("ends_at", &self.ends_at)
            .finish_non_exhaustive()
    }
}
