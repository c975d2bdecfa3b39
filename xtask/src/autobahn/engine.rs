//! What runs the cases.

use std::path::Path;

use anyhow::Result;
use clap::ValueEnum;

use super::cases::CaseId;
use super::patience::Patience;
use super::plan::Run;
use super::wstest::Wstest;
use crate::progress::Progress;

/// The engines to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineKind {
    /// The original Autobahn test suite, a Python 2.7 program
    Wstest,
}

/// A conformance suite that is ready to run.
pub(crate) trait Engine {
    /// The engine's name in paths and reports.
    fn name(&self) -> &'static str;

    /// Which version it is, and how it is installed.
    fn describe(&self) -> String;

    /// Runs the cases of `job`. Whatever reports there are lie in its directory afterwards, also
    /// after an error.
    fn test(&self, job: &mut Job<'_>) -> Result<()>;
}

/// One run for an engine.
pub(crate) struct Job<'a> {
    pub(crate) run: &'a Run,
    pub(crate) cases: &'a [CaseId],
    /// The program under test.
    pub(crate) testee: &'a Path,
    /// Where reports go: an empty directory.
    pub(crate) dir: &'a Path,
    pub(crate) patience: Patience,
    pub(crate) progress: &'a mut Progress,
}

/// Installs the engine if that has not been done, keeping what it needs below `home`.
pub(crate) fn prepare(kind: EngineKind, home: &Path) -> Result<Box<dyn Engine>> {
    match kind {
        EngineKind::Wstest => Ok(Box::new(Wstest::prepare(home)?)),
    }
}
