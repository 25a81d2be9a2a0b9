//! The token of a form, for whoever asks for the session before the form is read.

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::Request;

use crate::extract::Rejection;
use crate::state::SmartAxum;
use crate::web::WebError;

/// A form is looked through up to this length, in octets. The token of a longer one is found by
/// [`crate::CsrfForm`] alone.
const MAX_OCTETS: u64 = 64 * 1024;

/// Finds the token of a form, so that the parts of the request have it from then on. A browser that
/// does not say who sent a form is served by the token in it, and the extractors of parts never see a
/// body. A form that breaks off is refused: to a handler it would be one with nothing in it.
pub(crate) async fn with_token(app: &SmartAxum, request: Request) -> Result<Request, Rejection> {
    let (mut parts, body) = request.into_parts();
    // What does not say how long it is was sent by no form.
    let length = body.size_hint().exact().filter(|it| *it <= MAX_OCTETS);
    let length = length.and_then(|it| usize::try_from(it).ok());
    let Some(length) = length.filter(|_| app.may_have_token_in_form(&parts)) else {
        return Ok(Request::from_parts(parts, body));
    };
    let Ok(octets) = to_bytes(body, length).await else {
        return Err(app.refuse(&parts, &WebError::Form).into());
    };
    app.keep_token_of_form(&mut parts, &octets);
    Ok(Request::from_parts(parts, Body::from(octets)))
}
