//! Whole days of every kind of app, with its sessions in Redis.

use smart_tests::ehr_world::{COMBINATIONS, World};
use smart_tests::redis_server::{Persistence, RedisServer};

use super::provider;
use crate::rig::store_at;

#[tokio::test]
async fn every_kind_of_app_lives_a_day() {
    let Some(server) = RedisServer::start(Persistence::None).await else {
        return;
    };
    for (launcher, kind) in COMBINATIONS {
        let world = World::new(launcher, kind, provider()).await;
        world.live_a_day(store_at(&server.url())).await;
        let left = server.ask(&[b"DBSIZE"]);
        assert_eq!(left, b"0", "{launcher:?} {kind:?} left something behind");
    }
}
