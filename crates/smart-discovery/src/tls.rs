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
#[derive(Clone, Debug, Default)]
pub(crate) struct TlsOptions {
    roots: Option<Arc<RootCertStore>>,
    certificate: Option<Arc<ClientCertificate>>,
}

#[derive(Debug)]
struct ClientCertificate {
    chain: Vec<CertificateDer<'static>>,
    /// Neither its text nor its octets are ever shown.
    key: PrivateKeyDer<'static>,
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
        self.roots = Some(Arc::new(roots));
        Ok(())
    }

    /// Shows this certificate to servers that ask for one.
    pub(crate) fn show_pem(&mut self, chain: &[u8], key: &[u8]) -> Result<(), &'static str> {
        let chain = certificates(chain)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| "no private key in the PEM")?;
        self.certificate = Some(Arc::new(ClientCertificate { chain, key }));
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

/// The TLS configuration of our client: 1.2 and up, h2 offered first. There is no switch that
/// turns verification off.
///
/// On a machine without root certificates every https connection fails with a certificate
/// error, while http on loopback goes on working.
pub(crate) fn client_config(options: &TlsOptions) -> Result<ClientConfig, &'static str> {
    let provider = Arc::new(provider().ok_or("no TLS backend is compiled in")?);
    let builder = || {
        ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|_| "the TLS backend has no version that is safe")
    };
    let builder = match &options.roots {
        Some(roots) => builder()?.with_root_certificates(Arc::clone(roots)),
        None => match builder()?.with_platform_verifier() {
            Ok(builder) => builder,
            Err(_) => builder()?.with_root_certificates(RootCertStore::empty()),
        },
    };
    let mut config = match &options.certificate {
        Some(it) => builder
            .with_client_auth_cert(it.chain.clone(), it.key.clone_key())
            .map_err(|_| "the client certificate and its key do not fit")?,
        None => builder.with_no_client_auth(),
    };
    // With a configuration of its own the client does not set this.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(all(test, any(feature = "ring", feature = "aws-lc-rs")))]
mod tests {
    use super::*;

    #[test]
    fn tls_is_validated_where_the_feature_says_so() {
        let config = client_config(&TlsOptions::default()).map(|it| it.fips());
        assert_eq!(config, Ok(cfg!(feature = "fips")));
    }
}
