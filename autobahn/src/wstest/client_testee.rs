//! A client under test. It reads URLs of cases, one a line, and prints a line when it is done with
//! each.

use std::io::Write;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};

use super::Job;
use ws_test_programs::supervise::{Line, Source, Supervised};
use ws_test_programs::watch::Watch;

/// The time limit of a suite for writing its reports.
pub(super) const REPORT_LIMIT: Duration = Duration::from_secs(60);

/// Runs the testee through all cases of a suite that listens on `suite`, a URL without a path, and
/// the request for its reports. `check_suite` returns an error if the suite has ended. Its argument
/// is the place in the run.
pub(super) fn run(
    job: &mut Job<'_>,
    suite: &str,
    watch: &mut Watch,
    sender: &Sender<Line>,
    check_suite: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<()> {
    let urls = urls(job, suite);
    let mut command = Command::new(job.testee);
    command.args(job.options).arg("-");
    let log = job.dir.join("testee.log");
    let mut testee = Supervised::spawn(command, &log, Stdio::piped(), Source::Testee, sender)?;
    let input = testee.take_stdin().expect("standard input is piped");
    feed(input, urls.clone());
    follow(job, &urls, watch, check_suite, &mut testee)
}

/// Returns one URL for each case, and the one that requests the reports.
fn urls(job: &Job<'_>, suite: &str) -> Vec<String> {
    let agent = &job.run.agent;
    let mut urls: Vec<_> = job
        .cases
        .iter()
        .map(|case| format!("{suite}/runCase?casetuple={case}&agent={agent}"))
        .collect();
    urls.push(format!("{suite}/updateReports?agent={agent}"));
    urls
}

/// Writes the URLs from a thread of its own, because the testee reads them at its own pace.
fn feed(mut input: ChildStdin, urls: Vec<String>) {
    thread::spawn(move || {
        for url in urls {
            if writeln!(input, "{url}").is_err() {
                // The testee is gone. Its exit status has the reason.
                return;
            }
        }
    });
}

/// Waits until the testee has reported every URL.
fn follow(
    job: &mut Job<'_>,
    urls: &[String],
    watch: &mut Watch,
    check_suite: &mut dyn FnMut(&str) -> Result<()>,
    testee: &mut Supervised,
) -> Result<()> {
    let mut done = 0;
    let mut ended = None;
    expect(job, watch, done);
    while let Some(url) = urls.get(done) {
        if let Some(line) = watch.next()? {
            if line.source == Source::Testee
                && let Some(reported) = reported_url(&line.text)
            {
                check_turn(url, reported)?;
                done += 1;
                expect(job, watch, done);
            }
            continue;
        }
        // The last lines may arrive after the end of the testee. Another turn without a line must
        // follow.
        if let Some(status) = ended {
            return Err(testee.died("the testee", status, &at(job, done)));
        }
        ended = testee.try_wait()?;
        check_suite(&at(job, done))?;
    }
    Ok(())
}

/// Describes the request of the URL with this index.
fn at(job: &Job<'_>, index: usize) -> String {
    job.cases
        .get(index)
        .map_or("the reports".to_owned(), |case| format!("case {case}"))
}

/// Shows the request of the URL with this index, and waits for it.
fn expect(job: &mut Job<'_>, watch: &mut Watch, index: usize) {
    let (name, allowance) = match job.cases.get(index) {
        Some(case) => (case.to_string(), job.patience.for_case(*case)),
        None => (
            "reports".to_owned(),
            job.patience.without_progress.max(REPORT_LIMIT),
        ),
    };
    job.progress.at(index, &name);
    watch.enter(at(job, index), allowance);
}

/// Returns the URL of a line `done URL`, or `failed URL:` and the reason.
///
/// Failures are part of many cases, and the suite judges them. The request for the reports may fail
/// too, because `wstest` can reset that connection. Missing reports are noticed when they are read.
fn reported_url(line: &str) -> Option<&str> {
    line.strip_prefix("done ").or_else(|| {
        let rest = line.strip_prefix("failed ")?;
        Some(rest.split_once(": ").map_or(rest, |(url, _)| url))
    })
}

/// Returns an error if the testee reports another URL than the next one.
fn check_turn(url: &str, reported: &str) -> Result<()> {
    if reported != url {
        bail!("the testee reports {reported} while its turn is at {url}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_testee_reports_success_and_failure() {
        assert_eq!(reported_url("done ws://a/b?c=1"), Some("ws://a/b?c=1"));
        let failed = reported_url("failed ws://a:1/b: reset: by peer");
        assert_eq!(failed, Some("ws://a:1/b"));
        assert_eq!(reported_url("hello"), None);
    }
}
