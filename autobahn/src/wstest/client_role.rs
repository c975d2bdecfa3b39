//! The testee is a client. It reads the cases to request, and requests the reports at the end.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Sender};

use anyhow::{Context, Result};
use serde_json::json;

use super::client_testee::{self, REPORT_LIMIT};
use super::{Job, Wstest, write_spec};
use ws_test_programs::supervise::{Line, Supervised};
use ws_test_programs::watch::Watch;

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
        // The results so far are in the suite's memory. They are useful, but a failure to get them
        // must not hide the error.
        drop(request_reports(address, &job.run.agent));
    }
    result
}

fn run_testee(
    job: &mut Job<'_>,
    address: SocketAddr,
    watch: &mut Watch,
    suite: &mut Supervised,
    sender: &Sender<Line>,
) -> Result<()> {
    let suite_lives = &mut |place: &str| match suite.try_wait()? {
        Some(status) => Err(suite.died("the suite", status, place)),
        None => Ok(()),
    };
    client_testee::run(job, &format!("ws://{address}"), watch, sender, suite_lives)
}

/// Runs the testee against a suite that does not listen.
#[cfg(all(test, unix))]
pub(super) fn follow_without_suite(wstest: &Wstest, job: &mut Job<'_>) -> Result<()> {
    let (sender, lines) = mpsc::channel();
    let mut watch = Watch::new(lines);
    let mut suite = wstest.start(job, "fuzzingserver", &sender)?;
    let address = (Ipv4Addr::LOCALHOST, 9).into();
    run_testee(job, address, &mut watch, &mut suite, &sender)
}

/// Returns a free port. If another program takes the port before the suite does, the suite ends
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

/// Requests the reports of the suite, in place of a testee that cannot.
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
    // The suite writes the reports, and then ends the connection.
    stream.read_to_end(&mut Vec::new())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_address_can_be_bound() {
        // Another test may use the port first.
        assert!((0..3).any(|_| TcpListener::bind(free_address().unwrap()).is_ok()));
    }
}
