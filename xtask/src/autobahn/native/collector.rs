//! Takes in results from the threads that run cases.

use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use ws_conformance::record::Record;
use ws_conformance::report::{ReportError, Reports};
use ws_conformance::settings::StopFlag;

use crate::autobahn::engine::Job;

/// Writes reports, and remembers how far the run is.
pub(super) struct Collector {
    stop: StopFlag,
    state: Mutex<State>,
}

struct State {
    reports: Reports,
    done: usize,
    latest: String,
    error: Option<ReportError>,
}

impl Collector {
    pub(super) fn new(job: &Job<'_>, stop: StopFlag) -> Result<Self> {
        let state = State {
            reports: Reports::open(job.dir)?,
            done: 0,
            latest: String::new(),
            error: None,
        };
        Ok(Self {
            stop,
            state: Mutex::new(state),
        })
    }

    /// A case is over.
    pub(super) fn finished(&self, record: &Record) {
        let mut state = self.lock();
        state.done += 1;
        state.latest = record.id.to_string();
        if let Err(error) = state.reports.add(record) {
            self.stop.raise();
            state.error.get_or_insert(error);
        }
    }

    /// How many cases are over, and the name of the last one.
    pub(super) fn progress(&self) -> (usize, String) {
        let state = self.lock();
        (state.done, state.latest.clone())
    }

    /// Whether everything could be written.
    pub(super) fn end(self) -> Result<()> {
        let state = self.state.into_inner();
        let state = state.unwrap_or_else(PoisonError::into_inner);
        state
            .error
            .map_or(Ok(()), Err)
            .context("the run was stopped")
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
