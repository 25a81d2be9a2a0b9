//! A client small enough to send what no real one would.

use core::time::Duration;
use std::collections::BTreeMap;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// An answer, as it came.
pub(super) struct Answer {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Answer {
    /// The value of a header that occurs once.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(it, _)| it == name);
        let (first, second) = (found.next(), found.next());
        assert!(second.is_none(), "{name} occurs twice");
        first.map(|(_, value)| value.as_str())
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    /// The parameters of the redirect, and what stands before them.
    pub(super) fn redirect(&self) -> (String, BTreeMap<String, String>) {
        let location = self.header("location").unwrap();
        let (target, query) = location.split_once('?').unwrap();
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let map: BTreeMap<_, _> = pairs.iter().cloned().collect();
        assert_eq!(map.len(), pairs.len(), "a parameter is doubled: {location}");
        (target.to_owned(), map)
    }
}

/// Sends one request and reads the answer to its end.
pub(super) async fn send(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: Option<&str>,
) -> Answer {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(body) = body {
        request.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    request.push_str("\r\n");
    request.push_str(body.unwrap_or_default());
    let exchange = async {
        let mut stream = TcpStream::connect(host).await.unwrap();
        // A server that refuses a long body may close before it has read it.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut octets = Vec::new();
        let _ = stream.read_to_end(&mut octets).await;
        String::from_utf8(octets).unwrap()
    };
    let text = tokio::time::timeout(Duration::from_secs(20), exchange)
        .await
        .unwrap();
    read(&text)
}

fn read(text: &str) -> Answer {
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let headers = lines.map(|it| {
        let (name, value) = it.split_once(':').unwrap();
        (name.to_ascii_lowercase(), value.trim().to_owned())
    });
    Answer {
        status: status.parse().unwrap(),
        headers: headers.collect(),
        body: body.to_owned(),
    }
}

pub(super) async fn get(url: &str) -> Answer {
    send("GET", url, &[], None).await
}

pub(super) async fn post_form(url: &str, body: &str) -> Answer {
    let form = ("content-type", "application/x-www-form-urlencoded");
    send("POST", url, &[form], Some(body)).await
}
