//! The keys of a live issuer, bound to the issuer that a verifier was made for.

use core::time::Duration;

use async_trait::async_trait;
use smart_jose::{Algorithms, Candidates, ProtectedHeader, Text};

use super::chain::End;
use super::issuer::LiveIssuer;
use crate::discover::{DiscoveryError, TrustedIssuer};
use crate::jwks::{KeySource, KeySourceError};
use crate::observe::Phase;
use crate::url::Issuer;

/// The keys of the one issuer that a verifier was made for, wherever that issuer has them now.
///
/// [`LiveIssuer::keys_of`] gives them. Were they the keys of whatever issuer the server leads to, a
/// purge that accepts another issuer would let that one sign for the one before.
#[derive(Clone, Debug)]
pub struct IssuerKeys {
    live: LiveIssuer,
    issuer: Issuer,
}

impl LiveIssuer {
    /// The keys of this issuer and of nobody else: what a verifier of its tokens is made with.
    /// Where the server leads to another issuer later, after a purge, they are refused.
    #[must_use]
    pub fn keys_of(&self, issuer: &TrustedIssuer) -> IssuerKeys {
        IssuerKeys {
            live: self.clone(),
            issuer: issuer.issuer().clone(),
        }
    }

    /// Has the issuer and its keys at hand, fetched where nothing that may serve is held: before the
    /// first sign-in, or for a probe that is asked whether one could succeed. Where a fetch is under
    /// way, or rests after a failure, none is added.
    ///
    /// # Errors
    ///
    /// [`KeySourceError::Discovery`] and [`KeySourceError::Fetch`].
    pub async fn warm_up(&self) -> Result<(), KeySourceError> {
        let failed = |error| KeySourceError::Discovery(Box::new(error));
        let keys = self.end().await.map_err(failed)?.keys;
        let state = keys.state();
        let serves = matches!(state.phase, Phase::Fresh | Phase::Stale);
        if !serves && !state.is_refreshing && state.backing_off.is_none() {
            keys.refresh().await?;
        }
        Ok(())
    }
}

impl IssuerKeys {
    /// The end of the chain, if it is this issuer.
    async fn end(&self) -> Result<End, KeySourceError> {
        let failed = |error| KeySourceError::Discovery(Box::new(error));
        let end = self.live.end().await.map_err(failed)?;
        if end.issuer.issuer() == &self.issuer {
            return Ok(end);
        }
        Err(failed(DiscoveryError::IssuerChanged {
            held: Text::new(self.issuer.as_str()),
            found: Text::new(end.issuer.issuer().as_str()),
        }))
    }

    /// The end of the chain where it is at hand and this issuer.
    fn glance<T>(&self, now: Duration, take: impl FnOnce(&End) -> T) -> Option<T> {
        let is_ours = |end: &End| end.issuer.issuer() == &self.issuer;
        let found = |end: &End| is_ours(end).then(|| take(end));
        self.live.glance(now, found).flatten()
    }
}

#[async_trait]
impl KeySource for IssuerKeys {
    fn cached(&self, header: &ProtectedHeader) -> Option<Candidates> {
        let now = self.live.now();
        let found = self.glance(now, |end| end.keys.cached_at(header, now));
        found.flatten()
    }

    fn at_hand(
        &self,
        header: &ProtectedHeader,
        accepted: Algorithms,
        _announced: Algorithms,
    ) -> Option<Candidates> {
        let now = self.live.now();
        let found = self.glance(now, |end| {
            let announced = end.issuer.provider_metadata().narrow(accepted);
            announced
                .contains(header.algorithm())
                .then(|| end.keys.cached_at(header, now))
        });
        found.flatten().flatten()
    }

    async fn candidates(&self, header: &ProtectedHeader) -> Result<Candidates, KeySourceError> {
        let asked_at = self.live.now();
        let keys = self.end().await?.keys;
        let result = keys.candidates(header).await;
        let Err(KeySourceError::UnknownRetry { .. } | KeySourceError::Fetch(_)) = result else {
            return result;
        };
        // The keys may be somewhere else by now.
        self.live.reread(asked_at).await;
        let moved = self.end().await?.keys;
        match moved.uri().as_str() == keys.uri().as_str() {
            true => result,
            false => moved.candidates(header).await,
        }
    }

    async fn candidates_after_bad_signature(&self, header: &ProtectedHeader) -> Option<Candidates> {
        let keys = self.end().await.ok()?.keys;
        keys.candidates_after_bad_signature(header).await
    }

    fn narrow(&self, accepted: Algorithms) -> Option<Algorithms> {
        let now = self.live.now();
        self.glance(now, |end| end.issuer.provider_metadata().narrow(accepted))
    }

    async fn narrow_anew(&self, accepted: Algorithms) -> Option<Algorithms> {
        let asked_at = self.live.now();
        self.end().await.ok()?;
        self.live.reread(asked_at).await;
        self.narrow(accepted)
    }
}
