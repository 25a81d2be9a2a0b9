//! What an issuer costs in memory: resident octets over many issuers, in a process of its own.
//!
//! Prints one line for each part, `name octets`, which `cargo xtask bench` reads.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark should stop where something is wrong, and prints what it found"
)]

mod common;

use std::fs;
use std::sync::Arc;

use smart_discovery::{EndpointUrl, JwksSnapshot, RemoteJwks, SystemClock};

use common::{Silence, key_set, keys_of, live, prepare, provider};

/// Over so many issuers the pages of the allocator even out.
const ISSUERS: usize = 10_000;

/// The resident octets of this process, as Linux counts them.
fn resident() -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|it| it.starts_with("VmRSS:"))?;
    let kilobytes: usize = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// What each of many costs on average.
fn each<T>(name: &str, make: impl Fn(usize) -> T) -> Vec<T> {
    let before = resident();
    let all: Vec<T> = (0..ISSUERS).map(make).collect();
    match (before, resident()) {
        (Some(before), Some(after)) => {
            println!("{name} {}", after.saturating_sub(before) / ISSUERS);
        }
        _ => println!("SKIPPED {name}: this system does not say what is resident"),
    }
    all
}

fn main() {
    let (key_set, clock) = (key_set(), Arc::new(SystemClock::new()));
    let http = Arc::new(Silence);
    let keys = |number: usize| {
        let uri = format!("https://ehr-{number:06}.example/fhir/r4/oidc/jwks");
        let now = smart_discovery::Clock::now(&*clock).as_secs();
        let snapshot: JwksSnapshot = serde_json::from_value(serde_json::json!({
            "version": 1, "uri": uri, "confirmed_at": now, "life": 86_400, "jwks": key_set,
        }))
        .unwrap();
        let uri = EndpointUrl::parse(&uri).unwrap();
        let keys = RemoteJwks::new(uri, http.clone(), provider(), clock.clone());
        keys.import(&snapshot).unwrap();
        prepare(&keys);
        keys
    };
    // What is made and let go on the way is the allocator's by now and not counted.
    drop((0..100).map(keys).collect::<Vec<_>>());
    let held = each("memory-keys", keys);
    let whole = each("memory-keys-and-metadata", |number| {
        let live = live(number, &key_set, &clock);
        prepare(&keys_of(&live));
        live
    });
    assert_eq!(held.len() + whole.len(), 2 * ISSUERS);
}
