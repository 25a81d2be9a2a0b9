//! What the sandbox was asked lately, without anything secret: what a test looks at that wants to know
//! what its app has sent.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::AUTHORIZATION;

/// So many requests are kept.
const MOST: usize = 256;
/// So much of a path, of a name and of a method is kept, in octets.
const LONGEST: usize = 128;
/// So many names of parameters are kept of one request.
const MOST_NAMES: usize = 32;

/// A scheme of `Authorization` has at most so many letters.
const LONGEST_SCHEME: usize = 16;

/// One request that has reached the sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SandboxRequest {
    /// The HTTP method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The names of the parameters of the query, without their values; what has no `=` may be a value
    /// itself and is left out. Those of a form are not read.
    pub parameters: BTreeSet<String>,
    /// The scheme of the header `Authorization`, such as `Bearer`, without what follows: at most 16
    /// ASCII letters before a space. Whatever else stands there may be a secret and is left out.
    pub authorization: Option<String>,
    /// The status that was answered. `None` where there is no answer yet, and stays where the app hung
    /// up before it came.
    pub status: Option<u16>,
}

/// The last requests.
#[derive(Default)]
pub(crate) struct Journal(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// In the order of their arrival.
    requests: VecDeque<SandboxRequest>,
    /// The running number of the first of them: so many have been forgotten.
    first: u64,
}

impl Kept {
    fn forget_first(&mut self) {
        if self.requests.pop_front().is_some() {
            self.first = self.first.saturating_add(1);
        }
    }
}

impl Journal {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a request that has arrived, and gives its running number.
    fn push(&self, request: SandboxRequest) -> u64 {
        let mut kept = self.lock();
        if kept.requests.len() >= MOST {
            kept.forget_first();
        }
        let place = u64::try_from(kept.requests.len()).unwrap_or(u64::MAX);
        kept.requests.push_back(request);
        kept.first.saturating_add(place)
    }

    /// Says what was answered, unless the request has been forgotten meanwhile.
    fn answered(&self, number: u64, status: u16) {
        let mut kept = self.lock();
        let place = number.checked_sub(kept.first);
        let place = place.and_then(|it| usize::try_from(it).ok());
        if let Some(request) = place.and_then(|it| kept.requests.get_mut(it)) {
            request.status = Some(status);
        }
    }

    /// The oldest first.
    pub(crate) fn requests(&self) -> Vec<SandboxRequest> {
        self.lock().requests.iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        let mut kept = self.lock();
        // Numbers go on, so that a late answer to a forgotten request is never another's.
        while !kept.requests.is_empty() {
            kept.forget_first();
        }
    }
}

fn cut(text: &str) -> String {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}

/// The names of the pairs of a query. A part without `=` is no pair: an app that forgot the name has
/// put a token there.
fn names(query: &str) -> BTreeSet<String> {
    let pairs = query.split('&').filter(|it| it.contains('='));
    let pairs = pairs.flat_map(|it| form_urlencoded::parse(it.as_bytes()));
    pairs.take(MOST_NAMES).map(|(name, _)| cut(&name)).collect()
}

/// The scheme before the first space. Without a space, or with anything but letters before it, it may be
/// the secret itself.
fn scheme(said: &str) -> Option<String> {
    let (scheme, _) = said.split_once(' ')?;
    let is_one = (1..=LONGEST_SCHEME).contains(&scheme.len())
        && scheme.bytes().all(|it| it.is_ascii_alphabetic());
    is_one.then(|| scheme.to_owned())
}

/// Keeps what an app has asked; the sandbox's own interface is not the app's.
pub(crate) async fn keep(
    State(journal): State<Arc<Journal>>,
    request: Request,
    next: Next,
) -> Response {
    let path = cut(request.uri().path());
    if path == "/_sandbox" || path.starts_with("/_sandbox/") {
        return next.run(request).await;
    }
    let said = request.headers().get(AUTHORIZATION);
    let said = said.and_then(|it| it.to_str().ok());
    // Kept on arrival: when the app hangs up, what follows the `await` never runs.
    let number = journal.push(SandboxRequest {
        method: cut(request.method().as_str()),
        path,
        parameters: names(request.uri().query().unwrap_or_default()),
        authorization: said.and_then(scheme),
        status: None,
    });
    let response = next.run(request).await;
    journal.answered(number, response.status().as_u16());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(place: usize) -> SandboxRequest {
        SandboxRequest {
            method: "GET".to_owned(),
            path: format!("/{place}"),
            parameters: BTreeSet::new(),
            authorization: None,
            status: None,
        }
    }

    #[test]
    fn the_oldest_make_room_and_nothing_is_kept_whole_that_is_long() {
        let journal = Journal::default();
        for place in 0..MOST + 3 {
            journal.push(request(place));
        }
        let requests = journal.requests();
        assert_eq!(requests.len(), MOST);
        assert_eq!(requests[0].path, "/3");
        assert_eq!(cut(&"é".repeat(LONGEST)).len(), LONGEST);
        assert_eq!(cut(&format!("a{}", "é".repeat(LONGEST))).len(), LONGEST - 1);
        journal.clear();
        assert!(journal.requests().is_empty());
    }

    #[test]
    fn an_answer_belongs_to_its_request_or_to_none() {
        let journal = Journal::default();
        let statuses = || -> Vec<_> { journal.requests().iter().map(|it| it.status).collect() };
        let (first, second) = (journal.push(request(0)), journal.push(request(1)));
        assert_eq!(statuses(), [None, None]);
        journal.answered(second, 404);
        assert_eq!(statuses(), [None, Some(404)]);
        journal.clear();
        let third = journal.push(request(2));
        journal.answered(first, 500);
        assert_eq!(statuses(), [None], "what was forgotten is answered");
        for place in 0..MOST {
            journal.push(request(place));
        }
        journal.answered(third, 200);
        assert!(statuses().iter().all(Option::is_none));
    }

    #[test]
    fn what_may_be_a_secret_is_no_name_and_no_scheme() {
        for (query, expected) in [
            ("_format=json&a%20b=&x=1=2", &["_format", "a b", "x"][..]),
            ("eyJhbGciOiJub25lIn0.e30.", &[]),
            ("a=b&eyJhbGciOiJub25lIn0&c=d", &["a", "c"]),
            ("eyJhbGciOiJub25lIn0%3D", &[]),
            ("", &[]),
        ] {
            assert!(names(query).iter().eq(expected), "{query}");
        }
        let many = (0..99).map(|it| format!("n{it}=1")).collect::<Vec<_>>();
        assert_eq!(names(&many.join("&")).len(), MOST_NAMES);
        for (said, expected) in [
            ("Bearer abc", Some("Bearer")),
            ("Basic dTpw", Some("Basic")),
            ("abcdefghijklmnop x", Some("abcdefghijklmnop")),
            ("abcdefghijklmnopq x", None),
            ("user:pass word", None),
            ("pass1 word", None),
            (" word", None),
            ("Bearer", None),
        ] {
            assert_eq!(scheme(said).as_deref(), expected, "{said}");
        }
    }
}
