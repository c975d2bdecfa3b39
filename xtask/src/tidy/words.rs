//! The rules of comments that a program can check: see "Words" in CONTRIBUTING.md.

use super::Finding;
use super::workspace::{Package, Workspace, doc_text};

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

/// Names of others with such a spelling, in lower case: a media type, the fields of report files of
/// the AutobahnTestSuite, and a name of rustls.
const KEPT: &[&str] = &[
    "octet-stream",
    "octet_stats",
    "octetstats",
    "octetsapplevel",
    "octetswebsocketlevel",
    "octetswirelevel",
    "unrecognisedname",
];

/// Finds lines that break a rule.
pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    workspace.packages.iter().flat_map(check_package).collect()
}

fn check_package(package: &Package) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &package.sources {
        let mut was_doc = false;
        let mut is_open = false;
        for (index, line) in source.text.lines().enumerate() {
            let doc = doc_text(line);
            let opening = doc.filter(|_| !was_doc).and_then(opening);
            was_doc = doc.is_some();
            for (what, remedy) in opening.into_iter().chain(faults(line, is_open)) {
                findings.push(package.finding(&source.path, index + 1, what, &remedy));
            }
            is_open = line.ends_with('\\') && is_quoted(line, is_open);
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

/// Returns the faults in a line, and their remedies. `is_open` is `true` if a string of the line
/// before continues in this line.
fn faults(line: &str, is_open: bool) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    if is_wide(line) {
        let what = format!("a comment is wider than {MAX_WIDTH} columns");
        faults.push((what, "wrap it".to_owned()));
    }
    let lower = KEPT
        .iter()
        .fold(line.to_lowercase(), |line, kept| line.replace(kept, ""));
    for (word, replacement) in REPLACED {
        let before = lower.split_once(word).map(|(before, _)| before);
        if before.is_some_and(|before| !is_quoted(before, is_open)) {
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

/// Returns `true` if the text after `before` is between quotation marks.
fn is_quoted(before: &str, is_open: bool) -> bool {
    let marks = before.matches('"').count() - before.matches("\\\"").count();
    (marks % 2 == 1) != is_open
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
