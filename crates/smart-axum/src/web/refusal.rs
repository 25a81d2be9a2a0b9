//! An answer in place of what was asked for.

use bytes::Bytes;
use http::Response;

/// An answer in place of what was asked for: a page for the person, and a code for the program.
#[derive(Debug)]
pub struct Refusal {
    code: &'static str,
    response: Box<Response<Bytes>>,
}

impl Refusal {
    pub(super) fn new(code: &'static str, response: Response<Bytes>) -> Self {
        let response = Box::new(response);
        Self { code, response }
    }

    /// The stable name of what is wrong: that of the error, such as `session-lost`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// The answer for the browser.
    #[must_use]
    pub fn into_response(self) -> Response<Bytes> {
        *self.response
    }
}
