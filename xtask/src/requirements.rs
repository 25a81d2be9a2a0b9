//! Requirements, and the tests that say they cover them.
//!
//! `docs/requirements.tsv` has one requirement a row. A test names the rows it covers in a line
//! `// covers: ID, ID` above it; a JSON case names them in its `flags`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::tree::Tree;

/// Where the rows are.
pub(crate) const TABLE: &str = "docs/requirements.tsv";

/// What stands before the ids, in a comment of its own.
const MARK: &str = "// covers:";

/// One row of the table.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Requirement {
    pub(crate) id: String,
    pub(crate) strength: String,
    pub(crate) source: String,
    pub(crate) clause: String,
}

/// One `// covers:` line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Covers<'t> {
    pub(crate) path: &'t str,
    pub(crate) line: usize,
    pub(crate) ids: Vec<&'t str>,
    /// The function that it stands above, if it stands above one.
    pub(crate) function: Option<&'t str>,
}

/// One JSON case with its flags.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Case<'t> {
    pub(crate) path: &'t str,
    /// Its `id`, `name` or `tcId`; empty when the flags are those of a whole group.
    pub(crate) name: String,
    pub(crate) flags: Vec<String>,
}

/// The area of an id: what stands before its last hyphen.
pub(crate) fn area(id: &str) -> &str {
    id.rsplit_once('-').map_or(id, |(area, _)| area)
}

/// Reads the table; a row that cannot be read is an error with its line.
pub(crate) fn parse(text: &str) -> Result<Vec<Requirement>, (usize, String)> {
    let mut rows = Vec::new();
    let mut seen = BTreeSet::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.is_empty() || line.starts_with('#') || line.starts_with("id\t") {
            continue;
        }
        let columns: Vec<&str> = line.split('\t').map(str::trim).collect();
        let [id, strength, source, clause] = columns.as_slice() else {
            return Err((
                number,
                format!("a row has 4 columns, this one {}", columns.len()),
            ));
        };
        if !seen.insert((*id).to_owned()) {
            return Err((number, format!("the id {id} is there twice")));
        }
        rows.push(Requirement {
            id: (*id).to_owned(),
            strength: (*strength).to_owned(),
            source: (*source).to_owned(),
            clause: (*clause).to_owned(),
        });
    }
    Ok(rows)
}

/// Every `// covers:` line of the crates and the tests.
pub(crate) fn covers(tree: &Tree) -> Vec<Covers<'_>> {
    let mut all = Vec::new();
    for (path, file) in tree.rust(&["crates/", "tests/"]) {
        let mut lines = (1..).zip(file.text.lines());
        while let Some((line, text)) = lines.next() {
            let Some(ids) = text.trim_start().strip_prefix(MARK) else {
                continue;
            };
            let ids = ids
                .split(',')
                .map(str::trim)
                .filter(|id| !id.is_empty())
                .collect();
            let below = lines.clone().map(|(_, text)| text.trim());
            all.push(Covers {
                path,
                line,
                ids,
                function: function_below(below),
            });
        }
    }
    all
}

/// The function that begins after attributes and comments only.
fn function_below<'t>(lines: impl Iterator<Item = &'t str>) -> Option<&'t str> {
    let mut open_brackets = 0_usize;
    for line in lines {
        if open_brackets > 0 || line.starts_with("#[") {
            // An attribute may go over several lines; it ends where its brackets do.
            open_brackets += line.matches(['[', '(']).count();
            open_brackets = open_brackets.saturating_sub(line.matches([']', ')']).count());
        } else if !line.starts_with("//") {
            return function_name(line);
        }
    }
    None
}

fn function_name(line: &str) -> Option<&str> {
    let mut rest = line;
    for before in ["pub ", "pub(crate) ", "const ", "async ", "unsafe "] {
        rest = rest.strip_prefix(before).unwrap_or(rest);
    }
    let name = rest.strip_prefix("fn ")?;
    name.split(|c: char| !c.is_alphanumeric() && c != '_')
        .next()
}

