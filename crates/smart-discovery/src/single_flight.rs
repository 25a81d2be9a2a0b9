//! One does the work, and everybody else waits for it: for whoever keeps something that is
//! fetched, as the caches of this crate do.

use core::future::Future;
use std::sync::Arc;

use crate::flight::{Boarding, Flight};
use crate::shelf;

/// At most one flight at a time. Its clones share it.
///
/// What a flight brings is kept by the caller, who looks there before and after:
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use smart_discovery::SingleFlight;
///
/// async fn fetch() -> u32 {
///     7
/// }
///
/// async fn get(flight: &SingleFlight, kept: &Arc<Mutex<Option<u32>>>) -> Option<u32> {
///     if kept.lock().unwrap().is_none() {
///         let to = Arc::clone(kept);
///         flight.fly(|| async move { *to.lock().unwrap() = Some(fetch().await) }).await;
///     }
///     *kept.lock().unwrap()
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct SingleFlight {
    flight: Arc<Flight>,
}

impl SingleFlight {
    /// A slot in which nobody flies.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Does the work, or waits until the one who does it has landed; it is over when this returns,
    /// whatever came of it.
    ///
    /// Where there is a runtime the work is a task of its own: it goes on when the caller goes
    /// away. Without one it ends with the caller, and another may take off. The work must give up
    /// after a bounded time.
    pub async fn fly<W>(&self, work: impl FnOnce() -> W)
    where
        W: Future<Output = ()> + Send + 'static,
    {
        match self.flight.board() {
            Boarding::Passenger(waiting) => waiting.await,
            Boarding::Pilot(landing) => {
                let work = work();
                let flown = shelf::run(async move {
                    // Moved in, so that it lands also where the work panics.
                    let _landing = landing;
                    work.await;
                });
                // Nothing comes back where the work has panicked, and nobody waits any more.
                let _ = flown.await;
            }
        }
    }

    /// Does the work in the background, unless somebody does it already; without a runtime not at
    /// all. Says whether it has taken off.
    pub fn take_off<W>(&self, work: impl FnOnce() -> W) -> bool
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let Some(landing) = self.flight.take_off() else {
            return false;
        };
        let work = work();
        shelf::leave(async move {
            let _landing = landing;
            work.await;
        })
    }
}
