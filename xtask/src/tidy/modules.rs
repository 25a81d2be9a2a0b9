//! Laws about the module graph: it has no cycle, and `error` stands on top of it.
//!
//! Without a cycle every module has a rank, and a reader can start at the bottom and never meet
//! something unexplained. A node is a file. A name that a parent re-exports leads to the child that
//! defines it, so a cycle cannot hide behind a re-export; one that leads to no child is the
//! parent's own. A parent's `mod` and `pub use` of its children are no edges: they are its index.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::paths::{self, Named};
use super::{LIBRARIES, Violation};
use crate::tree::{File, Tree};

/// A module's path; the crate's root has none.
type Module = Vec<String>;

/// How many re-exports may lead to one another before we stop following.
const LONGEST_CHAIN: usize = 8;

/// One crate's files and who uses whom.
struct Graph<'t> {
    files: BTreeMap<Module, (&'t str, &'t File)>,
    names: BTreeMap<Module, Vec<Named>>,
    /// From a module to each that it uses, with the first line that does.
    edges: BTreeMap<Module, BTreeMap<Module, usize>>,
}

/// The modules of a crate form no cycle.
pub(super) fn no_cycle(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for name in crates(tree) {
        let graph = Graph::new(tree, name);
        let mut told: BTreeSet<&Module> = BTreeSet::new();
        for start in graph.files.keys() {
            let Some(cycle) = graph.way_back(start).filter(|_| !told.contains(start)) else {
                continue;
            };
            // One sentence for all that lie on a common cycle, not one for each.
            let reached = graph.reachable(start);
            told.extend(
                reached
                    .iter()
                    .filter(|other| graph.reachable(other).contains(start)),
            );
            let line = cycle
                .get(1)
                .and_then(|next| graph.edges.get(start)?.get(*next));
            let names: Vec<String> = cycle.into_iter().map(shown).collect();
            found.push(Violation {
                path: graph.path(start),
                line: line.copied().unwrap_or(1),
                sentence: format!("modules form a cycle: {}", names.join(" -> ")),
                law: "module-cycle",
            });
        }
    }
    found
}

/// Errors are defined beside the code that raises them; `error` only gathers them, for the front.
pub(super) fn error_is_on_top(tree: &Tree) -> Vec<Violation> {
    let error = vec!["error".to_owned()];
    let mut found = Vec::new();
    for name in LIBRARIES {
        let graph = Graph::new(tree, name);
        for (module, edges) in &graph.edges {
            let is_front = module.is_empty() || shown(module) == "flow";
            if let Some(line) = edges.get(&error).filter(|_| !is_front) {
                found.push(Violation {
                    path: graph.path(module),
                    line: *line,
                    sentence: "only lib.rs and flow.rs import `error`; return your own error"
                        .to_owned(),
                    law: "error-import",
                });
            }
        }
    }
    found
}

/// The crates that there are, by the name of their folder.
fn crates(tree: &Tree) -> BTreeSet<&str> {
    tree.under("crates/")
        .filter_map(|(path, _)| path.strip_prefix("crates/")?.split_once("/src/"))
        .map(|(name, _)| name)
        .collect()
}

fn shown(module: &Module) -> String {
    if module.is_empty() {
        "lib".to_owned()
    } else {
        module.join("/")
    }
}

/// `jwk/mod.rs` and `jwk.rs` are the module `jwk`; `lib.rs` and a lone `main.rs` are the root.
fn module_of(file: &str, has_lib: bool) -> Option<Module> {
    let stem = file.strip_suffix(".rs")?;
    let stem = stem.strip_suffix("/mod").unwrap_or(stem);
    match stem {
        "lib" => Some(Module::new()),
        "main" if !has_lib => Some(Module::new()),
        _ => Some(stem.split('/').map(str::to_owned).collect()),
    }
}

