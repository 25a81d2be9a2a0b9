//! The registered claims (RFC 7519 4.1).

use core::fmt;

use serde::{Deserialize, Serialize, Serializer};

use crate::member::{FromJson, Member};
use crate::text::Text;
use crate::time::UnixTime;

/// Seconds since the epoch, perhaps with a fraction (RFC 7519 2).
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct NumericDate(f64);

impl NumericDate {
    /// The last second of the year 9999. A date beyond it is a mistake; most often it counts
    /// milliseconds.
    pub const MAX: Self = Self(253_402_300_799.0);

    /// The date at a point in time.
    #[must_use]
    #[expect(
        clippy::as_conversions,
        reason = "exact to 2^53, far beyond the year 9999"
    )]
    pub const fn from_time(time: UnixTime) -> Self {
        Self(time.as_secs() as f64)
    }

    /// The date so many seconds after the epoch, plausible or not.
    #[must_use]
    pub const fn from_secs(seconds: f64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    #[must_use]
    pub const fn as_secs(self) -> f64 {
        self.0
    }

    /// Whether this is a date that a token can mean: finite, not before the epoch and not beyond
    /// [`NumericDate::MAX`].
    #[must_use]
    pub fn is_plausible(self) -> bool {
        (0.0..=Self::MAX.0).contains(&self.0)
    }
}

impl FromJson for NumericDate {
    const EXPECTED: &'static str = "a number of seconds";
    fn from_number(number: f64) -> Option<Self> {
        Some(Self(number))
    }
}

impl fmt::Display for NumericDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for NumericDate {
    /// Writes whole seconds without a fraction, as every reader expects.
    #[expect(clippy::as_conversions, reason = "plausible dates fit an i64")]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_plausible() && self.0.fract() == 0.0 {
            serializer.serialize_i64(self.0 as i64)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

/// Whom a token is for: one string or an array of strings (RFC 7519 4.1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audience(Form);

/// How the claim is written. One string and an array of that one mean the same, so an array of
/// one never stands here.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    /// An audience of these.
    #[must_use]
    pub fn new(audiences: Vec<String>) -> Self {
        Self(match <[String; 1]>::try_from(audiences) {
            Ok([one]) => Form::One(one),
            Err(many) => Form::Many(many),
        })
    }

    const fn as_slice(&self) -> &[String] {
        match &self.0 {
            Form::One(one) => core::slice::from_ref(one),
            Form::Many(many) => many.as_slice(),
        }
    }

    /// Each audience, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.as_slice().iter().map(String::as_str)
    }

    /// Whether this one is among them, character for character.
    #[must_use]
    pub fn contains(&self, audience: &str) -> bool {
        self.iter().any(|it| it == audience)
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }
}

impl FromJson for Audience {
    const EXPECTED: &'static str = "a string or an array of strings";
    fn from_string(text: &str) -> Option<Self> {
        Some(Self(Form::One(text.to_owned())))
    }
    fn from_strings(strings: Vec<String>) -> Option<Self> {
        Some(Self::new(strings))
    }
}

impl Serialize for Audience {
    /// Writes a single audience as a string.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.as_slice() {
            [one] => serializer.serialize_str(one),
            many => many.serialize(serializer),
        }
    }
}

/// The claims of RFC 7519 4.1, as they were found.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct RegisteredClaims {
    /// Who issued the token.
    pub iss: Member<String>,
    /// Whom it is about.
    pub sub: Member<String>,
    /// Whom it is for.
    pub aud: Member<Audience>,
    /// From when on it is not valid.
    pub exp: Member<NumericDate>,
    /// Until when it is not yet valid.
    pub nbf: Member<NumericDate>,
    /// When it was issued.
    pub iat: Member<NumericDate>,
    /// Its own name.
    pub jti: Member<String>,
}

impl fmt::Debug for RegisteredClaims {
    /// Shows whom the token is from and for, and not whom it is about.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegisteredClaims")
            .field("iss", &self.iss.value().map(|it| Text::new(it)))
            .field("exp", &self.exp)
            .field("iat", &self.iat)
            .finish_non_exhaustive()
    }
}
