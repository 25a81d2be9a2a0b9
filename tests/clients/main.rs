//! Clients and a server that others have written, in the versions that `package-lock.json` and
//! `requirements.txt` pin: they sign in at our sandbox, and our client signs in at the server.
//!
//! Each learns what it should, and each refuses a fault of the other side where it looks for it. They
//! are installed into the target folder once. Where npm, Python or a registry is missing the tests
//! say that they are skipped; with `npm` or `pypi` in `SMART_TEST_REQUIRE` they fail instead.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets something unexpected should stop there"
)]

mod ehr;
mod fhirclient_npm;
mod fhirclient_pypi;
mod oidc_provider;
mod openid_client;
mod said;
