//! Which names a Rust file uses, read from its tokens.
//!
//! Use-trees are taken apart into one path each; other paths are found where they begin with
//! `crate`, `self`, `super` or the name of a child module.

use crate::tokens::{Token, View, is_word};

/// One path as it is written, seen from the module it is written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) line: usize,
    /// The inline modules around it, outermost first.
    pub(super) inside: Vec<String>,
    pub(super) segments: Vec<String>,
    pub(super) import: Option<Import>,
}

/// How a `use` brings a path in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Import {
    /// Whether it is a `pub use`, with or without a restriction.
    pub(super) public: bool,
    /// The name it has from here on; `*` for a glob.
    pub(super) name: String,
}

/// All paths in these tokens that may lead to a module of the same crate.
pub(super) fn named(tokens: &[Token], children: &[&str]) -> Vec<Named> {
    let view = View(tokens);
    let mut reader = Reader {
        view,
        inside: Vec::new(),
        depth: 0,
        found: Vec::new(),
    };
    let mut at = 0;
    while at < tokens.len() {
        at = reader.step(at, children);
    }
    reader.found
}

struct Reader<'t> {
    view: View<'t>,
    /// The inline modules that are open, with the depth of braces at which each closes.
    inside: Vec<(String, usize)>,
    depth: usize,
    found: Vec<Named>,
}

impl Reader<'_> {
    /// Reads what begins here and returns where to go on.
    fn step(&mut self, at: usize, children: &[&str]) -> usize {
        let view = self.view;
        match view.word(at) {
            "use" => {
                let public = matches!(view.before(at, 1), "pub" | ")");
                self.use_tree(at + 1, &[], public)
            }
            // `pub(in crate::a)` names who may see an item, not what it uses.
            "in" if view.before(at, 1) == "(" && view.before(at, 2) == "pub" => {
                view.after_group(at - 1)
            }
            "mod" if is_word(view.word(at + 1)) && view.word(at + 2) == "{" => {
                self.inside.push((view.word(at + 1).to_owned(), self.depth));
                self.depth += 1;
                at + 3
            }
            "{" => {
                self.depth += 1;
                at + 1
            }
            "}" => {
                self.depth = self.depth.saturating_sub(1);
                if self
                    .inside
                    .last()
                    .is_some_and(|(_, depth)| *depth == self.depth)
                {
                    self.inside.pop();
                }
                at + 1
            }
            word if view.word(at + 1) == "::" && self.begins_path(at, word, children) => {
                self.expression(at)
            }
            _ => at + 1,
        }
    }

    fn begins_path(&self, at: usize, word: &str, children: &[&str]) -> bool {
        let before = self.view.before(at, 1);
        before != "::"
            && before != "."
            && (matches!(word, "crate" | "self" | "super") || children.contains(&word))
    }

    /// A path outside of a `use`; it ends where something else than a word follows `::`.
    fn expression(&mut self, at: usize) -> usize {
        let mut segments = vec![self.view.word(at).to_owned()];
        let mut next = at + 1;
        while self.view.word(next) == "::" && is_word(self.view.word(next + 1)) {
            segments.push(self.view.word(next + 1).to_owned());
            next += 2;
        }
        self.push(at, segments, None);
        next
    }

    /// A use-tree, or a branch of one; returns the position of what ends it.
    fn use_tree(&mut self, at: usize, prefix: &[String], public: bool) -> usize {
        let mut segments = prefix.to_vec();
        let mut next = at;
        loop {
            match self.view.word(next) {
                "::" => next += 1,
                "{" => return self.branches(next, &segments, public),
                "*" => {
                    self.push(
                        at,
                        segments,
                        Some(Import {
                            public,
                            name: "*".to_owned(),
                        }),
                    );
                    return next + 1;
                }
                "as" => {
                    let name = self.view.word(next + 1).to_owned();
                    self.push(at, segments, Some(Import { public, name }));
                    return next + 2;
                }
                word if is_word(word) => {
                    // In `a::{self, B}` the word `self` is `a`; at the front it is this module.
                    if word != "self" || segments.is_empty() {
                        segments.push(word.to_owned());
                    }
                    next += 1;
                }
                _ => {
                    let name = segments.last().cloned().unwrap_or_default();
                    self.push(at, segments, Some(Import { public, name }));
                    return next;
                }
            }
        }
    }

    fn branches(&mut self, open: usize, segments: &[String], public: bool) -> usize {
        let mut next = open + 1;
        loop {
            match self.view.word(next) {
                "}" => return next + 1,
                "" => return next,
                "," => next += 1,
                _ => {
                    let after = self.use_tree(next, segments, public);
                    // Text that is not Rust must not hold us here.
                    next = after.max(next + 1);
                }
            }
        }
    }

    fn push(&mut self, at: usize, segments: Vec<String>, import: Option<Import>) {
        let inside = self.inside.iter().map(|(name, _)| name.clone()).collect();
        self.found.push(Named {
            line: self.view.line(at),
            inside,
            segments,
            import,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::scan;

    fn shown(source: &str) -> Vec<String> {
        named(&scan(source).tokens, &["child"])
            .into_iter()
            .map(|named| {
                let inside = named.inside.join("/");
                let import = named.import.map_or(String::new(), |import| {
                    format!(
                        " {} {}",
                        if import.public { "pub" } else { "use" },
                        import.name
                    )
                });
                format!(
                    "{}:{inside}:{}{import}",
                    named.line,
                    named.segments.join("::")
                )
            })
            .collect()
    }

    #[test]
    fn a_use_tree_is_taken_apart() {
        let expected = [
            "1::crate::a::B use B",
            "1::crate::c use c",
            "1::crate::c::D use E",
            "2::super use *",
            "3::child::F pub F",
        ];
        let source =
            "use crate::{a::B, c::{self, D as E}};\nuse super::*;\npub(crate) use child::F;";
        assert_eq!(shown(source), expected);
    }

    #[test]
    fn paths_in_expressions_are_found_and_visibility_is_none() {
        let source = "pub(in crate::a) fn f(x: Vec<super::B>) -> child::C {\n x::child::d; crate::e::<F>() }";
        assert_eq!(shown(source), ["1::super::B", "1::child::C", "2::crate::e"]);
    }

    #[test]
    fn an_inline_module_is_remembered_until_it_closes() {
        let source = "mod m { fn f() { super::A::new() } }\nfn g() { super::B::new() }";
        assert_eq!(shown(source), ["1:m:super::A::new", "2::super::B::new"]);
    }
}
