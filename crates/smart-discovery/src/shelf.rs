//! What every cache of ours does with tokio, the network and threads: one place for it.

use core::future::Future;
use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{Request, Response};
use smart_jose::Text;
use tokio::runtime::Handle;

use crate::clock::Clock;
use crate::flight::{Boarding, Flight, Landing};
use crate::http_client::{HttpClient, TimeLimit, TransportError};
use crate::observe::DocumentKind;

/// How long a fetch may take, a second try included.
const DEADLINE: Duration = Duration::from_secs(5);

/// A cache that many read and one at a time changes, and the flight that brings what it lacks.
#[derive(Debug)]
pub(crate) struct Shelf<C> {
    /// Readers take what is here and never wait for who changes it.
    cache: ArcSwap<C>,
    /// Held while the cache is changed, and never across a wait.
    changing: Mutex<()>,
    flight: Arc<Flight>,
}

impl<C: Clone> Shelf<C> {
    pub(crate) fn new(cache: C) -> Self {
        Self {
            cache: ArcSwap::from_pointee(cache),
            changing: Mutex::default(),
            flight: Arc::default(),
        }
    }

    /// The cache as it is now, to be kept over a wait: there are few places for short looks.
    pub(crate) fn load_full(&self) -> Arc<C> {
        self.cache.load_full()
    }

    /// The cache as it is now, for a short look.
    pub(crate) fn load(&self) -> impl core::ops::Deref<Target = Arc<C>> + use<C> {
        self.cache.load()
    }

    /// Changes the cache: what readers took before stays as it was.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut C) -> T) -> T {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut cache = C::clone(&self.cache.load());
        let outcome = change(&mut cache);
        self.cache.store(Arc::new(cache));
        outcome
    }

    /// Takes off, or waits for the flight that is under way.
    pub(crate) fn board(&self) -> Boarding {
        self.flight.board()
    }

    /// Takes off, if no flight is under way.
    pub(crate) fn take_off(&self) -> Option<Landing> {
        self.flight.take_off()
    }

    /// Whether a fetch is under way.
    pub(crate) fn is_flying(&self) -> bool {
        self.flight.is_under_way()
    }
}

/// Does this as a task of its own where there is a runtime, so that it goes on when whoever waits
/// for it goes away. Nothing comes back where it panics or the runtime is shutting down.
pub(crate) async fn run<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    match Handle::try_current() {
        Err(_) => Some(work.await),
        Ok(runtime) => runtime.spawn(work).await.ok(),
    }
}

/// The error of a fetch whose task has ended without a result.
pub(crate) fn lost(url: &str) -> TransportError {
    let host = url.split_once("://").map_or(url, |it| it.1);
    let host = host.split(['/', '?']).next().unwrap_or_default();
    TransportError::Exchange {
        host: Text::new(host),
        problem: Text::new("the task that fetched has ended without a result"),
    }
}

/// Does this in the background; without a runtime not at all. Says whether it was begun.
pub(crate) fn leave(work: impl Future<Output = ()> + Send + 'static) -> bool {
    match Handle::try_current() {
        Err(_) => false,
        Ok(runtime) => {
            drop(runtime.spawn(work));
            true
        }
    }
}

/// Sends a request. Where people wait, a server that stumbled is asked once more within the same
/// deadline.
pub(crate) async fn send(
    http: &dyn HttpClient,
    clock: &dyn Clock,
    request: Request<Bytes>,
    people_wait: bool,
    document: DocumentKind,
) -> Result<Response<Bytes>, TransportError> {
    #[cfg(feature = "tracing")]
    return tracing::Instrument::instrument(
        try_twice(http, clock, request, people_wait),
        crate::telemetry::fetching(document.name()),
    )
    .await;
    #[cfg(not(feature = "tracing"))]
    {
        let _ = document;
        try_twice(http, clock, request, people_wait).await
    }
}

async fn try_twice(
    http: &dyn HttpClient,
    clock: &dyn Clock,
    request: Request<Bytes>,
    people_wait: bool,
) -> Result<Response<Bytes>, TransportError> {
    let began = clock.monotonic();
    let mut again = request.clone();
    let first = http.send(request).await;
    let stumbled = match &first {
        Ok(response) => response.status().is_server_error(),
        Err(error) => matches!(error, TransportError::Exchange { .. }),
    };
    let spent = clock.monotonic().saturating_sub(began);
    match DEADLINE.checked_sub(spent) {
        Some(left) if stumbled && people_wait => {
            again.extensions_mut().insert(TimeLimit(left));
            http.send(again).await
        }
        _ => first,
    }
}
