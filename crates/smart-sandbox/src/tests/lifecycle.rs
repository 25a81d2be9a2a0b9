//! Start, rotation and end.

use core::net::SocketAddr;
use core::time::Duration;

use smart_jose::key::PrivateKey;
use smart_jose::{Algorithm, Algorithms, CryptoProvider};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::flow::{builder, sign_in, verify};
use super::http::get;
use crate::{ClientRegistration, RedirectRule, Sandbox, SandboxUser, StartError, UserType};

const ANY_ADDRESS: SocketAddr =
    SocketAddr::new(core::net::IpAddr::V4(core::net::Ipv4Addr::UNSPECIFIED), 0);

async fn kids(sandbox: &Sandbox) -> Vec<String> {
    let set = get(&format!("{}/jwks", sandbox.issuer())).await.json();
    let keys = set["keys"].as_array().unwrap();
    keys.iter()
        .map(|it| it["kid"].as_str().unwrap().to_owned())
        .collect()
}

// covers: OIDC-KEY-2, OIDC-KEY-5
#[tokio::test]
async fn after_a_rotation_both_keys_are_served_and_the_new_one_signs() {
    let sandbox = builder().start().await.unwrap();
    let body = sign_in(&sandbox, "openid").await;
    let former = body["id_token"].as_str().unwrap();
    let former_kid = sandbox.kid();
    assert_eq!(kids(&sandbox).await, [former_kid.as_str()]);
    let kid = sandbox.rotate_keys().unwrap();
    assert_ne!(kid, former_kid);
    assert_eq!(kids(&sandbox).await, [kid.clone(), former_kid.clone()]);
    let (_, signed_by) = verify(&sandbox, former, Algorithms::ID_TOKEN).await;
    assert_eq!(signed_by, former_kid);
    let body = sign_in(&sandbox, "openid").await;
    let id_token = body["id_token"].as_str().unwrap();
    let (_, signed_by) = verify(&sandbox, id_token, Algorithms::ID_TOKEN).await;
    assert_eq!(signed_by, kid);
    sandbox.rotate_keys().unwrap();
    assert!(!kids(&sandbox).await.contains(&former_kid));
}

#[tokio::test]
async fn the_demo_keys_do_not_serve_a_network() {
    for builder in [
        builder().bind(ANY_ADDRESS),
        builder().bind(ANY_ADDRESS).algorithm(Algorithm::ES256),
        builder().bind("[::]:0".parse().unwrap()),
    ] {
        let error = builder.start().await.unwrap_err();
        assert!(matches!(error, StartError::DemoKeysOnNetwork { .. }));
        assert_eq!(error.code(), "sandbox-demo-keys-on-network");
        let message = error.to_string();
        for part in ["anybody could sign", "--signing-key FILE", "loopback"] {
            assert!(message.contains(part), "{message}");
        }
    }
}

#[tokio::test]
async fn an_own_key_serves_a_network_without_any_demo_key() {
    let provider = CryptoProvider::ring();
    let key = PrivateKey::generate(Algorithm::ES384, provider).unwrap();
    let sandbox = builder()
        .bind(ANY_ADDRESS)
        .signing_key(key, "mine", Algorithm::ES384)
        .start()
        .await
        .unwrap();
    assert_eq!(kids(&sandbox).await, ["mine"]);
    let body = sign_in(&sandbox, "openid").await;
    let id_token = body["id_token"].as_str().unwrap();
    let (_, kid) = verify(&sandbox, id_token, Algorithms::ID_TOKEN).await;
    assert_eq!(kid, "mine");
    let next = sandbox.rotate_keys().unwrap();
    assert_eq!(kids(&sandbox).await, [next, "mine".to_owned()]);
}

#[tokio::test]
async fn choices_that_cannot_work_are_named_before_anything_is_served() {
    let client = |id: &str, uri: &str| {
        ClientRegistration::new(id, vec![RedirectRule::Exact(uri.to_owned())])
    };
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = taken.local_addr().map(|it| (it, taken)).unwrap();
    let nobody = SandboxUser::new(UserType::Person, "a/b", "s", "Ada");
    let cases = [
        (builder().public_url("ehr.example"), "sandbox-public-url"),
        (
            builder().register_client(client("", "https://a.example")),
            "sandbox-client-id",
        ),
        (
            builder().register_client(client("a", "/callback")),
            "sandbox-redirect-uri",
        ),
        (builder().user(nobody), "sandbox-user"),
        (builder().bind(taken.0), "sandbox-bind"),
        (
            builder().algorithm(Algorithm::ES512),
            "sandbox-key-generate",
        ),
    ];
    for (builder, code) in cases {
        assert_eq!(builder.start().await.unwrap_err().code(), code);
    }
}

