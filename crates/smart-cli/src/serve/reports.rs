//! How each check on the ID tokens of the sign-ins went, for the page that shows it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use smart_oidc::LaunchTag;
use smart_oidc::flow::SignInWitness;
use smart_oidc::id_token::Report;

/// So many are held; the oldest makes room.
const LIMIT: usize = 256;

/// Reports by launch, in the memory of this process.
#[derive(Default)]
pub(super) struct Reports {
    held: Mutex<VecDeque<(LaunchTag, Arc<Report>)>>,
}

impl Reports {
    pub(super) fn find(&self, launch: &LaunchTag) -> Option<Arc<Report>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let mut latest = held.iter().rev();
        latest
            .find(|it| it.0 == *launch)
            .map(|it| Arc::clone(&it.1))
    }
}

impl SignInWitness for Reports {
    fn judged(&self, launch: &LaunchTag, report: Report) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= LIMIT {
            held.pop_front();
        }
        held.push_back((launch.clone(), Arc::new(report)));
    }
}
