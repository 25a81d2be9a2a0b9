//! Laws about requirements: a test that names one names one that exists, and the page is fresh.
//!
//! An id with a slip of the pen looks like coverage and is none.

use std::collections::BTreeSet;

use super::Violation;
use crate::matrix;
use crate::requirements::{self, Requirement, TABLE};
use crate::tree::Tree;

/// Each id is in the table, and each `// covers:` line stands above a function.
pub(super) fn ids_exist(tree: &Tree) -> Vec<Violation> {
    let covers = requirements::covers(tree);
    let Some(table) = tree.files.get(TABLE) else {
        let first = covers.first().map(|covers| (covers.path, covers.line));
        let say = |(path, line)| violation(path, line, format!("there is no {TABLE}"));
        return first.map(say).into_iter().collect();
    };
    let rows = match requirements::parse(&table.text) {
        Ok(rows) => rows,
        Err((line, sentence)) => return vec![violation(TABLE, line, sentence)],
    };
    let ids: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let mut found = Vec::new();
    for covers in covers {
        if covers.ids.is_empty() {
            found.push(violation(
                covers.path,
                covers.line,
                "no id is named".to_owned(),
            ));
        }
        if covers.function.is_none() {
            let sentence = "this line stands right above a test".to_owned();
            found.push(violation(covers.path, covers.line, sentence));
        }
        for id in covers.ids.iter().filter(|id| !ids.contains(*id)) {
            found.push(violation(
                covers.path,
                covers.line,
                format!("{id} is not in {TABLE}"),
            ));
        }
    }
    found.extend(unknown_flags(tree, &rows, &ids));
    found
}

/// Cases have flags of other kinds too; one whose area is ours is meant to be an id.
fn unknown_flags(tree: &Tree, rows: &[Requirement], ids: &BTreeSet<&str>) -> Vec<Violation> {
    let areas: BTreeSet<&str> = rows.iter().map(|row| requirements::area(&row.id)).collect();
    let mut found = Vec::new();
    for case in requirements::cases(tree) {
        for flag in &case.flags {
            let is_numbered = flag.ends_with(|c: char| c.is_ascii_digit());
            let is_ours = is_numbered && areas.contains(requirements::area(flag));
            if is_ours && !ids.contains(flag.as_str()) {
                let sentence = format!("case `{}`: {flag} is not in {TABLE}", case.name);
                found.push(violation(case.path, 1, sentence));
            }
        }
    }
    found
}

/// The page says what the tests say.
pub(super) fn matrix_is_fresh(tree: &Tree) -> Vec<Violation> {
    // Without a table there is no page either, and the other law speaks when one is missing.
    if !tree.files.contains_key(TABLE) {
        return Vec::new();
    }
    let sentence = match matrix::stale(tree) {
        Ok(None) => return Vec::new(),
        Ok(Some(sentence)) | Err(sentence) => sentence,
    };
    vec![Violation {
        path: matrix::PAGE.to_owned(),
        line: 1,
        sentence,
        law: "matrix",
    }]
}

fn violation(path: &str, line: usize, sentence: String) -> Violation {
    Violation {
        path: path.to_owned(),
        line,
        sentence,
        law: "covers",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &str = "A-1\tMUST\tRFC 1\tone\n";

    fn sentences(files: &[(&str, &str)]) -> Vec<String> {
        ids_exist(&Tree::of(files))
            .into_iter()
            .map(|v| format!("{}:{}", v.path, v.sentence))
            .collect()
    }

    #[test]
    fn a_known_id_above_a_test_is_fine() {
        let test = "// covers: A-1\n#[test]\nfn a() {}";
        assert_eq!(sentences(&[(TABLE, ROWS), ("tests/a.rs", test)]), [""; 0]);
    }

    #[test]
    fn an_unknown_id_is_caught_in_rust_and_in_cases() {
        let test = "// covers: A-1, A-2\nfn a() {}";
        let case = r#"{"id": "c", "flags": ["A-3", "Normal", "Some-4"]}"#;
        let files = [
            (TABLE, ROWS),
            ("tests/a.rs", test),
            ("tests/fixtures/c.json", case),
        ];
        let expected = [
            format!("tests/a.rs:A-2 is not in {TABLE}"),
            format!("tests/fixtures/c.json:case `c`: A-3 is not in {TABLE}"),
        ];
        assert_eq!(sentences(&files), expected);
    }

    #[test]
    fn a_line_above_nothing_is_caught() {
        let test = "// covers: A-1\n\nfn a() {}";
        assert_eq!(sentences(&[(TABLE, ROWS), ("tests/a.rs", test)]).len(), 1);
    }

    #[test]
    fn a_missing_table_is_told_once_and_only_when_it_is_needed() {
        let test = "// covers: A-1\nfn a() {}\n// covers: A-2\nfn b() {}";
        assert_eq!(sentences(&[("tests/a.rs", test)]).len(), 1);
        assert_eq!(sentences(&[("tests/a.rs", "fn a() {}")]), [""; 0]);
    }

    #[test]
    fn a_stale_page_is_caught() {
        assert_eq!(
            matrix_is_fresh(&Tree::of(&[(TABLE, ROWS), (matrix::PAGE, "old")])).len(),
            1
        );
        assert_eq!(matrix_is_fresh(&Tree::of(&[])), []);
    }
}
