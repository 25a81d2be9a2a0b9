//! What is decided about the two metadata documents of one FHIR server. Pure.

use core::time::Duration;
use std::sync::Arc;

use smart_jose::Text;

use crate::conditional::Validators;
use crate::discover::{Discovery, DiscoveryError, TrustedIssuer};
use crate::document::DocumentError;
use crate::jwks::RemoteJwks;
use crate::kept::{Kept, Moment, Ruling, Standing, Terms};
use crate::provider_metadata::ProviderMetadata;
use crate::smart_configuration::SmartConfiguration;
use crate::url::{FhirBaseUrl, Issuer};

/// The documents, each with its own time, and the issuer that they lead to.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    /// Raised where everything is forgotten or taken from elsewhere: what was asked for before is
    /// then no longer taken in.
    epoch: u64,
    smart: Kept<SmartConfiguration, DiscoveryError>,
    provider: Kept<ProviderMetadata, DiscoveryError>,
    /// The issuer to look up, as the first document names it.
    looked_up: Option<Issuer>,
    end: Option<End>,
}

/// The end of the chain.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) issuer: Arc<TrustedIssuer>,
    /// The keys at the issuer's `jwks_uri`.
    pub(super) keys: RemoteJwks,
}

/// What a chain is followed with.
#[derive(Clone, Copy)]
pub(super) struct Guide<'a> {
    pub(super) discovery: &'a Discovery,
    pub(super) base: &'a FhirBaseUrl,
    /// Makes the keys of an issuer, with nothing held yet.
    pub(super) keys_at: &'a dyn Fn(&ProviderMetadata) -> RemoteJwks,
}

/// Which documents are to be fetched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) smart: bool,
    pub(super) provider: bool,
}

impl Due {
    pub(super) const fn is_any(self) -> bool {
        self.smart || self.provider
    }
}

