//! What stands on the server: sealed, under its name, with an end.

use std::sync::Arc;
use std::time::Duration;

use smart_oidc::seal::SealingKeys;
use smart_oidc::session::{Fence, RefreshLease as _, SessionStore as _, StoreError};
use smart_redis::{MAX_VALUE_OCTETS, RedisStore};
use smart_tests::redis_server::RedisServer;
use smart_tests::store_contract::{Bench, LONG, eventually};

use super::provider;
use crate::rig::{PATIENCE, key, name, rig};

/// The store of another process, with other keys.
fn store_with(server: &RedisServer, keys: SealingKeys) -> Arc<RedisStore> {
    let builder = RedisStore::builder(&server.url(), keys).unwrap();
    Arc::new(builder.response_timeout(PATIENCE).build().unwrap())
}

/// A bench whose store has this backend.
async fn bench() -> Option<(RedisServer, Bench)> {
    let (server, mut bench) = rig().await?;
    bench.store = store_with(&server, SealingKeys::new(key("test", 7, provider())));
    bench.provider = provider();
    Some((server, bench))
}

fn life_of(server: &RedisServer, name: &[u8]) -> i64 {
    let answer = server.ask(&[b"PTTL", name]);
    String::from_utf8(answer).unwrap().parse().unwrap()
}

#[tokio::test]
async fn every_record_has_an_end_that_the_server_keeps() {
    let Some((server, bench)) = bench().await else {
        return;
    };
    let hour = 3_600_000;
    let is_within = |life: i64, longest: i64| (longest - 60_000..=longest).contains(&life);
    for key in [bench.session(), bench.launch()] {
        bench.insert(&key, b"1", LONG).await.unwrap();
        assert!(is_within(life_of(&server, &name(&key)), hour));
    }
    let key = bench.with_session(b"1").await;
    let lease = bench.acquire(&key, LONG).await.unwrap();
    assert!(is_within(life_of(&server, &name(&key)), hour));
    bench.store.release(&key, &lease).await.unwrap();
    assert!(is_within(life_of(&server, &name(&key)), hour));
    bench
        .replace(&key, b"2", 1, lease.fence, 2 * LONG)
        .await
        .unwrap();
    assert!(is_within(life_of(&server, &name(&key)), 2 * hour));

    // The longest that can be said is no error, and still an end.
    let key = bench.session();
    let inserted = bench.insert(&key, b"1", Duration::MAX).await;
    assert_eq!(inserted, Ok(()));
    assert!(life_of(&server, &name(&key)) > 24 * 365 * hour);
    assert!(bench.acquire(&key, Duration::MAX).await.is_some());
    assert!(bench.acquire(&key, LONG).await.is_none());
    let none = bench.insert(&bench.session(), b"1", Duration::ZERO).await;
    assert_eq!(none, Ok(()));
}

#[tokio::test]
async fn the_server_never_sees_a_value() {
    let Some((server, bench)) = bench().await else {
        return;
    };
    let key = bench.with_session(b"the first refresh token").await;
    let first = server.ask(&[b"GET", &name(&key)]);
    bench
        .replace(&key, b"the second refresh token", 1, Fence(0), LONG)
        .await
        .unwrap();
    let second = server.ask(&[b"GET", &name(&key)]);
    for (record, text) in [(first, "first"), (second, "second")] {
        assert!(record.starts_with(b"S1"), "{text}");
        let is_there = |it: &str| record.windows(it.len()).any(|at| at == it.as_bytes());
        assert!(!is_there("refresh"), "{text}");
        // What is public is the id of the key.
        assert!(is_there("test"), "{text}");
    }
}

