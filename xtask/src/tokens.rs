//! Rust source as a list of tokens: enough for laws about paths and attributes, without a parser.
//!
//! A law that greps lines is wrong as soon as a comment or a string says the forbidden word. Here
//! comments are gone, string literals are kept apart, and what only tests compile can be left out.

/// A word, `::`, or one character of punctuation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// Counted from 1.
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// One file's tokens and, apart from them, its string literals.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) tokens: Vec<Token>,
    pub(crate) strings: Vec<Token>,
}

/// Looks at tokens by position; beyond the end there is the empty word, which equals no token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'t>(pub(crate) &'t [Token]);

impl<'t> View<'t> {
    /// The word at this position.
    pub(crate) fn word(self, at: usize) -> &'t str {
        self.0.get(at).map_or("", |token| token.text.as_str())
    }

    /// The word `back` places before this position.
    pub(crate) fn before(self, at: usize, back: usize) -> &'t str {
        at.checked_sub(back).map_or("", |at| self.word(at))
    }

    /// The line of this position.
    pub(crate) fn line(self, at: usize) -> usize {
        self.0.get(at).map_or(0, |token| token.line)
    }

    /// Whether these words stand here.
    pub(crate) fn starts(self, at: usize, words: &[&str]) -> bool {
        words
            .iter()
            .enumerate()
            .all(|(offset, word)| self.word(at + offset) == *word)
    }

    /// The position just after the bracket that closes the one at `open`.
    pub(crate) fn after_group(self, open: usize) -> usize {
        let mut depth = 0_usize;
        for at in open..self.0.len() {
            match self.word(at) {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return at + 1;
                    }
                }
                _ => {}
            }
        }
        self.0.len()
    }
}

/// Whether it is an identifier or a keyword.
pub(crate) fn is_word(text: &str) -> bool {
    text.chars()
        .next()
        .is_some_and(|c| c.is_alphabetic() || c == '_')
}

/// Splits source into tokens; it never fails, as a file that is not Rust is the compiler's to tell.
pub(crate) fn scan(source: &str) -> Scan {
    let mut scanner = Scanner {
        chars: source.chars().collect(),
        at: 0,
        line: 1,
    };
    let mut scan = Scan::default();
    while let Some(c) = scanner.peek(0) {
        let line = scanner.line;
        if c.is_whitespace() {
            scanner.take();
        } else if c == '/' && scanner.peek(1) == Some('/') {
            scanner.take_while(|c| c != '\n');
        } else if c == '/' && scanner.peek(1) == Some('*') {
            scanner.block_comment();
        } else if let Some((prefix, hashes)) = scanner.raw_string() {
            let text = scanner.take_raw_string(prefix, hashes);
            scan.strings.push(Token { line, text });
        } else if c == '"' {
            let text = scanner.take_string();
            scan.strings.push(Token { line, text });
        } else if c == '\'' {
            scanner.character_or_lifetime();
        } else if c.is_alphanumeric() || c == '_' {
            let text = scanner.take_while(|c| c.is_alphanumeric() || c == '_');
            scan.tokens.push(Token { line, text });
        } else if c == ':' && scanner.peek(1) == Some(':') {
            scanner.take();
            scanner.take();
            scan.tokens.push(Token {
                line,
                text: "::".to_owned(),
            });
        } else {
            scanner.take();
            scan.tokens.push(Token {
                line,
                text: c.to_string(),
            });
        }
    }
    scan
}

struct Scanner {
    chars: Vec<char>,
    at: usize,
    line: usize,
}

impl Scanner {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek(0)?;
        self.at += 1;
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let mut text = String::new();
        while let Some(c) = self.peek(0).filter(|c| wanted(*c)) {
            text.push(c);
            self.take();
        }
        text
    }

    /// Block comments nest.
    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => {
                    depth += 1;
                    self.take();
                }
                (Some('*'), Some('/')) => {
                    depth = depth.saturating_sub(1);
                    self.take();
                }
                (None, _) => return,
                _ => {}
            }
            self.take();
            if depth == 0 {
                return;
            }
        }
    }

    /// Whether `r"`, `r#"`, `br"`, `cr"`... begins here: the length up to the quote, and the hashes.
    fn raw_string(&self) -> Option<(usize, usize)> {
        let letters = match (self.peek(0)?, self.peek(1)) {
            ('r', _) => 1,
            ('b' | 'c', Some('r')) => 2,
            _ => return None,
        };
        let mut hashes = 0;
        while self.peek(letters + hashes) == Some('#') {
            hashes += 1;
        }
        (self.peek(letters + hashes) == Some('"')).then_some((letters + hashes, hashes))
    }

    fn take_raw_string(&mut self, prefix: usize, hashes: usize) -> String {
        for _ in 0..=prefix {
            self.take();
        }
        let mut text = String::new();
        while let Some(c) = self.take() {
            if c == '"' && (0..hashes).all(|ahead| self.peek(ahead) == Some('#')) {
                for _ in 0..hashes {
                    self.take();
                }
                break;
            }
            text.push(c);
        }
        text
    }

    /// The escapes are kept as written: no law looks for a character that needs one.
    fn take_string(&mut self) -> String {
        self.take();
        let mut text = String::new();
        while let Some(c) = self.take() {
            match c {
                '"' => break,
                '\\' => {
                    text.push(c);
                    text.extend(self.take());
                }
                _ => text.push(c),
            }
        }
        text
    }

    /// `'a'` and `'\n'` are characters, `'a` is a lifetime; neither is of use to a law.
    fn character_or_lifetime(&mut self) {
        self.take();
        if self.peek(0) == Some('\\') {
            self.take();
            self.take();
            self.take_while(|c| c != '\'');
            self.take();
        } else if self.peek(1) == Some('\'') {
            self.take();
            self.take();
        } else {
            self.take_while(|c| c.is_alphanumeric() || c == '_');
        }
    }
}

