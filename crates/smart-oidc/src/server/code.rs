//! Authorization codes: good once, for a minute, and only for whoever asked.

use core::fmt;
use core::time::Duration;

use smart_jose::crypto::RandomFailed;
use smart_jose::{CryptoProvider, ErrorClass, Text, UnixTime, base64url};

use super::authenticated::AuthenticatedClient;
use super::bounded::{Bounded, OfClient, fingerprint};
use super::grant_id::GrantId;
use super::pkce::{CodeChallenge, PkceError};
use super::refusal::Refusal;
use super::verdict::Verdict;
use crate::value::{AuthorizationCode, ClientId, RedirectUri};

/// A code is good for so long unless set otherwise (SMART App Launch 2.2: about one minute).
pub const CODE_LIFE: Duration = Duration::from_secs(60);
/// The longest life of a code (RFC 6749 4.1.2).
pub const MAX_CODE_LIFE: Duration = Duration::from_secs(600);
/// A code is remembered for so long unless set otherwise, so that a second use is noticed: as long
/// as an access token lives that was issued from it.
pub const CODE_MEMORY: Duration = Duration::from_secs(3600);
/// So many codes are remembered unless set otherwise.
pub const CODE_CAPACITY: usize = 10_000;

/// The authorization request that a code answers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CodeRequest {
    /// The client.
    pub client_id: ClientId,
    /// Where the code is sent, as the request spells it.
    pub redirect_uri: RedirectUri,
    /// What the verifier must belong to.
    pub challenge: CodeChallenge,
}

impl CodeRequest {
    /// The request, whose redirect URI has been found to be the client's.
    #[must_use]
    pub const fn new(
        client_id: ClientId,
        redirect_uri: RedirectUri,
        challenge: CodeChallenge,
    ) -> Self {
        Self {
            client_id,
            redirect_uri,
            challenge,
        }
    }
}

/// The codes of a server of one process, each with what was granted (`G`). For servers of several
/// see [the module](super#one-process-or-many).
///
/// A code is bound to the client, the redirect URI and the challenge of its request. Codes are
/// kept by their hash. When more are remembered than fit, one is forgotten: a client that has
/// not redeemed it is refused, and a second use of it is refused without being told from a guess. A
/// client that holds a quarter of the places makes room for itself; one with fewer takes the place of
/// the oldest code of the client that holds the most. So one that signs in without end never holds
/// more than a quarter of a full book, and pushes out codes of the largest client only.
pub struct CodeBook<G> {
    codes: Bounded<[u8; 32], Record<G>>,
    life: Duration,
    memory: Duration,
    provider: CryptoProvider,
}

struct Record<G> {
    request: CodeRequest,
    grant_id: GrantId,
    grant: G,
    issued: UnixTime,
    is_spent: bool,
}

impl<G> OfClient for Record<G> {
    fn client_id(&self) -> &ClientId {
        &self.request.client_id
    }
}

impl<G> CodeBook<G> {
    /// No codes yet.
    #[must_use]
    pub fn new(provider: &CryptoProvider) -> Self {
        Self {
            codes: Bounded::new(CODE_CAPACITY),
            life: CODE_LIFE,
            memory: CODE_MEMORY,
            provider: *provider,
        }
    }

    /// Codes that are good for so long, [`MAX_CODE_LIFE`] at most.
    #[must_use]
    pub fn with_life(mut self, life: Duration) -> Self {
        self.life = life.min(MAX_CODE_LIFE);
        self.memory = self.memory.max(self.life);
        self
    }

    /// Remembers a code for so long, its life at least: as long as there are tokens to revoke.
    #[must_use]
    pub fn with_memory(mut self, memory: Duration) -> Self {
        self.memory = memory.max(self.life);
        self
    }

    /// Remembers so many codes.
    #[must_use]
    pub const fn with_capacity(mut self, codes: usize) -> Self {
        self.codes.capacity = codes;
        self
    }

    /// A new code of 256 random bits for what a user has granted.
    ///
    /// # Errors
    ///
    /// [`RandomFailed`] where the operating system gives no random octets.
    pub fn issue(
        &mut self,
        request: CodeRequest,
        grant: G,
        now: UnixTime,
    ) -> Result<AuthorizationCode, RandomFailed> {
        let code = AuthorizationCode::new(base64url::encode(self.provider.random::<32>()?));
        let record = Record {
            request,
            grant_id: GrantId::generate(&self.provider)?,
            grant,
            issued: now,
            is_spent: false,
        };
        let key = fingerprint(code.expose_secret().as_bytes(), &self.provider);
        let until = now.saturating_add(self.memory);
        self.codes.insert(key, record, until, now);
        Ok(code)
    }

