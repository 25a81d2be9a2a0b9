//! An endpoint at another path than everywhere else, which openid-configuration alone names.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, Uri};
use serde_json::{Value, json};
use smart_oidc::discovery::{HttpClient, TransportError};
use smart_oidc::jose::{CryptoProvider, base64url};

use crate::wire::Wire;

pub(super) struct Moved {
    member: &'static str,
    from: &'static str,
    to: String,
}

impl Moved {
    /// To a path that nobody can know.
    pub(super) fn to_random(
        member: &'static str,
        from: &'static str,
        provider: &CryptoProvider,
    ) -> Self {
        let suffix = base64url::encode(provider.random::<12>().unwrap());
        Self {
            member,
            from,
            to: format!("{from}-{suffix}"),
        }
    }

    /// The request as the EHR understands it. Where the endpoint was, there is nothing any more.
    fn find(&self, request: &mut Request<Bytes>) {
        let path = match request.uri().path() {
            path if path == self.to => self.from,
            path if path == self.from => "/nowhere",
            _ => return,
        };
        let mut parts = request.uri().clone().into_parts();
        parts.path_and_query = Some(path.parse().unwrap());
        *request.uri_mut() = Uri::from_parts(parts).unwrap();
    }

    /// Says so in the one document, and nothing in the other.
    fn tell(&self, path: &str, response: &mut Response<Bytes>) {
        let names_it = path.ends_with("/openid-configuration");
        if !names_it && !path.ends_with("/smart-configuration") {
            return;
        }
        let mut document: Value = serde_json::from_slice(response.body()).unwrap();
        let members = document.as_object_mut().unwrap();
        let before = members.remove(self.member);
        if names_it {
            let before = before.unwrap();
            let root = before.as_str().unwrap().strip_suffix(self.from).unwrap();
            let now = format!("{root}{}", self.to);
            members.insert(self.member.to_owned(), json!(now));
        }
        *response.body_mut() = document.to_string().into();
    }
}

/// The wire to an EHR of which an endpoint may have moved.
pub(super) struct Map {
    wire: Arc<Wire>,
    moved: Option<Moved>,
}

impl Map {
    pub(super) const fn new(wire: Arc<Wire>, moved: Option<Moved>) -> Self {
        Self { wire, moved }
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Map")
    }
}

#[async_trait]
impl HttpClient for Map {
    async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let Some(moved) = &self.moved else {
            return self.wire.send(request).await;
        };
        let path = request.uri().path().to_owned();
        moved.find(&mut request);
        let mut response = self.wire.send(request).await?;
        moved.tell(&path, &mut response);
        Ok(response)
    }
}
