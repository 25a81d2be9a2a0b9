//! What comes of a code or a refresh token that a client presents.

use super::grant_id::GrantId;

/// What comes of presenting something that is good once.
///
/// A second use is no error among others: somebody else has what was presented, nobody can say who
/// came first, and the tokens that were issued for it are in wrong hands (RFC 6749 4.1.2, RFC 9700
/// 4.2.4 and 4.14.2). So it stands apart, where `?` does not pass over it.
///
/// ```
/// use smart_oidc::server::{CodeError, Refusal, Verdict};
/// # fn present() -> Verdict<&'static str, CodeError> { Verdict::Refused(CodeError::Unknown) }
/// let answer = match present() {
///     Verdict::Good(grant) => Ok(grant),
///     Verdict::Reused { grant_id, error } => {
///         // End every access token and refresh token that is kept with `grant_id`.
///         # let _ = grant_id;
///         Err(error.refusal())
///     }
///     Verdict::Refused(error) => Err(error.refusal()),
/// };
/// assert_eq!(answer, Err(Refusal::InvalidGrant));
/// ```
#[derive(Debug)]
#[must_use = "after a second use the tokens of the grant are to be revoked"]
#[expect(
    clippy::exhaustive_enums,
    reason = "it is good, was used before, or is refused"
)]
pub enum Verdict<T, E> {
    /// It is good.
    Good(T),
    /// It was used before: every token of the grant is to be revoked.
    Reused {
        /// The grant.
        grant_id: GrantId,
        /// The same as an error, for the operator's log and for what the client is told.
        error: E,
    },
    /// It is refused, and nothing else follows.
    Refused(E),
}

impl<T, E> Verdict<T, E> {
    /// Ends the grant of a second use with `revoke`, which is called in no other case, and gives the
    /// rest for `?`. Where revoking waits for a database, match instead.
    ///
    /// # Errors
    ///
    /// That of [`Verdict::Reused`] or [`Verdict::Refused`].
    pub fn or_revoke(self, revoke: impl FnOnce(GrantId)) -> Result<T, E> {
        match self {
            Self::Good(good) => Ok(good),
            Self::Reused { grant_id, error } => {
                revoke(grant_id);
                Err(error)
            }
            Self::Refused(error) => Err(error),
        }
    }
}
