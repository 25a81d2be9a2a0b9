//! What the key cache decides. Time and chance come in, a decision goes out: no clock, no network.

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use smart_jose::jwk::KeySelectionError;
use smart_jose::{Candidates, JwkSet, ProtectedHeader, Text};

use super::document::{Fetched, JwksError, KeySet};
use super::source::KeySourceError;
use crate::conditional::Validators;
use crate::document::DocumentError;
use crate::freshness::Bounds;
use crate::kept::{COOL_DOWN, Kept, Moment, Ruling, Standing, Terms};
use crate::url::EndpointUrl;

/// A set confirmed less long ago than this is not fetched again because of a bad signature.
pub const CONFIRMED: Duration = Duration::from_secs(60);
/// So many `kid`s that a fetch did not find are remembered; the oldest goes first.
pub const MAX_MISSED: usize = 64;
/// A longer `kid` is not remembered, in octets: the cool-down holds for it all the same.
const MAX_MISSED_OCTETS: usize = 256;

/// What is held of one issuer's keys.
#[derive(Clone, Debug)]
pub(super) struct Cache {
    /// Raised where everything is forgotten or taken from elsewhere: what was asked for before is
    /// then no longer taken in.
    epoch: u64,
    kept: Kept<KeySet, JwksError>,
    /// The `kid`s that a fetch was made for and did not find, and when; the latest last.
    missed: VecDeque<(Option<Box<str>>, Duration)>,
}

/// What to do for a token.
#[derive(Debug)]
pub(super) enum Decision {
    /// These keys are good. If `ahead`, it is time to fetch the set anew in the background.
    Use { keys: Candidates, ahead: bool },
    /// Fetch the set first: there is none that may be used.
    Fetch,
    /// Fetch the set first: the one that is held lacks the key.
    Force,
    /// There is no key, and a fetch is not allowed now.
    Refuse(KeySourceError),
}

/// What a new set changed, by `kid`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) added: Vec<Text>,
    pub(super) withdrawn: Vec<Text>,
    /// The same `kid` names another key than before.
    pub(super) replaced: Vec<Text>,
}

impl Cache {
    /// An empty cache.
    pub(super) const fn new(terms: Terms) -> Self {
        Self {
            epoch: 0,
            kept: Kept::new(terms),
            missed: VecDeque::new(),
        }
    }

    /// What to do for a token at this moment, on the monotonic clock.
    pub(super) fn decide(&self, header: &ProtectedHeader, now: Duration) -> Decision {
        match self.kept.ruling(now) {
            Ruling::Fetch => self.before_fetch(header, now),
            Ruling::Refuse(error) => Decision::Refuse(error.clone().into()),
            Ruling::Serve { value, ahead } => match value.keys.candidates(header) {
                Ok(keys) => Decision::Use { keys, ahead },
                Err(problem) => self.without_key(problem, header, now),
            },
        }
    }

    /// The keys for a token where they are at hand, and whether it is time to fetch the set anew:
    /// [`Cache::decide`] for those who have no use for the reason.
    pub(super) fn hit(
        &self,
        header: &ProtectedHeader,
        now: Duration,
    ) -> Option<(Candidates, bool)> {
        match self.kept.ruling(now) {
            Ruling::Serve { value, ahead } => Some((value.keys.find(header)?, ahead)),
            Ruling::Fetch | Ruling::Refuse(_) => None,
        }
    }

    /// What to do where there is no set that may be used. One that is past its life gives no key
    /// away, but a `kid` that it lacks draws on the budget, so that a set that may not be kept at
    /// all does not cost a fetch for each made-up token.
    fn before_fetch(&self, header: &ProtectedHeader, now: Duration) -> Decision {
        let held = self.kept.value().map(|it| it.keys.candidates(header));
        match held {
            Some(Err(problem)) => self.without_key(problem, header, now),
            Some(Ok(_)) | None => Decision::Fetch,
        }
    }

