//! A server, a store on it, and what the tests do with both.

use std::sync::Arc;
use std::time::Duration;

use smart_oidc::jose::CryptoProvider;
use smart_oidc::seal::{SealingKey, SealingKeys};
use smart_oidc::session::StoreKey;
use smart_redis::RedisStore;
use smart_tests::redis_server::{Persistence, RedisServer};
use smart_tests::store_contract::{Bench, Time};

/// Longer than a busy machine takes for an answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The backend, where it makes no difference which.
pub(crate) fn provider() -> &'static CryptoProvider {
    smart_tests::backend::all()[0]
}

/// A key whose octets are all the same.
pub(crate) fn key(id: &str, octet: u8, provider: &CryptoProvider) -> SealingKey {
    SealingKey::new(id, &[octet; 32], provider).unwrap()
}

pub(crate) fn keys(provider: &CryptoProvider) -> SealingKeys {
    SealingKeys::new(key("test", 7, provider))
}

/// A store with the keys of all tests, and patience.
pub(crate) fn store_at(url: &str) -> Arc<RedisStore> {
    let builder = RedisStore::builder(url, keys(provider())).unwrap();
    let builder = builder.response_timeout(PATIENCE).connect_timeout(PATIENCE);
    Arc::new(builder.build().unwrap())
}

/// A store whose time-outs are this short.
pub(crate) fn hasty_store_at(url: &str, timeout: Duration) -> Arc<RedisStore> {
    let builder = RedisStore::builder(url, keys(provider())).unwrap();
    let builder = builder.response_timeout(timeout).connect_timeout(timeout);
    Arc::new(builder.build().unwrap())
}

pub(crate) fn bench_of(store: Arc<RedisStore>) -> Bench {
    Bench {
        store,
        time: Time::Real,
        provider: provider(),
        keeps: None,
    }
}

/// A server that keeps nothing, and a store on it.
pub(crate) async fn rig() -> Option<(RedisServer, Bench)> {
    let server = RedisServer::start(Persistence::None).await?;
    let bench = bench_of(store_at(&server.url()));
    Some((server, bench))
}

/// The name on the server.
pub(crate) fn name(key: &StoreKey) -> Vec<u8> {
    format!("smart:{key}").into_bytes()
}
