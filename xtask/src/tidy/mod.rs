//! `cargo xtask tidy`: the boundaries between the crates, and other rules.
//!
//! Each rule is a function from an in-memory [`Workspace`] to findings. Its tests show a finding in
//! a small violation, and none in a clean counterpart.

mod dependencies;
mod layers;
mod links;
mod unsafe_code;
mod words;
mod workspace;

use std::fmt;

use anyhow::Result;

use crate::{Outcome, project};
use workspace::Workspace;

/// A rule: its name in findings, and the check.
type Rule = (&'static str, fn(&Workspace) -> Vec<Finding>);

const RULES: &[Rule] = &[
    ("dependencies", dependencies::check),
    ("layers", layers::check),
    ("unsafe-code", unsafe_code::check),
    ("links", links::check),
    ("words", words::check),
];

/// One violation of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    /// The path, relative to the workspace root, with `/`.
    file: String,
    /// The line, counted from 1.
    line: usize,
    /// The fault.
    what: String,
    /// The remedy.
    remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}: {}\n    {}",
            self.file, self.line, self.what, self.remedy
        )
    }
}

/// Applies every rule and prints the findings.
pub(crate) fn run() -> Result<Outcome> {
    let metadata = project::metadata()?;
    let workspace = Workspace::load(project::root(), &metadata)?;
    let mut count = 0;
    for (name, check) in RULES {
        for finding in check(&workspace) {
            println!("{finding}\n    rule: {name}\n");
            count += 1;
        }
    }
    println!(
        "tidy: {} rules over {} files in {} packages, {} documents, {count} finding(s)",
        RULES.len(),
        workspace
            .packages
            .iter()
            .map(|package| package.sources.len() + 1)
            .sum::<usize>(),
        workspace.packages.len(),
        workspace.documents.len(),
    );
    Ok(Outcome::passed_if(count == 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use workspace::testing::package;

    #[test]
    fn an_empty_package_breaks_no_rule() {
        let workspace = Workspace {
            root: project::root().to_owned(),
            packages: vec![package("ws-proto", &[])],
            documents: Vec::new(),
        };
        for (name, check) in RULES {
            assert_eq!(check(&workspace), [], "{name}");
        }
    }

    #[test]
    fn a_finding_shows_place_problem_and_remedy() {
        let finding = Finding {
            file: "crates/a/src/lib.rs".into(),
            line: 7,
            what: "`x` is wrong".into(),
            remedy: "do y".into(),
        };
        assert_eq!(
            finding.to_string(),
            "crates/a/src/lib.rs:7: `x` is wrong\n    do y"
        );
    }
}