    /// What to do where the set that is held has no key for a token.
    fn without_key(
        &self,
        problem: KeySelectionError,
        header: &ProtectedHeader,
        now: Duration,
    ) -> Decision {
        match self.retry_after(header, now) {
            Duration::ZERO => Decision::Force,
            // Too many keys stay too many; an unknown or unfit one may be rotated in.
            _ if matches!(problem, KeySelectionError::Ambiguous { .. }) => {
                Decision::Refuse(problem.into())
            }
            retry_after => Decision::Refuse(KeySourceError::UnknownRetry {
                problem,
                retry_after,
            }),
        }
    }

    /// How long until this token may force a fetch.
    fn retry_after(&self, header: &ProtectedHeader, now: Duration) -> Duration {
        let missed = self
            .missed
            .iter()
            .find(|it| it.0.as_deref() == header.kid());
        let missed = missed.map_or(Duration::ZERO, |(_, at)| {
            COOL_DOWN.saturating_sub(now.saturating_sub(*at))
        });
        self.kept.cools_down(now).max(missed)
    }

    /// What there is for the token that a fetch was just made for, or not: it was asked for then.
    pub(super) fn settle(
        &self,
        header: &ProtectedHeader,
        now: Duration,
        asked_at: Duration,
    ) -> Result<Candidates, KeySourceError> {
        match (self.decide(header, now), self.kept.value()) {
            (Decision::Use { keys, .. }, _) => Ok(keys),
            (Decision::Refuse(error), _) => Err(error),
            // A set that may not be kept serves the token that it was fetched for.
            (Decision::Fetch | Decision::Force, Some(set)) if self.is_newer(now, asked_at) => {
                let problem = match set.keys.candidates(header) {
                    Ok(keys) => return Ok(keys),
                    Err(problem) => problem,
                };
                Err(KeySourceError::UnknownRetry {
                    problem,
                    retry_after: COOL_DOWN,
                })
            }
            (Decision::Fetch | Decision::Force, _) => Err(match self.kept.last_error() {
                Some(error) => error.clone().into(),
                None => KeySourceError::Interrupted,
            }),
        }
    }

    /// Whether what is held was confirmed since then.
    pub(super) fn is_newer(&self, now: Duration, than: Duration) -> bool {
        let since = now.saturating_sub(than);
        self.kept.confirmed_ago(now).is_some_and(|ago| ago <= since)
    }

    /// Whether it is time to fetch the set anew in the background.
    pub(super) fn is_due_ahead(&self, now: Duration) -> bool {
        matches!(self.kept.ruling(now), Ruling::Serve { ahead: true, .. })
    }

    /// When what is asked for now was asked for.
    pub(super) const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// What was agreed on with the owner of the set.
    pub(super) const fn terms(&self) -> Terms {
        self.kept.terms()
    }

    /// Whether a bad signature is worth a fetch: some issuers rotate without a new `kid`. It draws
    /// on the same budget as an unknown `kid`, and not soon after the set was confirmed.
    pub(super) fn may_refetch_for_signature(&self, now: Duration) -> bool {
        let confirmed = self.kept.confirmed_ago(now);
        confirmed.is_some_and(|ago| ago >= CONFIRMED) && self.kept.cools_down(now).is_zero()
    }

    /// Takes note that a token makes us fetch now.
    pub(super) const fn force(&mut self, now: Duration) {
        self.kept.force(now);
    }

    /// Takes note that a fetch was made for this token and brought no key for it.
    pub(super) fn miss(&mut self, header: &ProtectedHeader, now: Duration) {
        let kid = header.kid();
        if kid.is_some_and(|it| it.len() > MAX_MISSED_OCTETS) {
            return;
        }
        self.missed.retain(|it| it.0.as_deref() != kid);
        while self.missed.len() >= MAX_MISSED {
            self.missed.pop_front();
        }
        self.missed.push_back((kid.map(Into::into), now));
    }

    /// What the next request may be made conditional on.
    pub(super) fn validators(&self) -> Option<&Validators> {
        self.kept.validators()
    }

    /// The bounds of the life of a set.
    pub(super) const fn bounds(&self) -> Bounds {
        self.kept.bounds()
    }

