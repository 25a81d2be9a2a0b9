//! The tokens of a session, and where its refresh stands.

use core::fmt;
use core::time::Duration;

use smart_jose::UnixTime;

use crate::token::TokenResponse;
use crate::value::{AccessToken, RefreshToken};

/// A token is refreshed when a fifth of its life is left, and at most so long before its end.
const MAX_AHEAD: Duration = Duration::from_secs(300);

/// How often a refresh token is sent before an answer was read: once, and once more by whoever
/// finds that the first answer was lost.
const MAX_SENT: u8 = 2;

/// The count of a refresh token that an answer has used up. It is kept to be revoked.
const USED_UP: u8 = u8::MAX;

/// While the access token serves, the last request is put off until so long before its end, or half
/// the time by which a refresh is ahead: an outage of some seconds must not use up both.
const LAST_AHEAD: Duration = Duration::from_secs(60);

/// Where it serves no more, so long is waited before the last request.
const LAST_REST: Duration = Duration::from_secs(15);

/// After a failure that says nothing about the session, so long is waited; then twice as long,
/// and so on up to [`MAX_REST`].
const REST: Duration = Duration::from_secs(2);
const MAX_REST: Duration = Duration::from_secs(60);

/// Clocks of nodes that share a session may differ by so much.
pub(crate) const CLOCK_SPREAD: Duration = Duration::from_secs(60);

/// The tokens that a session uses.
#[derive(Clone)]
pub(crate) struct Tokens {
    pub(crate) access: AccessToken,
    /// When the access token came, and when it ends, if the server says.
    pub(crate) received_at: UnixTime,
    pub(crate) ends_at: Option<UnixTime>,
    pub(crate) refresh: Option<RefreshToken>,
    /// How often the refresh token was sent without an answer that was read; see also [`USED_UP`].
    pub(crate) sent: u8,
    pub(crate) rest: Rest,
}

/// When a refresh may be tried again, after failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rest {
    /// When it began, by the clock of the node that failed.
    pub(crate) from: UnixTime,
    pub(crate) until: UnixTime,
    pub(crate) failures: u8,
}

impl Rest {
    /// No failure, no rest.
    pub(crate) const NONE: Self = Self {
        from: UnixTime::from_secs(0),
        until: UnixTime::from_secs(0),
        failures: 0,
    };

    /// Until when it lasts. One that begins in the future was written by a node whose clock is
    /// fast, and counts for none: it could last as long as that clock is wrong.
    fn lasts(self, now: UnixTime) -> Option<UnixTime> {
        let has_begun = self.from <= now.saturating_add(CLOCK_SPREAD);
        (has_begun && now < self.until).then_some(self.until)
    }
}

/// What a session needs before its access token can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing.
    Nothing,
    /// A refresh, but the access token serves until then.
    RefreshAhead,
    /// A refresh, before anything can be done.
    RefreshNow,
    /// A refresh, which may be tried at this time.
    Rest(UnixTime),
    /// A new launch.
    Launch(Over),
}

/// Why a session cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// The access token has ended, and there is no refresh token.
    Ended,
    /// The access token has ended, and it is not known whether the refresh token was used.
    InDoubt,
}

impl Tokens {
    /// Those of an answer that has just come.
    pub(crate) fn received(response: &TokenResponse, now: UnixTime) -> Self {
        Self {
            access: response.access_token.clone(),
            received_at: now,
            ends_at: response.expires_in.map(|life| now.saturating_add(life)),
            refresh: response.refresh_token.clone(),
            sent: 0,
            rest: Rest::NONE,
        }
    }

    /// What is needed at this time. `rejected` says that the FHIR server refuses the access token,
    /// whatever its end.
    pub(crate) fn need(&self, now: UnixTime, rejected: bool) -> Need {
        let serves = self.serves(now) && !rejected;
        if serves && now < self.refresh_at() {
            return Need::Nothing;
        }
        match (serves, self.can_refresh()) {
            (true, false) => Need::Nothing,
            (_, true) => self.when_rested(now, serves),
            (false, false) if self.refresh.is_some() && self.sent != USED_UP => {
                Need::Launch(Over::InDoubt)
            }
            (false, false) => Need::Launch(Over::Ended),
        }
    }

    /// What is needed where a refresh is possible and due: it waits until the rest is over.
    pub(crate) fn when_rested(&self, now: UnixTime, serves: bool) -> Need {
        match (serves, self.rest.lasts(now)) {
            (true, Some(_)) => Need::Nothing,
            (true, None) => Need::RefreshAhead,
            (false, Some(until)) => Need::Rest(until),
            (false, None) => Need::RefreshNow,
        }
    }

    /// Whether there is a refresh token that may be sent.
    pub(crate) const fn can_refresh(&self) -> bool {
        self.refresh.is_some() && !self.is_spent()
    }

