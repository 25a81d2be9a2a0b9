//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};
use smart_oidc::discovery::PlainHttp;

use crate::log::{LEVELS, USUAL};

/// Sign people in with SMART on FHIR, and find out why it fails.
#[derive(Debug, Parser)]
#[command(name = "smart", version, about, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Play a whole sign-in against an embedded EHR, over real HTTP on this machine
    Demo(DemoArgs),
    /// Follow the chain of trust of a FHIR server, and say what is odd about it
    Discover(DiscoverArgs),
    /// Serve an embedded EHR for trying things out
    Sandbox(SandboxArgs),
    /// Serve a dashboard that signs people in, with an embedded EHR or with a real one
    Serve(Box<ServeArgs>),
    /// Validate an ID token from anywhere, check by check
    Verify(Box<VerifyArgs>),
}

impl Command {
    /// Whether the caller asked for JSON.
    pub(crate) fn prints_json(&self) -> bool {
        match self {
            Self::Demo(args) => args.json,
            Self::Discover(args) => args.json,
            Self::Sandbox(args) => args.json,
            Self::Serve(_) => false,
            Self::Verify(args) => args.json,
        }
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DemoArgs {
    /// Print one JSON object instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DiscoverArgs {
    /// The base URL of the FHIR server
    pub(crate) fhir_base: String,
    /// Trust this issuer only, whatever the server names
    #[arg(long, value_name = "URL")]
    pub(crate) issuer: Option<String>,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SandboxArgs {
    /// The address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    pub(crate) bind: SocketAddr,
    /// The URL under which others reach it, if it is not the address
    #[arg(long)]
    pub(crate) public_url: Option<String>,
    /// A private key in PEM to sign with; without one, published demo keys are used
    #[arg(long, value_name = "FILE")]
    pub(crate) signing_key: Option<PathBuf>,
    /// Sign everybody in as the first user and grant all, instead of showing pages that ask
    #[arg(long)]
    pub(crate) auto_approve: bool,
    /// Be http://localhost:PORT, which is another site to a browser than an app on 127.0.0.1
    #[arg(long, conflicts_with = "public_url")]
    pub(crate) localhost: bool,
    /// The version of SMART App Launch to play
    #[arg(long, value_name = "VERSION", default_value = "2.2", value_parser = ["1.0", "2.0", "2.2"])]
    pub(crate) smart_version: String,
    /// Change the keys every so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) rotate_every: Option<u64>,
    /// Sign ID tokens with this algorithm
    #[arg(long, value_name = "ALG", conflicts_with = "signing_key")]
    pub(crate) alg: Option<String>,
    /// Register a public app of this id in the place of the default one
    #[arg(long, value_name = "ID", requires = "redirect_uri")]
    pub(crate) client: Option<String>,
    /// Where codes of that app may be sent; may be given more than once
    #[arg(long, value_name = "URI", requires = "client")]
    pub(crate) redirect_uri: Vec<String>,
    /// Play this fault until it is taken back; may be given more than once
    #[arg(long, value_name = "NAME")]
    pub(crate) fault: Vec<String>,
    /// Add clinicians and patients whose names and links are markup, scripts and worse
    #[arg(long)]
    pub(crate) hostile_people: bool,
    /// What is logged, to standard error
    #[arg(long, value_name = "LEVEL", env = "SMART_LOG", default_value = USUAL, value_parser = LEVELS)]
    pub(crate) log: String,
    /// Print every fault, what it does and what a correct client must do, and serve nothing
    #[arg(long)]
    pub(crate) list_faults: bool,
    /// With --list-faults: print one JSON array instead of text
    #[arg(long, requires = "list_faults")]
    pub(crate) json: bool,
}

/// A flag wins over the environment, and that over the file. No secret is a flag, since whoever is on
/// the machine can list the command lines that run.
#[derive(Debug, ClapArgs)]
#[command(after_help = SECRETS)]
pub(crate) struct ServeArgs {
    /// The address to listen on; port 0 takes a free one [default: 127.0.0.1:0]
    #[arg(long, env = "SMART_BIND")]
    pub(crate) bind: Option<SocketAddr>,
    /// A TOML file with the same settings, underscores in the place of hyphens, and with a table
    /// [[ehr]] for each EHR
    #[arg(long, value_name = "FILE", env = "SMART_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Where browsers find the app, with /callback behind it, as it is registered [default: the
    /// address to listen on, where that is this machine]
    #[arg(long, value_name = "URI", env = "SMART_REDIRECT_URI")]
    pub(crate) redirect_uri: Option<String>,
    /// The scopes to ask for besides openid and fhirUser
    #[arg(long, value_name = "SCOPES", env = "SMART_SCOPE")]
    pub(crate) scope: Option<String>,
    /// An origin of the EHR that may show the app in a frame; may be given more than once
    #[arg(
        long,
        value_name = "ORIGIN",
        env = "SMART_FRAMED_BY",
        value_delimiter = ','
    )]
    pub(crate) framed_by: Vec<String>,
    /// How a person reaches you; it stands on every error page
    #[arg(long, value_name = "TEXT", env = "SMART_HELP_DESK")]
    pub(crate) help_desk: Option<String>,
    /// Show whoever is refused how each check on the ID token went; it is in the log in any case, and
    /// always on the page where the app can be reached from this machine only
    #[arg(long, env = "SMART_SHOW_REPORTS", value_parser = clap::builder::BoolishValueParser::new())]
    pub(crate) show_reports: bool,
    /// What is logged, to standard error [default: warn]
    #[arg(long, value_name = "LEVEL", env = "SMART_LOG", value_parser = LEVELS)]
    pub(crate) log: Option<String>,
    /// Cookies for browsers that keep no Secure ones over http (Safari): on this machine only, and
    /// not in a frame
    #[arg(long, conflicts_with = "framed_by")]
    pub(crate) development_cookies: bool,
    /// Let the embedded EHR show its pages that ask, instead of granting all
    #[arg(long, conflicts_with = "fhir_base")]
    pub(crate) ask: bool,
    /// Let the embedded EHR play this fault; may be given more than once
    #[arg(long, value_name = "NAME", conflicts_with = "fhir_base")]
    pub(crate) fault: Vec<String>,
    #[command(flatten)]
    pub(crate) ehr: EhrArgs,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

const SECRETS: &str = "\
A flag wins over the environment, and that over the file.

A secret is neither a flag nor in the file. The secret of the app comes from the file that
client_secret_file names or from SMART_CLIENT_SECRET, its key from the file that private_key_file names
or from SMART_PRIVATE_KEY. Where there are several EHRs, client_secret_env and private_key_env in the
table of each name its variable. A proxy with a password comes from SMART_PROXY.";

/// One real EHR, and what the app is there.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "A real EHR, in the place of the embedded one")]
pub(crate) struct EhrArgs {
    /// Its FHIR base
    #[arg(long, value_name = "URL", env = "SMART_FHIR_BASE")]
    pub(crate) fhir_base: Option<String>,
    /// The id under which the app is registered there
    #[arg(long, value_name = "ID", env = "SMART_CLIENT_ID")]
    pub(crate) client_id: Option<String>,
    /// How the app proves who it is: public, client_secret_basic, client_secret_post or
    /// private_key_jwt [default: what the secret or the key is for, else public]
    #[arg(long, value_name = "METHOD", env = "SMART_AUTHENTICATION")]
    pub(crate) authentication: Option<String>,
    /// A file that holds the secret of the app
    #[arg(long, value_name = "FILE", env = "SMART_CLIENT_SECRET_FILE")]
    pub(crate) client_secret_file: Option<PathBuf>,
    /// A file that holds the private key of the app, for RS384 or ES384, as a JWK or in PEM
    #[arg(long, value_name = "FILE", env = "SMART_PRIVATE_KEY_FILE")]
    pub(crate) private_key_file: Option<PathBuf>,
    /// The kid of that key [default: that of the JWK, else its thumbprint]
    #[arg(long, value_name = "KID", env = "SMART_KEY_ID")]
    pub(crate) key_id: Option<String>,
    /// Publish this key too, the next one or the one before; may be given more than once
    #[arg(
        long,
        value_name = "FILE",
        env = "SMART_PUBLISHED_KEY_FILE",
        value_delimiter = ','
    )]
    pub(crate) published_key_file: Vec<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct VerifyArgs {
    /// The token, or - to read it from standard input
    pub(crate) token: Option<String>,

    #[command(flatten)]
    pub(crate) keys: KeyArgs,

    /// The issuer that the token must name
    #[arg(long, value_name = "URL", required_unless_present = "signature_only")]
    pub(crate) issuer: Option<String>,
    /// The client id that the token must be for
    #[arg(long, value_name = "ID", required_unless_present = "signature_only")]
    pub(crate) client_id: Option<String>,
    /// Check form, key and signature, and leave the claims alone
    #[arg(long)]
    pub(crate) signature_only: bool,

    /// The nonce that was sent with the request
    #[arg(
        long,
        value_name = "VALUE",
        allow_hyphen_values = true,
        conflicts_with = "no_nonce"
    )]
    pub(crate) nonce: Option<String>,
    /// No nonce was sent with the request
    #[arg(long)]
    pub(crate) no_nonce: bool,

    /// Judge the token as of this time, in seconds since 1970, instead of now
    #[arg(long, value_name = "UNIX_TIME")]
    pub(crate) at: Option<u64>,
    /// Accept these algorithms only [default: RS256,RS384,ES256,ES384]
    #[arg(long, value_name = "ALG", value_delimiter = ',')]
    pub(crate) alg: Vec<String>,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