/// What to do for whoever needs the issuer.
#[derive(Debug)]
pub(super) enum Decision<'a> {
    /// This is good; these are to be fetched anew in the background.
    Use { end: &'a End, ahead: Due },
    /// Fetch these first.
    Fetch(Due),
    /// There is none, and a fetch is not allowed now.
    Refuse(&'a DiscoveryError),
}

/// What an answer brings: a document, or word that it has not changed.
#[derive(Debug)]
pub(super) struct Answer<T> {
    pub(super) document: Option<T>,
    pub(super) validators: Validators,
    pub(super) life: Duration,
}

/// A document that was kept elsewhere.
#[derive(Debug)]
pub(super) struct Restored<T> {
    pub(super) document: T,
    pub(super) validators: Validators,
    pub(super) life: Duration,
    pub(super) age: Duration,
}

/// What a snapshot holds of the chain: the issuer to look up and the two documents.
pub(super) type Opened = (
    Issuer,
    Restored<SmartConfiguration>,
    Restored<ProviderMetadata>,
);

impl Chain {
    /// Nothing yet.
    pub(super) const fn new(terms: Terms) -> Self {
        Self {
            epoch: 0,
            smart: Kept::new(terms),
            provider: Kept::new(terms),
            looked_up: None,
            end: None,
        }
    }

    /// What to do at this moment.
    pub(super) fn decide(&self, now: Duration) -> Decision<'_> {
        let (smart, provider) = (self.smart.ruling(now), self.provider.ruling(now));
        if let Ruling::Refuse(error) = smart {
            return Decision::Refuse(error);
        }
        if let Ruling::Refuse(error) = provider {
            return Decision::Refuse(error);
        }
        let due = Due {
            smart: matches!(smart, Ruling::Fetch),
            provider: matches!(provider, Ruling::Fetch),
        };
        match &self.end {
            Some(end) if !due.is_any() => Decision::Use {
                end,
                ahead: Due {
                    smart: matches!(smart, Ruling::Serve { ahead: true, .. }),
                    provider: matches!(provider, Ruling::Serve { ahead: true, .. }),
                },
            },
            _ => Decision::Fetch(due),
        }
    }

    /// What the documents lead to, whatever their age.
    pub(super) const fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// The issuer to look up.
    pub(super) const fn looked_up(&self) -> Option<&Issuer> {
        self.looked_up.as_ref()
    }

    pub(super) const fn smart(&self) -> &Kept<SmartConfiguration, DiscoveryError> {
        &self.smart
    }

    pub(super) const fn provider(&self) -> &Kept<ProviderMetadata, DiscoveryError> {
        &self.provider
    }

    /// Whether the issuer's metadata was confirmed since then.
    pub(super) fn is_newer(&self, now: Duration, than: Duration) -> bool {
        let since = now.saturating_sub(than);
        let confirmed = self.provider.confirmed_ago(now);
        confirmed.is_some_and(|ago| ago <= since)
    }

    /// Whether a token may make us read the issuer's metadata again: under the same cool-down as
    /// its keys.
    pub(super) fn may_reread(&self, now: Duration) -> bool {
        self.end.is_some() && self.provider.cools_down(now).is_zero()
    }

    /// When what is asked for now was asked for.
    pub(super) const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Takes note that a token makes us read the issuer's metadata again.
    pub(super) const fn force(&mut self, now: Duration) {
        self.provider.force(now);
    }

    /// Takes in what was fetched as smart-configuration.
    pub(super) fn take_smart(
        &mut self,
        guide: Guide<'_>,
        answer: Answer<SmartConfiguration>,
        moment: Moment,
    ) -> Result<(), DiscoveryError> {
        let Answer {
            document,
            validators,
            life,
        } = answer;
        let Some(smart) = document else {
            let renewed = self.smart.renew(life, moment);
            let unasked =
                || DiscoveryError::Smart(not_modified(SmartConfiguration::url(guide.base)));
            return if renewed { Ok(()) } else { Err(unasked()) };
        };
        let (issuer, _) = guide.discovery.issuer(guide.base, &smart)?;
        match &self.looked_up {
            // One final slash may come and go; the issuer's own document says which it is.
            Some(held) if held.is_but_for_a_slash(issuer.as_str()) => {}
            Some(held) if self.provider.value().is_some() => return Err(changed(held, &issuer)),
            // Nobody was trusted yet, and what was wrong is corrected.
            _ => {
                self.provider.purge();
                self.looked_up = Some(issuer);
            }
        }
        self.smart.keep(Arc::new(smart), validators, life, moment);
        self.close(guide);
        Ok(())
    }

    /// Takes in what was fetched as the metadata of this issuer.
    pub(super) fn take_provider(
        &mut self,
        guide: Guide<'_>,
        issuer: &Issuer,
        answer: Answer<ProviderMetadata>,
        moment: Moment,
    ) -> Result<(), DiscoveryError> {
        let Answer {
            document,
            validators,
            life,
        } = answer;
        if self.looked_up.as_ref() != Some(issuer) {
            // Everything was forgotten in the meantime, and the chain begins anew.
            return Ok(());
        }
        let Some(provider) = document else {
            let renewed = self.provider.renew(life, moment);
            let unasked =
                || DiscoveryError::Provider(not_modified(issuer.configuration_url()).into());
            return if renewed { Ok(()) } else { Err(unasked()) };
        };
        guide.discovery.check_pin(&provider.issuer)?;
        if let Some(held) = self.provider.value()
            && held.issuer != provider.issuer
        {
            return Err(changed(&held.issuer, &provider.issuer));
        }
        self.provider
            .keep(Arc::new(provider), validators, life, moment);
        self.close(guide);
        Ok(())
    }

    /// Makes the end of the chain out of both documents.
    fn close(&mut self, guide: Guide<'_>) {
        let (Some(smart), Some(provider)) = (self.smart.value(), self.provider.value()) else {
            return;
        };
        let uri = &provider.jwks_uri;
        let keys = match self.end.take().map(|it| it.keys) {
            Some(keys) if keys.uri().as_str() == uri.as_str() => keys,
            Some(keys) => keys.moved(uri.clone()),
            None => (guide.keys_at)(provider),
        };
        let issuer =
            TrustedIssuer::new(guide.base.clone(), Arc::clone(smart), Arc::clone(provider));
        let issuer = Arc::new(issuer);
        self.end = Some(End { issuer, keys });
    }

    /// Takes note of a failed fetch of smart-configuration.
    pub(super) fn smart_failed(
        &mut self,
        error: DiscoveryError,
        retry_after: Option<Duration>,
        moment: Moment,
    ) {
        self.smart.failed(error, retry_after, moment);
    }

    /// Takes note of a failed fetch of the issuer's metadata.
    pub(super) fn provider_failed(
        &mut self,
        error: DiscoveryError,
        retry_after: Option<Duration>,
        moment: Moment,
    ) {
        self.provider.failed(error, retry_after, moment);
    }

    /// Takes in documents that were kept elsewhere, each with its age, unless what is held is
    /// younger; says whether. They have gone through the same checks as those that are fetched.
    ///
    /// Gives back the issuer that is held where it is another one.
    pub(super) fn restore(
        &mut self,
        guide: Guide<'_>,
        (looked_up, smart, provider): Opened,
        moment: Moment,
    ) -> Result<bool, Issuer> {
        if let Some(held) = self.provider.value()
            && held.issuer != provider.document.issuer
        {
            return Err(held.issuer.clone());
        }
        let ages = (
            self.smart.confirmed_ago(moment.now),
            self.provider.confirmed_ago(moment.now),
        );
        if let (Some(held_smart), Some(held_provider)) = ages
            && held_smart.max(held_provider) <= smart.age.max(provider.age)
        {
            return Ok(false);
        }
        self.purge();
        self.looked_up = Some(looked_up);
        let Restored {
            document,
            validators,
            life,
            age,
        } = smart;
        self.smart
            .restore(Arc::new(document), validators, life, age, moment);
        let Restored {
            document,
            validators,
            life,
            age,
        } = provider;
        self.provider
            .restore(Arc::new(document), validators, life, age, moment);
        self.close(guide);
        Ok(true)
    }

    /// Forgets everything.
    pub(super) fn purge(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
        self.smart.purge();
        self.provider.purge();
        self.looked_up = None;
        self.end = None;
    }

    /// How the two documents stand, each with its last error.
    pub(super) fn standings(&self, now: Duration) -> [(Standing, Option<&DiscoveryError>); 2] {
        [
            (self.smart.standing(now), self.smart.last_error()),
            (self.provider.standing(now), self.provider.last_error()),
        ]
    }
}

fn not_modified(url: String) -> DocumentError {
    DocumentError::NotModified {
        url: Text::new(&url),
    }
}

fn changed(held: &Issuer, found: &Issuer) -> DiscoveryError {
    DiscoveryError::IssuerChanged {
        held: Text::new(held.as_str()),
        found: Text::new(found.as_str()),
    }
}
