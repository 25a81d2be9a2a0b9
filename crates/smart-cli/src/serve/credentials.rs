//! How the app proves to an EHR who it is. Secrets and keys come from files and from the environment.

use std::env;
use std::path::{Path, PathBuf};

use smart_oidc::jose::jwk::{self, PrivateJwk};
use smart_oidc::jose::key::{PrivateKey, PublicKey};
use smart_oidc::jose::{Algorithm, Jwk};
use smart_oidc::{AssertionSigner, ClientAuthentication, ClientSecret, PublishedKeys};

use crate::input;
use crate::provider::provider;

/// With what an app authenticates, and the key that it publishes for that.
pub(super) struct Credentials {
    pub(super) authentication: ClientAuthentication,
}

/// Where a secret may come from, the first that there is.
pub(super) struct Source {
    /// A file that a flag or the environment names.
    pub(super) flag: Option<PathBuf>,
    /// The variable for the only EHR.
    pub(super) usual_variable: Option<&'static str>,
    /// A variable that the file names.
    pub(super) variable: Option<String>,
    /// A file that the file names.
    pub(super) file: Option<PathBuf>,
    /// What it is.
    pub(super) name: &'static str,
}

impl Credentials {
    pub(super) fn read(
        method: Option<String>,
        secret: Source,
        key: Source,
        key_id: Option<String>,
    ) -> Result<Self, String> {
        let method = match method.as_deref() {
            None => None,
            Some("public" | "none") => Some(Method::Public),
            Some("client_secret_basic") => Some(Method::Basic),
            Some("client_secret_post") => Some(Method::Post),
            Some("private_key_jwt") => Some(Method::Key),
            // Not repeated: it may be what belongs somewhere else.
            Some(_) => {
                return Err(
                    "authentication is none of public, client_secret_basic, client_secret_post and private_key_jwt"
                        .to_owned(),
                );
            }
        };
        let method = match (method, secret.is_there(), key.is_there()) {
            (Some(Method::Public), false, false) | (None, false, false) => Method::Public,
            (Some(Method::Public), ..) => {
                return Err("a public app has neither a secret nor a key".to_owned());
            }
            (Some(method), ..) => method,
            (None, true, false) => Method::Basic,
            (None, false, true) => Method::Key,
            (None, true, true) => {
                return Err(
                    "there is a secret and a key: say with authentication which one is used"
                        .to_owned(),
                );
            }
        };
        if !matches!(method, Method::Key) && key_id.is_some() {
            return Err("there is a key_id, and no key is used".to_owned());
        }
        let secret = || secret.read().map(ClientSecret::new);
        let authentication = match method {
            Method::Public => ClientAuthentication::Public,
            Method::Basic => ClientAuthentication::ClientSecretBasic(secret()?),
            Method::Post => ClientAuthentication::ClientSecretPost(secret()?),
            Method::Key => {
                ClientAuthentication::PrivateKeyJwt(signer(&key.read()?, key_id.as_deref())?)
            }
        };
        Ok(Self { authentication })
    }

    /// The key that signs, where there is one.
    pub(super) const fn signer(&self) -> Option<&AssertionSigner> {
        match &self.authentication {
            ClientAuthentication::PrivateKeyJwt(signer) => Some(signer),
            _ => None,
        }
    }
}

enum Method {
    Public,
    Basic,
    Post,
    Key,
}

/// What the environment says, if it says anything.
#[expect(
    clippy::disallowed_methods,
    reason = "a secret is no flag, so it is read past the one who reads the flags"
)]
pub(super) fn variable(name: &str) -> Option<Result<String, String>> {
    match env::var(name) {
        Ok(text) => Some(Ok(text)),
        Err(env::VarError::NotPresent) => None,
        Err(env::VarError::NotUnicode(_)) => Some(Err(format!("{name} is no text"))),
    }
}

/// The variable that holds the secret of the only EHR.
pub(super) const SECRET: &str = "SMART_CLIENT_SECRET";
/// The variable that holds the key for the only EHR.
pub(super) const KEY: &str = "SMART_PRIVATE_KEY";

/// Whether one of the variables is set that are for the only EHR.
pub(super) fn are_in_environment() -> bool {
    [SECRET, KEY].iter().any(|it| variable(it).is_some())
}

impl Source {
    fn is_there(&self) -> bool {
        self.flag.is_some()
            || self.variable.is_some()
            || self.file.is_some()
            || self.usual_variable.is_some_and(|it| variable(it).is_some())
    }

