//! `smart sandbox`: an embedded EHR to try things against.

use std::time::Duration;

use smart_oidc::jose::key::{PrivateKey, PublicKey};
use smart_oidc::jose::{Algorithm, jwk};
use smart_sandbox::{
    ClientRegistration, DEFAULT_CLIENT_ID, Fault, RedirectRule, Sandbox, SandboxBuilder,
    SmartVersion, StartError, Times,
};

use crate::args::{NetworkArgs, SandboxArgs};
use crate::exit::{Exit, Failure};
use crate::provider::provider;
use crate::{discover, input, log, output, signals};

pub(crate) async fn run(args: SandboxArgs) -> Result<Exit, Failure> {
    if args.list_faults {
        list_faults(args.json);
        return Ok(Exit::Valid);
    }
    log::start(&args.log, None)?;
    let client_id = args
        .client
        .as_deref()
        .unwrap_or(DEFAULT_CLIENT_ID)
        .to_owned();
    let is_anywhere = args.bind.ip().is_unspecified() && args.public_url.is_none();
    let has_own_app = args.client.is_some();
    let sandbox = builder(args)?.start().await.map_err(failure)?;
    // From the first line on, whoever waits for it may end this.
    let stop = signals::told_to_stop();
    output::line(format_args!("FHIR base   {}", sandbox.fhir_base()));
    output::line(format_args!("issuer      {}", sandbox.issuer()));
    output::line(format_args!("client id   {client_id}"));
    if !has_own_app {
        output::line("redirect    any http URL of this machine with the path /callback");
    }
    output::line(format_args!("launcher    {}/", sandbox.base_url()));
    for (fault, _) in sandbox.playing() {
        output::line(format_args!(
            "fault       {}: {}",
            fault.name(),
            fault.does()
        ));
    }
    if is_anywhere {
        output::line("These addresses are of this machine; --public-url says what others call it.");
    }
    output::line("The people are invented: this is no server for patients. Stop it with Ctrl-C.");
    tokio::select! {
        () = sandbox.wait() => {}
        () = stop => {}
    }
    sandbox.shutdown().await;
    Ok(Exit::Valid)
}

/// The sandbox that the command line asks for.
fn builder(args: SandboxArgs) -> Result<SandboxBuilder, Failure> {
    let mut builder = Sandbox::builder(provider())
        .bind(args.bind)
        .auto_approve(args.auto_approve)
        .http_client(discover::client(&NetworkArgs::loopback())?)
        .version(version(&args.smart_version)?);
    if args.localhost {
        builder = builder.named_localhost();
    }
    if args.hostile_people {
        builder = builder.hostile_people();
    }
    if let Some(url) = args.public_url {
        builder = builder.public_url(url);
    }
    if let Some(seconds) = args.rotate_every {
        builder = builder.rotate_keys_every(Duration::from_secs(seconds));
    }
    if let Some(name) = &args.alg {
        let algorithm = Algorithm::from_name(name);
        let algorithm =
            algorithm.ok_or_else(|| Failure::usage(format!("there is no algorithm {name:?}")))?;
        builder = builder.algorithm(algorithm);
    }
    if let Some(id) = args.client {
        let rules = args.redirect_uri.into_iter().map(RedirectRule::Exact);
        builder = builder.register_client(ClientRegistration::new(id, rules.collect()));
    }
    for name in &args.fault {
        let fault = Fault::named(name).ok_or_else(|| {
            Failure::usage(format!(
                "there is no fault {name:?}; --list-faults prints them"
            ))
        })?;
        builder = builder.fault(fault, Times::UntilTakenBack);
    }
    if let Some(path) = &args.signing_key {
        let key = PrivateKey::from_pem(&input::file(path)?, provider())
            .map_err(|error| Failure::io(format!("{}: {error}", path.display())))?;
        let public = key.public_key();
        let kid = jwk::thumbprint(&public, provider());
        builder = builder.signing_key(key, kid, algorithm_of(&public)?);
    }
    Ok(builder)
}

fn version(text: &str) -> Result<SmartVersion, Failure> {
    match text {
        "1.0" => Ok(SmartVersion::V1_0),
        "2.0" => Ok(SmartVersion::V2_0),
        "2.2" => Ok(SmartVersion::V2_2),
        _ => Err(Failure::usage(format!("no SMART {text} is played"))),
    }
}

fn list_faults(as_json: bool) {
    if as_json {
        let all = Fault::all().map(|it| {
            serde_json::json!({
                "name": it.name(),
                "does": it.does(),
                "client_must": it.client_must(),
                "clause": it.clause()
            })
        });
        return output::json(&all.collect::<Vec<_>>());
    }
    for fault in Fault::all() {
        output::line(format_args!("{}", fault.name()));
        output::line(format_args!("    {}", fault.does()));
        output::line(format_args!("    a client must: {}", fault.client_must()));
        output::line(format_args!("    see {}", fault.clause()));
    }
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
