//! `cargo xtask conformance`: published vectors, what others were caught by, and corpora.
//!
//! Exit status 0 where nothing firm failed, 1 where something did, 2 where an argument or a file
//! cannot be read.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "this program prints its results and how long they took"
)]

use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use smart_oidc::jose::CryptoProvider;
use smart_tests::corpus::{Corpus, Results, Wrong};
use smart_tests::suite::Tally;
use smart_tests::{
    advisories, backend, fixture, inferno, relying_party, vectors, worked_example, wycheproof,
};

const USAGE: &str =
    "usage: conformance [--suite NAME] [--corpus FILE] [--backend NAME] [--json OUT]
suites: worked-example, vectors, wycheproof, relying-party, inferno, advisories, corpus
advisories runs once, as its tests have both backends in them, and is left out with --backend";

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(problem) => {
            eprintln!("conformance: {problem}");
            ExitCode::from(2)
        }
    }
}

#[derive(Default)]
struct Options {
    suite: Option<String>,
    corpus: Option<String>,
    backend: Option<String>,
    json: Option<String>,
}

fn run(args: impl Iterator<Item = String>) -> Result<bool, String> {
    let options = parse(args)?;
    let mut providers = backend::all();
    if let Some(name) = &options.backend {
        providers.retain(|it| it.name == *name);
    }
    if providers.is_empty() {
        let names = backend::all()
            .iter()
            .map(|it| it.name)
            .collect::<Vec<_>>()
            .join(", ");
        return Err(format!("no such backend; built in: {names}"));
    }
    let (passed, output) = match &options.corpus {
        Some(path) => corpus_file(path, &providers)?,
        None => suites(&options, &providers)?,
    };
    if let Some(path) = &options.json {
        let text = serde_json::to_string_pretty(&output).map_err(|error| error.to_string())?;
        std::fs::write(path, text + "\n").map_err(|error| format!("{path}: {error}"))?;
    }
    Ok(passed)
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options::default();
    while let Some(arg) = args.next() {
        let slot = match arg.as_str() {
            "--suite" => &mut options.suite,
            "--corpus" => &mut options.corpus,
            "--backend" => &mut options.backend,
            "--json" => &mut options.json,
            "--help" | "-h" => {
                println!("{USAGE}");
                std::process::exit(0);
            }
            other => return Err(format!("unknown argument {other}\n{USAGE}")),
        };
        let value = args
            .next()
            .ok_or_else(|| format!("{arg} needs a value\n{USAGE}"))?;
        if slot.replace(value).is_some() {
            return Err(format!("{arg} is given twice\n{USAGE}"));
        }
    }
    if options.suite.is_some() && options.corpus.is_some() {
        return Err(format!("--suite and --corpus exclude each other\n{USAGE}"));
    }
    Ok(options)
}

/// One row of the table.
struct Row {
    suite: &'static str,
    backend: &'static str,
    tally: Tally,
    seconds: f64,
}

/// What a suite runs on.
#[derive(Clone, Copy)]
enum Suite {
    /// Each backend in turn.
    Backend(fn(&CryptoProvider) -> Result<Tally, String>),
    /// Whatever its tests run on.
    Whole(fn() -> Result<Tally, String>),
}

const SUITES: [(&str, Suite); 7] = [
    (
        "worked-example",
        Suite::Backend(|it| Ok(worked_example::run(it).into_iter().collect())),
    ),
    (
        "vectors",
        Suite::Backend(|it| Ok(vectors::run(it).into_iter().collect())),
    ),
    ("wycheproof", Suite::Backend(|it| Ok(wycheproof::run(it)))),
    ("corpus", Suite::Backend(own_corpus)),
    ("relying-party", Suite::Backend(relying_party::run)),
    ("inferno", Suite::Backend(inferno::run)),
    ("advisories", Suite::Whole(advisories::run)),
];

