//! What whoever runs the app asks of it. None of these answers names a person or holds a secret.

use core::sync::atomic::Ordering;
use std::collections::HashSet;

use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};
use smart_oidc::discovery::{IssuerState, LiveIssuer, Phase};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::app::WebApp;
use super::keys;
use super::metrics::gauge;
use super::page::answer;

/// So many FHIR servers are asked for their keys at once, where no keys are held.
const WARMED_AT_ONCE: usize = 8;

/// The phases in their order, as labels.
const PHASES: [(Phase, &str); 4] = [
    (Phase::Empty, "empty"),
    (Phase::Fresh, "fresh"),
    (Phase::Stale, "stale"),
    (Phase::Expired, "expired"),
];

impl WebApp {
    /// `GET /.well-known/jwks.json`: the app's own public keys (SMART App Launch 2.2, Registering a
    /// client communicating public keys).
    #[must_use]
    pub fn jwks(&self, parts: &Parts) -> Response<Bytes> {
        let response = match &self.shared.settings.keys {
            Some(keys) => keys::answer(parts, &keys.document(self.provider())),
            None => answer(
                StatusCode::NOT_FOUND,
                "text/plain",
                "this app has no keys\n",
            ),
        };
        self.own(response)
    }

    /// `GET /healthz`: the process runs and answers. It asks nobody else, as a restart would not mend
    /// what is wrong elsewhere.
    #[must_use]
    pub fn healthz(&self) -> Response<Bytes> {
        self.own(answer(StatusCode::OK, "text/plain", "ok\n"))
    }

    /// `GET /readyz`: 200 where the keys of one of the FHIR servers at least are at hand, and 503 with
    /// the reason otherwise. Where none are held they are asked for in the background, so that a node
    /// which nobody has used yet becomes ready; no sign-in waits for this or because of it.
    #[must_use]
    pub fn readyz(&self) -> Response<Bytes> {
        let states = self.registered_states();
        let usable = states.iter().filter(|it| has_keys(it)).count();
        let reason = if self.is_stopping() {
            Some("stopping")
        } else if usable == 0 {
            self.warm_up();
            Some("no-keys")
        } else {
            None
        };
        let mut body = serde_json::json!({
            "ready": reason.is_none(),
            "registered": self.flow().registrations().fhir_bases().count(),
            "with_keys": usable,
        });
        let status = match reason {
            None => StatusCode::OK,
            Some(reason) => {
                let errors = states.iter().flat_map(last_errors);
                let errors: std::collections::BTreeSet<_> = errors.collect();
                if let Some(body) = body.as_object_mut() {
                    body.insert("reason".to_owned(), reason.into());
                    let errors: Vec<_> = errors.into_iter().collect();
                    body.insert("errors".to_owned(), errors.into());
                }
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        self.own(answer(status, "application/json", body.to_string()))
    }

    /// `GET /metrics`: the counters, and how many FHIR servers' keys are in which state.
    #[must_use]
    pub fn metrics_text(&self) -> Response<Bytes> {
        let states = self.registered_states();
        let phase = |it: &IssuerState| it.jwks.as_ref().map_or(Phase::Empty, |it| it.phase);
        let in_phase = |wanted| states.iter().filter(|it| phase(it) == wanted).count();
        let registered = self.flow().registrations().fhir_bases().count();
        let unused = registered.saturating_sub(states.len());
        let number = |it: usize| u64::try_from(it).unwrap_or(u64::MAX);
        let labels = PHASES.map(|(_, name)| [("phase", name)]);
        let values: Vec<(&[(&str, &str)], u64)> = PHASES
            .iter()
            .zip(&labels)
            .map(|((phase, _), label)| {
                let more = if *phase == Phase::Empty { unused } else { 0 };
                (label.as_slice(), number(in_phase(*phase) + more))
            })
            .collect();
        let mut text = self.metrics().to_text();
        gauge(&mut text, "smart_axum_key_sets", &values);
        let content_type = "text/plain; version=0.0.4; charset=utf-8";
        self.own(answer(StatusCode::OK, content_type, text))
    }

    /// How those stand that the app is registered with and has asked before.
    fn registered_states(&self) -> Vec<IssuerState> {
        let flow = self.flow();
        let bases = flow.registrations().fhir_bases();
        let registered: HashSet<&str> = bases.map(|it| it.as_str()).collect();
        let mut states = flow.issuers().states();
        states.retain(|it| registered.contains(it.fhir_base.as_str()));
        states
    }

    /// Asks for keys in the background, a few servers at once, and one round at a time. Each round goes
    /// on where the last one has ended, so that none is left out where there are many.
    fn warm_up(&self) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        if self.shared.is_warming.swap(true, Ordering::AcqRel) {
            return;
        }
        let warming = Warming(self.clone());
        let flow = self.flow();
        let mut bases: Vec<_> = flow.registrations().fhir_bases().collect();
        bases.sort_by_key(|it| it.as_str());
        let start = self.shared.warmed.load(Ordering::Relaxed);
        let start = start.checked_rem(bases.len()).unwrap_or_default();
        let round = bases.iter().cycle().skip(start);
        let round = round.take(bases.len().min(WARMED_AT_ONCE));
        let issuers: Vec<LiveIssuer> = round.map(|it| flow.issuers().issuer(it)).collect();
        let next = start.wrapping_add(issuers.len());
        self.shared.warmed.store(next, Ordering::Relaxed);
        runtime.spawn(async move {
            let mut asked = JoinSet::new();
            for issuer in issuers {
                // The state says what came of it.
                asked.spawn(async move { issuer.warm_up().await.is_ok() });
            }
            while asked.join_next().await.is_some() {}
            drop(warming);
        });
    }
}

/// A round of questions, until it ends, whatever ends it.
struct Warming(WebApp);

impl Drop for Warming {
    fn drop(&mut self) {
        self.0.shared.is_warming.store(false, Ordering::Release);
    }
}

fn has_keys(state: &IssuerState) -> bool {
    let jwks = state.jwks.as_ref();
    jwks.is_some_and(|it| matches!(it.phase, Phase::Fresh | Phase::Stale))
}

/// The codes of what went wrong last; no address and no text of a server.
fn last_errors(state: &IssuerState) -> impl Iterator<Item = &'static str> {
    let documents = [
        Some(&state.smart_configuration),
        Some(&state.openid_configuration),
        state.jwks.as_ref(),
    ];
    documents
        .into_iter()
        .flatten()
        .filter_map(|it| it.last_error)
}