    /// The text, of which no error says anything. Nor does one say what the settings name: it may be
    /// the secret itself, in the wrong place.
    fn read(self) -> Result<String, String> {
        let name = self.name;
        let text = if let Some(path) = self.flag {
            read_file(&path, name)?
        } else if let Some(text) = self.usual_variable.and_then(variable) {
            text?
        } else if let Some(named) = self.variable {
            let found = variable(&named);
            let found =
                found.ok_or_else(|| format!("the variable that {name}_env names is not there"))?;
            found.map_err(|_| format!("the variable that {name}_env names is no text"))?
        } else if let Some(path) = self.file {
            read_file(&path, name)?
        } else {
            return Err(format!("it needs a {name}_file, or the environment"));
        };
        // A line break at the end of a file is no part of it.
        let text = text.trim_end_matches(['\r', '\n']);
        match text.is_empty() {
            true => Err(format!("the {name} is empty")),
            false => Ok(text.to_owned()),
        }
    }
}

fn read_file(path: &Path, name: &str) -> Result<String, String> {
    input::secret(path).map_err(|error| format!("the {name}_file: {error}"))
}

/// A key that signs assertions.
fn signer(text: &str, key_id: Option<&str>) -> Result<AssertionSigner, String> {
    let (key, own_id, algorithm) = private(text)?;
    let public = key.public_key();
    let algorithm = match algorithm {
        Some(algorithm) => algorithm,
        None => usual(&public)?,
    };
    let kid = key_id.map(str::to_owned).or(own_id);
    let kid = kid.unwrap_or_else(|| jwk::thumbprint(&public, provider()));
    let key = provider().signing_key(&key, algorithm);
    let key = key.map_err(|error| format!("the private_key: {error}"))?;
    AssertionSigner::new(kid, key, provider()).map_err(|error| format!("the private_key: {error}"))
}

/// A private key, as a JWK or in PEM, with what is said of it.
fn private(text: &str) -> Result<(PrivateKey, Option<String>, Option<Algorithm>), String> {
    if text.trim_start().starts_with('{') {
        let jwk = PrivateJwk::parse(text.trim().as_bytes());
        let jwk = jwk.map_err(|error| format!("the private_key is no private JWK: {error}"))?;
        return Ok((jwk.key, jwk.kid, jwk.algorithm));
    }
    let key = PrivateKey::from_pem(text, provider());
    let key = key.map_err(|error| format!("the private_key is neither a JWK nor PEM: {error}"))?;
    Ok((key, None, None))
}

/// The algorithm of SMART for a key (SMART App Launch 2.2, Asymmetric Authentication).
fn usual(key: &PublicKey) -> Result<Algorithm, String> {
    [Algorithm::RS384, Algorithm::ES384]
        .into_iter()
        .find(|it| key.fits(*it))
        .ok_or_else(|| "the key is neither for RS384 nor for ES384".to_owned())
}

/// The public halves of all keys, if there are any: of those that sign, and of these files.
pub(super) fn published<'c>(
    all: impl Iterator<Item = &'c Credentials>,
    files: &[PathBuf],
) -> Result<Option<PublishedKeys>, String> {
    let mut signers: Vec<&AssertionSigner> = Vec::new();
    for signer in all.filter_map(Credentials::signer) {
        // One key may serve with several EHRs.
        let same = |it: &&AssertionSigner| {
            it.jwk().kid() == signer.jwk().kid() && it.jwk().key() == signer.jwk().key()
        };
        if !signers.iter().any(same) {
            signers.push(signer);
        }
    }
    if signers.is_empty() {
        return match files.is_empty() {
            true => Ok(None),
            false => Err("keys are published, and none of them signs".to_owned()),
        };
    }
    let mut keys = PublishedKeys::new(signers).map_err(|error| error.to_string())?;
    for path in files {
        let shown = path.display();
        let text = input::secret(path).map_err(|error| format!("{shown}: {error}"))?;
        let key = public(&text).map_err(|error| format!("{shown}: {error}"))?;
        let is_known = |it: &Jwk| it.kid() == key.kid() && it.key() == key.key();
        if keys.keys().iter().any(is_known) {
            continue;
        }
        keys = keys
            .with_key(key)
            .map_err(|error| format!("{shown}: {error}"))?;
    }
    Ok(Some(keys))
}

/// The public key of a file, which may hold its private half too.
fn public(text: &str) -> Result<Jwk, String> {
    let (key, kid, algorithm) = if let Ok((key, kid, algorithm)) = private(text) {
        (key.public_key(), kid, algorithm)
    } else if text.trim_start().starts_with('{') {
        let (jwk, _) = Jwk::parse(text.trim().as_bytes()).map_err(|error| error.to_string())?;
        let kid = jwk.kid().map(str::to_owned);
        (jwk.key().clone(), kid, jwk.algorithm())
    } else {
        let key = PublicKey::from_pem(text);
        (key.map_err(|error| error.to_string())?, None, None)
    };
    let algorithm = match algorithm {
        Some(algorithm) => algorithm,
        None => usual(&key)?,
    };
    let kid = kid.unwrap_or_else(|| jwk::thumbprint(&key, provider()));
    Jwk::new(key, kid, algorithm).map_err(|error| error.to_string())
}
