//! The single-flight slot under many interleavings of threads.
//!
//! The file itself is compiled here a second time, beside locks of a scheduler that decides who
//! runs next at each of them. A schedule that fails is printed and can be replayed.

/// The locks that the slot uses.
mod sync {
    pub(crate) use std::sync::PoisonError;

    pub(crate) use shuttle::sync::atomic::{AtomicBool, Ordering};
    pub(crate) use shuttle::sync::{Arc, Mutex};
}

#[path = "../src/flight.rs"]
mod flight;

use flight::{Boarding, Flight};
use shuttle::sync::atomic::AtomicUsize;
use shuttle::{future, thread};
use sync::{Arc, Ordering};

/// How many schedules are tried for each test, and how many changes of thread in each.
const SCHEDULES: usize = 3_000;
const DEPTH: usize = 4;

fn check(test: impl Fn() + Send + Sync + 'static) {
    let test = Arc::new(test);
    let again = Arc::clone(&test);
    shuttle::check_random(move || test(), SCHEDULES);
    shuttle::check_pct(move || again(), SCHEDULES, DEPTH);
}

/// What several threads share: the slot, what is needed, and how often it was fetched.
#[derive(Default)]
struct World {
    flight: Arc<Flight>,
    /// How many are in the air now.
    flying: AtomicUsize,
    fetched: AtomicUsize,
}

impl World {
    /// What a shell does for one caller: looks, boards, looks again, fetches or waits.
    async fn fetch_once(&self) {
        loop {
            if self.fetched.load(Ordering::SeqCst) > 0 {
                return;
            }
            match self.flight.board() {
                Boarding::Passenger(waiting) => waiting.await,
                Boarding::Pilot(landing) => {
                    assert_eq!(self.flying.fetch_add(1, Ordering::SeqCst), 0);
                    assert!(self.flight.is_under_way());
                    if self.fetched.load(Ordering::SeqCst) == 0 {
                        thread::yield_now();
                        self.fetched.fetch_add(1, Ordering::SeqCst);
                    }
                    self.flying.fetch_sub(1, Ordering::SeqCst);
                    drop(landing);
                }
            }
        }
    }
}

#[test]
fn everybody_gets_what_one_flight_brings() {
    check(|| {
        let world = Arc::new(World::default());
        let callers: Vec<_> = (0..3)
            .map(|_| {
                let world = Arc::clone(&world);
                thread::spawn(move || future::block_on(world.fetch_once()))
            })
            .collect();
        for caller in callers {
            caller.join().unwrap();
        }
        assert_eq!(world.fetched.load(Ordering::SeqCst), 1);
        assert!(!world.flight.is_under_way());
    });
}

#[test]
fn a_flight_that_is_given_up_wakes_those_who_wait() {
    check(|| {
        let world = Arc::new(World::default());
        let quitter = {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                // Takes off, brings nothing and lands.
                drop(world.flight.take_off());
            })
        };
        let callers: Vec<_> = (0..2)
            .map(|_| {
                let world = Arc::clone(&world);
                thread::spawn(move || future::block_on(world.fetch_once()))
            })
            .collect();
        quitter.join().unwrap();
        for caller in callers {
            caller.join().unwrap();
        }
        assert_eq!(world.fetched.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn whoever_stops_waiting_takes_nobody_along() {
    check(|| {
        let world = Arc::new(World::default());
        let impatient = {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                future::block_on(async move {
                    if let Boarding::Passenger(mut waiting) = world.flight.board() {
                        let look = std::future::poll_fn(|context| {
                            let _ = std::pin::Pin::new(&mut waiting).poll(context);
                            std::task::Poll::Ready(())
                        });
                        look.await;
                    }
                });
            })
        };
        let callers: Vec<_> = (0..2)
            .map(|_| {
                let world = Arc::clone(&world);
                thread::spawn(move || future::block_on(world.fetch_once()))
            })
            .collect();
        impatient.join().unwrap();
        for caller in callers {
            caller.join().unwrap();
        }
        assert_eq!(world.fetched.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn one_in_the_background_and_those_who_wait_never_fly_at_once() {
    check(|| {
        let world = Arc::new(World::default());
        let ahead = {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                if let Some(landing) = world.flight.take_off() {
                    assert_eq!(world.flying.fetch_add(1, Ordering::SeqCst), 0);
                    thread::yield_now();
                    world.fetched.fetch_add(1, Ordering::SeqCst);
                    world.flying.fetch_sub(1, Ordering::SeqCst);
                    drop(landing);
                }
            })
        };
        let caller = {
            let world = Arc::clone(&world);
            thread::spawn(move || future::block_on(world.fetch_once()))
        };
        ahead.join().unwrap();
        caller.join().unwrap();
        assert!((1..=2).contains(&world.fetched.load(Ordering::SeqCst)));
        assert!(!world.flight.is_under_way());
    });
}
