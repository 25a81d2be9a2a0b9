//! Questions to a list of scopes that its spelling does not answer.

use std::collections::{BTreeMap, BTreeSet};

use super::constraint::Constraint;
use super::list::Scopes;
use super::permissions::{Interaction, Permissions};
use super::resource::{Level, ResourceScope, is_resource_type};
use super::word::ScopeKind;

/// What a grant says about an interaction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no fourth answer")]
pub enum Allowed<'a> {
    /// It is allowed for all resources of the type.
    Fully,
    /// It is allowed for resources that match at least one of these, and for no others. There is
    /// at least one.
    Within(Vec<Constraint<'a>>),
    /// It is not allowed.
    No,
}

impl Scopes {
    /// Whether these scopes, as granted, let this be done at this level with resources of this
    /// type.
    ///
    /// Levels do not imply one another: what `user/` opens, `patient/` need not. A type that has
    /// not the form of one is never allowed, and neither is anything by an invalid scope.
    ///
    /// The server decides all the same; a refusal of what is allowed here is no fault of either
    /// side, as the user's own rights may be narrower.
    #[must_use]
    pub fn allows(
        &self,
        level: Level,
        resource_type: &str,
        interaction: Interaction,
    ) -> Allowed<'_> {
        if !is_resource_type(resource_type) {
            return Allowed::No;
        }
        let mut within = Vec::new();
        for scope in self.resource_scopes() {
            if scope.level == level && scope.opens(resource_type, interaction) {
                match scope.constraint {
                    None => return Allowed::Fully,
                    Some(constraint) => within.push(constraint),
                }
            }
        }
        if within.is_empty() {
            Allowed::No
        } else {
            Allowed::Within(within)
        }
    }

    /// The scopes on resources, in their order.
    pub fn resource_scopes(&self) -> impl Iterator<Item = ResourceScope<'_>> {
        self.iter().filter_map(|it| match it.kind() {
            ScopeKind::Resource(scope) => Some(scope),
            _ => None,
        })
    }

    /// What of these scopes the others do not cover: `asked.missing_from(&granted)` was asked for
    /// in vain, and `granted.missing_from(&asked)` was granted unasked.
    ///
    /// Resource scopes are compared by meaning, whatever their version: letters may come from
    /// several scopes, and a star covers every type. A scope with search parameters is covered by
    /// one without them or with the same ones in any order. Where only some letters are missing,
    /// the rest is written in the letters of version 2. All other scopes are compared as written.
    #[must_use]
    pub fn missing_from(&self, others: &Self) -> Self {
        let others = Meaning::of(others);
        let mut seen = BTreeSet::new();
        self.iter()
            .filter(|it| seen.insert(it.as_str()))
            .filter_map(|it| match it.kind() {
                ScopeKind::Resource(scope) => {
                    let missing = scope.permissions.without(others.held(&scope));
                    if missing.is_empty() {
                        None
                    } else if missing == scope.permissions {
                        Some(it.as_str().to_owned())
                    } else {
                        Some(written(&scope, missing))
                    }
                }
                _ => (!others.words.contains(it.as_str())).then(|| it.as_str().to_owned()),
            })
            .collect()
    }

    /// Whether the others cover all of these: such a list may be asked for when refreshing a
    /// grant of the others (SMART App Launch 2.2, Refresh access token).
    #[must_use]
    pub fn is_within(&self, others: &Self) -> bool {
        self.missing_from(others).is_empty()
    }

    /// Whether both lists mean the same (SMART App Launch 2.2, Scope Equivalence).
    ///
    /// ```
    /// use smart_oidc::scope::Scopes;
    /// let short = Scopes::parse("patient/Observation.rs");
    /// let long = Scopes::parse("patient/Observation.s patient/Observation.r");
    /// assert!(short.means_the_same_as(&long) && short != long);
    /// ```
    #[must_use]
    pub fn means_the_same_as(&self, other: &Self) -> bool {
        self.is_within(other) && other.is_within(self)
    }
}

