//! Request parameters: form-encoded, bounded, and never repeated without being noticed.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::{Body, Bytes, to_bytes};
use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// A form or a query may be this long, in octets.
pub(crate) const MAX_OCTETS: usize = 64 * 1024;

/// What a form or a query said.
#[derive(Default)]
pub(crate) struct Parameters {
    once: BTreeMap<String, String>,
    repeated: BTreeSet<String>,
}

impl Parameters {
    /// Reads `a=b&c=d`. A repeated name has no value any more, since two readers could each
    /// take another one (RFC 6749 3.1).
    pub(crate) fn parse(form: &[u8]) -> Self {
        let mut parameters = Self::default();
        for (name, value) in form_urlencoded::parse(form) {
            let name = name.into_owned();
            if parameters.repeated.contains(&name) {
                continue;
            }
            if parameters.once.remove(&name).is_some() {
                parameters.repeated.insert(name);
            } else {
                parameters.once.insert(name, value.into_owned());
            }
        }
        parameters
    }

    /// The value; a parameter without one counts as left out (RFC 6749 3.1).
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.once
            .get(name)
            .map(String::as_str)
            .filter(|it| !it.is_empty())
    }

    /// Whether any name occurs twice.
    pub(crate) fn has_repeated(&self) -> bool {
        !self.repeated.is_empty()
    }
}

/// Why a body is not a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FormError {
    #[error("the body must be application/x-www-form-urlencoded")]
    ContentType,
    #[error("the body is longer than 64 KiB or was not sent in full")]
    Body,
}

/// Reads a form from the body of a request.
pub(crate) async fn read_form(headers: &HeaderMap, body: Body) -> Result<Parameters, FormError> {
    Ok(Parameters::parse(&read_octets(headers, body).await?))
}

/// The octets of a form in the body of a request.
pub(crate) async fn read_octets(headers: &HeaderMap, body: Body) -> Result<Bytes, FormError> {
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|it| it.to_str().ok())
        .and_then(|it| it.split(';').next())
        .unwrap_or_default()
        .trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(FormError::ContentType);
    }
    to_bytes(body, MAX_OCTETS)
        .await
        .map_err(|_| FormError::Body)
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: OAUTH-3
    #[test]
    fn blank_counts_as_left_out_and_repeated_as_neither() {
        let read = Parameters::parse(b"a=1&b=&c=x&c=y&c=z&d=%2B+%26");
        assert_eq!(read.get("a"), Some("1"));
        assert_eq!(read.get("b"), None);
        assert_eq!(read.get("c"), None);
        assert_eq!(read.get("d"), Some("+ &"));
        assert!(read.has_repeated());
        assert!(!Parameters::parse(b"a=1&b=2").has_repeated());
        assert!(Parameters::parse(b"a=1&a=").has_repeated());
    }
}
