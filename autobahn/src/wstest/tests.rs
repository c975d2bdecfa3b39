//! Tests of the driver with shell scripts in place of the suite, the testees and Python.

use std::fs;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Result;
use ws_conformance::case::CaseId;
use ws_conformance::report::Index;
use ws_conformance::role::Role;

use super::client_role;
use super::install::{self, Surroundings};
use super::patience::Patience;
use super::{Installation, Job, Wstest};
use crate::plan::Run;
use ws_test_programs::progress::Progress;

const CASES: &[CaseId] = &[CaseId::three(1, 1, 1), CaseId::three(1, 1, 2)];

const SERVER: &str = "echo ws://127.0.0.1:9; sleep 60";

/// Prints the lines of the suite, and reports two cases.
const SUITE: &str = r#"
    echo "Ok, will run 2 test cases against 1 servers"
    for id in 1.1.1 1.1.2; do echo "Running test case ID $id for agent a from peer tcp4:x"; done
    entry='{"behavior": "OK", "behaviorClose": "OK", "remoteCloseCode": 1000, "reportfile": "x"}'
    echo "{\"ws-tokio-server\": {\"1.1.1\": $entry, \"1.1.2\": $entry}}" > index.json
"#;

/// A directory with executable scripts.
struct Scripts(tempfile::TempDir);

impl Scripts {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Writes a script. Another process writes the file: a file that this process has open for
    /// writing cannot be executed, and the handle can leak into processes that other tests start.
    fn add(&self, name: &str, script: &str) -> PathBuf {
        let file = self.0.path().join(name);
        let mut writer = Command::new("sh")
            .args(["-c", "cat > \"$0\" && chmod +x \"$0\""])
            .arg(&file)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        write!(writer.stdin.take().unwrap(), "#!/bin/sh\n{script}\n").unwrap();
        assert!(writer.wait().unwrap().success());
        file
    }

    /// Runs a job with these scripts and short time limits.
    fn run(&self, role: Role, suite: &str, testee: &str) -> Result<()> {
        let suite = self.add("suite", suite);
        let testee = self.add("testee", testee);
        Wstest {
            installation: Installation::Python(suite),
            at_a_time: NonZeroUsize::MIN,
            patience: impatient(),
            resume: false,
        }
        .test(&mut Job {
            run: &Run::new("tokio", role),
            cases: CASES,
            testee: &testee,
            options: &[],
            dir: self.0.path(),
            patience: impatient(),
            progress: &mut Progress::hidden(),
        })
    }

    /// Returns the error of such a job, which must fail soon.
    fn failure(&self, role: Role, suite: &str, testee: &str) -> String {
        let started = Instant::now();
        let error = self.run(role, suite, testee).unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(50));
        format!("{error:#}")
    }
}

fn impatient() -> Patience {
    Patience {
        without_progress: Duration::from_secs(3),
        longest_case: |_| Duration::ZERO,
        start_up: Duration::from_secs(5),
    }
}

#[test]
fn a_server_is_run_through_all_cases() {
    let scripts = Scripts::new();
    scripts.run(Role::Server, SUITE, SERVER).unwrap();
    let index = Index::read(scripts.0.path()).unwrap();
    assert_eq!(index.results("ws-tokio-server").len(), 2);
    let spec: serde_json::Value = serde_json::from_str(
        &fs::read_to_string(scripts.0.path().join("part-1/wstest.json")).unwrap(),
    )
    .unwrap();
    assert_eq!(spec["cases"], serde_json::json!(["1.1.1", "1.1.2"]));
    assert_eq!(spec["servers"][0]["url"], "ws://127.0.0.1:9");
}

#[test]
fn a_case_that_never_ends_is_named() {
    let suite = "echo 'Running test case ID 1.1.2 for agent a from peer b'; sleep 60";
    let error = Scripts::new().failure(Role::Server, suite, SERVER);
    assert!(error.contains("in case 1.1.2 or the reports"), "{error}");
}

#[test]
fn a_server_that_never_says_where_it_listens_is_an_error() {
    let error = Scripts::new().failure(Role::Server, SUITE, "sleep 60");
    assert!(error.contains("has not printed its URL"), "{error}");
    let error = Scripts::new().failure(Role::Server, SUITE, "echo hello; sleep 60");
    assert!(error.contains("not a ws:// URL: `hello`"), "{error}");
}

#[test]
fn a_server_that_dies_is_quoted_and_its_reports_are_kept() {
    let suite = format!("{SUITE}\nsleep 2");
    let server = "echo ws://127.0.0.1:9
        while ! test -e \"$(dirname \"$0\")/part-1/index.json\"; do sleep 0.1; done
        echo 'it hurts' >&2
        exit 3";
    let scripts = Scripts::new();
    let error = scripts.failure(Role::Server, &suite, server);
    assert!(
        error.contains("the testee ended (exit status: 3) in case 1.1.2"),
        "{error}"
    );
    assert!(error.contains("it hurts"), "{error}");
    assert!(scripts.0.path().join("index.json").exists());
}

#[test]
fn a_suite_that_fails_is_quoted() {
    let suite = "echo 'Traceback' >&2; exit 1";
    let error = Scripts::new().failure(Role::Server, suite, SERVER);
    assert!(
        error.contains("the suite ended (exit status: 1)"),
        "{error}"
    );
    assert!(error.contains("Traceback"), "{error}");
}

