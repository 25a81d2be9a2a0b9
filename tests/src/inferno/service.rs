//! What a backend service sends to the token endpoint.

use serde_json::Value;

use super::http::{self, Answer};
use super::tester::{ASSERTION, SERVICE, Tester};

pub(super) const SCOPE: &str = "system/*.rs";

/// A request that is as it should be.
pub(super) struct Request {
    pub(super) grant_type: &'static str,
    pub(super) assertion_type: &'static str,
    pub(super) assertion: String,
}

impl Request {
    pub(super) async fn new(tester: &Tester, alg: &str) -> Result<Self, String> {
        let url = tester.endpoint("token_endpoint").await?;
        Ok(Self {
            grant_type: "client_credentials",
            assertion_type: ASSERTION,
            assertion: tester.assertion(alg, SERVICE, &url, Value::Null),
        })
    }

    pub(super) async fn send(&self, tester: &Tester) -> Result<Answer, String> {
        let url = tester.endpoint("token_endpoint").await?;
        let form = [
            ("grant_type", self.grant_type),
            ("scope", SCOPE),
            ("client_assertion_type", self.assertion_type),
            ("client_assertion", &self.assertion),
        ];
        http::post(&url, &[("accept", "application/json")], &form).await
    }
}
