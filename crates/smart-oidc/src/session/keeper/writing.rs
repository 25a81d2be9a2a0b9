//! Writing under a lease.

use core::time::Duration;

use tokio::time::Instant;

use super::inner::{Held, Inner};
use super::turn::Pauses;
use crate::session::error::StoreError;
use crate::session::key::{Fence, StoreKey};
use crate::session::store::Write;

/// What is written again where the store cannot be reached: at first after so long, and then more
/// seldom.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(50);
pub(super) const LAST_PAUSE: Duration = Duration::from_millis(500);

/// One holder's right to write to one record.
pub(super) struct Tenure<'t> {
    pub(super) key: &'t StoreKey,
    pub(super) fence: Fence,
}

/// For how long it is tried to write something down.
#[derive(Clone, Copy, Debug)]
pub(super) enum Effort {
    /// Something that is lost without harm.
    Short,
    /// The answer to a refresh, which nobody else has: for minutes, though not for ever.
    Long,
}

impl Effort {
    pub(super) const fn budget(self) -> Duration {
        match self {
            Self::Short => Duration::from_secs(10),
            Self::Long => Duration::from_secs(900),
        }
    }
}

impl Inner {
    /// Writes the session, once.
    pub(super) async fn write(
        &self,
        tenure: &Tenure<'_>,
        held: &mut Held,
    ) -> Result<(), StoreError> {
        let value = held.session.write()?;
        let write = Write {
            value: &value,
            expected: held.revision,
            fence: tenure.fence,
            life: held.session.life(self.clock.now(), self.limits.idle),
        };
        held.revision = self.store.replace(tenure.key, write).await?;
        Ok(())
    }

    /// Writes the session, and again where the store cannot be reached.
    pub(super) async fn write_surely(
        &self,
        tenure: &Tenure<'_>,
        held: &mut Held,
        effort: Effort,
    ) -> Result<(), StoreError> {
        let expected = held.revision;
        let end = Instant::now() + effort.budget();
        let mut pauses = Pauses::new(FIRST_PAUSE, LAST_PAUSE, &self.provider);
        let mut is_repeated = false;
        loop {
            let error = match self.write(tenure, held).await {
                Ok(()) => return Ok(()),
                // Nobody else could write under this lease: it was we, and the answer was lost.
                Err(StoreError::Changed { found, .. })
                    if is_repeated && found.0 == expected.0.saturating_add(1) =>
                {
                    held.revision = found;
                    return Ok(());
                }
                Err(error) => error,
            };
            let is_worth_it = matches!(error, StoreError::Unavailable { .. });
            if !is_worth_it || Instant::now() >= end {
                return Err(error);
            }
            pauses.pause().await;
            is_repeated = true;
        }
    }
}
