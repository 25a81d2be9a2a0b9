//! One connection for all, made when it is needed and made anew when it fails.
//!
//! An attempt to connect is a task of its own: it belongs to none of those who wait for it. None of
//! them can cut it short, neither by having waited too long already nor by going away, and so it
//! succeeds however many are waiting.

use core::fmt;
use core::hash::{BuildHasher as _, Hasher as _};
use core::time::Duration;
use std::hash::RandomState;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redis::{Cmd, FromRedisValue};
use smart_oidc::session::StoreError;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use crate::dial::{Dial, Link};
use crate::trouble::{refused, unavailable};

/// After these answers another connection may lead to a server that does it: a failover has moved
/// the address, or the server has begun to ask for a password.
const BEGIN_ANEW: [&str; 4] = ["READONLY", "MASTERDOWN", "NOAUTH", "LOADING"];

/// After an attempt that failed the next one begins so much later, and up to as much again by
/// chance: a server that is down is not beset by every call of every node, and whoever comes first
/// once it is back hardly notices.
const PAUSE: Duration = Duration::from_millis(50);

/// Runs commands on a server, each once and within a bounded time.
pub(crate) struct Wire {
    switch: Arc<Switch>,
    response_timeout: Duration,
}

/// Which connection is used, and who makes the next one.
struct Switch {
    dial: Dial,
    connect_timeout: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    link: Option<Arc<Link>>,
    attempt: Option<Attempt>,
    /// No attempt connects before.
    pause: Option<Instant>,
}

type Outcome = Result<Arc<Link>, StoreError>;

/// What there is for a call.
enum Way {
    /// A connection.
    Link(Arc<Link>),
    /// An attempt to make one.
    Attempt(Attempt),
}

/// An attempt to connect, as those who wait for it see it.
#[derive(Clone)]
struct Attempt {
    began: Instant,
    outcome: watch::Receiver<Option<Outcome>>,
}

impl Wire {
    pub(crate) fn new(dial: Dial, connect_timeout: Duration, response_timeout: Duration) -> Self {
        let switch = Switch {
            dial,
            connect_timeout,
            state: Mutex::default(),
        };
        Self {
            switch: Arc::new(switch),
            response_timeout,
        }
    }

    /// Runs a command, once. Where the answer is missing, nobody knows whether it was done.
    pub(crate) async fn run<T: FromRedisValue>(
        &self,
        name: &'static str,
        command: Cmd,
    ) -> Result<T, StoreError> {
        let switch = &self.switch;
        let link = timeout(switch.connect_timeout, switch.link()).await;
        let link = link.map_err(|_| switch.none_in_time())??;
        let mut connection = link.connection();
        let before = link.answers();
        let answer = timeout(self.response_timeout, command.query_async(&mut connection)).await;
        match answer {
            Ok(Ok(value)) => {
                link.answered();
                Ok(value)
            }
            Ok(Err(error)) => {
                match error.code() {
                    // It has ended, or what came is no answer to what was sent.
                    None => switch.forget(&link, link.answers() == 0),
                    Some(code) if BEGIN_ANEW.contains(&code) => switch.forget(&link, true),
                    Some(_) => {}
                }
                Err(refused(name, &error))
            }
            Err(_) => {
                // A peer that vanished would otherwise be waited for by every later call, and so
                // would a server that has fallen so far behind that each answer comes too late. But
                // where others were answered meanwhile, the connection is good and the command
                // slow: a new one would be no faster, and all would have to wait for it.
                if link.answers() == before {
                    switch.forget(&link, before == 0);
                }
                let limit = self.response_timeout.as_millis();
                Err(unavailable(&format!(
                    "no answer to {name} within {limit} ms"
                )))
            }
        }
    }
}

