//! TLS with an explicit cryptography: 1.2 and up, the platform's roots, h2 offered first.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;

/// The validated module where the application asked for it: TLS beside it would be a hole.
#[cfg(feature = "fips")]
fn provider() -> Option<CryptoProvider> {
    Some(rustls::crypto::default_fips_provider())
}

/// ring wherever it is compiled in, so that turning on another backend changes nothing.
#[cfg(all(feature = "ring", not(feature = "fips")))]
fn provider() -> Option<CryptoProvider> {
    Some(rustls::crypto::ring::default_provider())
}

#[cfg(all(feature = "aws-lc-rs", not(any(feature = "ring", feature = "fips"))))]
fn provider() -> Option<CryptoProvider> {
    Some(rustls::crypto::aws_lc_rs::default_provider())
}

#[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
fn provider() -> Option<CryptoProvider> {
    None
}

/// The TLS configuration of our client. Without a backend there is none.
///
/// On a machine without root certificates every https connection fails with a certificate
/// error, while http on loopback goes on working.
pub(crate) fn client_config() -> Option<ClientConfig> {
    let provider = Arc::new(provider()?);
    let builder = || {
        ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .ok()
    };
    let mut config = match builder()?.with_platform_verifier() {
        Ok(builder) => builder.with_no_client_auth(),
        Err(_) => builder()?
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth(),
    };
    // With a configuration of its own the client does not set this.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Some(config)
}

#[cfg(all(test, any(feature = "ring", feature = "aws-lc-rs")))]
mod tests {
    use super::*;

    #[test]
    fn tls_is_validated_where_the_feature_says_so() {
        let config = client_config().map(|it| it.fips());
        assert_eq!(config, Some(cfg!(feature = "fips")));
    }
}
