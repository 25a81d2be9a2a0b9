//! What the program tells whoever runs it, and what it counts.

use std::io;

use smart_axum::Metrics;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;

/// Writes what our crates tell to standard error, and counts it. No event of theirs has a secret or
/// names a person; those of others are left out, as nobody here has looked at them.
pub(super) fn start(level: &str, metrics: &Metrics) {
    let level = level.parse().unwrap_or(LevelFilter::INFO);
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(false);
    let ours = Targets::new().with_target("smart", level);
    let subscriber = tracing_subscriber::registry()
        .with(metrics.clone())
        .with(lines.with_filter(ours));
    // There is one already only where another part of the program has begun one, which then serves.
    let _ = tracing::subscriber::set_global_default(subscriber);
}
