//! Refresh tokens: each good once, and a second use ends the grant.

use core::fmt;
use core::time::Duration;

use smart_jose::crypto::RandomFailed;
use smart_jose::{CryptoProvider, ErrorClass, Secret, Text, UnixTime, base64url};

use super::authenticated::AuthenticatedClient;
use super::bounded::{Bounded, Held, OfClient, fingerprint, is_same};
use super::grant_id::{GRANT_ID_OCTETS, GrantId};
use super::refusal::Refusal;
use super::verdict::Verdict;
use crate::value::{ClientId, RefreshToken};

/// A refresh token that is not used for so long is dead, unless set otherwise: 30 days.
pub const REFRESH_IDLE: Duration = Duration::from_secs(30 * 86_400);
/// A grant ends so long after it began, however often it was refreshed, unless set otherwise: a year.
pub const REFRESH_LIFE: Duration = Duration::from_secs(365 * 86_400);
/// So many grants are kept unless set otherwise.
pub const REFRESH_CAPACITY: usize = 10_000;

/// The secret part of a token, in octets.
const SECRET_OCTETS: usize = 32;
/// The length of a token: three octets make four characters. One that was cut off on its way is no
/// token, and not a former one.
const TOKEN_CHARACTERS: usize = (GRANT_ID_OCTETS + SECRET_OCTETS) / 3 * 4;

/// The refresh tokens of a server of one process, each with what was granted (`G`). For servers of
/// several see [the module](super#one-process-or-many).
///
/// Of each grant one token is good at any time. Using it gives the next one, and whoever presents
/// one that is not the current one shows that a token of the grant is in two hands: the grant ends,
/// and both have to ask the user again (RFC 9700 4.14.2). Tokens name their grant, so this holds for
/// every former token and not for the last few.
///
/// A client that loses the response to a refresh cannot repeat it: to the server it looks like a
/// thief. It begins a new sign-in.
///
/// Tokens are kept by their hash. When more grants are held than fit, the one that would end first,
/// most often the one that was unused for the longest time, is forgotten, and its user signs in again.
/// That is one of the client itself where it holds a quarter of the places, else one of the client that
/// holds the most: one that signs in without end never holds more than a quarter of a full book, and ends
/// grants of the largest client only. What was revoked or is over holds no place.
pub struct RefreshBook<G> {
    families: Bounded<GrantId, Family<G>>,
    idle: Duration,
    life: Duration,
    provider: CryptoProvider,
}

struct Family<G> {
    client_id: ClientId,
    current: [u8; 32],
    last_used: UnixTime,
    /// The grant ends then, however often it was refreshed.
    end: UnixTime,
    grant: G,
}

impl<G> OfClient for Family<G> {
    fn client_id(&self) -> &ClientId {
        &self.client_id
    }
}

impl<G> Family<G> {
    /// Until when it is of use to anybody.
    fn until(&self, idle: Duration) -> UnixTime {
        self.end.min(self.last_used.saturating_add(idle))
    }
}

impl<G> RefreshBook<G> {
    /// No tokens yet.
    #[must_use]
    pub fn new(provider: &CryptoProvider) -> Self {
        Self {
            families: Bounded::new(REFRESH_CAPACITY),
            idle: REFRESH_IDLE,
            life: REFRESH_LIFE,
            provider: *provider,
        }
    }

    /// A token that nobody uses for so long is dead (RFC 9700 4.14.2).
    #[must_use]
    pub const fn with_idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// A grant ends so long after it began.
    #[must_use]
    pub const fn with_life(mut self, life: Duration) -> Self {
        self.life = life;
        self
    }

    /// Keeps so many grants.
    #[must_use]
    pub const fn with_capacity(mut self, grants: usize) -> Self {
        self.families.capacity = grants;
        self
    }