#[tokio::test]
async fn behind_a_proxy_its_address_is_announced() {
    let behind = || builder().public_url("https://ehr.example/demo/");
    // Others are to use it, so it needs a key that not everybody has.
    let refused = behind().start().await.unwrap_err();
    assert_eq!(refused.code(), "sandbox-demo-keys-on-network");
    let local = builder()
        .public_url("http://localhost:8080/ehr")
        .start()
        .await;
    assert!(local.is_ok());
    let key = PrivateKey::generate(Algorithm::ES384, CryptoProvider::ring()).unwrap();
    let sandbox = behind()
        .signing_key(key, "mine", Algorithm::ES384)
        .start()
        .await
        .unwrap();
    assert_eq!(sandbox.base_url(), "https://ehr.example/demo");
    assert_eq!(sandbox.issuer(), "https://ehr.example/demo/oidc");
    let url = format!(
        "http://{}/fhir/.well-known/smart-configuration",
        sandbox.local_addr()
    );
    let document = get(&url).await.json();
    assert_eq!(document["issuer"], sandbox.issuer());
    assert_eq!(
        document["token_endpoint"],
        "https://ehr.example/demo/oidc/token"
    );
}

#[tokio::test]
async fn many_run_at_once_and_share_nothing() {
    let first = builder().start().await.unwrap();
    let second = builder().start().await.unwrap();
    assert_ne!(first.base_url(), second.base_url());
    let body = sign_in(&first, "openid fhirUser").await;
    let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
    let url = format!("{}/Practitioner/dr-smith", second.fhir_base());
    let answer = super::http::send("GET", &url, &[("authorization", &bearer)], None).await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn a_shutdown_frees_the_port_at_once() {
    let sandbox = builder().start().await.unwrap();
    let address = sandbox.local_addr();
    // A client that keeps its connection open does not hold the server up.
    let _idle = TcpStream::connect(address).await.unwrap();
    timeout(Duration::from_secs(20), sandbox.shutdown())
        .await
        .unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

/// The clock of the runtime stands still, and jumps to the next deadline when all wait.
#[tokio::test(start_paused = true)]
async fn a_client_that_gets_nowhere_is_cut_off() {
    let sandbox = builder().start().await.unwrap();
    let begun = "POST /oidc/token HTTP/1.1\r\nhost: a\r\n";
    let form = "content-type: application/x-www-form-urlencoded\r\ncontent-length: 9\r\n\r\na=b";
    for sent in [String::new(), begun.to_owned(), format!("{begun}{form}")] {
        let since = tokio::time::Instant::now();
        let mut stream = TcpStream::connect(sandbox.local_addr()).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        let mut octets = Vec::new();
        // Closed or reset: either ends the wait.
        let _ = stream.read_to_end(&mut octets).await;
        assert!(!octets.starts_with(b"HTTP/1.1 200"));
        assert!(since.elapsed() < Duration::from_secs(40), "{sent}");
    }
}

#[tokio::test]
async fn dropping_the_handle_stops_the_server() {
    let sandbox = builder().start().await.unwrap();
    let address = sandbox.local_addr();
    assert_eq!(get(&format!("{}/jwks", sandbox.issuer())).await.status, 200);
    drop(sandbox);
    let refused = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    assert!(timeout(Duration::from_secs(20), refused).await.is_ok());
}

#[tokio::test]
async fn waiting_goes_on_while_it_serves() {
    let sandbox = builder().start().await.unwrap();
    let url = format!("{}/jwks", sandbox.issuer());
    tokio::select! {
        biased;
        () = sandbox.wait() => panic!("the server has ended"),
        answer = get(&url) => assert_eq!(answer.status, 200),
    }
}

#[tokio::test]
async fn nothing_secret_is_shown() {
    let sandbox = builder().start().await.unwrap();
    let shown = format!("{sandbox:?} {:?}", builder());
    assert!(shown.contains("127.0.0.1"));
    assert!(!shown.contains("demo-rsa") && !shown.contains("PRIVATE"));
}
