//! The app as the web sees it: its settings, its sign-in, and what all routes share.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, RETRY_AFTER, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response};
use smart_oidc::flow::LaunchFlow;
use smart_oidc::id_token::Report;
use smart_oidc::jose::{CryptoProvider, Text, UnixTime};

use super::address::AppUrl;
use super::cookies::{Cookies, Jar};
use super::headers::{Policy, SecurityHeaders};
use super::metrics::Metrics;
use super::page::{self, Choice, Page};
use super::problem::{Problem, WebError};
use super::profiles::Profiles;
use super::reference;
use super::refusal::Refusal;
use super::reports::{self, ReportsFor, Row};
use super::settings::{SettingsError, WebSettings};

/// A query may be this long, in octets.
const MAX_QUERY_OCTETS: usize = 8 * 1024;

/// The app as the web sees it. It is cheap to clone.
#[derive(Clone, Debug)]
pub struct WebApp {
    pub(super) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: WebSettings,
    pub(super) flow: LaunchFlow,
    pub(super) cookies: Cookies,
    pub(super) headers: SecurityHeaders,
    pub(super) profiles: Profiles,
    pub(super) is_warming: AtomicBool,
    /// How many FHIR servers were asked for their keys before.
    pub(super) warmed: AtomicUsize,
    is_stopping: AtomicBool,
}

impl WebApp {
    /// An app with these settings that signs people in by this flow.
    ///
    /// # Errors
    ///
    /// [`SettingsError`]: settings that do not go together, or a registration whose redirect URI is
    /// not the address of this app with `/callback` behind it.
    pub fn new(settings: WebSettings, flow: LaunchFlow) -> Result<Self, SettingsError> {
        let settings = settings.checked()?;
        let expected = settings.url.join("/callback");
        for registered in flow.registrations().redirect_uris() {
            let (registered, _) = split_query(registered.as_str());
            if registered != expected {
                return Err(SettingsError::RedirectUri {
                    expected: Text::new(&expected),
                    found: Text::new(registered),
                });
            }
        }
        let provider = flow.provider();
        let is_framed = settings.embedding.is_framed();
        let cookies = Cookies::new(settings.cookies, is_framed, &settings.url, provider);
        let headers = SecurityHeaders::new(&settings.url, &settings.embedding, provider);
        Ok(Self {
            shared: Arc::new(Shared {
                settings,
                flow,
                cookies,
                headers,
                profiles: Profiles::default(),
                is_warming: AtomicBool::new(false),
                warmed: AtomicUsize::new(0),
                is_stopping: AtomicBool::new(false),
            }),
        })
    }

    /// Where browsers find the app.
    #[must_use]
    pub fn url(&self) -> &AppUrl {
        &self.shared.settings.url
    }

    /// The sign-in.
    #[must_use]
    pub fn flow(&self) -> &LaunchFlow {
        &self.shared.flow
    }

