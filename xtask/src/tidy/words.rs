//! The rules of comments that a program can check: see "Words" in CONTRIBUTING.md.

use std::sync::LazyLock;

use regex::Regex;

use super::Finding;
use super::layers::{STRING, blank, regex};
use super::workspace::{Package, Workspace};

/// The longest line of a comment, in characters.
const MAX_WIDTH: usize = 100;

/// The first words of a doc comment that begin neither a sentence with a verb nor a noun phrase.
const OPENINGS: &[&str] = &[
    "How", "What", "When", "Where", "Whether", "Who", "Whoever", "Why",
];

/// Spellings and words that have one replacement.
const REPLACED: &[(&str, &str)] = &[
    ("behaviour", "behavior"),
    ("can't", "cannot"),
    ("colour", "color"),
    ("honour", "honor"),
    ("neighbour", "neighbor"),
    ("octet", "byte"),
    ("recognise", "recognize"),
    ("serialise", "serialize"),
];

/// Names of others with such a spelling: a media type, the fields of report files of the
/// AutobahnTestSuite, and a name of rustls.
const KEPT: &str = "octet-stream|octet_?stats|octets(app|websocket|wire)level|unrecognisedname";

/// Text whose words are not checked.
static UNCHECKED: LazyLock<Regex> = LazyLock::new(|| regex(&format!("{STRING}|(?i:{KEPT})")));

/// Finds lines that break a rule.
pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    workspace.packages.iter().flat_map(check_package).collect()
}

fn check_package(package: &Package) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &package.sources {
        let unquoted = blank(&source.text, &UNCHECKED);
        let mut was_doc = false;
        for (index, (line, unquoted)) in source.text.lines().zip(unquoted.lines()).enumerate() {
            let doc = doc_text(line);
            let opening = doc.filter(|_| !was_doc).and_then(opening);
            was_doc = doc.is_some();
            for (what, remedy) in opening.into_iter().chain(faults(line, unquoted)) {
                findings.push(package.finding(&source.path, index + 1, what, &remedy));
            }
        }
    }
    findings
}

/// Returns the fault in the first line of a doc comment, and the remedy.
fn opening(text: &str) -> Option<(String, String)> {
    let word = text.split_whitespace().next()?;
    OPENINGS.contains(&word).then(|| {
        let what = format!("a doc comment begins with {word:?}");
        let remedy = "begin with a verb in the third person or with a noun phrase";
        (what, remedy.to_owned())
    })
}

/// Returns the faults in a line, and their remedies.
fn faults(line: &str, unquoted: &str) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    if is_wide(line) {
        let what = format!("a comment is wider than {MAX_WIDTH} columns");
        faults.push((what, "wrap it".to_owned()));
    }
    let lower = unquoted.to_lowercase();
    for (word, replacement) in REPLACED.iter().filter(|(word, _)| lower.contains(word)) {
        faults.push((
            format!("{word:?} is not used here"),
            format!("write {replacement:?}"),
        ));
    }
    faults
}

/// Returns the text of a line of a doc comment.
fn doc_text(line: &str) -> Option<&str> {
    let line = line.trim_start();
    line.strip_prefix("///").or(line.strip_prefix("//!"))
}

/// Returns `true` for a comment that is too wide and can be wrapped. Rows of tables and addresses
/// cannot.
fn is_wide(line: &str) -> bool {
    let line = line.trim_end();
    let text = line.trim_start().trim_start_matches(['/', '!', ' ']);
    line.trim_start().starts_with("//")
        && line.chars().count() > MAX_WIDTH
        && text.contains(' ')
        && !text.starts_with('|')
        && !text.contains("://")
}

#[cfg(test)]
mod tests {
    use super::super::workspace::testing::{places, workspace};
    use super::*;

    fn lines_found(text: &str) -> Vec<String> {
        places(&check(&workspace("ws-proto", &[("src/a.rs", text)])))
    }

    #[test]
    fn an_opening_that_is_no_verb_and_no_noun_is_found_in_the_first_line_only() {
        let text =
            "/// Whether it is full.\nfn a() {}\n/// Returns the next.\n/// What follows, too.\n";
        assert_eq!(lines_found(text), ["crates/ws-proto/src/a.rs:1"]);
        assert_eq!(lines_found("//! What it does.\n").len(), 1);
        assert_eq!(lines_found("// What follows is a comment.\n"), [""; 0]);
    }

    #[test]
    fn a_wide_comment_is_found() {
        let words = "word ".repeat(21);
        assert_eq!(lines_found(&format!("    // {words}\n")).len(), 1);
        for text in [
            format!("let a = \"{words}\";\n"),
            format!("/// | {words} |\n"),
        ] {
            assert_eq!(lines_found(&text), [""; 0], "{text}");
        }
    }

    #[test]
    fn words_with_a_replacement_are_found_outside_of_quotations() {
        for text in ["fn octets() {}\n", "// Its behaviour.\n", "/// It can't.\n"] {
            assert_eq!(lines_found(text).len(), 1, "{text}");
        }
        for text in [
            "// \"each octet of the key\"\n",
            "// application/octet-stream\n",
        ] {
            assert_eq!(lines_found(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_quotation_of_several_lines_ends_with_its_quotation_mark() {
        let quoted =
            "const A: &str = \"each \\\n    octet of the \\\"key\\\" and \\\n    octet\";\n";
        assert_eq!(lines_found(quoted), [""; 0]);
        let place = "crates/ws-proto/src/a.rs:4";
        assert_eq!(lines_found(&format!("{quoted}fn octet() {{}}\n")), [place]);
    }

    #[test]
    fn names_of_others_are_kept() {
        let kept = "rx_octet_stats: json[\"incomingOctetsWireLevel\"],\n";
        assert_eq!(lines_found(kept), [""; 0]);
        assert_eq!(lines_found("rx_octets: 1,\n").len(), 1);
    }
}
