//! What every store promises.

use smart_redis::RedisStore;
use smart_tests::redis_server::{Persistence, RedisServer};
use smart_tests::store_contract::{Bench, Time};

use super::provider;
use crate::rig::{PATIENCE, keys};

async fn bench() -> Option<Bench> {
    let server = RedisServer::start(Persistence::None).await?;
    let builder = RedisStore::builder(&server.url(), keys(provider())).unwrap();
    let builder = builder.response_timeout(PATIENCE).connect_timeout(PATIENCE);
    Some(Bench {
        store: std::sync::Arc::new(builder.build().unwrap()),
        time: Time::Real,
        provider: provider(),
        keeps: Some(Box::new(server)),
    })
}

smart_tests::store_contract!(bench);
