//! The whole way: from the EHR's link to a session that lives all day.

mod error;
mod launch_flow;
mod registrations;
mod request;
mod servers;
mod witness;

pub use error::{FlowError, RegistrationError};
pub use launch_flow::{LaunchFlow, SignedIn, SignedOut};
pub use registrations::Registrations;
pub use request::EhrLaunch;
pub use witness::SignInWitness;
