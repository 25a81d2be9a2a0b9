//! The three grants: a code, a refresh token, and a backend service of its own accord.

use core::time::Duration;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use smart_jose::crypto::RandomFailed;
use smart_oidc::server::{AuthenticatedClient, GrantId, Parameters, Redemption, Refusal, Verdict};

use crate::client_auth::{PeerError, required};
use crate::context::{BACKEND_LIFETIME, Context, Grant, RefreshGrant, State, TokenRecord};
use crate::id_token::{self, Signed};
use crate::key_rings::KeyRings;
use crate::scopes::Scopes;
use crate::store::{Fingerprint, mint};

/// Takes the code and gives the tokens. Whatever can fail comes before the code is spent: a request
/// that fails leaves it to whoever has the verifier.
pub(crate) fn code(
    context: &Context,
    client: &AuthenticatedClient,
    form: &Parameters,
) -> Result<Value, PeerError> {
    let code = required(form, "code")?;
    let redemption = Redemption::new(client, form.get("redirect_uri"), form.get("code_verifier"));
    let mut response = TokenResponse::mint(context)?;
    let now = context.clock.now();
    let mut guard = context.state();
    let State {
        codes,
        refresh,
        keys,
        tokens,
        ..
    } = &mut *guard;
    let good = match codes.present(code, &redemption, now) {
        Verdict::Good(good) => good,
        Verdict::Reused { grant_id, error } => {
            // Somebody else has the code, and nobody can say who came first.
            guard.revoke(grant_id);
            return Err(PeerError::new(error.refusal(), &error));
        }
        Verdict::Refused(error) => return Err(PeerError::new(error.refusal(), &error)),
    };
    let (grant, grant_id) = (Arc::clone(good.grant()), good.grant_id());
    let scopes = grant.scopes.clone();
    if scopes.has("openid") {
        keys.keep_time(context.clock.monotonic());
        context.script.spoil_keys(keys);
        response.sign(context, keys, &grant, false)?;
    }
    if scopes.can_refresh() {
        let held = RefreshGrant {
            grant: Arc::clone(&grant),
            first_iat: now.as_secs(),
        };
        let token = refresh
            .issue(grant_id, client, held, now)
            .map_err(no_random)?;
        response.put("refresh_token", token.expose_secret());
    }
    good.spend();
    let lifetime = context.token_lifetime;
    let record = response.record(context, client, &scopes, Some((grant_id, &grant)), lifetime);
    tokens.insert(response.key, record, context.clock.monotonic());
    Ok(response.into_body())
}

/// Takes the refresh token and gives the next one beside a new access token.
pub(crate) fn refresh(
    context: &Context,
    client: &AuthenticatedClient,
    form: &Parameters,
) -> Result<Value, PeerError> {
    let token = required(form, "refresh_token")?;
    let mut response = TokenResponse::mint(context)?;
    let now = context.clock.now();
    let mut guard = context.state();
    let State {
        refresh,
        keys,
        tokens,
        ..
    } = &mut *guard;
    let good = match refresh.present(token, client, now) {
        Verdict::Good(good) => good,
        Verdict::Reused { grant_id, error } => {
            guard.revoke(grant_id);
            return Err(PeerError::new(error.refusal(), &error));
        }
        Verdict::Refused(error) => return Err(PeerError::new(error.refusal(), &error)),
    };
    let (grant, grant_id) = (Arc::clone(&good.grant().grant), good.grant_id());
    let scopes = match form.get("scope") {
        None => grant.scopes.clone(),
        Some(asked) => grant
            .scopes
            .narrowed(asked, context.version)
            .ok_or_else(|| {
                PeerError::new(Refusal::InvalidScope, "scope has more than was granted")
            })?,
    };
    // A newer token must be newer; a refresh within the same second brings none, as it may.
    if scopes.has("openid") && now.as_secs() > good.grant().first_iat {
        keys.keep_time(context.clock.monotonic());
        response.sign(context, keys, &grant, true)?;
    }
    if !context.script.keeps_refresh_token() {
        let next = good.rotate().map_err(no_random)?;
        response.put("refresh_token", next.expose_secret());
    }
    let lifetime = context.token_lifetime;
    let record = response.record(context, client, &scopes, Some((grant_id, &grant)), lifetime);
    tokens.insert(response.key, record, context.clock.monotonic());
    Ok(response.into_body())
}

