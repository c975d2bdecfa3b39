//! The testee is a server. The suite connects to it case by case, and ends by itself.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;
use ws_conformance::case::CaseId;

use super::{Job, Wstest, write_spec};
use ws_test_programs::server::EchoServer;
use ws_test_programs::supervise::{Line, Source, Supervised};
use ws_test_programs::watch::Watch;

/// The time for the suite to notice that the testee is gone, and to write its reports, which it
/// does only at its end.
const GRACE: Duration = Duration::from_secs(15);

/// Runs the job.
pub(super) fn test(wstest: &Wstest, job: &mut Job<'_>) -> Result<()> {
    let (sender, lines) = mpsc::channel();
    let mut watch = Watch::new(lines);
    let log = job.dir.join("testee.log");
    let start_up = job.patience.start_up;
    let mut testee =
        EchoServer::start(job.testee, job.options, &log, start_up, &sender, &mut watch)?;

    write_spec(
        job,
        json!({ "servers": [{ "agent": job.run.agent, "url": testee.url }] }),
    )?;
    let mut suite = wstest.start(job, "fuzzingclient", &sender)?;
    follow(job, &mut watch, &mut suite, &mut testee.process)
}

/// Waits until the suite has ended.
fn follow(
    job: &mut Job<'_>,
    watch: &mut Watch,
    suite: &mut Supervised,
    testee: &mut Supervised,
) -> Result<()> {
    let mut place = "start-up of the suite".to_owned();
    watch.enter(&*place, job.patience.start_up);
    loop {
        if let Some(line) = watch.next()? {
            if let Some(announced) = parse(&line) {
                place = announced.place(job.cases);
                watch.enter(&*place, announced.allowance(job));
                if let Announced::Case(case) = announced {
                    job.progress
                        .at(position(job.cases, case), &case.to_string());
                }
            }
            continue;
        }
        if let Some(status) = suite.try_wait()? {
            return match status.success() {
                true => Ok(()),
                false => Err(suite.died("the suite", status, &place)),
            };
        }
        if let Some(status) = testee.try_wait()? {
            let_it_report(watch, suite)?;
            return Err(testee.died("the testee", status, &place));
        }
    }
}

/// The state of the suite, from a line of its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Announced {
    /// The suite begins to connect: `Ok, will run 517 test cases against 1 servers`.
    Ready,
    /// A connection is open, and its case begins: `Running test case ID 1.1.1 for agent NAME from
    /// peer ADDRESS`. The suite prints nothing when it connects.
    Case(CaseId),
}

fn parse(line: &Line) -> Option<Announced> {
    if line.source != Source::Suite {
        return None;
    }
    if line.text.starts_with("Ok, will run ") {
        return Some(Announced::Ready);
    }
    let rest = line.text.strip_prefix("Running test case ID ")?;
    rest.split(' ').next()?.parse().ok().map(Announced::Case)
}

impl Announced {
    /// Describes the state of the suite until its next line.
    fn place(self, cases: &[CaseId]) -> String {
        let (now, next) = match self {
            Self::Ready => (None, cases.first()),
            Self::Case(case) => (Some(case), cases.get(position(cases, case) + 1)),
        };
        match (now, next) {
            (Some(case), Some(next)) => format!("case {case} or the handshake of case {next}"),
            (Some(case), None) => format!("case {case} or the reports"),
            (None, Some(next)) => format!("the handshake of case {next}"),
            (None, None) => "the reports".to_owned(),
        }
    }

    /// Returns the time limit until the next line.
    fn allowance(self, job: &Job<'_>) -> Duration {
        match self {
            Self::Ready => job.patience.without_progress,
            Self::Case(case) => job.patience.for_case(case),
        }
    }
}

/// Returns the number of cases before this one.
fn position(cases: &[CaseId], case: CaseId) -> usize {
    cases.iter().position(|other| *other == case).unwrap_or(0)
}

/// Gives the suite time to write its reports.
fn let_it_report(watch: &Watch, suite: &mut Supervised) -> Result<()> {
    let deadline = Instant::now() + GRACE;
    while suite.try_wait()?.is_none() && Instant::now() < deadline {
        // The run has failed, so the deadline of a case does not count any more.
        if watch.next().is_err() {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASES: &[CaseId] = &[CaseId::three(1, 1, 1), CaseId::three(1, 1, 2)];

    fn line(source: Source, text: &str) -> Line {
        Line {
            source,
            text: text.into(),
        }
    }

    #[test]
    fn the_suite_announces_its_start_and_each_case() {
        let running = "Running test case ID 6.4.1 for agent ws-tokio-server from peer tcp4:x";
        assert_eq!(
            parse(&line(Source::Suite, running)),
            Some(Announced::Case(CaseId::three(6, 4, 1)))
        );
        assert_eq!(parse(&line(Source::Testee, running)), None);
        let ready = "Ok, will run 517 test cases against 1 servers";
        assert_eq!(parse(&line(Source::Suite, ready)), Some(Announced::Ready));
        assert_eq!(parse(&line(Source::Suite, "Cases = ['1.1.1']")), None);
    }

    #[test]
    fn connecting_to_the_next_case_is_part_of_where_the_suite_is() {
        assert_eq!(Announced::Ready.place(CASES), "the handshake of case 1.1.1");
        let first = Announced::Case(CASES[0]).place(CASES);
        assert_eq!(first, "case 1.1.1 or the handshake of case 1.1.2");
        assert_eq!(
            Announced::Case(CASES[1]).place(CASES),
            "case 1.1.2 or the reports"
        );
    }
}
