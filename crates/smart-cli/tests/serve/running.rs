//! How it is run: who can reach it, where its secret comes from, and what it tells.

use http::StatusCode;
use smart_sandbox::{ClientRegistration, RedirectRule, Sandbox};

use crate::rig::{Browser, CHOICE, provider, refused, scratch, serve, serve_with};

// A person reads the reference over the telephone; it has to lead somewhere without anything being set.
#[tokio::test]
async fn the_reference_of_a_page_is_found_in_the_log_with_the_code() {
    let served = serve(&["--fault", "other-nonce"]);
    let mut browser = Browser::new();
    for (page, code) in [
        (
            browser
                .post(&format!("{}/start", served.url()), &CHOICE)
                .await,
            "id-token-nonce-mismatch",
        ),
        (
            browser
                .get(&format!(
                    "{}/launch?launch=x&iss=https://other.example",
                    served.url()
                ))
                .await,
            "launch-not-registered",
        ),
    ] {
        let (_, rest) = page.body.split_once("Reference: <code>").unwrap();
        let reference = rest.split('<').next().unwrap();
        assert_eq!(reference.len(), 11, "{reference}");
        let log = served.log();
        let mut lines = log.lines().filter(|it| it.contains(reference));
        let code = format!("code=\"{code}\"");
        assert!(lines.any(|it| it.contains(&code)), "{code}: {log}");
    }
}

#[tokio::test]
async fn the_counters_of_the_libraries_are_told_whatever_is_logged() {
    let served = serve(&["--log", "off"]);
    let mut browser = Browser::new();
    let start = format!("{}/start", served.url());
    let page = browser.post(&start, &CHOICE).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let told = browser.get(&format!("{}/metrics", served.url())).await.body;
    for line in [
        "smart_axum_sign_ins_total 1\n",
        "smart_oidc_accepted_total{what=\"id-token\"} ",
        "smart_discovery_fetches_total{document=\"jwks\"} 1\n",
        "smart_discovery_fetches_total{document=\"openid-configuration\"} 1\n",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
    assert_eq!(served.log(), "");
}

// The docs say that a flag wins over the environment, and that over the file: for the secret too.
#[tokio::test]
async fn of_several_secrets_the_one_counts_that_the_docs_say() {
    let any = RedirectRule::AnyLoopback {
        path: "/callback".to_owned(),
    };
    let registered = ClientRegistration::new("the-app", vec![any]).with_secret_basic("right");
    let builder = Sandbox::builder(provider())
        .register_client(registered)
        .auto_approve(true);
    let ehr = builder.start().await.unwrap();
    let base = ehr.fhir_base();
    let (right, wrong) = (
        scratch("order.right", "right\n"),
        scratch("order.wrong", "wrong\n"),
    );
    let config = |name: &str, secret: &str| {
        let table = format!(
            "[[ehr]]\nfhir_base = {base:?}\nclient_id = \"the-app\"\nclient_secret_file = {secret:?}\n"
        );
        scratch(name, &table)
    };
    let (right_file, wrong_file) = (config("right.toml", &right), config("wrong.toml", &wrong));
    type Case<'c> = (&'c str, &'c [&'c str], &'c [(&'c str, &'c str)], bool);
    let cases: [Case<'_>; 5] = [
        (&right_file, &[], &[], true),
        (&wrong_file, &[], &[("SMART_CLIENT_SECRET", "right")], true),
        (&right_file, &[], &[("SMART_CLIENT_SECRET", "wrong")], false),
        (
            &wrong_file,
            &[],
            &[
                ("SMART_CLIENT_SECRET", "wrong"),
                ("SMART_CLIENT_SECRET_FILE", &right),
            ],
            true,
        ),
        (
            &wrong_file,
            &["--client-secret-file", &right],
            &[
                ("SMART_CLIENT_SECRET", "wrong"),
                ("SMART_CLIENT_SECRET_FILE", &wrong),
            ],
            true,
        ),
    ];
    for (config, arguments, environment, is_right) in cases {
        let mut all = vec!["--config", config, "--allow-loopback"];
        all.extend(arguments);
        let served = serve_with(&all, environment);
        let page = Browser::new()
            .get(&format!("{}/launch", served.url()))
            .await;
        let is_in = page.status == StatusCode::OK;
        assert_eq!(
            is_in, is_right,
            "{arguments:?} {environment:?}: {}",
            page.body
        );
    }
}

#[test]
fn what_other_machines_can_reach_is_refused_or_said() {
    let framed = scratch("framed.toml", "framed_by = [\"https://ehr.example\"]\n");
    let here = "http://127.0.0.1:8080/callback";
    let cases: [(&[&str], &str); 4] = [
        (&["--bind", "0.0.0.0:0"], "--redirect-uri"),
        (
            &["--bind", "0.0.0.0:0", "--redirect-uri", here],
            "which others can reach",
        ),
        (
            &[
                "--bind",
                "0.0.0.0:0",
                "--redirect-uri",
                "https://charts.example/callback",
                "--development-cookies",
            ],
            "listens on this machine",
        ),
        (&["--config", &framed, "--development-cookies"], "framed_by"),
    ];
    for (arguments, part) in cases {
        let (status, said) = refused(arguments, &[]);
        assert_eq!(status, Some(2), "{arguments:?}: {said}");
        assert!(said.contains(part), "{arguments:?}: {said}");
    }
    let log = scratch("loud.toml", "log = \"loud\"\n");
    let (status, said) = refused(&["--config", &log], &[]);
    assert_eq!(status, Some(2), "{said}");
    let outside = "https://charts.example/callback";
    let open = serve(&["--bind", "0.0.0.0:0", "--redirect-uri", outside]);
    let is_said = |said: &[String]| {
        said.iter()
            .any(|it| it.contains("other machines can reach"))
    };
    assert!(is_said(&open.said), "{:?}", open.said);
    assert!(!is_said(&serve(&[]).said));
}

#[tokio::test]
async fn a_pair_that_cannot_be_ends_on_the_choices_that_there_are() {
    let served = serve(&[]);
    let url = served.url();
    let mut browser = Browser::new();
    let home = browser.get(&format!("{url}/")).await;
    // What each user may see can be read before anything is sent.
    assert!(
        home.body.contains("sees only the record of"),
        "{}",
        home.body
    );
    assert!(home.body.contains("value=\"p-1\""));
    let form = [("user", "Patient/p-2"), ("patient", "p-1")];
    let page = browser.post(&format!("{url}/start"), &form).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.body);
    for part in [
        "role=\"alert\"",
        "may not see that patient. Choose one of those below",
        "<option value=\"Patient/p-2\" selected>",
        "value=\"p-2\"",
        "none is open",
    ] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    assert!(!page.body.contains("value=\"p-1\""), "{}", page.body);
    let policy = page.headers_of("content-security-policy");
    assert!(policy.contains("default-src 'none'"), "{policy}");
    // What it offers then is a way in.
    let form = [("user", "Patient/p-2"), ("patient", "p-2")];
    let page = browser.post(&format!("{url}/start"), &form).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
}
