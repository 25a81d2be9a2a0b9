//! When a refresh has brought another patient than the page was opened for: the person decides.

use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};
use smart_oidc::jose::Secret;
use smart_oidc::session::{PatientChange, SessionError};
use smart_oidc::{LaunchTag, SessionId};

use super::app::WebApp;
use super::cookies::Kind;
use super::csrf::{self, CSRF_FIELD};
use super::form::{TAG_FIELD, fields};
use super::page::{Choice, redirect};
use super::problem::{Problem, WebError};
use super::refusal::Refusal;

/// The field that says which change the person has seen.
const SEEN_FIELD: &str = "seen";
const LABEL: &[u8] = b"smart-axum patient change\0";

impl WebApp {
    /// The page that says so and offers the choice.
    pub(super) async fn patient_has_changed(
        &self,
        parts: &Parts,
        tag: &LaunchTag,
        id: &SessionId,
        change: &PatientChange,
    ) -> Refusal {
        let mut problem =
            Problem::of_session(&SessionError::PatientChanged(change.clone()), self.now());
        problem.title = "Another patient is open in the record";
        problem.status = StatusCode::CONFLICT;
        problem.paragraphs = [
            "This page was opened for one patient, and the record has turned to another one since. Nothing is shown \
             or saved here until you have decided.",
            "To stay with the patient of this page, close it and open the app again from that patient's record.",
        ];
        let token = csrf::token(id, self.provider());
        let [before, now_in_words] = self.told_apart(id, change).await;
        // Where no patient is in context there is nobody to go on with.
        let go_on = change.now().map(|now| Choice::Form {
            action: self.url().path("/patient"),
            fields: vec![
                (TAG_FIELD.to_owned(), tag.as_str().to_owned()),
                (CSRF_FIELD.to_owned(), token.expose_secret().clone()),
                (
                    SEEN_FIELD.to_owned(),
                    self.seen(id, change.before(), now).expose_secret().clone(),
                ),
            ],
            label: format!("Go on with the other patient ({now_in_words} instead of {before})"),
        });
        self.refused_with(parts, &problem, go_on.into_iter().collect())
    }

    /// Both patients, in the words of the app where it has some: nobody knows a patient by an id.
    async fn told_apart(&self, id: &SessionId, change: &PatientChange) -> [String; 2] {
        let (before, now) = (change.before(), change.now().unwrap_or_default());
        match self.flow().peek(id).await {
            Ok(peek) => {
                let before = self.in_words(&peek.session, before).await;
                [before, self.in_words(&peek.session, now).await]
            }
            Err(_) => [before, now].map(|it| format!("patient {it}")),
        }
    }

    /// `POST /patient`: the person goes on with the patient whom the page named.
    pub async fn accept_patient(&self, parts: &Parts, body: &[u8]) -> Response<Bytes> {
        match self.accepted(parts, body).await {
            Ok(response) => response,
            Err(refusal) => refusal.into_response(),
        }
    }

    async fn accepted(&self, parts: &Parts, body: &[u8]) -> Result<Response<Bytes>, Refusal> {
        let form = || self.refuse(parts, &WebError::Form);
        let fields = fields(parts, body).ok_or_else(form)?;
        let field = |name: &str| fields.get(name).map(String::as_str);
        let tag = field(TAG_FIELD)
            .and_then(LaunchTag::parse)
            .ok_or_else(form)?;
        let jar = self.jar(parts)?;
        let id = jar.find(Kind::Session, &tag);
        let id = id.ok_or_else(|| self.refuse(parts, &WebError::NotSignedIn))?;
        let id = SessionId::new(id.expose_secret().as_str());
        self.check_form(parts, &id, field(CSRF_FIELD))?;
        let flow = self.flow();
        let outcome = match flow.session(&id).await {
            Err(SessionError::PatientChanged(change)) => {
                let seen = field(SEEN_FIELD).unwrap_or_default();
                match change.now() {
                    Some(now) if self.seen(&id, change.before(), now).matches(seen) => {
                        flow.accept_patient(&id, now).await
                    }
                    // It is a third patient by now, or none, whom nobody has agreed to.
                    _ => return Err(self.patient_has_changed(parts, &tag, &id, &change).await),
                }
            }
            other => other,
        };
        match outcome {
            Ok(_) => Ok(self.own(redirect(&format!("{}/", self.root(&tag))))),
            Err(SessionError::PatientChanged(change)) => {
                Err(self.patient_has_changed(parts, &tag, &id, &change).await)
            }
            Err(error) => Err(self.refused(parts, &Problem::of_session(&error, self.now()))),
        }
    }

    /// Which change it is, without a patient's id in a field.
    fn seen(&self, id: &SessionId, before: &str, now: &str) -> Secret<String> {
        csrf::labelled(LABEL, id, &[before, now], self.provider())
    }
}
