//! The engines that run the cases.

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

/// The engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineKind {
    /// `ws-conformance`, the suite of this workspace
    Native,
    /// The original Autobahn test suite, a Python 2.7 program
    Wstest,
    /// One after the other; every case on which they disagree is listed
    Both,
}

/// The settings of the engines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tuning {
    /// The number of parallel cases or testees.
    pub(crate) jobs: Option<NonZeroUsize>,
    /// The seed of the native engine's masking keys.
    pub(crate) seed: u64,
    /// `true` if the engines run a quick selection.
    pub(crate) is_quick: bool,
}

/// A conformance suite that is ready to run.
pub(crate) trait Engine: Sync {
    /// The engine's name in paths and reports.
    fn name(&self) -> &'static str;

    /// Describes the version and the installation.
    fn describe(&self) -> String;

    /// Returns `true` if the engine has this case.
    fn has(&self, case: CaseId) -> bool;

    /// Returns `true` if a quick run has this case.
    fn is_quick(&self, _case: CaseId) -> bool {
        true
    }

    /// Returns the number of testees at a time.
    fn at_a_time(&self) -> NonZeroUsize {
        NonZeroUsize::MIN
    }

    /// Returns the suite of the reports, if a run can continue with those of an interrupted run.
    fn resumable(&self) -> Option<&'static str> {
        None
    }

    /// Runs the cases of `job`. The reports are in its directory afterwards, also after an error.
    fn test(&self, job: &mut Job<'_>) -> Result<()>;
}

/// One run for an engine.
pub(crate) struct Job<'a> {
    pub(crate) run: &'a Run,
    pub(crate) cases: &'a [CaseId],
    /// The program under test.
    pub(crate) testee: &'a Path,
    /// The options of the program, besides those of its role.
    pub(crate) options: &'a [&'a str],
    /// The directory for reports. It contains only reports of this engine about other cases.
    pub(crate) dir: &'a Path,
    pub(crate) patience: Patience,
    pub(crate) progress: &'a mut Progress,
}

/// Prepares the engines of this kind. Installs a missing engine below `home`. With `certificates`,
/// the native engine uses TLS.
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
