//! The issuer's own key set, fetched when it is needed.

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use smart_jose::{Candidates, CryptoProvider, JwkSet, ProtectedHeader};
use tokio::sync::Mutex;

use super::cache::{Cache, Decision};
use super::document::{self, JwksError};
use super::source::{KeySource, KeySourceError};
use crate::clock::Clock;
use crate::document::DocumentError;
use crate::http_client::HttpClient;
use crate::url::EndpointUrl;

/// The keys at a `jwks_uri`, cached by `kid`.
///
/// The set is fetched once and kept for [`super::LIFE`]. An unknown `kid` causes a refetch, at
/// most one in [`super::COOL_DOWN`]; whoever waits for a fetch shares it. The `kid` never becomes
/// part of a URL. While the issuer is down, keys that are held go on verifying.
#[derive(Debug)]
pub struct RemoteJwks {
    uri: EndpointUrl,
    http: Arc<dyn HttpClient>,
    provider: CryptoProvider,
    clock: Arc<dyn Clock>,
    cache: RwLock<Cache>,
    /// Held while a fetch is under way. Readers of cached keys never take it.
    flight: Mutex<()>,
}

impl RemoteJwks {
    /// The keys at this address; nothing is fetched yet.
    #[must_use]
    pub fn new(
        uri: EndpointUrl,
        http: Arc<dyn HttpClient>,
        provider: &CryptoProvider,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            uri,
            http,
            provider: *provider,
            clock,
            cache: RwLock::default(),
            flight: Mutex::default(),
        }
    }

    /// Where the keys are.
    #[must_use]
    pub const fn uri(&self) -> &EndpointUrl {
        &self.uri
    }

    /// The set that is held, fresh or not.
    #[must_use]
    pub fn held(&self) -> Option<Arc<JwkSet>> {
        self.cache
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .set()
    }

    /// Fetches the set now and keeps it.
    ///
    /// # Errors
    ///
    /// [`JwksError`]; what was held stays.
    pub async fn refresh(&self) -> Result<Arc<JwkSet>, JwksError> {
        let _flight = self.flight.lock().await;
        self.fetch().await?;
        let nothing = || Arc::new(JwkSet::from_keys(Vec::new(), &self.provider));
        Ok(self.held().unwrap_or_else(nothing))
    }

    /// Fetches the set and takes it in. The caller holds the flight.
    async fn fetch(&self) -> Result<(), JwksError> {
        let response = self.http.send(document::request(&self.uri)).await;
        let result = response
            .map_err(|error| JwksError::from(DocumentError::from(error)))
            .and_then(|response| document::read(&self.uri, &response, &self.provider));
        let now = self.clock.monotonic();
        let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(set) => {
                cache.fetched(set, now);
                Ok(())
            }
            Err(error) => {
                cache.failed(error.clone(), now);
                Err(error)
            }
        }
    }

    fn decide(&self, header: &ProtectedHeader) -> Decision {
        let now = self.clock.monotonic();
        self.cache
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .decide(header, now)
    }
}

#[async_trait]
impl KeySource for RemoteJwks {
    fn cached(&self, header: &ProtectedHeader) -> Option<Candidates> {
        let now = self.clock.monotonic();
        self.cache
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .fresh(header, now)
    }

    async fn candidates(&self, header: &ProtectedHeader) -> Result<Candidates, KeySourceError> {
        match self.decide(header) {
            Decision::Use(keys) => return Ok(keys),
            Decision::Refuse(error) => return Err(error),
            Decision::Fetch => {}
        }
        let _flight = self.flight.lock().await;
        // Whoever held the flight before may have fetched what is needed.
        if let Decision::Fetch = self.decide(header) {
            // The cache has taken note of a failure, and the decision below reports it.
            let _ = self.fetch().await;
        }
        match self.decide(header) {
            Decision::Use(keys) => Ok(keys),
            Decision::Refuse(error) => Err(error),
            // The clock moved on past a limit in between; say what is held now.
            Decision::Fetch => {
                let nothing = || Arc::new(JwkSet::from_keys(Vec::new(), &self.provider));
                Ok(self.held().unwrap_or_else(nothing).candidates(header)?)
            }
        }
    }
}
