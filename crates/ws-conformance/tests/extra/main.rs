//! Tests of the extra cases: testees that are wrong on purpose show that each case can fail.
//!
//! Each testee of [`registry`] is run against all cases of its groups. The cases that it does not
//! pass are stored in `data/broken-testees.txt`, and `BROKEN-TESTEES.md` has the table of them.
//! With `UPDATE=1` in the environment, both files are written anew. With `TESTEE=text`, only
//! testees with this text in their role, name and groups are run (`server none [23, 24]`), and
//! other stored results stay as they are.

#![forbid(unsafe_code)]

mod check;
mod desk;
mod excused;
mod house;
mod http2;
mod messages;
mod opening;
mod registry;
mod run;
mod stored;
mod suite;
mod table;
mod testee;
#[path = "../testees/mod.rs"]
#[allow(dead_code, unused_imports, reason = "shared with the examples")]
mod testees;

use std::collections::BTreeSet;
use std::{env, fs};

use stored::Results;
use testee::Testee;
use ws_conformance::verdict::Behavior;

#[test]
fn each_testee_fails_its_cases_and_no_others() {
    let chosen = env::var("TESTEE").unwrap_or_default();
    let testees: Vec<&'static Testee> = registry::all()
        .iter()
        .filter(|testee| testee.matches(&chosen))
        .collect();
    let mut expected = stored::load();
    let found = run::examine(&testees, &expected);
    if stored::is_update() {
        expected.extend(found);
        expected.retain(|key, _| is_known(key));
        stored::save(&expected);
        let text = table::text(registry::all(), &expected);
        fs::write(stored::path(table::FILE), text).expect("the table can be written");
    } else {
        let chosen: BTreeSet<_> = testees.iter().map(|testee| testee.key()).collect();
        expected.retain(|key, _| chosen.contains(key) || !is_known(key));
        assert_eq!(stored::differences(&found, &expected), [""; 0]);
    }
}

fn is_known(key: &str) -> bool {
    registry::all().iter().any(|testee| testee.key() == key)
}

/// The stored results, which [`each_testee_fails_its_cases_and_no_others`] keeps true.
fn stored_results() -> Option<Results> {
    (!stored::is_update()).then(stored::load)
}

#[test]
fn each_case_has_a_testee_that_fails_it() {
    let Some(results) = stored_results() else {
        return;
    };
    let excused = excused::UNPROVEN.iter().map(|(case, _)| (*case).to_owned());
    let excused: BTreeSet<_> = excused.collect();
    let unproven: BTreeSet<_> = table::unproven(registry::all(), &results)
        .into_iter()
        .collect();
    let missing: Vec<_> = unproven.difference(&excused).collect();
    assert_eq!(
        missing, [""; 0],
        "no testee shows that these cases can fail"
    );
    let stale: Vec<_> = excused.difference(&unproven).collect();
    assert_eq!(stale, [""; 0], "these cases need no reason any more");
}

#[test]
fn the_table_is_current() {
    let Some(results) = stored_results() else {
        return;
    };
    let stale: Vec<_> = results.keys().filter(|key| !is_known(key)).collect();
    assert_eq!(stale, [""; 0], "these testees are gone");
    let table = fs::read_to_string(stored::path(table::FILE)).unwrap_or_default();
    let current = table::text(registry::all(), &results);
    assert!(
        table == current,
        "{} is not current: run this test with UPDATE=1",
        table::FILE
    );
}

#[test]
fn correct_testees_pass_all_cases() {
    let Some(results) = stored_results() else {
        return;
    };
    let correct = registry::all().iter().filter(|testee| testee.is_correct);
    for testee in correct {
        let misses = results.get(&testee.key()).into_iter().flatten();
        let failed = misses.filter(|(_, miss)| **miss != suite::Miss::NonStrict);
        let failed: Vec<_> = failed.map(|(id, _)| id.to_string()).collect();
        assert_eq!(failed, [""; 0], "{} is correct", testee.key());
    }
}

#[test]
fn each_broken_testee_fails_a_case() {
    let Some(results) = stored_results() else {
        return;
    };
    let broken = registry::all().iter().filter(|testee| !testee.is_correct);
    let unnoticed = broken
        .map(Testee::key)
        .filter(|key| match results.get(key) {
            Some(misses) => misses.is_empty(),
            None => true,
        });
    let unnoticed: BTreeSet<_> = unnoticed.collect();
    let excused = excused::UNNOTICED.iter().map(|(key, _)| (*key).to_owned());
    let excused: BTreeSet<_> = excused.collect();
    assert_eq!(unnoticed, excused, "no case notices them, or now one does");
}

/// Faults of the WebSocket are found through the frames of HTTP/2, too.
#[test]
fn frame_cases_run_over_http2() {
    for (testee, case, verdict) in [
        ("server h2", "1.1.8", Behavior::Ok),
        ("server h2", "2.6", Behavior::Ok),
        ("server h2", "4.1.3", Behavior::Ok),
        ("server h2", "7.1.1", Behavior::Ok),
        ("server h2", "9.1.1", Behavior::Ok),
        ("server h2", "21.1.1", Behavior::Ok),
        ("server h2", "24.1.1", Behavior::Ok),
        ("server h2", "24.4.1", Behavior::Ok),
        ("server h2", "20.1.1", Behavior::NotApplicable),
        ("server h2-opcodes-unchecked", "4.1.3", Behavior::Failed),
        ("server h2-streams-left-open", "24.4.1", Behavior::Failed),
        ("client h2", "23.4.1", Behavior::Ok),
        ("client h2", "24.1.1", Behavior::Ok),
        ("client h2", "24.4.3", Behavior::Ok),
        ("client h2", "22.1.1", Behavior::NotApplicable),
        ("client h2-opcodes-unchecked", "24.3.4", Behavior::Failed),
        ("client h2-streams-left-open", "24.4.8", Behavior::Failed),
    ] {
        let record = run::play(registry::find(testee), case.parse().expect("an id"));
        assert_eq!(
            record.verdict.behavior, verdict,
            "{testee} {case}: {record:#?}"
        );
    }
}

#[test]
fn names_are_unique() {
    let keys: BTreeSet<_> = registry::all().iter().map(Testee::key).collect();
    assert_eq!(keys.len(), registry::all().len());
}
