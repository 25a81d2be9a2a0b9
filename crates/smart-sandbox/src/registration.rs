//! Registering an app: what it says is read once, before it is believed.

use std::sync::{Arc, PoisonError};

use smart_discovery::{Clock, EndpointUrl, PlainHttp};
use smart_jose::JwkSet;
use smart_oidc::server::{ClientKeys, ClientRegistration as Registered};

use crate::ahead::AheadClock;
use crate::bounds::MAX_CLIENTS;
use crate::client::{Authentication, ClientRegistration};
use crate::context::{Client, Context};
use crate::start_error::StartError;

/// Registers an app; an earlier one of the same id makes room.
pub(crate) fn register(
    context: &Context,
    registration: &ClientRegistration,
) -> Result<(), StartError> {
    let client = Arc::new(checked(context, registration)?);
    let algorithms = [
        registration.id_token_algorithm,
        registration.userinfo_algorithm,
    ];
    for algorithm in algorithms.into_iter().flatten() {
        context.with_keys(|keys| keys.hold(algorithm))?;
    }
    let mut clients = context
        .clients
        .write()
        .unwrap_or_else(PoisonError::into_inner);
    clients.retain(|it| it.registration.client_id != registration.client_id);
    if clients.len() >= MAX_CLIENTS {
        return Err(StartError::TooManyClients);
    }
    clients.push(client);
    Ok(())
}

fn checked(context: &Context, client: &ClientRegistration) -> Result<Client, StartError> {
    let client_id = || client.client_id.clone();
    if client.client_id.is_empty() {
        return Err(StartError::ClientId);
    }
    if let Some(rule) = client.redirect_uris.iter().find(|it| !it.is_sound()) {
        return Err(StartError::RedirectUri {
            client_id: client_id(),
            redirect_uri: rule.to_string(),
        });
    }
    let authentication = authentication(context, client)?;
    let is_backend = client.system_scopes.is_some();
    if is_backend && !matches!(authentication, Registered::PrivateKeyJwt(_)) {
        return Err(StartError::BackendWithoutKeys {
            client_id: client_id(),
        });
    }
    Ok(Client {
        registration: client.clone(),
        authentication,
    })
}

fn authentication(
    context: &Context,
    client: &ClientRegistration,
) -> Result<Registered, StartError> {
    let client_id = || client.client_id.clone();
    match &client.authentication {
        Authentication::Public => Ok(Registered::Public),
        Authentication::Basic(secret) | Authentication::Post(secret)
            if secret.expose_secret().is_empty() =>
        {
            Err(StartError::ClientSecret {
                client_id: client_id(),
            })
        }
        Authentication::Basic(secret) => Ok(Registered::SecretBasic(secret.clone())),
        Authentication::Post(secret) => Ok(Registered::SecretPost(secret.clone())),
        Authentication::Jwks(text) => {
            let set = JwkSet::parse(text.as_bytes(), &context.provider).map_err(|source| {
                StartError::Jwks {
                    client_id: client_id(),
                    source,
                }
            })?;
            if set.keys().is_empty() {
                return Err(StartError::NoClientKey {
                    client_id: client_id(),
                });
            }
            Ok(Registered::PrivateKeyJwt(ClientKeys::inline(set)))
        }
        Authentication::JwksUri(url) => {
            let url = EndpointUrl::parse_with(url, PlainHttp::LoopbackOnly).map_err(|source| {
                StartError::JwksUri {
                    client_id: client_id(),
                    source,
                }
            })?;
            let http = context
                .http
                .clone()
                .ok_or_else(|| StartError::NoHttpClient {
                    client_id: client_id(),
                })?;
            let clock: Arc<dyn Clock> = Arc::<AheadClock>::clone(&context.clock);
            let keys = ClientKeys::at(url, http, &context.provider, clock);
            Ok(Registered::PrivateKeyJwt(keys))
        }
    }
}