/// Every object with `flags` in the JSON fixtures.
pub(crate) fn cases(tree: &Tree) -> Vec<Case<'_>> {
    let mut all = Vec::new();
    for (path, file) in tree.under("tests/fixtures/") {
        if !path.ends_with(".json") || !file.text.contains("\"flags\"") {
            continue;
        }
        // A fixture may be broken on purpose; then it holds no cases.
        if let Ok(value) = serde_json::from_str::<Value>(&file.text) {
            gather(path, &value, &mut all);
        }
    }
    all
}

fn gather<'t>(path: &'t str, value: &Value, all: &mut Vec<Case<'t>>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| gather(path, item, all)),
        Value::Object(members) => {
            if let Some(Value::Array(flags)) = members.get("flags") {
                let flags = flags
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect();
                let name = ["id", "name", "tcId"]
                    .iter()
                    .find_map(|key| members.get(*key));
                let name = match name {
                    Some(Value::String(name)) => name.clone(),
                    Some(Value::Number(number)) => number.to_string(),
                    _ => String::new(),
                };
                all.push(Case { path, name, flags });
            }
            members
                .values()
                .for_each(|member| gather(path, member, all));
        }
        _ => {}
    }
}

/// The tests of each id, as `file::function`.
pub(crate) fn tests_by_id(tree: &Tree) -> BTreeMap<String, BTreeSet<String>> {
    let mut tests: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for covers in covers(tree) {
        let Some(function) = covers.function else {
            continue;
        };
        for id in covers.ids {
            let test = format!("{}::{function}", covers.path);
            tests.entry(id.to_owned()).or_default().insert(test);
        }
    }
    for case in cases(tree) {
        let test = if case.name.is_empty() {
            case.path.to_owned()
        } else {
            format!("{}::{}", case.path, case.name)
        };
        for flag in case.flags {
            tests.entry(flag).or_default().insert(test.clone());
        }
    }
    tests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_and_a_bad_row_is_named() {
        let rows = parse("id\tstrength\tsource\tclause\nA-1\tMUST\tRFC 1\tdo it\n");
        assert_eq!(rows.map(|rows| rows.len()), Ok(1));
        assert_eq!(parse("A-1\tMUST\tRFC 1").map_err(|(line, _)| line), Err(1));
        assert_eq!(
            parse("A-1\ta\tb\tc\nA-1\ta\tb\tc").map_err(|(line, _)| line),
            Err(2)
        );
    }

    #[test]
    fn the_area_is_what_stands_before_the_last_hyphen() {
        assert_eq!(area("SMART-DISC-12"), "SMART-DISC");
    }

    #[test]
    fn a_covers_line_finds_its_function() {
        let source = "//! x\n// covers: A-1, B-2\n// why\n#[expect(\n    dead_code,\n    reason = \"\"\n)]\n\
                      #[test]\nasync fn holds() {}\n// covers: A-1\nstruct S;\n";
        let tree = Tree::of(&[("tests/api/a.rs", source)]);
        let found: Vec<_> = covers(&tree)
            .into_iter()
            .map(|c| (c.line, c.ids, c.function))
            .collect();
        let expected = [
            (2, vec!["A-1", "B-2"], Some("holds")),
            (10, vec!["A-1"], None),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_flags_of_a_case_are_found_wherever_it_is() {
        let json = r#"{"groups": [{"cases": [{"id": "c1", "flags": ["A-1"]}]}]}"#;
        let tree = Tree::of(&[("tests/fixtures/cases/x.json", json)]);
        let tests = tests_by_id(&tree);
        let named = tests.get("A-1").map(|set| set.iter().cloned().collect());
        assert_eq!(
            named,
            Some(vec!["tests/fixtures/cases/x.json::c1".to_owned()])
        );
    }
}
