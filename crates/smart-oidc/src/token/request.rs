//! The requests (RFC 6749 4.1.3, 4.4.2 and 6; RFC 7009 2.1; RFC 7662 2.1): always POST, always a
//! form, so that nothing secret stands in a URL.

use bytes::Bytes;
use http::{HeaderValue, Request, header};
use smart_discovery::EndpointUrl;

use super::refresh::RefreshRequest;
use crate::authorize::AuthorizedLaunch;
use crate::client::Credentials;
use crate::scope::Scopes;

/// The request that exchanges a code. It holds the code and the verifier, so it is sent once, by
/// whoever uses up the launch.
pub(super) fn authorization_code(
    launch: &AuthorizedLaunch,
    credentials: &Credentials,
) -> Request<Bytes> {
    let context = &launch.context;
    let parameters = [
        ("grant_type", "authorization_code"),
        ("code", launch.code.expose_secret()),
        ("redirect_uri", context.redirect_uri.as_str()),
        ("code_verifier", launch.verifier.expose_secret()),
    ];
    form(&context.token_endpoint, &parameters, credentials)
}

/// The request for new tokens.
pub(super) fn refresh(
    endpoint: &EndpointUrl,
    refresh: &RefreshRequest<'_>,
    credentials: &Credentials,
) -> Request<Bytes> {
    let token = refresh.refresh_token().expose_secret();
    let mut parameters = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
    if let Some(scopes) = refresh.asked() {
        parameters.push(("scope", scopes.as_str()));
    }
    form(endpoint, &parameters, credentials)
}

/// The request of a program for a token of its own.
pub(super) fn client_credentials(
    endpoint: &EndpointUrl,
    scopes: &Scopes,
    credentials: &Credentials,
) -> Request<Bytes> {
    let scope = scopes.as_str();
    let parameters = [("grant_type", "client_credentials"), ("scope", scope)];
    form(endpoint, &parameters, credentials)
}

/// A request about a token: to revoke it, or to ask what it is.
pub(super) fn about_token(
    endpoint: &EndpointUrl,
    token: &str,
    hint: &'static str,
    credentials: &Credentials,
) -> Request<Bytes> {
    let parameters = [("token", token), ("token_type_hint", hint)];
    form(endpoint, &parameters, credentials)
}

fn form(
    endpoint: &EndpointUrl,
    parameters: &[(&str, &str)],
    credentials: &Credentials,
) -> Request<Bytes> {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(parameters);
    for (name, value) in &credentials.parameters {
        body.append_pair(name, value.expose_secret());
    }
    let mut request = Request::post(endpoint.as_str())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json");
    if let Some(value) = &credentials.header {
        request = request.header(header::AUTHORIZATION, HeaderValue::clone(value));
    }
    // The endpoint is a checked URL, so it parses; an empty request would be refused by every
    // client.
    request.body(Bytes::from(body.finish())).unwrap_or_default()
}
