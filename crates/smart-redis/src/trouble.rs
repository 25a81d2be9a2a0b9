//! What is told of a server that does not do what it was asked.

use redis::RedisError;
use smart_oidc::jose::Text;
use smart_oidc::session::StoreError;

pub(crate) fn unavailable(problem: &str) -> StoreError {
    StoreError::Unavailable {
        problem: Text::new(problem),
    }
}

/// Of what a server says only the code is kept: the rest may repeat what was sent.
pub(crate) fn refused(name: &str, error: &RedisError) -> StoreError {
    match error.code() {
        Some("WRONGTYPE") => StoreError::Unreadable {
            problem: Text::new("under this name there is no string"),
        },
        Some(code) => unavailable(&format!("the server answered {name} with {code}")),
        None => unavailable(&format!("{name} failed: {}", error.category())),
    }
}
