//! What an app says of itself.

use core::time::Duration;
use std::sync::Arc;

use http::HeaderName;
use smart_oidc::jose::Text;

use super::address::{AppUrl, AppUrlError, Origin};
use super::cookies::CookieMode;
use super::keys::ClientKeys;
use super::metrics::Metrics;
use super::reports::{ReportsFor, SignInReports};
use super::wording::Wording;

/// A load balancer that looks every second or two has seen the 503 by then.
const TIME_TO_LEAVE: Duration = Duration::from_secs(5);
/// A program that may open 1024 files has some left for the EHR.
const CONNECTIONS: usize = 800;

/// Where the app's pages are shown.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Embedding {
    /// In a window or a tab of their own. Nobody may frame them, and cookies are `SameSite=Lax`.
    #[default]
    TopLevel,
    /// In a frame of the EHR. These origins may frame them, and cookies are
    /// `SameSite=None; Secure; Partitioned`.
    Framed(EhrOrigins),
}

/// The origins of EHRs that may frame the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EhrOrigins(Vec<Origin>);

impl Embedding {
    /// Framed by pages of these origins, each as `https://host` or `https://host:port`.
    ///
    /// # Errors
    ///
    /// [`SettingsError::EhrOrigin`], and [`SettingsError::NoEhrOrigin`] where there is none.
    pub fn framed_by<'o>(
        origins: impl IntoIterator<Item = &'o str>,
    ) -> Result<Self, SettingsError> {
        let origins: Result<Vec<_>, _> = origins.into_iter().map(Origin::parse).collect();
        let origins = origins.map_err(SettingsError::EhrOrigin)?;
        if origins.is_empty() {
            return Err(SettingsError::NoEhrOrigin);
        }
        Ok(Self::Framed(EhrOrigins(origins)))
    }

    pub(super) const fn is_framed(&self) -> bool {
        matches!(self, Self::Framed(_))
    }

    /// For `frame-ancestors`.
    pub(super) fn ancestors(&self) -> String {
        match self {
            Self::TopLevel => "'none'".to_owned(),
            Self::Framed(EhrOrigins(origins)) => {
                let origins: Vec<_> = origins.iter().map(Origin::as_str).collect();
                origins.join(" ")
            }
        }
    }
}

/// What an app says of itself. Everything but its address has a default.
///
/// ```
/// use smart_axum::web::{Embedding, WebSettings};
/// # fn example() -> Result<WebSettings, smart_axum::web::SettingsError> {
/// WebSettings::new("https://charts.example/growth")?
///     .with_name("Growth Chart")
///     .with_help("Help desk: extension 4711")
///     .with_embedding(Embedding::framed_by(["https://ehr.example"])?)
///     .checked()
/// # }
/// # assert!(example().is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct WebSettings {
    pub(super) url: AppUrl,
    pub(super) name: String,
    pub(super) help: Option<String>,
    pub(super) embedding: Embedding,
    pub(super) cookies: CookieMode,
    pub(super) is_standalone: bool,
    pub(super) tag_header: Option<HeaderName>,
    pub(super) tag_query: Option<String>,
    pub(super) patient_header: Option<HeaderName>,
    pub(super) keys: Option<ClientKeys>,
    pub(super) metrics: Metrics,
    pub(super) reports: Option<(SignInReports, ReportsFor)>,
    pub(super) wording: Option<Arc<dyn Wording>>,
    pub(super) time_to_leave: Duration,
    pub(super) connections: usize,
}

impl WebSettings {
    /// An app at this address, as browsers know it: `https://charts.example`, or
    /// `https://charts.example/growth` where a proxy has put it under a prefix.
    ///
    /// # Errors
    ///
    /// [`SettingsError::PublicUrl`].
    pub fn new(public_url: &str) -> Result<Self, SettingsError> {
        Ok(Self {
            url: AppUrl::parse(public_url).map_err(SettingsError::PublicUrl)?,
            name: "This app".to_owned(),
            help: None,
            embedding: Embedding::TopLevel,
            cookies: CookieMode::HostPrefixed,
            is_standalone: false,
            tag_header: None,
            tag_query: None,
            patient_header: None,
            keys: None,
            metrics: Metrics::new(),
            reports: None,
            wording: None,
            time_to_leave: TIME_TO_LEAVE,
            connections: CONNECTIONS,
        })
    }

    /// The name that pages show.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// How a person reaches whoever runs the app; it stands on every error page.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Where the pages are shown.
    #[must_use]
    pub fn with_embedding(mut self, embedding: Embedding) -> Self {
        self.embedding = embedding;
        self
    }

    /// How cookies are written.
    #[must_use]
    pub const fn with_cookies(mut self, mode: CookieMode) -> Self {
        self.cookies = mode;
        self
    }

