//! `rediss://`: which server is believed, and who we are to it.

use std::fs;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use smart_redis::{RedisStore, RedisStoreBuilder};
use smart_tests::redis_server::{Persistence, RedisServer, free_port};

use crate::rig::{PATIENCE, keys, provider};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for this name and its key, both PEM.
fn identity(name: &str, authority: &Authority) -> (String, String) {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    // With the subject of its issuer a certificate counts as its own issuer.
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    (certificate.pem(), key.serialize_pem())
}

/// A server that has this certificate and asks for one of the same authority, and its TLS port.
async fn server(name: &str, authority: &Authority) -> Option<(RedisServer, u16)> {
    let port = free_port();
    let (certificate, key) = identity(name, authority);
    let server = RedisServer::start_with(Persistence::None, |folder| {
        let mut arguments = vec!["--tls-port".to_owned(), port.to_string()];
        for (option, file, text) in [
            ("--tls-cert-file", "server.pem", &certificate),
            ("--tls-key-file", "server.key", &key),
            ("--tls-ca-cert-file", "ca.pem", &authority.pem()),
        ] {
            let path = folder.join(file);
            fs::write(&path, text).unwrap();
            arguments.extend([option.to_owned(), path.to_str().unwrap().to_owned()]);
        }
        arguments
    });
    Some((server.await?, port))
}

fn builder(port: u16, trusts: &Authority) -> RedisStoreBuilder {
    let builder = RedisStore::builder(&format!("rediss://localhost:{port}"), keys(provider()));
    let builder = builder.unwrap().roots_pem(trusts.pem().as_bytes()).unwrap();
    builder.connect_timeout(PATIENCE).response_timeout(PATIENCE)
}

#[tokio::test]
async fn a_server_of_our_root_is_believed_and_believes_us() {
    let authority = authority();
    let Some((_server, port)) = server("localhost", &authority).await else {
        return;
    };
    let (chain, key) = identity("app", &authority);
    let builder = builder(port, &authority);
    let builder = builder.client_certificate_pem(chain.as_bytes(), key.as_bytes());
    let store = builder.unwrap().build().unwrap();
    assert_eq!(store.check().await, Ok(()));
}

#[tokio::test]
async fn a_stranger_is_believed_by_nobody() {
    let (ours, theirs) = (authority(), authority());
    let Some((_server, port)) = server("localhost", &ours).await else {
        return;
    };
    let Some((_other, other_port)) = server("elsewhere.example", &ours).await else {
        return;
    };
    let (chain, key) = identity("app", &ours);
    let show = |builder: RedisStoreBuilder| {
        let shown = builder.client_certificate_pem(chain.as_bytes(), key.as_bytes());
        shown.unwrap().build().unwrap()
    };
    for (what, store) in [
        ("a server of another root", show(builder(port, &theirs))),
        ("a server of another name", show(builder(other_port, &ours))),
        (
            "a client without a certificate",
            builder(port, &ours).build().unwrap(),
        ),
    ] {
        let error = store.check().await.unwrap_err();
        assert_eq!(error.code(), "store-unavailable", "{what}: {error}");
    }
}
