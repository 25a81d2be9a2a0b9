//! Which faults are played, and how often still.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::response::Response;
use http::StatusCode;
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

/// An answer on its way out, which faults change.
pub(crate) struct Answering {
    pub(crate) head: Parts,
    pub(crate) body: Vec<u8>,
    pub(crate) is_late: bool,
    /// What is sent in its place.
    pub(crate) instead: Option<Response>,
}

/// Counts one time.
const fn count(times: &mut Times) {
    *times = match *times {
        Times::UntilTakenBack => Times::UntilTakenBack,
        Times::Once => Times::So(0),
        Times::So(left) => Times::So(left.saturating_sub(1)),
    };
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

    /// Lets each fault act. Only one that has spoilt something counts.
    fn act(&self, mut act: impl FnMut(&'static Act) -> bool) {
        let mut played = self.lock();
        let Playing { together, in_turn } = &mut *played;
        let turn = in_turn.front_mut();
        let mut all: Vec<&mut Played> = together.iter_mut().chain(turn).collect();
        all.sort_by_key(|it| it.0.act.rank());
        for (fault, times) in all {
            if act(&fault.act) {
                count(times);
            }
        }
        let goes_on = |it: &Played| it.1.left() != Some(0);
        together.retain(goes_on);
        if !in_turn.front().is_none_or(goes_on) {
            in_turn.pop_front();
        }
    }

    pub(crate) fn spoil_claims(
        &self,
        is_refresh: bool,
        claims: &mut Map<String, Value>,
        moment: &Moment<'_>,
    ) {
        self.act(|it| match it {
            Act::Claims(which, act) if which.is(is_refresh) => {
                changes(claims, |it| act(it, moment))
            }
            _ => false,
        });
    }

    /// The token that is sent.
    pub(crate) fn forge(
        &self,
        is_refresh: bool,
        mut genuine: Genuine<'_>,
        moment: &Moment<'_>,
    ) -> String {
        self.act(|it| match it {
            Act::Forge(which, act) if which.is(is_refresh) => {
                let forged = act(&genuine, moment);
                let before = core::mem::replace(&mut genuine.token, forged);
                genuine.token != before
            }
            _ => false,
        });
        genuine.token
    }

    /// Whether UserInfo is signed for an app that did not ask for it.
    pub(crate) fn signs_userinfo(&self) -> bool {
        let mut playing = self.playing().into_iter();
        playing.any(|(it, _)| matches!(it.act, Act::SignedUserInfo(_)))
    }

    /// The signed UserInfo that is sent. It is spoilt where it is another, or signed for nobody.
    pub(crate) fn forge_userinfo(
        &self,
        is_asked_for: bool,
        mut genuine: Genuine<'_>,
        moment: &Moment<'_>,
    ) -> String {
        self.act(|it| match it {
            Act::SignedUserInfo(act) => {
                let forged = act(&genuine, moment);
                let before = core::mem::replace(&mut genuine.token, forged);
                !is_asked_for || genuine.token != before
            }
            _ => false,
        });
        genuine.token
    }

    pub(crate) fn spoil_keys(&self, keys: &mut KeyRings) {
        self.act(|it| match it {
            Act::Keys(act) => {
                let before = keys.kids();
                act(keys);
                keys.kids() != before
            }
            _ => false,
        });
    }

    /// Whether a refresh leaves the refresh token as it is.
    pub(crate) fn keeps_refresh_token(&self) -> bool {
        let mut keeps = false;
        self.act(|it| {
            let is_it = matches!(it, Act::KeepRefreshToken);
            keeps |= is_it;
            is_it
        });
        keeps
    }

    pub(crate) fn spoil_launch(&self, iss: &mut String, moment: &Moment<'_>) {
        self.act(|it| match it {
            Act::Launch(act) => changes(iss, |it| act(it, moment)),
            _ => false,
        });
    }

    pub(crate) fn spoil_callback(&self, pairs: &mut Vec<(String, String)>, moment: &Moment<'_>) {
        self.act(|it| match it {
            Act::Callback(act) => changes(pairs, |it| act(it, moment)),
            _ => false,
        });
    }

    /// Whether there is a fault for this place, so that an answer of it is worth reading.
    pub(crate) fn acts_at(&self, at: At) -> bool {
        let mut playing = self.playing().into_iter();
        playing.any(|(it, _)| it.act.place() == Some(at))
    }

    /// Spoils an answer. Only a success has a body to be spoilt, and what is sent in the place of an
    /// answer stays as it is.
    pub(crate) fn spoil_answer(&self, at: At, answer: &mut Answering, moment: &Moment<'_>) {
        self.act(|it| it.place() == Some(at) && answer.spoil(it, moment));
    }
}

impl Answering {
    /// Whether something of it is another now.
    fn spoil(&mut self, act: &Act, moment: &Moment<'_>) -> bool {
        let is_open = self.instead.is_none() && self.head.status == StatusCode::OK;
        match act {
            Act::Late(_) => {
                self.is_late = true;
                true
            }
            Act::Answer(_, act) if self.instead.is_none() => {
                self.instead = Some(act(moment));
                true
            }
            Act::Body(_, act) if is_open => {
                let Ok(mut value) = serde_json::from_slice::<Value>(&self.body) else {
                    return false;
                };
                let is_other = changes(&mut value, |it| act(it, moment));
                if is_other {
                    self.body = value.to_string().into();
                }
                is_other
            }
            Act::Text(_, act) if is_open => {
                let text = act(&String::from_utf8_lossy(&self.body));
                let before = core::mem::replace(&mut self.body, text);
                self.body != before
            }
            Act::Head(_, act) if is_open => {
                let before = (self.head.status, self.head.headers.clone());
                act(&mut self.head);
                (self.head.status, &self.head.headers) != (before.0, &before.1)
            }
            _ => false,
        }
    }
}

/// Whether something is another after the act.
fn changes<T: Clone + PartialEq>(value: &mut T, act: impl FnOnce(&mut T)) -> bool {
    let before = value.clone();
    act(value);
    *value != before
}

impl Which {
    fn is(self, is_refresh: bool) -> bool {
        is_refresh == (self == Self::Refreshed)
    }
}

#[cfg(test)]
#[cfg(feature = "ring")]
mod tests {
    use smart_jose::CryptoProvider;

    use super::*;
    use crate::urls::Urls;

    fn answer(status: StatusCode, body: &str) -> Answering {
        let (mut head, ()) = http::Response::new(()).into_parts();
        head.status = status;
        Answering {
            head,
            body: body.into(),
            is_late: false,
            instead: None,
        }
    }

    /// Whether an answer of a place is spoilt.
    fn plays_at(script: &Script, at: At, status: StatusCode, body: &str) -> bool {
        let provider = CryptoProvider::ring();
        let urls = Urls::localhost(1);
        let moment = Moment {
            urls: &urls,
            provider,
            now: 0,
        };
        let mut answer = answer(status, body);
        script.spoil_answer(at, &mut answer, &moment);
        answer.is_late || answer.instead.is_some() || answer.body != body.as_bytes()
    }

    const KEYS: &str = r#"{"keys":[{}]}"#;

    #[test]
    fn a_fault_is_played_as_often_as_was_said() {
        let script = Script::default();
        let fault = Fault::named("jwks-empty").unwrap();
        let plays = || plays_at(&script, At::Jwks, StatusCode::OK, KEYS);
        assert!(!plays());
        script.play(fault, Times::Once);
        // None of these is spoilt, so none counts.
        let busy = StatusCode::SERVICE_UNAVAILABLE;
        assert!(!plays_at(&script, At::Code, StatusCode::OK, KEYS));
        assert!(!plays_at(&script, At::Jwks, busy, KEYS));
        assert!(!plays_at(&script, At::Jwks, StatusCode::OK, "no JSON"));
        assert!(!plays_at(
            &script,
            At::Jwks,
            StatusCode::OK,
            r#"{"keys":[]}"#
        ));
        assert_eq!(script.playing(), [(fault, Times::Once)]);
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
        let plays = |at| plays_at(&script, at, StatusCode::OK, KEYS);
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
    fn what_is_sent_in_the_place_of_an_answer_is_all_that_counts() {
        let script = Script::default();
        let named = |it| Fault::named(it).unwrap();
        for name in ["jwks-empty", "jwks-page", "jwks-failing"] {
            script.play(named(name), Times::Once);
        }
        assert!(plays_at(&script, At::Jwks, StatusCode::OK, KEYS));
        let left = [
            (named("jwks-empty"), Times::Once),
            (named("jwks-failing"), Times::Once),
        ];
        assert_eq!(script.playing(), left);
    }

    #[test]
    fn a_fault_of_the_sign_in_leaves_refreshes_alone() {
        assert!(Which::First.is(false) && !Which::First.is(true));
        assert!(Which::Refreshed.is(true) && !Which::Refreshed.is(false));
    }
}
