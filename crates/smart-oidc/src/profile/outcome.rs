//! What an OperationOutcome says, in codes alone.
//!
//! Servers write names and identifiers of people into `diagnostics` and `details`, so neither is
//! read at all.

use core::fmt;

use http::Response;
use serde::Deserialize;
use smart_jose::json;
use smart_jose::member::Member;

use super::lenient::{Few, One};

/// Longer bodies of errors are not looked into, in octets.
const LIMIT: usize = 64 * 1024;

/// How many issues are kept.
const MOST: usize = 8;

/// What a server says went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutcomeIssue {
    /// `fatal`, `error`, `warning` or `information` (FHIR, issue-severity).
    pub severity: Option<IssueCode>,
    /// What kind of issue it is, such as `forbidden` (FHIR, issue-type).
    pub code: Option<IssueCode>,
}

/// A code: lower-case letters and hyphens, at most 32. Whatever else stands in its place is not
/// carried, since it may be about a person.
#[derive(Clone, PartialEq, Eq)]
pub struct IssueCode(Box<str>);

impl IssueCode {
    fn of(member: &Member<String>) -> Option<Self> {
        let text = member.value()?;
        let is_code = (1..=32).contains(&text.len())
            && text.bytes().all(|it| it.is_ascii_lowercase() || it == b'-');
        is_code.then(|| Self(text.as_str().into()))
    }

    /// The code.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IssueCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for IssueCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Outcome {
    resource_type: Member<String>,
    issue: Few<One<Issue>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Issue {
    severity: Member<String>,
    code: Member<String>,
}

/// The issues of an OperationOutcome; none where the body is anything else, as it may be.
pub(super) fn issues(response: &Response<impl AsRef<[u8]>>) -> Vec<OutcomeIssue> {
    let outcome: Outcome = json::read_object(response.body().as_ref(), LIMIT).unwrap_or_default();
    if outcome.resource_type.value().map(String::as_str) != Some("OperationOutcome") {
        return Vec::new();
    }
    let issues = outcome.issue.objects().map(|it| OutcomeIssue {
        severity: IssueCode::of(&it.severity),
        code: IssueCode::of(&it.code),
    });
    issues
        .filter(|it| it.severity.is_some() || it.code.is_some())
        .take(MOST)
        .collect()
}

/// The issues as the end of a sentence.
pub(super) fn shown(issues: &[OutcomeIssue]) -> String {
    let said: Vec<&str> = issues
        .iter()
        .filter_map(|it| it.code.as_ref().or(it.severity.as_ref()))
        .map(IssueCode::as_str)
        .collect();
    if said.is_empty() {
        return String::new();
    }
    format!(", and says {}", said.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Vec<OutcomeIssue> {
        issues(&Response::new(body.to_owned()))
    }

    // covers: SMART-USR-11
    #[test]
    fn codes_are_read_and_no_prose() {
        let body = r#"{"resourceType":"OperationOutcome","text":{"div":"Ada Hidden"},"issue":[
            {"severity":"error","code":"forbidden","diagnostics":"Patient Ada Hidden","details":{"text":"Hidden"}},
            {"severity":"Ada Hidden","code":"processing","expression":["Hidden"]},
            {"severity":"error","code":"Hidden, Ada 4711"}, {"diagnostics":"Hidden"}, 7, null]}"#;
        let issues = read(body);
        assert_eq!(issues.len(), 3);
        assert_eq!(shown(&issues), ", and says forbidden, processing, error");
        assert!(!format!("{issues:?}").contains("idden,"));
        assert!(!format!("{issues:?}").contains("Hidden"));
        assert_eq!(shown(&[]), "");
    }

    #[test]
    fn what_is_no_outcome_says_nothing() {
        let many = r#"{"severity":"error","code":"login"},"#.repeat(100);
        let long = format!(
            r#"{{"resourceType":"OperationOutcome","issue":[{many}{{}}],"text":"{}"}}"#,
            "x".repeat(LIMIT)
        );
        for body in [
            "",
            "<html>",
            "{}",
            r#"{"resourceType":"Patient","issue":[{"code":"login"}]}"#,
            r#"{"resourceType":"OperationOutcome"}"#,
            r#"{"resourceType":"OperationOutcome","issue":7}"#,
            &"[".repeat(10_000),
            &long,
        ] {
            assert_eq!(read(body), [], "{:.40}", body);
        }
        let bounded = format!(r#"{{"resourceType":"OperationOutcome","issue":[{many}{{}}]}}"#);
        assert_eq!(read(&bounded).len(), MOST);
    }
}
