//! Who is told what happens: the program's observer, and with the feature `tracing` also its
//! subscriber, by names, codes and counts.
//!
//! A field that begins with `monotonic_counter.` is a counter to subscribers that know the
//! convention, and a plain field to all others.

use crate::observe::{Event, Observer};

/// Tells everybody.
pub(crate) fn tell(observer: Option<&dyn Observer>, event: &Event) {
    #[cfg(feature = "tracing")]
    record(event);
    if let Some(observer) = observer {
        observer.observe(event);
    }
}

/// The target of all our spans and events.
#[cfg(feature = "tracing")]
const TARGET: &str = "smart_discovery";

/// The span of one fetch.
#[cfg(feature = "tracing")]
pub(crate) fn fetching(document: &'static str) -> tracing::Span {
    tracing::info_span!(target: TARGET, "fetch", document)
}

#[cfg(feature = "tracing")]
fn record(event: &Event) {
    use crate::observe::Happening;

    let (document, host, what) = (event.document.name(), event.host(), event.what.code());
    match &event.what {
        Happening::Failed { code, failures, .. } => tracing::warn!(
            target: TARGET,
            { monotonic_counter.smart_discovery_failures = 1_u64, document, host, code, failures },
            "{what}",
        ),
        Happening::Fetched { with_body, life } => tracing::info!(
            target: TARGET,
            {
                monotonic_counter.smart_discovery_fetches = 1_u64,
                document,
                host,
                with_body,
                life = life.as_secs(),
            },
            "{what}",
        ),
        Happening::KeyReplaced { kid } => tracing::warn!(
            target: TARGET,
            { monotonic_counter.smart_discovery_keys_replaced = 1_u64, document, host, %kid },
            "{what}",
        ),
        Happening::KeyAdded { kid } | Happening::KeyWithdrawn { kid } => {
            tracing::info!(target: TARGET, document, host, %kid, "{what}");
        }
        Happening::Purged => tracing::info!(target: TARGET, document, host, "{what}"),
        Happening::Restored { age } => {
            tracing::info!(target: TARGET, document, host, age = age.as_secs(), "{what}");
        }
    }
}
