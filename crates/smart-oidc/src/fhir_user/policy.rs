//! Under which FHIR bases the user's own resource may lie.

use smart_discovery::FhirBaseUrl;

/// Under which FHIR bases the user's own resource may lie, and which of them get the access token.
///
/// Only the FHIR base of the launch does unless you say otherwise, and a `fhirUser` elsewhere is
/// refused. Some sites keep their staff on another server; then name its base.
///
/// ```
/// use smart_discovery::FhirBaseUrl;
/// use smart_oidc::{FhirUser, FhirUserPolicy};
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let launch = FhirBaseUrl::parse("https://ehr.example/fhir")?;
/// let staff = FhirBaseUrl::parse("https://staff.example/fhir")?;
/// let claim = "https://staff.example/fhir/Practitioner/1";
/// assert!(FhirUser::parse(claim, &launch).is_err());
///
/// let policy = FhirUserPolicy::new(launch).allow_base(staff.clone());
/// assert!(!FhirUser::parse_with(claim, &policy)?.takes_access_token());
///
/// let policy = policy.share_token_with(staff);
/// assert!(FhirUser::parse_with(claim, &policy)?.takes_access_token());
/// # Ok(())
/// # }
/// # example().unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FhirUserPolicy {
    launch: FhirBaseUrl,
    others: Vec<Other>,
}

/// A base beside that of the launch.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Other {
    base: FhirBaseUrl,
    takes_token: bool,
}

impl FhirUserPolicy {
    /// The FHIR base of the launch alone, which gets the access token.
    #[must_use]
    pub const fn new(launch: FhirBaseUrl) -> Self {
        Self {
            launch,
            others: Vec::new(),
        }
    }

    /// Also allows absolute references under this base, which are read *without* the access token.
    /// The last that is said of a base counts.
    #[must_use]
    pub fn allow_base(self, base: FhirBaseUrl) -> Self {
        self.with(base, false)
    }

    /// Also allows absolute references under this base, which are read *with* the access token:
    /// whoever runs that server can then act as the user. The last that is said of a base counts.
    #[must_use]
    pub fn share_token_with(self, base: FhirBaseUrl) -> Self {
        self.with(base, true)
    }

    fn with(mut self, base: FhirBaseUrl, takes_token: bool) -> Self {
        // One base can be written in several ways.
        self.others.retain(|it| !it.base.is_same(&base));
        self.others.push(Other { base, takes_token });
        self
    }

    /// The FHIR base of the launch. What lies under it gets the access token, whatever is said of
    /// other bases.
    #[must_use]
    pub const fn launch(&self) -> &FhirBaseUrl {
        &self.launch
    }

    /// The other bases, and whether each gets the access token.
    pub(super) fn others(&self) -> impl Iterator<Item = (&FhirBaseUrl, bool)> {
        self.others.iter().map(|it| (&it.base, it.takes_token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir_user::FhirUser;

    #[test]
    fn the_last_that_is_said_of_a_base_counts_in_every_spelling() {
        let base = |text: &str| FhirBaseUrl::parse(text).unwrap();
        let claim = "https://staff.example/fhir/Practitioner/1";
        let takes_token = |policy: FhirUserPolicy| {
            let user = FhirUser::parse_with(claim, &policy).unwrap();
            user.takes_access_token()
        };
        let launch = FhirUserPolicy::new(base("https://ehr.example/fhir"));
        for (one, other) in [
            (
                "https://staff.example:443/fhir",
                "https://staff.example/fhir",
            ),
            ("https://STAFF.example/fhir/", "https://staff.example/fhir"),
        ] {
            for (one, other) in [(one, other), (other, one)] {
                let shared = launch
                    .clone()
                    .allow_base(base(one))
                    .share_token_with(base(other));
                assert!(takes_token(shared), "{one} {other}");
                let allowed = launch
                    .clone()
                    .share_token_with(base(one))
                    .allow_base(base(other));
                assert!(!takes_token(allowed), "{one} {other}");
            }
        }
    }
}
