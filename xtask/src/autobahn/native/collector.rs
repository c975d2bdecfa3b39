//! The results from the threads that run cases.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Error, Result};
use ws_conformance::record::Record;
use ws_conformance::report::Reports;
use ws_conformance::settings::StopFlag;

/// Writes reports, and stores the progress of the run.
pub(super) struct Collector {
    stop: StopFlag,
    state: Mutex<State>,
}

struct State {
    reports: Reports,
    done: usize,
    latest: String,
    /// The reason why the run was stopped.
    error: Option<Error>,
}

impl Collector {
    /// Creates a collector that writes reports into `dir`.
    pub(super) fn new(dir: &Path, stop: StopFlag) -> Result<Self> {
        let state = State {
            reports: Reports::open(dir)?,
            done: 0,
            latest: String::new(),
            error: None,
        };
        Ok(Self {
            stop,
            state: Mutex::new(state),
        })
    }

    /// Adds the record of a case.
    pub(super) fn finished(&self, record: &Record) {
        let mut state = self.lock();
        state.done += 1;
        state.latest = record.id.to_string();
        if let Err(error) = state.reports.add(record) {
            self.stop.raise();
            state.error.get_or_insert(error.into());
        }
    }

    /// Stops the run for this reason.
    pub(super) fn give_up(&self, error: Error) {
        self.stop.raise();
        self.lock().error.get_or_insert(error);
    }

    /// Returns the number of completed cases, and the name of the last one.
    pub(super) fn progress(&self) -> (usize, String) {
        let state = self.lock();
        (state.done, state.latest.clone())
    }

    /// Returns the error that stopped the run, if there is one.
    pub(super) fn end(self) -> Result<()> {
        let state = self.state.into_inner();
        let state = state.unwrap_or_else(PoisonError::into_inner);
        state
            .error
            .map_or(Ok(()), |error| Err(error.context("the run was stopped")))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
