//! The rules that an EHR's authorization server keeps, without the server.
//!
//! Each takes what a request says and gives a verdict: values that only a good request makes, or a
//! typed error for the operator's log whose `refusal()` is the word for the client. There is no
//! HTTP here and no clock; the one thing that is ever fetched is the key set of a client, at the URL
//! that it registered.
//!
//! ```text
//! Parameters, headers ──Credentials::read──▶ Credentials              exactly one method
//! Credentials, registration ──authenticate──▶ AuthenticatedClient     assertions once only
//! CodeBook::present ──▶ GoodCode ──spend──▶ the grant                  client, redirect URI, PKCE
//! RefreshBook::present ──▶ GoodRefreshToken ──rotate──▶ the next one   each good once
//!                      └─▶ Verdict::Reused ──▶ every token of the grant is revoked
//! ```
//!
//! A token request, from the form to the grant:
//!
//! ```
//! # #[cfg(feature = "ring")] {
//! use smart_oidc::jose::UnixTime;
//! use smart_oidc::server::{
//!     ClientAssertionVerifier, ClientRegistration, CodeBook, Credentials, GrantId, Parameters, Redemption,
//!     Refusal,
//! };
//!
//! async fn redeem(
//!     headers: &http::HeaderMap,
//!     body: &[u8],
//!     assertions: &ClientAssertionVerifier,
//!     registered: impl Fn(&str) -> Option<ClientRegistration>,
//!     codes: &mut CodeBook<String>,
//!     revoke: impl FnOnce(GrantId),
//!     now: UnixTime,
//! ) -> Result<String, Refusal> {
//!     let form = Parameters::parse(body).map_err(|_| Refusal::InvalidRequest)?;
//!     let mut credentials = Credentials::read(headers, &form).map_err(|it| it.refusal())?;
//!     let registration = credentials.registration(|it| registered(it.as_str()));
//!     let client = credentials
//!         .authenticate(registration.as_ref(), assertions, now)
//!         .await
//!         .map_err(|it| it.refusal())?;
//!     let code = form.get("code").ok_or(Refusal::InvalidRequest)?;
//!     let redemption = Redemption::new(&client, form.get("redirect_uri"), form.get("code_verifier"));
//!     // Two have the code where it comes twice: `revoke` ends the refresh tokens of the grant
//!     // (`RefreshBook::revoke`) and the access tokens that are kept with its name.
//!     let verdict = codes.present(code, &redemption, now).or_revoke(revoke);
//!     let code = verdict.map_err(|it| it.refusal())?;
//!     Ok(code.spend().clone())
//! }
//! # }
//! ```

mod assertion;
mod authenticate;
mod authenticated;
mod bounded;
mod code;
mod credentials;
mod grant_id;
mod parameters;
mod pkce;
mod refresh;
mod refusal;
mod verdict;

pub use assertion::{
    ASSERTION_ALGORITHMS, ASSERTION_TYPE, AssertionAudience, AssertionError, AssertionUse,
    ClientAssertion, ClientAssertionVerifier, ClientKeys, MAX_ASSERTION_LIFE, MAX_ASSERTION_OCTETS,
    MemoryReplayStore, REPLAY_CAPACITY, ReplayStore, ReplayStoreError, Use,
};
pub use authenticate::{AuthenticationError, ClientRegistration};
pub use authenticated::{AuthenticatedClient, AuthenticationMethod};
pub use code::{
    CODE_CAPACITY, CODE_LIFE, CODE_MEMORY, CodeBook, CodeError, CodeRequest, GoodCode,
    MAX_CODE_LIFE, Redemption,
};
pub use credentials::{Credentials, CredentialsError};
pub use grant_id::GrantId;
pub use parameters::{ParameterError, Parameters};
pub use pkce::{CodeChallenge, PkceError};
pub use refresh::{
    GoodRefreshToken, REFRESH_CAPACITY, REFRESH_IDLE, REFRESH_LIFE, RefreshBook, RefreshTokenError,
};
pub use refusal::Refusal;
pub use verdict::Verdict;
