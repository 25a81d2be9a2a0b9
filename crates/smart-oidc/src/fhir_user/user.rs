//! The user's own resource, as the claim `fhirUser` names it.
//!
//! A FHIR read with the access token is only ever made from a [`FhirUser`], and its URL is built
//! from a configured FHIR base. A token cannot send the access token anywhere else.

use core::fmt;

use smart_discovery::FhirBaseUrl;
use smart_jose::Text;

use super::kind::FhirUserType;
use super::policy::FhirUserPolicy;
use super::read::FhirRead;
use super::reference::{Reference, ReferenceError, is_absolute};
use crate::value::AccessToken;

/// A reference to the user's own resource, under a configured FHIR base.
///
/// ```
/// use smart_discovery::FhirBaseUrl;
/// use smart_oidc::FhirUser;
/// let base = FhirBaseUrl::parse("https://ehr.example/a/fhir").unwrap();
/// let user = FhirUser::parse("Practitioner/123", &base).unwrap();
/// assert_eq!(user.url(), "https://ehr.example/a/fhir/Practitioner/123");
/// assert!(FhirUser::parse("https://evil.example/fhir/Practitioner/123", &base).is_err());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct FhirUser {
    target: Reference,
    takes_token: bool,
}

/// Why a `fhirUser` is refused. The identity in the token stays valid.
///
/// The value can name a patient, so no error carries it: only its length, its origin, or the
/// type that it names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FhirUserError {
    /// The value is neither `Type/id` nor a plain absolute URL with just that behind the FHIR base.
    #[error("fhirUser, of {octets} octets, is no reference of the form Type/id")]
    Form {
        /// The length of the value in octets.
        octets: usize,
    },
    /// The scope `fhirUser` was granted and the claim is missing.
    #[error("fhirUser is missing although its scope was granted")]
    Missing,
    /// The value is a URL outside the FHIR base of the launch and every base that is allowed.
    #[error("fhirUser is a URL at {found}, which is not under the FHIR base {base}")]
    OffBase {
        /// The FHIR base of the launch.
        base: Text,
        /// Scheme, host and port of the value; its path may differ too.
        found: Text,
    },
    /// The type is none that a user can be; case matters.
    #[error("fhirUser names the resource type {found}, which no user is")]
    ResourceType {
        /// The type.
        found: Text,
    },
    /// The claim is no string.
    #[error("fhirUser is not a string")]
    WrongType,
}

impl FhirUserError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Form { .. } => "fhir-user-form",
            Self::Missing => "fhir-user-missing",
            Self::OffBase { .. } => "fhir-user-off-base",
            Self::ResourceType { .. } => "fhir-user-type",
            Self::WrongType => "fhir-user-wrong-type",
        }
    }
}

impl From<ReferenceError> for FhirUserError {
    fn from(error: ReferenceError) -> Self {
        match error {
            ReferenceError::Form { octets } => Self::Form { octets },
            ReferenceError::OffBase { base, found } => Self::OffBase { base, found },
            ReferenceError::ResourceType { found } => Self::ResourceType { found },
        }
    }
}

impl FhirUser {
    /// Reads the claim: a relative `Type/id`, or an absolute URL with the origin of the FHIR base
    /// and the path `<base>/Type/id`.
    ///
    /// User info, a query, a fragment, dot segments, percent-encoding and a version are refused.
    ///
    /// # Errors
    ///
    /// [`FhirUserError`].
    pub fn parse(claim: &str, base: &FhirBaseUrl) -> Result<Self, FhirUserError> {
        Self::parse_with(claim, &FhirUserPolicy::new(base.clone()))
    }

    /// The same, where absolute URLs may also lie under the other bases of a policy.
    ///
    /// # Errors
    ///
    /// [`FhirUserError`].
    pub fn parse_with(claim: &str, policy: &FhirUserPolicy) -> Result<Self, FhirUserError> {
        let mut refused = match Reference::parse(claim, policy.launch()) {
            Ok(target) => return Ok(Self::new(target, true)),
            Err(error) => error,
        };
        // What is relative belongs to the launch and to nobody else.
        for (base, takes_token) in policy.others().filter(|_| is_absolute(claim)) {
            match Reference::parse(claim, base) {
                Ok(target) => return Ok(Self::new(target, takes_token)),
                // That it is under no base says less than what was found under one.
                Err(ReferenceError::OffBase { .. }) => {}
                Err(error) if matches!(refused, ReferenceError::OffBase { .. }) => refused = error,
                Err(_) => {}
            }
        }
        Err(refused.into())
    }

