//! `smart sandbox`: an embedded EHR to try things against.

use smart_oidc::jose::key::{PrivateKey, PublicKey};
use smart_oidc::jose::{Algorithm, jwk};
use smart_sandbox::{DEFAULT_CLIENT_ID, Sandbox, StartError};

use crate::args::SandboxArgs;
use crate::exit::{Exit, Failure};
use crate::provider::provider;
use crate::{input, output};

pub(crate) async fn run(args: SandboxArgs) -> Result<Exit, Failure> {
    let mut builder = Sandbox::builder(provider())
        .bind(args.bind)
        .auto_approve(!args.ask);
    let is_anywhere = args.bind.ip().is_unspecified() && args.public_url.is_none();
    if let Some(url) = args.public_url {
        builder = builder.public_url(url);
    }
    if let Some(path) = &args.signing_key {
        let key = PrivateKey::from_pem(&input::file(path)?, provider())
            .map_err(|error| Failure::io(format!("{}: {error}", path.display())))?;
        let public = key.public_key();
        let kid = jwk::thumbprint(&public, provider());
        builder = builder.signing_key(key, kid, algorithm_of(&public)?);
    }
    let sandbox = builder.start().await.map_err(failure)?;
    output::line(format_args!("FHIR base   {}", sandbox.fhir_base()));
    output::line(format_args!("issuer      {}", sandbox.issuer()));
    output::line(format_args!("client id   {DEFAULT_CLIENT_ID}"));
    output::line("redirect    any http URL of this machine with the path /callback");
    if is_anywhere {
        output::line("These addresses are of this machine; --public-url says what others call it.");
    }
    output::line("Stop it with Ctrl-C.");
    tokio::select! {
        () = sandbox.wait() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    sandbox.shutdown().await;
    Ok(Exit::Valid)
}

/// The algorithm that a key is for, where one is usual.
fn algorithm_of(key: &PublicKey) -> Result<Algorithm, Failure> {
    let usual = [
        Algorithm::RS256,
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::EdDSA,
    ];
    usual
        .into_iter()
        .find(|it| key.fits(*it))
        .ok_or_else(|| Failure::usage(format!("no ID token is signed with {}", key.key_type())))
}

/// A refusal is a matter of the command line, the rest of the machine.
pub(crate) fn failure(error: StartError) -> Failure {
    match error {
        StartError::Bind { .. } => Failure::io(error.to_string()),
        _ => Failure::usage(error.to_string()),
    }
}
