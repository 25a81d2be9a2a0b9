//! Signing out.

use bytes::Bytes;
use http::header::SET_COOKIE;
use http::request::Parts;
use http::{Response, StatusCode};
use smart_oidc::session::StoreKey;
use smart_oidc::{LaunchTag, SessionId};

use super::app::WebApp;
use super::cookies::Kind;
use super::csrf::{self, CSRF_FIELD};
use super::form::{TAG_FIELD, fields};
use super::page::Choice;
use super::problem::WebError;
use super::reference;
use super::refusal::Refusal;

/// What came of ending a session.
struct Ended {
    /// Whether it is sure that it has.
    is_ended: bool,
    /// Under which the log has what is left.
    reference: String,
}

impl WebApp {
    /// `GET /logout`: the page with a button for each session, or for the one of `?tag=`. It changes
    /// nothing, so that no link and no image signs anybody out.
    pub async fn logout_page(&self, parts: &Parts) -> Response<Bytes> {
        match self.buttons(parts).await {
            Ok(response) => response,
            Err(refusal) => refusal.into_response(),
        }
    }

    async fn buttons(&self, parts: &Parts) -> Result<Response<Bytes>, Refusal> {
        let query = self.query(parts)?;
        let jar = self.jar(parts)?;
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let named = pairs.find(|it| it.0 == TAG_FIELD).map(|it| it.1);
        let mut sessions = jar.all(Kind::Session).to_vec();
        if let Some(named) = named {
            sessions.retain(|it| it.0.as_str() == named);
        }
        if sessions.is_empty() {
            return Ok(self.nobody());
        }
        let mut page = self.page("Sign out");
        for ((tag, label), (_, id)) in self.listed(&sessions).await.into_iter().zip(&sessions) {
            let id = SessionId::new(id.expose_secret().as_str());
            let token = csrf::token(&id, self.provider());
            page = page.offering(Choice::Form {
                action: self.url().path("/logout"),
                fields: vec![
                    (TAG_FIELD.to_owned(), tag.as_str().to_owned()),
                    (CSRF_FIELD.to_owned(), token.expose_secret().clone()),
                ],
                label: format!("Sign out: {label}"),
            });
        }
        Ok(self.own(page.answer(StatusCode::OK)))
    }

    /// `POST /logout`: ends the session, has its tokens revoked, and takes the cookie away.
    pub async fn logout(&self, parts: &Parts, body: &[u8]) -> Response<Bytes> {
        match self.signed_out(parts, body).await {
            Ok(response) => response,
            Err(refusal) => refusal.into_response(),
        }
    }

    async fn signed_out(&self, parts: &Parts, body: &[u8]) -> Result<Response<Bytes>, Refusal> {
        let form = || self.refuse(parts, &WebError::Form);
        let fields = fields(parts, body).ok_or_else(form)?;
        let tag = fields.get(TAG_FIELD).and_then(|it| LaunchTag::parse(it));
        let tag = tag.ok_or_else(form)?;
        let jar = self.jar(parts)?;
        let Some(id) = jar.find(Kind::Session, &tag) else {
            return Ok(self.nobody());
        };
        let id = SessionId::new(id.expose_secret().as_str());
        self.check_form(parts, &id, fields.get(CSRF_FIELD).map(String::as_str))?;
        let mut response = self.farewell(&self.end(&id).await);
        if let Some(cookie) = self.shared.cookies.remove(Kind::Session, &tag) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        Ok(self.own(response))
    }

    /// Ends a session, and has its tokens revoked. The browser forgets its id in any case: whoever sits
    /// down next must not go on with it.
    async fn end(&self, id: &SessionId) -> Ended {
        let key = StoreKey::of_session(id, self.provider());
        self.shared.profiles.forget(&key);
        let mut codes = Vec::new();
        let is_ended = match self.flow().sign_out(id).await {
            Ok(signed_out) => {
                codes.extend(signed_out.not_asked.map(|it| it.code()));
                codes.extend(signed_out.not_revoked.iter().map(|it| it.code()));
                true
            }
            Err(error) => {
                codes.push(error.code());
                false
            }
        };
        self.metrics().count("smart_axum_sign_outs", &[]);
        let reference = reference::draw(self.provider());
        for code in &codes {
            self.metrics()
                .count("smart_axum_tokens_not_revoked", &[("code", code)]);
            let reference = reference.as_str();
            tracing::warn!(target: "smart_axum", code, reference, "signed out, and a token lives on");
        }
        Ended {
            is_ended,
            reference,
        }
    }

    /// Ends sessions when the browser is answered already. [`WebApp::drain`] waits for it.
    pub(super) fn end_later(&self, ids: Vec<SessionId>) {
        if ids.is_empty() {
            return;
        }
        let app = self.clone();
        self.flow().in_background(async move {
            for id in ids {
                let _ = app.end(&id).await;
            }
        });
    }

    /// Waits until nothing goes on in the background: refreshes, sign-outs, revocations. A framework
    /// calls it when the program ends, after the last request, and bounds the time.
    pub async fn drain(&self) {
        self.flow().drain().await;
    }

    fn farewell(&self, ended: &Ended) -> Response<Bytes> {
        let mut page = self.page("You are signed out");
        if ended.is_ended {
            page = page.saying("You can close this page.");
        } else {
            page = page
                .saying("This browser cannot go on with your session. The app could not end it everywhere, so it ends by itself later.")
                .saying("If somebody else may have used it, tell the help desk the reference below.");
            page.help = self.shared.settings.help.as_deref();
            page.reference = Some(&ended.reference);
        }
        page.answer(StatusCode::OK)
    }

    fn nobody(&self) -> Response<Bytes> {
        let page = self.page("You are not signed in");
        let page = page.saying("There is nothing to sign out of. You can close this page.");
        self.own(page.answer(StatusCode::OK))
    }
}
