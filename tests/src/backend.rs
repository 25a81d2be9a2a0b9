//! The backends that this build has.

use smart_oidc::jose::CryptoProvider;

/// Every provider that is compiled in.
#[must_use]
pub fn all() -> Vec<&'static CryptoProvider> {
    vec![
        #[cfg(feature = "ring")]
        CryptoProvider::ring(),
        #[cfg(feature = "aws-lc-rs")]
        CryptoProvider::aws_lc_rs(),
    ]
}