    /// Takes in an answer and says what it changed. The error says why an answer is none, and
    /// what was held stays.
    pub(super) fn fetched(
        &mut self,
        uri: &EndpointUrl,
        answer: Fetched,
        moment: Moment,
    ) -> Result<Changes, JwksError> {
        let changes = match answer {
            Fetched::Set {
                set,
                validators,
                life,
            } => {
                let before = self.kept.value();
                // A set that has lost all its keys is a mistake far more often than a wish.
                if before.is_some_and(|it| !it.keys.keys().is_empty())
                    && let Some(error) = JwksError::without_keys(&set.keys)
                {
                    return Err(error);
                }
                let changes = Changes::between(before.map(|it| &*it.keys), &set.keys);
                self.kept.keep(Arc::new(set), validators, life, moment);
                changes
            }
            Fetched::NotModified { life } => {
                if !self.kept.renew(life, moment) {
                    let url = Text::new(uri.as_str());
                    return Err(DocumentError::NotModified { url }.into());
                }
                Changes::default()
            }
        };
        self.missed.clear();
        Ok(changes)
    }

    /// Takes note of a failed fetch; what is held stays.
    pub(super) fn failed(
        &mut self,
        error: JwksError,
        retry_after: Option<Duration>,
        moment: Moment,
    ) {
        self.kept.failed(error, retry_after, moment);
    }

    /// Takes in a set that was kept elsewhere and is this old, unless what is held is younger or
    /// has keys where this has none; says whether.
    pub(super) fn restore(
        &mut self,
        set: KeySet,
        validators: Validators,
        life: Duration,
        age: Duration,
        moment: Moment,
    ) -> bool {
        let held_for = self.kept.confirmed_ago(moment.now);
        let has_keys = |it: &KeySet| !it.keys.keys().is_empty();
        let loses_all = self.set().is_some_and(|it| has_keys(it)) && !has_keys(&set);
        if loses_all || held_for.is_some_and(|held| held <= age) {
            return false;
        }
        self.epoch = self.epoch.wrapping_add(1);
        self.kept
            .restore(Arc::new(set), validators, life, age, moment);
        true
    }

    /// The set that is held, fresh or not.
    pub(super) fn set(&self) -> Option<&Arc<KeySet>> {
        self.kept.value()
    }

    /// What is held, with its validators, life and age.
    pub(super) fn parts(
        &self,
        now: Duration,
    ) -> Option<(&Arc<KeySet>, &Validators, Duration, Duration)> {
        self.kept.parts(now)
    }

    /// How it stands.
    pub(super) fn standing(&self, now: Duration) -> (Standing, Option<&JwksError>) {
        (self.kept.standing(now), self.kept.last_error())
    }

    /// The keys have moved: the old ones serve only while the new place cannot be reached.
    pub(super) fn expire(&mut self, now: Duration) {
        self.kept.expire(now);
        self.missed.clear();
    }

    /// Forgets everything: the next token fetches.
    pub(super) fn purge(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
        self.kept.purge();
        self.missed.clear();
    }
}

impl Changes {
    fn between(before: Option<&JwkSet>, after: &JwkSet) -> Self {
        let Some(before) = before else {
            return Self::default();
        };
        let under = |set: &'_ JwkSet, kid: &str| -> Vec<_> {
            let keys = set.keys().iter().filter(|it| it.kid() == Some(kid));
            keys.map(|it| it.key().clone()).collect()
        };
        let kids = |set: &JwkSet| {
            let mut kids: Vec<_> = set.keys().iter().filter_map(|it| it.kid()).collect();
            kids.sort_unstable();
            kids.dedup();
            kids.into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        let mut changes = Self::default();
        for kid in kids(after) {
            let (old, new) = (under(before, &kid), under(after, &kid));
            if old.is_empty() {
                changes.added.push(Text::new(&kid));
            } else if old != new {
                changes.replaced.push(Text::new(&kid));
            }
        }
        let gone = kids(before).into_iter();
        let gone = gone.filter(|kid| under(after, kid).is_empty());
        changes.withdrawn = gone.map(|kid| Text::new(&kid)).collect();
        changes
    }
}

