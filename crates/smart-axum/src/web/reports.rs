//! How each check on the ID tokens of the sign-ins went: for the log, and for pages that show it.

use core::fmt;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use smart_oidc::LaunchTag;
use smart_oidc::discovery::Finding;
use smart_oidc::flow::SignInWitness;
use smart_oidc::id_token::{CheckReport, CheckResult, Report};

/// So many are held; the oldest makes room.
const LIMIT: usize = 256;

/// These look at how the person signed in. What was found there is for the person and for whoever
/// runs the EHR, and it is on no page and in no log of an app.
const ABOUT_THE_PERSON: [&str; 3] = ["subject", "acr", "auth-time"];

/// The reports on the last 256 sign-ins, in the memory of this process. All clones hold the same.
///
/// It is the witness of a [`smart_oidc::flow::LaunchFlow`] and a part of the settings:
///
/// ```no_run
/// use std::sync::Arc;
/// use smart_axum::web::{ReportsFor, SignInReports};
/// use smart_axum::{SettingsError, SmartAxum, WebSettings};
/// use smart_oidc::flow::LaunchFlow;
///
/// fn app(flow: LaunchFlow) -> Result<SmartAxum, SettingsError> {
///     let reports = SignInReports::new();
///     let settings = WebSettings::new("https://charts.example")?
///         .with_reports(reports.clone(), ReportsFor::Operators);
///     SmartAxum::new(settings, flow.with_witness(Arc::new(reports)))
/// }
/// ```
#[derive(Clone, Default)]
pub struct SignInReports {
    held: Arc<Held>,
}

#[derive(Default)]
struct Held {
    judged: Latest<Arc<Report>>,
    met: Latest<Arc<[Finding]>>,
}

/// Who reads how the checks on the ID token of a refused sign-in went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReportsFor {
    /// Whoever reads the log, under the reference of the page.
    Operators,
    /// The person at the screen as well, on the page itself: for sandboxes, and while an EHR is being
    /// connected.
    Everybody,
}

impl SignInReports {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The report on the sign-in of this launch, if it is not too long ago.
    #[must_use]
    pub fn find(&self, launch: &LaunchTag) -> Option<Arc<Report>> {
        self.held.judged.find(launch)
    }

    /// What was odd along the chain of trust and in the answer with the tokens of this launch, and was
    /// met; if it is not too long ago.
    #[must_use]
    pub fn met(&self, launch: &LaunchTag) -> Option<Arc<[Finding]>> {
        self.held.met.find(launch)
    }
}

impl SignInWitness for SignInReports {
    fn judged(&self, launch: &LaunchTag, report: Report) {
        self.held.judged.keep(launch, Arc::new(report));
    }

    fn met(&self, launch: &LaunchTag, findings: Vec<Finding>) {
        self.held.met.keep(launch, findings.into());
    }
}

/// The last of something, by launch.
struct Latest<T>(Mutex<VecDeque<(LaunchTag, T)>>);

impl<T: Clone> Latest<T> {
    fn find(&self, launch: &LaunchTag) -> Option<T> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = held.iter().rev().find(|it| it.0 == *launch);
        found.map(|it| it.1.clone())
    }

    fn keep(&self, launch: &LaunchTag, it: T) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= LIMIT {
            held.pop_front();
        }
        held.push_back((launch.clone(), it));
    }
}

impl<T> Default for Latest<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl fmt::Debug for SignInReports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignInReports(***)")
    }
}

/// One check as a page and the log have it.
pub(super) struct Row<'r> {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) clause: &'static str,
    pub(super) result: &'static str,
    pub(super) detail: Option<&'r str>,
    pub(super) remedy: Option<&'static str>,
}

/// All checks of a report.
pub(super) fn rows(report: &Report) -> Vec<Row<'_>> {
    report.checks.iter().map(row).collect()
}

fn row(check: &CheckReport) -> Row<'_> {
    let is_about_person = ABOUT_THE_PERSON.contains(&check.id);
    Row {
        id: check.id,
        title: check.title,
        clause: check.clause,
        result: match check.result {
            CheckResult::Passed => "passed",
            CheckResult::Failed => "failed",
            _ => "not run",
        },
        detail: check.detail.as_deref().filter(|_| !is_about_person),
        remedy: check.remedy,
    }
}
