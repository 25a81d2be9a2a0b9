//! A list of scopes, as it is asked for, granted, sent and stored.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smart_jose::Text;

use super::word::{Scope, ScopeKind, without_query};

/// Scopes in the order in which they were written.
///
/// It is kept as one text, in which single spaces part the words, and each word is read when it is
/// asked for. So a list takes no more memory than its text, however many words somebody put into
/// it.
///
/// Two lists are equal when they are written alike; [`Scopes::means_the_same_as`] compares what
/// they mean. Serialised it is one string, as in a token response.
///
/// `Debug` shows the beginning, without what stands behind a `?`: a parameter can name a patient.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Scopes(Box<str>);

impl Scopes {
    /// Reads a list. Words are parted by single spaces (RFC 6749 3.3); more of them, tabs and line
    /// ends are tolerated and not kept. No word is refused; see [`ScopeKind::Invalid`].
    #[must_use]
    pub fn parse(text: &str) -> Self {
        text.split_ascii_whitespace().collect()
    }

    /// The list as it stands in a request: single spaces, and none around it.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        &self.0
    }

    /// The scopes one by one.
    pub fn iter(&self) -> impl Iterator<Item = Scope<'_>> {
        self.words().map(Scope::parse)
    }

    /// Whether nothing is asked for or granted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this very word is in the list; case matters (RFC 6749 3.3).
    ///
    /// For scopes that can be written in several ways ask [`Scopes::allows`].
    #[must_use]
    pub fn has(&self, scope: &str) -> bool {
        self.words().any(|it| it == scope)
    }

    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.0.split_ascii_whitespace()
    }

    /// The list as it is sent: resource types of launch scopes in lower case (SMART App Launch
    /// 2.2, Requesting context with scopes), and each word once.
    #[must_use]
    pub fn for_request(&self) -> Self {
        let mut seen = std::collections::BTreeSet::new();
        let words = self.iter().map(|it| match it.kind() {
            ScopeKind::Context(scope) if !scope.is_lower_case() => scope.in_lower_case(),
            _ => it.as_str().to_owned(),
        });
        words.filter(|it| seen.insert(it.clone())).collect()
    }

    /// The list for a log: bounded, escaped, and without what stands behind a `?`.
    pub(crate) fn shown(&self) -> Text {
        let words: Vec<String> = self.words().map(without_query).collect();
        Text::new(&words.join(" "))
    }
}

impl<S: AsRef<str>> FromIterator<S> for Scopes {
    /// Each text is read like a list, so that white space in it parts words there too.
    fn from_iter<I: IntoIterator<Item = S>>(texts: I) -> Self {
        let mut list = String::new();
        for text in texts {
            for word in text.as_ref().split_ascii_whitespace() {
                if !list.is_empty() {
                    list.push(' ');
                }
                list.push_str(word);
            }
        }
        Self(list.into())
    }
}

impl From<&str> for Scopes {
    fn from(text: &str) -> Self {
        Self::parse(text)
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scopes({})", self.shown())
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Ok(Self::parse(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: SMART-SCP-14, SMART-SCP-16
    #[test]
    fn spaces_are_tolerated_and_never_written() {
        let read = Scopes::parse("  openid \t fhirUser\n patient/*.rs  ");
        assert_eq!(read.as_str(), "openid fhirUser patient/*.rs");
        assert_eq!(read.iter().count(), 3);
        assert!(read.has("fhirUser") && !read.has("fhiruser") && !read.has("openid fhirUser"));
        for empty in ["", " ", "\t\n"] {
            assert!(Scopes::parse(empty).is_empty());
            assert_eq!(Scopes::parse(empty).iter().count(), 0);
        }
        let several: Scopes = ["openid", " a  b ", ""].into_iter().collect();
        assert_eq!(several.as_str(), "openid a b");
    }

    // covers: SMART-CTX-15
    #[test]
    fn a_request_has_launch_types_in_lower_case_and_each_word_once() {
        let asked = Scopes::parse(
            "openid launch/DiagnosticReport launch/diagnosticreport openid launch/Task?role=https://X.example/R patient/Task.rs",
        );
        assert_eq!(
            asked.for_request().as_str(),
            "openid launch/diagnosticreport launch/task?role=https://X.example/R patient/Task.rs"
        );
    }

    #[test]
    fn a_list_is_stored_as_one_string() {
        let scopes = Scopes::parse("openid patient/X.rs?a=b");
        let stored = serde_json::to_string(&scopes).unwrap();
        assert_eq!(stored, r#""openid patient/X.rs?a=b""#);
        assert_eq!(serde_json::from_str::<Scopes>(&stored).unwrap(), scopes);
        let odd: Scopes = serde_json::from_str(r#""a\t b\u0020""#).unwrap();
        assert_eq!(odd.as_str(), "a b");
        assert!(!format!("{scopes:?}").contains("a=b"));
    }
}
