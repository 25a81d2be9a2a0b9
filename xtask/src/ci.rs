//! What CI runs after the tests: `cargo test --workspace` is the README's command, this is the rest.
//!
//! The workspace is built once by the tests, and each step here is chosen so that it reuses what is
//! built. Compiler flags are therefore never changed through the environment, which would build
//! every dependency again; lints are denied after clippy's `--`, which touches our own crates only.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::cargo::Cargo;
use crate::failure::Failure;
use crate::tidy;

const LIBRARIES: [&str; 5] = [
    "smart-jose",
    "smart-discovery",
    "smart-oidc",
    "smart-redis",
    "smart-axum",
];
const CRATES: [&str; 7] = [
    "smart-jose",
    "smart-discovery",
    "smart-oidc",
    "smart-redis",
    "smart-axum",
    "smart-sandbox",
    "smart-cli",
];

/// One thing that CI holds.
struct Step {
    name: &'static str,
    why: &'static str,
    work: Work,
}

enum Work {
    /// Runs in this process.
    Tidy,
    /// Runs as children, one after the other.
    Cargo(Vec<Cargo>),
    /// As `Cargo`, but the tool may be missing, and then the sentence says how to get it.
    Tool {
        cargo: Cargo,
        probe: Cargo,
        missing: &'static str,
    },
}

/// Runs the steps, or lists them.
pub(crate) fn run(root: &Path, args: &[&str]) -> Result<(), Failure> {
    match *args {
        [] => run_steps(root, steps()),
        ["--list"] => {
            for step in steps() {
                println!("{:<16} {}", step.name, step.why);
            }
            Ok(())
        }
        ["--from", name] => run_steps(root, steps_from(name)?),
        _ => Err(Failure::Usage(
            "usage: cargo xtask ci [--from STEP] [--list]".to_owned(),
        )),
    }
}

fn steps() -> Vec<Step> {
    vec![
        Step {
            name: "fmt",
            why: "every file is as rustfmt writes it",
            work: Work::Cargo(vec![Cargo::new("fmt --all --check")]),
        },
        Step {
            name: "tidy",
            why: "the laws that no lint can hold",
            work: Work::Tidy,
        },
        Step {
            name: "clippy",
            why: "no warning, in tests and examples too",
            work: Work::Cargo(vec![Cargo::new(
                "clippy --workspace --all-targets -- -D warnings",
            )]),
        },
        Step {
            name: "each-alone",
            why: "each crate compiles without what others turn on",
            work: Work::Cargo(each_alone()),
        },
        Step {
            name: "ring-alone",
            why: "the tests pass where ring is the only backend",
            work: Work::Cargo(backend_alone("ring")),
        },
        Step {
            name: "aws-lc-rs-alone",
            why: "the tests pass where aws-lc-rs is the only backend",
            work: Work::Cargo(backend_alone("aws-lc-rs")),
        },
        Step {
            name: "tracing",
            why: "the feature that nobody in the workspace turns on tells what it promises",
            work: Work::Cargo(vec![
                Cargo::new("test -p smart-discovery --features tracing --test telemetry"),
                Cargo::new("test -p smart-tests --features tracing --test leak --test web"),
            ]),
        },
        Step {
            name: "docs",
            why: "the documentation has no broken link",
            // Rustdoc's flags, unlike the compiler's, rebuild only the documentation.
            work: Work::Cargo(vec![
                Cargo::new("doc --workspace --no-deps").env("RUSTDOCFLAGS", "-D warnings"),
            ]),
        },
        Step {
            name: "deny",
            why: "licences, sources and banned crates; advisories run in the hosted workflow",
            // Advisories are left out, as they need a database from outside the registry.
            work: Work::Tool {
                cargo: Cargo::new("deny check bans licenses sources"),
                probe: Cargo::new("deny --version"),
                missing: "cargo-deny is missing: cargo install cargo-deny --locked",
            },
        },
        Step {
            name: "conformance",
            why: "the conformance suites pass",
            // The profile is that of the tests, which saves a second build of everything.
            work: Work::Cargo(vec![Cargo::new("run -p smart-tests --bin conformance --")]),
        },
    ]
}

/// In a workspace build features unify, and a crate that forgot one still compiles; alone it fails.
fn each_alone() -> Vec<Cargo> {
    let mut all: Vec<Cargo> = CRATES
        .iter()
        .map(|name| Cargo::new(&format!("check -p {name}")))
        .collect();
    all.push(Cargo::new("check -p smart-jose --no-default-features"));
    all.push(Cargo::new(
        "check -p smart-jose --no-default-features --features ring,aws-lc-rs",
    ));
    // Nobody in the workspace asks for this feature, so clippy sees it only here.
    all.push(Cargo::new(
        "clippy -p smart-jose --all-targets --features async-signer -- -D warnings",
    ));
    all.push(Cargo::new(
        "clippy -p smart-discovery -p smart-tests --all-targets --features tracing -- -D warnings",
    ));
    all.push(Cargo::new(
        "check -p smart-discovery --no-default-features --features ring",
    ));
    all.push(Cargo::new(
        "clippy -p smart-redis --all-targets --no-default-features --features ring -- -D warnings",
    ));
    all.push(Cargo::new(
        "clippy -p smart-axum --all-targets --no-default-features --features ring -- -D warnings",
    ));
    all
}