    const fn new(target: Reference, takes_token: bool) -> Self {
        Self {
            target,
            takes_token,
        }
    }

    /// The type of the resource.
    #[must_use]
    pub const fn resource_type(&self) -> FhirUserType {
        self.target.resource_type
    }

    /// The id of the resource. It can name a patient: do not log it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.target.id
    }

    /// The FHIR base under which the resource lies.
    #[must_use]
    pub const fn base(&self) -> &FhirBaseUrl {
        &self.target.base
    }

    /// `Type/id`.
    #[must_use]
    pub fn reference(&self) -> String {
        self.target.to_string()
    }

    /// Where to read the resource: the FHIR base and `Type/id`.
    #[must_use]
    pub fn url(&self) -> String {
        self.target.url()
    }

    /// Whether the access token goes along when the resource is read. It does not under a base
    /// that is allowed and nothing more (see [`FhirUserPolicy::allow_base`]).
    #[must_use]
    pub const fn takes_access_token(&self) -> bool {
        self.takes_token
    }

    /// The read of this resource, with the access token if the base gets it.
    #[must_use]
    pub fn read<'t>(&self, token: &'t AccessToken) -> FhirRead<'t> {
        FhirRead::new(self.target.clone(), self.takes_token.then_some(token))
    }
}

impl fmt::Debug for FhirUser {
    /// Shows the type and not the id, which can name a patient.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FhirUser({}/***)", self.resource_type())
    }
}
#[cfg(test)]
mod tests {
    use super::super::read::UnfitToken;
    use super::*;

