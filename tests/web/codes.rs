//! Every code that a sign-in can fail with has a page of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use smart_axum::web::error_pages;

/// The crates from which an error of a sign-in can come.
const CRATES: [&str; 3] = ["smart-jose", "smart-discovery", "smart-oidc"];

fn sources(folder: &Path, all: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|it| it == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            // What comments say is no code.
            let lines = text.lines().filter(|it| !it.trim_start().starts_with("//"));
            all.push(lines.collect::<Vec<_>>().join("\n"));
        }
    }
}

/// What stands between the first brace and the one that closes it.
fn block(text: &str) -> &str {
    let start = text.find('{').unwrap();
    let mut depth = 0_usize;
    for (at, c) in text.char_indices().skip_while(|it| it.0 < start) {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return &text[start..at],
            '}' => depth -= 1,
            _ => {}
        }
    }
    unreachable!("a brace that nothing closes");
}

/// The words of a text.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|it: char| !it.is_alphanumeric() && it != '_');
    words.filter(|it| !it.is_empty())
}

/// The texts in quotes that can be codes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    let texts = text.split('"').skip(1).step_by(2);
    texts.filter(|it| it.contains('-') && !it.contains(' '))
}

/// By the name of a type: what its body says, and what its `code` says.
fn types() -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let mut all = Vec::new();
    let crates = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../crates");
    for name in CRATES {
        sources(&crates.join(name).join("src"), &mut all);
    }
    let (mut bodies, mut codes) = (BTreeMap::new(), BTreeMap::new());
    for text in &all {
        for (at, _) in text.match_indices("enum ") {
            let rest = &text[at + "enum ".len()..];
            if let Some(name) = words(rest).next()
                && rest[name.len()..].starts_with(" {")
            {
                bodies.insert(name.to_owned(), block(rest).to_owned());
            }
        }
        for (at, _) in text.match_indices("\nimpl ") {
            let rest = &text[at + "\nimpl ".len()..];
            let name = words(rest).next().unwrap();
            if !rest[name.len()..].starts_with(" {") {
                continue;
            }
            if let Some((_, code)) = block(rest).split_once("fn code(&self)") {
                codes.insert(name.to_owned(), block(code).to_owned());
            }
        }
    }
    (bodies, codes)
}

/// The codes of a type and of all that it can hold.
fn reachable(from: &str) -> BTreeSet<String> {
    let (bodies, codes) = types();
    let (mut seen, mut next) = (BTreeSet::new(), vec![from.to_owned()]);
    let mut found = BTreeSet::new();
    while let Some(name) = next.pop() {
        let Some(code) = codes.get(&name) else {
            continue;
        };
        if !seen.insert(name.clone()) {
            continue;
        }
        found.extend(quoted(code).map(str::to_owned));
        let body = bodies.get(&name).map_or("", String::as_str);
        next.extend(words(body).map(str::to_owned));
    }
    found
}

#[test]
fn a_code_without_a_page_of_its_own_fails_here() {
    let expected = reachable("FlowError");
    // The reader of the sources finds what is known to be there, at every depth.
    for known in [
        "launch-unknown",
        "callback-state",
        "claim-expired",
        "jwks-no-keys",
        "json-syntax",
        "random-failed",
    ] {
        assert!(expected.contains(known), "{known}");
    }
    assert!(expected.len() > 130, "{}", expected.len());
    let mut listed = BTreeSet::new();
    for page in error_pages() {
        assert!(
            listed.insert(page.code.to_owned()),
            "{} is listed twice",
            page.code
        );
        assert!(
            !page.title.is_empty() && !page.what.is_empty(),
            "{}",
            page.code
        );
        // It says what the person can do, and how to tell the help desk where that is needed.
        assert!(page.advice.len() > 20, "{}", page.code);
        for jargon in ["token", "OAuth", "JWKS", "nonce", "FHIR"] {
            assert!(
                !page.what.contains(jargon) && !page.advice.contains(jargon),
                "{}",
                page.code
            );
        }
    }
    let missing: Vec<_> = expected.difference(&listed).collect();
    assert!(missing.is_empty(), "no page for {missing:?}");
    let stale: Vec<_> = listed.difference(&expected).collect();
    assert!(stale.is_empty(), "no error has {stale:?}");
}
