//! Making a launch: the EHR's part of starting an app.

use smart_jose::crypto::RandomFailed;

use crate::context::Context;
use crate::hostile::Moment;
use crate::launches::{EhrLaunch, LaunchContext, LaunchRecord};
use crate::store::mint;

/// Why no launch was made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LaunchError {
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
            Self::Random(_) => "random-failed",
            Self::User => "sandbox-launch-user",
        }
    }
}

/// Keeps what is open for the app that is started.
pub(crate) fn launch(
    context: &Context,
    client_id: &str,
    open: LaunchContext,
) -> Result<EhrLaunch, LaunchError> {
    let user = open.user.as_deref();
    if user.is_some_and(|it| context.world().user(it).is_none()) {
        return Err(LaunchError::User);
    }
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
