//! What the token, introspection and revocation endpoints begin with: a form, and the app behind it.

use core::fmt::Display;

use axum::body::Body;
use axum::response::Response;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::json;
use smart_oidc::server::{
    AuthenticatedClient, Credentials, CredentialsError, Parameters, RefreshTokenError, Refusal,
};

use crate::context::Context;
use crate::parameters::read_octets;
use crate::responses;

/// An error of RFC 6749 5.2. A server in earnest says one word; this one says why, since whoever
/// reads it is building an app.
pub(crate) struct PeerError {
    refusal: Refusal,
    description: String,
}

impl PeerError {
    pub(crate) fn new(refusal: Refusal, reason: impl Display) -> Self {
        Self {
            refusal,
            description: responses::description(&reason.to_string()),
        }
    }

    pub(crate) fn invalid_request(reason: impl Display) -> Self {
        Self::new(Refusal::InvalidRequest, reason)
    }

    /// Of the system, which has no random octets.
    pub(crate) fn server_error(reason: impl Display) -> Self {
        Self::new(Refusal::ServerError, reason)
    }

    pub(crate) fn into_response(self) -> Response {
        let body = json!({ "error": self.refusal.as_str(), "error_description": self.description });
        let status = StatusCode::from_u16(self.refusal.status());
        let mut response = responses::json(status.unwrap_or(StatusCode::BAD_REQUEST), &body);
        if self.refusal == Refusal::InvalidClient {
            // HTTP asks for a challenge with every 401 (RFC 9110 15.5.2).
            let challenge = HeaderValue::from_static("Basic realm=\"smart-sandbox\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(pause) = self.refusal.retry_after() {
            let headers = response.headers_mut();
            headers.insert(RETRY_AFTER, HeaderValue::from(pause.as_secs()));
        }
        responses::with_no_store(response)
    }
}

/// Reads the form of a request, in which no parameter is repeated.
pub(crate) async fn form(headers: &HeaderMap, body: Body) -> Result<Parameters, PeerError> {
    let octets = read_octets(headers, body)
        .await
        .map_err(PeerError::invalid_request)?;
    Parameters::parse(&octets).map_err(PeerError::invalid_request)
}

/// The value of a parameter that must be there.
pub(crate) fn required<'a>(form: &'a Parameters, name: &str) -> Result<&'a str, PeerError> {
    form.get(name)
        .ok_or_else(|| PeerError::invalid_request(format!("{name} is missing")))
}

/// The app that sends the request, in the way in which it is registered.
pub(crate) async fn authenticate(
    context: &Context,
    headers: &HeaderMap,
    form: &Parameters,
) -> Result<AuthenticatedClient, PeerError> {
    let mut credentials = match Credentials::read(headers, form) {
        Ok(credentials) => credentials,
        Err(CredentialsError::Nobody) => of_refresh_token(context, form)?,
        Err(error) => return Err(PeerError::new(error.refusal(), error)),
    };
    let registered = credentials.registration(|it| context.client(it.as_str()));
    let registration = registered.as_ref().map(|it| &it.authentication);
    let now = context.clock.now();
    credentials
        .authenticate(registration, &context.assertions(), now)
        .await
        .map_err(|error| PeerError::new(error.refusal(), error))
}

/// A public app need not say who it is in a refresh: its token does. One that is over is no grant any
/// more, which tells the app to ask the user again.
fn of_refresh_token(context: &Context, form: &Parameters) -> Result<Credentials, PeerError> {
    let token = form
        .get("refresh_token")
        .filter(|_| form.get("grant_type") == Some("refresh_token"));
    let Some(token) = token else {
        let error = CredentialsError::Nobody;
        return Err(PeerError::new(error.refusal(), error));
    };
    let state = context.state();
    let client_id = state.refresh.client_id_of(token).ok_or_else(|| {
        let error = RefreshTokenError::Unknown;
        PeerError::new(error.refusal(), error)
    })?;
    Ok(Credentials::of_public(client_id.clone()))
}
