//! What is odd along a chain of trust that holds.

use super::issuer::LiveIssuer;
use crate::discover::differing_jwks;
use crate::finding::Finding;

impl LiveIssuer {
    /// What is odd about the documents that are held, from the FHIR server's to the keys, but was met:
    /// the findings of [`crate::Discovery::trace`] and of [`crate::RemoteJwks::findings`]. Nothing is
    /// fetched; where the chain has led to no issuer yet there is nothing to say.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        self.held(|discovery, end| {
            let smart = end.issuer.smart_configuration();
            let provider = end.issuer.provider_metadata();
            let looked_up = discovery.issuer(end.issuer.fhir_base(), smart);
            let mut findings = smart.findings.clone();
            findings.extend(looked_up.ok().and_then(|it| it.1));
            findings.extend(provider.findings.iter().cloned());
            findings.extend(differing_jwks(smart, provider));
            findings.extend(end.keys.findings());
            findings
        })
        .unwrap_or_default()
    }
}
