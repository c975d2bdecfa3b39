//! Rust as tokens: without comments and strings, with the bodies of macros.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

/// A complete path such as `std::io::Read`: `use std::{io::Read, net}` mentions `std::io::Read` and
/// `std::net`. A lone identifier is a path of one segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mention {
    pub(super) path: Vec<String>,
    /// The line, counted from 1.
    pub(super) line: usize,
}

impl Mention {
    /// Returns `true` if `wanted` (`io::Read`) occurs as consecutive segments of the path. A
    /// trailing `::` (`Event::`) requires that the path continues: a use, not the bare name of a
    /// re-export.
    pub(super) fn contains(&self, wanted: &str) -> bool {
        let (wanted, goes_on) = match wanted.strip_suffix("::") {
            Some(wanted) => (wanted, 1),
            None => (wanted, 0),
        };
        let wanted: Vec<_> = wanted.split("::").collect();
        let length = wanted.len();
        self.path
            .windows(length + goes_on)
            .any(|segments| segments[..length] == wanted)
    }
}

/// Returns all paths outside of items with `#[cfg(test)]`.
pub(super) fn mentions(tokens: TokenStream) -> Vec<Mention> {
    let mut found = Vec::new();
    walk(tokens, &[], &mut found);
    found
}

/// Calls `visit` with every identifier and keyword, including test code and bodies of macros.
pub(super) fn each_ident(tokens: TokenStream, visit: &mut impl FnMut(&Ident)) {
    for tree in tokens {
        match tree {
            TokenTree::Ident(ident) => visit(&ident),
            TokenTree::Group(group) => each_ident(group.stream(), visit),
            TokenTree::Literal(_) | TokenTree::Punct(_) => {}
        }
    }
}

/// Returns the level that an inner attribute of a crate root, `#![level(lint)]`, sets for `lint`.
pub(super) fn inner_lint_level(tokens: TokenStream, lint: &str) -> Option<String> {
    let trees: Vec<_> = tokens.into_iter().collect();
    trees.windows(3).find_map(|window| match window {
        [hash, bang, TokenTree::Group(group)] if is_punct(hash, '#') && is_punct(bang, '!') => {
            lint_level(group.stream(), lint)
        }
        _ => None,
    })
}

fn lint_level(attribute: TokenStream, lint: &str) -> Option<String> {
    let trees: Vec<_> = attribute.into_iter().collect();
    let [TokenTree::Ident(level), TokenTree::Group(lints)] = &trees[..] else {
        return None;
    };
    let mut named = false;
    each_ident(lints.stream(), &mut |ident| named |= ident == lint);
    named.then(|| level.to_string())
}

fn walk(tokens: TokenStream, prefix: &[String], found: &mut Vec<Mention>) {
    let trees: Vec<_> = tokens.into_iter().collect();
    let mut at = 0;
    while let Some(tree) = trees.get(at) {
        match tree {
            TokenTree::Punct(_) if is_cfg_test(&trees[at..]) => at = end_of_item(&trees, at + 2),
            TokenTree::Ident(ident) => at = walk_path(&trees, at, ident, prefix, found),
            TokenTree::Group(group) => {
                walk(group.stream(), &[], found);
                at += 1;
            }
            TokenTree::Literal(_) | TokenTree::Punct(_) => at += 1,
        }
    }
}

/// Follows the path that starts with `first` at `trees[at]`. Returns the index after it.
fn walk_path(
    trees: &[TokenTree],
    at: usize,
    first: &Ident,
    prefix: &[String],
    found: &mut Vec<Mention>,
) -> usize {
    let mut path = prefix.to_vec();
    path.push(first.to_string());
    let mut next = at + 1;
    while let [colon, colons, tree, ..] = &trees[next..]
        && is_punct(colon, ':')
        && is_punct(colons, ':')
    {
        match tree {
            TokenTree::Ident(segment) => path.push(segment.to_string()),
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                walk(group.stream(), &path, found);
                return next + 3;
            }
            TokenTree::Punct(punct) if punct.as_char() == '*' => path.push("*".into()),
            // A turbofish.
            _ => break,
        }
        next += 3;
    }
    found.push(Mention {
        path,
        line: first.span().start().line,
    });
    next
}

fn is_punct(tree: &TokenTree, wanted: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == wanted)
}

/// Returns `true` if `#[cfg(test)]` or `#[cfg(all(test, ...))]` starts here.
fn is_cfg_test(trees: &[TokenTree]) -> bool {
    let [hash, TokenTree::Group(attribute), ..] = trees else {
        return false;
    };
    if !is_punct(hash, '#') {
        return false;
    }
    let text: String = attribute
        .stream()
        .to_string()
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect();
    text == "cfg(test)" || text.starts_with("cfg(all(test,")
}

/// Returns the index after the item that starts at `at`: after its braces, its semicolon or its
/// comma.
fn end_of_item(trees: &[TokenTree], at: usize) -> usize {
    let is_end = |tree: &TokenTree| match tree {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(punct) => matches!(punct.as_char(), ';' | ','),
        TokenTree::Ident(_) | TokenTree::Literal(_) => false,
    };
    trees[at..]
        .iter()
        .position(is_end)
        .map_or(trees.len(), |length| at + length + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lex(text: &str) -> TokenStream {
        text.parse().unwrap()
    }

    fn paths(text: &str) -> Vec<String> {
        mentions(lex(text))
            .iter()
            .map(|mention| mention.path.join("::"))
            .collect()
    }

    #[test]
    fn use_trees_are_spelled_out() {
        assert_eq!(
            paths("use std::{io::{self, Read}, net};"),
            ["use", "std::io::self", "std::io::Read", "std::net"]
        );
        assert_eq!(paths("use a::b::*;"), ["use", "a::b::*"]);
        assert_eq!(paths("Vec::<u8>::new()"), ["Vec", "u8", "new"]);
    }

    #[test]
    fn macro_bodies_count_and_comments_and_strings_do_not() {
        assert_eq!(
            paths("m! { std::net::X } // std::fs\n/// std::fs\nconst A: B = \"std::fs\";"),
            ["m", "std::net::X", "doc", "const", "A", "B"]
        );
    }

    #[test]
    fn test_items_are_left_out() {
        assert_eq!(
            paths("#[cfg(test)] mod tests { use std::net; } fn f() {}"),
            ["fn", "f"]
        );
        assert_eq!(paths("#[cfg(test)] mod tests; struct S;"), ["struct", "S"]);
        assert_eq!(
            paths("#[cfg(all(test, unix))] use a::b; fn f() {}"),
            ["fn", "f"]
        );
        assert!(paths("#[cfg(not(test))] use a::b;").contains(&"a::b".to_owned()));
    }

    #[test]
    fn wanted_segments_must_be_consecutive() {
        let mention = Mention {
            path: vec!["std".into(), "io".into(), "Read".into()],
            line: 1,
        };
        assert!(mention.contains("io::Read") && mention.contains("std::io"));
        assert!(!mention.contains("std::Read") && !mention.contains("io::Rea"));
        assert!(mention.contains("io::") && !mention.contains("Read::"));
    }

    #[test]
    fn lint_levels_are_read_from_inner_attributes_only() {
        let level = |text| inner_lint_level(lex(text), "unsafe_code");
        assert_eq!(
            level("//! Doc\n#![no_std]\n#![deny(a, unsafe_code)]").unwrap(),
            "deny"
        );
        assert_eq!(level("#[forbid(unsafe_code)] mod a;"), None);
        assert_eq!(level("// #![forbid(unsafe_code)]"), None);
    }
}
