//! Which faults are played, and how often still.

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::response::Response;
use serde_json::{Map, Value};

use super::fault::{Act, At, Fault, Times, Which};
use super::moment::{Genuine, Moment};
use crate::key_rings::KeyRings;

/// The faults that are played, in the order in which they were named: at most each once.
#[derive(Default)]
pub(crate) struct Script(Mutex<Vec<(&'static Fault, Times)>>);

/// What is done to one answer.
#[derive(Default)]
pub(crate) struct Spoiling {
    pub(crate) is_late: bool,
    pub(crate) bodies: Vec<fn(&mut Value, &Moment<'_>)>,
    pub(crate) answer: Option<fn(&Moment<'_>) -> Response>,
}

impl Script {
    fn lock(&self) -> MutexGuard<'_, Vec<(&'static Fault, Times)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn play(&self, fault: &'static Fault, times: Times) {
        let mut playing = self.lock();
        playing.retain(|(it, _)| *it != fault);
        if times.left() != Some(0) {
            playing.push((fault, times));
        }
    }

    pub(crate) fn take_back(&self, fault: &Fault) {
        self.lock().retain(|(it, _)| *it != fault);
    }

    pub(crate) fn take_all_back(&self) {
        self.lock().clear();
    }

    pub(crate) fn playing(&self) -> Vec<(&'static Fault, Times)> {
        self.lock().clone()
    }

    /// The acts that are wanted, each of which counts.
    fn take<T>(&self, wanted: impl Fn(&'static Act) -> Option<T>) -> Vec<T> {
        let mut playing = self.lock();
        let mut taken = Vec::new();
        playing.retain_mut(|(fault, times)| {
            let Some(act) = wanted(&fault.act) else {
                return true;
            };
            taken.push(act);
            match times {
                Times::UntilTakenBack => true,
                Times::Once => false,
                Times::So(left) => {
                    *left = left.saturating_sub(1);
                    *left > 0
                }
            }
        });
        taken
    }

    pub(crate) fn spoil_claims(
        &self,
        is_refresh: bool,
        claims: &mut Map<String, Value>,
        moment: &Moment<'_>,
    ) {
        let acts = self.take(|it| match it {
            Act::Claims(which, act) if which.is(is_refresh) => Some(*act),
            _ => None,
        });
        for act in acts {
            act(claims, moment);
        }
    }

    /// The token that is sent.
    pub(crate) fn forge(
        &self,
        is_refresh: bool,
        mut genuine: Genuine<'_>,
        moment: &Moment<'_>,
    ) -> String {
        let acts = self.take(|it| match it {
            Act::Forge(which, act) if which.is(is_refresh) => Some(*act),
            _ => None,
        });
        for act in acts {
            genuine.token = act(&genuine, moment);
        }
        genuine.token
    }

    pub(crate) fn spoil_keys(&self, keys: &mut KeyRings) {
        let acts = self.take(|it| match it {
            Act::Keys(act) => Some(*act),
            _ => None,
        });
        for act in acts {
            act(keys);
        }
    }

    pub(crate) fn spoil_launch(&self, iss: &mut String, moment: &Moment<'_>) {
        let acts = self.take(|it| match it {
            Act::Launch(act) => Some(*act),
            _ => None,
        });
        for act in acts {
            act(iss, moment);
        }
    }

    pub(crate) fn spoil_callback(&self, pairs: &mut Vec<(String, String)>, moment: &Moment<'_>) {
        let acts = self.take(|it| match it {
            Act::Callback(act) => Some(*act),
            _ => None,
        });
        for act in acts {
            act(pairs, moment);
        }
    }

    /// What is done to this answer, if anything. Only a success has a body to be spoilt.
    pub(crate) fn spoiling(&self, at: At, is_success: bool) -> Option<Spoiling> {
        let acts = self.take(|it| match it {
            Act::Body(place, _) if *place == at && is_success => Some(it),
            Act::Answer(place, _) | Act::Late(place) if *place == at => Some(it),
            _ => None,
        });
        let mut spoiling = Spoiling::default();
        for act in &acts {
            match act {
                Act::Body(_, act) => spoiling.bodies.push(*act),
                Act::Answer(_, act) => spoiling.answer = Some(*act),
                _ => spoiling.is_late = true,
            }
        }
        (!acts.is_empty()).then_some(spoiling)
    }
}

impl Which {
    fn is(self, is_refresh: bool) -> bool {
        is_refresh == (self == Self::Refreshed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_played_as_often_as_was_said() {
        let script = Script::default();
        let fault = Fault::named("jwks-empty").unwrap();
        let plays = || script.spoiling(At::Jwks, true).is_some();
        assert!(!plays());
        script.play(fault, Times::Once);
        assert!(script.spoiling(At::Code, true).is_none());
        assert!(script.spoiling(At::Jwks, false).is_none());
        assert!(plays() && !plays());
        script.play(fault, Times::So(3));
        script.play(fault, Times::So(2));
        assert!(plays() && plays() && !plays());
        script.play(fault, Times::So(0));
        assert!(!plays());
        script.play(fault, Times::UntilTakenBack);
        assert!((0..50).all(|_| plays()));
        script.take_back(fault);
        assert!(!plays());
        script.play(fault, Times::UntilTakenBack);
        script.take_all_back();
        assert!(!plays() && script.playing().is_empty());
    }

    #[test]
    fn a_fault_of_the_sign_in_leaves_refreshes_alone() {
        assert!(Which::First.is(false) && !Which::First.is(true));
        assert!(Which::Refreshed.is(true) && !Which::Refreshed.is(false));
    }
}