#[test]
fn a_suite_that_never_listens_is_an_error() {
    let error = Scripts::new().failure(Role::Client, "sleep 60", "cat");
    assert!(error.contains("does not listen on 127.0.0.1:"), "{error}");
    let error = Scripts::new().failure(Role::Client, "echo 'no port' >&2; exit 1", "cat");
    assert!(error.contains("no port"), "{error}");
}

/// Follows a client that executes `script`, with a suite that does nothing.
fn follow_client(script: &str) -> Result<()> {
    let scripts = Scripts::new();
    let testee = scripts.add("testee", script);
    let suite = scripts.add("suite", "sleep 60");
    let wstest = Wstest {
        installation: Installation::Python(suite),
        at_a_time: NonZeroUsize::MIN,
        patience: impatient(),
        resume: false,
    };
    client_role::follow_without_suite(
        &wstest,
        &mut Job {
            run: &Run::new("tokio", Role::Client),
            cases: CASES,
            testee: &testee,
            options: &[],
            dir: scripts.0.path(),
            patience: impatient(),
            progress: &mut Progress::hidden(),
        },
    )
}

#[test]
fn a_client_is_followed_to_the_reports() {
    follow_client("while read url; do echo \"done $url\"; done").unwrap();
    follow_client("while read url; do echo \"failed $url: reset\"; done").unwrap();
}

#[test]
fn a_client_that_gets_stuck_or_dies_is_an_error_that_names_the_case() {
    let stuck = follow_client("read url; echo \"done $url\"; sleep 60").unwrap_err();
    let stuck = stuck.to_string();
    assert!(
        stuck.starts_with("no progress for 3 s in case 1.1.2"),
        "{stuck}"
    );
    let dead = follow_client("echo 'it hurts' >&2; exit 4")
        .unwrap_err()
        .to_string();
    assert!(dead.contains("(exit status: 4) in case 1.1.1"), "{dead}");
    assert!(dead.contains("it hurts"), "{dead}");
}

#[test]
fn a_client_that_mixes_its_turns_up_is_an_error() {
    let error = follow_client("read url; read url; echo \"done $url\"; sleep 60");
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("while its turn is at")
    );
}

/// Returns surroundings with only the programs in `bin`.
fn only(bin: &Path) -> Surroundings {
    Surroundings {
        path: vec![bin.to_owned()],
        pyenv_roots: Vec::new(),
    }
}

/// A Python 2.7 with a virtualenv of its own: `-m virtualenv --python PYTHON DIR`.
const PYTHON: &str = r#"case "$1 $2" in
    "-c "*) echo "$0" ;;
    "-m virtualenv") mkdir -p "$5/bin" && cp "$0" "$5/bin/python" ;;
    "-m pip") echo "pip was here"; test ! -e "$(dirname "$0")/../../broken" ;;
esac"#;

#[test]
fn without_python_and_container_the_error_says_what_to_install() {
    let empty = tempfile::tempdir().unwrap();
    let error = install::prepare(&only(empty.path()), empty.path())
        .unwrap_err()
        .to_string();
    for advice in [
        "pyenv install 2.7.18",
        "apt-get install python2.7",
        "Docker or Podman",
    ] {
        assert!(error.contains(advice), "{error}");
    }
}

#[test]
fn another_python_or_a_dead_container_engine_is_none() {
    let bin = Scripts::new();
    bin.add("python2.7", "exit 127");
    bin.add("python2", "echo; exit 0");
    bin.add("docker", "echo 'no daemon' >&2; exit 1");
    assert!(install::prepare(&only(bin.0.path()), bin.0.path()).is_err());
}

#[test]
fn an_environment_is_made_once() {
    let (bin, home) = (Scripts::new(), tempfile::tempdir().unwrap());
    let python = bin.add("python2.7", PYTHON);
    let installation = install::prepare(&only(bin.0.path()), home.path()).unwrap();
    let Installation::Python(installed) = installation else {
        panic!("{installation:?}")
    };
    assert!(installed.starts_with(home.path()));
    // The second time, no program is searched.
    fs::remove_file(python).unwrap();
    assert!(install::prepare(&only(bin.0.path()), home.path()).is_ok());
}

#[test]
fn an_interrupted_installation_is_done_again() {
    let (bin, home) = (Scripts::new(), tempfile::tempdir().unwrap());
    bin.add("python2.7", PYTHON);
    fs::write(home.path().join("broken"), "").unwrap();
    let error = install::prepare(&only(bin.0.path()), home.path()).unwrap_err();
    let error = format!("{error:#}");
    assert!(
        error.contains("pip was here") && error.contains("install.log"),
        "{error}"
    );
    fs::remove_file(home.path().join("broken")).unwrap();
    assert!(install::prepare(&only(bin.0.path()), home.path()).is_ok());
}

#[test]
fn versions_of_pyenv_are_found() {
    let (root, home) = (Scripts::new(), tempfile::tempdir().unwrap());
    let bin = root.0.path().join("versions/2.7.18/bin");
    fs::create_dir_all(&bin).unwrap();
    root.add("versions/2.7.18/bin/python2.7", PYTHON);
    let surroundings = Surroundings {
        path: Vec::new(),
        pyenv_roots: vec![root.0.path().to_owned()],
    };
    assert!(install::prepare(&surroundings, home.path()).is_ok());
}

#[test]
fn a_container_engine_that_answers_will_do() {
    let bin = Scripts::new();
    bin.add("docker", "exit 0");
    let installation = install::prepare(&only(bin.0.path()), bin.0.path()).unwrap();
    assert!(
        matches!(installation, Installation::Container(_)),
        "{installation:?}"
    );
}
