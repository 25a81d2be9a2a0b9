//! `smart verify`: every check on a token, with its clause and what to do.

use std::sync::Arc;

use serde::Serialize;
use smart_oidc::discovery::{
    Clock as _, FhirBaseUrl, Finding, FixedJwks, Issuer, KeySource, KeySourceError, PlainHttp,
    SystemClock,
};
use smart_oidc::id_token::{CheckReport, CheckResult, Report};
use smart_oidc::jose::key::PublicKey;
use smart_oidc::jose::{Algorithm, Algorithms, JwkSet, UnixTime};
use smart_oidc::{ClientId, Expected, IdTokenError, IdTokenVerifier, Nonce, RawIdToken};

use crate::args::VerifyArgs;
use crate::discover;
use crate::exit::{Exit, Failure};
use crate::provider::provider;
use crate::{input, output};

/// The checks that `--signature-only` runs: those before the first on a claim.
const SIGNATURE_CHECKS: usize = 6;

pub(crate) async fn run(args: &VerifyArgs) -> Result<Exit, Failure> {
    let accepted = accepted(&args.alg)?;
    let token = RawIdToken::new(input::token(args.token.as_deref())?);
    let (verifier, found_on_the_way) = verifier(args, accepted).await?;
    let now = args
        .at
        .map_or_else(|| SystemClock::new().now(), UnixTime::from_secs);
    let nonce = args.nonce.as_deref().map(Nonce::new);
    let expected = match &nonce {
        Some(nonce) => Expected::nonce(nonce),
        None if args.no_nonce => Expected::no_nonce_sent(),
        None => Expected::nonce_unknown_for_report(),
    };
    let mut report = verifier.explain(&token, &expected, now).await;
    report.findings.splice(0..0, found_on_the_way);
    let verdict = Verdict::new(&report, args.signature_only);
    let shown = Shown {
        valid: verdict.exit == Exit::Valid,
        verdict: &verdict.lines,
        report: &report,
    };
    if args.json {
        output::json(&shown);
    } else {
        let checks = if args.signature_only {
            SIGNATURE_CHECKS
        } else {
            report.checks.len()
        };
        print(&report, checks);
        output::line("");
        for line in &verdict.lines {
            output::line(line);
        }
    }
    Ok(verdict.exit)
}

fn accepted(names: &[String]) -> Result<Algorithms, Failure> {
    if names.is_empty() {
        return Ok(Algorithms::ID_TOKEN);
    }
    names
        .iter()
        .map(|name| {
            let known = || provider().algorithms();
            let algorithm = Algorithm::from_name(name).filter(|it| known().contains(*it));
            algorithm.ok_or_else(|| {
                Failure::usage(format!("--alg {name}: this program has {}", known()))
            })
        })
        .collect()
}

/// The verifier, and what was odd on the way to its issuer.
async fn verifier(
    args: &VerifyArgs,
    accepted: Algorithms,
) -> Result<(IdTokenVerifier, Vec<Finding>), Failure> {
    let plain = args.network.plain();
    // With `--signature-only` neither is judged.
    let client_id = ClientId::new(args.client_id.clone().unwrap_or_default());
    let issuer = match &args.issuer {
        Some(issuer) => Some(discover::parse_issuer(issuer, plain)?),
        None => None,
    };
    if let Some(base) = &args.keys.fhir_base {
        return from_fhir_base(args, base, issuer, client_id, accepted, plain).await;
    }
    let keys = key_file(args)?;
    let any = || Issuer::parse("https://issuer.invalid");
    let issuer = match issuer {
        Some(issuer) => issuer,
        None => any().map_err(|error| Failure::usage(error.to_string()))?,
    };
    let verifier =
        IdTokenVerifier::with_static_keys(&issuer, client_id, accepted, keys, provider());
    Ok((verifier, Vec::new()))
}

fn key_file(args: &VerifyArgs) -> Result<FixedJwks, Failure> {
    if let Some(path) = &args.keys.pem {
        let key = PublicKey::from_pem(&input::file(path)?)
            .map_err(|error| Failure::io(format!("{}: {error}", path.display())))?;
        return Ok(FixedJwks::one_key(key, provider()));
    }
    let path = args
        .keys
        .jwks
        .as_deref()
        .ok_or_else(|| Failure::usage("no keys: give --jwks"))?;
    JwkSet::parse(input::file(path)?.as_bytes(), provider())
        .map(FixedJwks::from)
        .map_err(|error| Failure::io(format!("{}: {error}", path.display())))
}

async fn from_fhir_base(
    args: &VerifyArgs,
    base: &str,
    issuer: Option<Issuer>,
    client_id: ClientId,
    accepted: Algorithms,
    plain: PlainHttp,
) -> Result<(IdTokenVerifier, Vec<Finding>), Failure> {
    let base = FhirBaseUrl::parse_with(base, plain).map_err(|error| {
        Failure::usage(format!(
            "--fhir-base: {error}{}",
            discover::loopback_hint(base)
        ))
    })?;
    let http = discover::client(&args.network)?;
    let (report, chain) = discover::chain(&base, http, &args.network, issuer).await;
    let Some(chain) = chain else {
        return Err(report.failure());
    };
    let keys: Arc<dyn KeySource> = chain.keys;
    let verifier = IdTokenVerifier::new(&chain.issuer, client_id, accepted, keys, provider());
    Ok((verifier, report.findings()))
}