/// Gives a backend service what it was registered for, and no refresh token.
pub(crate) fn backend(
    context: &Context,
    client: &AuthenticatedClient,
    form: &Parameters,
) -> Result<Value, PeerError> {
    let client_id = client.client_id().as_str();
    let registered = context.client(client_id);
    let registered = registered
        .as_ref()
        .and_then(|it| it.registration.system_scopes.as_deref());
    // Whoever is one signs: a secret is not enough, and no sandbox starts with such a service (SMART
    // App Launch 2.2, symmetric authentication).
    let registered = registered.ok_or_else(|| {
        PeerError::new(
            Refusal::UnauthorizedClient,
            "the app is not registered as a backend service",
        )
    })?;
    let scopes = Scopes::of_backend(required(form, "scope")?, registered);
    if scopes.is_empty() {
        return Err(PeerError::new(
            Refusal::InvalidScope,
            "none of the scopes is registered for this service",
        ));
    }
    let mut response = TokenResponse::mint(context)?;
    let lifetime = context.token_lifetime.min(BACKEND_LIFETIME);
    let record = response.record(context, client, &scopes, None, lifetime);
    let now = context.clock.monotonic();
    context.state().tokens.insert(response.key, record, now);
    Ok(response.into_body())
}

fn no_random(_: RandomFailed) -> PeerError {
    PeerError::server_error("there are no random octets")
}

/// An answer that is being put together.
struct TokenResponse {
    access_token: String,
    key: Fingerprint,
    body: Map<String, Value>,
}

impl TokenResponse {
    /// With a new access token.
    fn mint(context: &Context) -> Result<Self, PeerError> {
        let (access_token, key) = mint(&context.provider).map_err(no_random)?;
        let mut body = Map::new();
        body.insert("access_token".to_owned(), access_token.as_str().into());
        body.insert("token_type".to_owned(), "Bearer".into());
        Ok(Self {
            access_token,
            key,
            body,
        })
    }

    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.body.insert(name.to_owned(), value.into());
    }

    fn sign(
        &mut self,
        context: &Context,
        keys: &KeyRings,
        grant: &Grant,
        is_refresh: bool,
    ) -> Result<(), PeerError> {
        let signed = Signed {
            grant,
            access_token: &self.access_token,
            is_refresh,
        };
        let client = context.client(&grant.client_id);
        let algorithm = client.and_then(|it| it.registration.id_token_algorithm);
        let id_token = id_token::sign(context, &signed, keys.current(algorithm))
            .map_err(|error| PeerError::server_error(error.code()))?;
        self.put("id_token", id_token);
        Ok(())
    }

    /// Says how long the token lasts and what it opens, and gives what the server keeps of it.
    fn record(
        &mut self,
        context: &Context,
        client: &AuthenticatedClient,
        scopes: &Scopes,
        grant: Option<(GrantId, &Arc<Grant>)>,
        lifetime: Duration,
    ) -> TokenRecord {
        self.put("expires_in", lifetime.as_secs());
        self.put("scope", scopes.as_parameter());
        if let Some((_, grant)) = grant {
            put_launch_context(context, grant, scopes, &mut self.body);
        }
        TokenRecord {
            grant_id: grant.map(|(id, _)| id),
            client_id: client.client_id().as_str().to_owned(),
            scopes: scopes.clone(),
            grant: grant.map(|(_, grant)| Arc::clone(grant)),
            exp: context.clock.now().saturating_add(lifetime).as_secs(),
            until: context.clock.monotonic().saturating_add(lifetime),
        }
    }

    fn into_body(self) -> Value {
        Value::Object(self.body)
    }
}

/// What the user has open, beside the token (SMART App Launch 2.2, Launch context). The scopes of the
/// token say whether it is told, and the grant what it is.
pub(crate) fn put_launch_context(
    context: &Context,
    grant: &Grant,
    scopes: &Scopes,
    body: &mut Map<String, Value>,
) {
    let launch = &grant.launch;
    let is_launched = scopes.has("launch");
    let is_told = is_launched || scopes.has_patient_context();
    if let Some(patient) = grant.patient.as_deref().filter(|_| is_told) {
        body.insert("patient".to_owned(), patient.into());
        let needs_banner = json!(!launch.hides_banner);
        body.insert("need_patient_banner".to_owned(), needs_banner);
    }
    if !is_launched {
        return;
    }
    body.insert("smart_style_url".to_owned(), context.urls.style().into());
    if let Some(items) = launch.fhir_context(context.version) {
        body.insert("fhirContext".to_owned(), items);
    }
    for (name, value) in [("encounter", &launch.encounter), ("intent", &launch.intent)] {
        if let Some(value) = value {
            body.insert(name.to_owned(), value.as_str().into());
        }
    }
}