/// How servers are reached.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Network")]
pub(crate) struct NetworkArgs {
    /// Allow http where the host is this machine
    #[arg(long)]
    pub(crate) allow_loopback: bool,
    /// Connect to this network too, although it is not of the public internet
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    pub(crate) allow_network: Vec<String>,
    /// Trust the certificates of this PEM file and no others, in the place of the platform's
    #[arg(long, value_name = "FILE")]
    pub(crate) roots: Option<PathBuf>,
    /// Go through this proxy, which must refuse addresses of your own network itself
    #[arg(long, value_name = "URL")]
    pub(crate) proxy: Option<String>,
    /// Where a server has no smart-configuration, read its CapabilityStatement, as with SMART 1.0
    #[arg(long = "smart-1-0")]
    pub(crate) smart_1_0: bool,
}

impl NetworkArgs {
    /// What a server on this machine needs.
    pub(crate) const fn loopback() -> Self {
        Self {
            allow_loopback: true,
            allow_network: Vec::new(),
            roots: None,
            proxy: None,
            smart_1_0: false,
        }
    }

    /// Whether http without TLS is allowed.
    pub(crate) const fn plain(&self) -> PlainHttp {
        match self.allow_loopback {
            true => PlainHttp::LoopbackOnly,
            false => PlainHttp::Refused,
        }
    }
}

/// Where the keys come from.
#[derive(Debug, ClapArgs)]
#[group(required = true, multiple = false)]
pub(crate) struct KeyArgs {
    /// A file with the issuer's JWK Set
    #[arg(long, value_name = "FILE")]
    pub(crate) jwks: Option<PathBuf>,
    /// A file with the issuer's public key in PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) pem: Option<PathBuf>,
    /// The FHIR server whose issuer is to be trusted; its keys are fetched
    #[arg(long, value_name = "URL")]
    pub(crate) fhir_base: Option<String>,
}
