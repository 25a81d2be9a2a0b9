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
//!
//! # One process, or many
//!
//! Credentials and PKCE are judged without a memory, on any number of nodes, and [`ReplayStore`] is
//! where these share the assertions that were used. [`CodeBook`] and [`RefreshBook`] are different:
//! **they are the memory of one process**. A code that one node has issued is unknown to the next, a
//! second use on another node is not noticed, and when the process ends every user signs in again.
//!
//! They have no seam for a database on purpose. A code is good once because the book lends it to one
//! request until the answer is ready. Over a database that takes a conditional write in the transaction
//! which stores the access token, and only the server has that transaction; behind a trait it would
//! be two writes, between which a node can fail. So a server of many nodes either has one process that
//! answers the token, introspection and revocation endpoints, or keeps codes and refresh tokens in its
//! own tables and the same rules:
//!
//! - Each is stored by its SHA-256. A code is stored with its client, redirect URI, challenge and grant,
//!   and [`CodeChallenge::verify`] judges the verifier.
//! - A code is spent, and the hash of a refresh token replaced by the next one, by one write under a
//!   condition: where it is not spent yet, where the hash is still the one that was presented. Where
//!   that write changes nothing, another request was first: it is a second use.
//! - A second use ends the grant: its refresh tokens and its access tokens.
//! - A refresh token names its grant, so that every former one is known again, and a spent code is
//!   remembered as long as a token lives that was issued for it.

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
