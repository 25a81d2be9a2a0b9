//! Who depends on whom, read from `cargo tree`.
//!
//! The command is run elsewhere; here is the pure part, so that a test can hand in any output.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// The format that [`packages`] reads: package, bar, features.
pub(crate) const FORMAT: &str = "{p}|{f}";

/// Each package's name with the features that are on.
pub(crate) type Packages = BTreeMap<String, BTreeSet<String>>;

/// Reads what `cargo tree --prefix none --format '{p}|{f}'` printed.
pub(crate) fn packages(output: &str) -> Packages {
    let mut packages = Packages::new();
    for line in output.lines() {
        let (package, features) = line.split_once('|').unwrap_or((line, ""));
        let Some(name) = package.split_whitespace().next() else {
            continue;
        };
        // A package that was shown before is marked `(*)`, after the features.
        let features = features.trim_end_matches("(*)").trim();
        packages.entry(name.to_owned()).or_default().extend(
            features
                .split(',')
                .filter(|feature| !feature.is_empty())
                .map(str::to_owned),
        );
    }
    packages
}

/// The names that match one of the patterns; a pattern that ends in `*` matches a beginning.
pub(crate) fn present<'p>(packages: &'p Packages, patterns: &[&str]) -> Vec<&'p str> {
    packages
        .keys()
        .map(String::as_str)
        .filter(|name| patterns.iter().any(|pattern| matches(pattern, name)))
        .collect()
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern
        .strip_suffix('*')
        .map_or(pattern == name, |beginning| name.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
smart-jose v0.1.0 (crates/smart-jose)|default,ring
ring v0.17.14|alloc
serde_json v1.0.154|preserve_order,std
futures-core v0.3.31|
ring v0.17.14|alloc (*)
";

    #[test]
    fn names_and_features_are_read() {
        let packages = packages(OUTPUT);
        let features = packages
            .get("serde_json")
            .map(|set| set.iter().cloned().collect());
        assert_eq!(
            features,
            Some(vec!["preserve_order".to_owned(), "std".to_owned()])
        );
        assert_eq!(packages.get("ring").map(BTreeSet::len), Some(1));
        assert_eq!(packages.get("futures-core").map(BTreeSet::len), Some(0));
    }

    #[test]
    fn a_star_matches_a_beginning() {
        let packages = packages(OUTPUT);
        assert_eq!(present(&packages, &["futures*", "tokio"]), ["futures-core"]);
        assert!(present(&packages, &["futures", "rin"]).is_empty());
    }
}
