//! Interrupted runs keep their results.

#![cfg(unix)]

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::command::{Ran, command, server};
use crate::testees::Fault;

/// The time limit of the test. The interrupted case waits longer.
const LONG: Duration = Duration::from_secs(60);

#[test]
fn an_interrupted_run_keeps_its_reports_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    // The waits of group 6.4 leave enough time for the interruption.
    let url = server(Fault::NONE);
    let words = [
        "server",
        "--url",
        &url,
        "--cases",
        "1.1.1,6.4.*",
        "--jobs",
        "1",
    ];
    let words = [&words[..], &["--time-scale", "60"]].concat();
    let child = command(dir.path(), &words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let report = dir.path().join("reports/servers");
    let started = Instant::now();
    while !has_a_case(&report) {
        assert!(started.elapsed() < LONG);
        thread::sleep(Duration::from_millis(10));
    }
    let killed = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(killed.unwrap().success());
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert!(started.elapsed() < LONG);
    ran.assert_refused("interrupted");
    let index = fs::read_to_string(report.join("index.json")).unwrap();
    assert!(
        index.contains("\"1.1.1\"") && !index.contains("6.4.1"),
        "{index}"
    );
}

/// The client ignores the polite signal of the first interruption.
#[test]
fn a_second_interruption_ends_the_clients_of_single_cases_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let script = "trap '' TERM; echo $$ > pid; sleep 600";
    let words = [
        "client", "--case", "1.1.1", "--", "sh", "-c", script, "{case}",
    ];
    let child = command(dir.path(), &words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    let pid = || fs::read_to_string(dir.path().join("pid")).unwrap_or_default();
    while !pid().ends_with('\n') {
        assert!(started.elapsed() < LONG);
        thread::sleep(Duration::from_millis(10));
    }
    for _ in 0..2 {
        let suite = child.id().to_string();
        let killed = Command::new("kill").args(["-INT", &suite]).status();
        assert!(killed.unwrap().success());
        thread::sleep(Duration::from_millis(200));
    }
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!((ran.status, &*ran.stderr), (2, ""));
    let state = Command::new("ps")
        .args(["-o", "stat=", "-p", pid().trim()])
        .output();
    // A killed process stays visible until its new parent has waited for it.
    let state = String::from_utf8(state.unwrap().stdout).unwrap();
    assert!(state.is_empty() || state.starts_with('Z'), "{state}");
}

fn has_a_case(folder: &std::path::Path) -> bool {
    let index = fs::read_to_string(folder.join("index.json"));
    index.is_ok_and(|index| index.contains("1.1.1"))
}