/// Only these members are selected, so that none of the others turns on the second backend.
fn backend_alone(backend: &str) -> Vec<Cargo> {
    let packages: Vec<String> = LIBRARIES.iter().map(|name| format!("-p {name}")).collect();
    let mut features: Vec<String> = LIBRARIES
        .iter()
        .map(|name| format!("{name}/{backend}"))
        .collect();
    // The HTTP client stays on, since with it the TLS side of the backend is tested too.
    features.push("smart-discovery/reqwest".to_owned());
    features.push("smart-oidc/reqwest".to_owned());
    features.push("smart-redis/tls".to_owned());
    features.push("smart-jose/async-signer".to_owned());
    vec![
        Cargo::new(&format!(
            "test {} --no-default-features --features {}",
            packages.join(" "),
            features.join(",")
        )),
        Cargo::new(&format!(
            "test -p smart-tests --no-default-features --features {backend}"
        )),
    ]
}

fn steps_from(name: &str) -> Result<Vec<Step>, Failure> {
    let rest: Vec<Step> = steps()
        .into_iter()
        .skip_while(|step| step.name != name)
        .collect();
    if rest.is_empty() {
        let names: Vec<&str> = steps().iter().map(|step| step.name).collect();
        return Err(Failure::Usage(format!(
            "no step `{name}`; there are: {}",
            names.join(", ")
        )));
    }
    Ok(rest)
}

fn run_steps(root: &Path, steps: Vec<Step>) -> Result<(), Failure> {
    let mut rows: Vec<(&str, Duration, &str)> = Vec::new();
    let mut failed = None;
    for step in steps {
        eprintln!("\n== {} ==", step.name);
        let begin = now();
        let outcome = run_step(root, &step);
        let spent = begin.elapsed();
        let result = if outcome.is_ok() { "ok" } else { "FAILED" };
        eprintln!(
            "== {}: {result} in {:.1} s ==",
            step.name,
            spent.as_secs_f64()
        );
        rows.push((step.name, spent, result));
        if let Err(sentence) = outcome {
            failed = Some(format!("step `{}` failed: {sentence}", step.name));
            break;
        }
    }
    println!("\n{}", table(&rows));
    failed.map_or(Ok(()), |sentence| Err(Failure::Failed(sentence)))
}

fn run_step(root: &Path, step: &Step) -> Result<(), String> {
    match &step.work {
        Work::Tidy => match tidy::report(root)? {
            0 => Ok(()),
            count => Err(format!("{count} violations from: cargo xtask tidy")),
        },
        Work::Cargo(lines) => lines.iter().try_for_each(announced),
        Work::Tool {
            cargo,
            probe,
            missing,
        } => {
            probe.output().map_err(|_| (*missing).to_owned())?;
            announced(cargo)
        }
    }
}

fn announced(cargo: &Cargo) -> Result<(), String> {
    eprintln!("$ {}", cargo.line());
    cargo.run()
}

fn table(rows: &[(&str, Duration, &str)]) -> String {
    let mut lines = vec![format!("{:<16} {:>8}  result", "step", "seconds")];
    for (name, spent, result) in rows {
        lines.push(format!("{name:<16} {:>8.1}  {result}", spent.as_secs_f64()));
    }
    let total: Duration = rows.iter().map(|(_, spent, _)| *spent).sum();
    lines.push(format!("{:<16} {:>8.1}", "total", total.as_secs_f64()));
    lines.join("\n")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the seconds of a step are what is shown; the rule is for the libraries"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_alone_never_names_the_other() {
        for (own, other) in [("ring", "aws-lc-rs"), ("aws-lc-rs", "/ring")] {
            for cargo in backend_alone(own) {
                assert!(!cargo.line().contains(other), "{}", cargo.line());
            }
        }
    }

    #[test]
    fn from_begins_at_the_step_and_refuses_an_unknown_one() {
        let names = |from| {
            steps_from(from).map(|steps| steps.iter().map(|step| step.name).collect::<Vec<_>>())
        };
        assert_eq!(names("deny").ok(), Some(vec!["deny", "conformance"]));
        assert!(matches!(names("nothing"), Err(Failure::Usage(_))));
    }

    #[test]
    fn the_table_ends_with_the_total() {
        let rows = [
            ("fmt", Duration::from_millis(1500), "ok"),
            ("tidy", Duration::ZERO, "FAILED"),
        ];
        let shown = table(&rows);
        assert!(shown.contains("FAILED"));
        assert!(
            shown
                .lines()
                .last()
                .is_some_and(|line| line.contains("1.5"))
        );
    }
}