    /// The first token of a grant, for the response in which its code was redeemed. A second one for
    /// the same grant takes the place of the first.
    ///
    /// # Errors
    ///
    /// [`RandomFailed`] where the operating system gives no random octets.
    pub fn issue(
        &mut self,
        grant_id: GrantId,
        client: &AuthenticatedClient,
        grant: G,
        now: UnixTime,
    ) -> Result<RefreshToken, RandomFailed> {
        let (token, current) = mint(grant_id, &self.provider)?;
        let family = Family {
            client_id: client.client_id().clone(),
            current,
            last_used: now,
            end: now.saturating_add(self.life),
            grant,
        };
        let until = family.until(self.idle);
        self.families.insert(grant_id, family, until, now);
        Ok(token)
    }

    /// Looks at a token that a client presents. It is spent by [`GoodRefreshToken::rotate`], when
    /// the rest of the response is ready: a client whose request fails before keeps its token.
    ///
    /// After [`Verdict::Reused`] the refresh tokens of the grant are revoked already; revoke its access
    /// tokens too.
    pub fn present(
        &mut self,
        token: &str,
        client: &AuthenticatedClient,
        now: UnixTime,
    ) -> Verdict<GoodRefreshToken<'_, G>, RefreshTokenError> {
        let unknown = Verdict::Refused(RefreshTokenError::Unknown);
        let Some((grant_id, found)) = self.read(token) else {
            return unknown;
        };
        let family = match self.family(grant_id, client, now) {
            Ok(family) => family,
            Err(error) => return Verdict::Refused(error),
        };
        let (idle, provider) = (self.idle, self.provider);
        let since = now.saturating_since(family.last_used);
        let is_current = is_same(&family.current, &found);
        if since >= idle {
            self.families.remove(grant_id);
            return Verdict::Refused(RefreshTokenError::Idle { since, idle });
        }
        if !is_current {
            self.families.remove(grant_id);
            let error = RefreshTokenError::Reused;
            return Verdict::Reused { grant_id, error };
        }
        let Some(family) = self.families.held(grant_id) else {
            return unknown;
        };
        Verdict::Good(GoodRefreshToken {
            family,
            idle,
            now,
            provider,
        })
    }

    /// Revokes the grant of a token that its client gives back, at whatever generation (RFC 7009
    /// 2.1). Gives the grant, whose access tokens go too; `None` where the token is unknown or
    /// another client's, of which that client learns nothing.
    #[must_use = "the access tokens of the grant go too"]
    pub fn revoke_token(
        &mut self,
        token: &str,
        client: &AuthenticatedClient,
        now: UnixTime,
    ) -> Option<GrantId> {
        let (grant_id, _) = self.read(token)?;
        self.family(grant_id, client, now).ok()?;
        self.families.remove(grant_id);
        Some(grant_id)
    }

    /// Revokes a grant: the user has signed out, or its code was used twice. Gives whether it was
    /// there.
    pub fn revoke(&mut self, grant_id: GrantId) -> bool {
        self.families.remove(grant_id).is_some()
    }

    /// What a token stands for, if it is the current one of its grant, whoever asks: for
    /// introspection. Nothing is spent.
    #[must_use]
    pub fn peek(&self, token: &str, now: UnixTime) -> Option<(GrantId, &ClientId, &G)> {
        let (grant_id, found) = self.read(token)?;
        let family = self.families.get(grant_id)?;
        let is_live = now < family.until(self.idle);
        (is_live && is_same(&family.current, &found)).then_some((
            grant_id,
            &family.client_id,
            &family.grant,
        ))
    }

    /// Whose grant a token names, at whatever generation and whether or not it is good: for a request
    /// that names no client ([`Credentials::of_public`](super::Credentials::of_public)).
    #[must_use]
    pub fn client_id_of(&self, token: &str) -> Option<&ClientId> {
        let (grant_id, _) = self.read(token)?;
        let family = self.families.get(grant_id)?;
        Some(&family.client_id)
    }

    /// How many grants are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.families.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The grant that a token names, and the hash of its secret.
    fn read(&self, token: &str) -> Option<(GrantId, [u8; 32])> {
        // Others are not even decoded.
        if token.len() != TOKEN_CHARACTERS {
            return None;
        }
        let octets = Secret::new(base64url::decode(token).ok()?);
        let (id, secret) = octets.expose_secret().split_first_chunk()?;
        Some((GrantId(*id), fingerprint(secret, &self.provider)))
    }

    fn family(
        &self,
        grant_id: GrantId,
        client: &AuthenticatedClient,
        now: UnixTime,
    ) -> Result<&Family<G>, RefreshTokenError> {
        let family = self.families.get(grant_id).filter(|it| now < it.end);
        let family = family.ok_or(RefreshTokenError::Unknown)?;
        if family.client_id != *client.client_id() {
            return Err(RefreshTokenError::OtherClient {
                expected: Text::new(family.client_id.as_str()),
                found: Text::new(client.client_id().as_str()),
            });
        }
        Ok(family)
    }
}