    /// Looks at a code that a client presents. It is spent by [`GoodCode::spend`], when the response
    /// is ready: a client whose request fails before keeps a code that it alone can use.
    ///
    /// After [`Verdict::Reused`] revoke every token of the grant: somebody else has the code, and
    /// nobody can say who came first (RFC 6749 4.1.2, RFC 9700 4.2.4).
    pub fn present(
        &mut self,
        code: &str,
        redemption: &Redemption<'_>,
        now: UnixTime,
    ) -> Verdict<GoodCode<'_, G>, CodeError> {
        let key = fingerprint(code.as_bytes(), &self.provider);
        let Some(record) = self.codes.get_mut(key, now) else {
            return Verdict::Refused(CodeError::Unknown);
        };
        if record.is_spent {
            return Verdict::Reused {
                grant_id: record.grant_id,
                error: CodeError::Reused,
            };
        }
        match record.judge(redemption, self.life, now, &self.provider) {
            Ok(()) => Verdict::Good(GoodCode { record }),
            Err(error) => Verdict::Refused(error),
        }
    }

    /// How many codes are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<G> Record<G> {
    fn judge(
        &self,
        redemption: &Redemption<'_>,
        life: Duration,
        now: UnixTime,
        provider: &CryptoProvider,
    ) -> Result<(), CodeError> {
        let age = now.saturating_since(self.issued);
        if age >= life {
            return Err(CodeError::Expired { age, life });
        }
        let client_id = redemption.client.client_id();
        if *client_id != self.request.client_id {
            return Err(CodeError::OtherClient {
                expected: Text::new(self.request.client_id.as_str()),
                found: Text::new(client_id.as_str()),
            });
        }
        let found = redemption.redirect_uri.ok_or(CodeError::NoRedirectUri)?;
        if found != self.request.redirect_uri.as_str() {
            return Err(CodeError::RedirectUri {
                expected: Text::new(self.request.redirect_uri.as_str()),
                found: Text::new(found),
            });
        }
        let challenge = &self.request.challenge;
        Ok(challenge.verify(redemption.code_verifier, provider)?)
    }
}

impl<G> fmt::Debug for CodeBook<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodeBook")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// What comes with a code to the token endpoint.
#[derive(Clone, Copy, Debug)]
pub struct Redemption<'a> {
    client: &'a AuthenticatedClient,
    redirect_uri: Option<&'a str>,
    code_verifier: Option<&'a str>,
}

impl<'a> Redemption<'a> {
    /// The client, `redirect_uri` and `code_verifier`.
    #[must_use]
    pub const fn new(
        client: &'a AuthenticatedClient,
        redirect_uri: Option<&'a str>,
        code_verifier: Option<&'a str>,
    ) -> Self {
        Self {
            client,
            redirect_uri,
            code_verifier,
        }
    }
}

/// A code that is good, and not spent yet. It holds the book, so nobody spends it meanwhile.
#[must_use = "a code that is not spent can be used again"]
pub struct GoodCode<'b, G> {
    record: &'b mut Record<G>,
}

impl<'b, G> GoodCode<'b, G> {
    /// What was granted.
    #[must_use]
    pub const fn grant(&self) -> &G {
        &self.record.grant
    }

    /// The name of the grant, to be kept with every token of it.
    #[must_use]
    pub const fn grant_id(&self) -> GrantId {
        self.record.grant_id
    }

    /// Spends the code: its second use is [`Verdict::Reused`].
    pub fn spend(self) -> &'b G {
        self.record.is_spent = true;
        &self.record.grant
    }
}

impl<G> fmt::Debug for GoodCode<'_, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GoodCode(***)")
    }
}

/// Why a code is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeError {
    /// The code is too old (RFC 6749 4.1.2).
    #[error("the code is {} s old, it is good for {} s", .age.as_secs(), .life.as_secs())]
    Expired {
        /// How old it is.
        age: Duration,
        /// How long it is good.
        life: Duration,
    },
    /// The request has no `redirect_uri` (RFC 6749 4.1.3).
    #[error("redirect_uri is missing")]
    NoRedirectUri,
    /// The code was issued to another client (RFC 6749 4.1.3).
    #[error("the code is {expected}'s, and {found} presents it")]
    OtherClient {
        /// Whose it is.
        expected: Text,
        /// Who presents it.
        found: Text,
    },
    /// The verifier does not fit.
    #[error(transparent)]
    Pkce(#[from] PkceError),
    /// The redirect URI is not the one of the authorization request (RFC 6749 4.1.3).
    #[error("redirect_uri is {found}, the code was sent to {expected}")]
    RedirectUri {
        /// Where the code was sent.
        expected: Text,
        /// What the request says.
        found: Text,
    },
    /// The code was used before: every token of the grant is to be revoked.
    #[error("the code was used before")]
    Reused,
    /// There is no such code, or it is so old that it is forgotten.
    #[error("there is no such code")]
    Unknown,
}

impl CodeError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Expired { .. } => "code-expired",
            Self::NoRedirectUri => "code-no-redirect-uri",
            Self::OtherClient { .. } => "code-other-client",
            Self::Pkce(error) => error.code(),
            Self::RedirectUri { .. } => "code-redirect-uri",
            Self::Reused => "code-reused",
            Self::Unknown => "code-unknown",
        }
    }

    /// Whose fault it is: always the request's.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::InvalidRequest
    }

    /// What the client is told (RFC 6749 5.2).
    #[must_use]
    pub const fn refusal(&self) -> Refusal {
        match self {
            Self::NoRedirectUri => Refusal::InvalidRequest,
            Self::Pkce(error) => error.refusal(),
            Self::Expired { .. }
            | Self::OtherClient { .. }
            | Self::RedirectUri { .. }
            | Self::Reused
            | Self::Unknown => Refusal::InvalidGrant,
        }
    }
}
