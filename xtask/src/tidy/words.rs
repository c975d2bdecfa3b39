//! The rules of comments that a program can check: see "Words" in CONTRIBUTING.md.

use super::Finding;
use super::workspace::{Package, Workspace, doc_text};

/// The packages that do not follow the rules yet.
const EXEMPT: &[&str] = &["ws-conformance", "xtask"];

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

/// No file breaks a rule.
pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    workspace
        .packages
        .iter()
        .filter(|package| !EXEMPT.contains(&package.name.as_str()))
        .flat_map(check_package)
        .collect()
}

fn check_package(package: &Package) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &package.sources {
        let mut was_doc = false;
        for (index, line) in source.text.lines().enumerate() {
            let doc = doc_text(line);
            let opening = doc.filter(|_| !was_doc).and_then(opening);
            was_doc = doc.is_some();
            for (what, remedy) in opening.into_iter().chain(faults(line)) {
                findings.push(package.finding(&source.path, index + 1, what, &remedy));
            }
        }
    }
    findings
}

/// The fault in the first line of a doc comment, and the remedy.
fn opening(text: &str) -> Option<(String, String)> {
    let word = text.split_whitespace().next()?;
    OPENINGS.contains(&word).then(|| {
        let what = format!("a doc comment begins with {word:?}");
        let remedy = "begin with a verb in the third person or with a noun phrase";
        (what, remedy.to_owned())
    })
}

/// The faults in any line, and their remedies.
fn faults(line: &str) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    if is_wide(line) {
        let what = format!("a comment is wider than {MAX_WIDTH} columns");
        faults.push((what, "wrap it".to_owned()));
    }
    // The name of a media type, a name of rustls, and words of an RFC stay as they are.
    let lower = line
        .to_lowercase()
        .replace("octet-stream", "")
        .replace("unrecognisedname", "");
    for (word, replacement) in REPLACED {
        if lower.contains(word) && !is_quoted(&lower, word) {
            faults.push((
                format!("{word:?} is not used here"),
                format!("write {replacement:?}"),
            ));
        }
    }
    faults
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

/// Returns `true` if `word` stands between quotation marks on this line, as in a quotation.
fn is_quoted(line: &str, word: &str) -> bool {
    let before = line.split(word).next().unwrap_or_default();
    before.matches('"').count() % 2 == 1
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
    fn packages_that_follow_later_are_exempt() {
        let files = [("src/a.rs", "/// What it is.\n")];
        assert_eq!(check(&workspace("xtask", &files)), []);
    }
}
