//! Who is told how each check on an ID token went.

use smart_discovery::Finding;

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

    /// The sign-in of this launch has come to its end, and this is what was odd about the chain of
    /// trust and about the answer of the token endpoint, and was met. Whoever implements this need not
    /// care. It is called within the sign-in, so that it must not wait.
    fn met(&self, launch: &LaunchTag, findings: Vec<Finding>) {
        let _ = (launch, findings);
    }
}
