//! What a cache tells whoever runs it: events as they happen, and how it stands now.
//!
//! Names, codes, counts and `kid`s that an issuer publishes; never a token or what one says.

use core::fmt::Debug;
use core::time::Duration;

use serde::Serialize;
use smart_jose::Text;

use crate::kept::Standing;

/// Which document an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DocumentKind {
    /// The key set.
    Jwks,
    /// The issuer's metadata.
    OpenidConfiguration,
    /// What the FHIR server says of its authorization.
    SmartConfiguration,
}

impl DocumentKind {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jwks => "jwks",
            Self::OpenidConfiguration => "openid-configuration",
            Self::SmartConfiguration => "smart-configuration",
        }
    }
}

/// Something that happened to a document that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The document.
    pub document: DocumentKind,
    /// Where it is.
    pub url: Text,
    /// What happened.
    pub what: Happening,
}

impl Event {
    /// The host that the document is on: for logs, as a path or a query may say too much.
    #[must_use]
    pub fn host(&self) -> &str {
        let url = self.url.as_str();
        let (_, rest) = url.split_once("://").unwrap_or(("", url));
        rest.split(['/', '?', '#']).next().unwrap_or_default()
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Happening {
    /// A fetch failed; what was held stays.
    Failed {
        /// The code of the error.
        code: &'static str,
        /// How many there were in a row.
        failures: u32,
        /// How long nothing is tried.
        rest: Duration,
    },
    /// A fetch brought the document, or said that it has not changed.
    Fetched {
        /// Whether it came with a body (200), and not as a confirmation (304).
        with_body: bool,
        /// How long it lives.
        life: Duration,
    },
    /// A key is published that was not.
    KeyAdded {
        /// Its `kid`.
        kid: Text,
    },
    /// A `kid` that was known names another key now. The new key is used. It is rare, and either
    /// a server that rotates without a new `kid` or somebody who should not publish keys.
    KeyReplaced {
        /// The `kid`.
        kid: Text,
    },
    /// A key is no longer published; it verifies nothing from now on.
    KeyWithdrawn {
        /// Its `kid`.
        kid: Text,
    },
    /// Everything held was forgotten because the program said so.
    Purged,
    /// What was held came out of a snapshot.
    Restored {
        /// How old it was.
        age: Duration,
    },
}

impl Happening {
    /// A stable name for this happening.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Failed { .. } => "failed",
            Self::Fetched { .. } => "fetched",
            Self::KeyAdded { .. } => "key-added",
            Self::KeyReplaced { .. } => "key-replaced",
            Self::KeyWithdrawn { .. } => "key-withdrawn",
            Self::Purged => "purged",
            Self::Restored { .. } => "restored",
        }
    }
}

/// Is told what happens. It is called on the task that made it happen and outside of every lock;
/// one that takes long delays that task and nobody else.
///
/// ```
/// use std::sync::mpsc::Sender;
/// use std::sync::Mutex;
/// use smart_discovery::{Event, Observer};
///
/// #[derive(Debug)]
/// struct Stream(Mutex<Sender<Event>>);
///
/// impl Observer for Stream {
///     fn observe(&self, event: &Event) {
///         if let Ok(sender) = self.0.lock() {
///             let _ = sender.send(event.clone());
///         }
///     }
/// }
/// ```
pub trait Observer: Debug + Send + Sync {
    /// Takes note of an event.
    fn observe(&self, event: &Event);
}

/// How old what is held is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Phase {
    /// Nothing is held.
    Empty,
    /// Within its life.
    Fresh,
    /// Past its life: it serves only while its server cannot be reached.
    Stale,
    /// Past that too: it serves nobody.
    Expired,
}

/// How a document stands. Durations are counted from now, and written as seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DocumentState {
    /// The document.
    pub document: DocumentKind,
    /// How old what is held is.
    pub phase: Phase,
    /// Whether a fetch is under way.
    pub is_refreshing: bool,
    /// How long ago a fetch last confirmed it.
    #[serde(serialize_with = "whole_seconds")]
    pub age: Option<Duration>,
    /// How long it may still serve if its server is gone from now on.
    #[serde(serialize_with = "whole_seconds")]
    pub usable_for: Option<Duration>,
    /// When the next fetch is due; a use after that makes it. Nothing where nothing is held and
    /// the next use fetches at once.
    #[serde(serialize_with = "whole_seconds")]
    pub next_refresh: Option<Duration>,
    /// How long nothing is tried because of a failure.
    #[serde(serialize_with = "whole_seconds")]
    pub backing_off: Option<Duration>,
    /// How many fetches in a row have failed.
    pub failures: u32,
    /// The code of the last failure, also of one that is over.
    pub last_error: Option<&'static str>,
}

impl DocumentState {
    pub(crate) fn new(
        document: DocumentKind,
        standing: Standing,
        is_refreshing: bool,
        last_error: Option<&'static str>,
    ) -> Self {
        let phase = match (standing.age, standing.life) {
            (Some(age), Some(life)) if age < life => Phase::Fresh,
            (Some(_), _) if standing.usable_for.is_zero() => Phase::Expired,
            (Some(_), _) => Phase::Stale,
            (None, _) => Phase::Empty,
        };
        Self {
            document,
            phase,
            is_refreshing,
            age: standing.age,
            usable_for: standing.age.map(|_| standing.usable_for),
            next_refresh: standing.next_refresh,
            backing_off: standing.rest,
            failures: standing.failures,
            last_error,
        }
    }
}

#[expect(clippy::ref_option, reason = "serde hands it over like this")]
fn whole_seconds<S: serde::Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    duration.map(|it| it.as_secs()).serialize(serializer)
}
