//! The token endpoint: one code, once, for one access token.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::context::{CODE_LIFETIME, Context, TOKEN_LIFETIME, TokenRecord};
use crate::id_token::{self, Grant};
use crate::parameters::{Parameters, read_form};
use crate::pkce;
use crate::resources::patient_id;
use crate::responses::{self, with_no_store};
use crate::store::{Fingerprint, mint};

/// `POST /oidc/token`. Errors must not be cached either.
pub(crate) async fn post(
    State(context): State<Arc<Context>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let exchanged = match read_form(&headers, body).await {
        Err(error) => Err(TokenError::invalid_request(&error.to_string())),
        Ok(form) => judge(&context, &headers, &form).and_then(|it| exchange(&context, &it)),
    };
    with_no_store(match exchanged {
        Ok(body) => responses::json(StatusCode::OK, &body),
        Err(error) => error.into_response(),
    })
}

/// An error of RFC 6749 5.2.
struct TokenError {
    status: StatusCode,
    error: &'static str,
    description: String,
}

impl TokenError {
    fn new(error: &'static str, description: &str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error,
            description: description.to_owned(),
        }
    }

    fn invalid_request(description: &str) -> Self {
        Self::new("invalid_request", description)
    }

    fn invalid_grant(description: &str) -> Self {
        Self::new("invalid_grant", description)
    }

    fn invalid_client(description: &str) -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            ..Self::new("invalid_client", description)
        }
    }

    fn server_error(description: &str) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            ..Self::new("server_error", description)
        }
    }

    fn into_response(self) -> Response {
        let body = json!({ "error": self.error, "error_description": self.description });
        let mut response = responses::json(self.status, &body);
        if self.status == StatusCode::UNAUTHORIZED {
            // HTTP asks for a challenge with every 401 (RFC 9110 15.5.2).
            let challenge = HeaderValue::from_static("Basic realm=\"smart-sandbox\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// A request whose parameters are all there.
struct Exchange<'a> {
    client_id: &'a str,
    code: &'a str,
    redirect_uri: &'a str,
    code_verifier: &'a str,
}

fn judge<'a>(
    context: &Context,
    headers: &HeaderMap,
    form: &'a Parameters,
) -> Result<Exchange<'a>, TokenError> {
    if form.has_repeated() {
        return Err(TokenError::invalid_request("a parameter is repeated"));
    }
    let required = |name| {
        form.get(name)
            .ok_or_else(|| TokenError::invalid_request(&format!("{name} is missing")))
    };
    let grant_type = required("grant_type")?;
    // A public app has nothing to prove itself with. One that sends a secret has been
    // registered elsewhere as something else, and should learn that here.
    let has_credentials = headers.contains_key(AUTHORIZATION)
        || form.get("client_secret").is_some()
        || form.get("client_assertion").is_some();
    if has_credentials {
        return Err(TokenError::invalid_client(
            "the app is registered as public and must not authenticate",
        ));
    }
    if grant_type != "authorization_code" {
        return Err(TokenError::new(
            "unsupported_grant_type",
            "grant_type must be authorization_code",
        ));
    }
    let client_id = required("client_id")?;
    if context.client(client_id).is_none() {
        return Err(TokenError::invalid_client("the client_id is unknown"));
    }
    Ok(Exchange {
        client_id,
        code: required("code")?,
        redirect_uri: required("redirect_uri")?,
        code_verifier: form
            .get("code_verifier")
            .ok_or_else(|| TokenError::invalid_grant("code_verifier is missing"))?,
    })
}

/// Takes the code and gives the tokens. A request that fails leaves the code as it was: it can
/// be used only by whoever has the verifier.
fn exchange(context: &Context, request: &Exchange<'_>) -> Result<Value, TokenError> {
    let failed = || TokenError::server_error("there are no random octets");
    let (access_token, token_key) = mint(&context.provider).map_err(|_| failed())?;
    let code_key = Fingerprint::of(request.code, &context.provider);
    let now = context.clock.monotonic();

    let mut guard = context.state();
    // One borrow of the whole, so that its parts can be borrowed one by one.
    let state = &mut *guard;
    let unknown = || TokenError::invalid_grant("the code is unknown or has expired");
    let record = state.codes.get_mut(code_key, now).ok_or_else(unknown)?;
    if let Some(issued) = record.token {
        // Somebody else has the code, and nobody can say who came first (RFC 6749 4.1.2).
        state.tokens.remove(issued, now);
        return Err(TokenError::invalid_grant(
            "the code was used before; its access token is revoked",
        ));
    }
    if now.saturating_sub(record.issued) >= CODE_LIFETIME {
        return Err(unknown());
    }
    let authorized = &record.request;
    if authorized.client_id != request.client_id {
        return Err(TokenError::invalid_grant("the code is for another app"));
    }
    if authorized.redirect_uri != request.redirect_uri {
        return Err(TokenError::invalid_grant("the redirect_uri is another one"));
    }
    if !pkce::verifies(
        request.code_verifier,
        &authorized.code_challenge,
        &context.provider,
    ) {
        return Err(TokenError::invalid_grant(
            "the code_verifier does not belong to the code_challenge",
        ));
    }
    let scopes = authorized.scopes.clone();
    let mut body = json!({
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": TOKEN_LIFETIME.as_secs(),
        "scope": scopes.as_parameter(),
    });
    let mut put = |name: &str, value: Value| {
        if let Value::Object(members) = &mut body {
            members.insert(name.to_owned(), value);
        }
    };
    if scopes.has("openid") {
        let grant = Grant {
            request: authorized,
            auth_time: record.auth_time,
            access_token: &access_token,
        };
        let id_token = id_token::sign(context, &grant, state.keys.current())
            .map_err(|error| TokenError::server_error(error.code()))?;
        put("id_token", id_token.into());
    }
    if scopes.has_patient_context() {
        put("patient", patient_id(context).into());
        put("need_patient_banner", true.into());
    }
    record.token = Some(token_key);
    state.tokens.insert(token_key, TokenRecord { scopes }, now);
    Ok(body)
}
