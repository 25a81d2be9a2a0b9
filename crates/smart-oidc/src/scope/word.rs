//! One scope: the word as it is written, and what it is.

use core::fmt;

use smart_jose::Text;

use super::context::ContextScope;
use super::problem::ScopeProblem;
use super::resource::{Level, ResourceScope};
use crate::extension::is_extension;

/// The prefix of the URIs of SMART's scopes (SMART App Launch 2.2, URI representation of scopes).
const SMART_URI: &str = "http://smarthealthit.org/fhir/scopes/";
/// The prefix of the URIs of OpenID's scopes.
const OPENID_URI: &str = "http://openid.net/specs/openid-connect-core-1_0#";
/// The scopes that OpenID Connect Core defines (3.1.2.1, 5.4, 11).
const OPENID_SCOPES: [&str; 6] = [
    "openid",
    "profile",
    "email",
    "address",
    "phone",
    "offline_access",
];

/// One scope of a list.
///
/// Two are equal when they are written alike, case included (RFC 6749 3.3); meanings are compared
/// by [`Scopes`](super::Scopes). `Debug` shows the beginning of the word, without what stands
/// behind a `?`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scope<'a> {
    text: &'a str,
    kind: ScopeKind<'a>,
}

/// What a scope is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScopeKind<'a> {
    /// `openid`: an ID token.
    OpenId,
    /// `fhirUser`: who the user is, as a FHIR resource.
    FhirUser,
    /// `profile`: claims about the user (OpenID Connect Core 5.4).
    Profile,
    /// `offline_access`: a refresh token that outlives the user's session.
    OfflineAccess,
    /// `online_access`: a refresh token that ends with the user's session.
    OnlineAccess,
    /// `launch`: the context of the EHR session that began the launch.
    Launch,
    /// `launch/patient` and its like: a resource in context.
    Context(ContextScope<'a>),
    /// `patient/Observation.rs` and its like, in either version.
    Resource(ResourceScope<'a>),
    /// Somebody's own: a full URI, or a name that begins with `__`.
    Extension,
    /// A well-formed scope that SMART gives no meaning.
    Other,
    /// A word that begins like a scope and is none. It allows nothing.
    Invalid(ScopeProblem),
}

impl<'a> Scope<'a> {
    /// Reads one word; none is refused, since a server may grant what it likes.
    ///
    /// ```
    /// use smart_oidc::scope::{Scope, ScopeKind};
    /// assert!(matches!(Scope::parse("patient/*.rs").kind(), ScopeKind::Resource(_)));
    /// assert!(matches!(Scope::parse("patient/*.sr").kind(), ScopeKind::Invalid(_)));
    /// assert_eq!(Scope::parse("fhiruser").kind(), ScopeKind::Other);
    /// ```
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        Self {
            text,
            kind: ScopeKind::of(text),
        }
    }

    /// The word as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.text
    }

    /// What it is.
    #[must_use]
    pub const fn kind(self) -> ScopeKind<'a> {
        self.kind
    }

    /// The URI that stands for the scope where only URIs can (SMART App Launch 2.2, URI
    /// representation of scopes); `None` for a word that neither SMART nor OpenID Connect defines
    /// and that is no URI itself.
    ///
    /// `offline_access`, which both define, gets OpenID's prefix.
    ///
    /// ```
    /// use smart_oidc::scope::Scope;
    /// let uri = Scope::parse("patient/*.r").to_uri().unwrap();
    /// assert_eq!(uri, "http://smarthealthit.org/fhir/scopes/patient/*.r");
    /// assert_eq!(Scope::from_uri(&uri), Some(Scope::parse("patient/*.r")));
    /// ```
    #[must_use]
    pub fn to_uri(self) -> Option<String> {
        if OPENID_SCOPES.contains(&self.text) {
            return Some(format!("{OPENID_URI}{}", self.text));
        }
        match self.kind {
            ScopeKind::Extension if !self.text.starts_with("__") => Some(self.text.to_owned()),
            _ if self.is_of_smart() => Some(format!("{SMART_URI}{}", self.text)),
            _ => None,
        }
    }

    /// The scope that a URI stands for; a URI that is neither SMART's nor OpenID's stands for
    /// itself. `None` for a text that stands for no scope.
    ///
    /// URIs are for formats that need them: in a list of scopes such a URI is an extension, and
    /// [`Scope::parse`] gives it no other meaning.
    #[must_use]
    pub fn from_uri(uri: &'a str) -> Option<Self> {
        if let Some(text) = uri.strip_prefix(OPENID_URI) {
            return OPENID_SCOPES
                .contains(&text)
                .then_some(text)
                .map(Self::parse);
        }
        if let Some(text) = uri.strip_prefix(SMART_URI) {
            return Some(Self::parse(text)).filter(|it| it.is_of_smart());
        }
        let scope = Self::parse(uri);
        (scope.kind == ScopeKind::Extension && !uri.starts_with("__")).then_some(scope)
    }

    /// Whether SMART App Launch defines it. `openid` and `profile` are OpenID's.
    const fn is_of_smart(self) -> bool {
        matches!(
            self.kind,
            ScopeKind::FhirUser
                | ScopeKind::OfflineAccess
                | ScopeKind::OnlineAccess
                | ScopeKind::Launch
                | ScopeKind::Context(_)
                | ScopeKind::Resource(_)
        )
    }

    /// The word for a log: bounded, escaped, and without what stands behind a `?`, which can name
    /// a patient.
    pub(crate) fn shown(self) -> Text {
        Text::new(&without_query(self.text))
    }
}

