//! Which scopes are granted, and what they open.

use std::collections::BTreeSet;

use crate::user::SandboxUser;

/// What both discovery documents list.
pub(crate) const SUPPORTED: [&str; 11] = [
    "openid",
    "fhirUser",
    "profile",
    "launch",
    "launch/patient",
    "offline_access",
    "online_access",
    "patient/Patient.r",
    "user/Patient.r",
    "user/Practitioner.r",
    "user/*.r",
];

/// Granted scopes, in the order of the request and each once.
///
/// Kept as one text: a vector of short ones would take many times the memory that a request of
/// bounded length seems to allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scopes(Box<str>);

impl Scopes {
    /// Grants what is known of a request. Duplicates are tolerated, since clients in the field
    /// send them, and so are scopes that are not known: they are left out of the grant.
    pub(crate) fn granted(requested: &str) -> Self {
        let mut seen = BTreeSet::new();
        let known = requested.split(' ').filter(|it| is_known(it));
        let once: Vec<&str> = known.filter(|it| seen.insert(*it)).collect();
        Self(once.join(" ").into())
    }

    /// Grants a backend service what it asks for and is registered for.
    pub(crate) fn of_backend(requested: &str, registered: &str) -> Self {
        let covered = |asked: &&str| {
            clinical(asked).is_some_and(|asked| {
                let mut registered = registered.split(' ').filter_map(clinical);
                asked.level == "system" && registered.any(|it| it.covers(&asked))
            })
        };
        let mut seen = BTreeSet::new();
        let known = requested.split(' ').filter(covered);
        let once: Vec<&str> = known.filter(|it| seen.insert(*it)).collect();
        Self(once.join(" ").into())
    }

    /// The part of the grant that a refresh asks for; `None` where it asks for more (SMART App
    /// Launch 2.2, Refresh access token). What counts is what a scope opens and not how it is written:
    /// `user/Patient.r` is part of `user/Patient.rs`.
    pub(crate) fn narrowed(&self, requested: &str) -> Option<Self> {
        let mut seen = BTreeSet::new();
        let asked = requested.split(' ').filter(|it| !it.is_empty());
        let asked: Vec<&str> = asked.filter(|it| seen.insert(*it)).collect();
        let granted = smart_oidc::Scopes::parse(&self.0);
        let is_granted = |it: &&str| {
            self.has(it) || (is_known(it) && smart_oidc::Scopes::parse(it).is_within(&granted))
        };
        let is_granted = asked.iter().all(is_granted) && !asked.is_empty();
        is_granted.then(|| Self(asked.join(" ").into()))
    }

    /// Whether the app may refresh its tokens.
    pub(crate) fn can_refresh(&self) -> bool {
        self.has("offline_access") || self.has("online_access")
    }

    /// Whether nothing was granted.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this scope was granted.
    pub(crate) fn has(&self, scope: &str) -> bool {
        self.iter().any(|it| it == scope)
    }

    /// Whether a patient belongs to the grant. An app that may read one patient's data must
    /// learn whose, so any `patient/` scope counts like `launch/patient`.
    pub(crate) fn has_patient_context(&self) -> bool {
        self.has("launch/patient") || self.iter().any(|it| it.starts_with("patient/"))
    }

    /// Whether the user's name goes into the ID token.
    pub(crate) fn has_name(&self) -> bool {
        self.has("profile") || self.has("fhirUser")
    }

    /// Whether a resource may be read: by a `user/` scope, by a `patient/` scope where it is
    /// the patient in context, or by `openid fhirUser` where it is the user.
    pub(crate) fn may_read(&self, resource_type: &str, id: &str, facts: &ReadFacts<'_>) -> bool {
        let is_self = resource_type == facts.user.resource_type.name() && id == facts.user.id;
        if is_self && self.has("openid") && self.has("fhirUser") {
            return true;
        }
        let is_context = resource_type == "Patient" && Some(id) == facts.patient;
        self.iter().filter_map(clinical).any(|it| {
            (it.resource_type == "*" || it.resource_type == resource_type)
                && it.reads
                && (it.level != "patient" || is_context)
        })
    }

    /// The scopes one by one.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ')
    }

    /// The value of `scope`.
    pub(crate) const fn as_parameter(&self) -> &str {
        &self.0
    }
}

/// What a read is judged by.
pub(crate) struct ReadFacts<'a> {
    pub(crate) user: &'a SandboxUser,
    /// The patient in context, where there is one.
    pub(crate) patient: Option<&'a str>,
}

fn is_known(scope: &str) -> bool {
    matches!(
        scope,
        "openid"
            | "fhirUser"
            | "profile"
            | "launch"
            | "launch/patient"
            | "offline_access"
            | "online_access"
    ) || clinical(scope).is_some_and(|it| it.level != "system")
}

/// A scope such as `user/Practitioner.rs`.
struct Clinical<'a> {
    level: &'a str,
    resource_type: &'a str,
    permissions: &'a str,
    reads: bool,
}

impl Clinical<'_> {
    /// Whether this scope opens all that another one does.
    fn covers(&self, other: &Self) -> bool {
        let letters = |it: &Self| {
            match it.permissions {
                "read" => "rs",
                "*" => "cruds",
                letters => letters,
            }
            .to_owned()
        };
        let own = letters(self);
        self.level == other.level
            && (self.resource_type == "*" || self.resource_type == other.resource_type)
            && letters(other).chars().all(|it| own.contains(it))
    }
}

