//! The file with the settings, and what is said of one that cannot be used.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::ehr::EhrTable;

/// The file. It has no member for a secret, so that one that is written there is an error.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) bind: Option<SocketAddr>,
    pub(super) redirect_uri: Option<String>,
    pub(super) scope: Option<String>,
    #[serde(default)]
    pub(super) framed_by: Vec<String>,
    pub(super) help_desk: Option<String>,
    #[serde(default)]
    pub(super) show_reports: bool,
    pub(super) log: Option<String>,
    #[serde(default)]
    pub(super) published_key_files: Vec<PathBuf>,
    #[serde(default)]
    pub(super) ehr: Vec<EhrTable>,
    #[serde(default)]
    pub(super) network: NetworkTable,
}

/// How servers are reached.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NetworkTable {
    #[serde(default)]
    pub(super) allow_loopback: bool,
    #[serde(default)]
    pub(super) allow_network: Vec<String>,
    pub(super) roots: Option<PathBuf>,
    pub(super) proxy: Option<String>,
    #[serde(default)]
    pub(super) smart_1_0: bool,
}

/// Reads it. Of its text nothing is shown but the name of a setting: it may hold what somebody has put
/// there by mistake.
pub(super) fn parse(text: &str) -> Result<File, String> {
    toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |it| it.start);
        let before = text.as_bytes().iter().take(at);
        let line = before.filter(|it| **it == b'\n').count().saturating_add(1);
        let message = error.message();
        // What stands between its quotes is a name for these, and a value for any other.
        let message = match message.starts_with("unknown field") {
            true => message,
            false => message.split('"').next().unwrap_or_default().trim_end(),
        };
        match remedy(message) {
            Some(remedy) => format!("line {line}: {message}; {remedy}"),
            None => format!("line {line}: {message}"),
        }
    })
}

/// What to do about a setting that there is none of.
fn remedy(message: &str) -> Option<&'static str> {
    let name = message.strip_prefix("unknown field `")?.split('`').next()?;
    let is = |words: &[&str]| words.iter().any(|it| name.contains(it));
    if is(&["key", "jwk", "pem"]) {
        return Some(
            "a key does not stand in this file: put it into a file of its own and name that in private_key_file, \
             or into the environment",
        );
    }
    if is(&["secret", "password", "token", "assertion"]) {
        return Some(
            "a secret does not stand in this file: put it into a file of its own and name that in \
             client_secret_file, or into the environment",
        );
    }
    match name {
        "fhir_base" | "client_id" | "authentication" => {
            Some("it is of one EHR and belongs into its table [[ehr]]")
        }
        _ => None,
    }
}

/// Paths in the file are seen from where it lies.
pub(super) fn relative_to(folder: &Path, paths: Vec<PathBuf>) -> Vec<PathBuf> {
    paths.into_iter().map(|it| folder.join(it)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_a_secret_is_refused_and_not_repeated() {
        for (text, line, part) in [
            (
                "bind = \"127.0.0.1:1\"\nclient_secret = \"hunter2\"\n",
                2,
                "client_secret_file",
            ),
            (
                "[[ehr]]\nclient_secret = \"hunter2\"\n",
                2,
                "client_secret_file",
            ),
            (
                "[[ehr]]\nname = \"A\"\nprivate_key = \"hunter2\"\n",
                3,
                "private_key_file",
            ),
            ("[[ehr]]\n\npassword = \"hunter2\"\n", 3, "environment"),
            ("client_secret = hunter2\n", 1, ""),
            ("bind = \"hunter2\"\n", 1, ""),
            ("show_reports = \"hunter2\"\n", 1, ""),
            ("fhir_base = \"https://hunter2\"\n", 1, "[[ehr]]"),
            ("nonsense = 1\n", 1, "unknown field `nonsense`"),
            ("[network]\nnonsense = 1\n", 2, "unknown field `nonsense`"),
        ] {
            let error = parse(text).err().unwrap();
            assert!(error.starts_with(&format!("line {line}: ")), "{error}");
            assert!(error.contains(part), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn the_file_of_the_documentation_is_one() {
        let docs = include_str!("../../tests/serve.toml");
        let read = parse(docs).ok().unwrap();
        assert_eq!(read.ehr.len(), 2);
    }
}
