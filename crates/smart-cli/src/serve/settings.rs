//! What the dashboard is told: by flags, by the environment, and by a file, in this order.

use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;
use smart_oidc::{ClientAuthentication, ClientSecret};

use crate::args::ServeArgs;
use crate::exit::Failure;
use crate::input;

/// What is asked for besides `openid fhirUser` unless it is said: enough for every part of the page.
const SCOPES: &str = "launch/patient patient/Patient.rs user/Practitioner.rs offline_access";

/// The only way besides a file in which a secret comes.
const SECRET: &str = "SMART_CLIENT_SECRET";

/// The file. It has no member for a secret, so that one that is written there is an error.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    bind: Option<SocketAddr>,
    fhir_base: Option<String>,
    client_id: Option<String>,
    redirect_uri: Option<String>,
    scope: Option<String>,
    client_secret_file: Option<PathBuf>,
    #[serde(default)]
    framed_by: Vec<String>,
}

/// All of it.
pub(super) struct Settings {
    pub(super) bind: SocketAddr,
    pub(super) ehr: Option<Ehr>,
    pub(super) scope: String,
    pub(super) framed_by: Vec<String>,
}

/// A real EHR, and what the app is there.
pub(super) struct Ehr {
    pub(super) fhir_base: String,
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) authentication: ClientAuthentication,
}

impl Settings {
    pub(super) fn read(args: &ServeArgs) -> Result<Self, Failure> {
        let file = match &args.config {
            Some(path) => parse(&input::file(path)?)
                .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?,
            None => File::default(),
        };
        let either = |flag: &Option<String>, file: Option<String>| flag.clone().or(file);
        let fhir_base = either(&args.fhir_base, file.fhir_base);
        let client_id = either(&args.client_id, file.client_id);
        let redirect_uri = either(&args.redirect_uri, file.redirect_uri);
        let secret_file = args.client_secret_file.clone().or(file.client_secret_file);
        let ehr = match (fhir_base, client_id, redirect_uri) {
            (Some(fhir_base), Some(client_id), Some(redirect_uri)) => Some(Ehr {
                fhir_base,
                client_id,
                redirect_uri,
                authentication: authentication(secret_file)?,
            }),
            (None, None, None) => None,
            _ => {
                return Err(Failure::usage(
                    "a real EHR needs --fhir-base, --client-id and --redirect-uri, all three",
                ));
            }
        };
        if ehr.is_some() && (args.ask || !args.fault.is_empty()) {
            return Err(Failure::usage(
                "--ask and --fault are for the embedded EHR, and the configuration names a real one",
            ));
        }
        let framed_by = match args.framed_by.is_empty() {
            true => file.framed_by,
            false => args.framed_by.clone(),
        };
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Ok(Self {
            bind: args.bind.or(file.bind).unwrap_or(anywhere),
            ehr,
            scope: either(&args.scope, file.scope).unwrap_or_else(|| SCOPES.to_owned()),
            framed_by,
        })
    }
}

/// The text of the file itself is not shown: it may hold what somebody has put there by mistake.
fn parse(text: &str) -> Result<File, String> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(0, |it| {
            let before = text.as_bytes().iter().take(it.start);
            before.filter(|it| **it == b'\n').count()
        });
        format!("line {}: {}", line.saturating_add(1), error.message())
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "a secret is no flag, so it is read past the one who reads the flags"
)]
fn authentication(file: Option<PathBuf>) -> Result<ClientAuthentication, Failure> {
    let secret = match (file, env::var(SECRET)) {
        (Some(path), _) => input::file(&path)?,
        (None, Ok(secret)) => secret,
        (None, Err(env::VarError::NotPresent)) => return Ok(ClientAuthentication::Public),
        (None, Err(env::VarError::NotUnicode(_))) => {
            return Err(Failure::usage(format!("{SECRET} is no text")));
        }
    };
    // A line break at the end of a file is no part of it.
    let secret = secret.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(Failure::usage("the secret of the app is empty"));
    }
    Ok(ClientAuthentication::ClientSecretBasic(ClientSecret::new(
        secret,
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_a_secret_is_refused_and_not_repeated() {
        let error = parse("client_id = \"app\"\nclient_secret = \"hunter2\"\n");
        let error = error.err().unwrap();
        assert!(error.starts_with("line 2: "), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
        let error = parse("client_secret = hunter2\n").err().unwrap();
        assert!(!error.contains("hunter2"), "{error}");
        let read = parse("client_id = \"app\"\nframed_by = [\"https://ehr.example\"]\n");
        let read = read.ok().unwrap();
        assert_eq!(read.client_id.as_deref(), Some("app"));
        assert_eq!(read.framed_by, ["https://ehr.example"]);
    }
}
