//! Search parameters that narrow a scope.

use core::fmt;

use super::problem::ScopeProblem;

/// What stands behind the `?` of a scope: search parameters that a resource has to match
/// (SMART App Launch 2.2, Finer-grained resource constraints using search parameters).
///
/// The text is kept as it was written; nothing is decoded, so two spellings of one value are two
/// constraints. `Debug` shows how many parameters there are and none of them, since a value can
/// name a patient.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Constraint<'a>(&'a str);

impl<'a> Constraint<'a> {
    /// Reads `name=value` pairs. A pair without a value is refused: servers ignore it, and the
    /// scope would open more than it seems to.
    pub(super) fn parse(text: &'a str) -> Result<Self, ScopeProblem> {
        let is_pair = |pair: &str| {
            pair.split_once('=')
                .is_some_and(|(name, value)| !name.is_empty() && !value.is_empty())
        };
        if text.split('&').all(is_pair) {
            Ok(Self(text))
        } else {
            Err(ScopeProblem::Constraint)
        }
    }

    /// The text behind the `?`, as it was written.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// Names and values, as they were written. All of them have to match.
    pub fn parameters(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.split('&').filter_map(|pair| pair.split_once('='))
    }

    /// Whether it uses what the standard calls experimental: a modifier (`code:in`), a chain
    /// (`subject.name`) or `_filter`. Servers may know none of them.
    #[must_use]
    pub fn is_experimental(self) -> bool {
        self.parameters()
            .any(|(name, _)| name.contains([':', '.']) || name == "_filter")
    }

    /// The pairs in an order of their own and each once: what two constraints that mean the same
    /// have in common.
    pub(super) fn pairs(self) -> Vec<&'a str> {
        let mut pairs: Vec<&str> = self.0.split('&').collect();
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }
}

impl fmt::Debug for Constraint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Constraint")
            .field("parameters", &self.parameters().count())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: SMART-SCP-7
    #[test]
    fn modifiers_chains_and_filters_are_experimental() {
        for (text, expected) in [
            ("category=laboratory", false),
            ("category=http://hl7.org/x|lab", false),
            ("status=final&code:in=http://vs.example", true),
            ("subject.name=x", true),
            ("_filter=name%20eq%20x", true),
            ("_security=a.b:c", false),
        ] {
            let constraint = Constraint::parse(text).unwrap();
            assert_eq!(constraint.is_experimental(), expected, "{text}");
            assert_eq!(constraint.as_str(), text);
        }
    }

    #[test]
    fn each_pair_has_a_name_and_a_value() {
        for text in ["", "a", "a=", "=b", "a=b&", "&a=b", "a=b&&c=d", "a=b&c"] {
            assert_eq!(
                Constraint::parse(text),
                Err(ScopeProblem::Constraint),
                "{text}"
            );
        }
        let pairs = Constraint::parse("b=1&a=x=y?z&b=1").unwrap();
        let found: Vec<_> = pairs.parameters().collect();
        assert_eq!(found, [("b", "1"), ("a", "x=y?z"), ("b", "1")]);
        assert_eq!(pairs.pairs(), ["a=x=y?z", "b=1"]);
        assert_eq!(format!("{pairs:?}"), "Constraint { parameters: 3, .. }");
    }
}
