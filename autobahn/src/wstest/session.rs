//! The runs of the original suite, several at a time.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Result, bail};
use ws_conformance::report::{Index, Results};

use super::resume::{self, Subject};
use super::{Job, VERSION, Wstest};
use crate::engine::{Finished, Setup, found, fresh_dir};
use crate::plan::Run;
use ws_test_programs::progress::{Progress, Unit};
use ws_test_programs::{Outcome, interrupt};

/// The runs of one call.
pub(super) struct Session<'a> {
    pub(super) wstest: &'a Wstest,
    pub(super) setup: &'a Setup<'a>,
}

impl Session<'_> {
    /// Performs the runs, then prints their results. The result has the order of `runs`.
    pub(super) fn run_all(&self, runs: &[Run]) -> Result<Vec<Finished>> {
        let finished = self.perform(runs)?.into_iter();
        finished.map(|finished| self.judge(finished)).collect()
    }

    /// Prints the results of a run, and compares them with the expectations.
    fn judge(&self, mut finished: Finished) -> Result<Finished> {
        let (run, dir) = (&finished.run, &finished.dir);
        if !results(dir, run)?.is_empty() {
            let cases = run.cases(self.setup.selected);
            let checked = self.setup.suite.check(run, &cases, dir)?;
            finished.outcome = finished.outcome.map(|_| checked);
        }
        if let Err(error) = &finished.outcome {
            println!("{} could not be completed: {error:#}", finished.run.agent);
        }
        Ok(finished)
    }

    fn perform(&self, runs: &[Run]) -> Result<Vec<Finished>> {
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
        let workers = self.wstest.at_a_time.get().min(runs.len());
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
        let testee = self.setup.peers.find(&run.testee_name())?;
        let options = self.setup.testee_options(run.role);
        let dir = self.report_dir(run, testee, &options)?;
        let cases = run.cases(self.setup.selected);
        let left = resume::left(&cases, &results(&dir, run)?);
        let mut progress = self.progress(run, cases.len() - left.len(), left.len());
        let outcome = self.wstest.test(&mut Job {
            run,
            cases: &left,
            testee,
            options: &options,
            dir: &dir,
            patience: self.wstest.patience,
            progress: &mut progress,
        });
        let took = progress.end();
        println!("{}: {:.1} s", run.agent, took.as_secs_f64());
        // The suite skips cases that it cannot run, and reports success.
        let missing = resume::left(&cases, &results(&dir, run)?).len();
        let outcome = outcome.and_then(|()| match missing {
            0 => Ok(Outcome::Passed),
            _ => bail!("{missing} of {} cases not run", cases.len()),
        });
        Ok(Finished {
            run: run.clone(),
            dir,
            outcome,
        })
    }

    /// Returns the directory for the reports of a run. It is empty, unless the run continues an
    /// earlier one.
    fn report_dir(&self, run: &Run, testee: &Path, options: &[&str]) -> Result<PathBuf> {
        let dir = self.setup.output.join(&run.agent);
        let subject = Subject::new(VERSION, testee, options)?;
        if self.wstest.resume && subject.is_in(&dir) {
            return found(&dir);
        }
        if self.wstest.resume && dir.exists() {
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
        match self.wstest.at_a_time.get() {
            1 => Progress::new(&run.agent, left, Unit::CASE),
            _ => Progress::in_lines(&run.agent, left, Unit::CASE),
        }
    }
}

fn results(dir: &Path, run: &Run) -> Result<Results> {
    Ok(Index::read_if_there(dir)?.results(&run.agent))
}
