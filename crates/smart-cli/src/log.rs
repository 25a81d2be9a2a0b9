//! What the program tells whoever runs it, and what it counts.

use std::io;

use smart_axum::Metrics;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::exit::Failure;

/// What is told unless it is said: whatever a person may ask about.
pub(crate) const USUAL: &str = "warn";

/// The names of the levels.
pub(crate) const LEVELS: [&str; 5] = ["off", "error", "warn", "info", "debug"];

/// Writes what our crates tell to standard error from this level on, and counts all of it where there are
/// counters. No event of theirs has a secret or names a person; those of others are left out, as nobody here
/// has looked at them.
pub(crate) fn start(level: &str, metrics: Option<&Metrics>) -> Result<(), Failure> {
    let found = level.parse::<LevelFilter>().ok();
    let found = found.filter(|_| LEVELS.contains(&level));
    let level = found.ok_or_else(|| {
        let levels = LEVELS.join(", ");
        Failure::usage(format!("log is none of {levels}"))
    })?;
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(false);
    let ours = |level| Targets::new().with_target("smart", level);
    let counted = metrics.cloned();
    let subscriber = tracing_subscriber::registry()
        .with(counted.with_filter(ours(LevelFilter::INFO)))
        .with(lines.with_filter(ours(level)));
    // There is one already only where another part of the program has begun one, which then serves.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(())
}
