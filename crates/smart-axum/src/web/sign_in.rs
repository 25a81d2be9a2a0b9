//! The two routes of a sign-in: the EHR opens one, the authorization server sends the browser back
//! to the other.

use bytes::Bytes;
use http::header::SET_COOKIE;
use http::request::Parts;
use http::{Response, StatusCode};
use smart_oidc::flow::{EhrLaunch, FlowError, SignedIn};
use smart_oidc::jose::Text;
use smart_oidc::{AuthorizationRequest, BrowserBinding, LaunchTag, SessionId};

use super::app::WebApp;
use super::cookies::{Jar, Kind};
use super::page::{Choice, redirect};
use super::problem::{Problem, WebError};
use super::refusal::Refusal;

impl WebApp {
    /// `GET /launch`: the EHR, or the app's own button, begins a sign-in.
    pub async fn launch(&self, parts: &Parts) -> Response<Bytes> {
        match self.launched(parts).await {
            Ok(response) => response,
            Err(refusal) => refusal.into_response(),
        }
    }

    async fn launched(&self, parts: &Parts) -> Result<Response<Bytes>, Refusal> {
        let query = self.query(parts)?;
        let jar = self.jar(parts)?;
        let begun = self.begin(query).await;
        let (request, binding) = begun.map_err(|error| self.failed(parts, &error))?;
        self.metrics().count("smart_axum_launches", &[]);
        let mut response = self.onward(&request);
        let cookies = &self.shared.cookies;
        let surplus = jar.surplus(Kind::Launch).iter();
        let removed = surplus.filter_map(|(tag, _)| cookies.remove(Kind::Launch, tag));
        let set = cookies.set_launch(request.tag(), binding.expose_secret());
        for cookie in removed.chain(set) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        Ok(response)
    }

    async fn begin(
        &self,
        query: &str,
    ) -> Result<(AuthorizationRequest, BrowserBinding), FlowError> {
        let flow = self.flow();
        let launch = match EhrLaunch::parse(query) {
            Ok(launch) => return flow.begin_from_ehr(launch).await,
            Err(FlowError::LaunchRequestMissing { name }) if self.shared.settings.is_standalone => {
                FlowError::LaunchRequestMissing { name }
            }
            Err(error) => return Err(error),
        };
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        if pairs.clone().any(|it| it.0 == "launch" && !it.1.is_empty()) {
            // An EHR's launch without its `iss` is no launch of the app's own.
            return Err(launch);
        }
        let named = pairs.find(|it| it.0 == "iss").map(|it| it.1);
        let named = named.filter(|it| !it.is_empty());
        let mut bases = flow.registrations().fhir_bases();
        let base = match &named {
            Some(iss) => bases.find(|it| it.trimmed() == iss.strip_suffix('/').unwrap_or(iss)),
            // Without a name there must be no choice.
            None => bases.next().filter(|_| bases.next().is_none()),
        };
        match (base, named) {
            (Some(base), _) => flow.begin_standalone(base).await,
            (None, Some(iss)) => Err(FlowError::NotRegistered {
                found: Text::new(&iss),
            }),
            (None, None) => Err(launch),
        }
    }

    /// Sends the browser to the authorization endpoint. The address comes from the chain of trust and
    /// from nothing in the request.
    fn onward(&self, request: &AuthorizationRequest) -> Response<Bytes> {
        if !request.prefers_form() {
            return self.own(redirect(&request.url()));
        }
        let page = self
            .page("Sign in")
            .saying("Go on to the system that knows you.")
            .offering(Choice::Form {
                action: request.endpoint().as_str().to_owned(),
                fields: request.fields(),
                label: "Continue".to_owned(),
            });
        self.own_form_elsewhere(page.answer(StatusCode::OK))
    }

    /// `GET /callback`: the browser comes back.
    pub async fn callback(&self, parts: &Parts) -> Response<Bytes> {
        match self.called_back(parts).await {
            Ok(response) => response,
            Err(refusal) => refusal.into_response(),
        }
    }

