//! The results of running cases, from any thread.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use ws_conformance::case::{Case, CaseId};
use ws_conformance::cases;
use ws_conformance::expect::{Assessment, Testee};
use ws_conformance::record::Record;
use ws_conformance::report::{Entry, ReportError, Reports, Results, dialogue, html};
use ws_conformance::settings::StopFlag;
use ws_conformance::verdict::Behavior;

use super::options::Plan;
use super::output::Output;
use super::progress::Progress;

/// Writes reports when results arrive, shows the progress, and stores the data for the end of the
/// run.
pub(super) struct Collector {
    output: Output,
    trace: bool,
    stop: StopFlag,
    state: Mutex<State>,
    /// Locked while pages are written, which takes too long for cases to wait for.
    pages: Mutex<()>,
    outdir: PathBuf,
}

struct State {
    reports: Reports,
    progress: Progress,
    collected: Collected,
    /// The cases that have begun and are not over.
    running: BTreeSet<CaseId>,
}

/// A run of a case. A case with an unexpected result runs twice, and the second run counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    First,
    Second,
}

/// The results so far.
#[derive(Default)]
pub(super) struct Collected {
    /// The results of each agent.
    pub(super) results: BTreeMap<String, Results>,
    /// The agents that have sent a message.
    pub(super) echoing: BTreeSet<String>,
    /// The report that could not be written. The run is then stopped.
    pub(super) error: Option<ReportError>,
    /// The duration of the run.
    pub(super) took: Duration,
}

impl Collector {
    /// Opens the folder for the reports of this run.
    pub(super) fn new(plan: &Plan, trace: bool) -> Result<Self> {
        let state = State {
            reports: Reports::open(&plan.outdir)?,
            progress: Progress::new(0),
            collected: Collected::default(),
            running: BTreeSet::new(),
        };
        Ok(Self {
            output: plan.output,
            trace,
            stop: plan.settings.stop.clone(),
            state: Mutex::new(state),
            pages: Mutex::default(),
            outdir: plan.outdir.clone(),
        })
    }

    /// Returns the cases whose results are unexpected, and adds them to the progress, because they
    /// run again.
    pub(super) fn to_retry(&self, testee: &Testee, plan: &Plan) -> Vec<&'static Case> {
        let mut state = self.lock();
        let none = Results::new();
        let results = state.collected.results.get(&testee.agent).unwrap_or(&none);
        let selected = plan.cases_for(&testee.agent);
        let assessment = Assessment::new(testee, &selected, results, plan.standard());
        let ran = assessment
            .unexpected
            .iter()
            .filter(|it| it.verdict.is_some());
        let again: Vec<_> = ran.filter_map(|it| cases::find(it.case)).collect();
        state.progress.expect_more(again.len());
        again
    }

    /// Adds the expected number of cases of an agent.
    pub(super) fn expect(&self, agent: &str, cases: usize) {
        let mut state = self.lock();
        if !state.collected.results.contains_key(agent) {
            state
                .collected
                .results
                .insert(agent.to_owned(), Results::new());
            state.progress.expect_more(cases);
        }
    }

    pub(super) fn started(&self, case: &Case) {
        let mut state = self.lock();
        state.running.insert(case.id());
        state.progress.started(&case.id().to_string());
    }

    /// Returns the cases that have begun and are not over.
    pub(super) fn running(&self) -> Vec<String> {
        let state = self.lock();
        state.running.iter().map(CaseId::to_string).collect()
    }

    /// Returns `true` if the case has begun and is not over.
    pub(super) fn is_running(&self, case: CaseId) -> bool {
        self.lock().running.contains(&case)
    }

    /// Returns `true` if the agent has a result of the case.
    pub(super) fn has_result(&self, agent: &str, case: CaseId) -> bool {
        let state = self.lock();
        let results = state.collected.results.get(agent);
        results.is_some_and(|results| results.contains_key(&case))
    }

    /// Returns `true` if a case of the agent has failed.
    pub(super) fn has_failed(&self, agent: &str) -> bool {
        let state = self.lock();
        let results = state.collected.results.get(agent);
        let failed = |entry: &Entry| entry.verdict.behavior == Behavior::Failed;
        results.is_some_and(|results| results.values().any(failed))
    }

    pub(super) fn finished(&self, record: Record, attempt: Attempt) {
        let mut state = self.lock();
        state.running.remove(&record.id);
        if self.trace {
            let text = dialogue::to_text(&record);
            let run = match attempt {
                Attempt::First => "",
                Attempt::Second => "second run: ",
            };
            let print = || self.output.line(format!("{run}{text}"));
            state.progress.suspend(print);
        }
        let added = match attempt {
            Attempt::First => state.reports.add(&record),
            Attempt::Second => state.reports.add_second_run(record.clone()),
        };
        match added {
            Ok(entry) => {
                let results = &mut state.collected.results;
                let results = results.entry(record.agent.clone()).or_default();
                results.insert(record.id, entry);
            }
            Err(error) => self.give_up(&mut state, error),
        }
        state.progress.finished_one();
        let mut opcodes = record.rx_frame_stats.keys();
        if opcodes.any(|opcode| matches!(opcode, 1 | 2)) {
            state.collected.echoing.insert(record.agent);
        }
    }

    /// Returns the number of results of each agent.
    pub(super) fn finished_cases(&self) -> Vec<(String, usize)> {
        let state = self.lock();
        let results = state.collected.results.iter();
        let counted = results.map(|(agent, results)| (agent.clone(), results.len()));
        counted.collect()
    }

    /// Writes the pages of an agent whose cases are over.
    pub(super) fn write_pages(&self, agent: &str) {
        let alone = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        let written = html::update(&self.outdir, &[agent]);
        drop(alone);
        if let Err(error) = written {
            self.give_up(&mut self.lock(), error);
        }
    }

    /// Stops the run, because a run without reports is useless.
    fn give_up(&self, state: &mut State, error: ReportError) {
        self.stop.raise();
        state.collected.error.get_or_insert(error);
    }

    /// Prints a line above the progress bar.
    pub(super) fn print(&self, line: &str) {
        self.lock().progress.suspend(|| self.output.line(line));
    }

    /// Ends the progress and returns the results.
    pub(super) fn end(&self) -> Collected {
        let mut state = self.lock();
        Collected {
            took: state.progress.end(),
            ..mem::take(&mut state.collected)
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
