//! The program behind `cargo xtask conformance --corpus`: exit status, table and JSON.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that meets something unexpected should stop there"
)]

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use smart_tests::backend;
use smart_tests::forge::Forge;

/// What came of a run.
struct Run {
    status: i32,
    printed: String,
    problem: String,
    json: Option<Value>,
}

/// A folder of this test alone, which is removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let name = format!("smart-conformance-{}-{test}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn run(&self, corpus: &[u8], more: &[&str]) -> Run {
        let (file, out) = (self.0.join("corpus.json"), self.0.join("out.json"));
        std::fs::write(&file, corpus).unwrap();
        let _ = std::fs::remove_file(&out);
        let output = Command::new(env!("CARGO_BIN_EXE_conformance"))
            .arg("--corpus")
            .arg(&file)
            .arg("--json")
            .arg(&out)
            .args(more)
            .output()
            .unwrap();
        let json = std::fs::read(&out).ok();
        Run {
            status: output.status.code().unwrap(),
            printed: String::from_utf8(output.stdout).unwrap(),
            problem: String::from_utf8(output.stderr).unwrap(),
            json: json.map(|it| serde_json::from_slice(&it).unwrap()),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn claims() -> Value {
    json!({
        "iss": "https://ehr.example/oidc", "sub": "user-1", "aud": "app", "exp": 1_700_000_300,
        "iat": 1_700_000_000, "nonce": "n", "fhirUser": "Practitioner/123",
    })
}

fn token() -> String {
    Forge::issuer().token("RS256", &claims())
}

fn expired() -> String {
    let mut claims = claims();
    claims["exp"] = json!(1_600_000_000);
    Forge::issuer().token("RS256", &claims)
}

fn corpus(cases: Value) -> Value {
    json!({
        "format": 1, "now": 1_700_000_000, "issuer": "https://ehr.example/oidc",
        "client_id": "app", "nonce": "n", "fhir_base": "https://ehr.example/fhir",
        "leeway_s": 60, "allowed_algs": ["RS256"], "jwks": Forge::issuer().jwks(),
        "cases": cases, "unknown": {"member": 1},
    })
}

fn run(test: &str, cases: Value) -> Run {
    Folder::new(test).run(corpus(cases).to_string().as_bytes(), &[])
}

#[test]
fn nothing_wrong_is_status_0() {
    let practitioner = json!({"outcome": "resource", "resource_type": "Practitioner", "id": "123"});
    let run = run(
        "nothing-wrong",
        json!([
            {"id": "a", "group": "one", "why": "good", "token": token(), "expect": "accept",
             "profile_expect": practitioner, "unknown": [1]},
            {"id": "b", "group": "two", "token": expired(), "expect": "reject",
             "reason_class": "expired", "profile_expect": {"outcome": "reject"}},
            {"id": "c", "group": "two", "token": expired(), "expect": "reject",
             "reason_class": "claims", "reason_also": ["expired"]},
            {"id": "d", "group": "two", "token": expired(), "expect": "reject"},
            // `null` stands for what is left out.
            {"id": "e", "group": "two", "token": token(), "expect": "accept", "jwks": null,
             "client_id": null, "access_token": null, "code": null, "max_age": null,
             "acr_values": null, "trusted_audiences": null, "smart_1_0": null,
             "allowed_algs": null, "now": null, "reason_class": null, "reason_also": null,
             "policy": null, "note": null, "profile_expect": null},
        ]),
    );
    assert_eq!(run.status, 0, "{}{}", run.printed, run.problem);
    let mut json = run.json.unwrap();
    let slowest = json["slowest"].take();
    assert!("abcde".contains(slowest["id"].as_str().unwrap()));
    assert!(slowest["ms"].as_f64().unwrap() > 0.0);
    assert_eq!(slowest.as_object().unwrap().len(), 2);
    assert_eq!(
        json,
        json!({
            "cases": 5, "wrong_accept": [], "wrong_reject": [], "wrong_reason": [],
            "wrong_profile": [], "policy_deviation": [], "panics": [], "slowest": null,
        })
    );
    // A row for each group, once for each backend.
    let backends = backend::all().len();
    for group in ["\none ", "\ntwo ", "\nslowest "] {
        assert_eq!(run.printed.matches(group).count(), backends, "{group}");
    }
}

#[test]
fn the_leeway_of_the_file_counts_and_words_may_be_one_text() {
    for leeway in [0_u64, 60, 300] {
        let at_edge = |beyond: u64| {
            let mut claims = claims();
            claims["exp"] = json!(1_700_000_000 - leeway + 1 - beyond);
            claims["acr"] = json!("two");
            Forge::issuer().token("RS256", &claims)
        };
        let mut corpus = corpus(json!([
            {"id": "in", "group": "g", "token": at_edge(0), "expect": "accept",
             "acr_values": "one two"},
            {"id": "list", "group": "g", "token": at_edge(0), "expect": "accept",
             "acr_values": ["two"]},
            {"id": "acr", "group": "g", "token": at_edge(0), "expect": "reject",
             "reason_class": "claims", "acr_values": "one twotwo"},
            {"id": "out", "group": "g", "token": at_edge(1), "expect": "reject",
             "reason_class": "expired", "acr_values": "one two"},
        ]));
        corpus["leeway_s"] = json!(leeway);
        let run = Folder::new(&format!("leeway-{leeway}")).run(corpus.to_string().as_bytes(), &[]);
        assert_eq!(run.status, 0, "{leeway}: {}{}", run.printed, run.problem);
        let json = run.json.unwrap();
        assert_eq!(json["wrong_reason"], json!([]), "{leeway}");
    }
}

#[test]
fn every_kind_of_mistake_is_named() {
    let run = run(
        "mistakes",
        json!([
            {"id": "wa", "group": "g", "token": token(), "expect": "reject", "reason_class": "iat"},
            {"id": "wr", "group": "g", "token": expired(), "expect": "accept"},
            {"id": "why", "group": "g", "token": expired(), "expect": "reject",
             "reason_class": "nonce", "reason_also": ["iat"]},
            {"id": "wp", "group": "g", "token": token(), "expect": "accept",
             "profile_expect": {"outcome": "none"}},
            {"id": "pd", "group": "g", "token": token(), "expect": "reject", "policy": true},
        ]),
    );
    assert_eq!(run.status, 1, "{}", run.problem);
    let mut json = run.json.unwrap();
    json["slowest"].take();
    assert_eq!(
        json,
        json!({
            "cases": 5, "wrong_accept": ["wa"], "wrong_reject": ["wr"], "wrong_reason": ["why"],
            "wrong_profile": ["wp"], "policy_deviation": ["pd"], "panics": [], "slowest": null,
        })
    );
    for line in [
        "wa: expected reject iat, got accept",
        "wr: expected accept, got reject expired (claim-expired)",
        "why: expected reject nonce, got reject expired (claim-expired)",
        "wp: expected profile none, got Practitioner/123",
        "pd: expected reject for any reason, got accept",
    ] {
        assert!(run.printed.contains(line), "{line}: {}", run.printed);
    }
}

#[test]
fn a_wrong_reason_or_a_choice_of_policy_fails_no_run() {
    for case in [
        json!({"id": "a", "group": "g", "token": expired(), "expect": "reject", "reason_class": "iat"}),
        json!({"id": "a", "group": "g", "token": token(), "expect": "reject", "policy": true}),
        json!({"id": "a", "group": "g", "token": expired(), "expect": "accept", "policy": true}),
        json!({"id": "a", "group": "g", "token": token(), "expect": "accept", "policy": true,
               "profile_expect": {"outcome": "none"}}),
    ] {
        let run = run("no-failure", json!([case]));
        assert_eq!(run.status, 0, "{case}: {}", run.printed);
    }
    for case in [
        json!({"id": "a", "group": "g", "token": token(), "expect": "reject"}),
        json!({"id": "a", "group": "g", "token": expired(), "expect": "accept"}),
        json!({"id": "a", "group": "g", "token": token(), "expect": "accept",
               "profile_expect": {"outcome": "reject"}}),
    ] {
        let run = run("failure", json!([case]));
        assert_eq!(run.status, 1, "{case}: {}", run.printed);
    }
}

#[test]
fn a_list_of_algorithms_that_cannot_be_met_refuses_its_case_alone() {
    let lists = [
        json!([]),
        json!(["none"]),
        json!(["RS256", "HS256"]),
        json!(["RS256", "rs384"]),
        json!([""]),
    ];
    let mut cases: Vec<Value> = lists
        .iter()
        .map(|list| {
            json!({"id": list.to_string(), "group": "g", "token": token(), "allowed_algs": list,
                   "expect": "reject", "reason_class": "algorithm"})
        })
        .collect();
    cases.push(json!({"id": "good", "group": "g", "token": token(), "expect": "accept"}));
    let run = run("algorithms", json!(cases));
    assert_eq!(run.status, 0, "{}", run.printed);
    assert_eq!(run.json.unwrap()["wrong_reason"], json!([]));
}

#[test]
fn a_file_that_cannot_be_read_is_status_2_with_its_place() {
    let folder = Folder::new("unreadable");
    let case = json!({"id": "a", "group": "g", "token": token(), "expect": "accept"});
    let good = serde_json::to_string_pretty(&corpus(json!([case]))).unwrap();
    let spoiled = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replacen(from, to, 1).into_bytes()
    };
    let twice = corpus(json!([case, case])).to_string();
    let mut octets = spoiled("\"client_id\": \"app\"", "\"client_id\": \"?\"");
    let at = octets.iter().position(|it| *it == b'?').unwrap();
    octets[at] = 0xff;
    let cases: [(&str, Vec<u8>, &str); 14] = [
        ("cut", good.as_bytes()[..good.len() - 3].to_vec(), "EOF"),
        ("empty", Vec::new(), "EOF"),
        ("no JSON", b"x".to_vec(), "expected value"),
        (
            "behind the end",
            format!("{good}x").into_bytes(),
            "trailing characters",
        ),
        ("not UTF-8", octets, "not UTF-8"),
        (
            "format",
            spoiled("\"format\": 1", "\"format\": 2"),
            "format 2 is not known",
        ),
        (
            "leeway",
            spoiled("\"leeway_s\": 60", "\"leeway_s\": 301"),
            "more than 300",
        ),
        (
            "negative",
            spoiled("\"leeway_s\": 60", "\"leeway_s\": -1"),
            "invalid value",
        ),
        (
            "issuer",
            spoiled(
                "\"issuer\": \"https://ehr.example/oidc\"",
                "\"issuer\": \"x\"",
            ),
            "issuer: ",
        ),
        (
            "base",
            spoiled("\"https://ehr.example/fhir\"", "\"x\""),
            "fhir_base: ",
        ),
        (
            "no verdict",
            spoiled("\"expect\"", "\"expects\""),
            "missing field `expect`",
        ),
        (
            "verdict",
            spoiled("\"accept\"", "\"maybe\""),
            "unknown variant `maybe`",
        ),
        (
            "reason",
            spoiled("\"expect\"", "\"reason_class\": \"odd\", \"expect\""),
            "unknown variant `odd`",
        ),
        ("twice", twice.into_bytes(), "the id a occurs twice"),
    ];
    for (name, octets, what) in cases {
        let run = folder.run(&octets, &[]);
        assert_eq!(run.status, 2, "{name}: {}", run.printed);
        assert!(run.json.is_none(), "{name}");
        let problem = &run.problem;
        let (_, place) = problem.split_once("corpus.json: line ").expect(problem);
        let (line, rest) = place.split_once(", column ").expect(problem);
        let (column, said) = rest.split_once(": ").expect(problem);
        assert!(line.parse::<usize>().is_ok() && column.parse::<usize>().is_ok());
        assert!(said.contains(what), "{name}: {problem}");
    }
    let leeway = folder.run(&spoiled("\"leeway_s\": 60", "\"leeway_s\": 301"), &[]);
    let line = good.lines().position(|it| it.contains("leeway_s")).unwrap() + 1;
    assert!(
        leeway.problem.contains(&format!("line {line}, ")),
        "{}",
        leeway.problem
    );
    let good = folder.run(good.as_bytes(), &[]);
    assert_eq!(good.status, 0, "{}", good.problem);
}

