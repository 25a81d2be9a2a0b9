//! Sending the browser back to the app: with a code, or with an error.

use std::borrow::Cow;
use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use smart_oidc::server::CodeRequest;
use smart_oidc::{ClientId, RedirectUri};

use crate::context::{AuthorizationRequest, Context, Grant, PendingRequest};
use crate::hostile::Moment;
use crate::launches::LaunchContext;
use crate::pages::refusal;
use crate::responses::redirect;

/// An error that the app may be told.
pub(crate) struct RedirectError {
    pub(crate) error: &'static str,
    pub(crate) description: Cow<'static, str>,
}

impl RedirectError {
    pub(crate) const fn new(error: &'static str, description: &'static str) -> Self {
        Self {
            error,
            description: Cow::Borrowed(description),
        }
    }

    pub(crate) const fn invalid_request(description: &'static str) -> Self {
        Self::new("invalid_request", description)
    }

    pub(crate) fn redirect(
        &self,
        context: &Context,
        redirect_uri: &str,
        state: Option<&str>,
        status: StatusCode,
    ) -> Response {
        let mut pairs = vec![
            ("error", self.error),
            ("error_description", &self.description),
        ];
        pairs.extend(state.map(|it| ("state", it)));
        send_back(context, redirect_uri, &pairs, status)
    }
}

/// Of a launch that cannot be answered.
pub(crate) const UNKNOWN_LAUNCH: RedirectError =
    RedirectError::invalid_request("the launch is unknown, used, expired or another app's");

/// Sends the browser back with a code.
pub(crate) fn issue(context: &Context, pending: PendingRequest, status: StatusCode) -> Response {
    let PendingRequest {
        request,
        user,
        patient,
    } = pending;
    let Some(user) = user else {
        return refusal(&context.urls, "Nobody has signed in.");
    };
    let now = context.clock.now();
    let mut guard = context.state();
    let state = &mut *guard;
    let mut launch = match request.launch {
        None => LaunchContext::default(),
        // A launch is used up by its code.
        Some(key) => match state.launches.remove(key, context.clock.monotonic()) {
            Some(record) => record.context,
            None => {
                let to = &request.redirect_uri;
                return UNKNOWN_LAUNCH.redirect(context, to, Some(&request.state), status);
            }
        },
    };
    launch.patient = None;
    let bound = CodeRequest::new(
        ClientId::new(request.client_id.as_str()),
        RedirectUri::new(request.redirect_uri.as_str()),
        request.challenge.clone(),
    );
    let grant = Grant {
        user,
        client_id: request.client_id.clone(),
        scopes: request.scopes.clone(),
        nonce: request.nonce.clone(),
        wants_auth_time: request.wants_auth_time,
        auth_time: now.as_secs(),
        patient,
        launch,
    };
    let Ok(code) = state.codes.issue(bound, Arc::new(grant), now) else {
        return server_error(context, &request, status);
    };
    drop(guard);
    let pairs = [
        ("code", code.expose_secret()),
        ("state", request.state.as_str()),
    ];
    send_back(context, &request.redirect_uri, &pairs, status)
}

/// There are no random octets.
pub(crate) fn server_error(
    context: &Context,
    request: &AuthorizationRequest,
    status: StatusCode,
) -> Response {
    let error = RedirectError::new("server_error", "there are no random octets");
    error.redirect(context, &request.redirect_uri, Some(&request.state), status)
}

/// Redirects with these parameters and `iss` (RFC 9207 2), behind the URI's own query.
fn send_back(
    context: &Context,
    redirect_uri: &str,
    pairs: &[(&str, &str)],
    status: StatusCode,
) -> Response {
    let issuer = context.urls.issuer();
    let own = [("iss", issuer.as_str())];
    let pairs = pairs.iter().chain(&own);
    let mut pairs: Vec<(String, String)> = pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let moment = Moment {
        urls: &context.urls,
        provider: &context.provider,
        now: context.clock.now().as_secs(),
    };
    context.script.spoil_callback(&mut pairs, &moment);
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&pairs)
        .finish();
    let separator = match redirect_uri.split_once('?') {
        None => "?",
        Some((_, own)) if own.is_empty() || own.ends_with('&') => "",
        Some(_) => "&",
    };
    redirect(status, &format!("{redirect_uri}{separator}{query}"))
}