#[tokio::test]
async fn what_was_changed_on_the_server_is_not_believed() {
    let Some((server, bench)) = bench().await else {
        return;
    };
    let key = bench.with_session(b"s3cret").await;
    let kept = server.ask(&[b"GET", &name(&key)]);
    for at in 50..kept.len() {
        let mut other = kept.clone();
        other[at] ^= 1;
        server.tell(&[b"SET", &name(&key), &other]);
        let error = bench.store.read(&key).await.unwrap_err();
        assert_eq!(error.code(), "store-unreadable", "octet {at}: {error}");
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
    for other in [
        &kept[..kept.len() - 1],
        &kept[..50],
        &kept[..49],
        b"x",
        b"S1",
    ] {
        server.tell(&[b"SET", &name(&key), other]);
        let error = bench.store.read(&key).await.unwrap_err();
        assert_eq!(error.code(), "store-unreadable", "{error}");
    }
    let unreadable = |error: StoreError| assert_eq!(error.code(), "store-unreadable", "{error}");
    unreadable(bench.store.acquire(&key, LONG).await.unwrap_err());
    let written = bench.replace(&key, b"x", 1, Fence(0), LONG).await;
    unreadable(written.unwrap_err());
    unreadable(bench.store.take(&key).await.unwrap_err());
    assert_eq!(bench.take(&key).await, None);

    server.tell(&[b"LPUSH", &name(&key), b"a list"]);
    unreadable(bench.store.read(&key).await.unwrap_err());
    unreadable(bench.store.take(&key).await.unwrap_err());
    unreadable(bench.store.acquire(&key, LONG).await.unwrap_err());
    let written = bench.replace(&key, b"x", 1, Fence(0), LONG).await;
    unreadable(written.unwrap_err());
}

#[tokio::test]
async fn a_value_is_not_moved_to_another_name() {
    let Some((server, bench)) = bench().await else {
        return;
    };
    let (mine, theirs) = (
        bench.with_session(b"me").await,
        bench.with_session(b"them").await,
    );
    let kept = server.ask(&[b"GET", &name(&theirs)]);
    server.tell(&[b"SET", &name(&mine), &kept]);
    let error = bench.store.read(&mine).await.unwrap_err();
    assert_eq!(error.code(), "store-unreadable", "{error}");
    assert_eq!(bench.read(&theirs).await, Some((b"them".to_vec(), 1)));
}

#[tokio::test]
async fn keys_change_and_a_key_that_went_opens_nothing() {
    let Some((server, bench)) = bench().await else {
        return;
    };
    let session = bench.with_session(b"old").await;
    let keys = SealingKeys::new(key("new", 8, provider()));
    let both = keys.also_opening(key("test", 7, provider())).unwrap();
    let rotated = store_with(&server, both);
    let read = rotated.read(&session).await.unwrap().unwrap();
    assert_eq!(read.value.expose_secret(), b"old");

    // A write is under the new key, which an old process does not have.
    let rotated = Bench {
        store: rotated,
        ..bench_like(&bench)
    };
    let written = rotated.replace(&session, b"new", 1, Fence(0), LONG).await;
    assert_eq!(written, Ok(2));
    let error = bench.store.read(&session).await.unwrap_err();
    assert_eq!(error.code(), "store-unreadable");
    assert!(error.to_string().contains("new"), "{error}");

    // The same name for another key is no way in.
    let other = store_with(&server, SealingKeys::new(key("new", 9, provider())));
    let error = other.read(&session).await.unwrap_err();
    assert_eq!(error.code(), "store-unreadable");
    let last = store_with(&server, SealingKeys::new(key("new", 8, provider())));
    let read = last.read(&session).await.unwrap().unwrap();
    assert_eq!(read.value.expose_secret(), b"new");
}

fn bench_like(bench: &Bench) -> Bench {
    Bench {
        store: bench.store.clone(),
        time: bench.time.clone(),
        provider: bench.provider,
        keeps: None,
    }
}

#[tokio::test]
async fn two_prefixes_are_two_stores() {
    let Some((server, bench)) = bench().await else {
        return;
    };
    let keys = SealingKeys::new(key("test", 7, provider()));
    let builder = RedisStore::builder(&server.url(), keys).unwrap();
    let other = builder.key_prefix("other:").unwrap();
    let other = other.response_timeout(PATIENCE).build().unwrap();
    let session = bench.with_session(b"mine").await;
    assert!(other.read(&session).await.unwrap().is_none());
    let lease = other.acquire(&session, LONG).await;
    assert_eq!(lease.unwrap_err(), StoreError::Gone);

    // Nor does the same value count under both.
    let kept = server.ask(&[b"GET", &name(&session)]);
    server.tell(&[b"SET", format!("other:{session}").as_bytes(), &kept]);
    let error = other.read(&session).await.unwrap_err();
    assert_eq!(error.code(), "store-unreadable");
}

#[tokio::test]
async fn the_longest_value_fits_with_its_seal() {
    let Some((_server, bench)) = bench().await else {
        return;
    };
    let value = vec![0xff; MAX_VALUE_OCTETS];
    let key = bench.with_session(&value).await;
    bench.acquire(&key, LONG).await.unwrap();
    // A lease is written into the record and leaves the value as it was.
    assert_eq!(bench.take(&key).await, Some(value));
}

#[tokio::test]
async fn a_flood_of_launches_fills_its_own_server_and_leaves_it_again() {
    let (Some((server, launches)), Some((_other, sessions))) = (bench().await, bench().await)
    else {
        return;
    };
    let genuine = launches.launch();
    launches.insert(&genuine, b"genuine", LONG).await.unwrap();
    let session = sessions.with_session(b"1").await;
    let memory = String::from_utf8(server.ask(&[b"INFO", b"memory"])).unwrap();
    let used = memory
        .lines()
        .find_map(|it| it.strip_prefix("used_memory:"));
    let room = used.unwrap().parse::<usize>().unwrap() + 64 * 1024;
    server.tell(&[b"CONFIG", b"SET", b"maxmemory", room.to_string().as_bytes()]);

    let flood = async || {
        let inserted = launches
            .insert(&launches.launch(), &[0; 1024], Duration::from_secs(1))
            .await;
        inserted.err()
    };
    let mut refused = None;
    for _ in 0..10_000 {
        refused = flood().await;
        if refused.is_some() {
            break;
        }
    }
    let refused = refused.unwrap();
    assert_eq!(refused.code(), "store-unavailable");
    assert!(refused.to_string().contains("OOM"), "{refused}");
    // Whoever has begun can finish, and sessions are refreshed.
    assert_eq!(launches.take(&genuine).await, Some(b"genuine".to_vec()));
    let lease = sessions.acquire(&session, LONG).await.unwrap();
    let written = sessions.replace(&session, b"2", 1, lease.fence, LONG).await;
    assert_eq!(written, Ok(2));
    let has_room = async || flood().await.is_none();
    eventually("room comes back", has_room).await;
}
