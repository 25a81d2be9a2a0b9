//! The authorization endpoint: judge the request, ask the user where that is wanted, and send
//! the browser back with a code or an error.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use smart_oidc::server::CodeChallenge;

use crate::client::ClientRegistration;
use crate::consent::{ask, lacks_patient};
use crate::context::{AuthorizationRequest, Context, PendingRequest};
use crate::pages::refusal;
use crate::parameters::{MAX_OCTETS, Parameters, read_form};
use crate::responses::description;
use crate::scopes::Scopes;
use crate::send_back::{RedirectError, UNKNOWN_LAUNCH, issue};
use crate::store::Fingerprint;

/// The part of a request that we keep may be this long, in octets.
const MAX_KEPT_OCTETS: usize = 8 * 1024;

/// `GET /oidc/authorize`.
pub(crate) async fn get(
    State(context): State<Arc<Context>>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    if query.len() > MAX_OCTETS {
        return refusal(&context.urls, "The request is too long.");
    }
    answer(
        &context,
        &Parameters::parse(query.as_bytes()),
        StatusCode::FOUND,
    )
}

/// `POST /oidc/authorize`. The answer is a 303, so that the browser comes to the app with a GET.
pub(crate) async fn post(
    State(context): State<Arc<Context>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match read_form(&headers, body).await {
        Ok(parameters) => answer(&context, &parameters, StatusCode::SEE_OTHER),
        Err(error) => refusal(&context.urls, &error.to_string()),
    }
}

/// Answers a request that has arrived in whole.
fn answer(context: &Context, parameters: &Parameters, redirect_status: StatusCode) -> Response {
    // Until the app and its redirect URI are known to belong together, nothing may be sent to
    // that URI: the user would be sent wherever a stranger likes.
    let client = parameters.get("client_id");
    let Some(client) = client.and_then(|it| context.client(it)) else {
        let problem = "The client_id is missing, repeated or unknown.";
        return refusal(&context.urls, problem);
    };
    let client = &client.registration;
    let Some(redirect_uri) = parameters
        .get("redirect_uri")
        .filter(|it| client.allows(it))
    else {
        let problem = "The redirect_uri is missing, repeated or not registered.";
        return refusal(&context.urls, problem);
    };
    let request = match judge(context, client, redirect_uri, parameters) {
        Ok(request) => request,
        Err(error) => {
            let state = parameters.get("state");
            return error.redirect(context, redirect_uri, state, redirect_status);
        }
    };
    let pending = begin(context, request);
    if context.auto_approve {
        let pending = settle(context, pending);
        return issue(context, pending, redirect_status);
    }
    let request = &pending.request;
    if request.forbids_page {
        let error = RedirectError::new("consent_required", "the user must be asked");
        let to = &request.redirect_uri;
        return error.redirect(context, to, Some(&request.state), redirect_status);
    }
    ask(context, pending)
}

/// What is known of the user and the patient at the start: all that the EHR has open.
fn begin(context: &Context, request: AuthorizationRequest) -> PendingRequest {
    let mut state = context.state();
    let now = context.clock.monotonic();
    let launch = request
        .launch
        .and_then(|key| state.launches.get_mut(key, now));
    let Some(open) = launch.map(|it| &it.context) else {
        return PendingRequest {
            request,
            user: None,
            patient: None,
        };
    };
    let world = context.world();
    let named = open.user.as_deref().and_then(|it| world.user(it));
    PendingRequest {
        // Whoever launches has signed in to the EHR.
        user: named.or_else(|| world.users().first()).cloned(),
        patient: open.patient.clone(),
        request,
    }
}

/// Chooses without asking: the default user and, where no launch says who is open, the own patient or
/// the first one.
fn settle(context: &Context, mut pending: PendingRequest) -> PendingRequest {
    let world = context.world();
    let user = pending.user.take();
    pending.user = user.or_else(|| world.users().first().cloned());
    if lacks_patient(&pending) {
        let user = pending.user.as_ref();
        let own = user.and_then(|it| it.patient());
        let is_clinician = user.is_some_and(|it| it.is_clinician());
        let first = || world.of_type("Patient").next().map(|it| &*it.id);
        let first = || is_clinician.then(first).flatten();
        pending.patient = own.or_else(first).map(str::to_owned);
    }
    pending
}

