//! Counters, and their text in the form that Prometheus reads.
//!
//! The libraries tell what happens in `tracing` events, whose fields `monotonic_counter.NAME` are
//! counters. [`Metrics`] is a layer of the program's subscriber that counts them. Every label is one
//! of a few that the libraries write, and its value is a code: nothing that comes from outside can
//! make another series.

use core::fmt::{self, Write as _};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Whose events are counted.
const TARGETS: [&str; 3] = ["smart_axum", "smart_discovery", "smart_oidc"];
/// The fields that become labels. The host of a document is none of them: a document can name
/// another.
const LABELS: [&str; 4] = ["code", "document", "quirk", "what"];
const COUNTER: &str = "monotonic_counter.";
/// More series than all codes of the libraries can make. Whatever lies beyond is counted as one.
const MAX_SERIES: usize = 2_000;

/// The counters of a program. It is cheap to clone, and all clones count together.
///
/// ```
/// use smart_axum::web::Metrics;
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let metrics = Metrics::new();
/// let subscriber = tracing_subscriber::registry().with(metrics.clone());
/// tracing::subscriber::with_default(subscriber, || {
///     // As the libraries tell it.
///     tracing::info!(
///         target: "smart_oidc",
///         { monotonic_counter.smart_oidc_accepted = 1_u64, what = "id-token" },
///         "accepted",
///     );
/// });
/// assert!(metrics.to_text().contains("smart_oidc_accepted_total{what=\"id-token\"} 1\n"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    counters: Arc<Mutex<Counters>>,
}

#[derive(Debug, Default)]
struct Counters {
    /// By name, then by labels in the form of the text.
    series: BTreeMap<String, BTreeMap<String, u64>>,
    count: usize,
    dropped: u64,
}

impl Metrics {
    /// All at zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts something of our own.
    pub(super) fn count(&self, name: &str, labels: &[(&str, &str)]) {
        self.lock().add(name, labels, 1);
    }

    /// All counters as text (Prometheus exposition format 0.0.4). The names end in `_total`.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let counters = self.lock();
        for (name, series) in &counters.series {
            let _ = writeln!(text, "# TYPE {name}_total counter");
            for (labels, value) in series {
                let _ = writeln!(text, "{name}_total{labels} {value}");
            }
        }
        let dropped = counters.dropped;
        let _ = writeln!(text, "# TYPE smart_axum_series_dropped_total counter");
        let _ = writeln!(text, "smart_axum_series_dropped_total {dropped}");
        text
    }

    fn lock(&self) -> MutexGuard<'_, Counters> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counters {
    fn add(&mut self, name: &str, labels: &[(&str, &str)], by: u64) {
        let labels = written(labels);
        let known = self.series.get_mut(name).and_then(|it| it.get_mut(&labels));
        if let Some(value) = known {
            *value = value.saturating_add(by);
        } else if self.count < MAX_SERIES {
            self.count += 1;
            let series = self.series.entry(name.to_owned()).or_default();
            series.insert(labels, by);
        } else {
            self.dropped = self.dropped.saturating_add(by);
        }
    }
}

/// `{a="b",c="d"}`, or nothing where there is none.
fn written(labels: &[(&str, &str)]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let mut text = String::from("{");
    for (at, (name, value)) in labels.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        text.push_str(name);
        text.push_str("=\"");
        for it in value.chars() {
            match it {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                it => text.push(it),
            }
        }
        text.push('"');
    }
    text.push('}');
    text
}

/// The lines of a gauge.
pub(super) fn gauge(text: &mut String, name: &str, values: &[(&[(&str, &str)], u64)]) {
    let _ = writeln!(text, "# TYPE {name} gauge");
    for (labels, value) in values {
        let _ = writeln!(text, "{name}{} {value}", written(labels));
    }
}

/// What one event counts, and with which labels.
#[derive(Default)]
struct Read {
    counters: Vec<(&'static str, u64)>,
    labels: Vec<(&'static str, String)>,
}

impl Visit for Read {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if let Some(name) = field.name().strip_prefix(COUNTER) {
            self.counters.push((name, value));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if LABELS.contains(&field.name()) {
            self.labels.push((field.name(), value.to_owned()));
        }
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn fmt::Debug) {}
}

impl<S: Subscriber> Layer<S> for Metrics {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        if !TARGETS.contains(&event.metadata().target()) {
            return;
        }
        let mut read = Read::default();
        event.record(&mut read);
        if read.counters.is_empty() {
            return;
        }
        read.labels.sort_unstable();
        let labels = read
            .labels
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        let labels: Vec<_> = labels.collect();
        let mut counters = self.lock();
        for (name, value) in read.counters {
            counters.add(name, &labels, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::layer::SubscriberExt;

    fn told(tell: impl FnOnce()) -> String {
        let metrics = Metrics::new();
        let subscriber = tracing_subscriber::registry().with(metrics.clone());
        tracing::subscriber::with_default(subscriber, tell);
        metrics.to_text()
    }

    #[test]
    fn what_the_libraries_tell_is_counted_by_code() {
        let text = told(|| {
            for code in ["jws-signature", "jws-signature", "claim-expired"] {
                tracing::warn!(target: "smart_oidc", { monotonic_counter.refused = 1_u64, what = "id-token", code }, "refused");
            }
            tracing::warn!(target: "smart_discovery", { monotonic_counter.fetches = 1_u64, host = "evil.example", kid = "x" }, "fetched");
        });
        assert!(text.contains("# TYPE refused_total counter\n"), "{text}");
        assert!(text.contains("refused_total{code=\"jws-signature\",what=\"id-token\"} 2\n"));
        assert!(text.contains("refused_total{code=\"claim-expired\",what=\"id-token\"} 1\n"));
        assert!(
            text.contains("fetches_total 1\n") && !text.contains("evil"),
            "{text}"
        );
    }

    #[test]
    fn nobody_else_makes_a_series_and_there_is_an_end_of_them() {
        let text = told(|| {
            tracing::info!(target: "app", { monotonic_counter.own = 1_u64, code = "x" }, "own");
        });
        assert!(!text.contains("own_total"), "{text}");
        let metrics = Metrics::new();
        for number in 0..MAX_SERIES + 7 {
            metrics.count("n", &[("code", &number.to_string())]);
        }
        let text = metrics.to_text();
        assert!(text.contains("smart_axum_series_dropped_total 7\n"));
        assert_eq!(
            text.lines().filter(|it| it.starts_with("n_total{")).count(),
            MAX_SERIES
        );
    }

    #[test]
    fn a_label_cannot_end_its_line() {
        assert_eq!(written(&[("code", "a\"b\\c\nd")]), r#"{code="a\"b\\c\nd"}"#);
    }
}