fn suites(
    options: &Options,
    providers: &[&'static CryptoProvider],
) -> Result<(bool, Value), String> {
    let only = options.suite.as_deref();
    if let Some(name) = only.filter(|name| SUITES.iter().all(|it| it.0 != *name)) {
        return Err(format!("unknown suite {name}\n{USAGE}"));
    }
    let mut rows = Vec::new();
    let mut row = |suite, backend, run: &dyn Fn() -> Result<Tally, String>| {
        let began = Instant::now();
        // A suite that cannot be run has failed, and says nothing of the others.
        let tally = panic::catch_unwind(AssertUnwindSafe(run))
            .unwrap_or_else(|_| Err("the suite panicked".to_owned()))
            .unwrap_or_else(|problem| Tally {
                failed: vec![problem],
                ..Tally::default()
            });
        let seconds = began.elapsed().as_secs_f64();
        rows.push(Row {
            suite,
            backend,
            tally,
            seconds,
        });
    };
    for (name, suite) in SUITES {
        if only.is_some_and(|only| only != name) {
            continue;
        }
        match suite {
            Suite::Backend(run) => {
                for provider in providers {
                    row(name, provider.name, &|| run(provider));
                }
            }
            Suite::Whole(run) if options.backend.is_none() || only.is_some() => {
                row(name, "all", &run);
            }
            Suite::Whole(_) => {}
        }
    }
    print(&rows);
    let passed = rows.iter().all(|row| row.tally.failed.is_empty());
    let output = rows.iter().map(|row| {
        let tally = &row.tally;
        let skipped = tally.skipped.iter();
        json!({
            "suite": row.suite, "backend": row.backend, "cases": tally.cases(),
            "passed": tally.passed, "failed": tally.failed,
            "skipped": skipped.map(|(cases, why)| json!({"cases": cases, "why": why})).collect::<Value>(),
            "seconds": row.seconds,
        })
    });
    Ok((passed, output.collect()))
}

/// In our own corpus a wrong reason is a failure too, and there is no policy to deviate from.
fn own_corpus(provider: &CryptoProvider) -> Result<Tally, String> {
    let text = fixture::text("corpus/id-tokens.json");
    let corpus = Corpus::parse(text.as_bytes()).map_err(|it| it.0)?;
    let results = corpus.run(provider);
    let lists = lists(&results);
    let wrong = lists.iter().flat_map(|(_, list)| list.iter());
    let failed: Vec<String> = wrong.map(|it| format!("{}: {}", it.id, it.what)).collect();
    Ok(Tally {
        passed: results.cases - failed.len(),
        failed,
        skipped: Vec::new(),
    })
}

fn print(rows: &[Row]) {
    println!(
        "{:16} {:10} {:>6} {:>7} {:>7} {:>8} {:>8}",
        "suite", "backend", "cases", "passed", "failed", "skipped", "seconds"
    );
    for row in rows {
        println!(
            "{:16} {:10} {:>6} {:>7} {:>7} {:>8} {:>8.2}",
            row.suite,
            row.backend,
            row.tally.cases(),
            row.tally.passed,
            row.tally.failed.len(),
            row.tally.skipped_cases(),
            row.seconds,
        );
    }
    for row in rows {
        for (cases, why) in &row.tally.skipped {
            println!("skipped {cases:>5}  {} {} {why}", row.suite, row.backend);
        }
    }
    for row in rows {
        for what in &row.tally.failed {
            println!("FAILED         {} {} {what}", row.suite, row.backend);
        }
    }
}

fn lists(results: &Results) -> [(&'static str, &Vec<Wrong>); 6] {
    [
        ("wrong accept", &results.wrong_accept),
        ("wrong reject", &results.wrong_reject),
        ("wrong reason", &results.wrong_reason),
        ("wrong profile", &results.wrong_profile),
        ("policy deviation", &results.policy_deviation),
        ("panic", &results.panics),
    ]
}

fn corpus_file(path: &str, providers: &[&'static CryptoProvider]) -> Result<(bool, Value), String> {
    let octets = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    let corpus = Corpus::parse(&octets).map_err(|it| format!("{path}: {}", it.0))?;
    let mut passed = true;
    let mut all: Vec<(&str, Results)> = Vec::new();
    for provider in providers {
        let results = corpus.run(provider);
        print_corpus(provider.name, &results);
        passed &= results.passed();
        if let Some((first, reference)) = all.first() {
            for (id, before, said) in reference.differences(&results) {
                passed = false;
                println!(
                    "BACKENDS DIFFER   {id}: {first} says {before}; {} says {said}",
                    provider.name
                );
            }
        }
        all.push((provider.name, results));
    }
    Ok((passed, as_json(&all)))
}

fn print_corpus(backend: &str, results: &Results) {
    println!("backend {backend}: {} cases", results.cases);
    println!(
        "{:20} {:>6} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "group", "cases", "wrong", "wrong", "wrong", "wrong", "policy"
    );
    println!(
        "{:20} {:>6} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "", "", "accept", "reject", "reason", "profile", "differs"
    );
    for (group, cases) in &results.groups {
        let count = |list: &[Wrong]| list.iter().filter(|it| it.group == *group).count();
        println!(
            "{group:20} {cases:>6} {:>8} {:>8} {:>8} {:>8} {:>8}",
            count(&results.wrong_accept),
            count(&results.wrong_reject),
            count(&results.wrong_reason),
            count(&results.wrong_profile),
            count(&results.policy_deviation),
        );
    }
    for (name, list) in lists(results) {
        for wrong in list {
            println!("{name:17} {}: {}", wrong.id, wrong.what);
        }
    }
    if let Some((id, time)) = &results.slowest {
        println!("slowest           {id}: {:.1} ms", milliseconds(*time));
    }
    println!();
}

/// The ids that went wrong on any backend, each once.
fn as_json(all: &[(&str, Results)]) -> Value {
    let ids = |list: fn(&Results) -> &Vec<Wrong>| {
        let mut ids: Vec<&str> = Vec::new();
        for wrong in all.iter().flat_map(|(_, results)| list(results)) {
            if !ids.contains(&wrong.id.as_str()) {
                ids.push(&wrong.id);
            }
        }
        json!(ids)
    };
    let slowest = all.iter().filter_map(|(_, it)| it.slowest.as_ref());
    let slowest = slowest.max_by_key(|(_, time)| *time);
    json!({
        "cases": all.first().map_or(0, |(_, results)| results.cases),
        "wrong_accept": ids(|it| &it.wrong_accept),
        "wrong_reject": ids(|it| &it.wrong_reject),
        "wrong_reason": ids(|it| &it.wrong_reason),
        "wrong_profile": ids(|it| &it.wrong_profile),
        "policy_deviation": ids(|it| &it.policy_deviation),
        "panics": ids(|it| &it.panics),
        "slowest": slowest.map(|(id, time)| json!({"id": id, "ms": milliseconds(*time)})),
    })
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
