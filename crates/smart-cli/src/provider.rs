//! The cryptography that this build has.

use smart_oidc::jose::CryptoProvider;

/// ring wherever it is compiled in.
#[cfg(feature = "ring")]
pub(crate) fn provider() -> &'static CryptoProvider {
    CryptoProvider::ring()
}

#[cfg(all(feature = "aws-lc-rs", not(feature = "ring")))]
pub(crate) fn provider() -> &'static CryptoProvider {
    CryptoProvider::aws_lc_rs()
}

#[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
compile_error!("smart needs one of the features `ring` (default) and `aws-lc-rs`");
