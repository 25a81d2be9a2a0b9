//! Runs the benchmarks and prints each as a ratio to its floor in the same run.
//!
//! A group of criterion holds two functions, `ours` and `floor`. Machines are shared and noisy,
//! so only their ratio says something.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::cargo::Cargo;
use crate::failure::Failure;

/// Runs the benchmarks of smart-jose on one backend after the other.
pub(crate) fn run(root: &Path) -> Result<(), Failure> {
    let results = root.join("target").join("criterion");
    for features in ["ring", "aws-lc-rs"] {
        // What an earlier run left must not be taken for this one's.
        if results.exists() {
            fs::remove_dir_all(&results)
                .map_err(|error| Failure::Failed(format!("{}: {error}", results.display())))?;
        }
        Cargo::new("bench -p smart-jose --bench overhead --no-default-features --features")
            .arg(features)
            .args("-- --quiet")
            .run()?;
        println!(
            "\n{:32} {:>10} {:>10} {:>8}   on {features}",
            "", "ours", "floor", "ratio"
        );
        for row in rows(&results)? {
            println!("{row}");
        }
    }
    Ok(())
}

fn rows(results: &Path) -> Result<Vec<String>, Failure> {
    let failed = |error: std::io::Error| Failure::Failed(format!("{}: {error}", results.display()));
    let mut rows = Vec::new();
    for entry in fs::read_dir(results).map_err(failed)? {
        let group = entry.map_err(failed)?.path();
        let median = |name: &str| {
            let path = group.join(name).join("new").join("estimates.json");
            median(&fs::read_to_string(path).ok()?)
        };
        let name = group
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if let (Some(ours), Some(floor)) = (median("ours"), median("floor")) {
            rows.push(row(&name, ours, floor));
        }
    }
    rows.sort();
    if rows.is_empty() {
        return Err(Failure::Failed("no benchmark left a result".to_owned()));
    }
    Ok(rows)
}

/// The median in one of criterion's files, in nanoseconds.
fn median(estimates: &str) -> Option<f64> {
    let estimates: Value = serde_json::from_str(estimates).ok()?;
    estimates.get("median")?.get("point_estimate")?.as_f64()
}

fn row(name: &str, ours: f64, floor: f64) -> String {
    let time = |nanoseconds: f64| format!("{:.2} us", nanoseconds / 1000.0);
    format!(
        "{name:32} {:>10} {:>10} {:>8.3}",
        time(ours),
        time(floor),
        ours / floor
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_shows_the_ratio() {
        let estimates = |it: f64| format!(r#"{{"median":{{"point_estimate":{it}}}}}"#);
        let ours = median(&estimates(1500.0)).unwrap();
        let floor = median(&estimates(1000.0)).unwrap();
        assert!(row("sign", ours, floor).ends_with("1.500"));
        assert_eq!(median("{}"), None);
    }
}
