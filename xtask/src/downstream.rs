//! Uses our crates the way others will: packaged, unpacked elsewhere, with one backend chosen.
//!
//! Inside the workspace a crate can reach a file that is not packaged, and features unify across
//! members. Both are found only from outside, by a crate that has nothing but the packages.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::cargo::Cargo;
use crate::cargo_tree::{self, Packages};
use crate::failure::Failure;
use crate::scratch::Scratch;

/// One crate that uses ours.
struct User {
    name: &'static str,
    /// The crate it depends on, with the rest of the dependency's table.
    depends_on: &'static str,
    options: &'static str,
    /// All of our crates in its tree.
    ours: &'static [&'static str],
    prints: &'static str,
    /// What its output must not be: a backend without algorithms, a URL that is refused.
    wrong_output: &'static str,
    present: &'static [&'static str],
    absent: &'static [&'static str],
}

const USERS: [User; 6] = [
    User {
        name: "verifies-tokens",
        depends_on: "smart-jose",
        options: "",
        ours: &["smart-jose"],
        prints: "smart_jose::CryptoProvider::ring().algorithms().len()",
        wrong_output: "0",
        present: &["ring"],
        absent: &["tokio", "reqwest", "aws-lc-rs"],
    },
    User {
        name: "brings-its-own-http",
        depends_on: "smart-discovery",
        options: ", default-features = false, features = [\"ring\"]",
        ours: &["smart-jose", "smart-discovery"],
        prints: "smart_discovery::FhirBaseUrl::parse(\"https://ehr.example/fhir\").is_ok()",
        wrong_output: "false",
        present: &["ring"],
        absent: &["reqwest", "hyper", "aws-lc-rs"],
    },
    User {
        name: "chooses-aws-lc-rs",
        depends_on: "smart-oidc",
        options: ", default-features = false, features = [\"aws-lc-rs\"]",
        ours: &["smart-jose", "smart-discovery", "smart-oidc"],
        prints: "smart_oidc::jose::CryptoProvider::aws_lc_rs().algorithms().len()",
        wrong_output: "0",
        present: &["aws-lc-rs"],
        absent: &["ring"],
    },
    User {
        name: "runs-many-nodes",
        depends_on: "smart-redis",
        options: "",
        ours: &["smart-jose", "smart-discovery", "smart-oidc", "smart-redis"],
        prints: "smart_redis::RESPONSE_TIMEOUT.as_secs() * smart_redis::MAX_VALUE_OCTETS as u64",
        wrong_output: "0",
        present: &["ring", "redis", "tokio-rustls"],
        absent: &["aws-lc-rs", "openssl", "native-tls"],
    },
    User {
        name: "serves-pages",
        depends_on: "smart-axum",
        options: "",
        ours: &["smart-jose", "smart-discovery", "smart-oidc", "smart-axum"],
        prints: "smart_axum::WebSettings::new(\"https://charts.example\").is_ok()",
        wrong_output: "false",
        present: &["ring", "axum", "reqwest"],
        absent: &["aws-lc-rs", "openssl", "native-tls"],
    },
    User {
        name: "serves-pages-on-aws-lc-rs",
        depends_on: "smart-axum",
        options: ", default-features = false, features = [\"aws-lc-rs\"]",
        ours: &["smart-jose", "smart-discovery", "smart-oidc", "smart-axum"],
        prints: "smart_axum::web::error_pages().count()",
        wrong_output: "0",
        present: &["aws-lc-rs", "axum"],
        absent: &["ring", "reqwest"],
    },
];

/// Removes what an earlier run left in cargo's home. While it packages, cargo serves the packages
/// to each other from a registry in the target folder, and keeps what it unpacks by name and
/// version: without this, crates of an earlier commit would be taken for those of this one.
fn forget_earlier_packages(version: &str) -> Result<(), Failure> {
    let Some(home) = cargo_home() else {
        return Ok(());
    };
    for kind in ["src", "cache"] {
        // No registry has been used yet where the folder is missing.
        let Ok(registries) = std::fs::read_dir(home.join("registry").join(kind)) else {
            continue;
        };
        for registry in registries.flatten() {
            // A registry in a folder has no host, so its name begins with the dash before the hash.
            if !registry.file_name().to_string_lossy().starts_with('-') {
                continue;
            }
            for name in PACKAGES {
                remove(&registry.path().join(format!("{name}-{version}")))?;
                remove(&registry.path().join(format!("{name}-{version}.crate")))?;
            }
        }
    }
    Ok(())
}

/// Removes a file or a folder, if there is one.
fn remove(path: &Path) -> Result<(), Failure> {
    let removed = if path.is_dir() {
        std::fs::remove_dir_all(path)
    } else if path.is_file() {
        std::fs::remove_file(path)
    } else {
        return Ok(());
    };
    removed.map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))
}

/// Where cargo keeps what it downloads.
#[expect(
    clippy::disallowed_methods,
    reason = "cargo takes its home from the environment; the rule is for the libraries"
)]
fn cargo_home() -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))
}

/// The crates that are packaged.
const PACKAGES: [&str; 7] = [
    "smart-jose",
    "smart-discovery",
    "smart-oidc",
    "smart-redis",
    "smart-axum",
    "smart-sandbox",
    "smart-cli",
];

/// What `cargo metadata` says about the workspace, as far as it is needed here.
#[derive(Debug, PartialEq, Eq)]
struct Workspace {
    version: String,
    target: PathBuf,
}