/// A list arranged so that each question takes a few look-ups, since both lists of a comparison
/// can come from a server and be long.
struct Meaning<'a> {
    permissions: BTreeMap<Target<'a>, Permissions>,
    words: BTreeSet<&'a str>,
}

/// What permissions are about.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target<'a> {
    level: Level,
    resource_type: Option<&'a str>,
    pairs: Vec<&'a str>,
}

impl<'a> Target<'a> {
    pub(super) fn of(scope: &ResourceScope<'a>) -> Self {
        Self {
            level: scope.level,
            resource_type: scope.resource_type,
            pairs: scope.constraint.map(Constraint::pairs).unwrap_or_default(),
        }
    }
}

impl<'a> Meaning<'a> {
    fn of(scopes: &'a Scopes) -> Self {
        let mut meaning = Self {
            permissions: BTreeMap::new(),
            words: BTreeSet::new(),
        };
        for word in scopes.iter() {
            if let ScopeKind::Resource(scope) = word.kind() {
                let held = meaning
                    .permissions
                    .entry(Target::of(&scope))
                    .or_insert(Permissions::NONE);
                *held = held.union(scope.permissions);
            } else {
                meaning.words.insert(word.as_str());
            }
        }
        meaning
    }

    /// The permissions that are held on all that this scope is about.
    fn held(&self, scope: &ResourceScope<'a>) -> Permissions {
        let mut target = Target::of(scope);
        let mut held = Permissions::NONE;
        // With its parameters and without them, for its type and for all types.
        loop {
            target.resource_type = scope.resource_type;
            held = held.union(self.exactly(&target));
            target.resource_type = None;
            held = held.union(self.exactly(&target));
            if target.pairs.is_empty() {
                return held;
            }
            target.pairs.clear();
        }
    }

    fn exactly(&self, target: &Target<'a>) -> Permissions {
        self.permissions
            .get(target)
            .copied()
            .unwrap_or(Permissions::NONE)
    }
}

