//! Runs every fuzz target for a while.
//!
//! The targets are a workspace of their own under `fuzz/`, so that nobody who builds the crates
//! builds a fuzzer. `RUSTC_BOOTSTRAP=1` lets the one stable toolchain pass the flags that
//! libFuzzer needs; no sanitizer is used, as our code is safe Rust and its properties are
//! assertions.

use std::fs;
use std::path::Path;

use crate::cargo::Cargo;
use crate::failure::Failure;

/// How long each target runs unless told otherwise, in seconds.
const SECONDS: u32 = 30;

/// Runs the targets one after the other; the first that finds something ends the run.
pub(crate) fn run(root: &Path, args: &[&str]) -> Result<(), Failure> {
    let seconds = match *args {
        [] => SECONDS,
        ["--seconds", text] => text.parse().map_err(|_| usage())?,
        _ => return Err(usage()),
    };
    let folder = root.join("fuzz");
    if Cargo::new("fuzz --version").output().is_err() {
        return Err(Failure::Failed(
            "cargo-fuzz is missing: cargo install cargo-fuzz --locked".to_owned(),
        ));
    }
    for target in targets(&folder)? {
        // What is found on the way is collected here and not kept in the repository.
        let corpus = folder.join("corpus").join(&target);
        fs::create_dir_all(&corpus)
            .map_err(|error| Failure::Failed(format!("{}: {error}", corpus.display())))?;
        println!("fuzz {target} for {seconds} s");
        Cargo::new("fuzz run --sanitizer none")
            .arg(&target)
            .arg(&format!("corpus/{target}"))
            .arg(&format!("seeds/{target}"))
            .args(&format!(
                "-- -max_total_time={seconds} -verbosity=0 -print_final_stats=1"
            ))
            .env("RUSTC_BOOTSTRAP", "1")
            .folder(&folder)
            .run()?;
    }
    Ok(())
}

fn usage() -> Failure {
    Failure::Usage("usage: cargo xtask fuzz [--seconds N]".to_owned())
}

/// The names of the targets: the files are the list.
fn targets(folder: &Path) -> Result<Vec<String>, Failure> {
    let folder = folder.join("fuzz_targets");
    let entries = fs::read_dir(&folder)
        .map_err(|error| Failure::Failed(format!("{}: {error}", folder.display())))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    if names.is_empty() {
        return Err(Failure::Failed(format!(
            "no fuzz target in {}",
            folder.display()
        )));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_target_has_seeds_and_is_named_in_the_manifest() {
        let folder = crate::workspace_root().join("fuzz");
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        for target in targets(&folder).ok().unwrap() {
            assert!(
                folder.join("seeds").join(&target).is_dir(),
                "{target} has no seeds"
            );
            assert!(
                manifest.contains(&format!("name = \"{target}\"")),
                "{target}"
            );
        }
    }

    #[test]
    fn other_arguments_are_refused() {
        let root = crate::workspace_root();
        for args in [&["--seconds"][..], &["--seconds", "x"], &["now"]] {
            assert!(
                matches!(run(&root, args), Err(Failure::Usage(_))),
                "{args:?}"
            );
        }
    }
}