    fn parse(claim: &str) -> Result<String, &'static str> {
        let base = FhirBaseUrl::parse("https://ehr.example/a/fhir").unwrap();
        FhirUser::parse(claim, &base)
            .map(|user| {
                assert_eq!(
                    user.url(),
                    format!("https://ehr.example/a/fhir/{}", user.reference())
                );
                user.reference()
            })
            .map_err(|error| error.code())
    }

    // covers: SMART-ID-3, SMART-ID-4, SMART-USR-2, SMART-USR-13
    #[test]
    fn both_forms_name_the_same_resource() {
        for claim in [
            "Practitioner/123",
            "https://ehr.example/a/fhir/Practitioner/123",
            "https://EHR.example:443/a/fhir/Practitioner/123",
            "HTTPS://ehr.example/a/fhir/Practitioner/123",
        ] {
            assert_eq!(parse(claim), Ok("Practitioner/123".into()), "{claim}");
        }
        for kind in [
            "Patient",
            "Practitioner",
            "PractitionerRole",
            "RelatedPerson",
            "Person",
        ] {
            assert_eq!(parse(&format!("{kind}/a.B-9")), Ok(format!("{kind}/a.B-9")));
        }
        let id = "x".repeat(64);
        assert_eq!(parse(&format!("Person/{id}")), Ok(format!("Person/{id}")));
    }

    // covers: SMART-USR-3, SMART-USR-4
    #[test]
    fn adv_bearer_origin_nothing_else_becomes_a_read() {
        for (claim, expected) in [
            ("Device/1", "fhir-user-type"),
            ("practitioner/1", "fhir-user-type"),
            ("", "fhir-user-form"),
            ("123", "fhir-user-form"),
            ("Patient", "fhir-user-form"),
            ("Patient/", "fhir-user-form"),
            ("/Patient/1", "fhir-user-form"),
            ("Patient/1/", "fhir-user-form"),
            ("Patient/1/_history/2", "fhir-user-form"),
            ("Patient/.", "fhir-user-form"),
            ("Patient/..", "fhir-user-form"),
            ("Patient/../Observation/1", "fhir-user-form"),
            ("Patient/%2e%2e", "fhir-user-form"),
            ("Patient/1?x=1", "fhir-user-form"),
            ("Patient/1#x", "fhir-user-form"),
            ("Patient/a b", "fhir-user-form"),
            ("Patient/a_b", "fhir-user-form"),
            (" Patient/1", "fhir-user-form"),
            ("Patient/1\n", "fhir-user-form"),
            ("urn:uuid:7", "fhir-user-form"),
            ("https:/ehr.example/a/fhir/Patient/1", "fhir-user-form"),
            ("https:Patient/1", "fhir-user-form"),
            ("Patient\\1", "fhir-user-form"),
            ("Patient/1\0", "fhir-user-form"),
            ("Patient/\u{ff11}", "fhir-user-form"),
            ("\u{feff}Patient/1", "fhir-user-form"),
            ("Patient/1|2", "fhir-user-form"),
            ("#Patient/1", "fhir-user-form"),
            ("https://ehr.example/a/fhir/Pat\tient/1", "fhir-user-form"),
            ("https://ehr.example\\a/fhir/Patient/1", "fhir-user-form"),
            (
                "https://\u{ff45}hr.example/a/fhir/Patient/1",
                "fhir-user-form",
            ),
            ("https://ehr%2eexample/a/fhir/Patient/1", "fhir-user-form"),
            (
                "https://ehr.example/a%2ffhir/Patient/1",
                "fhir-user-off-base",
            ),
            (
                "https://ehr.example/%61/fhir/Patient/1",
                "fhir-user-off-base",
            ),
            ("https://ehr.example/a/fhir/Patient%2f1", "fhir-user-form"),
            ("https://ehr.example/a/fhir/Patient/1/", "fhir-user-form"),
            (
                "https://ehr.example/a/fhir/Patient/1/_history/1",
                "fhir-user-form",
            ),
            ("https://ehr.example/a/fhir//Patient/1", "fhir-user-form"),
            ("https://ehr.example/a/fhir/Patient/1?", "fhir-user-form"),
            ("https://ehr.example/a/fhir/Patient/1#", "fhir-user-form"),
            ("https://ehr.example/a/fhir/Patient/../1", "fhir-user-form"),
            (
                "https://ehr.example./a/fhir/Patient/1",
                "fhir-user-off-base",
            ),
            ("//evil.example/Patient/1", "fhir-user-form"),
            (
                "https://evil.example/a/fhir/Patient/1",
                "fhir-user-off-base",
            ),
            (
                "https://ehr.example.evil.example/a/fhir/Patient/1",
                "fhir-user-off-base",
            ),
            (
                "https://ehr.example@evil.example/a/fhir/Patient/1",
                "fhir-user-form",
            ),
            ("https://u@ehr.example/a/fhir/Patient/1", "fhir-user-form"),
            (
                "https://ehr.example:8443/a/fhir/Patient/1",
                "fhir-user-off-base",
            ),
            ("http://ehr.example/a/fhir/Patient/1", "fhir-user-off-base"),
            (
                "https://ehr.example/a/fhirX/Patient/1",
                "fhir-user-off-base",
            ),
            ("https://ehr.example/fhir/Patient/1", "fhir-user-off-base"),
            (
                "https://ehr.example/a/fhir?x/Patient/1",
                "fhir-user-off-base",
            ),
            ("https://ehr.example/A/fhir/Patient/1", "fhir-user-off-base"),
            ("https://ehr.example/a/./fhir/Patient/1", "fhir-user-form"),
            ("ftp://ehr.example/a/fhir/Patient/1", "fhir-user-off-base"),
            ("https://ehr.example:/a/fhir/Patient/1", "fhir-user-form"),
            ("https://ehr.example/a/fhir/", "fhir-user-form"),
            ("https://ehr.example/a/fhir", "fhir-user-off-base"),
            ("https://ehr.example/a/fhir/x/Patient/1", "fhir-user-form"),
            ("https://ehr.example/a/fhir/Patient/1?a", "fhir-user-form"),
        ] {
            assert_eq!(parse(claim), Err(expected), "{claim}");
        }
        assert!(parse(&format!("Patient/{}", "x".repeat(65))).is_err());
    }

    #[test]
    fn debug_does_not_show_the_id() {
        let base = FhirBaseUrl::parse("https://ehr.example").unwrap();
        let user = FhirUser::parse("Patient/p-4711", &base).unwrap();
        assert_eq!(format!("{user:?}"), "FhirUser(Patient/***)");
    }

    // covers: SMART-USR-3
    #[test]
    fn another_base_is_allowed_by_name_only_and_gets_the_token_by_name_only() {
        let base = |text: &str| FhirBaseUrl::parse(text).unwrap();
        let launch = FhirUserPolicy::new(base("https://ehr.example/fhir"));
        let judged = |policy: &FhirUserPolicy, claim: &str| {
            FhirUser::parse_with(claim, policy)
                .map(|it| (it.url(), it.takes_access_token()))
                .map_err(|error| error.code())
        };
        let claim = "https://staff.example/fhir/Practitioner/1";
        assert_eq!(judged(&launch, claim), Err("fhir-user-off-base"));
        let allowed = launch.allow_base(base("https://staff.example/fhir/"));
        assert_eq!(judged(&allowed, claim), Ok((claim.to_owned(), false)));
        let shared = allowed
            .clone()
            .share_token_with(base("https://staff.example/fhir"));
        assert_eq!(judged(&shared, claim), Ok((claim.to_owned(), true)));
        // The last that is said of a base counts, and a slash makes no other base.
        let again = shared.allow_base(base("https://staff.example/fhir/"));
        assert_eq!(judged(&again, claim), Ok((claim.to_owned(), false)));
        // What is relative is the launch's, and its token stays its own.
        let ours = "https://ehr.example/fhir/Practitioner/1";
        assert_eq!(
            judged(&allowed, "Practitioner/1"),
            Ok((ours.to_owned(), true))
        );
        assert_eq!(judged(&allowed, ours), Ok((ours.to_owned(), true)));
        // Nothing that is said of other bases takes the token from the launch.
        let launch = FhirUserPolicy::new(base("https://ehr.example/fhir"));
        let odd = launch.allow_base(base("https://ehr.example/fhir"));
        assert_eq!(judged(&odd, ours), Ok((ours.to_owned(), true)));
        // Under an allowed base the same rules hold.
        for (claim, code) in [
            (
                "https://staff.example/fhirX/Practitioner/1",
                "fhir-user-off-base",
            ),
            (
                "https://staff.example.evil.example/fhir/Practitioner/1",
                "fhir-user-off-base",
            ),
            (
                "http://staff.example/fhir/Practitioner/1",
                "fhir-user-off-base",
            ),
            (
                "https://staff.example:8443/fhir/Practitioner/1",
                "fhir-user-off-base",
            ),
            (
                "https://u@staff.example/fhir/Practitioner/1",
                "fhir-user-form",
            ),
            ("https://staff.example/fhir/Device/1", "fhir-user-type"),
            (
                "https://staff.example/fhir/Practitioner/1?a",
                "fhir-user-form",
            ),
        ] {
            assert_eq!(judged(&allowed, claim), Err(code), "{claim}");
        }
    }

    // covers: SMART-USR-1, SMART-USR-2, SMART-USR-6
    #[test]
    fn the_request_goes_to_the_base_with_the_access_token() {
        use http::header::{ACCEPT, AUTHORIZATION};
        let launch = FhirBaseUrl::parse("https://ehr.example/a/fhir/").unwrap();
        let user = FhirUser::parse("Practitioner/1", &launch).unwrap();
        let token = AccessToken::new("at.1");
        let request = user.read(&token).request().unwrap();
        assert_eq!(request.method(), "GET");
        assert_eq!(request.uri(), "https://ehr.example/a/fhir/Practitioner/1");
        assert_eq!(request.headers()[AUTHORIZATION], "Bearer at.1");
        assert!(request.headers()[AUTHORIZATION].is_sensitive());
        let accept = request.headers()[ACCEPT].to_str().unwrap();
        assert!(accept.starts_with("application/fhir+json"));
        let unfit = AccessToken::new("a\r\nHost: evil");
        assert_eq!(user.read(&unfit).request().unwrap_err(), UnfitToken);
        assert_eq!(
            format!("{:?}", user.read(&token)),
            "FhirRead { resource_type: Practitioner, has_access_token: true, .. }"
        );

        let staff = FhirBaseUrl::parse("https://staff.example").unwrap();
        let policy = FhirUserPolicy::new(launch).allow_base(staff);
        let user = FhirUser::parse_with("https://staff.example/Practitioner/1", &policy).unwrap();
        let request = user.read(&token).request().unwrap();
        assert!(!request.headers().contains_key(AUTHORIZATION));
    }
}
