//! What finding a key costs on top of what cannot be avoided.
//!
//! Each group holds `ours` and its `floor`, measured in the same run; `cargo xtask bench` prints
//! the ratio of the two. Machines are shared and noisy, so a time alone says nothing.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark should stop where something is wrong"
)]

mod common;

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, criterion_group, criterion_main};
use smart_discovery::jose::ProtectedHeader;
use smart_discovery::jose::crypto::VerifyingKey;
use smart_discovery::{
    Discovery, EndpointUrl, FhirBaseUrl, IssuerRegistry, JwksSnapshot, KeySource, RemoteJwks,
    SystemClock,
};

use common::{KEYS, Silence, base, key_set, keys_of, live, prepare, provider, with_header};

fn group<'c>(c: &'c mut Criterion, name: &str) -> BenchmarkGroup<'c, WallTime> {
    let mut group = c.benchmark_group(name);
    group.sampling_mode(SamplingMode::Flat).sample_size(200);
    group
}

/// Keys that were just fetched.
fn keys() -> RemoteJwks {
    let uri = EndpointUrl::parse("https://ehr.example/jwks").unwrap();
    let clock = Arc::new(SystemClock::new());
    let keys = RemoteJwks::new(uri, Arc::new(Silence), provider(), clock);
    let now = smart_discovery::Clock::now(&SystemClock::new()).as_secs();
    let snapshot: JwksSnapshot = serde_json::from_value(serde_json::json!({
        "version": 1, "uri": "https://ehr.example/jwks", "confirmed_at": now, "life": 86_400,
        "jwks": key_set(),
    }))
    .unwrap();
    keys.import(&snapshot).unwrap();
    prepare(&keys);
    keys
}

/// Header in, prepared key out; against a map that gives the same key.
fn hit(c: &mut Criterion) {
    let keys = keys();
    let of_issuer = keys_of(&live(0, &key_set(), &Arc::new(SystemClock::new())));
    prepare(&of_issuer);
    let mut map: HashMap<String, Arc<dyn VerifyingKey>> = HashMap::new();
    for (kid, alg) in KEYS {
        let key = with_header(kid, alg, |it| keys.cached(it).unwrap());
        map.insert(kid.to_owned(), Arc::clone(key.iter().next().unwrap()));
    }
    let sources: [(&str, &dyn KeySource); 2] =
        [("cache-hit", &keys), ("cache-hit-live-issuer", &of_issuer)];
    for (name, source) in sources {
        let mut group = group(c, name);
        // The key in the middle of the set.
        let (kid, alg) = KEYS[1];
        with_header(kid, alg, |header| {
            group.bench_function("ours", |b| {
                b.iter(|| source.cached(black_box(header)).unwrap())
            });
            group.bench_function("floor", |b| {
                b.iter(|| {
                    let kid = black_box(header).kid().unwrap();
                    Arc::clone(map.get(kid).unwrap())
                });
            });
        });
    }
}

/// So many hits are timed together where threads are started for them.
const HITS: u64 = 20_000;

/// How long it takes until each of so many threads has had its share of the hits.
fn shared(keys: &RemoteJwks, threads: u64, rounds: u64) -> Duration {
    let hit = |header: &ProtectedHeader| {
        for _ in 0..HITS / threads {
            black_box(keys.cached(black_box(header)).unwrap());
        }
    };
    let barrier = Barrier::new(usize::try_from(threads).unwrap());
    let (kid, alg) = KEYS[1];
    let mut elapsed = Duration::ZERO;
    for _ in 0..rounds {
        let times: Vec<(Instant, Instant)> = thread::scope(|scope| {
            let run = || {
                with_header(kid, alg, |header| {
                    barrier.wait();
                    #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
                    let began = Instant::now();
                    hit(header);
                    #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
                    let ended = Instant::now();
                    (began, ended)
                })
            };
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
            running.into_iter().map(|it| it.join().unwrap()).collect()
        });
        let began = times.iter().map(|it| it.0).min().unwrap();
        let ended = times.iter().map(|it| it.1).max().unwrap();
        elapsed += ended - began;
    }
    elapsed
}

/// Two threads that share the hits; against one that has them all.
fn two_threads(c: &mut Criterion) {
    let keys = keys();
    let mut group = group(c, "cache-hit-two-threads");
    group.bench_function("ours", |b| b.iter_custom(|rounds| shared(&keys, 2, rounds)));
    group.bench_function("floor", |b| {
        b.iter_custom(|rounds| shared(&keys, 1, rounds))
    });
}

/// A registry that holds so many issuers.
fn registry(issuers: usize) -> IssuerRegistry {
    let clock = Arc::new(SystemClock::new());
    let registry = IssuerRegistry::new(Discovery::new(Arc::new(Silence)), provider(), clock)
        .with_limit(issuers);
    for number in 0..issuers {
        let _ = registry.issuer(&base(number));
    }
    assert_eq!(registry.len(), issuers);
    registry
}

/// Looks up one issuer after the other, in an order without a pattern.
fn look_up<'a>(registry: &'a IssuerRegistry, bases: &'a [FhirBaseUrl]) -> impl FnMut() + 'a {
    let mut at = 0_usize;
    move || {
        at = (at + 7_919) % bases.len();
        black_box(registry.find(black_box(&bases[at])).unwrap());
    }
}

/// A look-up among 100,000 issuers; against one among 100. Once the same hundred are asked for in
/// both, as when a hundred hospitals are awake; and once all of them, which measures the memory of
/// the machine more than the registry.
fn look_ups(c: &mut Criterion) {
    let (many, few) = (registry(100_000), registry(100));
    let busy: Vec<FhirBaseUrl> = (0..100).map(base).collect();
    let all: Vec<FhirBaseUrl> = (0..100_000).map(base).collect();
    for (name, asked) in [("look-up-busy", &busy), ("look-up-all", &all)] {
        let mut group = group(c, name);
        let mut ours = look_up(&many, asked);
        group.bench_function("ours", |b| b.iter(&mut ours));
        let mut floor = look_up(&few, &busy);
        group.bench_function("floor", |b| b.iter(&mut floor));
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = hit, two_threads, look_ups
}
criterion_main!(benches);
