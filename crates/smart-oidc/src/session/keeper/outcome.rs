//! What came of a refresh, as a change to a session.

use core::time::Duration;

use smart_jose::UnixTime;

use crate::session::launch_session::LaunchSession;
use crate::token::TokenResponse;
use crate::value::RefreshToken;

/// What came of a refresh. It is a change and no session: whoever writes it down late makes it to the
/// session as it is by then, and undoes nothing that somebody else has written.
pub(super) enum Outcome {
    /// Tokens came, at this time.
    Tokens(Box<TokenResponse>, UnixTime),
    /// The refresh token is worth nothing.
    Over,
    /// Tokens came that are not accepted, perhaps with another refresh token to revoke.
    UsedUp(Option<RefreshToken>),
    /// The request changed nothing; it is tried again later, and not before the server wants it.
    NotCounted(UnixTime, Option<Duration>),
    /// No answer was read.
    Lost(UnixTime, Option<Duration>),
    /// The ID token that waited is of the same user.
    Accepted(UnixTime),
    /// It cannot be judged now.
    Undecided(UnixTime),
}

impl Outcome {
    /// Whether a session that was found lacks this, where `before` is the session that was asked for:
    /// nobody has sent the refresh token since. Tokens are news also to a store that has forgotten that
    /// they were asked for; that a request came to nothing is so only to the very record of it, since it
    /// would be counted twice.
    pub(super) fn is_news_to(&self, found: &LaunchSession, before: &LaunchSession) -> bool {
        let is_same = found.is_of_same_refresh(before);
        match self {
            Self::Tokens(..) | Self::Over | Self::UsedUp(_) | Self::Accepted(_) => is_same,
            Self::NotCounted(..) | Self::Lost(..) | Self::Undecided(_) => {
                let (found, before) = (&found.tokens, &before.tokens);
                is_same && found.sent == before.sent && found.rest == before.rest
            }
        }
    }

    pub(super) fn apply(&self, session: &mut LaunchSession) {
        let tokens = &mut session.tokens;
        match self {
            Self::Tokens(response, now) => session.receive(response, *now),
            Self::Over => tokens.refresh_is_over(),
            Self::UsedUp(issued) => tokens.refresh_is_used_up(issued.clone()),
            Self::NotCounted(now, asked) => {
                tokens.not_counted();
                tokens.rest(*now, *asked);
            }
            Self::Lost(now, asked) => tokens.rest(*now, *asked),
            Self::Accepted(now) => session.accept(*now),
            Self::Undecided(now) => tokens.rest(*now, None),
        }
    }
}
