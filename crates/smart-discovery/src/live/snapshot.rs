//! An issuer that is written down: both documents and the keys, each with its age.

use core::time::Duration;

use bytes::Bytes;
use http::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use smart_jose::{Text, UnixTime};

use super::chain::{Chain, Opened, Restored};
use crate::conditional::Validators;
use crate::discover::{Discovery, DiscoveryError};
use crate::freshness::{Bounds, LIFE};
use crate::jwks::{JwksSnapshot, SnapshotError, age_of, confirmed_at, life_of};
use crate::kept::Kept;
use crate::provider_metadata::ProviderMetadata;
use crate::smart_configuration::SmartConfiguration;
use crate::url::FhirBaseUrl;

/// The form of what is written; another is refused.
const VERSION: u32 = 1;

/// An issuer with its documents and keys, to be stored as any text that serde writes. Times are
/// seconds of the wall clock.
///
/// It holds what is public; whoever can change it decides who may sign in.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerSnapshot {
    version: u32,
    fhir_base: String,
    /// Whether the first document was made from a CapabilityStatement.
    #[serde(default)]
    from_capability_statement: bool,
    smart_configuration: Written,
    openid_configuration: Written,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jwks: Option<JwksSnapshot>,
}

/// One document.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Written {
    confirmed_at: u64,
    life: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
    document: Value,
}

impl Written {
    fn of<T: Serialize, E: Clone>(kept: &Kept<T, E>, now: UnixTime, at: Duration) -> Option<Self> {
        let (document, validators, life, age) = kept.parts(at)?;
        let (etag, last_modified) = validators.to_text();
        Some(Self {
            confirmed_at: confirmed_at(age, now),
            life: life.as_secs(),
            etag,
            last_modified,
            document: serde_json::to_value(&**document).ok()?,
        })
    }

    /// The document as if it had just been fetched.
    fn answer(&self) -> Response<Bytes> {
        Response::new(Bytes::from(self.document.to_string()))
    }

    fn restored<T>(&self, document: T, now: UnixTime) -> Restored<T> {
        let bounds = Bounds::with_default(LIFE);
        let life = life_of(self.life, bounds);
        Restored {
            document,
            validators: Validators::from_text(self.etag.as_deref(), self.last_modified.as_deref()),
            life,
            age: age_of(self.confirmed_at, life, now),
        }
    }
}

impl IssuerSnapshot {
    /// The FHIR base that it is of.
    #[must_use]
    pub fn fhir_base(&self) -> &str {
        &self.fhir_base
    }

    pub(super) fn of(
        base: &FhirBaseUrl,
        chain: &Chain,
        jwks: Option<JwksSnapshot>,
        now: UnixTime,
        at: Duration,
    ) -> Option<Self> {
        Some(Self {
            version: VERSION,
            fhir_base: base.as_str().to_owned(),
            from_capability_statement: chain
                .smart()
                .value()
                .is_some_and(|it| it.is_from_capability_statement()),
            smart_configuration: Written::of(chain.smart(), now, at)?,
            openid_configuration: Written::of(chain.provider(), now, at)?,
            jwks,
        })
    }

    pub(super) const fn jwks(&self) -> Option<&JwksSnapshot> {
        self.jwks.as_ref()
    }

    /// Follows the chain of trust through what was written down.
    pub(super) fn open(
        &self,
        discovery: &Discovery,
        base: &FhirBaseUrl,
        now: UnixTime,
    ) -> Result<Opened, SnapshotError> {
        if self.version != VERSION {
            let (expected, found) = (VERSION, self.version);
            return Err(SnapshotError::Version { expected, found });
        }
        if self.fhir_base != base.as_str() {
            let (expected, found) = (Text::new(base.as_str()), Text::new(&self.fhir_base));
            return Err(SnapshotError::OtherPlace { expected, found });
        }
        let broken = |document| {
            move |error: DiscoveryError| SnapshotError::Content {
                document,
                problem: Text::new(&error.to_string()),
            }
        };
        let in_smart = broken("smart-configuration");
        let answer = self.smart_configuration.answer();
        let smart = SmartConfiguration::from_response(base, &answer, discovery.plain());
        let mut smart = smart.map_err(DiscoveryError::Smart).map_err(in_smart)?;
        smart.set_from_capability_statement(self.from_capability_statement);
        let (issuer, _) = discovery.issuer(base, &smart).map_err(in_smart)?;
        let in_provider = broken("openid-configuration");
        let answer = self.openid_configuration.answer();
        let provider = ProviderMetadata::from_response(&issuer, &answer, discovery.plain())
            .map_err(DiscoveryError::Provider)
            .map_err(in_provider)?;
        discovery.check_pin(&provider.issuer).map_err(in_provider)?;
        Ok((
            issuer,
            self.smart_configuration.restored(smart, now),
            self.openid_configuration.restored(provider, now),
        ))
    }
}
