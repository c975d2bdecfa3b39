//! Complete runs.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::command::{NOWHERE, PACE, Ran, command, run, server};
use crate::testees::{Client, Fault};

#[test]
fn a_good_server_passes() {
    let dir = tempfile::tempdir().unwrap();
    let url = server(Fault::NONE);
    let ran = run(
        dir.path(),
        &["server", "--url", &url, "--cases", "1.1.*,2.*,7.1.6"],
    );
    ran.assert_status(0);
    assert!(ran.stdout.contains("all as expected"), "{}", ran.stdout);
    assert!(dir.path().join("reports/servers/index.json").exists());
}

#[test]
fn a_quick_run_sends_fewer_messages_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let url = server(Fault::named("compressed"));
    let words = ["server", "--url", &url, "--agent", "good", "--quick"];
    let ran = run(
        dir.path(),
        &[&words[..], &["--cases", "9.7.1,12.1.1"]].concat(),
    );
    ran.assert_status(0);
    for case in ["9_7_1", "12_1_1"] {
        let file = format!("reports/servers/good_case_{case}.json");
        let record = fs::read_to_string(dir.path().join(file)).unwrap();
        let record: Value = serde_json::from_str(&record).unwrap();
        let result = record["result"].as_str().unwrap();
        assert!(result.contains("100 messages instead of 1000"), "{result}");
        assert_eq!(record["rxFrameStats"]["1"], 100);
    }
}

#[test]
fn a_failure_is_told_in_full() {
    let dir = tempfile::tempdir().unwrap();
    let url = server(Fault::named("last-fragment-lost"));
    let ran = run(
        dir.path(),
        &["server", "--url", &url, "--cases", "5.3,1.1.1"],
    );
    ran.assert_status(1);
    for text in [
        "case 5.3 (",
        "FAILED",
        "expected:",
        "received:",
        "--cases 5.3 --seed 1",
    ] {
        assert!(
            ran.stdout.contains(text),
            "`{text}` is not in {}",
            ran.stdout
        );
    }
    assert!(!ran.stdout.contains("case 1.1.1"), "{}", ran.stdout);
}

/// Cases of both kinds of engine have the headers that the user has chosen.
#[test]
fn chosen_headers_are_in_every_opening_request_and_in_the_replay() {
    let dir = tempfile::tempdir().unwrap();
    let url = server(Fault::named("last-fragment-lost"));
    let chosen = [
        "--header",
        "X-Token: 1 2",
        "--origin",
        "http://o",
        "--server-name",
        "example.org",
    ];
    let words = [
        "server",
        "--url",
        &url,
        "--agent",
        "x",
        "--cases",
        "5.3,23.3.1",
    ];
    run(dir.path(), &[&words[..], &chosen].concat()).assert_status(1);
    for case in ["5_3", "23_3_1"] {
        let file = format!("reports/servers/x_case_{case}.json");
        let record = fs::read_to_string(dir.path().join(file)).unwrap();
        let record: Value = serde_json::from_str(&record).unwrap();
        let request = record["httpRequest"].as_str().unwrap();
        for line in [
            "\r\nX-Token: 1 2\r\n",
            "\r\nOrigin: http://o\r\n",
            "\r\nHost: example.org:",
        ] {
            assert!(request.contains(line), "{line:?} is not in {request}");
        }
        let replay = record["replay"].as_str().unwrap();
        let options = " --header 'X-Token: 1 2' --origin http://o --server-name example.org ";
        assert!(replay.contains(options), "{replay}");
    }
    let words = ["server", "--url", &url, "--header", "Host: a"];
    run(dir.path(), &words).assert_refused("`Host` belongs to the opening handshake");
}

#[test]
fn expectations_decide_what_is_unexpected() {
    let dir = tempfile::tempdir().unwrap();
    let url = server(Fault::named("last-fragment-lost"));
    let with = |entries: &str| -> Ran {
        fs::write(dir.path().join("expect.toml"), entries).unwrap();
        let words = [
            "server",
            "--url",
            &url,
            "--cases",
            "5.3,1.1.1",
            "--expect",
            "expect.toml",
        ];
        run(dir.path(), &words)
    };
    let entry = |case: &str| {
        format!(
            "[[expect]]\ncases = '{case}'\nbehavior = 'FAILED'\nclose = 'OK'\nreason = 'known'\n"
        )
    };
    let none = with("");
    none.assert_status(1);
    assert!(
        none.stdout.contains("no line of the expectations"),
        "{}",
        none.stdout
    );
    with(&entry("5.3")).assert_status(0);
    let stale = with(&(entry("5.3") + &entry("1.1.1")));
    stale.assert_status(1);
    assert!(stale.stdout.contains("line 7 is stale"), "{}", stale.stdout);
}

#[test]
fn the_summary_for_programs_is_alone_on_standard_output() {
    let dir = tempfile::tempdir().unwrap();
    let url = server(Fault::NONE);
    let words = [
        "server", "--url", &url, "--agent", "me", "--cases", "1.1.1", "--json",
    ];
    let ran = run(dir.path(), &words);
    ran.assert_status(0);
    let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(summary["agents"][0]["agent"], "me");
    assert_eq!(summary["agents"][0]["ok"], 1);
    assert!(ran.stderr.contains("all as expected"), "{}", ran.stderr);
}

