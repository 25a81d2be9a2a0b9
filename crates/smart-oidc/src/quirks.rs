//! Servers that are not as the standards say: what may be done otherwise for their sake.

/// Narrow relaxations for one server, each off unless it is set.
///
/// Nothing turns one on by itself. Each tells `tracing` when it bites, and leaves a finding with
/// what it changed. None of them touches a signature, an audience or a state.
///
/// ```
/// use smart_oidc::Quirks;
/// let mut quirks = Quirks::default();
/// quirks.raw_basic_credentials = true;
/// assert!(!quirks.send_no_nonce);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quirks {
    /// Sends no nonce, for a server that never puts it into the ID token. A token that has one all
    /// the same is then refused; there is no "sent but not checked".
    pub send_no_nonce: bool,
    /// Accepts an ID token whose `iss` differs from the trusted issuer by exactly one final slash.
    /// The user's issuer stays the trusted one.
    pub token_issuer_slash: bool,
    /// Repeats `client_id` in the body where an `Authorization` header or an assertion names the
    /// client already, for a server that looks for it there only.
    pub client_id_with_basic: bool,
    /// Joins id and secret as they are for HTTP Basic, and not form-encoded as RFC 6749 2.3.1
    /// has it, for a server that does not decode them. It makes a difference only where one of
    /// them has another character than letters, digits and `*-._`.
    pub raw_basic_credentials: bool,
    /// Reads `profile` where `fhirUser` is absent, for a server of SMART 1.0 that discovery does
    /// not know as one.
    pub smart_1_0_profile: bool,
}
