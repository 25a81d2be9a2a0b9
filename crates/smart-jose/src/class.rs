//! The one question a server has when something fails: whose fault is it?

/// Whose fault a failure is; coarse enough to be shown to a peer.
///
/// The name in brackets is the HTTP status that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorClass {
    /// The token, or the keys and claims in it, did not pass (401).
    InvalidToken,
    /// The request around it was not right (400).
    InvalidRequest,
    /// A server that we depend on failed or is not reachable; trying again may help (502, 503).
    Upstream,
    /// We were set up wrongly, or asked for what the backend does not offer (500).
    Configuration,
}

impl ErrorClass {
    /// A stable name in kebab case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidToken => "invalid-token",
            Self::InvalidRequest => "invalid-request",
            Self::Upstream => "upstream",
            Self::Configuration => "configuration",
        }
    }
}
