//! What other libraries were caught by, and the test of ours that holds each.
//!
//! `fixtures/advisories.tsv` names the tests. They are run by cargo as everybody runs them, in
//! whatever packages they are, and what libtest prints is counted.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::process::{Command, Stdio};

use crate::fixture;
use crate::suite::{Outcome, Tally};

/// Tests of this kind all belong to a row.
const PREFIX: &str = "adv_";

/// One row of the table.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// What was wrong, in a few words.
    pub title: String,
    /// The identifiers of the advisories.
    pub identifiers: String,
    /// The tests, or why there are none.
    pub tests: Result<Vec<String>, String>,
}

/// What libtest said of the tests of one name, in every module and package.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// How many passed.
    pub passed: usize,
    /// The paths of those that did not, with what libtest said.
    pub others: Vec<String>,
}

/// The table.
///
/// # Panics
///
/// Where a line has another form.
#[must_use]
pub fn rows() -> Vec<Row> {
    let text = fixture::text("advisories.tsv");
    let lines = text.lines().filter(|it| !it.starts_with('#'));
    lines.map(row).collect()
}

fn row(line: &str) -> Row {
    let columns: Vec<&str> = line.split('\t').collect();
    let [title, identifiers, tests, why_none] = columns.as_slice() else {
        panic!("four columns are expected: {line}");
    };
    let tests = match *tests {
        "-" => Err((*why_none).to_owned()),
        names => Ok(names.split(' ').map(str::to_owned).collect()),
    };
    assert_eq!(tests.is_err(), !why_none.is_empty(), "{line}");
    Row {
        title: (*title).to_owned(),
        identifiers: (*identifiers).to_owned(),
        tests,
    }
}

/// What libtest printed, by the last part of each test's path.
#[must_use]
pub fn read_libtest(printed: &str) -> BTreeMap<String, Ran> {
    let mut tests: BTreeMap<String, Ran> = BTreeMap::new();
    for line in printed.lines() {
        let Some((path, result)) = line
            .strip_prefix("test ")
            .and_then(|it| it.split_once(" ... "))
        else {
            continue;
        };
        let name = path.rsplit("::").next().unwrap_or(path);
        let ran = tests.entry(name.to_owned()).or_default();
        if result == "ok" {
            ran.passed += 1;
        } else {
            ran.others.push(format!("{path} {result}"));
        }
    }
    tests
}

/// Whether a row that has this name means this test. A test may say more behind the name.
fn means(name: &str, test: &str) -> bool {
    test.strip_prefix(name)
        .is_some_and(|rest| rest.is_empty() || (name.starts_with(PREFIX) && rest.starts_with('_')))
}

/// Holds the table against the tests that ran.
#[must_use]
pub fn judge(rows: &[Row], ran: &BTreeMap<String, Ran>) -> Tally {
    let mut tally = Tally::default();
    let mut meant = BTreeSet::new();
    for row in rows {
        let outcome = match &row.tests {
            Err(why) => Outcome::Skipped(why.clone()),
            Ok(names) => {
                let problems: Vec<String> = names
                    .iter()
                    .flat_map(|name| {
                        let mut tests = ran.iter().filter(|(test, _)| means(name, test)).peekable();
                        if tests.peek().is_none() {
                            return vec![format!("no test {name} ran")];
                        }
                        tests
                            .flat_map(|(test, ran)| {
                                meant.insert(test);
                                ran.others.clone()
                            })
                            .collect()
                    })
                    .collect();
                if problems.is_empty() {
                    Outcome::Passed
                } else {
                    Outcome::Failed(problems.join("; "))
                }
            }
        };
        tally.take(&format!("{} ({})", row.title, row.identifiers), outcome);
    }
    let unnamed = ran
        .keys()
        .filter(|it| it.starts_with(PREFIX) && !meant.contains(it));
    for test in unnamed {
        let what = "it is in no row of fixtures/advisories.tsv".to_owned();
        tally.take(test, Outcome::Failed(what));
    }
    tally
}

