//! Events for the program's `tracing` subscriber: names, codes and counts.
//!
//! A field that begins with `monotonic_counter.` is a counter to subscribers that know the
//! convention, and a plain field to all others.

use crate::observe::{Event, Happening};

/// The target of all our spans and events.
const TARGET: &str = "smart_discovery";

/// The span of one fetch.
pub(crate) fn fetching(document: &'static str) -> tracing::Span {
    tracing::info_span!(target: TARGET, "fetch", document)
}

/// One event.
pub(crate) fn record(event: &Event) {
    let (document, what) = (event.document.name(), event.what.code());
    match &event.what {
        Happening::Failed { code, failures, .. } => tracing::warn!(
            target: TARGET,
            { monotonic_counter.smart_discovery_failures = 1_u64, document, code, failures },
            "{what}",
        ),
        Happening::Fetched { with_body, life } => tracing::info!(
            target: TARGET,
            {
                monotonic_counter.smart_discovery_fetches = 1_u64,
                document,
                with_body,
                life = life.as_secs(),
            },
            "{what}",
        ),
        Happening::KeyReplaced { kid } => tracing::warn!(
            target: TARGET,
            { monotonic_counter.smart_discovery_keys_replaced = 1_u64, document, %kid },
            "{what}",
        ),
        Happening::KeyAdded { kid } | Happening::KeyWithdrawn { kid } => {
            tracing::info!(target: TARGET, document, %kid, "{what}");
        }
        Happening::Purged => tracing::info!(target: TARGET, document, "{what}"),
        Happening::Restored { age } => {
            tracing::info!(target: TARGET, document, age = age.as_secs(), "{what}");
        }
    }
}
