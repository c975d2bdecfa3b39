//! Tests of failures around the suite.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;
use ws_conformance::case::CaseId;
use ws_conformance::clients::Observer as _;
use ws_conformance::role::Role;
use ws_conformance::settings::StopFlag;
use ws_conformance::tls::HandshakeError;

use super::Native;
use super::client_role::Watcher;
use super::collector::Collector;
use crate::autobahn::engine::{Engine, Job, Tuning};
use crate::autobahn::patience::Patience;
use crate::autobahn::plan::Run;
use crate::certificates::Certificates;
use crate::progress::Progress;

const CASES: &[CaseId] = &[CaseId::three(1, 1, 1), CaseId::three(1, 1, 2)];

/// Writes a testee that executes `script`. Another process writes the file: a file that this
/// process has open for writing cannot be executed, and the handle can leak into processes that
/// other tests start.
fn testee(dir: &Path, script: &str) -> PathBuf {
    let file = dir.join("testee");
    let text = format!("#!/bin/sh\n{script}\n");
    let written = Command::new("sh")
        .args(["-c", "printf %s \"$1\" > \"$0\" && chmod +x \"$0\""])
        .arg(&file)
        .arg(text)
        .status();
    assert!(written.unwrap().success());
    file
}

/// Returns the error of a run against that testee, which must fail soon.
fn failure(role: Role, script: &str) -> String {
    failure_over(role, script, false)
}

/// Returns the error like [`failure`], optionally over TLS.
fn failure_over(role: Role, script: &str, tls: bool) -> String {
    let dir = tempfile::tempdir().unwrap();
    let certificates = tls.then(|| Certificates::make(dir.path()).unwrap());
    let options = certificates.as_ref().map(Certificates::server_options);
    let tuning = Tuning {
        jobs: None,
        seed: 1,
        is_quick: true,
    };
    let engine = Native::prepare(tuning, certificates.as_ref()).unwrap();
    let started = Instant::now();
    let result: Result<()> = engine.test(&mut Job {
        run: &Run::new("tokio", role),
        cases: CASES,
        testee: &testee(dir.path(), script),
        options: options.as_ref().map_or(&[], |options| options),
        dir: dir.path(),
        patience: Patience {
            without_progress: Duration::from_secs(3),
            longest_case: |_| Duration::ZERO,
            start_up: Duration::from_secs(5),
        },
        progress: &mut Progress::hidden(),
    });
    assert!(started.elapsed() < Duration::from_secs(50));
    format!("{:#}", result.unwrap_err())
}

#[test]
fn a_server_that_is_not_there_is_an_error_before_the_first_case() {
    let error = failure(Role::Server, "echo ws://127.0.0.1:9; sleep 60");
    assert!(error.contains("cannot connect"), "{error}");
}

#[test]
fn a_testee_without_tls_is_an_error_before_the_first_case() {
    let error = failure_over(Role::Server, "echo ws://127.0.0.1:9; sleep 60", true);
    assert!(error.contains("is not a wss:// URL"), "{error}");
}

#[test]
fn a_client_without_tls_ends_the_run() {
    let (dir, stop) = (tempfile::tempdir().unwrap(), StopFlag::default());
    let collector = Collector::new(dir.path(), stop.clone()).unwrap();
    Watcher(&collector).tls_failed(&HandshakeError::NoTls);
    assert!(stop.is_raised());
    let error = format!("{:#}", collector.end().unwrap_err());
    assert!(error.contains("the other side does not use TLS"), "{error}");
}

#[test]
fn a_client_that_gets_stuck_or_dies_is_an_error_that_names_the_case() {
    let stuck = failure(Role::Client, "sleep 60");
    assert!(
        stuck.starts_with("no progress for 3 s in case 1.1.1"),
        "{stuck}"
    );
    let dead = failure(Role::Client, "echo 'it hurts' >&2; exit 4");
    assert!(dead.contains("(exit status: 4) in case 1.1.1"), "{dead}");
    assert!(dead.contains("it hurts"), "{dead}");
}
