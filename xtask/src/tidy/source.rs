//! One Rust file as the rules see it: the paths it names, what it defines, the lint levels it sets.
//!
//! This is not a parser. Rust's lexer gives the tokens, so comments and strings cannot be mistaken for code and code
//! inside macros counts like any other; the few shapes that the rules ask about are recognised in the token stream.

use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};

/// What the rules ask about one file.
#[derive(Debug, Default)]
pub(crate) struct Source {
    pub(crate) paths: Vec<NamedPath>,
    pub(crate) definitions: Vec<Definition>,
    pub(crate) lint_levels: Vec<LintLevel>,
    /// The file says `#![forbid(unsafe_code)]`.
    pub(crate) forbids_unsafe: bool,
}

/// A path of two or more segments; groups (`a::{b, c}`) come as one path each, a glob ends in `*`.
#[derive(Debug)]
pub(crate) struct NamedPath {
    pub(crate) segments: Vec<String>,
    /// The name behind `as`.
    pub(crate) alias: Option<String>,
    pub(crate) place: Place,
}

/// A function, type or module with its own name.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) place: Place,
    /// Lines from the name to the end of the body; 1 where there is none.
    pub(crate) lines: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Function,
    Type,
    Module,
}

/// One `#[allow]`, `#[expect]` (or their form inside `cfg_attr`).
#[derive(Debug)]
pub(crate) struct LintLevel {
    pub(crate) level: String,
    pub(crate) has_reason: bool,
    pub(crate) line: usize,
}

/// Where in the file something stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    pub(crate) line: usize,
    /// The inline modules around it, outermost first.
    pub(crate) scope: Vec<String>,
    /// Compiled for tests only.
    pub(crate) in_tests: bool,
}

