//! A client that is started once for each case.

use std::cell::Cell;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use form_urlencoded::byte_serialize;
use ws_conformance::case::{Case, CaseId};
use ws_conformance::pool::{self, Jobs};

use super::client::Args;
use super::collector::Collector;
use super::options::Plan;
use super::program::{POLL_INTERVAL, Program};

/// The placeholder for the address of a case.
pub(super) const PLACEHOLDER: &str = "{case}";
/// The time for a client to connect, and to end after its case.
const TIME_TO_ACT: Duration = Duration::from_secs(15);
/// The time for the suite to notice that a client has ended.
const TIME_TO_NOTICE: Duration = Duration::from_secs(5);

/// The command of a client for one case.
pub(super) struct EachCase<'a> {
    program: &'a Program,
    plan: &'a Plan,
    collector: &'a Collector,
    /// The address of the suite, without a path.
    url: String,
    /// The name of the client in reports.
    agent: String,
    done: AtomicBool,
    error: Mutex<Option<String>>,
}

impl<'a> EachCase<'a> {
    /// Creates the runs of a program whose command has the placeholder.
    pub(super) fn new(
        program: &'a Program,
        args: &Args,
        url: String,
        plan: &'a Plan,
        collector: &'a Collector,
    ) -> Self {
        Self {
            program,
            plan,
            collector,
            url,
            agent: args.agent.clone().unwrap_or_else(|| name(&args.command)),
            done: AtomicBool::new(false),
            error: Mutex::default(),
        }
    }

    /// Runs these cases. Stops at the first one that cannot be run.
    pub(super) fn run(&self, cases: &[&'static Case], jobs: Jobs) {
        let stop = &self.plan.settings.stop;
        let selected = self.plan.cases_for(&self.agent);
        let mut cases = cases.to_vec();
        cases.retain(|case| selected.contains(&case.id()));
        pool::for_each(&cases, jobs, stop, |case| {
            if let Err(error) = self.run_case(case)
                && !stop.is_raised()
            {
                let mut first = self.error.lock().unwrap_or_else(PoisonError::into_inner);
                first.get_or_insert_with(|| format!("case {}: {error:#}", case.id()));
                stop.raise();
            }
        });
        self.done.store(true, Ordering::Release);
    }

    /// Returns `true` if no case will be run any more.
    pub(super) fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }

    /// Returns the error that ended the run.
    pub(super) fn into_error(self) -> Option<String> {
        let error = self.error.into_inner();
        error.unwrap_or_else(PoisonError::into_inner)
    }

    fn run_case(&self, case: &Case) -> Result<()> {
        let program = self.program.with(PLACEHOLDER, &self.address(case.id()));
        let running = program.start("", 0)?;
        let idle_since = Cell::new(Instant::now());
        let status = program.wait(|| {
            if self.collector.is_running(case.id()) {
                idle_since.set(Instant::now());
            }
            self.plan.settings.stop.is_raised() || idle_since.get().elapsed() > TIME_TO_ACT
        });
        drop(running);
        if self.has_result(case.id()) {
            return Ok(());
        }
        let words = program.last_words();
        match status {
            Some(status) => bail!("the program ended ({status}) without a result; {words}"),
            None => bail!(
                "the program did not run it within {} s; {words}",
                TIME_TO_ACT.as_secs()
            ),
        }
    }

    fn address(&self, case: CaseId) -> String {
        let agent: String = byte_serialize(self.agent.as_bytes()).collect();
        format!("{}/runCase?casetuple={case}&agent={agent}", self.url)
    }

    /// Waits a little for the result of a case whose client has ended.
    fn has_result(&self, case: CaseId) -> bool {
        let since = Instant::now();
        loop {
            if self.collector.has_result(&self.agent, case) {
                return true;
            }
            let is_over = !self.collector.is_running(case) && since.elapsed() > TIME_TO_NOTICE;
            if is_over || self.plan.settings.stop.is_raised() {
                return false;
            }
            thread::sleep(POLL_INTERVAL / 5);
        }
    }
}

/// Returns the name of the program.
fn name(words: &[String]) -> String {
    let program = words.first().map(Path::new);
    let stem = program.and_then(Path::file_stem).unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_named_after_its_program() {
        let words = ["./target/my-client.exe", "{case}"].map(str::to_owned);
        assert_eq!(name(&words), "my-client");
        assert_eq!(name(&[]), "");
    }
}
