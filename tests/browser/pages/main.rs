//! Tests in a real browser: what `smart serve` shows, where it is launched, framed and left, and what
//! a person sees when that fails.
//!
//! They need Chromium and its driver, and say that they are skipped where these are missing; with
//! `chromium` in `SMART_TEST_REQUIRE` they fail instead. A picture of each page lies in the folder
//! `screenshots` of the target folder afterwards.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets something unexpected should stop there"
)]

mod browser;
mod choice;
mod driver;
mod ehr;
mod fhirclient;
mod framed;
mod hostile_text;
mod launch;
mod looks;
mod meddler;
mod refresh;
mod refused;
mod served;
mod sign_out;
mod without_scripts;