/// The last lines and the status.
struct Verdict {
    lines: Vec<String>,
    exit: Exit,
}

/// What `--json` prints: the report, and the verdict on it.
#[derive(Serialize)]
struct Shown<'r> {
    valid: bool,
    verdict: &'r [String],
    #[serde(flatten, serialize_with = "without_own_verdict")]
    report: &'r Report,
}

fn without_own_verdict<S: serde::Serializer>(
    report: &&Report,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Rest<'r> {
        token: &'r Option<smart_oidc::id_token::TokenSummary>,
        checks: &'r [CheckReport],
        findings: &'r [Finding],
    }
    Rest {
        token: &report.token,
        checks: &report.checks,
        findings: &report.findings,
    }
    .serialize(serializer)
}

impl Verdict {
    fn new(report: &Report, signature_only: bool) -> Self {
        let is_passed = |it: &CheckReport| it.result == CheckResult::Passed;
        let signature_line = if report.check("signature").is_some_and(is_passed) {
            "signature valid"
        } else {
            "signature not valid"
        };
        if signature_only {
            let failed = report
                .checks
                .iter()
                .take(SIGNATURE_CHECKS)
                .find(|it| !is_passed(it));
            let exit = if failed.is_none() {
                Exit::Valid
            } else {
                exit_of(report)
            };
            let but = match failed
                .filter(|it| it.id != "signature")
                .map(|it| it.detail.as_deref())
            {
                Some(Some(detail)) => format!(", but {detail}"),
                _ => String::new(),
            };
            let lines = vec![format!("{signature_line}{but}; the claims were not judged")];
            return Self { lines, exit };
        }
        let mut lines = vec![signature_line.to_owned()];
        let failed: Vec<&CheckReport> = report
            .checks
            .iter()
            .filter(|it| it.result == CheckResult::Failed)
            .collect();
        if report.valid {
            lines.push("a valid ID token".to_owned());
            return Self {
                lines,
                exit: Exit::Valid,
            };
        }
        if failed.is_empty() && report.passed_what_ran {
            let not_run = report
                .checks
                .iter()
                .find(|it| it.result == CheckResult::NotRun);
            let name = not_run.map_or("a check", |it| it.id);
            lines.push(format!(
                "valid as far as it was checked; not run: {name} (give --nonce VALUE, or --no-nonce if none was sent)"
            ));
            return Self {
                lines,
                exit: Exit::Valid,
            };
        }
        let mut reasons: Vec<&str> = failed
            .iter()
            .filter_map(|it| it.detail.as_deref())
            .collect();
        let nonce = report.check("nonce").map(|it| it.result);
        if nonce == Some(CheckResult::NotRun) {
            reasons.push("the nonce was not checked");
        }
        lines.push(format!("not a valid ID token: {}", reasons.join("; ")));
        Self {
            lines,
            exit: exit_of(report),
        }
    }
}

/// A key that could not be fetched says nothing about the token.
fn exit_of(report: &Report) -> Exit {
    match &report.error {
        Some(IdTokenError::Key(KeySourceError::Fetch(_) | KeySourceError::Discovery(_))) => {
            Exit::Io
        }
        _ => Exit::Invalid,
    }
}

/// Prints a report as a table.
fn print(report: &Report, checks: usize) {
    if let Some(token) = &report.token {
        let kid = token.kid.as_deref().unwrap_or("none");
        output::line(format_args!("token signed with {}, kid {kid}", token.alg));
    }
    print_checks(report, checks, "");
    for finding in &report.findings {
        output::line(format_args!(
            "note     {}; {}",
            finding.found, finding.remedy
        ));
    }
}

/// Prints the checks, one a line; what did not pass has its reason and remedy below it.
pub(crate) fn print_checks(report: &Report, checks: usize, indent: &str) {
    let verified = report
        .check("signature")
        .is_some_and(|it| it.result == CheckResult::Passed);
    for check in report.checks.iter().take(checks) {
        let mark = match check.result {
            CheckResult::Passed => "passed",
            CheckResult::Failed => "FAILED",
            _ => "not run",
        };
        let CheckReport {
            id, title, clause, ..
        } = check;
        output::line(format_args!("{indent}{mark:7}  {id:17} {title} [{clause}]"));
        if let Some(detail) = &check.detail {
            output::line(format_args!("{indent}{:27}{detail}", ""));
        }
        if let Some(remedy) = check.remedy {
            output::line(format_args!("{indent}{:27}remedy: {remedy}", ""));
        }
        if *id == "claims" && !verified && check.result == CheckResult::Passed {
            output::line(format_args!(
                "{indent}{:27}the claims of a token that did not verify: for diagnosis only",
                "",
            ));
        }
    }
}
