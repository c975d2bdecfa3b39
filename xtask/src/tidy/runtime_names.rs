//! Names of runtimes below the adapters, in code or comments. Code that names a runtime probably
//! assumes something that is different on other runtimes. Doc comments and the dependencies of
//! tests are exempt, because examples are written for the reader's runtime.

use super::Finding;
use super::workspace::{Package, Workspace, doc_text};

/// The crates that serve every runtime.
const PACKAGES: &[&str] = &["ws-proto", "ws-handshake", "ws-driver"];

/// The names, as sequences of words: `async-std`, `async_std` and `AsyncStd` are all `["async",
/// "std"]`, and `tokio_util` contains `["tokio"]`.
const NAMES: &[&[&str]] = &[
    &["async", "executor"],
    &["async", "global", "executor"],
    &["async", "io"],
    &["async", "std"],
    &["compio"],
    &["embassy"],
    &["glommio"],
    &["monoio"],
    &["smol"],
    &["tokio"],
];

const REMEDY: &str =
    "describe the requirement (a transport, a timer), and leave the name to the adapter";

/// Finds names of runtimes in the shared crates.
pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    PACKAGES
        .iter()
        .filter_map(|name| workspace.package(name))
        .flat_map(check_package)
        .collect()
}

fn check_package(package: &Package) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut check = |file: &str, text: &str| {
        let checked = text
            .lines()
            .enumerate()
            .filter(|(_, line)| doc_text(line).is_none());
        for (index, line) in checked {
            for name in names_in(line) {
                let what = format!("{} names the runtime `{name}`", package.name);
                findings.push(package.finding(file, index + 1, what, REMEDY));
            }
        }
    };
    check("Cargo.toml", &without_dev_dependencies(&package.manifest));
    for source in &package.sources {
        check(&source.path, &source.text);
    }
    findings
}

/// Returns the manifest with the dependencies of tests blank, so that the other lines keep their
/// numbers.
fn without_dev_dependencies(manifest: &str) -> String {
    let mut is_for_tests = false;
    let lines = manifest.lines().map(|line| {
        if line.starts_with('[') {
            is_for_tests = line.trim_end().ends_with("dev-dependencies]");
        }
        if is_for_tests { "" } else { line }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns the runtimes that a line names.
fn names_in(line: &str) -> Vec<String> {
    line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-')
        .map(words)
        .flat_map(|words| {
            NAMES
                .iter()
                .filter(move |name| words.windows(name.len()).any(|window| window == **name))
                .map(|name| name.join("-"))
        })
        .collect()
}

/// Splits `async-std`, `async_std` and `AsyncStd` into `["async", "std"]`.
fn words(identifier: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in identifier.chars() {
        if matches!(c, '-' | '_') || (c.is_ascii_uppercase() && was_lower) {
            words.push(String::new());
        }
        if !matches!(c, '-' | '_') {
            words
                .last_mut()
                .expect("starts with one word")
                .push(c.to_ascii_lowercase());
        }
        was_lower = c.is_ascii_lowercase();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::super::workspace::testing::{places, workspace};
    use super::*;

    #[test]
    fn every_spelling_is_found_in_code_and_comments() {
        for text in [
            "use tokio::io;",
            "// like tokio's",
            "use tokio_util::x;",
            "/// See `async-std`.",
            "async_std::task",
            "struct TokioIo;",
            "// ws-smol",
            "use async_io::Timer;",
        ] {
            assert_eq!(names_in(text).len(), 1, "{text}");
        }
    }

    #[test]
    fn other_words_are_not_names() {
        for text in [
            "async fn io()",
            "smolder",
            "std::io",
            "// asynchronous I/O, async, io",
            "",
        ] {
            assert_eq!(names_in(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn shared_crates_are_checked_and_adapters_are_not() {
        let files = [("src/lib.rs", "/// `ws_tokio::accept`\n// for tokio\n")];
        assert_eq!(
            places(&check(&workspace("ws-driver", &files))),
            ["crates/ws-driver/src/lib.rs:2"]
        );
        assert_eq!(check(&workspace("ws-tokio", &files)), []);
        assert_eq!(
            check(&workspace("ws-driver", &[("src/lib.rs", "fn a() {}\n")])),
            []
        );
    }

    #[test]
    fn manifests_are_checked_too() {
        let mut workspace = workspace("ws-proto", &[]);
        workspace.packages[0]
            .manifest
            .push_str("[dependencies]\ntokio = \"1\"\n[dev-dependencies]\nsmol = \"2\"\n");
        assert_eq!(places(&check(&workspace)), ["crates/ws-proto/Cargo.toml:4"]);
        workspace.packages[0]
            .manifest
            .push_str("[build-dependencies]\nsmol = \"2\"\n");
        assert_eq!(
            places(&check(&workspace)),
            [
                "crates/ws-proto/Cargo.toml:4",
                "crates/ws-proto/Cargo.toml:8"
            ]
        );
    }
}
