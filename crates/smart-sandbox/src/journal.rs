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

/// One request that the sandbox has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SandboxRequest {
    /// The HTTP method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The names of the parameters of the query, without their values. Those of a form are not read.
    pub parameters: BTreeSet<String>,
    /// The scheme of the header `Authorization`, such as `Bearer`, without what follows.
    pub authorization: Option<String>,
    /// The status that was answered.
    pub status: u16,
}

/// The last requests.
#[derive(Default)]
pub(crate) struct Journal(Mutex<VecDeque<SandboxRequest>>);

impl Journal {
    fn lock(&self) -> MutexGuard<'_, VecDeque<SandboxRequest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, request: SandboxRequest) {
        let mut requests = self.lock();
        if requests.len() >= MOST {
            requests.pop_front();
        }
        requests.push_back(request);
    }

    /// The oldest first.
    pub(crate) fn requests(&self) -> Vec<SandboxRequest> {
        self.lock().iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }
}

fn cut(text: &str) -> String {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
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
    let method = cut(request.method().as_str());
    let query = request.uri().query().unwrap_or_default();
    let names = form_urlencoded::parse(query.as_bytes()).take(MOST_NAMES);
    let parameters = names.map(|(name, _)| cut(&name)).collect();
    let said = request.headers().get(AUTHORIZATION);
    let said = said.and_then(|it| it.to_str().ok());
    // Without a space there is no scheme, and it may be the secret itself.
    let authorization = said.and_then(|it| it.split_once(' ')).map(|it| cut(it.0));
    let response = next.run(request).await;
    journal.push(SandboxRequest {
        method,
        path,
        parameters,
        authorization,
        status: response.status().as_u16(),
    });
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_room_and_nothing_is_kept_whole_that_is_long() {
        let journal = Journal::default();
        for place in 0..MOST + 3 {
            journal.push(SandboxRequest {
                method: "GET".to_owned(),
                path: format!("/{place}"),
                parameters: BTreeSet::new(),
                authorization: None,
                status: 200,
            });
        }
        let requests = journal.requests();
        assert_eq!(requests.len(), MOST);
        assert_eq!(requests[0].path, "/3");
        assert_eq!(cut(&"é".repeat(LONGEST)).len(), LONGEST);
        assert_eq!(cut(&format!("a{}", "é".repeat(LONGEST))).len(), LONGEST - 1);
        journal.clear();
        assert!(journal.requests().is_empty());
    }
}
