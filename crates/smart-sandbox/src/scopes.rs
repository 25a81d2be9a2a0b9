//! Which scopes are granted, and what they open.

use std::collections::BTreeSet;

/// Which SMART App Launch the sandbox plays: what its documents say, which scopes it knows, and
/// what its launch context looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SmartVersion {
    /// 1.0: scopes such as `patient/*.read`, no issuer and no key set in the smart-configuration, so
    /// that the FHIR base is the issuer, and `profile` as the older name of `fhirUser`.
    V1_0,
    /// 2.0: scopes such as `patient/*.rs` beside the older ones, and `fhirContext` with mere
    /// references.
    V2_0,
    /// 2.2: `fhirContext` with roles.
    #[default]
    V2_2,
}

/// What is done with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interaction {
    Read,
    Search,
}

/// What both discovery documents list.
pub(crate) const SUPPORTED: [&str; 16] = [
    "openid",
    "fhirUser",
    "profile",
    "email",
    "phone",
    "address",
    "launch",
    "launch/patient",
    "offline_access",
    "online_access",
    "patient/Patient.r",
    "patient/*.rs",
    "user/Patient.r",
    "user/Practitioner.r",
    "user/*.r",
    "user/*.rs",
];

/// The same of SMART 1.0.
pub(crate) const SUPPORTED_1_0: [&str; 13] = [
    "openid",
    "fhirUser",
    "profile",
    "email",
    "phone",
    "address",
    "launch",
    "launch/patient",
    "offline_access",
    "online_access",
    "patient/Patient.read",
    "patient/*.read",
    "user/*.read",
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
    pub(crate) fn granted(requested: &str, version: SmartVersion) -> Self {
        let mut seen = BTreeSet::new();
        let known = requested.split(' ').filter(|it| is_known(it, version));
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
    pub(crate) fn narrowed(&self, requested: &str, version: SmartVersion) -> Option<Self> {
        let mut seen = BTreeSet::new();
        let asked = requested.split(' ').filter(|it| !it.is_empty());
        let asked: Vec<&str> = asked.filter(|it| seen.insert(*it)).collect();
        let granted = smart_oidc::Scopes::parse(&self.0);
        let is_granted = |it: &&str| {
            self.has(it)
                || (is_known(it, version) && smart_oidc::Scopes::parse(it).is_within(&granted))
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

    /// Whether a scope of this level names the type and what is done with it.
    pub(crate) fn allows(&self, level: &str, resource_type: &str, wanted: Interaction) -> bool {
        let letter = match wanted {
            Interaction::Read => 'r',
            Interaction::Search => 's',
        };
        self.iter().filter_map(clinical).any(|it| {
            it.level == level
                && (it.resource_type == "*" || it.resource_type == resource_type)
                && it.letters().contains(letter)
        })
    }

    /// Those that the user leaves to the app.
    pub(crate) fn kept(&self, is_kept: impl Fn(usize) -> bool) -> Self {
        let kept = self.iter().enumerate().filter(|(place, _)| is_kept(*place));
        let kept: Vec<&str> = kept.map(|(_, it)| it).collect();
        Self(kept.join(" ").into())
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

fn is_known(scope: &str, version: SmartVersion) -> bool {
    matches!(
        scope,
        "openid"
            | "fhirUser"
            | "profile"
            | "email"
            | "phone"
            | "address"
            | "launch"
            | "launch/patient"
            | "offline_access"
            | "online_access"
    ) || clinical(scope).is_some_and(|it| {
        it.level != "system" && (it.is_first_version || version != SmartVersion::V1_0)
    })
}

/// A scope such as `user/Practitioner.rs`.
pub(crate) struct Clinical<'a> {
    pub(crate) level: &'a str,
    pub(crate) resource_type: &'a str,
    permissions: &'a str,
    is_first_version: bool,
}

impl<'a> Clinical<'a> {
    /// What may be done, as the second version writes it.
    pub(crate) fn letters(&self) -> &'a str {
        match self.permissions {
            "read" => "rs",
            "write" => "cud",
            "*" => "cruds",
            letters => letters,
        }
    }

    /// Whether this scope opens all that another one does.
    fn covers(&self, other: &Self) -> bool {
        let own = self.letters();
        self.level == other.level
            && (self.resource_type == "*" || self.resource_type == other.resource_type)
            && other.letters().chars().all(|it| own.contains(it))
    }
}

/// Reads a scope for resources; `None` where it is none.
pub(crate) fn clinical(scope: &str) -> Option<Clinical<'_>> {
    let (level, rest) = scope.split_once('/')?;
    if !matches!(level, "patient" | "user" | "system") {
        return None;
    }
    let (resource_type, permissions) = rest.split_once('.')?;
    let is_type = resource_type == "*"
        || (resource_type.starts_with(|it: char| it.is_ascii_uppercase())
            && resource_type.bytes().all(|it| it.is_ascii_alphabetic()));
    // Version 1 wrote `read` and `*` for what is `rs` and `cruds` today.
    let is_first_version = matches!(permissions, "read" | "write" | "*");
    if !is_type || !(is_first_version || is_second_version(permissions)) {
        return None;
    }
    Some(Clinical {
        level,
        resource_type,
        permissions,
        is_first_version,
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

    #[test]
    fn what_is_not_known_is_not_granted_and_what_is_doubled_is_granted_once() {
        let granted = Scopes::granted(
            "openid openid fhirUser  launch/encounter system/*.rs user/Patient.rs user/Patient.sr patient/x.r patient/*.read",
            SmartVersion::V2_2,
        );
        assert_eq!(
            granted.as_parameter(),
            "openid fhirUser user/Patient.rs patient/*.read"
        );
        assert!(Scopes::granted("system/Patient.r groups", SmartVersion::V2_2).is_empty());
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

    // covers: SMART-REF-5
    #[test]
    fn a_refresh_narrows_and_never_widens() {
        let granted = Scopes::granted(
            "openid fhirUser user/Patient.rs offline_access",
            SmartVersion::V2_2,
        );
        let narrowed = |asked| {
            granted
                .narrowed(asked, SmartVersion::V2_2)
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
            assert!(
                Scopes::granted(scope, SmartVersion::V2_2).has(scope),
                "{scope}"
            );
        }
    }

    #[test]
    fn the_first_version_knows_its_own_scopes_only() {
        for scope in SUPPORTED_1_0 {
            assert!(
                Scopes::granted(scope, SmartVersion::V1_0).has(scope),
                "{scope}"
            );
        }
        let asked = "openid patient/*.rs patient/*.read user/Patient.r";
        let granted = Scopes::granted(asked, SmartVersion::V1_0);
        assert_eq!(granted.as_parameter(), "openid patient/*.read");
    }
}
