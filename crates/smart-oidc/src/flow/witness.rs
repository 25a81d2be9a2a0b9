//! Who is told how each check on an ID token went.

use crate::id_token::Report;
use crate::launch_tag::LaunchTag;

/// Is told how each check on the ID token of a sign-in went, also of one that is refused then.
///
/// A [`Report`] has the checks and what was compared, and neither a token nor who the user is. It makes
/// nobody signed in: that is for [`super::LaunchFlow::complete`] to say.
pub trait SignInWitness: Send + Sync {
    /// The ID token of this launch was examined. It is called within the sign-in, so that it must not
    /// wait.
    fn judged(&self, launch: &LaunchTag, report: Report);
}