impl<'t> Graph<'t> {
    fn new(tree: &'t Tree, name: &str) -> Self {
        let folder = format!("crates/{name}/src/");
        let has_lib = tree.files.contains_key(&format!("{folder}lib.rs"));
        let mut files: BTreeMap<Module, (&str, &File)> = BTreeMap::new();
        for (path, file) in &tree.files {
            let module = path
                .strip_prefix(&folder)
                .and_then(|rest| module_of(rest, has_lib));
            if let Some(module) = module {
                files.insert(module, (path.as_str(), file));
            }
        }
        for test in test_modules(&files) {
            files.retain(|module, _| !module.starts_with(&test));
        }
        let names = files
            .iter()
            .map(|(module, (_, file))| {
                let children = children(&files, module);
                (module.clone(), paths::named(&file.production, &children))
            })
            .collect();
        let mut graph = Self {
            files,
            names,
            edges: BTreeMap::new(),
        };
        graph.edges = graph.all_edges();
        graph
    }

    fn path(&self, module: &Module) -> String {
        self.files
            .get(module)
            .map_or_else(|| shown(module), |(path, _)| (*path).to_owned())
    }

    fn all_edges(&self) -> BTreeMap<Module, BTreeMap<Module, usize>> {
        let mut edges: BTreeMap<Module, BTreeMap<Module, usize>> = BTreeMap::new();
        for (module, names) in &self.names {
            for named in names {
                let Some(target) = self.target(module, named, 0) else {
                    continue;
                };
                let is_index = named.import.as_ref().is_some_and(|import| import.public)
                    && target.starts_with(module);
                if target != *module && !is_index {
                    edges
                        .entry(module.clone())
                        .or_default()
                        .entry(target)
                        .or_insert(named.line);
                }
            }
        }
        edges
    }

    /// The module that a path leads to; none when it leads out of the crate.
    fn target(&self, from: &Module, named: &Named, chain: usize) -> Option<Module> {
        let mut at: Module = from.iter().chain(&named.inside).cloned().collect();
        let mut segments = named.segments.iter();
        let first = segments.next()?;
        match first.as_str() {
            "crate" => at.clear(),
            "self" => {}
            "super" => {
                at.pop();
            }
            child => {
                at.push(child.to_owned());
                if !self.files.contains_key(&at) {
                    return None;
                }
            }
        }
        for segment in segments {
            if segment == "super" {
                at.pop();
                continue;
            }
            at.push(segment.clone());
            if !self.files.contains_key(&at) {
                at.pop();
                let through = self.re_exported(&at, segment, chain);
                return through.or_else(|| Some(self.deepest(at)));
            }
        }
        Some(self.deepest(at))
    }

    /// Where a module got a name that it imports from this crate.
    fn re_exported(&self, module: &Module, name: &str, chain: usize) -> Option<Module> {
        if chain >= LONGEST_CHAIN {
            return None;
        }
        let named = self.names.get(module)?.iter().find(|named| {
            named.inside.is_empty() && named.import.as_ref().is_some_and(|i| i.name == name)
        })?;
        self.target(module, named, chain + 1)
    }

    /// An inline module belongs to its file.
    fn deepest(&self, mut module: Module) -> Module {
        while !module.is_empty() && !self.files.contains_key(&module) {
            module.pop();
        }
        module
    }

    fn next<'g>(&'g self, module: &Module) -> impl Iterator<Item = &'g Module> {
        self.edges.get(module).into_iter().flat_map(BTreeMap::keys)
    }

    fn reachable(&self, start: &Module) -> BTreeSet<&Module> {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&Module> = self.next(start).collect();
        while let Some(module) = open.pop() {
            if seen.insert(module) {
                open.extend(self.next(module));
            }
        }
        seen
    }

    /// The shortest way from a module to itself.
    fn way_back<'g>(&'g self, start: &'g Module) -> Option<Vec<&'g Module>> {
        let mut seen = BTreeSet::new();
        let mut ways = VecDeque::from([vec![start]]);
        while let Some(way) = ways.pop_front() {
            for next in self.next(way.last()?) {
                let longer: Vec<&Module> = way.iter().copied().chain([next]).collect();
                if next == start {
                    return Some(longer);
                }
                if seen.insert(next) {
                    ways.push_back(longer);
                }
            }
        }
        None
    }
}

fn children<'f>(files: &'f BTreeMap<Module, (&str, &File)>, module: &'f Module) -> Vec<&'f str> {
    files
        .keys()
        .filter(|other| other.len() == module.len() + 1 && other.starts_with(module))
        .filter_map(|other| other.last())
        .map(String::as_str)
        .collect()
}

