//! The reasons of verdicts, as the terminal, the pages, JUnit and JSON have them.

use std::fs;
use std::path::Path;

use crate::command::{Ran, run, server};
use crate::programs::run_with;
use crate::testees::Fault;

const CASE: &str = "reports/servers/x_case_";

fn run_against(dir: &Path, fault: &str, cases: &str, more: &[&str]) -> Ran {
    let url = server(Fault::named(fault));
    let words = ["server", "--url", &url, "--agent", "x", "--cases", cases];
    run(dir, &[&words[..], &["--junit", "junit.xml"], more].concat())
}

/// Returns the text of a file without the escapes of XML and HTML.
fn read(dir: &Path, file: &str) -> String {
    let text = fs::read_to_string(dir.join(file)).unwrap();
    text.replace("&#39;", "'").replace("&#96;", "`")
}

#[track_caller]
fn assert_has(text: &str, part: &str) {
    assert!(text.contains(part), "`{part}` is not in {text}");
}

/// The testee changes byte 700,000 of a message of 1 MiB.
#[test]
fn the_place_of_a_wrong_byte_is_in_every_report() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run_against(dir.path(), "corrupts-a-mebibyte", "23.4.3", &["--trace"]);
    ran.assert_status(1);
    let sentence = "The echo differs from what was sent: both have 1048576 bytes; the first \
                    difference is at byte 700000, counted from 0: received ...";
    assert_has(&ran.stdout, &format!("    outcome:   {sentence}"));
    assert_has(
        &ran.stdout,
        &format!("verdict: FAILED, close OK\n  {sentence}"),
    );
    for form in ["json", "html"] {
        let file = format!("{CASE}23_4_3.{form}");
        assert_has(&read(dir.path(), &file), sentence);
    }
    let junit = read(dir.path(), "junit.xml");
    assert_has(&junit, &format!("message=\"FAILED, close OK: {sentence}"));
}

/// The suite waits for the right echo until its time is over, and the testee returns the code of
/// the Close that follows.
#[test]
fn a_testee_is_not_blamed_for_the_close_code_of_the_suite() {
    let dir = tempfile::tempdir().unwrap();
    // A server that alters every text does not pass the probe.
    let words = "client --agent x --cases 7.1.1 --time-scale 2 --no-retry --junit junit.xml";
    let words: Vec<_> = words.split(' ').collect();
    let ran = run_with(dir.path(), &words, "echo/altered-text@{case}");
    ran.assert_status(1);
    let outcome = "outcome:   The events are not as expected: event 1, a message, differs from the \
                   expected one: both have 12 bytes; the first difference is at byte 0, counted \
                   from 0: received `#ello Wor`..., expected `Hello Wor`....";
    assert_has(&ran.stdout, outcome);
    assert_has(
        &ran.stdout,
        "the suite gave up after 2000 ms, with code 1001",
    );
    let page = read(dir.path(), "reports/clients/x_case_7_1_1.html");
    for text in [&ran.stdout, &page, &read(dir.path(), "junit.xml")] {
        assert!(!text.contains("close code is"), "{text}");
    }
}

#[test]
fn a_result_that_is_not_strict_says_what_would_be_better() {
    let dir = tempfile::tempdir().unwrap();
    let cases = "24.1.8,24.1.9";
    let ran = run_against(dir.path(), "codes-below-1000-taken", cases, &[]);
    ran.assert_status(0);
    let better = " Better: The testee fails the connection: it sends a Close with code 1002";
    let line = ran
        .stdout
        .lines()
        .find(|line| line.starts_with("non-strict: case 24.1.8: "));
    assert_has(line.unwrap_or_else(|| panic!("{}", ran.stdout)), better);
    assert_has(&read(dir.path(), "reports/servers/index.html"), better);
    assert_has(&read(dir.path(), &format!("{CASE}24_1_8.html")), better);
    assert_has(&read(dir.path(), "junit.xml"), better);
    let strict = run_against(dir.path(), "codes-below-1000-taken", cases, &["--strict"]);
    strict.assert_status(1);
    assert!(!strict.stdout.contains("non-strict:"), "{}", strict.stdout);
}

#[test]
fn the_sentence_of_a_rule_is_quoted_once() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run_against(
        dir.path(),
        "codes-below-1000-taken",
        "24.1.8,24.1.9",
        &["--strict"],
    );
    ran.assert_status(1);
    assert_eq!(
        ran.stdout.matches("(binds the ").count(),
        1,
        "{}",
        ran.stdout
    );
    assert_has(&ran.stdout, "quoted above, at case 24.1.8");
    let junit = read(dir.path(), "junit.xml");
    assert_eq!(junit.matches("(binds the ").count(), 2, "{junit}");
}

#[test]
fn silence_is_only_remarkable_if_a_case_expects_an_echo() {
    let remark = "echoed nothing";
    let dir = tempfile::tempdir().unwrap();
    let silent = run_with(
        dir.path(),
        &["client", "--cases", "7.1.5"],
        "echo/none@{case}",
    );
    silent.assert_status(0);
    assert!(!silent.stdout.contains(remark), "{}", silent.stdout);
    let words = ["client", "--cases", "7.1.1,7.1.5"];
    let silent = run_with(dir.path(), &words, "echo/drops-at-once@{case}");
    silent.assert_status(1);
    assert_has(&silent.stdout, remark);
}