impl Switch {
    /// The connection that is there, or what comes of an attempt. Whoever finds one that had begun
    /// before may be told of a fault that is over by now, and waits for the next one too.
    async fn link(self: &Arc<Self>) -> Outcome {
        let came = Instant::now();
        loop {
            let mut attempt = match self.way() {
                Way::Link(link) => return Ok(link),
                Way::Attempt(attempt) => attempt,
            };
            let outcome = attempt.outcome.wait_for(Option::is_some).await;
            let outcome = outcome.map(|it| it.clone());
            match outcome {
                Ok(Some(Ok(link))) => return Ok(link),
                _ if attempt.began < came => {}
                Ok(Some(Err(error))) => return Err(error),
                Ok(None) | Err(_) => return Err(self.dial.no_connection("its runtime has ended")),
            }
        }
    }

    /// The connection that is there, or else the attempt that is under way, which may begin here.
    fn way(self: &Arc<Self>) -> Way {
        let mut state = self.state();
        if let Some(link) = &state.link {
            if !link.has_ended() {
                return Way::Link(Arc::clone(link));
            }
            if link.answers() == 0 {
                state.pause = Some(after_a_pause());
            }
            state.link = None;
        }
        let longest = self.connect_timeout.saturating_add(2 * PAUSE);
        if let Some(attempt) = &state.attempt
            && attempt.is_under_way(longest)
        {
            return Way::Attempt(attempt.clone());
        }
        let attempt = self.attempt(state.pause.take());
        state.attempt = Some(attempt.clone());
        Way::Attempt(attempt)
    }

    /// Begins an attempt, and waits for none of it.
    fn attempt(self: &Arc<Self>, pause: Option<Instant>) -> Attempt {
        let (tell, outcome) = watch::channel(None);
        let attempt = Attempt {
            began: Instant::now(),
            outcome,
        };
        let (switch, this) = (Arc::clone(self), attempt.clone());
        tokio::spawn(async move {
            if let Some(pause) = pause {
                sleep_until(pause).await;
            }
            let made = timeout(switch.connect_timeout, switch.dial.connect()).await;
            let made = made.unwrap_or_else(|_| Err(switch.none_in_time()));
            let outcome = made.map(Arc::new);
            switch.settle(&this, &outcome);
            tell.send_replace(Some(outcome));
        });
        attempt
    }

    /// Puts the outcome of an attempt where all later calls find it.
    fn settle(&self, attempt: &Attempt, outcome: &Outcome) {
        let mut state = self.state();
        // One that was given up leaves its successor alone.
        let is_ours = |it: &Attempt| it.outcome.same_channel(&attempt.outcome);
        if state.attempt.as_ref().is_some_and(is_ours) {
            state.attempt = None;
            match outcome {
                Ok(link) => state.link = Some(Arc::clone(link)),
                Err(_) => state.pause = Some(after_a_pause()),
            }
        }
    }

    /// Later calls connect anew, after a pause where that may lead nowhere again; those that wait
    /// for an answer on this one go on.
    fn forget(&self, link: &Arc<Link>, pauses: bool) {
        let mut state = self.state();
        // Somebody else may have connected since.
        if state.link.as_ref().is_some_and(|it| Arc::ptr_eq(it, link)) {
            state.link = None;
            state.pause = pauses.then(after_a_pause);
        }
    }

    /// Nothing is half done under the lock.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn none_in_time(&self) -> StoreError {
        self.dial.no_connection("none within the time for it")
    }
}

impl Attempt {
    /// Whether something may still come of it: not where it has lasted for twice the longest time,
    /// as nothing moves a task whose runtime stands still, nor where its runtime has ended.
    fn is_under_way(&self, longest: Duration) -> bool {
        self.began.elapsed() < longest.saturating_mul(2) && self.outcome.has_changed().is_ok()
    }
}

/// When the next attempt may connect. What should not happen on all nodes at once is spread.
fn after_a_pause() -> Instant {
    // Its keys are drawn anew for each.
    let [chance, ..] = RandomState::new().build_hasher().finish().to_ne_bytes();
    let spread = PAUSE * u32::from(chance) / u32::from(u8::MAX);
    Instant::now() + PAUSE + spread
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire")
            .field("server", &self.switch.dial)
            .field("connect_timeout", &self.switch.connect_timeout)
            .field("response_timeout", &self.response_timeout)
            .finish_non_exhaustive()
    }
}