    /// Lets `/launch` begin a launch from the app itself: `/launch?iss=…` with one of the FHIR
    /// servers that the app is registered with, and `/launch` alone where there is one only.
    #[must_use]
    pub const fn with_standalone_launch(mut self) -> Self {
        self.is_standalone = true;
        self
    }

    /// Also reads the name of the launch from this header, for requests of scripts whose path does
    /// not have it.
    #[must_use]
    pub fn with_tag_in_header(mut self, header: HeaderName) -> Self {
        self.tag_header = Some(header);
        self
    }

    /// Also reads the name of the launch from this parameter of the query.
    #[must_use]
    pub fn with_tag_in_query(mut self, parameter: impl Into<String>) -> Self {
        self.tag_query = Some(parameter.into());
        self
    }

    /// Reads from this header which patient a page shows (the id of a FHIR `Patient`), for scripts
    /// whose page stays where it is while the record turns: a request of a page that shows another
    /// patient than the one in context is refused as [`smart_oidc::session::SessionError::PatientChanged`],
    /// also where another window has gone on with that one.
    #[must_use]
    pub fn with_patient_in_header(mut self, header: HeaderName) -> Self {
        self.patient_header = Some(header);
        self
    }

    /// Serves the app's own public keys at `/.well-known/jwks.json`.
    #[must_use]
    pub fn with_keys(mut self, keys: ClientKeys) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Counts here; give a clone of it to the program's `tracing` subscriber.
    #[must_use]
    pub fn with_metrics(mut self, metrics: Metrics) -> Self {
        self.metrics = metrics;
        self
    }

    /// Tells how each check on the ID token went where a sign-in is refused for it: in the log under
    /// the reference of the page, and for [`ReportsFor::Everybody`] on the page too. Neither has a token
    /// or a claim about the person. The reports have to be the witness of the flow as well.
    #[must_use]
    pub fn with_reports(mut self, reports: SignInReports, readers: ReportsFor) -> Self {
        self.reports = Some((reports, readers));
        self
    }

    /// How our own pages call a patient; by the id of the FHIR `Patient` unless set.
    #[must_use]
    pub fn with_wording(mut self, wording: impl Wording + 'static) -> Self {
        self.wording = Some(Arc::new(wording));
        self
    }

    /// How long new connections are still taken when the program is told to stop, while `/readyz` says
    /// so; 5 s unless set. Whoever spreads the requests over nodes needs that time to send them
    /// elsewhere; where there is nobody, zero ends the program sooner.
    #[must_use]
    pub const fn with_time_to_leave(mut self, time: Duration) -> Self {
        self.time_to_leave = time;
        self
    }

    /// How many connections are held at once, one at least; 800 unless set. The next one waits until another one has
    /// ended. Each needs a file handle of the process.
    #[must_use]
    pub const fn with_connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// The same settings, if they go together.
    ///
    /// # Errors
    ///
    /// [`SettingsError::DevelopmentOnNetwork`] and [`SettingsError::DevelopmentFramed`].
    pub fn checked(self) -> Result<Self, SettingsError> {
        if self.cookies == CookieMode::LoopbackDevelopment {
            if !self.url.is_loopback() {
                let found = Text::new(&self.url.to_string());
                return Err(SettingsError::DevelopmentOnNetwork { found });
            }
            if self.embedding.is_framed() {
                return Err(SettingsError::DevelopmentFramed);
            }
        }
        Ok(self)
    }
}

/// Why settings are refused, when the program starts.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A cookie that a frame of another site gets must be `Secure`.
    #[error("an app in a frame needs Secure cookies, which the development mode leaves out")]
    DevelopmentFramed,
    /// The development mode is for this machine.
    #[error("{found} can be reached from the network, and the development mode protects no cookie")]
    DevelopmentOnNetwork {
        /// The address of the app.
        found: Text,
    },
    /// An origin that may frame the app is none.
    #[error("the origin of an EHR: {0}")]
    EhrOrigin(AppUrlError),
    /// The app is framed, and by nobody.
    #[error("the app is to be framed, and no origin may frame it")]
    NoEhrOrigin,
    /// The app is registered with another address to come back to than its own.
    #[error("the app is registered with the redirect URI {found}, and its own is {expected}")]
    RedirectUri {
        /// The address of the callback here.
        expected: Text,
        /// What is registered.
        found: Text,
    },
    /// The address of the app is none.
    #[error("the address of the app: {0}")]
    PublicUrl(AppUrlError),
}

impl SettingsError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::DevelopmentFramed => "web-development-framed",
            Self::DevelopmentOnNetwork { .. } => "web-development-on-network",
            Self::EhrOrigin(_) => "web-ehr-origin",
            Self::NoEhrOrigin => "web-no-ehr-origin",
            Self::PublicUrl(_) => "web-public-url",
            Self::RedirectUri { .. } => "web-redirect-uri",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> smart_oidc::jose::ErrorClass {
        smart_oidc::jose::ErrorClass::Configuration
    }
}