/// A word with what stands behind its `?` left out.
pub(super) fn without_query(text: &str) -> String {
    match text.split_once('?') {
        Some((before, _)) => format!("{before}?…"),
        None => text.to_owned(),
    }
}

impl<'a> ScopeKind<'a> {
    fn of(text: &'a str) -> Self {
        if !is_scope_token(text) {
            return Self::Invalid(ScopeProblem::Character);
        }
        match text {
            "openid" => return Self::OpenId,
            "fhirUser" => return Self::FhirUser,
            "profile" => return Self::Profile,
            "offline_access" => return Self::OfflineAccess,
            "online_access" => return Self::OnlineAccess,
            "launch" => return Self::Launch,
            _ => {}
        }
        if let Some((name, rest)) = text.split_once('/') {
            if name == "launch" {
                return ContextScope::parse(rest).map_or_else(Self::Invalid, Self::Context);
            }
            if let Some(level) = Level::from_name(name) {
                let scope = ResourceScope::parse(level, rest);
                return scope.map_or_else(Self::Invalid, Self::Resource);
            }
        }
        if is_extension(text) {
            Self::Extension
        } else {
            Self::Other
        }
    }
}

/// The syntax of RFC 6749 3.3: printable ASCII without space, quotation mark and backslash.
fn is_scope_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|it| it.is_ascii_graphic() && it != b'"' && it != b'\\')
}

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({})", self.shown())
    }
}

#[cfg(test)]
mod tests {
    use super::super::permissions::Permissions;
    use super::super::resource::ScopeVersion;
    use super::*;

