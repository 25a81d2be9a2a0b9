//! Which faults are played, and how often still.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::response::Response;
use http::response::Parts;
use serde_json::{Map, Value};

use super::fault::{Act, At, Fault, Times, Which};
use super::moment::{Genuine, Moment};
use crate::key_rings::KeyRings;

type Played = (&'static Fault, Times);

/// The faults that are played.
#[derive(Default)]
pub(crate) struct Script(Mutex<Playing>);

/// Beside each other, and one after another.
#[derive(Default)]
struct Playing {
    /// In the order in which they were named: at most each once.
    together: Vec<Played>,
    /// Only the first is played, until it has been played as often as was said.
    in_turn: VecDeque<Played>,
}

/// What is done to one answer.
#[derive(Default)]
pub(crate) struct Spoiling {
    pub(crate) is_late: bool,
    pub(crate) bodies: Vec<fn(&mut Value, &Moment<'_>)>,
    pub(crate) texts: Vec<fn(&str) -> Vec<u8>>,
    pub(crate) heads: Vec<fn(&mut Parts)>,
    pub(crate) answer: Option<fn(&Moment<'_>) -> Response>,
}

/// Counts one time, and says whether there are more.
fn goes_on(times: &mut Times) -> bool {
    match times {
        Times::UntilTakenBack => true,
        Times::Once => false,
        Times::So(left) => {
            *left = left.saturating_sub(1);
            *left > 0
        }
    }
}

impl Script {
    fn lock(&self) -> MutexGuard<'_, Playing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn play(&self, fault: &'static Fault, times: Times) {
        let together = &mut self.lock().together;
        together.retain(|(it, _)| *it != fault);
        if times.left() != Some(0) {
            together.push((fault, times));
        }
    }

    /// In the place of the sequence that is there.
    pub(crate) fn play_in_turn(&self, sequence: impl IntoIterator<Item = Played>) {
        let sequence = sequence.into_iter();
        let sequence = sequence.filter(|(_, times)| times.left() != Some(0));
        self.lock().in_turn = sequence.collect();
    }

    pub(crate) fn take_back(&self, fault: &Fault) {
        let mut played = self.lock();
        played.together.retain(|(it, _)| *it != fault);
        played.in_turn.retain(|(it, _)| *it != fault);
    }

    pub(crate) fn take_all_back(&self) {
        *self.lock() = Playing::default();
    }

    /// What would be played now, the one whose turn it is last.
    pub(crate) fn playing(&self) -> Vec<Played> {
        let played = self.lock();
        let turn = played.in_turn.front();
        played.together.iter().chain(turn).copied().collect()
    }

    /// Whose turn is next.
    pub(crate) fn coming(&self) -> Vec<Played> {
        self.lock().in_turn.iter().skip(1).copied().collect()
    }

    /// The acts that are wanted, each of which counts.
    fn take<T>(&self, wanted: impl Fn(&'static Act) -> Option<T>) -> Vec<T> {
        let mut played = self.lock();
        let mut taken = Vec::new();
        let mut look = |(fault, times): &mut Played| {
            let Some(act) = wanted(&fault.act) else {
                return true;
            };
            taken.push(act);
            goes_on(times)
        };
        played.together.retain_mut(&mut look);
        if let Some(turn) = played.in_turn.front_mut()
            && !look(turn)
        {
            played.in_turn.pop_front();
        }
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

    /// The signed UserInfo that is sent, where it is spoilt.
    pub(crate) fn forge_userinfo(&self) -> Vec<fn(&Genuine<'_>, &Moment<'_>) -> String> {
        self.take(|it| match it {
            Act::SignedUserInfo(act) => Some(*act),
            _ => None,
        })
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
            Act::Body(place, _) | Act::Text(place, _) | Act::Head(place, _)
                if *place == at && is_success =>
            {
                Some(it)
            }
            Act::Answer(place, _) | Act::Late(place) if *place == at => Some(it),
            _ => None,
        });
        let mut spoiling = Spoiling::default();
        for act in &acts {
            match act {
                Act::Body(_, act) => spoiling.bodies.push(*act),
                Act::Text(_, act) => spoiling.texts.push(*act),
                Act::Head(_, act) => spoiling.heads.push(*act),
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
    fn faults_in_turn_wait_for_each_other() {
        let script = Script::default();
        let named = |it| Fault::named(it).unwrap();
        let names = |all: Vec<Played>| all.iter().map(|it| it.0.name()).collect::<Vec<_>>();
        let plays = |at| script.spoiling(at, true).is_some();
        let (busy, never) = (named("token-busy"), named("jwks-late"));
        let sequence = [
            (busy, Times::So(2)),
            (never, Times::So(0)),
            (named("jwks-empty"), Times::Once),
            (busy, Times::Once),
        ];
        script.play_in_turn(sequence);
        assert_eq!(names(script.playing()), ["token-busy"]);
        assert_eq!(names(script.coming()), ["jwks-empty", "token-busy"]);
        assert!(!plays(At::Jwks), "it is not its turn");
        assert!(plays(At::Code) && plays(At::Code) && !plays(At::Code));
        script.play(busy, Times::Once);
        assert!(
            plays(At::Code),
            "what is played beside the sequence goes on"
        );
        assert!(plays(At::Jwks) && !plays(At::Jwks) && plays(At::Code) && !plays(At::Code));
        assert!(script.playing().is_empty());
        script.play_in_turn(sequence);
        script.take_back(busy);
        assert_eq!(names(script.playing()), ["jwks-empty"]);
        script.take_all_back();
        assert!(!plays(At::Jwks));
    }

    #[test]
    fn a_fault_of_the_sign_in_leaves_refreshes_alone() {
        assert!(Which::First.is(false) && !Which::First.is(true));
        assert!(Which::Refreshed.is(true) && !Which::Refreshed.is(false));
    }
}