#[test]
fn a_trace_shows_the_dialogue() {
    let dir = tempfile::tempdir().unwrap();
    let url = server(Fault::NONE);
    let ran = run(
        dir.path(),
        &["server", "--url", &url, "--case", "7.1.1", "--trace"],
    );
    ran.assert_status(0);
    for text in [
        "> GET / HTTP/1.1",
        "< HTTP/1.1 101",
        "> Text, 12 bytes",
        "< Close, 2 bytes",
    ] {
        assert!(
            ran.stdout.contains(text),
            "`{text}` is not in {}",
            ran.stdout
        );
    }
}

#[test]
fn a_settings_file_of_the_original_is_followed() {
    let dir = tempfile::tempdir().unwrap();
    let spec = format!(
        r#"{{"outdir": "./out", "options": {{"failByDrop": false}},
            "servers": [{{"agent": "good", "url": "{}", "options": {{"version": 18}}}},
                        {{"agent": "gone", "url": "{}"}}],
            "cases": ["1.1*", "2.1"], "exclude-cases": ["1.1.6", "12.*"],
            "exclude-agent-cases": {{"go*d": ["2.*"]}}}}"#,
        server(Fault::NONE),
        NOWHERE
    );
    fs::write(dir.path().join("spec.json"), spec).unwrap();
    let ran = run(dir.path(), &["server", "--spec", "spec.json"]);
    ran.assert_refused("cannot connect");
    let index = fs::read_to_string(dir.path().join("out/index.json")).unwrap();
    let index: Value = serde_json::from_str(&index).unwrap();
    let cases = index["good"].as_object().unwrap();
    assert_eq!(cases.len(), 7, "{cases:?}");
    assert!(cases.contains_key("1.1.1") && !cases.contains_key("2.1"));
}

#[test]
fn cases_are_listed() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run(dir.path(), &["list"]);
    ran.assert_status(0);
    assert_eq!(ran.stdout.lines().count(), 517);
    let ran = run(dir.path(), &["list", "--json"]);
    let list: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(list[300]["id"], "10.1.1");
    assert!(list[0]["expectation"].is_string());
}

/// Starts to wait for clients on a free port. Returns the URL.
pub(crate) fn start_listening(child: &mut Child) -> String {
    let mut line = String::new();
    let output = child.stdout.as_mut().unwrap();
    BufReader::new(output).read_line(&mut line).unwrap();
    let url = line
        .split_whitespace()
        .find(|word| word.starts_with("ws://"));
    url.unwrap().trim_end_matches(',').to_owned()
}

#[test]
fn a_good_client_passes_and_the_program_ends_when_it_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let words = [
        "client",
        "--listen",
        "ws://127.0.0.1:0",
        "--cases",
        "1.1.*,2.1",
    ];
    let mut child = command(dir.path(), &words)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let url = start_listening(&mut child);
    let client = Client::new(&url, Fault::NONE).unwrap();
    client.with_pace(PACE).run(2).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(0));
    let index = fs::read_to_string(dir.path().join("reports/clients/index.json")).unwrap();
    let index: Value = serde_json::from_str(&index).unwrap();
    assert_eq!(index[Fault::NONE.name()].as_object().unwrap().len(), 9);
}

#[test]
fn a_client_that_leaves_cases_out_is_no_success() {
    let dir = tempfile::tempdir().unwrap();
    let words = ["client", "--listen", "ws://127.0.0.1:0", "--cases", "1.1.*"];
    let mut child = command(dir.path(), &words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let url = start_listening(&mut child);
    let client = Client::new(&url, Fault::NONE).unwrap().with_pace(PACE);
    // The suite may reset TCP when it has seen the Close.
    drop(client.run_case(1));
    client.update_reports();
    let ran = Ran::from(child.wait_with_output().unwrap());
    ran.assert_refused("7 of 8 cases not run");
}

#[test]
fn a_settings_file_for_clients_is_followed() {
    let dir = tempfile::tempdir().unwrap();
    let agent = Fault::NONE.name();
    let spec = format!(
        r#"{{"url": "ws://127.0.0.1:0", "outdir": "./out", "cases": ["1.1*"],
            "exclude-agent-cases": {{"{agent}": ["1.1.6"]}}}}"#
    );
    fs::write(dir.path().join("spec.json"), spec).unwrap();
    let words = ["client", "--spec", "spec.json", "--exit-after-reports"];
    let mut child = command(dir.path(), &words)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let url = start_listening(&mut child);
    let client = Client::new(&url, Fault::NONE).unwrap().with_pace(PACE);
    assert_eq!(client.case_count().unwrap(), 8);
    client.run(1).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let index = fs::read_to_string(dir.path().join("out/index.json")).unwrap();
    let index: Value = serde_json::from_str(&index).unwrap();
    let cases = index[agent].as_object().unwrap();
    assert_eq!(cases.len(), 7, "{cases:?}");
    assert!(!cases.contains_key("1.1.6"));
}
