//! The text of the repository, read once and handed to every law.
//!
//! Laws take this and not the disk, so that a test can hand them a tree of two lines.

use std::collections::BTreeMap;
use std::path::Path;

use crate::tokens::{self, Token};

/// Folders that hold what was built or found, not what was written.
const NOT_OURS: [&str; 4] = ["target", "corpus", "artifacts", "node_modules"];

/// Hidden folders that hold what was written.
const HIDDEN_BUT_OURS: [&str; 3] = [".cargo", ".ci", ".github"];

/// Where the files of the modules lie that a file declares; it ends in `/`.
fn folder_of_modules(path: &str) -> String {
    for root in ["mod.rs", "lib.rs", "main.rs"] {
        if let Some(folder) = path.strip_suffix(root)
            && folder.ends_with('/')
        {
            return folder.to_owned();
        }
    }
    format!("{}/", path.strip_suffix(".rs").unwrap_or(path))
}

/// One text file.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) text: String,
    /// All tokens; none when it is not Rust.
    pub(crate) tokens: Vec<Token>,
    /// The tokens that are compiled outside tests.
    pub(crate) production: Vec<Token>,
    /// Modules declared for tests only, whose text is in another file.
    pub(crate) test_modules: Vec<String>,
    /// String literals; none when it is not Rust.
    pub(crate) strings: Vec<Token>,
}

/// All text files by their path from the root, with `/` between folders.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) files: BTreeMap<String, File>,
    /// Whether this is the real repository, where a law may ask `cargo`.
    pub(crate) on_disk: bool,
}

impl Tree {
    /// Reads the repository.
    pub(crate) fn read(root: &Path) -> Result<Self, String> {
        let mut tree = Self {
            on_disk: true,
            ..Self::default()
        };
        tree.read_folder(root, "")?;
        tree.set_tests_apart();
        Ok(tree)
    }

    /// A tree that exists only in a test.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let mut tree = Self::default();
        for (path, text) in files {
            tree.insert((*path).to_owned(), (*text).to_owned());
        }
        tree.set_tests_apart();
        tree
    }

    /// The files below this folder; it ends in `/`.
    pub(crate) fn under<'t>(
        &'t self,
        folder: &'t str,
    ) -> impl Iterator<Item = (&'t str, &'t File)> {
        self.files
            .iter()
            .map(|(path, file)| (path.as_str(), file))
            .filter(move |(path, _)| path.starts_with(folder))
    }

    /// The Rust files below these folders.
    pub(crate) fn rust<'t>(
        &'t self,
        folders: &'t [&'t str],
    ) -> impl Iterator<Item = (&'t str, &'t File)> {
        folders
            .iter()
            .flat_map(|folder| self.under(folder))
            .filter(|(path, _)| path.ends_with(".rs"))
    }

    fn read_folder(&mut self, folder: &Path, prefix: &str) -> Result<(), String> {
        let say = |error: std::io::Error| format!("cannot read {}: {error}", folder.display());
        for entry in std::fs::read_dir(folder).map_err(say)? {
            let entry = entry.map_err(say)?;
            let Ok(name) = entry.file_name().into_string() else {
                return Err(format!("a name in {} is not UTF-8", folder.display()));
            };
            let path = format!("{prefix}{name}");
            let kind = entry.file_type().map_err(say)?;
            let hidden = name.starts_with('.') && !HIDDEN_BUT_OURS.contains(&name.as_str());
            if kind.is_dir() {
                if !hidden && !NOT_OURS.contains(&name.as_str()) {
                    self.read_folder(&entry.path(), &format!("{path}/"))?;
                }
            } else if kind.is_file() {
                let bytes = std::fs::read(entry.path()).map_err(say)?;
                // What is not text is a fixture, and no law reads it.
                if let Ok(text) = String::from_utf8(bytes) {
                    self.insert(path, text);
                }
            }
        }
        Ok(())
    }

    /// A file that another one declares for tests only has nothing that is compiled outside them,
    /// and nor has what lies below it.
    fn set_tests_apart(&mut self) {
        let declared = self.files.iter().flat_map(|(path, file)| {
            let folder = folder_of_modules(path);
            let names = file.test_modules.iter();
            names.map(move |name| format!("{folder}{name}"))
        });
        let declared: Vec<String> = declared.collect();
        for (path, file) in &mut self.files {
            let is_test = declared.iter().any(|module| {
                let rest = path.strip_prefix(module.as_str());
                rest.is_some_and(|it| it == ".rs" || it.starts_with('/'))
            });
            if is_test {
                file.production.clear();
            }
        }
    }

    fn insert(&mut self, path: String, text: String) {
        let scan = if path.ends_with(".rs") {
            tokens::scan(&text)
        } else {
            tokens::Scan::default()
        };
        let (production, test_modules) = tokens::without_tests(&scan.tokens);
        let file = File {
            text,
            tokens: scan.tokens,
            production,
            test_modules,
            strings: scan.strings,
        };
        self.files.insert(path, file);
    }
}