    fn resource(text: &str) -> ResourceScope<'_> {
        match Scope::parse(text).kind() {
            ScopeKind::Resource(scope) => scope,
            other => panic!("{text} is {other:?}"),
        }
    }

    // covers: SMART-SCP-3, SMART-SCP-4
    #[test]
    fn words_of_version_1_are_no_letters() {
        for (text, permissions) in [
            ("patient/X.read", Permissions::V1_READ),
            ("patient/X.write", Permissions::V1_WRITE),
            ("user/*.*", Permissions::ALL),
        ] {
            let scope = resource(text);
            assert_eq!(scope.version, ScopeVersion::V1, "{text}");
            assert_eq!(scope.permissions, permissions, "{text}");
        }
        // `r` and `d` are letters, and `read` is neither.
        assert_eq!(resource("patient/X.rd").version, ScopeVersion::V2);
        assert_eq!(resource("patient/X.rd").permissions.to_string(), "rd");
    }

    // covers: SMART-SCP-1
    #[test]
    fn the_parts_of_a_resource_scope_are_told_apart() {
        let scope = resource(
            "patient/Observation.rs?category=http://terminology.hl7.org/x|laboratory&a=b.c",
        );
        assert_eq!(scope.level, Level::Patient);
        assert_eq!(scope.resource_type, Some("Observation"));
        assert_eq!(scope.permissions.to_string(), "rs");
        assert_eq!(
            scope.constraint.unwrap().as_str(),
            "category=http://terminology.hl7.org/x|laboratory&a=b.c"
        );
        assert_eq!(resource("system/*.cruds").resource_type, None);
        assert_eq!(resource("user/Patient.c").level, Level::User);
    }

    // covers: SMART-SCP-2, SMART-SCP-16, SMART-CTX-15
    #[test]
    fn what_only_begins_like_a_scope_is_invalid_and_keeps_its_text() {
        let cases = [
            ("", ScopeProblem::Character),
            ("a\"b", ScopeProblem::Character),
            ("a\\b", ScopeProblem::Character),
            ("é", ScopeProblem::Character),
            ("patient/Patient.dus", ScopeProblem::Permissions),
            ("patient/Patient.sr", ScopeProblem::Permissions),
            ("patient/Patient.", ScopeProblem::Permissions),
            ("patient/Patient", ScopeProblem::Permissions),
            ("patient/Patient.Read", ScopeProblem::Permissions),
            ("patient/Patient.rs.x", ScopeProblem::Permissions),
            ("patient/Patient.*s", ScopeProblem::Permissions),
            ("patient/", ScopeProblem::Permissions),
            ("patient/.", ScopeProblem::ResourceType),
            ("patient/.rs", ScopeProblem::ResourceType),
            ("patient/patient.rs", ScopeProblem::ResourceType),
            ("patient/Pat1ent.rs", ScopeProblem::ResourceType),
            ("patient/**.rs", ScopeProblem::ResourceType),
            ("patient/A/B.rs", ScopeProblem::ResourceType),
            ("patient/X.rs?", ScopeProblem::Constraint),
            ("patient/X.rs?a", ScopeProblem::Constraint),
            ("patient/X.rs?a=", ScopeProblem::Constraint),
            ("patient/X.read?a=b", ScopeProblem::Constraint),
            ("launch/", ScopeProblem::LaunchType),
            ("launch/?role=x", ScopeProblem::LaunchType),
            ("launch/a/b", ScopeProblem::LaunchType),
            ("launch/patient?", ScopeProblem::Role),
            ("launch/patient?role=", ScopeProblem::Role),
            ("launch/patient?role=a&role=b", ScopeProblem::Role),
            ("launch/patient?type=a", ScopeProblem::Role),
        ];
        for (text, problem) in cases {
            let scope = Scope::parse(text);
            assert_eq!(scope.kind(), ScopeKind::Invalid(problem), "{text}");
            assert_eq!(scope.as_str(), text);
            assert_eq!(scope.to_uri(), None, "{text}");
        }
        for text in [
            "Openid",
            "fhiruser",
            "PATIENT/Patient.rs",
            "email",
            "patient",
            "launch?x=y",
        ] {
            assert_eq!(Scope::parse(text).kind(), ScopeKind::Other, "{text}");
        }
    }

    // covers: SMART-CTX-15, SMART-LCH-4
    #[test]
    fn a_launch_scope_has_a_type_and_perhaps_a_role() {
        let parse = |text| match Scope::parse(text).kind() {
            ScopeKind::Context(scope) => scope,
            other => panic!("{text} is {other:?}"),
        };
        let plain = parse("launch/patient");
        assert_eq!((plain.resource_type, plain.role), ("patient", None));
        let role = parse("launch/Questionnaire?role=https://x.example/r?a=b");
        assert_eq!(role.role, Some("https://x.example/r?a=b"));
        assert!(plain.is_lower_case() && !role.is_lower_case());
        assert_eq!(
            role.in_lower_case(),
            "launch/questionnaire?role=https://x.example/r?a=b"
        );
        assert_eq!(Scope::parse("launch").kind(), ScopeKind::Launch);
    }

    // covers: SMART-SCP-13, SMART-SCP-12
    #[test]
    fn scopes_and_uris_are_two_spellings() {
        let smart = |it: &str| format!("http://smarthealthit.org/fhir/scopes/{it}");
        let openid = |it: &str| format!("http://openid.net/specs/openid-connect-core-1_0#{it}");
        for (text, uri) in [
            ("patient/*.r", smart("patient/*.r")),
            ("launch/patient", smart("launch/patient")),
            ("fhirUser", smart("fhirUser")),
            ("online_access", smart("online_access")),
            ("openid", openid("openid")),
            ("profile", openid("profile")),
            ("email", openid("email")),
            ("offline_access", openid("offline_access")),
            ("https://ehr.example/s", "https://ehr.example/s".to_owned()),
        ] {
            let scope = Scope::parse(text);
            assert_eq!(scope.to_uri(), Some(uri.clone()), "{text}");
            assert_eq!(Scope::from_uri(&uri), Some(scope), "{uri}");
        }
        for text in ["custom", "__own", "patient/X.sr"] {
            assert_eq!(Scope::parse(text).to_uri(), None, "{text}");
        }
        for uri in [
            smart("custom"),
            smart("patient/X.sr"),
            openid("fhirUser"),
            "__own".into(),
        ] {
            assert_eq!(Scope::from_uri(&uri), None, "{uri}");
        }
    }

    #[test]
    fn debug_shows_no_parameters() {
        let scope = Scope::parse("patient/Observation.rs?subject=Patient/123");
        for shown in [format!("{scope:?}"), format!("{:?}", scope.kind())] {
            assert!(!shown.contains("123"), "{shown}");
        }
    }
}