fn clinical(scope: &str) -> Option<Clinical<'_>> {
    let (level, rest) = scope.split_once('/')?;
    if !matches!(level, "patient" | "user" | "system") {
        return None;
    }
    let (resource_type, permissions) = rest.split_once('.')?;
    let is_type = resource_type == "*"
        || (resource_type.starts_with(|it: char| it.is_ascii_uppercase())
            && resource_type.bytes().all(|it| it.is_ascii_alphabetic()));
    // Version 1 wrote `read` and `*` for what is `rs` and `cruds` today.
    let is_first_version = matches!(permissions, "read" | "*");
    if !is_type || !(is_first_version || is_second_version(permissions)) {
        return None;
    }
    Some(Clinical {
        level,
        resource_type,
        permissions,
        reads: is_first_version || permissions.contains('r'),
    })
}

/// Letters of `cruds` in that order, each at most once.
fn is_second_version(permissions: &str) -> bool {
    let mut rest = "cruds".chars();
    !permissions.is_empty()
        && permissions
            .chars()
            .all(|wanted| rest.any(|it| it == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: SMART-TOK-8
    #[test]
    fn what_is_not_known_is_not_granted_and_what_is_doubled_is_granted_once() {
        let granted = Scopes::granted(
            "openid openid fhirUser  launch/encounter system/*.rs user/Patient.rs user/Patient.sr patient/x.r patient/*.read",
        );
        assert_eq!(
            granted.as_parameter(),
            "openid fhirUser user/Patient.rs patient/*.read"
        );
        assert!(Scopes::granted("system/Patient.r email").is_empty());
    }

    // covers: SMART-BS-4
    #[test]
    fn a_service_gets_what_it_is_registered_for() {
        let granted = |asked, registered| {
            Scopes::of_backend(asked, registered)
                .as_parameter()
                .to_owned()
        };
        let cases = [
            ("system/Patient.rs", "system/*.rs", "system/Patient.rs"),
            (
                "system/Patient.r system/Patient.r",
                "system/Patient.rs",
                "system/Patient.r",
            ),
            ("system/*.rs", "system/Patient.rs", ""),
            ("system/Patient.cruds", "system/Patient.rs", ""),
            (
                "system/Patient.read",
                "system/Patient.rs",
                "system/Patient.read",
            ),
            (
                "system/Patient.rs",
                "system/Patient.read",
                "system/Patient.rs",
            ),
            ("system/Patient.*", "system/Patient.rs", ""),
            (
                "user/Patient.rs patient/Patient.rs openid offline_access",
                "system/*.*",
                "",
            ),
            ("user/Patient.rs", "user/*.rs", ""),
            (
                "system/Patient.rs system/Practitioner.r",
                "system/Practitioner.rs",
                "system/Practitioner.r",
            ),
        ];
        for (asked, registered, expected) in cases {
            assert_eq!(
                granted(asked, registered),
                expected,
                "{asked} of {registered}"
            );
        }
    }

    // covers: SMART-REF-2, SMART-REF-5
    #[test]
    fn a_refresh_narrows_and_never_widens() {
        let granted = Scopes::granted("openid fhirUser user/Patient.rs offline_access");
        let narrowed = |asked| {
            granted
                .narrowed(asked)
                .map(|it| it.as_parameter().to_owned())
        };
        assert_eq!(narrowed("openid  openid"), Some("openid".to_owned()));
        assert_eq!(
            narrowed("user/Patient.rs openid"),
            Some("user/Patient.rs openid".to_owned())
        );
        for less in [
            "user/Patient.r",
            "user/Patient.s openid",
            "user/Patient.read",
        ] {
            assert_eq!(narrowed(less), Some(less.to_owned()), "{less}");
        }
        for wider in [
            "profile",
            "openid user/*.rs",
            "user/Patient.cruds",
            "user/Patient.sr",
            "user/Patient.r?_id=1",
            "patient/Patient.r",
            "user/Practitioner.r",
            " ",
        ] {
            assert_eq!(narrowed(wider), None, "{wider}");
        }
    }

    #[test]
    fn everything_that_is_announced_is_granted() {
        for scope in SUPPORTED {
            assert!(Scopes::granted(scope).has(scope), "{scope}");
        }
    }

    #[test]
    fn a_scope_opens_what_it_names() {
        let user = SandboxUser::default();
        let facts = ReadFacts {
            user: &user,
            patient: Some("p-1"),
        };
        let cases = [
            ("openid fhirUser", "Practitioner", "dr-smith", true),
            ("openid", "Practitioner", "dr-smith", false),
            ("fhirUser", "Practitioner", "dr-smith", false),
            ("openid fhirUser", "Practitioner", "other", false),
            ("openid fhirUser", "Patient", "p-1", false),
            ("user/Practitioner.r", "Practitioner", "dr-smith", true),
            ("user/Practitioner.s", "Practitioner", "dr-smith", false),
            ("user/*.rs", "Patient", "p-1", true),
            ("patient/Patient.r", "Patient", "p-1", true),
            ("patient/*.read", "Patient", "p-1", true),
            ("patient/*.read", "Patient", "p-2", false),
            ("patient/*.read", "Practitioner", "dr-smith", false),
            ("launch/patient", "Patient", "p-1", false),
        ];
        for (scope, resource_type, id, expected) in cases {
            let granted = Scopes::granted(scope);
            assert_eq!(
                granted.may_read(resource_type, id, &facts),
                expected,
                "{scope} {resource_type}/{id}"
            );
        }
    }
}
