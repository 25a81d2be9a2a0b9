//! What a FHIR server can do, in the guide's own terms.

use core::fmt;

macro_rules! capabilities {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A capability that the SMART guide names, versions 1.0 to 2.2 (SMART App Launch 2.2,
        /// Conformance, Capabilities). Servers may list others, which stay in
        /// [`crate::SmartConfiguration::capabilities`].
        ///
        /// ```
        /// use smart_discovery::Capability;
        /// assert_eq!(Capability::SsoOpenidConnect.name(), "sso-openid-connect");
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Capability {
            $($(#[$doc])* $variant,)*
        }

        impl Capability {
            /// All of them, in the guide's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name in the guide.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

capabilities! {
    /// An EHR launches apps.
    LaunchEhr = "launch-ehr",
    /// Apps launch by themselves.
    LaunchStandalone = "launch-standalone",
    /// The authorization endpoint takes POST (since 2.0).
    AuthorizePost = "authorize-post",
    /// Clients without a secret.
    ClientPublic = "client-public",
    /// Clients with a shared secret.
    ClientConfidentialSymmetric = "client-confidential-symmetric",
    /// Clients with a key pair (since 2.0).
    ClientConfidentialAsymmetric = "client-confidential-asymmetric",
    /// ID tokens.
    SsoOpenidConnect = "sso-openid-connect",
    /// The token response says whether to show a patient banner.
    ContextBanner = "context-banner",
    /// The token response says how to style the app.
    ContextStyle = "context-style",
    /// The patient of an EHR launch.
    ContextEhrPatient = "context-ehr-patient",
    /// The encounter of an EHR launch.
    ContextEhrEncounter = "context-ehr-encounter",
    /// The patient of a standalone launch.
    ContextStandalonePatient = "context-standalone-patient",
    /// The encounter of a standalone launch.
    ContextStandaloneEncounter = "context-standalone-encounter",
    /// Refresh tokens that outlive the session (`offline_access`).
    PermissionOffline = "permission-offline",
    /// Refresh tokens for the length of the session (`online_access`; since 2.0).
    PermissionOnline = "permission-online",
    /// Scopes on the data of one patient.
    PermissionPatient = "permission-patient",
    /// Scopes on all data that the user may see.
    PermissionUser = "permission-user",
    /// Scopes in the form of 1.0, such as `patient/Observation.read`.
    PermissionV1 = "permission-v1",
    /// Scopes in the form of 2.0, such as `patient/Observation.rs`.
    PermissionV2 = "permission-v2",
    /// State of apps is kept (since 2.2, experimental).
    SmartAppState = "smart-app-state",
}

impl AsRef<str> for Capability {
    fn as_ref(&self) -> &str {
        self.name()
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of capabilities that a kind of app needs together (SMART App Launch 2.2, Conformance,
/// Capability Sets).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CapabilitySet {
    /// Apps for patients, launched by themselves.
    PatientStandalone,
    /// Apps for patients, launched from a portal.
    PatientEhr,
    /// Apps for clinicians, launched by themselves.
    ClinicianStandalone,
    /// Apps for clinicians, launched from an EHR.
    ClinicianEhr,
}

impl CapabilitySet {
    /// What the set needs, beside one of [`CapabilitySet::CLIENTS`].
    #[must_use]
    pub const fn needs(self) -> &'static [Capability] {
        use Capability::{
            ContextEhrEncounter, ContextEhrPatient, ContextStandalonePatient, LaunchEhr,
            LaunchStandalone, PermissionPatient, PermissionUser,
        };
        match self {
            Self::PatientStandalone => &[
                LaunchStandalone,
                ContextStandalonePatient,
                PermissionPatient,
            ],
            Self::PatientEhr => &[LaunchEhr, ContextEhrPatient, PermissionPatient],
            Self::ClinicianStandalone => &[LaunchStandalone, PermissionUser, PermissionPatient],
            Self::ClinicianEhr => &[
                LaunchEhr,
                ContextEhrPatient,
                ContextEhrEncounter,
                PermissionUser,
                PermissionPatient,
            ],
        }
    }

    /// Every set needs at least one of these.
    pub const CLIENTS: &'static [Capability] = &[
        Capability::ClientPublic,
        Capability::ClientConfidentialSymmetric,
    ];
}
