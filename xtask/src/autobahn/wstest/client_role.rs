//! The testee is a client: it is told which cases to ask the suite for, and asks at the end for
//! the reports.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::{Wstest, write_spec};
use crate::autobahn::engine::Job;
use crate::programs::supervise::{Line, Source, Supervised};
use crate::programs::watch::Watch;

/// How long the suite may take to write its reports.
const REPORT_LIMIT: Duration = Duration::from_secs(60);

/// Runs the job.
pub(super) fn test(wstest: &Wstest, job: &mut Job<'_>) -> Result<()> {
    let (sender, lines) = mpsc::channel();
    let mut watch = Watch::new(lines);
    let address = free_address()?;
    write_spec(job, json!({ "url": format!("ws://{address}") }))?;
    let mut suite = wstest.start(job, "fuzzingserver", &sender)?;
    wait_until_listening(job, &mut watch, &mut suite, address)?;

    let result = run_testee(job, address, &mut watch, &mut suite, &sender);
    if result.is_err() {
        // The results so far are in the suite's memory. They are worth having, and their absence
        // is not worth hiding the error for.
        drop(request_reports(address, &job.run.agent));
    }
    result
}

/// Starts the testee, feeds it, and ends it.
fn run_testee(
    job: &mut Job<'_>,
    address: SocketAddr,
    watch: &mut Watch,
    suite: &mut Supervised,
    sender: &Sender<Line>,
) -> Result<()> {
    let urls = urls(job, address);
    let mut command = Command::new(job.testee);
    command.arg("-");
    let log = job.dir.join("testee.log");
    let mut testee = Supervised::spawn(command, &log, Stdio::piped(), Source::Testee, sender)?;
    let input = testee.take_stdin().expect("standard input is piped");
    feed(input, urls.clone());
    follow(job, &urls, watch, suite, &mut testee)
}

/// Runs the testee against a suite that listens nowhere.
#[cfg(all(test, unix))]
pub(super) fn follow_without_suite(wstest: &Wstest, job: &mut Job<'_>) -> Result<()> {
    let (sender, lines) = mpsc::channel();
    let mut watch = Watch::new(lines);
    let mut suite = wstest.start(job, "fuzzingserver", &sender)?;
    let address = (Ipv4Addr::LOCALHOST, 9).into();
    run_testee(job, address, &mut watch, &mut suite, &sender)
}

/// A port that nobody uses. Somebody might take it before the suite does; then the suite ends
/// with an error of its own.
fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?)
}

fn wait_until_listening(
    job: &Job<'_>,
    watch: &mut Watch,
    suite: &mut Supervised,
    address: SocketAddr,
) -> Result<()> {
    watch.enter(
        format!("start-up of the suite, which does not listen on {address}"),
        job.patience.start_up,
    );
    while TcpStream::connect(address).is_err() {
        if let Some(status) = suite.try_wait()? {
            return Err(suite.died("the suite", status, "start-up, before it listened"));
        }
        watch.next()?;
    }
    Ok(())
}

/// One URL per case, and the one that makes the suite write its reports.
fn urls(job: &Job<'_>, address: SocketAddr) -> Vec<String> {
    let agent = &job.run.agent;
    let mut urls: Vec<_> = job
        .cases
        .iter()
        .map(|case| format!("ws://{address}/runCase?casetuple={case}&agent={agent}"))
        .collect();
    urls.push(format!("ws://{address}/updateReports?agent={agent}"));
    urls
}

/// Writes the URLs from a thread of its own: the testee takes them at its own pace.
fn feed(mut input: ChildStdin, urls: Vec<String>) {
    thread::spawn(move || {
        for url in urls {
            if writeln!(input, "{url}").is_err() {
                // The testee is gone, which its exit status will tell.
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
    suite: &mut Supervised,
    testee: &mut Supervised,
) -> Result<()> {
    let mut done = 0;
    let mut ended = None;
    expect(job, watch, done);
    while let Some(url) = urls.get(done) {
        if let Some(line) = watch.next()? {
            if line.source == Source::Testee
                && let Some(report) = parse_report(&line.text)
            {
                check_report(job, done, url, &report)?;
                done += 1;
                expect(job, watch, done);
            }
            continue;
        }
        // Its last lines may come in after its end was seen, so another quiet turn must follow.
        if let Some(status) = ended {
            return Err(testee.died("the testee", status, &at(job, done)));
        }
        ended = testee.try_wait()?;
        if let Some(status) = suite.try_wait()? {
            return Err(suite.died("the suite", status, &at(job, done)));
        }
    }
    Ok(())
}

/// What the URL of that index asks for, in words.
fn at(job: &Job<'_>, index: usize) -> String {
    job.cases
        .get(index)
        .map_or("the reports".to_owned(), |case| format!("case {case}"))
}

/// Shows and awaits what the URL of that index asks for.
fn expect(job: &mut Job<'_>, watch: &mut Watch, index: usize) {
    let allowance = match job.cases.get(index) {
        Some(case) => job.patience.for_case(case),
        None => job.patience.without_progress.max(REPORT_LIMIT),
    };
    job.progress
        .at(index, job.cases.get(index).copied().unwrap_or("reports"));
    watch.enter(at(job, index), allowance);
}

/// What the testee says about a URL: `done URL` or `failed URL: why`.
#[derive(Debug, PartialEq, Eq)]
struct UrlReport<'a> {
    url: &'a str,
    failure: Option<&'a str>,
}

fn parse_report(line: &str) -> Option<UrlReport<'_>> {
    if let Some(url) = line.strip_prefix("done ") {
        return Some(UrlReport { url, failure: None });
    }
    let rest = line.strip_prefix("failed ")?;
    let (url, why) = rest.split_once(": ").unwrap_or((rest, "no reason given"));
    Some(UrlReport {
        url,
        failure: Some(why),
    })
}

/// A failure is part of many cases, and the suite judges it; but the reports must come.
fn check_report(job: &Job<'_>, index: usize, url: &str, report: &UrlReport<'_>) -> Result<()> {
    if report.url != url {
        bail!(
            "the testee reports {} while its turn is at {url}",
            report.url
        );
    }
    match report.failure {
        Some(why) if index == job.cases.len() => {
            bail!("the testee could not ask the suite for its reports: {why}")
        }
        _ => Ok(()),
    }
}

/// Asks the suite for its reports in place of a testee that cannot.
fn request_reports(address: SocketAddr, agent: &str) -> Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(REPORT_LIMIT))?;
    write!(
        stream,
        "GET /updateReports?agent={agent} HTTP/1.1\r\n\
         Host: {address}\r\n\
         Upgrade: websocket\r\n\
         Connection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Version: 13\r\n\r\n"
    )?;
    // It writes them, then ends the connection.
    stream.read_to_end(&mut Vec::new())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_testee_reports_success_and_failure() {
        let done = parse_report("done ws://a/b?c=1").unwrap();
        assert_eq!(
            done,
            UrlReport {
                url: "ws://a/b?c=1",
                failure: None
            }
        );
        let failed = parse_report("failed ws://a:1/b: reset: by peer").unwrap();
        assert_eq!(
            failed,
            UrlReport {
                url: "ws://a:1/b",
                failure: Some("reset: by peer")
            }
        );
        assert_eq!(parse_report("hello"), None);
    }

    #[test]
    fn a_free_address_can_be_bound() {
        assert!(TcpListener::bind(free_address().unwrap()).is_ok());
    }
}
