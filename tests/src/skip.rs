//! Tests that need what a machine may lack: they say so, and never pass in silence.

use std::io::{self, Write as _};

/// Whether `SMART_TEST_REQUIRE`, a list with commas, names this tool.
#[expect(
    clippy::disallowed_methods,
    reason = "whoever runs the tests says what may be missing"
)]
#[must_use]
pub fn is_required(tool: &str) -> bool {
    let required = std::env::var("SMART_TEST_REQUIRE").unwrap_or_default();
    required.split(',').any(|it| it.trim() == tool)
}

/// Says that a test is skipped, on standard error; where the tool is required, it fails instead.
pub fn say(tool: &str, test: &str, reason: &str) {
    assert!(!is_required(tool), "{tool} is required: {reason}");
    // The test harness swallows what `eprintln` writes.
    let _ = writeln!(io::stderr(), "SKIPPED {test}: {reason}");
}
