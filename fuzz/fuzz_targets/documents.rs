//! Documents of servers, and snapshots: what is read is safe to use and reads back to the same.

#![no_main]

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use libfuzzer_sys::fuzz_target;
use smart_discovery::{
    Discovery, EndpointUrl, FhirBaseUrl, FixedClock, HttpClient, Issuer, IssuerSnapshot,
    LiveIssuer, PlainHttp, ProviderMetadata, SmartConfiguration, TransportError,
    capability_statement,
};
use smart_jose::{Algorithms, CryptoProvider, UnixTime};

const BASE: &str = "https://ehr.example/fhir";
const ISSUER: &str = "https://ehr.example/oidc";

/// Nothing here may ask a network.
#[derive(Debug)]
struct Silence;

#[async_trait]
impl HttpClient for Silence {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        panic!("{} was asked for", request.uri());
    }
}

fuzz_target!(|data: &[u8]| {
    let base = FhirBaseUrl::parse(BASE).expect("the base is good");
    let issuer = Issuer::parse(ISSUER).expect("the issuer is good");
    let answer = Response::new(Bytes::copy_from_slice(data));

    let read = |answer: &Response<Bytes>| {
        SmartConfiguration::from_response(&base, answer, PlainHttp::Refused)
    };
    // The last digit of a long number may differ when it is read again, so what nobody reads is left
    // out here.
    if let Ok(mut smart) = read(&answer) {
        smart.extra.clear();
        for endpoint in [
            Some(&smart.token_endpoint),
            smart.authorization_endpoint.as_ref(),
            smart.registration_endpoint.as_ref(),
            smart.management_endpoint.as_ref(),
            smart.introspection_endpoint.as_ref(),
            smart.revocation_endpoint.as_ref(),
            smart.smart_app_state_endpoint.as_ref(),
        ] {
            is_https(endpoint);
        }
        let written = serde_json::to_vec(&smart).expect("it serializes");
        let again = Response::new(Bytes::from(written.clone()));
        // An escape may become longer than the limit of a document allows.
        if let Ok(again) = read(&again) {
            assert_eq!(serde_json::to_vec(&again).ok(), Some(written));
        }
    }

    let read = |answer: &Response<Bytes>| {
        ProviderMetadata::from_response(&issuer, answer, PlainHttp::Refused)
    };
    if let Ok(mut provider) = read(&answer) {
        provider.extra.clear();
        assert_eq!(provider.issuer.as_str().trim_end_matches('/'), ISSUER);
        for endpoint in [
            Some(&provider.jwks_uri),
            provider.authorization_endpoint.as_ref(),
            provider.token_endpoint.as_ref(),
            provider.userinfo_endpoint.as_ref(),
            provider.end_session_endpoint.as_ref(),
        ] {
            is_https(endpoint);
        }
        let narrowed = provider.narrow(Algorithms::ID_TOKEN);
        assert!(narrowed.iter().all(|it| Algorithms::ID_TOKEN.contains(it)));
        let written = serde_json::to_vec(&provider).expect("it serializes");
        let again = Response::new(Bytes::from(written.clone()));
        if let Ok(again) = read(&again) {
            assert_eq!(serde_json::to_vec(&again).ok(), Some(written));
        }
    }

    if let Ok(old) = capability_statement::from_response(&base, &answer, PlainHttp::Refused) {
        is_https(Some(&old.token_endpoint));
        is_https(old.authorization_endpoint.as_ref());
    }

    if let Ok(snapshot) = serde_json::from_slice::<IssuerSnapshot>(data) {
        let clock = Arc::new(FixedClock::at(UnixTime::from_secs(1_800_000_000)));
        let discovery = Discovery::new(Arc::new(Silence));
        let live = LiveIssuer::new(discovery, base, CryptoProvider::ring(), clock);
        match live.import(&snapshot) {
            Ok(()) => {
                let state = live.state();
                assert_eq!(state.fhir_base, BASE);
                assert!(state.issuer.is_some_and(|it| it.starts_with("https://")));
                let written = live.export().expect("what was taken in is written down");
                live.import(&written)
                    .expect("what was written down is taken in");
            }
            Err(_) => assert!(live.at_hand().is_none()),
        }
    }
});

fn is_https(endpoint: Option<&EndpointUrl>) {
    assert!(endpoint.is_none_or(|it| it.as_str().to_ascii_lowercase().starts_with("https://")));
}
