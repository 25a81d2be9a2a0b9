//! `smart discover`: the chain of trust, step by step.

use std::sync::Arc;

use serde::Serialize;
use smart_oidc::discovery::{
    Discovery, DiscoveryError, DocumentError, FhirBaseUrl, Finding, HttpClient, Issuer, JwksError,
    Networks, PlainHttp, RemoteJwks, ReqwestClient, Smart10Fallback, Step, SystemClock,
    TrustedIssuer,
};
use smart_oidc::jose::{JwkSet, Text};

use crate::args::{DiscoverArgs, NetworkArgs};
use crate::exit::{Exit, Failure};
use crate::provider::provider;
use crate::{input, output};

/// The whole chain as it is printed.
#[derive(Serialize)]
pub(crate) struct ChainReport {
    trusted: bool,
    fhir_base: String,
    issuer: Option<String>,
    steps: Vec<StepReport>,
    keys: Vec<KeyReport>,
    #[serde(skip)]
    exit: Exit,
}

/// One step.
#[derive(Serialize)]
struct StepReport {
    name: &'static str,
    url: String,
    passed: bool,
    detail: String,
    code: Option<&'static str>,
    remedy: Option<&'static str>,
    findings: Vec<Finding>,
}

/// One key, or one that is not used.
#[derive(Serialize)]
struct KeyReport {
    kid: Option<String>,
    usable: bool,
    detail: String,
}

pub(crate) async fn run(args: &DiscoverArgs) -> Result<Exit, Failure> {
    let plain = args.network.plain();
    let base = FhirBaseUrl::parse_with(&args.fhir_base, plain)
        .map_err(|error| Failure::usage(format!("{error}{}", loopback_hint(&args.fhir_base))))?;
    let pinned = match &args.issuer {
        Some(issuer) => Some(parse_issuer(issuer, plain)?),
        None => None,
    };
    let http = client(&args.network)?;
    let (report, _) = chain(&base, http, &args.network, pinned).await;
    if args.json {
        output::json(&report);
    } else {
        report.print();
    }
    Ok(report.exit)
}

/// The issuer that a command line names.
pub(crate) fn parse_issuer(text: &str, plain: PlainHttp) -> Result<Issuer, Failure> {
    Issuer::parse_with(text, plain)
        .map_err(|error| Failure::usage(format!("--issuer: {error}{}", loopback_hint(text))))
}

/// Says which option allows a URL of this machine.
pub(crate) fn loopback_hint(url: &str) -> &'static str {
    match FhirBaseUrl::parse_with(url, PlainHttp::LoopbackOnly) {
        Ok(_) => "; for a server on this machine give --allow-loopback",
        Err(_) => "",
    }
}

/// The HTTP client of every command.
pub(crate) fn client(network: &NetworkArgs) -> Result<Arc<dyn HttpClient>, Failure> {
    let mut builder = ReqwestClient::builder();
    if !network.allow_network.is_empty() {
        let networks: Networks = network
            .allow_network
            .join(",")
            .parse()
            .map_err(|error| Failure::usage(format!("--allow-network: {error}")))?;
        builder = builder.allow_networks(networks);
    }
    if network.allow_loopback {
        builder = builder.allow_loopback();
    }
    if let Some(path) = &network.roots {
        builder = builder
            .roots_pem(input::file(path)?.as_bytes())
            .map_err(|error| Failure::io(format!("{}: {error}", path.display())))?;
    }
    if let Some(proxy) = &network.proxy {
        builder = builder
            .proxy_that_checks_addresses(proxy)
            .map_err(|error| Failure::usage(format!("--proxy: {error}")))?;
    }
    if network.smart_1_0 {
        // A CapabilityStatement lists all that a server has.
        builder = builder.body_limit(STATEMENT_OCTETS);
    }
    let client = builder.build();
    Ok(Arc::new(
        client.map_err(|error| Failure::io(error.to_string()))?,
    ))
}

/// How long an answer may be where a CapabilityStatement is read, in octets.
const STATEMENT_OCTETS: usize = 4 * 1024 * 1024;

/// An issuer at the end of the chain, with its keys.
pub(crate) struct Chain {
    pub(crate) issuer: TrustedIssuer,
    pub(crate) keys: Arc<RemoteJwks>,
}

/// Follows the chain to the keys.
pub(crate) async fn chain(
    base: &FhirBaseUrl,
    http: Arc<dyn HttpClient>,
    network: &NetworkArgs,
    pinned: Option<Issuer>,
) -> (ChainReport, Option<Chain>) {
    let mut discovery = Discovery::new(Arc::clone(&http));
    if network.allow_loopback {
        discovery = discovery.allow_loopback_http();
    }
    if network.smart_1_0 {
        discovery = discovery.smart_1_0_fallback(Smart10Fallback::CapabilityStatement);
    }
    if let Some(issuer) = pinned {
        discovery = discovery.pin_issuer(issuer);
    }
    let trace = discovery.trace(base).await;
    let mut report = ChainReport {
        trusted: false,
        fhir_base: base.to_string(),
        issuer: None,
        steps: trace.steps.into_iter().map(StepReport::from).collect(),
        keys: Vec::new(),
        exit: Exit::Valid,
    };
    let issuer = match trace.outcome {
        Ok(issuer) => issuer,
        Err(error) => {
            report.exit = exit_of(&error);
            return (report, None);
        }
    };
    report.issuer = Some(issuer.issuer().to_string());
    let clock = Arc::new(SystemClock::new());
    let keys = Arc::new(RemoteJwks::new(
        issuer.jwks_uri().clone(),
        http,
        provider(),
        clock,
    ));
    let fetched = keys.refresh().await;
    report.steps.push(StepReport::from_keys(
        issuer.jwks_uri().to_string(),
        &fetched,
        keys.findings(),
    ));
    match fetched {
        Ok(set) => {
            report.keys = key_reports(&set);
            report.trusted = !set.keys().is_empty();
            if !report.trusted {
                report.exit = Exit::Invalid;
                return (report, None);
            }
            (report, Some(Chain { issuer, keys }))
        }
        Err(error) => {
            report.exit = match &error {
                JwksError::Document(error) => exit_of_document(error),
                // As with a key set in a file that is none.
                _ => Exit::Io,
            };
            (report, None)
        }
    }
}

