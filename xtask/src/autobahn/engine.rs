//! What runs the cases.

use std::num::NonZeroUsize;
use std::path::Path;

use anyhow::Result;
use clap::ValueEnum;
use ws_conformance::case::CaseId;

use super::native::Native;
use super::patience::Patience;
use super::plan::Run;
use super::wstest::Wstest;
use crate::certificates::Certificates;
use crate::progress::Progress;

/// The engines to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineKind {
    /// `ws-conformance`, the suite of this workspace
    Native,
    /// The original Autobahn test suite, a Python 2.7 program
    Wstest,
    /// One after the other; every case on which they disagree is listed
    Both,
}

/// What the engines can be tuned by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tuning {
    /// How much runs at a time.
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Where the masking keys of the native engine come from.
    pub(crate) seed: u64,
    /// Whether the native engine sends fewer messages.
    pub(crate) is_quick: bool,
}

/// A conformance suite that is ready to run.
pub(crate) trait Engine: Sync {
    /// The engine's name in paths and reports.
    fn name(&self) -> &'static str;

    /// Which version it is, and how it is installed.
    fn describe(&self) -> String;

    /// Whether it has this case.
    fn has(&self, case: CaseId) -> bool;

    /// Whether a quick run has this case.
    fn is_quick(&self, _case: CaseId) -> bool {
        true
    }

    /// How many testees it tests at a time.
    fn at_a_time(&self) -> NonZeroUsize {
        NonZeroUsize::MIN
    }

    /// Which suite its reports are of, if a run can go on from those of one that broke off.
    fn resumable(&self) -> Option<&'static str> {
        None
    }

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
    /// What it is told beside what its role needs.
    pub(crate) options: &'a [&'a str],
    /// Where reports go: a directory with nothing but what this engine has left there about other cases.
    pub(crate) dir: &'a Path,
    pub(crate) patience: Patience,
    pub(crate) progress: &'a mut Progress,
}

/// The engines of that kind. Installs what has not been installed, keeping it below `home`. With
/// `certificates`, the native engine speaks TLS.
pub(crate) fn prepare(
    kind: EngineKind,
    tuning: Tuning,
    certificates: Option<&Certificates>,
    home: &Path,
) -> Result<Vec<Box<dyn Engine>>> {
    let mut engines: Vec<Box<dyn Engine>> = Vec::new();
    if matches!(kind, EngineKind::Native | EngineKind::Both) {
        engines.push(Box::new(Native::prepare(tuning, certificates)?));
    }
    if matches!(kind, EngineKind::Wstest | EngineKind::Both) {
        engines.push(Box::new(Wstest::prepare(tuning, home)?));
    }
    Ok(engines)
}
