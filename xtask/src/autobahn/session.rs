//! The runs of one engine.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result};
use ws_conformance::case::CaseId;
use ws_conformance::expect::{Assessment, Expectations, Standard};
use ws_conformance::report::{Index, Results};
use ws_conformance::role::Role;

use super::engine::{Engine, Job};
use super::patience::Patience;
use super::plan::Run;
use super::resume::{self, Subject};
use super::summary::{self, Finished};
use crate::certificates::Certificates;
use crate::interrupt;
use crate::programs::peers::Peers;
use crate::progress::{Progress, Unit};

/// The common settings of all runs of one engine.
pub(super) struct Session<'a> {
    pub(super) engine: &'a dyn Engine,
    pub(super) peers: &'a Peers,
    /// The options of every testee.
    pub(super) options: &'a [&'a str],
    /// The certificates, if all connections are over TLS.
    pub(super) certificates: Option<&'a Certificates>,
    pub(super) selected: &'a [CaseId],
    pub(super) expectations: &'a Expectations,
    /// The parent of the runs' report directories.
    pub(super) output: PathBuf,
    pub(super) patience: Patience,
    /// `true` if cases with a report of an earlier run do not run again.
    pub(super) resume: bool,
}

impl Session<'_> {
    /// Performs all runs, then prints their tables.
    pub(super) fn run_and_tell(&self, runs: &[Run], colors: bool) -> Result<Vec<Finished>> {
        let finished = self.run_all(runs)?;
        for finished in &finished {
            finished.print(colors);
        }
        let file = self.output.join("summary.json");
        let is_tls = self.certificates.is_some();
        let name = self.engine.name();
        summary::write(&file, name, is_tls, self.selected.len(), &finished)?;
        println!("\nsummary: {}", file.display());
        Ok(finished)
    }

    /// Performs the runs, as many at a time as the engine allows. A run that fails does not stop
    /// the rest. The result has the order of `runs`.
    fn run_all(&self, runs: &[Run]) -> Result<Vec<Finished>> {
        let waiting = Mutex::new(runs.iter().enumerate());
        let next = || {
            let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.next().filter(|_| !interrupt::requested())
        };
        let work = || -> Result<Vec<(usize, Finished)>> {
            let mut finished = Vec::new();
            while let Some((at, run)) = next() {
                finished.push((at, self.run_one(run)?));
            }
            Ok(finished)
        };
        let workers = self.engine.at_a_time().get().min(runs.len());
        let finished: Vec<Vec<_>> = thread::scope(|scope| {
            let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            let ended = workers.into_iter().map(|worker| worker.join());
            let results = ended.map(|ended| ended.expect("a failed run is an error"));
            results.collect::<Result<_>>()
        })?;
        let mut finished: Vec<_> = finished.into_iter().flatten().collect();
        finished.sort_by_key(|(at, _)| *at);
        Ok(finished.into_iter().map(|(_, finished)| finished).collect())
    }

    fn run_one(&self, run: &Run) -> Result<Finished> {
        let testee = self.peers.find(&run.testee_name())?;
        let options = self.options(run.role);
        let dir = self.report_dir(run, testee, &options)?;
        let cases = run.cases(self.selected);
        let left = resume::left(&cases, &self.results(&dir, run)?);
        let mut progress = self.progress(run, cases.len() - left.len(), left.len());
        let outcome = self.engine.test(&mut Job {
            run,
            cases: &left,
            testee,
            options: &options,
            dir: &dir,
            patience: self.patience,
            progress: &mut progress,
        });
        let took = progress.end();
        // The original writes no reports, and reports success, if it reached no testee.
        let results = self.results(&dir, run)?;
        let standard = match run.is_foreign() {
            true => Standard::Any,
            false => Standard::Listed(self.expectations),
        };
        let assessment = Assessment::new(&run.testee(), &cases, &results, standard);
        let mut error = outcome.err().map(|error| format!("{error:#}"));
        if error.is_none() && assessment.missing > 0 {
            // The suite skips cases that it cannot run, and reports success.
            let (missing, all) = (assessment.missing, cases.len());
            error = Some(format!("the suite left out {missing} of {all} cases"));
        }
        Ok(Finished {
            run: run.clone(),
            took,
            dir,
            results,
            assessment,
            error,
        })
    }

    /// Returns the options of a testee in this role.
    fn options(&self, role: Role) -> Vec<&str> {
        let mut options = self.options.to_vec();
        match (self.certificates, role) {
            (None, _) => {}
            (Some(certificates), Role::Server) => options.extend(certificates.server_options()),
            (Some(certificates), Role::Client) => options.extend(certificates.client_options()),
        }
        options
    }

    /// Returns the results so far of the selected cases.
    fn results(&self, dir: &Path, run: &Run) -> Result<Results> {
        let mut results = Index::read_if_there(dir)?.results(&run.agent);
        results.retain(|case, _| self.selected.contains(case));
        Ok(results)
    }

    /// Returns the directory for the reports of a run. It is empty, unless the run continues an
    /// earlier one.
    fn report_dir(&self, run: &Run, testee: &Path, options: &[&str]) -> Result<PathBuf> {
        let dir = self.output.join(&run.agent);
        let Some(suite) = self.engine.resumable() else {
            return fresh_dir(&dir);
        };
        let subject = Subject::new(suite, testee, options)?;
        if self.resume && subject.is_in(&dir) {
            return found(&dir);
        }
        if self.resume && dir.exists() {
            println!("{}: the reports are of another testee or suite", run.agent);
        }
        let dir = fresh_dir(&dir)?;
        subject.record_in(&dir)?;
        Ok(dir)
    }

    fn progress(&self, run: &Run, reported: usize, left: usize) -> Progress {
        if reported > 0 {
            println!("{}: {reported} cases are reported already", run.agent);
        }
        match self.engine.at_a_time().get() {
            1 => Progress::new(&run.agent, left, Unit::CASE),
            _ => Progress::in_lines(&run.agent, left, Unit::CASE),
        }
    }
}

/// Empties the directory for the reports of a run, so that reports of an earlier run do not count.
fn fresh_dir(dir: &Path) -> Result<PathBuf> {
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("cannot empty {}", dir.display()))?;
    }
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    found(dir)
}

fn found(dir: &Path) -> Result<PathBuf> {
    dir.canonicalize()
        .with_context(|| format!("cannot find {}", dir.display()))
}
