//! A fault: its name, what the sandbox then does, and what a client must do about it.

use core::fmt;

use axum::response::Response;
use http::response::Parts;
use serde_json::{Map, Value};

use super::moment::{Genuine, Moment};
use crate::key_rings::KeyRings;

/// Something that a server does wrong.
///
/// ```
/// # #[cfg(feature = "ring")] {
/// use smart_jose::CryptoProvider;
/// use smart_sandbox::{Fault, Sandbox, Times};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let ehr = Sandbox::start(CryptoProvider::ring()).await.unwrap();
/// let fault = Fault::named("other-nonce").unwrap();
/// assert_eq!(fault.client_must(), "refuse the ID token: it answers another request");
/// ehr.play(fault, Times::Once).unwrap();
/// # });
/// # }
/// ```
pub struct Fault {
    pub(crate) name: &'static str,
    pub(crate) does: &'static str,
    pub(crate) client_must: &'static str,
    pub(crate) clause: &'static str,
    pub(crate) act: Act,
}

/// A row of a table of faults.
pub(super) const fn fault(
    name: &'static str,
    does: &'static str,
    client_must: &'static str,
    clause: &'static str,
    act: Act,
) -> Fault {
    Fault {
        name,
        does,
        client_must,
        clause,
        act,
    }
}

impl Fault {
    /// Its name, in kebab case.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What the sandbox does.
    #[must_use]
    pub const fn does(&self) -> &'static str {
        self.does
    }

    /// What a correct client does.
    #[must_use]
    pub const fn client_must(&self) -> &'static str {
        self.client_must
    }

    /// The clause or the advisory that says so.
    #[must_use]
    pub const fn clause(&self) -> &'static str {
        self.clause
    }
}

impl PartialEq for Fault {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Fault {}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fault").field(&self.name).finish()
    }
}

/// How often a fault is played. It counts each time when it has spoilt something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Times {
    /// The next time.
    Once,
    /// The next so many times; 0 is never.
    So(u32),
    /// Until it is taken back.
    UntilTakenBack,
}

impl Times {
    /// How many times are left; `None` where there is no end.
    #[must_use]
    pub const fn left(self) -> Option<u32> {
        match self {
            Self::Once => Some(1),
            Self::So(times) => Some(times),
            Self::UntilTakenBack => None,
        }
    }
}

/// Which answers are spoilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    SmartConfiguration,
    OpenidConfiguration,
    Jwks,
    /// The answer to a code.
    Code,
    /// The answer to a refresh token.
    Refresh,
    /// A resource that is read.
    Read,
    UserInfo,
    Revocation,
}

/// Which ID tokens are spoilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// The one of the sign-in.
    First,
    /// The ones of refreshes.
    Refreshed,
}

/// The one place at which a fault acts.
pub(crate) enum Act {
    /// On the claims, before they are signed.
    Claims(Which, fn(&mut Map<String, Value>, &Moment<'_>)),
    /// On the token, after it was signed.
    Forge(Which, fn(&Genuine<'_>, &Moment<'_>) -> String),
    /// On the keys, just before they sign.
    Keys(fn(&mut KeyRings)),
    /// On the `iss` with which the EHR starts an app.
    Launch(fn(&mut String, &Moment<'_>)),
    /// On the parameters that go back to the app.
    Callback(fn(&mut Vec<(String, String)>, &Moment<'_>)),
    /// On the JSON of an answer.
    Body(At, fn(&mut Value, &Moment<'_>)),
    /// On the text of an answer, where the model of JSON does not reach.
    Text(At, fn(&str) -> Vec<u8>),
    /// On the status and the headers of an answer.
    Head(At, fn(&mut Parts)),
    /// On a UserInfo answer that is signed, which it is then for an app that did not ask for it too.
    SignedUserInfo(fn(&Genuine<'_>, &Moment<'_>) -> String),
    /// In the place of an answer.
    Answer(At, fn(&Moment<'_>) -> Response),
    /// An answer comes late.
    Late(At),
    /// A refresh leaves the refresh token as it is, and brings none.
    KeepRefreshToken,
}

impl Act {
    /// Whose answer it spoils.
    pub(super) const fn place(&self) -> Option<At> {
        match self {
            Self::Body(at, _)
            | Self::Text(at, _)
            | Self::Head(at, _)
            | Self::Answer(at, _)
            | Self::Late(at) => Some(*at),
            Self::Claims(..)
            | Self::Forge(..)
            | Self::Keys(_)
            | Self::Launch(_)
            | Self::Callback(_)
            | Self::SignedUserInfo(_)
            | Self::KeepRefreshToken => None,
        }
    }

    /// When it acts on an answer: what takes its place first, and its JSON before its text.
    pub(super) const fn rank(&self) -> u8 {
        match self {
            Self::Body(..) => 1,
            Self::Text(..) => 2,
            Self::Head(..) => 3,
            _ => 0,
        }
    }
}
