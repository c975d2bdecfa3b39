//! The engines that run the cases.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;
use ws_conformance::case::{CaseId, Http};
use ws_conformance::role::Role;

use super::native::Native;
use super::plan::Run;
use super::suite::Suite;
use super::wstest::Wstest;
use ws_test_certificates::options::Certificates;
use ws_test_programs::Outcome;
use ws_test_programs::peers::Peers;

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
    /// `true` if cases with a report of an earlier run do not run again.
    pub(crate) resume: bool,
    /// The time without progress after which a run of `wstest` is stopped, in seconds.
    pub(crate) timeout: u64,
}

/// A conformance suite that is ready to run.
pub(crate) trait Engine {
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

    /// Performs the runs, and prints their results. A run that fails does not stop the rest.
    fn run_all(&self, runs: &[Run], setup: &Setup<'_>) -> Result<Vec<Finished>>;
}

/// The common settings of all runs of one engine.
pub(crate) struct Setup<'a> {
    pub(crate) suite: &'a Suite,
    pub(crate) peers: &'a Peers,
    /// The options of every testee.
    pub(crate) options: &'a [&'a str],
    /// The version of HTTP of all connections.
    pub(crate) http: Http,
    /// The certificates, if all connections are over TLS.
    pub(crate) certificates: Option<&'a Certificates>,
    pub(crate) selected: &'a [CaseId],
    /// The parent of the runs' report directories.
    pub(crate) output: PathBuf,
}

impl Setup<'_> {
    /// Returns the options of a testee in this role.
    pub(crate) fn testee_options(&self, role: Role) -> Vec<&str> {
        let mut options = self.options.to_vec();
        match (self.certificates, role) {
            (None, _) => {}
            (Some(certificates), Role::Server) => options.extend(certificates.server_options()),
            (Some(certificates), Role::Client) => options.extend(certificates.client_options()),
        }
        if (self.http, role) == (Http::Two, Role::Client) {
            options.push("--http2");
        }
        options
    }
}

/// A run that has ended, also after an error.
pub(crate) struct Finished {
    pub(crate) run: Run,
    /// The directory with the reports.
    pub(crate) dir: PathBuf,
    pub(crate) outcome: Result<Outcome>,
}

/// Prepares the engines of this kind. Installs a missing engine below `home`.
pub(crate) fn prepare(
    kind: EngineKind,
    tuning: Tuning,
    home: &Path,
) -> Result<Vec<Box<dyn Engine>>> {
    let mut engines: Vec<Box<dyn Engine>> = Vec::new();
    if matches!(kind, EngineKind::Native | EngineKind::Both) {
        engines.push(Box::new(Native { tuning }));
    }
    if matches!(kind, EngineKind::Wstest | EngineKind::Both) {
        engines.push(Box::new(Wstest::prepare(tuning, home)?));
    }
    Ok(engines)
}

/// Empties the directory for the reports of a run, so that reports of an earlier run do not count.
pub(crate) fn fresh_dir(dir: &Path) -> Result<PathBuf> {
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("cannot empty {}", dir.display()))?;
    }
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    found(dir)
}

/// Returns the full path of a directory.
pub(crate) fn found(dir: &Path) -> Result<PathBuf> {
    dir.canonicalize()
        .with_context(|| format!("cannot find {}", dir.display()))
}
