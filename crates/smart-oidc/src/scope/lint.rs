//! What is odd about a list that an app asks for.

use std::collections::BTreeSet;

use smart_discovery::Finding;

use super::list::Scopes;
use super::meaning::Target;
use super::permissions::Permissions;
use super::resource::Level;
use super::word::{Scope, ScopeKind};

/// What a list of scopes is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScopeUse {
    /// A launch from within the EHR.
    EhrLaunch,
    /// A launch from the app's own page.
    StandaloneLaunch,
    /// A service without a user, by client credentials.
    BackendService,
}

impl ScopeUse {
    const fn is_launch(self) -> bool {
        matches!(self, Self::EhrLaunch | Self::StandaloneLaunch)
    }
}

/// A rule: its code, whether a scope breaks it, and what to do.
struct Rule {
    code: &'static str,
    is_broken: fn(&Scope<'_>, ScopeUse) -> bool,
    problem: &'static str,
    remedy: &'static str,
}

/// The names whose slips are noticed.
const NAMES: [&str; 6] = [
    "openid",
    "fhirUser",
    "profile",
    "offline_access",
    "online_access",
    "launch",
];

const RULES: [Rule; 7] = [
    Rule {
        code: "scope-invalid",
        is_broken: |scope, _| matches!(scope.kind(), ScopeKind::Invalid(_)),
        problem: "begins like a scope and is none",
        remedy: "write level/Type.cruds with the letters in that order, or launch/type",
    },
    Rule {
        code: "scope-case",
        is_broken: |scope, _| {
            let text = scope.as_str();
            let differs = |name: &&str| name.eq_ignore_ascii_case(text) && *name != text;
            NAMES.iter().any(differs)
        },
        problem: "differs from a scope of the standards by case, which matters",
        remedy: "write it as the standards do",
    },
    Rule {
        code: "scope-everything",
        is_broken: |scope, _| {
            matches!(scope.kind(), ScopeKind::Resource(it)
                if it.resource_type.is_none()
                    && it.constraint.is_none()
                    && it.permissions == Permissions::ALL)
        },
        problem: "asks for all that can be done with all resources",
        remedy: "ask for the types and the letters that the app needs",
    },
    Rule {
        code: "scope-online-access-standalone",
        is_broken: |scope, usage| {
            usage != ScopeUse::EhrLaunch && scope.kind() == ScopeKind::OnlineAccess
        },
        problem: "is for launches from within an EHR, where there is a session that it can last with",
        remedy: "ask for offline_access, or for neither",
    },
    Rule {
        code: "scope-launch-standalone",
        is_broken: |scope, usage| usage != ScopeUse::EhrLaunch && scope.kind() == ScopeKind::Launch,
        problem: "is for launches from within an EHR",
        remedy: "ask for launch/patient or its like",
    },
    Rule {
        code: "scope-level",
        is_broken: |scope, usage| match scope.kind() {
            ScopeKind::Resource(it) => (it.level == Level::System) == usage.is_launch(),
            ScopeKind::OpenId | ScopeKind::FhirUser | ScopeKind::Context(_) => !usage.is_launch(),
            _ => false,
        },
        problem: "has no meaning in such a request",
        remedy: "ask for system/ without a user, and for patient/ and user/ with one",
    },
    Rule {
        code: "scope-experimental",
        is_broken: |scope, _| {
            matches!(scope.kind(), ScopeKind::Resource(it)
                if it.constraint.is_some_and(|it| it.is_experimental()))
        },
        problem: "uses a modifier, a chain or _filter, which are experimental",
        remedy: "make sure that the server knows it",
    },
];

impl Scopes {
    /// What is odd about asking for these scopes: at most one finding for each rule, however long
    /// the list is. None of them keeps a launch from beginning.
    ///
    /// ```
    /// use smart_oidc::scope::{ScopeUse, Scopes};
    /// let asked = Scopes::parse("openid fhirUser online_access user/*.cruds");
    /// let codes: Vec<_> = asked
    ///     .lint(ScopeUse::StandaloneLaunch)
    ///     .iter()
    ///     .map(|it| it.code)
    ///     .collect();
    /// assert_eq!(codes, ["scope-everything", "scope-online-access-standalone"]);
    /// ```
    #[must_use]
    pub fn lint(&self, usage: ScopeUse) -> Vec<Finding> {
        let mut findings = Vec::new();
        for rule in RULES {
            let broken = self.iter().filter(|it| (rule.is_broken)(it, usage));
            let broken: Self = broken.map(Scope::as_str).collect();
            if !broken.is_empty() {
                let found = format!("{} {}", broken.shown(), rule.problem);
                findings.push(Finding::new(rule.code, found, rule.remedy));
            }
        }
        if self.has("fhirUser") && !self.has("openid") {
            findings.push(Finding::new(
                "scope-fhir-user-without-openid",
                "fhirUser is asked for without openid, so there will be no ID token to hold it",
                "ask for openid and fhirUser together",
            ));
        }
        let mut seen = BTreeSet::new();
        let again = |scope| !seen.insert(Target::of(&scope));
        if self.resource_scopes().map(again).filter(|it| *it).count() > 0 {
            findings.push(Finding::new(
                "scope-not-shortest",
                "several scopes are about the same resources",
                "write one scope with all of their letters (SMART App Launch 2.2, Scope Equivalence)",
            ));
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(scopes: &str, usage: ScopeUse) -> Vec<&'static str> {
        let findings = Scopes::parse(scopes).lint(usage);
        findings.into_iter().map(|it| it.code).collect()
    }

    // covers: SMART-AUT-16, SMART-AUT-17, SMART-SCP-6, SMART-SCP-7, SMART-SCP-11, SMART-SCP-15
    #[test]
    fn each_oddity_has_one_finding() {
        use ScopeUse::{BackendService, EhrLaunch, StandaloneLaunch};
        let cases: [(&str, ScopeUse, &[&str]); 18] = [
            (
                "openid fhirUser launch/patient patient/*.rs offline_access",
                StandaloneLaunch,
                &[],
            ),
            ("openid fhirUser launch online_access", EhrLaunch, &[]),
            ("system/*.rs", BackendService, &[]),
            ("patient/*.cruds", EhrLaunch, &["scope-everything"]),
            (
                "user/*.* user/*.cruds",
                EhrLaunch,
                &["scope-everything", "scope-not-shortest"],
            ),
            ("user/*.cruds?_security=x", EhrLaunch, &[]),
            ("user/Patient.cruds", EhrLaunch, &[]),
            (
                "online_access",
                StandaloneLaunch,
                &["scope-online-access-standalone"],
            ),
            ("launch", StandaloneLaunch, &["scope-launch-standalone"]),
            ("system/*.rs", EhrLaunch, &["scope-level"]),
            ("patient/X.rs user/X.rs", BackendService, &["scope-level"]),
            ("openid fhirUser", BackendService, &["scope-level"]),
            ("launch/patient", BackendService, &["scope-level"]),
            ("fhirUser", EhrLaunch, &["scope-fhir-user-without-openid"]),
            ("openid fhiruser OpenID", EhrLaunch, &["scope-case"]),
            ("patient/X.sr patient/x.r .", EhrLaunch, &["scope-invalid"]),
            (
                "patient/X.r patient/X.s",
                EhrLaunch,
                &["scope-not-shortest"],
            ),
            ("patient/X.rs?code:in=a", EhrLaunch, &["scope-experimental"]),
        ];
        for (scopes, usage, expected) in cases {
            assert_eq!(codes(scopes, usage), expected, "{scopes} {usage:?}");
        }
    }

    #[test]
    fn a_finding_names_the_scopes_and_not_their_parameters() {
        let long = "patient/X.rs?subject:Patient=123 ".repeat(5000);
        let findings = Scopes::parse(&long).lint(ScopeUse::EhrLaunch);
        assert_eq!(findings.len(), 2);
        assert!(findings[0].found.len() < 400, "{}", findings[0].found);
        assert!(findings[0].found.starts_with("\"patient/X.rs?…"));
        assert!(!findings[0].found.contains("123"));
    }
}