/// A new token of a grant, and the hash of its secret.
fn mint(
    grant_id: GrantId,
    provider: &CryptoProvider,
) -> Result<(RefreshToken, [u8; 32]), RandomFailed> {
    let secret = Secret::new(provider.random::<SECRET_OCTETS>()?);
    let octets = Secret::new([grant_id.0.as_slice(), secret.expose_secret()].concat());
    let token = RefreshToken::new(base64url::encode(octets.expose_secret()));
    Ok((token, fingerprint(secret.expose_secret(), provider)))
}

impl<G> fmt::Debug for RefreshBook<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshBook")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// A refresh token that is good, and not spent yet. It holds the book, so nobody spends it
/// meanwhile.
#[must_use = "a token that is not rotated can be used again"]
pub struct GoodRefreshToken<'b, G> {
    family: Held<'b, GrantId, Family<G>>,
    idle: Duration,
    now: UnixTime,
    provider: CryptoProvider,
}

impl<G> GoodRefreshToken<'_, G> {
    /// What was granted.
    #[must_use]
    pub const fn grant(&self) -> &G {
        &self.family.value().grant
    }

    /// The name of the grant, to be kept with every token of it.
    #[must_use]
    pub const fn grant_id(&self) -> GrantId {
        self.family.key()
    }

    /// Spends the token and gives the one that takes its place.
    ///
    /// # Errors
    ///
    /// [`RandomFailed`] where the operating system gives no random octets; the token is then still
    /// good.
    pub fn rotate(mut self) -> Result<RefreshToken, RandomFailed> {
        let (token, current) = mint(self.family.key(), &self.provider)?;
        let family = self.family.value_mut();
        family.current = current;
        family.last_used = self.now;
        let until = family.until(self.idle);
        self.family.keep_until(until);
        Ok(token)
    }
}

impl<G> fmt::Debug for GoodRefreshToken<'_, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GoodRefreshToken(***)")
    }
}

/// Why a refresh token is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshTokenError {
    /// Nobody used the token for so long that it is dead. Where its place was given to another grant
    /// meanwhile, it is [`RefreshTokenError::Unknown`].
    #[error("the token was not used for {} s, it is good for {} s", .since.as_secs(), .idle.as_secs())]
    Idle {
        /// How long it was not used.
        since: Duration,
        /// How long it may rest.
        idle: Duration,
    },
    /// The token is another client's (RFC 6749 6).
    #[error("the token is {expected}'s, and {found} presents it")]
    OtherClient {
        /// Whose it is.
        expected: Text,
        /// Who presents it.
        found: Text,
    },
    /// The token is not the current one of its grant: it was used before. The grant has ended.
    #[error("the token was used before, and its grant has ended")]
    Reused,
    /// There is no such token, or its grant has ended.
    #[error("there is no such token")]
    Unknown,
}

impl RefreshTokenError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Idle { .. } => "refresh-token-idle",
            Self::OtherClient { .. } => "refresh-token-other-client",
            Self::Reused => "refresh-token-reused",
            Self::Unknown => "refresh-token-unknown",
        }
    }

    /// Whose fault it is: always the request's.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::InvalidRequest
    }

    /// What the client is told: always `invalid_grant` (RFC 6749 5.2).
    #[must_use]
    pub const fn refusal(&self) -> Refusal {
        Refusal::InvalidGrant
    }
}
