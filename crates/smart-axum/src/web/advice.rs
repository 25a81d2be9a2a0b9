//! What a person can do when something has gone wrong.

/// The title where it may be over in a while.
pub(super) const TRY_AGAIN: &str = "Please try again in a moment";

/// What the person can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advice {
    /// Nothing: somebody has to change how the app is set up.
    Ask,
    /// Choose from what the page offers.
    Choose,
    /// The same page once more, from the one before.
    GoBack,
    /// The same page, later.
    Later,
    /// A new launch.
    Launch,
    /// A new launch, and if that fails too, the help desk.
    LaunchOrAsk,
    /// A new launch in a while.
    LaunchLater,
    /// A new launch in a browser that has forgotten its cookies.
    LaunchAfresh,
    /// A new launch after a new sign-in at the EHR.
    SignInAfresh,
}

impl Advice {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Ask => "You cannot mend this yourself. Tell the help desk the reference below.",
            Self::Choose => "Choose which one to go on with.",
            Self::GoBack => "Go back, load that page again, and try once more.",
            Self::Later => {
                "Wait a minute and load this page again. If that does not help, tell the help desk the reference \
                 below."
            }
            Self::Launch => "Close this page and open the app again from the patient's record.",
            Self::LaunchOrAsk => {
                "Close this page and open the app again from the patient's record. If that does not help, tell the \
                 help desk the reference below."
            }
            Self::LaunchLater => {
                "Wait a minute and open the app again from the patient's record. If that does not help, tell the \
                 help desk the reference below."
            }
            Self::SignInAfresh => {
                "Sign out of the system that you opened the app from, sign in there again, and open the app from the \
                 patient's record. If that does not help, tell the help desk the reference below."
            }
            Self::LaunchAfresh => {
                "Delete the cookies of this site in the settings of your browser, and open the app again from the \
                 patient's record. If that does not help, tell the help desk the reference below."
            }
        }
    }

    /// Whether a new launch may help at once.
    pub(super) const fn is_launch(self) -> bool {
        matches!(self, Self::Launch | Self::LaunchOrAsk)
    }
}
