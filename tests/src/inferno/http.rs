//! A client of HTTP/1.1 that shares nothing with ours: one connection for each request.

use std::time::Duration;

use http::Uri;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// An answer as it came.
pub(super) struct Answer {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Answer {
    /// All values of a header, with a comma between them as HTTP has it.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        let found = self.headers.iter().filter(|it| it.0 == name);
        let values: Vec<&str> = found.map(|it| it.1.as_str()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// Whether a header, that is a list, has this member.
    pub(super) fn lists(&self, name: &str, member: &str) -> bool {
        let value = self.header(name).unwrap_or_default();
        let mut members = value.split(',');
        members.any(|it| it.trim().eq_ignore_ascii_case(member))
    }

    /// The status is one of these.
    pub(super) fn is(&self, wanted: &[u16]) -> Result<&Self, String> {
        if wanted.contains(&self.status) {
            return Ok(self);
        }
        // Its beginning says why, and is no whole token.
        let body: String = self.body.chars().take(40).collect();
        let status = self.status;
        Err(format!("status {status}, not one of {wanted:?}: {body}"))
    }

    /// The JSON of the body.
    pub(super) fn json(&self) -> Result<Value, String> {
        serde_json::from_str(&self.body).map_err(|it| format!("no JSON ({it}): {}", self.body))
    }

    /// Where the browser is sent: the address before the query, and the parameters.
    pub(super) fn redirect(&self) -> Result<(String, Vec<(String, String)>), String> {
        let location = self.is(&[302, 303])?.header("location");
        let location = location.ok_or("a redirect without a place")?;
        let (target, query) = location.split_once('?').unwrap_or((&location, ""));
        Ok((target.to_owned(), pairs(query)))
    }
}

/// The parameters of a query or a form.
pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    pairs.into_owned().collect()
}

/// The value of a parameter that is there once.
pub(super) fn one<'a>(pairs: &'a [(String, String)], name: &str) -> Result<&'a str, String> {
    let mut found = pairs.iter().filter(|it| it.0 == name);
    match (found.next(), found.next()) {
        (Some(pair), None) => Ok(&pair.1),
        (None, _) => Err(format!("{name} is missing")),
        (Some(_), Some(_)) => Err(format!("{name} is there twice")),
    }
}

/// A query or a form of these parameters.
pub(super) fn encoded<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(pairs).finish()
}

/// Sends a request and reads the answer to its end.
pub(super) async fn send(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Answer, String> {
    let uri: Uri = url.parse().map_err(|it| format!("{url}: {it}"))?;
    let host = uri.authority().filter(|_| uri.scheme_str() == Some("http"));
    let host = host.ok_or_else(|| format!("no absolute http URL: {url}"))?;
    let path = uri.path_and_query().map_or("/", |it| it.as_str());
    let length = body.len();
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n"
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    request.push_str(body);
    let exchange = async {
        let mut stream = TcpStream::connect(host.as_str()).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut octets = Vec::new();
        stream.read_to_end(&mut octets).await?;
        Ok::<_, std::io::Error>(octets)
    };
    let octets = tokio::time::timeout(Duration::from_secs(20), exchange)
        .await
        .map_err(|_| format!("no answer: {url}"))?
        .map_err(|it| format!("{url}: {it}"))?;
    let text = String::from_utf8(octets).map_err(|_| "the answer is no UTF-8")?;
    read(&text).ok_or_else(|| format!("no answer of HTTP/1.1: {text}"))
}

fn read(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?;
    let status = status.get(..3)?.parse().ok()?;
    let headers: Option<Vec<_>> = lines
        .map(|it| {
            let (name, value) = it.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        })
        .collect();
    let headers = headers?;
    // None of these servers sends its answers in pieces.
    let in_pieces = headers.iter().any(|it| it.0 == "transfer-encoding");
    (!in_pieces).then(|| Answer {
        status,
        headers,
        body: body.to_owned(),
    })
}

/// Fetches.
pub(super) async fn get(url: &str) -> Result<Answer, String> {
    send("GET", url, &[("accept", "application/json")], "").await
}

/// Sends a form.
pub(super) async fn post(
    url: &str,
    headers: &[(&str, &str)],
    form: &[(&str, &str)],
) -> Result<Answer, String> {
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let headers: Vec<_> = headers.iter().copied().chain([kind]).collect();
    send("POST", url, &headers, &encoded(form.iter().copied())).await
}
