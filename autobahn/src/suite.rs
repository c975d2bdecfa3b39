//! The command `ws-conformance`, which runs cases, judges report folders, and compares them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use ws_conformance::case::CaseId;

use super::plan::Run;
use ws_test_programs::{Outcome, project};

/// The executable, and the options of all calls.
pub(super) struct Suite {
    pub(super) executable: PathBuf,
    pub(super) has_colors: bool,
}

impl Suite {
    /// Runs these words as a command. Its output is that of this program.
    pub(super) fn run(&self, words: impl FnOnce(&mut Command)) -> Result<Outcome> {
        let mut command = Command::new(&self.executable);
        words(&mut command);
        let status = command.status();
        let status = status.context("cannot start ws-conformance")?;
        Outcome::of("ws-conformance", status)
    }

    /// Judges the results of a run in `dir`, and prints them.
    pub(super) fn check(&self, run: &Run, cases: &[CaseId], dir: &Path) -> Result<Outcome> {
        let checked = self.run(|command| {
            command.arg("check").arg(dir);
            command.args(["--role", &run.role.to_string()]);
            command.args(["--cases", &list(cases)]);
            self.add_common(command, run);
        });
        Ok(run.excused(checked?))
    }

    /// Lists the cases with different verdicts in two folders.
    pub(super) fn compare(&self, one: &Path, other: &Path) -> Result<Outcome> {
        self.run(|command| {
            command.arg("compare").args([one, other]);
        })
    }

    /// Adds the expectations and the colors of a run.
    pub(super) fn add_common(&self, command: &mut Command, run: &Run) {
        if !run.is_foreign() {
            command.arg("--expect").arg(expectations());
        }
        if !self.has_colors {
            command.arg("--no-color");
        }
    }
}

/// Returns the file with the expectations on the project's own testees.
pub(super) fn expectations() -> PathBuf {
    project::root().join("autobahn/expectations.toml")
}

/// Returns cases as the value of an option.
pub(super) fn list(cases: &[CaseId]) -> String {
    let cases: Vec<_> = cases.iter().map(CaseId::to_string).collect();
    cases.join(",")
}
