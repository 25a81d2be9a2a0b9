//! The token request (RFC 6749 4.1.3).

use bytes::Bytes;
use http::{Request, header};

use crate::authorize::AuthorizedLaunch;

/// The request that exchanges the code of a public client. It holds the code and the verifier,
/// so it is sent once, by whoever uses up the launch.
pub(super) fn authorization_code(launch: &AuthorizedLaunch) -> Request<Bytes> {
    let context = &launch.context;
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("code", launch.code.expose_secret())
        .append_pair("redirect_uri", context.redirect_uri.as_str())
        .append_pair("client_id", context.client_id.as_str())
        .append_pair("code_verifier", launch.verifier.expose_secret())
        .finish();
    // The endpoint is a checked URL, so it parses; an empty request would be refused by every
    // client.
    Request::post(context.token_endpoint.as_str())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json")
        .body(Bytes::from(body))
        .unwrap_or_default()
}