    /// Whether the access token has not ended.
    pub(crate) fn serves(&self, now: UnixTime) -> bool {
        self.ends_at.is_none_or(|end| now < end)
    }

    /// From when on the access token is refreshed. One whose end is not known is refreshed when
    /// the FHIR server refuses it.
    fn refresh_at(&self) -> UnixTime {
        let Some(end) = self.ends_at else {
            return UnixTime::from_secs(u64::MAX);
        };
        let life = end.as_secs().saturating_sub(self.received_at.as_secs());
        let mut ahead = (life / 5).min(MAX_AHEAD.as_secs());
        if self.sent.saturating_add(1) >= MAX_SENT {
            ahead = (ahead / 2).min(LAST_AHEAD.as_secs());
        }
        UnixTime::from_secs(end.as_secs().saturating_sub(ahead))
    }

    /// Whether a request with the refresh token left and no answer to it was read.
    pub(crate) const fn is_in_doubt(&self) -> bool {
        self.sent > 0 && self.sent != USED_UP
    }

    /// Whether the refresh token was sent as often as it may be.
    pub(crate) const fn is_spent(&self) -> bool {
        self.sent >= MAX_SENT
    }

    /// Takes note, before the request leaves.
    pub(crate) const fn sending(&mut self) {
        self.sent = self.sent.saturating_add(1);
    }

    /// Takes note that the request has changed nothing: it did not leave, or the answer leaves the
    /// refresh token as it was. That says nothing about a request before whose answer was lost.
    pub(crate) const fn not_counted(&mut self) {
        self.sent = self.sent.saturating_sub(1);
    }

    /// Takes note that an answer came that is not accepted: nothing is asked with this refresh token
    /// any more.
    pub(crate) const fn refresh_is_used_up(&mut self) {
        self.sent = USED_UP;
    }

    /// Whether the refresh token is this one, and was sent as often: whoever has sent it knows by
    /// that whether somebody else has done so since.
    pub(crate) fn has_mark_of(&self, marked: &Self) -> bool {
        let secret = |it: &Self| it.refresh.as_ref().map(|it| it.expose_secret().to_owned());
        self.sent == marked.sent && secret(self) == secret(marked)
    }

    /// Takes note that the refresh token is worth nothing any more.
    pub(crate) fn refresh_is_over(&mut self) {
        self.sent = 0;
        self.refresh = None;
    }