    async fn called_back(&self, parts: &Parts) -> Result<Response<Bytes>, Refusal> {
        let query = self.query(parts)?;
        let jar = self.jar(parts)?;
        let tag = LaunchTag::of_callback(query, self.provider());
        let tag = tag.map_err(|error| self.failed(parts, &error.into()))?;
        let Some(binding) = jar.find(Kind::Launch, &tag) else {
            if jar.find(Kind::Session, &tag).is_some() {
                // The page was loaded again after the sign-in that it finished.
                return Ok(self.own(redirect(&format!("{}/", self.root(&tag)))));
            }
            return Err(self.failed(parts, &FlowError::NoSuchLaunch));
        };
        let binding = BrowserBinding::new(binding.expose_secret().as_str());
        match self.flow().complete(query, &binding).await {
            Ok(signed_in) if self.is_nobody(&signed_in) => {
                Ok(self.given_back(parts, &signed_in).await)
            }
            Ok(signed_in) => Ok(self.signed_in(&jar, &signed_in)),
            Err(error) => {
                let refusal = self.not_signed_in(parts, &error, &tag);
                // A store that did not answer may still have the launch.
                let is_spent = !matches!(error, FlowError::Store(_));
                let mut response = refusal.into_response();
                if let Some(cookie) = self.shared.cookies.remove(Kind::Launch, &tag)
                    && is_spent
                {
                    response.headers_mut().append(SET_COOKIE, cookie);
                }
                Ok(response)
            }
        }
    }

    /// Whether the app asked who is at the screen and was not told. Its pages would have nobody to be
    /// for, and the person no page to sign out on.
    fn is_nobody(&self, signed_in: &SignedIn) -> bool {
        let asked = self.flow().registrations();
        let asked = asked.scopes(signed_in.session.fhir_base());
        signed_in.id_token.is_none() && asked.is_some_and(|it| it.has("openid"))
    }

    /// Ends the session before anybody has its id, and has its tokens revoked.
    async fn given_back(&self, parts: &Parts, signed_in: &SignedIn) -> Response<Bytes> {
        let left = match self.flow().sign_out(&signed_in.id).await {
            Ok(signed_out) => {
                let asked = signed_out.not_asked.map(|it| it.code());
                let revoked = signed_out.not_revoked.iter().map(|it| it.code());
                revoked.chain(asked).collect()
            }
            Err(error) => vec![error.code()],
        };
        for code in left {
            self.metrics()
                .count("smart_axum_tokens_not_revoked", &[("code", code)]);
            tracing::warn!(target: "smart_axum", code, "nobody was signed in, and a token lives on");
        }
        let problem = Problem::of_web(&WebError::OpenidNotGranted);
        let mut ways = Vec::new();
        // Where the app has one EHR only, every page like this leads back to it.
        if self.shared.settings.is_standalone && !self.launches_alone() {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair("iss", signed_in.session.fhir_base().as_str());
            ways.push(Choice::Link {
                href: self.url().path(&format!("/launch?{}", query.finish())),
                label: "Sign in again".to_owned(),
            });
        }
        let refusal = self.refused_with(parts, &problem, ways);
        let mut response = refusal.into_response();
        if let Some(cookie) = self.shared.cookies.remove(Kind::Launch, &signed_in.tag) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    }

    /// The id of the session is new, whatever the browser brought: nobody can have set it before.
    /// Nothing is waited for, since a browser that gives up now would never learn the id.
    fn signed_in(&self, jar: &Jar, signed_in: &SignedIn) -> Response<Bytes> {
        self.metrics().count("smart_axum_sign_ins", &[]);
        let (cookies, tag) = (&self.shared.cookies, &signed_in.tag);
        let mut response = redirect(&format!("{}/", self.root(tag)));
        let set = cookies.set_session(tag, signed_in.id.expose_secret());
        let removed = cookies.remove(Kind::Launch, tag);
        // A browser that never closes keeps so many sessions and no more: the oldest is signed out.
        let surplus = jar.surplus(Kind::Session);
        let old = surplus
            .iter()
            .filter_map(|it| cookies.remove(Kind::Session, &it.0));
        for cookie in set.into_iter().chain(removed).chain(old) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        let surplus = surplus.iter().map(|it| it.1.expose_secret().as_str());
        self.end_later(surplus.map(SessionId::new).collect());
        self.own(response)
    }

    /// A sign-in that came as far as the answer of the EHR.
    fn not_signed_in(&self, parts: &Parts, error: &FlowError, tag: &LaunchTag) -> Refusal {
        let reports = self.shared.settings.reports.as_ref();
        let report = match error {
            FlowError::IdToken(_) => reports.and_then(|it| it.0.find(tag)),
            _ => None,
        };
        let problem = Problem::of_flow(error);
        self.refused_because(parts, &problem, Vec::new(), report.as_deref())
    }

    fn failed(&self, parts: &Parts, error: &FlowError) -> Refusal {
        self.refused(parts, &Problem::of_flow(error))
    }
}
