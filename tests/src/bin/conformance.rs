//! `cargo xtask conformance`: the worked example, published vectors, and corpora.
//!
//! Exit status 0 where nothing firm failed, 1 where something did, 2 where an argument or a file
//! cannot be read.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "this program prints its results and how long they took"
)]

use std::process::ExitCode;
use std::time::Instant;

use serde_json::{Value, json};
use smart_oidc::jose::CryptoProvider;
use smart_tests::corpus::{Corpus, Results, Wrong};
use smart_tests::vectors::{self, Outcome};
use smart_tests::{backend, fixture, worked_example};

const USAGE: &str =
    "usage: conformance [--suite NAME] [--corpus FILE] [--backend NAME] [--json OUT]
suites: worked-example, vectors, corpus";

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
        None => suites(options.suite.as_deref(), &providers)?,
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
    cases: usize,
    failed: Vec<String>,
    skipped: Vec<String>,
    seconds: f64,
}

fn suites(
    only: Option<&str>,
    providers: &[&'static CryptoProvider],
) -> Result<(bool, Value), String> {
    const SUITES: [&str; 3] = ["worked-example", "vectors", "corpus"];
    if let Some(name) = only.filter(|name| !SUITES.contains(name)) {
        return Err(format!("unknown suite {name}\n{USAGE}"));
    }
    let mut rows = Vec::new();
    for suite in SUITES
        .into_iter()
        .filter(|it| only.is_none_or(|only| only == *it))
    {
        for provider in providers {
            let began = Instant::now();
            let mut row = Row {
                suite,
                backend: provider.name,
                cases: 0,
                failed: Vec::new(),
                skipped: Vec::new(),
                seconds: 0.0,
            };
            match suite {
                "worked-example" => row.take(worked_example::run(provider)),
                "vectors" => row.take(vectors::run(provider)),
                _ => row.take_corpus(&own_corpus()?.run(provider)),
            }
            row.seconds = began.elapsed().as_secs_f64();
            rows.push(row);
        }
    }
    print(&rows);
    let passed = rows.iter().all(|row| row.failed.is_empty());
    let output = rows.iter().map(|row| {
        json!({
            "suite": row.suite, "backend": row.backend, "cases": row.cases,
            "passed": row.passed(), "failed": row.failed, "skipped": row.skipped,
            "seconds": row.seconds,
        })
    });
    Ok((passed, output.collect()))
}

fn own_corpus() -> Result<Corpus, String> {
    Corpus::parse(&fixture::text("corpus/id-tokens.json")).map_err(|it| it.0)
}

impl Row {
    fn passed(&self) -> usize {
        self.cases - self.failed.len() - self.skipped.len()
    }

    fn take(&mut self, outcomes: Vec<(String, Outcome)>) {
        self.cases = outcomes.len();
        for (id, outcome) in outcomes {
            match outcome {
                Outcome::Passed => {}
                Outcome::Failed(what) => self.failed.push(format!("{id}: {what}")),
                Outcome::Skipped(why) => self.skipped.push(format!("{id}: {why}")),
            }
        }
    }

    /// In our own corpus a wrong reason is a failure too, and there is no policy to deviate from.
    fn take_corpus(&mut self, results: &Results) {
        self.cases = results.cases;
        let lists = lists(results);
        let wrong = lists.iter().flat_map(|(_, list)| list.iter());
        self.failed = wrong.map(|it| format!("{}: {}", it.id, it.what)).collect();
    }
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
            row.cases,
            row.passed(),
            row.failed.len(),
            row.skipped.len(),
            row.seconds,
        );
    }
    for row in rows {
        for why in &row.skipped {
            println!("skipped  {} {} {why}", row.suite, row.backend);
        }
        for what in &row.failed {
            println!("FAILED   {} {} {what}", row.suite, row.backend);
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
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let corpus = Corpus::parse(&text).map_err(|it| format!("{path}: {}", it.0))?;
    let mut passed = true;
    let mut outputs = Vec::new();
    let mut first: Option<(&str, Results)> = None;
    for provider in providers {
        let results = corpus.run(provider);
        print_corpus(provider.name, &results);
        passed &= results.passed();
        outputs.push(as_json(&results));
        match &first {
            None => first = Some((provider.name, results)),
            Some((name, reference)) => {
                for (id, said) in &results.said {
                    let before = reference.said.get(id);
                    if before != Some(said) {
                        passed = false;
                        let before = before.map_or("nothing", String::as_str);
                        println!(
                            "BACKENDS DIFFER  {id}: {name} says {before}; {} says {said}",
                            provider.name
                        );
                    }
                }
            }
        }
    }
    // Backends that agree have the same result; where they differ the run has failed anyway.
    Ok((passed, outputs.into_iter().next().unwrap_or_default()))
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
        println!(
            "slowest           {id}: {:.1} ms",
            time.as_secs_f64() * 1000.0
        );
    }
    println!();
}

fn as_json(results: &Results) -> Value {
    let ids = |list: &[Wrong]| list.iter().map(|it| it.id.clone()).collect::<Vec<_>>();
    let slowest = results.slowest.as_ref();
    json!({
        "cases": results.cases,
        "wrong_accept": ids(&results.wrong_accept),
        "wrong_reject": ids(&results.wrong_reject),
        "wrong_reason": ids(&results.wrong_reason),
        "wrong_profile": ids(&results.wrong_profile),
        "policy_deviation": ids(&results.policy_deviation),
        "panics": ids(&results.panics),
        "slowest": slowest.map(|(id, time)| json!({"id": id, "ms": time.as_secs_f64() * 1000.0})),
    })
}