#[cfg(all(test, feature = "ring"))]
mod tests {
    use smart_jose::{Algorithms, CryptoProvider, UnverifiedJws};

    use super::*;
    use crate::freshness::LIFE;

    #[test]
    fn j4_the_memory_of_unknown_kids_is_bounded_and_exact() {
        let mut cache = Cache::new(Terms::issuer(LIFE));
        let keys = JwkSet::from_keys(Vec::new(), CryptoProvider::ring());
        let set = KeySet {
            keys: Arc::new(keys),
            findings: Vec::new(),
        };
        let moment = Moment {
            now: Duration::ZERO,
            jitter: crate::jitter::Jitter::NONE,
        };
        let life = Duration::from_secs(3600);
        let none = Validators::default();
        assert!(cache.restore(set, none, life, Duration::ZERO, moment));
        let mut miss_or_ask = |kid: &str, misses: bool, at: u64| {
            let header = format!(r#"{{"alg":"ES256","kid":"{kid}"}}"#);
            let token = format!("{}.e30.AA", smart_jose::base64url::encode(header));
            let token = UnverifiedJws::parse(&token, Algorithms::ID_TOKEN).unwrap();
            let now = Duration::from_secs(at);
            if misses {
                cache.miss(token.header(), now);
            }
            let is_forced = matches!(cache.decide(token.header(), now), Decision::Force);
            (is_forced, cache.missed.len())
        };
        for number in 0..MAX_MISSED {
            let found = miss_or_ask(&format!("kid-{number}"), true, 1);
            assert_eq!(found, (false, number + 1));
        }
        // Asked for again it is one entry, and the latest.
        assert_eq!(miss_or_ask("kid-0", true, 2), (false, MAX_MISSED));
        assert_eq!(miss_or_ask("another", true, 2), (false, MAX_MISSED));
        // The oldest is forgotten, exactly.
        assert!(miss_or_ask("kid-1", false, 2).0);
        assert!(!miss_or_ask("kid-0", false, 2).0);
        assert!(!miss_or_ask("kid-2", false, 2).0);
        // What is too long to be remembered is left to the cool-down alone.
        let long = "k".repeat(MAX_MISSED_OCTETS + 1);
        assert_eq!(miss_or_ask(&long, true, 2), (true, MAX_MISSED));
        // Nothing is remembered for longer than a cool-down.
        assert!(miss_or_ask("kid-2", false, 1 + COOL_DOWN.as_secs()).0);
    }

    /// The public key of RFC 7515 A.3.
    const KEY: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"a",
        "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

    #[test]
    fn j5_what_is_dead_serves_nobody_however_long_the_failed_fetch_took() {
        let keys = JwkSet::parse(KEY.as_bytes(), CryptoProvider::ring()).unwrap();
        let set = KeySet {
            keys: Arc::new(keys),
            findings: Vec::new(),
        };
        let at = |seconds| Moment {
            now: Duration::from_secs(seconds),
            jitter: crate::jitter::Jitter::NONE,
        };
        let header = smart_jose::base64url::encode(r#"{"alg":"ES256","kid":"a"}"#);
        let token = format!("{header}.e30.AA");
        let token = UnverifiedJws::parse(&token, Algorithms::ID_TOKEN).unwrap();
        let mut cache = Cache::new(Terms::issuer(LIFE));
        let age = Duration::from_secs(30 * 86_400);
        assert!(cache.restore(set, Validators::default(), LIFE, age, at(0)));
        let asked_at = Duration::from_secs(1);
        assert!(matches!(
            cache.decide(token.header(), asked_at),
            Decision::Fetch
        ));
        let url = Text::new("https://a.example/jwks");
        let error = DocumentError::Status { url, status: 503 };
        cache.failed(error.into(), None, at(2));
        // The machine stood still until the rest after the failure was over.
        for now in [3, 60, 3600] {
            let settled = cache.settle(token.header(), Duration::from_secs(now), asked_at);
            assert_eq!(settled.unwrap_err().code(), "document-status");
        }
    }
}
