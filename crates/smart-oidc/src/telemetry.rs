//! What a program's `tracing` subscriber is told, with the feature of that name: what was judged,
//! and the code of the error. Never a value.
//!
//! A field that begins with `monotonic_counter.` is a counter to subscribers that know the
//! convention, and a plain field to all others.

/// Tells that something was judged; `code` is that of the error, if there was one.
pub(crate) fn judged(what: &'static str, code: Option<&'static str>) {
    #[cfg(feature = "tracing")]
    match code {
        None => tracing::info!(
            target: "smart_oidc",
            { monotonic_counter.smart_oidc_accepted = 1_u64, what },
            "accepted",
        ),
        Some(code) => tracing::warn!(
            target: "smart_oidc",
            { monotonic_counter.smart_oidc_refused = 1_u64, what, code },
            "refused",
        ),
    }
    #[cfg(not(feature = "tracing"))]
    let _ = (what, code);
}

/// Tells that a quirk made a difference.
pub(crate) fn relaxed(quirk: &'static str) {
    #[cfg(feature = "tracing")]
    tracing::warn!(
        target: "smart_oidc",
        { monotonic_counter.smart_oidc_relaxed = 1_u64, quirk },
        "relaxed",
    );
    #[cfg(not(feature = "tracing"))]
    let _ = quirk;
}

/// Tells that something was odd and was met all the same; `code` is that of the finding.
pub(crate) fn odd(what: &'static str, code: &'static str) {
    #[cfg(feature = "tracing")]
    tracing::info!(target: "smart_oidc", { what, code }, "odd");
    #[cfg(not(feature = "tracing"))]
    let _ = (what, code);
}
