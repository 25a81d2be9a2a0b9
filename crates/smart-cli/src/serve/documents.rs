//! How the documents stand that trust comes from: metadata and keys.

use core::time::Duration;

use smart_oidc::discovery::{DocumentState, IssuerState, Phase};

/// One document as the page shows it.
pub(super) struct Document {
    pub(super) name: &'static str,
    pub(super) state: &'static str,
    pub(super) age: String,
    pub(super) next: String,
    pub(super) problem: Option<&'static str>,
}

pub(super) fn all(state: &IssuerState) -> Vec<Document> {
    let mut documents = vec![
        of("SMART configuration", &state.smart_configuration),
        of("OpenID configuration", &state.openid_configuration),
    ];
    documents.extend(state.jwks.as_ref().map(|it| of("Keys", it)));
    documents
}

fn of(name: &'static str, state: &DocumentState) -> Document {
    let time = |it: Option<Duration>| it.map_or_else(|| "–".to_owned(), in_words);
    Document {
        name,
        state: match state.phase {
            Phase::Empty => "not held",
            Phase::Fresh => "fresh",
            Phase::Stale => "stale, still good",
            Phase::Expired => "expired",
            _ => "unknown",
        },
        age: time(state.age),
        next: time(state.next_refresh),
        // One that is over has left no trace but its name.
        problem: state.last_error.filter(|_| state.failures > 0),
    }
}

/// A length of time in its two largest units.
pub(super) fn in_words(time: Duration) -> String {
    let secs = time.as_secs();
    let (hours, minutes, rest) = (secs / 3600, secs / 60 % 60, secs % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest} s"),
        (0, _) => format!("{minutes} min {rest} s"),
        _ => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_has_its_two_largest_units() {
        for (secs, expected) in [(0, "0 s"), (61, "1 min 1 s"), (43_199, "11 h 59 min")] {
            assert_eq!(in_words(Duration::from_secs(secs)), expected);
        }
    }
}