fn exit_of(error: &DiscoveryError) -> Exit {
    error.document().map_or(Exit::Invalid, exit_of_document)
}

/// A document that could not be had says nothing; one that holds what is refused does.
fn exit_of_document(error: &DocumentError) -> Exit {
    match error {
        DocumentError::Url { .. } => Exit::Invalid,
        _ => Exit::Io,
    }
}

impl From<Step> for StepReport {
    fn from(step: Step) -> Self {
        let Step {
            name,
            url,
            outcome,
            findings,
            ..
        } = step;
        match outcome {
            Ok(detail) => Self::passed(name, url, detail, findings),
            Err(error) => Self::failed(name, url, &error, error.code(), error.remedy()),
        }
    }
}

impl StepReport {
    fn passed(name: &'static str, url: String, detail: String, findings: Vec<Finding>) -> Self {
        Self {
            name,
            url,
            passed: true,
            detail,
            code: None,
            remedy: None,
            findings,
        }
    }

    fn failed(
        name: &'static str,
        url: String,
        error: &impl ToString,
        code: &'static str,
        remedy: &'static str,
    ) -> Self {
        let (detail, code, remedy) = (error.to_string(), Some(code), Some(remedy));
        Self {
            name,
            url,
            passed: false,
            detail,
            code,
            remedy,
            findings: Vec::new(),
        }
    }

    fn from_keys(
        url: String,
        fetched: &Result<Arc<JwkSet>, JwksError>,
        findings: Vec<Finding>,
    ) -> Self {
        let name = "keys";
        let set = match fetched {
            Ok(set) => set,
            Err(error) => return Self::failed(name, url, error, error.code(), error.remedy()),
        };
        let (usable, skipped) = (set.keys().len(), set.skipped().len());
        if usable == 0 {
            let found = format!("no key of the set can verify an ID token; {skipped} not used");
            let remedy = "publish the public key that ID tokens are signed with";
            return Self::failed(name, url, &found, "jwks-no-usable-key", remedy);
        }
        Self::passed(
            name,
            url,
            format!("{usable} usable, {skipped} not used"),
            findings,
        )
    }
}

fn key_reports(set: &JwkSet) -> Vec<KeyReport> {
    let shown = |kid: &str| Text::new(kid).to_string();
    let usable = set.keys().iter().map(|key| KeyReport {
        kid: key.kid().map(shown),
        usable: true,
        detail: match key.algorithm() {
            Some(algorithm) => format!("{} for {algorithm}", key.key().key_type()),
            None => format!("{}, no alg", key.key().key_type()),
        },
    });
    let skipped = set.skipped().iter().map(|key| KeyReport {
        kid: key.kid.as_ref().map(ToString::to_string),
        usable: false,
        detail: format!("not used: {}", key.reason),
    });
    usable.chain(skipped).collect()
}

impl ChainReport {
    fn print(&self) {
        self.print_steps("");
        output::line("");
        output::line(match &self.issuer {
            Some(issuer) if self.trusted => {
                format!("trusted: {} signs in users as {issuer}", self.fhir_base)
            }
            _ => format!("not trusted: the chain from {} is broken", self.fhir_base),
        });
    }

    /// Prints the steps and the keys.
    pub(crate) fn print_steps(&self, indent: &str) {
        let below = |text: &str| output::line(format_args!("{indent}{:31}{text}", ""));
        for step in &self.steps {
            let mark = if step.passed { "passed" } else { "FAILED" };
            output::line(format_args!(
                "{indent}{mark:7}  {:21} {}",
                step.name, step.url
            ));
            below(&step.detail);
            if let Some(remedy) = step.remedy {
                below(&format!("remedy: {remedy}"));
            }
            for finding in &step.findings {
                below(&format!("note: {}", finding.found));
                below(&format!("remedy: {}", finding.remedy));
            }
        }
        for key in &self.keys {
            let kid = key.kid.as_deref().unwrap_or("no kid");
            below(&format!("{kid}  {}", key.detail));
        }
    }

    /// Everything odd along the chain.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let steps = self.steps.iter();
        steps.flat_map(|it| it.findings.iter().cloned()).collect()
    }

    /// How the chain ended, in one line.
    pub(crate) fn failure(&self) -> Failure {
        let last = self.steps.iter().rev().find(|it| !it.passed);
        let line = last.map_or_else(
            || "the chain of trust is broken".into(),
            |it| it.detail.clone(),
        );
        match self.exit {
            Exit::Io => Failure::io(line),
            _ => Failure::invalid(line),
        }
    }
}