impl Source {
    /// # Errors
    /// Where the text does not consist of Rust's tokens.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let tokens: TokenStream = text.parse().map_err(|error| format!("is not Rust: {error}"))?;
        let mut source = Self::default();
        source.walk(tokens, &Place::default());
        Ok(source)
    }

    fn walk(&mut self, tokens: TokenStream, around: &Place) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut here = around.clone();
        let mut item = Item::default();
        let mut at = 0;
        while at < tokens.len() {
            if let Some((inner, group)) = attribute(&tokens, at) {
                let for_tests = self.read_attribute(group);
                match inner {
                    Inner::Yes => here.in_tests |= for_tests,
                    Inner::No => item.for_tests |= for_tests,
                }
                at += if inner == Inner::Yes { 3 } else { 2 };
                continue;
            }
            match &tokens[at] {
                TokenTree::Group(group) => {
                    let mut place = here.clone();
                    place.in_tests |= item.for_tests;
                    if group.delimiter() == Delimiter::Brace {
                        place.scope.extend(item.module.take());
                        item = Item::default();
                    }
                    self.walk(group.stream(), &place);
                    at += 1;
                }
                TokenTree::Punct(mark) => {
                    if mark.as_char() == ';' {
                        item = Item::default();
                    }
                    at += 1;
                }
                TokenTree::Ident(_) => {
                    self.read_definition(&tokens, at, &here, &mut item);
                    let place = Place { in_tests: here.in_tests || item.for_tests, ..here.clone() };
                    at = self.read_path(&tokens, at, &mut Vec::new(), &place);
                }
                TokenTree::Literal(_) => at += 1,
            }
        }
    }

    /// Notes lint levels; says whether the attribute puts its item into the tests.
    fn read_attribute(&mut self, group: &Group) -> bool {
        let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
        let Some(name) = word(&tokens, 0) else { return false };
        let words = words(group.stream());
        if let Some(level) = words.iter().find(|word| matches!(word.as_str(), "allow" | "expect"))
            && matches!(name.as_str(), "allow" | "expect" | "cfg_attr")
        {
            let has_reason = words.iter().any(|word| word == "reason");
            let line = group.span_open().start().line;
            self.lint_levels.push(LintLevel { level: level.clone(), has_reason, line });
        }
        self.forbids_unsafe |= name == "forbid" && words.iter().any(|word| word == "unsafe_code");
        name == "test"
            || name == "cfg"
                && words.iter().any(|word| matches!(word.as_str(), "test" | "doctest"))
                && !words.iter().any(|word| word == "not")
    }

    fn read_definition(&mut self, tokens: &[TokenTree], at: usize, here: &Place, item: &mut Item) {
        let kind = match word(tokens, at).as_deref() {
            Some("fn") => Kind::Function,
            Some("struct" | "enum" | "union" | "trait" | "type") => Kind::Type,
            Some("mod") => Kind::Module,
            _ => return,
        };
        let Some(name) = word(tokens, at + 1) else { return };
        if kind == Kind::Module {
            item.module = Some(name.clone());
        }
        let line = tokens[at].span().start().line;
        let place = Place { line, in_tests: here.in_tests || item.for_tests, ..here.clone() };
        let lines = body_end(&tokens[at..]).map_or(1, |end| end + 1 - line);
        self.definitions.push(Definition { kind, name, place, lines });
    }

    /// Reads the path whose first segment stands at `at`, with `before` in front; returns the place behind it.
    fn read_path(
        &mut self,
        tokens: &[TokenTree],
        mut at: usize,
        before: &mut Vec<String>,
        place: &Place,
    ) -> usize {
        let line = tokens[at].span().start().line;
        let depth = before.len();
        while let Some(segment) = word(tokens, at) {
            if segment != "self" || before.is_empty() {
                before.push(segment);
            }
            at += 1;
            if !is_path_separator(tokens, at) {
                break;
            }
            match tokens.get(at + 2) {
                Some(TokenTree::Ident(_)) => at += 2,
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    self.read_path_group(group, before, place);
                    before.truncate(depth);
                    return at + 3;
                }
                Some(TokenTree::Punct(mark)) if mark.as_char() == '*' => {
                    before.push("*".into());
                    at += 3;
                    break;
                }
                _ => break,
            }
        }
        if before.len() >= 2 {
            let alias = (word(tokens, at).as_deref() == Some("as")).then(|| word(tokens, at + 1)).flatten();
            let place = Place { line, ..place.clone() };
            self.paths.push(NamedPath { segments: before.clone(), alias, place });
        }
        before.truncate(depth);
        at
    }

    fn read_path_group(&mut self, group: &Group, before: &mut Vec<String>, place: &Place) {
        let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
        for element in tokens.split(|token| is_mark(token, ',')) {
            if let Some(TokenTree::Ident(_)) = element.first() {
                self.read_path(element, 0, before, place);
            } else if let Some(star) = element.first().filter(|token| is_mark(token, '*')) {
                let segments = before.iter().cloned().chain(["*".into()]).collect();
                let place = Place { line: star.span().start().line, ..place.clone() };
                self.paths.push(NamedPath { segments, alias: None, place });
            }
        }
    }
}

/// What is known about the item that is being walked, from its attributes and first words.
#[derive(Default)]
struct Item {
    for_tests: bool,
    module: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inner {
    Yes,
    No,
}

/// The attribute that begins at `at`: `#[..]` or `#![..]`.
fn attribute(tokens: &[TokenTree], at: usize) -> Option<(Inner, &Group)> {
    if !is_mark(tokens.get(at)?, '#') {
        return None;
    }
    let inner = if is_mark(tokens.get(at + 1)?, '!') { Inner::Yes } else { Inner::No };
    match tokens.get(at + if inner == Inner::Yes { 2 } else { 1 })? {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => Some((inner, group)),
        _ => None,
    }
}

/// The line on which the body of the item at the front of `tokens` ends.
fn body_end(tokens: &[TokenTree]) -> Option<usize> {
    tokens.iter().take_while(|token| !is_mark(token, ';')).find_map(|token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
            Some(group.span_close().end().line)
        }
        _ => None,
    })
}

fn word(tokens: &[TokenTree], at: usize) -> Option<String> {
    match tokens.get(at) {
        Some(TokenTree::Ident(word)) => Some(word.to_string()),
        _ => None,
    }
}

