//! Suites whose tests have official names: a table of the names, and a file for each.
//!
//! A name without a file fails, and so does a file without a name, so that neither a test nor the
//! reason why one does not apply can get lost.

use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;

use smart_oidc::jose::CryptoProvider;

use crate::fixture;
use crate::suite::{Outcome, Tally};

/// Nothing, or what was wrong.
pub(crate) type Handled = Result<(), String>;

impl From<Handled> for Outcome {
    fn from(handled: Handled) -> Self {
        handled.map_or_else(Self::Failed, |()| Self::Passed)
    }
}

/// What a file does, with what it is given.
pub(crate) type Play<C> = fn(C) -> Pin<Box<dyn Future<Output = Outcome>>>;

/// Says what is wrong, unless it holds.
pub(crate) fn check(holds: bool, otherwise: impl Into<String>) -> Handled {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}

/// The same backend, for good: servers outlive the call that starts them.
pub(crate) fn for_good(provider: &CryptoProvider) -> Result<&'static CryptoProvider, String> {
    let mut all = crate::backend::all().into_iter();
    let found = all.find(|it| it.name == provider.name);
    found.ok_or_else(|| "no such backend".to_owned())
}

/// The file of a name.
fn file_of(name: &str) -> String {
    name.replace('-', "_").to_lowercase()
}

/// Plays the files of all names in the table. Its rows have the name first and the reason why it does
/// not apply last; `cases` makes of what lies between them what a file is to be played with, each
/// with a label.
///
/// # Errors
///
/// A row of the table has another form, or there is no runtime.
pub(crate) fn run<C>(
    table: &str,
    files: &[(&str, Play<C>)],
    cases: impl Fn(&[&str]) -> Result<Vec<(String, C)>, String>,
) -> Result<Tally, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let mut files: BTreeMap<String, Play<C>> = files
        .iter()
        .map(|(name, play)| ((*name).to_owned(), *play))
        .collect();
    let mut tally = Tally::default();
    let rows = fixture::text(table);
    for row in rows.lines().filter(|it| !it.starts_with('#')) {
        let columns: Vec<&str> = row.split('\t').collect();
        let [name, between @ .., reason] = &columns[..] else {
            return Err(format!("{table}: a row has a name and a reason: {row}"));
        };
        let cases = cases(between)?;
        let play = match (files.remove(&file_of(name)), *reason) {
            (Some(play), "") => play,
            (None, "") => {
                tally.take(name, Outcome::Failed("there is no file of it".to_owned()));
                continue;
            }
            (None, reason) => {
                tally
                    .skipped
                    .push((cases.len(), format!("{name}: {reason}")));
                continue;
            }
            (Some(_), _) => {
                let both = "there is a file, and a reason for none".to_owned();
                tally.take(name, Outcome::Failed(both));
                continue;
            }
        };
        for (label, case) in cases {
            // One that panics has failed, and the others are played.
            let play = AssertUnwindSafe(|| runtime.block_on(play(case)));
            let outcome = panic::catch_unwind(play);
            let outcome = outcome.unwrap_or_else(|_| Outcome::Failed("it panicked".to_owned()));
            tally.take(&format!("{name}{label}"), outcome);
        }
    }
    for name in files.into_keys() {
        let what = format!("it is in no row of fixtures/{table}");
        tally.take(&name, Outcome::Failed(what));
    }
    Ok(tally)
}
