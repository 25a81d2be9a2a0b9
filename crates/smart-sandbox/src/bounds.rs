//! How much is taken before more is refused.

/// So many apps can be registered.
pub(crate) const MAX_CLIENTS: usize = 1_000;
/// So many may sign in.
pub(crate) const MAX_USERS: usize = 500;
/// So many resources are served.
pub(crate) const MAX_RESOURCES: usize = 2_000;