/// A scope like this one, with other permissions.
fn written(scope: &ResourceScope<'_>, permissions: Permissions) -> String {
    let resource_type = scope.resource_type.unwrap_or("*");
    let head = format!("{}/{resource_type}.{permissions}", scope.level);
    match scope.constraint {
        None => head,
        Some(constraint) => format!("{head}?{}", constraint.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(text: &str) -> Scopes {
        Scopes::parse(text)
    }

    // covers: SMART-SCP-4, SMART-SCP-9, SMART-SCP-2, SMART-SCP-16
    #[test]
    fn a_grant_allows_what_it_names_and_nothing_else() {
        use Interaction::{Create, Delete, Read, Search, Update};
        let all = [Create, Read, Update, Delete, Search];
        let cases: [(&str, &[Interaction]); 12] = [
            ("patient/Observation.read", &[Read, Search]),
            ("patient/Observation.write", &[Create, Update, Delete]),
            ("patient/Observation.*", &all),
            ("patient/*.read", &[Read, Search]),
            ("patient/*.cruds", &all),
            (
                "patient/Observation.r patient/Observation.s",
                &[Read, Search],
            ),
            ("patient/Observation.rd", &[Read, Delete]),
            ("patient/Observation.dus", &[]),
            ("patient/Patient.rs", &[]),
            ("user/Observation.rs system/*.rs", &[]),
            ("PATIENT/Observation.rs patient/observation.rs", &[]),
            ("launch/patient openid", &[]),
        ];
        for (granted, expected) in cases {
            let granted = scopes(granted);
            for interaction in all {
                let allowed = granted.allows(Level::Patient, "Observation", interaction);
                let expected = if expected.contains(&interaction) {
                    Allowed::Fully
                } else {
                    Allowed::No
                };
                assert_eq!(allowed, expected, "{granted:?} {interaction:?}");
            }
        }
        // A type that nobody knows yet is a type; a text that is none is never allowed.
        let all = scopes("system/*.cruds");
        for (name, expected) in [
            ("FutureType", Allowed::Fully),
            ("observation", Allowed::No),
            ("Observation/1", Allowed::No),
            ("*", Allowed::No),
            ("", Allowed::No),
        ] {
            assert_eq!(all.allows(Level::System, name, Read), expected, "{name}");
        }
    }

    // covers: SMART-SCP-7
    #[test]
    fn a_scope_with_parameters_allows_within_them() {
        let granted = scopes(
            "patient/Observation.rs?category=laboratory patient/*.r?status=final patient/Condition.r",
        );
        let allowed = |name, interaction| granted.allows(Level::Patient, name, interaction);
        let within = |allowed| match allowed {
            Allowed::Within(found) => found.iter().map(|it| it.as_str()).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            within(allowed("Observation", Interaction::Read)),
            ["category=laboratory", "status=final"]
        );
        assert_eq!(
            within(allowed("Observation", Interaction::Search)),
            ["category=laboratory"]
        );
        assert_eq!(allowed("Condition", Interaction::Read), Allowed::Fully);
        assert_eq!(allowed("Condition", Interaction::Search), Allowed::No);
    }

    // covers: SMART-SCP-6, SMART-TOK-8
    #[test]
    fn what_is_missing_is_told_by_meaning() {
        let cases = [
            ("openid fhirUser", "fhirUser openid", ""),
            ("openid fhirUser", "openid fhiruser", "fhirUser"),
            ("patient/X.rs", "patient/X.s patient/X.r", ""),
            ("patient/X.read", "patient/X.rs", ""),
            ("patient/X.rs", "patient/X.read", ""),
            ("patient/X.write", "patient/X.cud", ""),
            ("patient/X.cruds", "patient/X.read", "patient/X.cud"),
            ("patient/X.*", "patient/X.r", "patient/X.cuds"),
            ("patient/X.*", "patient/Y.*", "patient/X.*"),
            ("patient/X.rs", "patient/*.r patient/X.s", ""),
            ("patient/*.rs", "patient/X.rs", "patient/*.rs"),
            ("patient/X.rs", "user/X.rs", "patient/X.rs"),
            ("patient/X.rs?a=1", "patient/X.rs", ""),
            ("patient/X.rs?a=1", "patient/*.rs", ""),
            ("patient/X.rs?a=1", "patient/*.r?a=1", "patient/X.s?a=1"),
            ("patient/X.rs", "patient/X.rs?a=1", "patient/X.rs"),
            ("patient/X.rs?a=1&b=2", "patient/X.rs?b=2&a=1", ""),
            ("patient/X.rs?a=1", "patient/X.rs?a=2", "patient/X.rs?a=1"),
            ("patient/X.sr", "patient/X.rs", "patient/X.sr"),
            ("patient/X.sr", "patient/X.sr", ""),
            ("__a https://b.example c", "c", "__a https://b.example"),
            ("a a b", "", "a b"),
            ("", "a", ""),
        ];
        for (these, others, missing) in cases {
            let found = scopes(these).missing_from(&scopes(others));
            assert_eq!(found.as_str(), missing, "{these} from {others}");
            let is_within = scopes(these).is_within(&scopes(others));
            assert_eq!(is_within, missing.is_empty(), "{these} within {others}");
        }
    }

    // covers: SMART-SCP-6
    #[test]
    fn equal_meanings_need_not_be_written_alike() {
        assert!(scopes("patient/X.rs openid").means_the_same_as(&scopes("openid patient/X.read")));
        assert!(!scopes("patient/X.r").means_the_same_as(&scopes("patient/X.rs")));
        assert!(!scopes("patient/X.rs").means_the_same_as(&scopes("patient/X.r")));
    }
}
