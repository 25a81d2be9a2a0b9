//! Runs the benchmarks and prints each as a ratio to its floor in the same run.
//!
//! A group of criterion holds two functions, `ours` and `floor`. Machines are shared and noisy,
//! so only their ratio says something. Whatever else runs can only add time; the ratio is
//! therefore that of the fastest samples, and the one of the medians stands beside it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::cargo::Cargo;
use crate::failure::Failure;

/// How often everything is measured: short and often, so that a busy moment of the machine does
/// not fall on one side of a ratio alone.
const ROUNDS: usize = 5;

/// Runs the benchmarks on one backend after the other.
pub(crate) fn run(root: &Path) -> Result<(), Failure> {
    let results = root.join("target").join("criterion");
    for features in ["ring", "aws-lc-rs"] {
        let mut rows = BTreeMap::<String, Row>::new();
        for _ in 0..ROUNDS {
            // What an earlier run left must not be taken for this one's.
            if results.exists() {
                fs::remove_dir_all(&results)
                    .map_err(|error| Failure::Failed(format!("{}: {error}", results.display())))?;
            }
            for bench in [
                "smart-jose --bench overhead",
                "smart-discovery --bench cache",
                "smart-tests --bench id_token",
            ] {
                Cargo::new(&format!(
                    "bench -p {bench} --no-default-features --features"
                ))
                .arg(features)
                .args("-- --quiet")
                .run()?;
            }
            collect(&results, &mut rows)?;
        }
        let memory = Cargo::new("bench -p smart-discovery --bench memory --no-default-features")
            .args("--features")
            .arg(features)
            .output()?;
        println!("\non {features}, the fastest of {ROUNDS} rounds");
        println!(
            "{}",
            line("", ["ours", "floor", "ratio", "medians", "goal"])
        );
        for (name, row) in &mut rows {
            println!("{}", row.show(name));
        }
        println!("\non {features}, resident octets for one issuer of 10,000");
        for line in memory.lines() {
            println!("{}", octets(line));
        }
    }
    Ok(())
}

/// What the benchmark of memory printed, with the goal beside it.
fn octets(printed: &str) -> String {
    match printed.split_once(' ') {
        Some(("memory-keys", octets)) => format!("{:32} {octets:>10} goal 8192", "memory-keys"),
        Some((name, octets)) => format!("{name:32} {octets:>10}"),
        None => printed.to_owned(),
    }
}

/// Adds what criterion has written to the rows.
fn collect(results: &Path, rows: &mut BTreeMap<String, Row>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::Failed(format!("{}: {error}", results.display()));
    for entry in fs::read_dir(results).map_err(failed)? {
        let group = entry.map_err(failed)?.path();
        let samples = |name: &str| {
            let path = group.join(name).join("new").join("sample.json");
            samples(&fs::read_to_string(path).ok()?)
        };
        let name = group.file_name().unwrap_or_default().to_string_lossy();
        if let (Some(ours), Some(floor)) = (samples("ours"), samples("floor")) {
            let row = rows.entry(name.into_owned()).or_default();
            row.ours.extend(ours);
            row.floor.extend(floor);
        }
    }
    if rows.is_empty() {
        return Err(Failure::Failed("no benchmark left a result".to_owned()));
    }
    Ok(())
}

/// The nanoseconds for one iteration in each sample of one of criterion's files.
fn samples(json: &str) -> Option<Vec<f64>> {
    let json: Value = serde_json::from_str(json).ok()?;
    let numbers = |name: &str| -> Option<Vec<f64>> {
        let numbers = json.get(name)?.as_array()?;
        numbers.iter().map(Value::as_f64).collect()
    };
    let (iterations, times) = (numbers("iters")?, numbers("times")?);
    Some(times.iter().zip(iterations).map(|(t, n)| t / n).collect())
}

/// What was measured for one group, in nanoseconds.
#[derive(Default)]
struct Row {
    ours: Vec<f64>,
    floor: Vec<f64>,
}

impl Row {
    fn show(&mut self, name: &str) -> String {
        let (ours, floor) = (
            fastest_and_median(&mut self.ours),
            fastest_and_median(&mut self.floor),
        );
        let time = |nanoseconds: f64| format!("{:.2} us", nanoseconds / 1000.0);
        line(
            name,
            [
                &time(ours.0),
                &time(floor.0),
                &format!("{:.3}", ours.0 / floor.0),
                &format!("{:.3}", ours.1 / floor.1),
                &goal(name).map_or_else(|| "-".to_owned(), |it| format!("{it:.2}")),
            ],
        )
    }
}

fn fastest_and_median(samples: &mut [f64]) -> (f64, f64) {
    samples.sort_by(f64::total_cmp);
    let at = |place: usize| samples.get(place).copied().unwrap_or(f64::NAN);
    (at(0), at(samples.len() / 2))
}

/// What the project wants to hold: the ratio at most.
fn goal(name: &str) -> Option<f64> {
    Some(match name {
        "verify-and-claims" | "sign" => 1.2,
        "id-token" => 1.8,
        "id-token-ring-RS256" | "id-token-aws-lc-rs-RS256" => 1.09,
        "cache-hit" => 3.0,
        // Two threads do at least 1.6 times as much as one.
        "cache-hit-two-threads" => 0.625,
        "look-up-busy" => 2.0,
        "whole-ring-RS256" | "whole-ring-RS384" => 1.06,
        "whole-aws-lc-rs-RS256" | "whole-aws-lc-rs-RS384" => 1.07,
        _ if name.starts_with("refuse-") => 0.1,
        _ => return None,
    })
}

fn line(name: &str, [ours, floor, ratio, medians, goal]: [&str; 5]) -> String {
    format!("{name:32} {ours:>10} {floor:>10} {ratio:>8} {medians:>8} {goal:>6}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_shows_the_ratios_and_the_goal() {
        let mut row = Row {
            ours: samples(r#"{"iters":[2,4,1],"times":[30,44,18]}"#).unwrap(),
            floor: samples(r#"{"iters":[1,1,1],"times":[10,12,11]}"#).unwrap(),
        };
        let row = row.show("sign");
        let columns: Vec<&str> = row.split_whitespace().collect();
        // The fastest are 44/4 and 10, the medians 30/2 and 11.
        assert_eq!(
            columns,
            ["sign", "0.01", "us", "0.01", "us", "1.100", "1.364", "1.20"]
        );
        assert!(samples("{}").is_none());
    }

    #[test]
    fn goals_are_those_of_the_rows_that_have_one() {
        assert_eq!(goal("refuse-no-dots"), Some(0.1));
        assert_eq!(goal("whole-ring-RS256"), Some(1.06));
        assert_eq!(goal("whole-ring-ES256"), None);
    }
}
