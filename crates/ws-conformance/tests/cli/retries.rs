//! Cases that run a second time.

use std::fs;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;

use serde_json::Value;

use crate::command::{Ran, run, server};
use crate::programs::run_with;
use crate::testees::Fault;

/// Returns the URL of an echo server that drops its second connection. The first one is the probe.
fn unstable_server() -> String {
    let target = server(Fault::NONE).replace("ws://", "");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for (number, tcp) in listener.incoming().flatten().enumerate() {
            if number != 1 {
                bridge(tcp, TcpStream::connect(&target).unwrap());
            }
        }
    });
    url
}

/// Copies bytes in both directions.
fn bridge(one: TcpStream, other: TcpStream) {
    let copies = [
        (one.try_clone().unwrap(), other.try_clone().unwrap()),
        (other, one),
    ];
    for (mut from, mut to) in copies {
        thread::spawn(move || {
            // A connection that ends is no error.
            drop(io::copy(&mut from, &mut to));
            drop(to.shutdown(std::net::Shutdown::Write));
        });
    }
}

fn run_unstable(dir: &Path, more: &[&str]) -> Ran {
    let url = unstable_server();
    let words = ["server", "--url", &url, "--agent", "x", "--cases", "1.1.1"];
    let words = [&words[..], &["--time-scale", "5"]].concat();
    run(dir, &[&words[..], more].concat())
}

#[test]
fn a_case_that_passes_the_second_time_is_unstable() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run_unstable(dir.path(), &["--json", "--trace"]);
    ran.assert_status(0);
    let line = "unstable: case 1.1.1 was FAILED, close FAILED; again: OK, close OK";
    for line in [
        line,
        "x: 1 case(s) again, because of unexpected results\n",
        "\nsecond run: case 1.1.1 of x\n",
    ] {
        assert!(ran.stderr.contains(line), "{line:?}: {}", ran.stderr);
    }
    assert_eq!(ran.stderr.matches("case 1.1.1 of x\n").count(), 2);
    let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(summary["agents"][0]["unstable"][0], "1.1.1");
    let file = dir.path().join("reports/servers/x_case_1_1_1.json");
    let record: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(record["behavior"], "OK");
    assert_eq!(record["firstRun"]["behavior"], "FAILED");
}

#[test]
fn strictness_refuses_an_unstable_case() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run_unstable(dir.path(), &["--strict"]);
    ran.assert_status(1);
    let text = "unstable: the first run was FAILED, close FAILED";
    assert!(ran.stdout.contains(text), "{}", ran.stdout);
}

#[test]
fn a_retry_can_be_turned_off() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run_unstable(dir.path(), &["--no-retry"]);
    ran.assert_status(1);
    assert!(!ran.stdout.contains("unstable"), "{}", ran.stdout);
}

#[test]
fn an_expected_failure_does_not_run_again() {
    let dir = tempfile::tempdir().unwrap();
    let entry =
        "[[expect]]\ncases = '1.1.1'\nbehavior = 'FAILED'\nclose = 'FAILED'\nreason = 'r'\n";
    fs::write(dir.path().join("expect.toml"), entry).unwrap();
    let ran = run_unstable(dir.path(), &["--expect", "expect.toml"]);
    ran.assert_status(0);
    assert!(!ran.stdout.contains("unstable"), "{}", ran.stdout);
}

#[test]
fn a_client_is_started_again_for_its_failures() {
    let dir = tempfile::tempdir().unwrap();
    let words = ["client", "--cases", "1.1.1,5.3", "--time-scale", "5"];
    let ran = run_with(dir.path(), &words, "moody@{url}");
    ran.assert_status(0);
    assert!(ran.stdout.contains("1 case(s) again"), "{}", ran.stdout);
    let line = "unstable: case 5.3 was FAILED";
    assert!(ran.stdout.contains(line), "{}", ran.stdout);
}