/// The tokens without the items under `#[cfg(test)]`, and the names of the modules among these
/// whose text is in another file.
pub(crate) fn without_tests(tokens: &[Token]) -> (Vec<Token>, Vec<String>) {
    let view = View(tokens);
    let (mut kept, mut modules) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if is_test_gate(view, at) {
            let item = after_attributes(view, at);
            if view.word(item) == "mod" && view.word(item + 2) == ";" {
                modules.push(view.word(item + 1).to_owned());
            }
            at = after_item(view, item);
        } else {
            kept.push(token.clone());
            at += 1;
        }
    }
    (kept, modules)
}

fn is_test_gate(view: View<'_>, at: usize) -> bool {
    view.starts(at, &["#", "[", "cfg", "(", "test", ")"])
        || view.starts(at, &["#", "[", "cfg", "(", "all", "(", "test"])
}

/// The position of the first token after the attributes that begin here.
pub(crate) fn after_attributes(view: View<'_>, mut at: usize) -> usize {
    while view.starts(at, &["#", "["]) {
        at = view.after_group(at + 1);
    }
    at
}

/// An item ends at its `;` or at its closing brace; a field or an arm also ends at a comma.
fn after_item(view: View<'_>, start: usize) -> usize {
    const ITEMS: [&str; 16] = [
        "pub",
        "fn",
        "mod",
        "use",
        "impl",
        "struct",
        "enum",
        "const",
        "static",
        "trait",
        "type",
        "macro_rules",
        "async",
        "unsafe",
        "extern",
        "let",
    ];
    let is_item = ITEMS.contains(&view.word(start));
    let mut at = start;
    while at < view.0.len() {
        match view.word(at) {
            ";" => return at + 1,
            "," if !is_item => return at + 1,
            "}" => return at,
            "{" => return view.after_group(at),
            "(" | "[" => at = view.after_group(at),
            _ => at += 1,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> Vec<String> {
        scan(source)
            .tokens
            .into_iter()
            .map(|token| token.text)
            .collect()
    }

    #[test]
    fn comments_and_literals_are_no_tokens() {
        let source =
            "a // b\n/* c /* d */ e */ \"f\\\" g\" r#\"h \" i\"# 'j' '\\'' '\\u{1F600}' &'k l::m";
        assert_eq!(words(source), ["a", "&", "l", "::", "m"]);
    }

    #[test]
    fn strings_are_kept_apart_with_their_line() {
        let scan = scan("x\n  .y(\"one\", br\"two\")");
        let strings: Vec<_> = scan
            .strings
            .iter()
            .map(|s| (s.line, s.text.as_str()))
            .collect();
        assert_eq!(strings, [(2, "one"), (2, "two")]);
    }

    #[test]
    fn a_raw_identifier_is_not_a_string() {
        assert_eq!(words("r#fn r"), ["r", "#", "fn", "r"]);
    }

    #[test]
    fn test_items_are_left_out() {
        let source = "fn a() {}\n#[cfg(test)]\nuse b;\n#[cfg(test)]\n#[path = \"x\"]\nmod c;\n\
                      struct D { #[cfg(test)] e: F, g: H }\n#[cfg(test)]\nmod tests { fn i() {} }\nfn z() {}";
        let (kept, modules) = without_tests(&scan(source).tokens);
        let kept: Vec<_> = kept
            .iter()
            .map(|t| t.text.as_str())
            .filter(|t| is_word(t))
            .collect();
        assert_eq!(kept, ["fn", "a", "struct", "D", "g", "H", "fn", "z"]);
        assert_eq!(modules, ["c"]);
    }
}
