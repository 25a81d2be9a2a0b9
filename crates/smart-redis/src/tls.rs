//! TLS with an explicit cryptography: 1.2 and up, the platform's roots or given ones.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
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

/// Whom to trust and who to be; nothing given means the platform's roots and no certificate.
#[derive(Debug, Default)]
pub(crate) struct TlsOptions {
    roots: Option<RootCertStore>,
    // Neither its text nor its octets are ever shown.
    certificate: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
}

impl TlsOptions {
    /// Trusts the certificates of this PEM text and no others.
    pub(crate) fn trust_pem(&mut self, pem: &[u8]) -> Result<(), &'static str> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(pem)? {
            roots
                .add(certificate)
                .map_err(|_| "a certificate cannot be a root")?;
        }
        self.roots = Some(roots);
        Ok(())
    }

    /// Shows this certificate to a server that asks for one.
    pub(crate) fn show_pem(&mut self, chain: &[u8], key: &[u8]) -> Result<(), &'static str> {
        let chain = certificates(chain)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| "no private key in the PEM")?;
        self.certificate = Some((chain, key));
        Ok(())
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, &'static str> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err("no certificate in the PEM"),
        Err(_) => Err("the PEM cannot be read"),
    }
}

/// The TLS configuration of our connections. There is no switch that turns verification off.
pub(crate) fn client_config(options: TlsOptions) -> Result<ClientConfig, &'static str> {
    let provider = Arc::new(provider().ok_or("no TLS backend is compiled in")?);
    let builder = || {
        ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|_| "the TLS backend has no version that is safe")
    };
    let builder = match options.roots {
        Some(roots) => builder()?.with_root_certificates(roots),
        None => match builder()?.with_platform_verifier() {
            Ok(builder) => builder,
            // Without roots every connection fails with an error that says so.
            Err(_) => builder()?.with_root_certificates(RootCertStore::empty()),
        },
    };
    match options.certificate {
        Some((chain, key)) => builder
            .with_client_auth_cert(chain, key)
            .map_err(|_| "the client certificate and its key do not fit"),
        None => Ok(builder.with_no_client_auth()),
    }
}

#[cfg(test)]
#[cfg(any(feature = "ring", feature = "aws-lc-rs"))]
mod tests {
    use super::*;

    #[test]
    fn tls_is_validated_where_the_feature_says_so() {
        let config = client_config(TlsOptions::default()).map(|it| it.fips());
        assert_eq!(config, Ok(cfg!(feature = "fips")));
    }

    #[test]
    fn a_text_without_a_certificate_is_refused() {
        let mut options = TlsOptions::default();
        assert_eq!(options.trust_pem(b""), Err("no certificate in the PEM"));
        assert_eq!(
            options.show_pem(b"x", b"y"),
            Err("no certificate in the PEM")
        );
    }
}
