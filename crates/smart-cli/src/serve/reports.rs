//! How each check on the ID tokens of the sign-ins went, for the page that shows it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use smart_oidc::LaunchTag;
use smart_oidc::discovery::Finding;
use smart_oidc::flow::SignInWitness;
use smart_oidc::id_token::Report;

/// So many are held; the oldest makes room.
const LIMIT: usize = 256;

/// Reports by launch, in the memory of this process.
#[derive(Default)]
pub(super) struct Reports {
    judged: Mutex<VecDeque<(LaunchTag, Arc<Report>)>>,
    met: Mutex<VecDeque<(LaunchTag, Arc<[Finding]>)>>,
}

impl Reports {
    /// The checks on the ID token of this launch.
    pub(super) fn find(&self, launch: &LaunchTag) -> Option<Arc<Report>> {
        latest(&self.judged, launch)
    }

    /// What was odd along the way of this launch, and was met.
    pub(super) fn met(&self, launch: &LaunchTag) -> Option<Arc<[Finding]>> {
        latest(&self.met, launch)
    }
}

impl SignInWitness for Reports {
    fn judged(&self, launch: &LaunchTag, report: Report) {
        keep(&self.judged, launch, Arc::new(report));
    }

    fn met(&self, launch: &LaunchTag, findings: Vec<Finding>) {
        keep(&self.met, launch, findings.into());
    }
}

type Held<T> = Mutex<VecDeque<(LaunchTag, T)>>;

fn latest<T: Clone>(held: &Held<T>, launch: &LaunchTag) -> Option<T> {
    let held = lock(held);
    let mut latest = held.iter().rev();
    let found = latest.find(|it| it.0 == *launch);
    found.map(|it| it.1.clone())
}

fn keep<T>(held: &Held<T>, launch: &LaunchTag, it: T) {
    let mut held = lock(held);
    if held.len() >= LIMIT {
        held.pop_front();
    }
    held.push_back((launch.clone(), it));
}

fn lock<T>(held: &Held<T>) -> MutexGuard<'_, VecDeque<(LaunchTag, T)>> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}
