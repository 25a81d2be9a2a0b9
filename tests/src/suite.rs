//! What came of a conformance suite.

/// What came of one case.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it should be.
    Passed,
    /// Otherwise: what was expected, and what was found.
    Failed(String),
    /// It cannot be tried here, and why.
    Skipped(String),
}

/// The count of one suite on one backend.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many cases passed.
    pub passed: usize,
    /// Each case that failed, by name, with what was expected and found.
    pub failed: Vec<String>,
    /// How many cases were skipped for which reason.
    pub skipped: Vec<(usize, String)>,
}

impl Tally {
    /// Counts the outcome of a case.
    pub fn take(&mut self, name: &str, outcome: Outcome) {
        match outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Failed(what) => self.failed.push(format!("{name}: {what}")),
            Outcome::Skipped(why) => self.skipped.push((1, format!("{name}: {why}"))),
        }
    }

    /// How many cases were skipped.
    #[must_use]
    pub fn skipped_cases(&self) -> usize {
        self.skipped.iter().map(|(cases, _)| cases).sum()
    }

    /// How many cases there are.
    #[must_use]
    pub fn cases(&self) -> usize {
        self.passed + self.failed.len() + self.skipped_cases()
    }
}

impl FromIterator<(String, Outcome)> for Tally {
    fn from_iter<I: IntoIterator<Item = (String, Outcome)>>(outcomes: I) -> Self {
        let mut tally = Self::default();
        for (name, outcome) in outcomes {
            tally.take(&name, outcome);
        }
        tally
    }
}
