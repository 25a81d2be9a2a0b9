//! A flight: work that one does and everybody else waits for.
//!
//! No runtime, no clock, no channel: a mutex and the wakers of those who wait.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::collections::BTreeMap;

use crate::sync::{Arc, AtomicBool, Mutex, Ordering, PoisonError};

/// At most one flight at a time.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    /// Whether one is under way. It changes under the lock alone; reading it takes none.
    flying: AtomicBool,
    slot: Mutex<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    /// How many have landed.
    landed: u64,
    /// The number of the next one who waits.
    next: u64,
    waiting: BTreeMap<u64, Waker>,
}

/// What to do for whoever needs the work done.
pub(crate) enum Boarding {
    /// Do it. The flight lands when this is dropped, whatever the reason.
    Pilot(Landing),
    /// Somebody does it; this is ready when they have done or given up.
    Passenger(Waiting),
}

impl Flight {
    /// Takes off, or waits for the flight that is under way.
    pub(crate) fn board(self: &Arc<Self>) -> Boarding {
        let mut slot = self.lock();
        if !self.flying.swap(true, Ordering::AcqRel) {
            return Boarding::Pilot(Landing(Arc::clone(self)));
        }
        let (number, landed) = (slot.next, slot.landed);
        slot.next = number.wrapping_add(1);
        Boarding::Passenger(Waiting {
            flight: Arc::clone(self),
            landed,
            number,
        })
    }

    /// Takes off, if no flight is under way; takes no lock if one is.
    pub(crate) fn take_off(self: &Arc<Self>) -> Option<Landing> {
        if self.is_under_way() {
            return None;
        }
        let _slot = self.lock();
        let was_flying = self.flying.swap(true, Ordering::AcqRel);
        (!was_flying).then(|| Landing(Arc::clone(self)))
    }

    /// Whether one is under way.
    pub(crate) fn is_under_way(&self) -> bool {
        self.flying.load(Ordering::Acquire)
    }

    fn lock(&self) -> impl core::ops::DerefMut<Target = Slot> + '_ {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Held by whoever flies.
pub(crate) struct Landing(Arc<Flight>);

impl Drop for Landing {
    fn drop(&mut self) {
        let waiting = {
            let mut slot = self.0.lock();
            self.0.flying.store(false, Ordering::Release);
            slot.landed = slot.landed.wrapping_add(1);
            core::mem::take(&mut slot.waiting)
        };
        // Outside of the lock: a waker may run whoever it wakes.
        for waker in waiting.into_values() {
            waker.wake();
        }
    }
}

/// Ready when the flight that was boarded has landed.
pub(crate) struct Waiting {
    flight: Arc<Flight>,
    /// How many had landed before.
    landed: u64,
    number: u64,
}

impl Future for Waiting {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut slot = self.flight.lock();
        if slot.landed != self.landed {
            return Poll::Ready(());
        }
        let before = slot.waiting.insert(self.number, context.waker().clone());
        drop(slot);
        // A waker that is dropped may run code of its own, so not under the lock.
        drop(before);
        Poll::Pending
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let waker = self.flight.lock().waiting.remove(&self.number);
        drop(waker);
    }
}