#[test]
fn arguments_that_mean_nothing_are_status_2() {
    let program = env!("CARGO_BIN_EXE_conformance");
    for (args, what) in [
        (
            vec!["--corpus", "/nowhere/corpus.json"],
            "/nowhere/corpus.json: ",
        ),
        (vec!["--corpus"], "--corpus needs a value"),
        (vec!["--suite", "nothing"], "unknown suite nothing"),
        (vec!["--backend", "nothing"], "no such backend"),
        (vec!["--odd"], "unknown argument --odd"),
        (
            vec!["--suite", "corpus", "--corpus", "x"],
            "exclude each other",
        ),
        (
            vec!["--suite", "corpus", "--suite", "corpus"],
            "given twice",
        ),
    ] {
        let output = Command::new(program).args(&args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let problem = String::from_utf8(output.stderr).unwrap();
        assert!(problem.contains(what), "{args:?}: {problem}");
    }
}

#[test]
fn one_backend_can_be_chosen() {
    let folder = Folder::new("backend");
    let cases = json!([{"id": "a", "group": "g", "token": token(), "expect": "accept"}]);
    let corpus = corpus(cases).to_string();
    for provider in backend::all() {
        let run = folder.run(corpus.as_bytes(), &["--backend", provider.name]);
        assert_eq!(run.status, 0);
        assert!(
            run.printed
                .contains(&format!("backend {}: 1 cases", provider.name))
        );
        assert_eq!(run.printed.matches("backend ").count(), 1);
    }
}