/// Packages, unpacks, and builds each user.
pub(crate) fn run(root: &Path, allow_dirty: bool) -> Result<(), Failure> {
    let workspace = workspace(&Cargo::new("metadata --no-deps --format-version 1").output()?)?;
    let mut package = Cargo::new(
        "package --workspace --exclude smart-tests --exclude smart-browser-tests --exclude xtask",
    );
    if allow_dirty {
        package = package.arg("--allow-dirty");
    }
    forget_earlier_packages(&workspace.version)?;
    eprintln!("$ {}", package.line());
    package.run()?;

    let scratch = Scratch::new("smart-downstream")?;
    for name in [
        "smart-jose",
        "smart-discovery",
        "smart-oidc",
        "smart-redis",
        "smart-axum",
    ] {
        unpack(&workspace, name, scratch.path())?;
    }
    for user in &USERS {
        eprintln!("\n== {}: uses {} ==", user.name, user.depends_on);
        try_user(root, &workspace, user, scratch.path())?;
    }
    println!("downstream: {} users build and run", USERS.len());
    Ok(())
}

fn workspace(metadata: &str) -> Result<Workspace, String> {
    let value: Value = serde_json::from_str(metadata)
        .map_err(|error| format!("cannot read what cargo metadata printed: {error}"))?;
    let target = value.get("target_directory").and_then(Value::as_str);
    let packages = value.get("packages").and_then(Value::as_array);
    let version = packages.into_iter().flatten().find_map(|package| {
        let is_ours = package.get("name").and_then(Value::as_str) == Some("smart-jose");
        package
            .get("version")
            .and_then(Value::as_str)
            .filter(|_| is_ours)
    });
    match (target, version) {
        (Some(target), Some(version)) => Ok(Workspace {
            version: version.to_owned(),
            target: PathBuf::from(target),
        }),
        _ => Err("cargo metadata names no target folder or no smart-jose".to_owned()),
    }
}

fn unpack(workspace: &Workspace, name: &str, into: &Path) -> Result<(), String> {
    let file = workspace
        .target
        .join(format!("package/{name}-{}.crate", workspace.version));
    let status = Command::new("tar")
        .arg("xzf")
        .arg(&file)
        .arg("-C")
        .arg(into)
        .status()
        .map_err(|error| format!("cannot start tar: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("tar could not unpack {}", file.display()))
    }
}

fn try_user(root: &Path, workspace: &Workspace, user: &User, all: &Path) -> Result<(), String> {
    let folder = all.join(user.name);
    let say = |error: std::io::Error| format!("cannot write in {}: {error}", folder.display());
    std::fs::create_dir_all(folder.join("src")).map_err(say)?;
    std::fs::write(
        folder.join("Cargo.toml"),
        manifest(user, &workspace.version),
    )
    .map_err(say)?;
    let main = format!(
        "fn main() {{\n    println!(\"{{}}\", {});\n}}\n",
        user.prints
    );
    std::fs::write(folder.join("src/main.rs"), main).map_err(say)?;
    // With our lock file the versions are those that were tested, and not today's newest.
    std::fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).map_err(say)?;

    // One target folder for all, kept between runs, so that only our own crates are built again.
    let target = workspace.target.join("downstream");
    let cargo = |line: &str| {
        Cargo::new(line)
            .folder(&folder)
            .env("CARGO_TARGET_DIR", &target.to_string_lossy())
    };
    cargo("build").run()?;
    let printed = cargo("run --quiet").output()?;
    let tree = cargo("tree -e normal,build --prefix none --format").arg(cargo_tree::FORMAT);
    let problems = problems(user, printed.trim(), &cargo_tree::packages(&tree.output()?));
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems.join("\n"))
    }
}

fn manifest(user: &User, version: &str) -> String {
    // The version is exact, as a newer one in the registry would win over the patch.
    let mut manifest = format!(
        "[package]\nname = \"{}\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
         [dependencies]\n{} = {{ version = \"={version}\"{} }}\n\n[patch.crates-io]\n",
        user.name, user.depends_on, user.options
    );
    for ours in user.ours {
        manifest.push_str(&format!("{ours} = {{ path = \"../{ours}-{version}\" }}\n"));
    }
    // It is a workspace of its own, wherever the folder happens to be.
    manifest.push_str("\n[workspace]\n\n[profile.dev]\ndebug = false\n");
    manifest
}

fn problems(user: &User, printed: &str, packages: &Packages) -> Vec<String> {
    let mut problems = Vec::new();
    if printed.is_empty() || printed == user.wrong_output {
        problems.push(format!("{} printed `{printed}`", user.name));
    }
    for name in cargo_tree::present(packages, user.absent) {
        problems.push(format!("{} has {name} in its tree", user.name));
    }
    for name in user.present {
        if !packages.contains_key(*name) {
            problems.push(format!("{} has no {name} in its tree", user.name));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_gives_the_version_and_the_target_folder() {
        let json = r#"{"packages": [{"name": "xtask", "version": "9.9.9"},
            {"name": "smart-jose", "version": "0.1.0"}], "target_directory": "somewhere"}"#;
        let expected = Workspace {
            version: "0.1.0".to_owned(),
            target: "somewhere".into(),
        };
        assert_eq!(workspace(json), Ok(expected));
        assert!(workspace("{}").is_err());
    }

    #[test]
    fn a_manifest_patches_each_of_our_crates() {
        let [_, user, ..] = &USERS;
        let manifest = manifest(user, "0.1.0");
        assert!(manifest.contains("smart-discovery = { version = \"=0.1.0\", default-features"));
        assert!(manifest.contains("smart-jose = { path = \"../smart-jose-0.1.0\" }"));
    }

    #[test]
    fn what_is_missing_and_what_is_too_much_are_both_named() {
        let [_, _, user, ..] = &USERS;
        let good = cargo_tree::packages("aws-lc-rs v1.19.0|\n");
        assert!(problems(user, "10", &good).is_empty());
        assert_eq!(
            problems(user, "0", &cargo_tree::packages("ring v0.17.14|\n")).len(),
            3
        );
    }
}