/// Runs the tests through cargo and holds the table against them.
///
/// # Errors
///
/// What cargo said, where it could not run the tests.
pub fn run() -> Result<Tally, String> {
    let rows = rows();
    let others = rows
        .iter()
        .filter_map(|it| it.tests.as_ref().ok())
        .flatten();
    let others = others.filter(|it| !it.starts_with(PREFIX));
    // The whole workspace and every kind of target but doctests: what `cargo test --workspace`
    // has built is built with the same features and is used again.
    let whole = "test --workspace --lib --bins --tests --no-fail-fast --";
    let mut printed = cargo(whole, others.map(String::as_str))?;
    // What is logged can be listened to only where the feature is on.
    let logs = "test -p smart-tests --features tracing --test leak --";
    printed += &cargo(logs, std::iter::empty())?;
    Ok(judge(&rows, &read_libtest(&printed)))
}

/// What cargo printed of the tests whose names begin with the prefix, and of these others.
fn cargo<'a>(line: &str, others: impl Iterator<Item = &'a str>) -> Result<String, String> {
    let mut cargo = Command::new(program());
    cargo
        .args(line.split(' '))
        .arg(PREFIX)
        .args(others)
        .current_dir(fixture::path("../.."))
        .stdin(Stdio::null());
    // What `cargo run` says of this program is not for a cargo within it: build scripts that look
    // at these would run again, and once more at the next build from a shell.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(describes_this_package) {
            cargo.env_remove(name);
        }
    }
    let output = cargo
        .output()
        .map_err(|error| format!("cargo test cannot be started: {error}"))?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    // Where a test fails its row says so; where one was not even built, only cargo does.
    if output.status.success() || printed.contains("test result: FAILED") {
        return Ok(printed);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("cargo test failed:\n{said}{printed}"))
}

/// The cargo that runs us, so that a toolchain chosen on the command line is kept.
#[expect(
    clippy::disallowed_methods,
    reason = "cargo says where it is only through the environment"
)]
fn program() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"))
}

fn describes_this_package(name: &str) -> bool {
    name.starts_with("CARGO_PKG_")
        || name.starts_with("CARGO_MANIFEST_")
        || matches!(
            name,
            "CARGO" | "CARGO_BIN_NAME" | "CARGO_CRATE_NAME" | "CARGO_PRIMARY_PACKAGE"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "\
running 4 tests
test ring::id_token::adv_none ... ok
test aws_lc_rs::id_token::adv_none ... FAILED
test tests::adv_crit_in_every_form ... ok
test adv_new ... ignored, later
test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 9 filtered out
";

    fn tally(table: &str) -> Tally {
        let rows: Vec<Row> = table.lines().map(row).collect();
        judge(&rows, &read_libtest(PRINTED))
    }

    #[test]
    fn a_row_passes_where_all_of_its_tests_ran_and_passed() {
        let found = tally(
            "a\tCVE-1\tadv_none\t\nb\tCVE-2\tadv_crit\t\nc\tCVE-3\t-\tno JWE\nd\tCVE-4\tadv_new\t",
        );
        assert_eq!((found.passed, found.cases()), (1, 4));
        assert_eq!(found.skipped, [(1, "c (CVE-3): no JWE".to_owned())]);
        assert_eq!(
            found.failed,
            [
                "a (CVE-1): aws_lc_rs::id_token::adv_none FAILED",
                "d (CVE-4): adv_new ignored, later"
            ]
        );
    }

    #[test]
    fn a_test_that_did_not_run_or_is_in_no_row_is_a_failure() {
        let found = tally("a\tCVE-1\tadv_crit adv_gone\t\nb\tCVE-2\tadv_non\t\nc\tCVE-3\tnew\t");
        assert_eq!(
            found.failed,
            [
                "a (CVE-1): no test adv_gone ran",
                "b (CVE-2): no test adv_non ran",
                "c (CVE-3): no test new ran",
                "adv_new: it is in no row of fixtures/advisories.tsv",
                "adv_none: it is in no row of fixtures/advisories.tsv",
            ]
        );
    }

    #[test]
    fn every_row_has_a_class_and_an_identifier() {
        let rows = rows();
        assert!(rows.len() > 50, "{}", rows.len());
        for row in rows {
            assert!(
                !row.title.is_empty() && !row.identifiers.is_empty(),
                "{row:?}"
            );
        }
    }
}
