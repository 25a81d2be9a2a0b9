//! Conditional requests: what makes the next one so, and what the answer says of it.

use core::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use smart_jose::UnixTime;

use crate::freshness;

/// What makes the next request conditional (RFC 9110 13.1): returned exactly as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Validators {
    etag: Option<HeaderValue>,
    last_modified: Option<HeaderValue>,
}

impl Validators {
    /// Those of an answer.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        Self {
            etag: headers.get(header::ETAG).cloned(),
            last_modified: headers.get(header::LAST_MODIFIED).cloned(),
        }
    }

    /// Those that were written down; what is no header value is left out.
    pub(crate) fn from_text(etag: Option<&str>, last_modified: Option<&str>) -> Self {
        let value = |text: &str| HeaderValue::from_str(text).ok();
        Self {
            etag: etag.and_then(value),
            last_modified: last_modified.and_then(value),
        }
    }

    /// To be written down: `ETag` and `Last-Modified`.
    pub(crate) fn to_text(&self) -> (Option<String>, Option<String>) {
        let text = |value: &Option<HeaderValue>| {
            let value = value.as_ref()?.to_str().ok()?;
            Some(value.to_owned())
        };
        (text(&self.etag), text(&self.last_modified))
    }

    /// Whether a request with these asks if anything has changed.
    pub(crate) const fn ask(&self) -> bool {
        self.etag.is_some() || self.last_modified.is_some()
    }

    /// The same request, conditional.
    pub(crate) fn apply(&self, mut request: Request<Bytes>) -> Request<Bytes> {
        let fields = [
            (header::IF_NONE_MATCH, &self.etag),
            (header::IF_MODIFIED_SINCE, &self.last_modified),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                request.headers_mut().insert(name, value.clone());
            }
        }
        request
    }
}

/// How long an answer asks to be left alone: seconds, or until a date (RFC 9110 10.2.3).
pub(crate) fn retry_after_at(response: &Response<Bytes>, now: UnixTime) -> Option<Duration> {
    let field = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    freshness::seconds(field.trim()).or_else(|| {
        let until = freshness::http_date(field)?;
        Some(Duration::from_secs(
            until.as_secs().saturating_sub(now.as_secs()),
        ))
    })
}

/// How long an answer asks to be left alone (`Retry-After`, RFC 9110 10.2.3), for whoever has no
/// clock at hand: a date counts from the answer's own `Date`, and without one it says nothing.
///
/// The server may ask for any time at all; take the smaller of it and a bound of yours.
#[must_use]
pub fn retry_after(response: &Response<Bytes>) -> Option<Duration> {
    let sent = response.headers().get(header::DATE);
    let sent = sent
        .and_then(|it| it.to_str().ok())
        .and_then(freshness::http_date);
    match sent {
        Some(sent) => retry_after_at(response, sent),
        None => {
            let field = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
            freshness::seconds(field.trim())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_seconds_or_counts_from_the_date_of_the_answer() {
        let date = "Wed, 15 Nov 2023 07:28:00 GMT";
        let later = "Wed, 15 Nov 2023 07:29:30 GMT";
        for (asked, sent, expected) in [
            (Some("120"), None, Some(120)),
            (Some(" 7 "), Some(date), Some(7)),
            (Some(later), Some(date), Some(90)),
            (Some(date), Some(later), Some(0)),
            (Some(later), None, None),
            (Some(later), Some("yesterday"), None),
            (Some("soon"), Some(date), None),
            (Some("-1"), None, None),
            (None, Some(date), None),
        ] {
            let mut answer = Response::new(Bytes::new());
            for (name, value) in [(header::RETRY_AFTER, asked), (header::DATE, sent)] {
                if let Some(value) = value {
                    answer
                        .headers_mut()
                        .insert(name, HeaderValue::from_static(value));
                }
            }
            let expected = expected.map(Duration::from_secs);
            assert_eq!(retry_after(&answer), expected, "{asked:?} {sent:?}");
        }
    }
}
