//! One real EHR of the settings, and what the app is there.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::credentials::{self, Credentials};
use crate::args::EhrArgs;
use crate::exit::Failure;

/// As a table of the file has it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EhrTable {
    name: Option<String>,
    fhir_base: Option<String>,
    client_id: Option<String>,
    redirect_uri: Option<String>,
    scope: Option<String>,
    authentication: Option<String>,
    client_secret_file: Option<PathBuf>,
    client_secret_env: Option<String>,
    private_key_file: Option<PathBuf>,
    private_key_env: Option<String>,
    key_id: Option<String>,
    /// By a flag, which is seen from where the program runs.
    #[serde(skip)]
    flags: Flags,
}

/// Files that flags or the environment name.
#[derive(Default)]
struct Flags {
    client_secret_file: Option<PathBuf>,
    private_key_file: Option<PathBuf>,
}

/// As it is used.
pub(super) struct RealEhr {
    pub(super) name: String,
    pub(super) fhir_base: String,
    pub(super) client_id: String,
    /// Its own, where it has one.
    pub(super) redirect_uri: Option<String>,
    /// Its own, where it has one.
    pub(super) scope: Option<String>,
    pub(super) credentials: Credentials,
}

impl EhrTable {
    /// Whether a flag or the environment says anything of an EHR.
    pub(super) fn is_named(args: &EhrArgs) -> bool {
        args.fhir_base.is_some()
            || args.client_id.is_some()
            || args.authentication.is_some()
            || args.client_secret_file.is_some()
            || args.private_key_file.is_some()
            || args.key_id.is_some()
    }

    /// The same where a flag or the environment does not say otherwise.
    pub(super) fn overruled_by(self, args: &EhrArgs) -> Self {
        let either = |flag: &Option<String>, file: Option<String>| flag.clone().or(file);
        Self {
            fhir_base: either(&args.fhir_base, self.fhir_base),
            client_id: either(&args.client_id, self.client_id),
            authentication: either(&args.authentication, self.authentication),
            key_id: either(&args.key_id, self.key_id),
            flags: Flags {
                client_secret_file: args.client_secret_file.clone(),
                private_key_file: args.private_key_file.clone(),
            },
            ..self
        }
    }

    /// Reads what the files and variables hold that it names.
    pub(super) fn read(self, at: usize, folder: &Path, is_one: bool) -> Result<RealEhr, Failure> {
        let who = match (&self.name, is_one) {
            (Some(name), _) => format!("the EHR {name:?}"),
            (None, true) => "the EHR".to_owned(),
            (None, false) => format!("the EHR number {}", at.saturating_add(1)),
        };
        let lacks = |what: &str| {
            let flag = what.replace('_', "-");
            Failure::usage(match is_one {
                true => format!("{who} has no {what}: a real EHR needs --{flag}"),
                false => format!("{who} has no {what}"),
            })
        };
        let fhir_base = self.fhir_base.ok_or_else(|| lacks("fhir_base"))?;
        let client_id = self.client_id.ok_or_else(|| lacks("client_id"))?;
        let secret = credentials::Source {
            flag: self.flags.client_secret_file,
            usual_variable: is_one.then_some(credentials::SECRET),
            variable: self.client_secret_env,
            file: self.client_secret_file.map(|it| folder.join(it)),
            name: "client_secret",
        };
        let key = credentials::Source {
            flag: self.flags.private_key_file,
            usual_variable: is_one.then_some(credentials::KEY),
            variable: self.private_key_env,
            file: self.private_key_file.map(|it| folder.join(it)),
            name: "private_key",
        };
        let credentials = Credentials::read(self.authentication, secret, key, self.key_id)
            .map_err(|error| Failure::usage(format!("{who}: {error}")))?;
        Ok(RealEhr {
            name: self.name.unwrap_or_else(|| host(&fhir_base)),
            fhir_base,
            client_id,
            redirect_uri: self.redirect_uri,
            scope: self.scope,
            credentials,
        })
    }
}

/// What it is called where it has no name.
fn host(base: &str) -> String {
    let rest = base.split_once("://").map_or(base, |it| it.1);
    rest.split('/').next().unwrap_or_default().to_owned()
}
