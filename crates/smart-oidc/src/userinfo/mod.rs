//! The UserInfo endpoint (OpenID Connect Core 5.3): more claims about the user, after sign-in.
//!
//! What it answers is used only if it is about the subject of a valid ID token, which is why
//! there is no way to ask without one.

mod client;
mod error;
mod response;

pub use client::UserInfoClient;
pub use error::UserInfoError;
pub use response::UserInfo;