fn test_modules(files: &BTreeMap<Module, (&str, &File)>) -> Vec<Module> {
    let mut modules = Vec::new();
    for (module, (_, file)) in files {
        for name in &file.test_modules {
            modules.push(module.iter().chain([name]).cloned().collect());
        }
    }
    modules
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentences(violations: &[Violation]) -> Vec<String> {
        violations
            .iter()
            .map(|v| format!("{}:{} {}", v.path, v.line, v.sentence))
            .collect()
    }

    #[test]
    fn a_cycle_is_shown_once_with_its_way() {
        let tree = Tree::of(&[
            (
                "crates/c/src/lib.rs",
                "pub mod a;\npub mod b;\npub use a::A;",
            ),
            ("crates/c/src/a.rs", "use crate::b::B;\npub struct A;"),
            (
                "crates/c/src/b.rs",
                "pub struct B;\nfn f() -> crate::A { crate::A }",
            ),
        ]);
        let expected = ["crates/c/src/a.rs:1 modules form a cycle: a -> b -> a"];
        assert_eq!(sentences(&no_cycle(&tree)), expected);
    }

    #[test]
    fn a_cycle_does_not_hide_behind_re_exports() {
        let tree = Tree::of(&[
            ("crates/c/src/lib.rs", "mod jwk; mod jws;"),
            ("crates/c/src/jwk/mod.rs", "mod entry;\npub use entry::Jwk;"),
            ("crates/c/src/jwk/entry.rs", "use crate::jws::Header;"),
            (
                "crates/c/src/jws/mod.rs",
                "mod header;\npub(crate) use header::Header;",
            ),
            ("crates/c/src/jws/header.rs", "use crate::jwk::Jwk;"),
        ]);
        let expected = [
            "crates/c/src/jwk/entry.rs:1 modules form a cycle: jwk/entry -> jws/header -> jwk/entry",
        ];
        assert_eq!(sentences(&no_cycle(&tree)), expected);
    }

    #[test]
    fn a_parent_that_works_with_its_child_is_not_its_childs_tool() {
        let tree = Tree::of(&[
            ("crates/c/src/lib.rs", "mod p;"),
            ("crates/c/src/p.rs", "mod q;\nstruct P;\nfn f() { q::g() }"),
            ("crates/c/src/p/q.rs", "use super::P;"),
        ]);
        assert_eq!(no_cycle(&tree).len(), 1);
    }

    #[test]
    fn ranked_modules_tests_and_comments_are_fine() {
        let tree = Tree::of(&[
            (
                "crates/c/src/lib.rs",
                "//! See crate::b.\nmod a; mod b; pub use b::B;",
            ),
            (
                "crates/c/src/a.rs",
                "//! [`crate::b::B`]\n#[cfg(test)]\nmod tests { use crate::b::B; }",
            ),
            (
                "crates/c/src/b/mod.rs",
                "use crate::a;\npub mod d;\npub use self::d::D;",
            ),
            (
                "crates/c/src/b/d.rs",
                "use crate::a::A;\n#[cfg(test)]\nmod checks;",
            ),
            (
                "crates/c/src/b/d/checks.rs",
                "use super::super::super::b::B; use crate::a::A;",
            ),
        ]);
        assert_eq!(sentences(&no_cycle(&tree)), [""; 0]);
    }

    #[test]
    fn error_is_imported_only_at_the_front() {
        let lib = "mod error; mod flow; mod low; mod lower; pub use error::Error;";
        let tree = Tree::of(&[
            ("crates/smart-oidc/src/lib.rs", lib),
            ("crates/smart-oidc/src/error.rs", "pub enum Error {}"),
            ("crates/smart-oidc/src/flow.rs", "use crate::error::Error;"),
            ("crates/smart-oidc/src/low.rs", "use crate::Error;"),
            (
                "crates/smart-oidc/src/lower.rs",
                "//! Not crate::error.\nuse std::error::Error;",
            ),
        ]);
        let found = error_is_on_top(&tree);
        assert_eq!(found.len(), 1);
        assert!(found.iter().all(|v| v.path.ends_with("/low.rs")));
    }
}
