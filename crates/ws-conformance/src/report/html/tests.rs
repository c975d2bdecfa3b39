//! Tests of pages made from records.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::super::testing::record;
use super::super::{INDEX_FILE, Reports};
use super::*;
use crate::record::Record;
use crate::verdict::{Behavior, CloseBehavior, Verdict};
use crate::wire_log::Entry;

/// Returns the folder, and the text of the page of case 2.1.
fn site_of(record: &Record) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    Reports::open(dir.path()).unwrap().add(record).unwrap();
    write(dir.path()).unwrap();
    let page = page_of(dir.path(), &record.agent);
    (dir, page)
}

fn page_of(dir: &Path, agent: &str) -> String {
    let index = Index::read(dir).unwrap();
    let (case, entry) = index.results(agent).pop_first().unwrap();
    let page = file::case_page(&entry, case).unwrap();
    fs::read_to_string(dir.join(page)).unwrap()
}

fn entry(value: serde_json::Value) -> Entry {
    serde_json::from_value(value).unwrap()
}

#[test]
fn every_text_of_a_record_is_escaped() {
    let evil = "</style></script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    let text = || evil.to_owned();
    let record = Record {
        agent: text(),
        description: text(),
        expectation: text(),
        result: text(),
        result_close: text(),
        expected: [(text(), vec![json!(["message", evil, false])])].into(),
        received: vec![json!([evil, evil, evil]), json!(evil)],
        violations: vec![text()],
        started: text(),
        was_not_clean_reason: Some(text()),
        local_close_reason: Some(text()),
        remote_close_reason: Some(text()),
        http_request: text(),
        http_response: text(),
        wirelog: vec![
            entry(json!(["RF", [1, evil], 1, true, 0, true, evil])),
            entry(json!(["RF", [1, evil], evil, evil, evil, evil, evil])),
            entry(json!([evil])),
        ],
        traffic_stats: Some(json!({"incomingOctetsAppLevel": evil})),
        verdict: Verdict {
            behavior: Behavior::Failed,
            close: CloseBehavior::Failed,
        },
        replay: Some(text()),
        ..record("x", "2.1")
    };
    let (dir, page) = site_of(&record);
    let index = fs::read_to_string(dir.path().join(PAGE)).unwrap();
    for page in [&page, &index] {
        assert!(
            !page.contains("<script>") && !page.contains("<img src=x"),
            "{page}"
        );
        assert!(!page.contains("\"'>"), "{page}");
        assert!(page.contains("&#60;script&#62;alert(1)"), "{page}");
    }
}

#[test]
fn a_page_has_bounds() {
    let long = || "é".repeat(50_000);
    let record = Record {
        result: long(),
        http_response: long(),
        remote_close_reason: Some(long()),
        violations: vec![long(); 5],
        received: vec![json!(["message", "x".repeat(68), false]); 1000],
        rx_octet_stats: (1..10_000).map(|size| (size, 1)).collect(),
        wirelog: vec![entry(json!(["RO", [1, "00"]])); 10_000],
        ..record("x", "2.1")
    };
    let (dir, page) = site_of(&record);
    let index = fs::read_to_string(dir.path().join(PAGE)).unwrap();
    assert!(page.len() < 300_000, "{}", page.len());
    assert!(page.contains("9,500 entries are left out here"));
    assert!(index.len() < 50_000, "{}", index.len());
}

#[test]
fn an_index_that_names_files_elsewhere_makes_no_pages_there() {
    let dir = tempfile::tempdir().unwrap();
    let inside = dir.path().join("inside");
    fs::create_dir(&inside).unwrap();
    let entry =
        json!({"behavior": "OK", "behaviorClose": "OK", "reportfile": "../a_case_2_1.json"});
    fs::write(
        inside.join(INDEX_FILE),
        json!({"a": {"2.1": entry}}).to_string(),
    )
    .unwrap();
    write(&inside).unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    let index = fs::read_to_string(inside.join(PAGE)).unwrap();
    assert!(!index.contains(".."), "{index}");
}

#[test]
fn pages_of_others_are_made_only_if_they_are_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let mut reports = Reports::open(dir.path()).unwrap();
    for agent in ["a", "b", "c"] {
        reports.add(&record(agent, "2.1")).unwrap();
    }
    let b = dir.path().join("b_case_2_1.html");
    fs::write(&b, "old").unwrap();
    update(dir.path(), &["a"]).unwrap();
    assert_eq!(fs::read_to_string(&b).unwrap(), "old");
    assert!(dir.path().join("c_case_2_1.html").exists());
    assert!(page_of(dir.path(), "a").contains("b_case_2_1.html"));
}

#[test]
fn a_difference_beyond_what_reports_have_is_told() {
    let differs = |close| {
        let mut record = record("a", "2.1");
        record.verdict = Verdict {
            behavior: Behavior::Failed,
            close,
        };
        site_of(&record)
            .1
            .contains("the difference is in later bytes")
    };
    assert!(differs(CloseBehavior::Ok));
    assert!(!differs(CloseBehavior::WrongCode), "then the code is why");
}

#[test]
fn both_runs_of_an_unstable_case_are_shown() {
    let dir = tempfile::tempdir().unwrap();
    let mut reports = Reports::open(dir.path()).unwrap();
    let mut failed = record("a", "2.1");
    failed.verdict.behavior = Behavior::Failed;
    failed.result = "no echo at first".into();
    failed.violations = vec!["a wrong mask".into()];
    reports.add(&failed).unwrap();
    reports.add_second_run(record("a", "2.1")).unwrap();
    write(dir.path()).unwrap();
    let page = page_of(dir.path(), "a");
    for text in [
        ">Unstable<",
        "First run",
        "no echo at first",
        "Violation: a wrong mask.",
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert_eq!(page.matches("RX BYTES").count(), 2);
    let index = fs::read_to_string(dir.path().join(PAGE)).unwrap();
    for text in [
        "Unstable: the first run was FAILED, close OK.",
        "1 unstable",
    ] {
        assert!(index.contains(text), "{text}");
    }
}

#[test]
fn a_badge_counts_the_cases_of_the_original_that_did_not_run() {
    let (dir, _) = site_of(&record("a", "2.1"));
    let badge = fs::read_to_string(dir.path().join("a_badge.svg")).unwrap();
    assert!(badge.contains(">1/1 strict, 516 not run<"), "{badge}");
    let (dir, _) = site_of(&record("a", "20.1.1"));
    let badge = fs::read_to_string(dir.path().join("a_badge.svg")).unwrap();
    assert!(badge.contains(">1/1 strict<"), "{badge}");
}