    /// What is counted.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.shared.settings.metrics
    }

    /// Says that the program is about to end: from now on `/readyz` sends new requests elsewhere.
    pub fn stop(&self) {
        self.shared.is_stopping.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.shared.is_stopping.load(Ordering::Relaxed)
    }

    /// How long the server goes on taking connections after [`WebApp::stop`], so that whoever sends
    /// requests here learns of it first ([`WebSettings::with_time_to_leave`]).
    #[must_use]
    pub fn time_to_leave(&self) -> Duration {
        self.shared.settings.time_to_leave
    }

    /// How many connections the server holds at once ([`WebSettings::with_connections`]).
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.settings.connections.max(1)
    }

    /// Adds the headers that protect an answer of the app, where it does not have them.
    pub fn protect(&self, headers: &mut HeaderMap) {
        self.shared.headers.protect(headers);
    }

    /// The answer to a request that is refused for a reason of the framework's own or of the app's:
    /// the page, and a line in the log with the same reference.
    #[must_use]
    pub fn refuse(&self, parts: &Parts, error: &WebError) -> Refusal {
        self.refused(parts, &Problem::of_web(error))
    }

    pub(super) fn provider(&self) -> &CryptoProvider {
        self.shared.flow.provider()
    }

    pub(super) fn now(&self) -> UnixTime {
        self.shared.flow.clock().now()
    }

    /// The cookies of a request.
    pub(super) fn jar(&self, parts: &Parts) -> Result<Jar, Refusal> {
        let jar = self.shared.cookies.read(&parts.headers);
        jar.ok_or_else(|| self.refuse(parts, &WebError::CookiesTooLong))
    }

    /// The query of a request; empty where there is none.
    pub(super) fn query<'p>(&self, parts: &'p Parts) -> Result<&'p str, Refusal> {
        let query = parts.uri.query().unwrap_or_default();
        if query.len() > MAX_QUERY_OCTETS {
            return Err(self.refuse(parts, &WebError::QueryTooLong));
        }
        Ok(query)
    }

    /// An empty page of the app.
    pub(super) fn page<'p>(&'p self, title: &'p str) -> Page<'p> {
        Page::new(&self.shared.settings.name, title)
    }

    /// The same answer with the headers of our own pages.
    pub(super) fn own(&self, mut response: Response<Bytes>) -> Response<Bytes> {
        let headers = &self.shared.headers;
        headers.protect_own(response.headers_mut(), Policy::Page);
        response
    }

    /// The same for the page whose form goes to another host.
    pub(super) fn own_form_elsewhere(&self, mut response: Response<Bytes>) -> Response<Bytes> {
        let headers = &self.shared.headers;
        headers.protect_own(response.headers_mut(), Policy::FormElsewhere);
        response
    }

    /// Tells the person, the log and the counters.
    pub(super) fn refused(&self, parts: &Parts, problem: &Problem) -> Refusal {
        self.refused_with(parts, problem, Vec::new())
    }

    /// The same with something to choose from.
    pub(super) fn refused_with(
        &self,
        parts: &Parts,
        problem: &Problem,
        choices: Vec<Choice>,
    ) -> Refusal {
        self.refused_because(parts, problem, choices, None)
    }

    /// The same where an ID token was refused: with how each check on it went, in the log, and on the
    /// page where the settings say so.
    pub(super) fn refused_because(
        &self,
        parts: &Parts,
        problem: &Problem,
        choices: Vec<Choice>,
        report: Option<&Report>,
    ) -> Refusal {
        let reference = reference::draw(self.provider());
        self.tell(problem, &reference);
        let checks = report.map(reports::rows).unwrap_or_default();
        for check in &checks {
            tell_check(check, &reference);
        }
        let readers = self.shared.settings.reports.as_ref().map(|it| it.1);
        let mut response = if wants_json(&parts.headers) {
            let body = serde_json::json!({
                "title": problem.title,
                "status": problem.status.as_u16(),
                "code": problem.code,
                "reference": reference,
            });
            page::answer(problem.status, "application/problem+json", body.to_string())
        } else {
            let mut page = self.page(problem.title);
            for paragraph in problem.paragraphs {
                page = page.saying(paragraph);
            }
            page.choices = choices;
            if problem.advice.is_launch() && self.launches_alone() {
                page.choices.push(Choice::Link {
                    href: self.url().path("/launch"),
                    label: "Sign in again".to_owned(),
                });
            }
            if readers == Some(ReportsFor::Everybody) {
                page.checks = checks;
            }
            page.help = self.shared.settings.help.as_deref();
            page.reference = Some(&reference);
            page.answer(problem.status)
        };
        let headers = response.headers_mut();
        if let Some(secs) = problem.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(secs));
        }
        if problem.status == http::StatusCode::UNAUTHORIZED {
            // RFC 9110 15.5.2 asks for a challenge; browsers ask nobody for a password because of it.
            let challenge = HeaderValue::from_static("Cookie realm=\"smart-launch\"");
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        Refusal::new(problem.code, self.own(response))
    }

    /// Whether `/launch` alone begins a sign-in.
    pub(super) fn launches_alone(&self) -> bool {
        let mut bases = self.shared.flow.registrations().fhir_bases();
        self.shared.settings.is_standalone && bases.next().is_some() && bases.next().is_none()
    }

    fn tell(&self, problem: &Problem, reference: &str) {
        let (code, class) = (problem.code, problem.class.name());
        self.metrics()
            .count("smart_axum_refusals", &[("code", code)]);
        let detail = problem.detail.as_str();
        if problem.status.is_server_error() {
            tracing::error!(target: "smart_axum", code, class, reference, detail, "refused");
        } else {
            tracing::warn!(target: "smart_axum", code, class, reference, detail, "refused");
        }
    }
}

fn tell_check(check: &Row<'_>, reference: &str) {
    let Row {
        id,
        clause,
        result,
        detail,
        remedy,
        ..
    } = *check;
    let (detail, remedy) = (detail.unwrap_or_default(), remedy.unwrap_or_default());
    match result {
        "passed" => {
            tracing::info!(target: "smart_axum", check = id, clause, result, reference, "check");
        }
        _ => {
            tracing::warn!(target: "smart_axum", check = id, clause, result, detail, remedy, reference, "check");
        }
    }
}

/// A script that fetches wants no page.
pub(super) fn wants_json(headers: &HeaderMap) -> bool {
    let has = |name: &str| {
        let mut values = headers.get_all(ACCEPT).iter();
        values.any(|it| it.to_str().is_ok_and(|it| it.contains(name)))
    };
    let is_script = || {
        let to = headers.get("sec-fetch-dest");
        to.is_some_and(|it| it.as_bytes() == b"empty")
    };
    !has("text/html") && (has("json") || is_script())
}

fn split_query(url: &str) -> (&str, Option<&str>) {
    url.split_once('?')
        .map_or((url, None), |(a, b)| (a, Some(b)))
}