/// The rules for everything but the app and its redirect URI.
fn judge(
    context: &Context,
    client: &ClientRegistration,
    redirect_uri: &str,
    parameters: &Parameters,
) -> Result<AuthorizationRequest, RedirectError> {
    if parameters.has_repeated() {
        return Err(RedirectError::invalid_request("a parameter is repeated"));
    }
    if parameters.get("request").is_some() {
        let error = "request_not_supported";
        return Err(RedirectError::new(error, "request objects are not read"));
    }
    if parameters.get("request_uri").is_some() {
        let error = "request_uri_not_supported";
        return Err(RedirectError::new(error, "request objects are not read"));
    }
    let state = parameters
        .get("state")
        .ok_or(RedirectError::invalid_request("state is missing"))?;
    match parameters.get("response_type") {
        Some("code") => {}
        None => return Err(RedirectError::invalid_request("response_type is missing")),
        Some(_) => {
            return Err(RedirectError::new(
                "unsupported_response_type",
                "response_type must be code",
            ));
        }
    }
    if parameters
        .get("response_mode")
        .is_some_and(|it| it != "query")
    {
        return Err(RedirectError::invalid_request(
            "response_mode must be query",
        ));
    }
    judge_audience(context, parameters)?;
    let challenge = judge_challenge(parameters)?;
    let prompt = parameters.get("prompt").unwrap_or_default();
    let forbids_page = prompt.split(' ').any(|it| it == "none");
    if forbids_page && prompt != "none" {
        return Err(RedirectError::invalid_request(
            "prompt none excludes other values",
        ));
    }
    let scope = parameters
        .get("scope")
        .ok_or(RedirectError::new("invalid_scope", "scope is missing"))?;
    let nonce = parameters.get("nonce");
    if state.len() + scope.len() + nonce.map_or(0, str::len) > MAX_KEPT_OCTETS {
        return Err(RedirectError::invalid_request("the request is too long"));
    }
    let scopes = Scopes::granted(scope, context.version);
    if scopes.is_empty() {
        return Err(RedirectError::new(
            "invalid_scope",
            "none of the scopes is known",
        ));
    }
    let launch = judge_launch(context, client, parameters, &scopes)?;
    Ok(AuthorizationRequest {
        client_id: client.client_id.clone(),
        redirect_uri: redirect_uri.to_owned(),
        state: state.to_owned(),
        scopes,
        challenge,
        nonce: nonce.map(str::to_owned),
        launch,
        wants_auth_time: parameters.get("max_age").is_some(),
        forbids_page,
    })
}

/// `aud` must be our FHIR base: an app that was lured to another server's address would
/// otherwise carry our token there.
fn judge_audience(context: &Context, parameters: &Parameters) -> Result<(), RedirectError> {
    let aud = parameters
        .get("aud")
        .ok_or(RedirectError::invalid_request("aud is missing"))?;
    let base = context.urls.fhir();
    if aud.strip_suffix('/').unwrap_or(aud) == base {
        Ok(())
    } else {
        Err(RedirectError::invalid_request(
            "aud is not the FHIR base of this server",
        ))
    }
}

/// A left-out method means `plain` in RFC 7636, and SMART forbids `plain`.
fn judge_challenge(parameters: &Parameters) -> Result<CodeChallenge, RedirectError> {
    let challenge = parameters.get("code_challenge");
    let method = parameters.get("code_challenge_method");
    CodeChallenge::read(challenge, method).map_err(|error| RedirectError {
        error: error.refusal().as_str(),
        description: description(&error.to_string()).into(),
    })
}

/// The launch is one that was made for this app, and comes with the scope for it (SMART App Launch
/// 2.2, Apps that launch from the EHR).
fn judge_launch(
    context: &Context,
    client: &ClientRegistration,
    parameters: &Parameters,
    scopes: &Scopes,
) -> Result<Option<Fingerprint>, RedirectError> {
    let launch = match (parameters.get("launch"), scopes.has("launch")) {
        (None, false) => return Ok(None),
        (Some(launch), true) => launch,
        (None, true) => {
            return Err(RedirectError::invalid_request(
                "the scope launch needs the launch of an EHR",
            ));
        }
        (Some(_), false) => {
            return Err(RedirectError::new(
                "invalid_scope",
                "a launch needs the scope launch",
            ));
        }
    };
    let key = Fingerprint::of(launch, &context.provider);
    let now = context.clock.monotonic();
    let mut state = context.state();
    let is_ours = state
        .launches
        .get_mut(key, now)
        .is_some_and(|it| it.client_id == client.client_id);
    is_ours.then_some(Some(key)).ok_or(UNKNOWN_LAUNCH)
}