/// Every word in `tokens`, however deep.
fn words(tokens: TokenStream) -> Vec<String> {
    tokens
        .into_iter()
        .flat_map(|token| match token {
            TokenTree::Ident(word) => vec![word.to_string()],
            TokenTree::Group(group) => words(group.stream()),
            TokenTree::Punct(_) | TokenTree::Literal(_) => Vec::new(),
        })
        .collect()
}

fn is_mark(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

fn is_path_separator(tokens: &[TokenTree], at: usize) -> bool {
    let joint = matches!(tokens.get(at), Some(TokenTree::Punct(first))
        if first.as_char() == ':' && first.spacing() == Spacing::Joint);
    joint && tokens.get(at + 1).is_some_and(|second| is_mark(second, ':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        Source::read(text).unwrap().paths.iter().map(|path| path.segments.join("::")).collect()
    }

    #[test]
    fn groups_globs_and_macros_give_one_path_each() {
        let text =
            "use std::{fs, io::{self, Read as _}}; use crate::a::*; macro_rules! m { () => { ::x::y!() } }";
        assert_eq!(paths(text), ["std::fs", "std::io", "std::io::Read", "crate::a::*", "x::y"]);
    }

    #[test]
    fn comments_strings_and_generic_arguments_are_not_paths() {
        let text = r#"
            //! std::fs
            /// crate::b
            fn f() { let s = "std::fs"; Vec::<crate::c::D>::new(); }
        "#;
        assert_eq!(paths(text), ["crate::c::D"]);
    }

    #[test]
    fn definitions_know_their_lines_and_their_modules() {
        let text = "mod a;\nmod b {\n  struct S { f: u8 }\n  fn f()\n  where u8: Copy\n  {\n  }\n}\ntype T = fn(u8);";
        let source = Source::read(text).unwrap();
        let found: Vec<_> = source
            .definitions
            .iter()
            .map(|item| (item.kind, item.name.as_str(), item.place.scope.join("::"), item.lines))
            .collect();
        assert_eq!(
            found,
            [
                (Kind::Module, "a", String::new(), 1),
                (Kind::Module, "b", String::new(), 7),
                (Kind::Type, "S", "b".into(), 1),
                (Kind::Function, "f", "b".into(), 4),
                (Kind::Type, "T", String::new(), 1),
            ]
        );
    }

    #[test]
    fn what_is_compiled_for_tests_is_known() {
        let text = "use std::a; #[cfg(test)] use std::b; use std::c; #[cfg(test)] mod t { use std::d; }
            #[cfg(not(test))] fn f() { std::e() } #[test] fn g() { std::h() } #[cfg(doctest)] mod r { use std::i; }";
        let source = Source::read(text).unwrap();
        let in_tests: Vec<_> = source
            .paths
            .iter()
            .filter(|path| path.place.in_tests)
            .map(|path| path.segments[1].as_str())
            .collect();
        assert_eq!(in_tests, ["b", "d", "h", "i"]);
        assert!(Source::read("#![cfg(test)] use std::a;").unwrap().paths[0].place.in_tests);
    }

    #[test]
    fn lint_levels_are_found_with_and_without_a_reason() {
        let text = "#![allow(x)]\n#[expect(y, reason = \"z\")]\n#[cfg_attr(q, allow(w))]\n#[derive(Debug)] struct S;";
        let levels = Source::read(text).unwrap().lint_levels;
        let found: Vec<_> = levels.iter().map(|it| (it.level.as_str(), it.has_reason, it.line)).collect();
        assert_eq!(found, [("allow", false, 1), ("expect", true, 2), ("allow", false, 3)]);
    }

    #[test]
    fn forbidding_unsafe_code_is_noticed() {
        assert!(Source::read("#![forbid(unsafe_code)]").unwrap().forbids_unsafe);
        assert!(!Source::read("//! #![forbid(unsafe_code)]").unwrap().forbids_unsafe);
    }
}
