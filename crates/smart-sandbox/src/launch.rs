//! Making a launch: the EHR's part of starting an app.

use smart_jose::crypto::RandomFailed;

use crate::context::Context;
use crate::hostile::Moment;
use crate::launches::{EhrLaunch, LaunchContext, LaunchRecord};
use crate::store::mint;
use crate::world::World;

/// Why no launch was made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LaunchError {
    /// The encounter is in nobody's chart here.
    #[error("there is no such encounter")]
    Encounter,
    /// The encounter is not one of the patient who is open.
    #[error("the encounter is another patient's")]
    EncounterOfAnother,
    /// The user has no access to the chart of the patient.
    #[error("this user has no access to this patient")]
    NoAccess,
    /// The id of the patient is nobody's here.
    #[error("there is no such patient")]
    Patient,
    /// There are no random octets.
    #[error(transparent)]
    Random(#[from] RandomFailed),
    /// The reference of the user is nobody's here.
    #[error("nobody here has the reference of the launch's user")]
    User,
}

impl LaunchError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Encounter => "sandbox-launch-encounter",
            Self::EncounterOfAnother => "sandbox-launch-encounter-of-another",
            Self::NoAccess => "sandbox-launch-no-access",
            Self::Patient => "sandbox-launch-patient",
            Self::Random(_) => "random-failed",
            Self::User => "sandbox-launch-user",
        }
    }
}

/// What the EHR can have open: somebody who may sign in, and a chart that this user may see. Every way
/// to a launch comes by here, as an app trusts what a launch has open.
fn judge(world: &World, open: &LaunchContext) -> Result<(), LaunchError> {
    let user = match open.user.as_deref() {
        Some(reference) => world.user(reference).ok_or(LaunchError::User)?,
        None => world.users().first().ok_or(LaunchError::User)?,
    };
    if let Some(id) = open.patient.as_deref() {
        world.find("Patient", id).ok_or(LaunchError::Patient)?;
        if !user.sees(id) {
            return Err(LaunchError::NoAccess);
        }
    }
    if let Some(id) = open.encounter.as_deref() {
        let found = world.find("Encounter", id).ok_or(LaunchError::Encounter)?;
        if found.patient.is_none() || found.patient != open.patient {
            return Err(LaunchError::EncounterOfAnother);
        }
    }
    Ok(())
}

/// Keeps what is open for the app that is started.
pub(crate) fn launch(
    context: &Context,
    client_id: &str,
    open: LaunchContext,
) -> Result<EhrLaunch, LaunchError> {
    judge(&context.world(), &open)?;
    let (launch, key) = mint(&context.provider)?;
    let record = LaunchRecord {
        client_id: client_id.to_owned(),
        context: open,
    };
    let now = context.clock.monotonic();
    context.state().launches.insert(key, record, now);
    let moment = Moment {
        urls: &context.urls,
        provider: &context.provider,
        now: context.clock.now().as_secs(),
    };
    let mut iss = context.urls.fhir();
    context.script.spoil_launch(&mut iss, &moment);
    Ok(EhrLaunch { iss, launch })
}
