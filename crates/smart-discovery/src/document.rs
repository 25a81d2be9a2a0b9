//! What every fetched JSON document has to be: status 200, JSON, bounded, strict.

use bytes::Bytes;
use http::{Response, StatusCode, header};
use serde::de::DeserializeOwned;
use smart_jose::json::{self, JsonError};
use smart_jose::{ErrorClass, Text};

use crate::finding::Finding;
use crate::http_client::TransportError;
use crate::url::UrlError;

/// Documents may be this long, in octets, after decompression.
pub const MAX_DOCUMENT_OCTETS: usize = 256 * 1024;

/// Why a document could not be had or not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// The answer is compressed, which nobody asked for: it is not unpacked.
    #[error("{url} answers in the encoding {found}, which was not asked for")]
    Encoding {
        /// The document.
        url: Text,
        /// What `Content-Encoding` says.
        found: Text,
    },
    /// An HTML page, most often a sign-in or error page of something in front of the server.
    #[error("{url} answers with an HTML page")]
    Html {
        /// The document.
        url: Text,
    },
    /// The document is not a strict JSON object with the members it needs.
    #[error("{url} is not the JSON document that was expected: {problem}")]
    Json {
        /// The document.
        url: Text,
        /// What is wrong with it.
        problem: JsonError,
    },
    /// Something that the document is read for is not in it.
    #[error("{url} lacks {member}")]
    Missing {
        /// The document.
        url: Text,
        /// What is missing.
        member: &'static str,
    },
    /// The server says that nothing has changed (304), and it was not asked whether.
    #[error("{url} answers that it is not modified, and nobody asked")]
    NotModified {
        /// The document.
        url: Text,
    },
    /// A redirect, which is never followed.
    #[error("{url} redirects with status {status}, and redirects are not followed")]
    Redirect {
        /// The document.
        url: Text,
        /// The status.
        status: u16,
    },
    /// Another status than 200.
    #[error("{url} answers with status {status}")]
    Status {
        /// The document.
        url: Text,
        /// The status.
        status: u16,
    },
    /// No answer came.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// A URL in the document is refused.
    #[error("{member} in {url}: {problem}")]
    Url {
        /// The document.
        url: Text,
        /// The member that holds the URL.
        member: &'static str,
        /// Why it is refused.
        problem: UrlError,
    },
}

impl DocumentError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Encoding { .. } => "document-encoding",
            Self::Html { .. } => "document-html",
            Self::Json { .. } => "document-json",
            Self::Missing { .. } => "document-missing-member",
            Self::NotModified { .. } => "document-not-modified",
            Self::Redirect { .. } => "document-redirect",
            Self::Status { .. } => "document-status",
            Self::Transport(error) => error.code(),
            Self::Url { .. } => "document-url",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Transport(error) => error.class(),
            _ => ErrorClass::Upstream,
        }
    }

    /// What an operator can do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Encoding { .. } => {
                "ask the server's operator to compress only where Accept-Encoding allows it"
            }
            Self::Html { .. } => {
                "check the URL; a gateway, sign-in page or firewall may be answering instead of the server"
            }
            Self::Json { .. } | Self::Missing { .. } | Self::Url { .. } => {
                "ask the server's operator to correct the document"
            }
            Self::NotModified { .. } => {
                "tell the server's operator that a cache in front of it answers wrongly"
            }
            Self::Redirect { .. } => "configure the address that it redirects to, if you trust it",
            Self::Status { status, .. } => match *status {
                401 | 403 => "ask the server's operator to publish the document to everybody",
                404 | 410 => "check the URL; a FHIR base is the part before /metadata",
                _ => "the server is failing: try again later, or tell its operator",
            },
            Self::Transport(error) => error.remedy(),
        }
    }
}

/// The JSON octets of an answer, with a finding where its content type is odd.
pub(crate) fn body<'r>(
    url: &str,
    response: &'r Response<Bytes>,
) -> Result<(&'r [u8], Option<Finding>), DocumentError> {
    let shown = || Text::new(url);
    let status = response.status();
    if status == StatusCode::NOT_MODIFIED {
        return Err(DocumentError::NotModified { url: shown() });
    }
    if status.is_redirection() {
        return Err(DocumentError::Redirect {
            url: shown(),
            status: status.as_u16(),
        });
    }
    if status != StatusCode::OK {
        return Err(DocumentError::Status {
            url: shown(),
            status: status.as_u16(),
        });
    }
    if let Some(encoding) = response.headers().get(header::CONTENT_ENCODING)
        && !encoding.as_bytes().eq_ignore_ascii_case(b"identity")
    {
        let found = Text::new(encoding.to_str().unwrap_or("unreadable"));
        return Err(DocumentError::Encoding {
            url: shown(),
            found,
        });
    }
    let media_type = response
        .headers()
        .get(header::CONTENT_TYPE)
        .map(|value| {
            value
                .to_str()
                .unwrap_or("unreadable")
                .split(';')
                .next()
                .unwrap_or_default()
        })
        .map(|value| value.trim().to_ascii_lowercase());
    let finding = match media_type.as_deref() {
        None | Some("application/json") => None,
        Some(it) if it.starts_with("application/") && it.ends_with("+json") => None,
        Some("text/html") => return Err(DocumentError::Html { url: shown() }),
        Some(other) => Some(Finding::new(
            "content-type",
            format!("the content type is {}", Text::new(other)),
            "serve the document as application/json",
        )),
    };
    Ok((response.body(), finding))
}

/// Reads an answer as a strict JSON document.
pub(crate) fn read<T: DeserializeOwned>(
    url: &str,
    response: &Response<Bytes>,
) -> Result<(T, Vec<Finding>), DocumentError> {
    read_with_limit(url, response, MAX_DOCUMENT_OCTETS)
}

/// Reads an answer as a strict JSON document of at most so many octets.
pub(crate) fn read_with_limit<T: DeserializeOwned>(
    url: &str,
    response: &Response<Bytes>,
    limit: usize,
) -> Result<(T, Vec<Finding>), DocumentError> {
    let (body, finding) = body(url, response)?;
    let document = json::read_object(body, limit).map_err(|problem| DocumentError::Json {
        url: Text::new(url),
        problem,
    })?;
    Ok((document, finding.into_iter().collect()))
}