    /// After a failure: waits a little, each time twice as long, and not shorter than the server
    /// asks for.
    pub(crate) fn rest(&mut self, now: UnixTime, asked: Option<Duration>) {
        let doubled = REST.saturating_mul(1 << self.rest.failures.min(5));
        let is_last = self.sent.saturating_add(1) >= MAX_SENT;
        let least = if is_last { LAST_REST } else { REST };
        let pause = doubled
            .clamp(least, MAX_REST)
            .max(asked.unwrap_or_default());
        self.rest = Rest {
            from: now,
            until: now.saturating_add(pause),
            failures: self.rest.failures.saturating_add(1),
        };
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("ends_at", &self.ends_at)
            .field("has_refresh_token", &self.refresh.is_some())
            .field("sent", &self.sent)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> UnixTime {
        UnixTime::from_secs(seconds)
    }

    /// Received at 1000, for an hour.
    fn tokens() -> Tokens {
        Tokens {
            access: AccessToken::new("access"),
            received_at: at(1000),
            ends_at: Some(at(4600)),
            refresh: Some(RefreshToken::new("refresh")),
            sent: 0,
            rest: Rest::NONE,
        }
    }

    #[test]
    fn a_refresh_is_needed_ahead_of_the_end() {
        let long = tokens();
        // Five minutes ahead, not a fifth of the hour.
        assert_eq!(long.need(at(4299), false), Need::Nothing);
        assert_eq!(long.need(at(4300), false), Need::RefreshAhead);
        assert_eq!(long.need(at(4599), false), Need::RefreshAhead);
        assert_eq!(long.need(at(4600), false), Need::RefreshNow);
        let mut short = tokens();
        short.ends_at = Some(at(1300));
        assert_eq!(short.need(at(1239), false), Need::Nothing);
        assert_eq!(short.need(at(1240), false), Need::RefreshAhead);
        let mut endless = tokens();
        endless.ends_at = None;
        assert_eq!(endless.need(at(u64::MAX - 1), false), Need::Nothing);
        // Whatever its end, a token that the FHIR server refuses is refreshed at once.
        assert_eq!(endless.need(at(1001), true), Need::RefreshNow);
        assert_eq!(long.need(at(1001), true), Need::RefreshNow);
    }

    #[test]
    fn without_a_refresh_token_a_session_lives_until_its_access_token_ends() {
        let mut tokens = tokens();
        tokens.refresh = None;
        assert_eq!(tokens.need(at(4599), false), Need::Nothing);
        assert_eq!(tokens.need(at(4600), false), Need::Launch(Over::Ended));
        assert_eq!(tokens.need(at(1001), true), Need::Launch(Over::Ended));
    }

    #[test]
    fn a_lost_answer_is_followed_by_one_more_request_and_no_third() {
        let mut tokens = tokens();
        tokens.sending();
        assert!(tokens.is_in_doubt());
        // Somebody else finds it so: the holder before is gone, or has an answer that he cannot write
        // down yet. While the access token serves there is time.
        assert_eq!(tokens.need(at(4300), false), Need::Nothing);
        assert_eq!(tokens.need(at(4539), false), Need::Nothing);
        assert_eq!(tokens.need(at(4540), false), Need::RefreshAhead);
        assert_eq!(tokens.need(at(4600), false), Need::RefreshNow);
        let mut short = tokens.clone();
        short.ends_at = Some(at(1300));
        assert_eq!(short.need(at(1269), false), Need::Nothing);
        assert_eq!(short.need(at(1270), false), Need::RefreshAhead);
        // Where it has ended, an outage of some seconds is waited for.
        let mut ended = tokens.clone();
        ended.rest(at(4600), None);
        assert_eq!(ended.need(at(4614), false), Need::Rest(at(4615)));
        assert_eq!(ended.need(at(4615), false), Need::RefreshNow);
        tokens.sending();
        tokens.rest(at(4300), None);
        for now in [4300, 4400, 4599] {
            assert_eq!(tokens.need(at(now), false), Need::Nothing, "{now}");
        }
        assert_eq!(tokens.need(at(4600), false), Need::Launch(Over::InDoubt));
        assert_eq!(tokens.need(at(4300), true), Need::Launch(Over::InDoubt));
    }

    #[test]
    fn a_request_that_never_left_does_not_count_and_is_not_repeated_at_once() {
        let mut tokens = tokens();
        for (failure, rest) in [2, 4, 8, 16, 32, 60, 60, 60].into_iter().enumerate() {
            tokens.sending();
            tokens.not_counted();
            tokens.rest(at(4700), None);
            assert!(!tokens.is_in_doubt());
            let until = at(4700 + rest);
            assert_eq!(tokens.need(at(4700), false), Need::Rest(until), "{failure}");
            assert_eq!(tokens.need(until, false), Need::RefreshNow);
        }
        // While the access token serves, nobody waits.
        (tokens.rest.from, tokens.rest.until) = (at(4340), at(4400));
        assert_eq!(tokens.need(at(4350), false), Need::Nothing);
        assert_eq!(tokens.need(at(4400), false), Need::RefreshAhead);
        assert_eq!(tokens.need(at(4350), true), Need::Rest(at(4400)));
    }

    #[test]
    fn a_rest_is_as_long_as_the_server_asks_for() {
        let asked = |seconds: u64| {
            let mut tokens = tokens();
            tokens.rest(at(4700), Some(Duration::from_secs(seconds)));
            tokens.need(at(4700), false)
        };
        assert_eq!(asked(600), Need::Rest(at(5300)));
        assert_eq!(asked(1), Need::Rest(at(4702)));
    }

    #[test]
    fn a_rest_of_a_node_whose_clock_is_fast_is_none() {
        let mut tokens = tokens();
        tokens.rest(at(4700), None);
        assert_eq!(tokens.need(at(4640), false), Need::Rest(at(4702)));
        // By this node's clock the rest was written more than a minute in the future.
        assert_eq!(tokens.need(at(4639), false), Need::RefreshNow);
    }

    #[test]
    fn an_answer_ends_the_doubt() {
        let mut answered = tokens();
        answered.sending();
        answered.not_counted();
        assert!(!answered.is_in_doubt() && answered.refresh.is_some());
        // A refusal now does not say what became of the request before.
        let mut lost = tokens();
        lost.sending();
        lost.sending();
        lost.not_counted();
        assert!(lost.is_in_doubt() && !lost.is_spent());
        lost.sending();
        assert!(lost.is_spent());
        let mut used_up = tokens();
        used_up.sending();
        used_up.refresh_is_used_up();
        assert!(!used_up.is_in_doubt() && !used_up.can_refresh());
        assert_eq!(used_up.need(at(4599), false), Need::Nothing);
        assert_eq!(used_up.need(at(4600), false), Need::Launch(Over::Ended));
        let mut refused = tokens();
        refused.sending();
        refused.refresh_is_over();
        assert_eq!(refused.need(at(4599), false), Need::Nothing);
        assert_eq!(refused.need(at(4600), false), Need::Launch(Over::Ended));
    }
}
