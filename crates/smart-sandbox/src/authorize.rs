//! The authorization endpoint: judge the request, ask the user where that is wanted, and send
//! the browser back with a code or an error.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use smart_oidc::server::{CodeChallenge, CodeRequest};
use smart_oidc::{ClientId, RedirectUri};

use crate::client::ClientRegistration;
use crate::context::{AuthorizationRequest, Context, Grant};
use crate::launches::LaunchContext;
use crate::parameters::{MAX_OCTETS, Parameters, read_form};
use crate::resources::patient_id;
use crate::responses::{description, escape, page, redirect};
use crate::scopes::Scopes;
use crate::store::{Fingerprint, mint};

/// The part of a request that we keep may be this long, in octets.
const MAX_KEPT_OCTETS: usize = 8 * 1024;

/// `GET /oidc/authorize`.
pub(crate) async fn get(
    State(context): State<Arc<Context>>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    if query.len() > MAX_OCTETS {
        return refusal("The request is too long.");
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
        Err(error) => refusal(&error.to_string()),
    }
}

/// `POST /oidc/authorize/decision`: what the user chose on the consent page.
pub(crate) async fn decision(
    State(context): State<Arc<Context>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let form = match read_form(&headers, body).await {
        Ok(form) => form,
        Err(error) => return refusal(&error.to_string()),
    };
    let (Some(request_id), Some(choice @ ("approve" | "deny"))) =
        (form.get("request_id"), form.get("decision"))
    else {
        return refusal("The form is not complete.");
    };
    let key = Fingerprint::of(request_id, &context.provider);
    let pending = context
        .state()
        .pending
        .remove(key, context.clock.monotonic());
    let Some(request) = pending else {
        return refusal("This page has been answered already, or it has expired.");
    };
    if choice == "approve" {
        issue(&context, request, StatusCode::SEE_OTHER)
    } else {
        let error = RedirectError::new("access_denied", "the user denied access");
        error.redirect(
            &context,
            &request.redirect_uri,
            Some(&request.state),
            StatusCode::SEE_OTHER,
        )
    }
}

/// Answers a request that has arrived in whole.
fn answer(context: &Context, parameters: &Parameters, redirect_status: StatusCode) -> Response {
    // Until the app and its redirect URI are known to belong together, nothing may be sent to
    // that URI: the user would be sent wherever a stranger likes.
    let Some(client) = parameters
        .get("client_id")
        .and_then(|it| context.client(it))
        .map(|it| &it.registration)
    else {
        return refusal("The client_id is missing, repeated or unknown.");
    };
    let Some(redirect_uri) = parameters
        .get("redirect_uri")
        .filter(|it| client.allows(it))
    else {
        return refusal("The redirect_uri is missing, repeated or not registered.");
    };
    let request = match judge(context, client, redirect_uri, parameters) {
        Ok(request) => request,
        Err(error) => {
            let state = parameters.get("state");
            return error.redirect(context, redirect_uri, state, redirect_status);
        }
    };
    if context.auto_approve {
        issue(context, request, redirect_status)
    } else {
        ask(context, request, redirect_status)
    }
}

/// An error that the app may be told.
struct RedirectError {
    error: &'static str,
    description: Cow<'static, str>,
}

impl RedirectError {
    const fn new(error: &'static str, description: &'static str) -> Self {
        Self {
            error,
            description: Cow::Borrowed(description),
        }
    }

    const fn invalid_request(description: &'static str) -> Self {
        Self::new("invalid_request", description)
    }

    fn redirect(
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
    let scopes = Scopes::granted(scope);
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

const UNKNOWN_LAUNCH: RedirectError =
    RedirectError::invalid_request("the launch is unknown, used, expired or another app's");

/// Sends the browser back with a code.
fn issue(context: &Context, request: AuthorizationRequest, status: StatusCode) -> Response {
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
    let bound = CodeRequest::new(
        ClientId::new(request.client_id.as_str()),
        RedirectUri::new(request.redirect_uri.as_str()),
        request.challenge.clone(),
    );
    let chosen = || patient_id(context).to_owned();
    let has_context = request.scopes.has_patient_context();
    let patient = launch.patient.take();
    let grant = Grant {
        client_id: request.client_id.clone(),
        scopes: request.scopes.clone(),
        nonce: request.nonce.clone(),
        wants_auth_time: request.wants_auth_time,
        auth_time: now.as_secs(),
        patient: patient.or_else(|| has_context.then(chosen)),
        launch,
    };
    let Ok(code) = state.codes.issue(bound, Arc::new(grant), now) else {
        return server_error(context, &request, status);
    };
    let pairs = [
        ("code", code.expose_secret()),
        ("state", request.state.as_str()),
    ];
    send_back(context, &request.redirect_uri, &pairs, status)
}

/// Shows the consent page.
fn ask(context: &Context, request: AuthorizationRequest, status: StatusCode) -> Response {
    if request.forbids_page {
        let error = RedirectError::new("consent_required", "the user must be asked");
        return error.redirect(context, &request.redirect_uri, Some(&request.state), status);
    }
    let Ok((request_id, key)) = mint(&context.provider) else {
        return server_error(context, &request, status);
    };
    let scopes: String = request
        .scopes
        .iter()
        .map(|it| format!("<li><code>{}</code></li>\n", escape(it)))
        .collect();
    let body = format!(
        "<p>You are {user}. The app <strong>{client}</strong> asks for:</p>\n<ul>\n{scopes}</ul>\n\
         <form method=\"post\" action=\"{action}\">\n\
         <input type=\"hidden\" name=\"request_id\" value=\"{request_id}\">\n\
         <button name=\"decision\" value=\"approve\">Approve</button>\n\
         <button name=\"decision\" value=\"deny\">Deny</button>\n</form>",
        user = escape(&context.user.name),
        client = escape(&request.client_id),
        action = escape(&context.urls.decision()),
    );
    let now = context.clock.monotonic();
    context.state().pending.insert(key, request, now);
    page(StatusCode::OK, "Allow access?", &body)
}

fn server_error(context: &Context, request: &AuthorizationRequest, status: StatusCode) -> Response {
    let error = RedirectError::new("server_error", "there are no random octets");
    error.redirect(context, &request.redirect_uri, Some(&request.state), status)
}

/// A page for the user, who is the only one to be told when the app is not known to be genuine.
fn refusal(problem: &str) -> Response {
    let body = format!("<p>{}</p>", escape(problem));
    page(StatusCode::BAD_REQUEST, "Request refused", &body)
}

/// Redirects with these parameters and `iss` (RFC 9207 2), behind the URI's own query.
fn send_back(
    context: &Context,
    redirect_uri: &str,
    pairs: &[(&str, &str)],
    status: StatusCode,
) -> Response {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .append_pair("iss", &context.urls.issuer())
        .finish();
    let separator = match redirect_uri.split_once('?') {
        None => "?",
        Some((_, own)) if own.is_empty() || own.ends_with('&') => "",
        Some(_) => "&",
    };
    redirect(status, &format!("{redirect_uri}{separator}{query}"))
}
