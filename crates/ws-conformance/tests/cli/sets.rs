//! The extra cases, which `--set` selects.

use std::fs;

use serde_json::Value;

use crate::command::{NOWHERE, run, server};
use crate::testees::Fault;

#[test]
fn each_set_is_listed_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let lines = |set: &[&str]| {
        let ran = run(dir.path(), &[&["list"], set].concat());
        ran.assert_status(0);
        ran.stdout.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let (original, extra) = (lines(&[]), lines(&["--set", "extra"]));
    assert_eq!(original.len(), 517);
    assert!(extra[0].starts_with("20.1.1   MUST           server  Sends a request "));
    assert_eq!(lines(&["--set", "all"]), [original, extra].concat());
}

#[test]
fn extra_cases_are_listed_with_their_rules() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run(dir.path(), &["list", "--set", "all", "--json"]);
    let cases: Vec<Value> = serde_json::from_str(&ran.stdout).unwrap();
    let case = |id| cases.iter().find(|case| case["id"] == id).unwrap();
    let extra = case("23.1.1");
    assert_eq!(
        (&extra["level"], &extra["role"]),
        (&"SHOULD".into(), &"both".into())
    );
    assert_eq!(extra["rfc"][0], "RFC 6455 §5.2");
    assert_eq!(extra["rule"]["binds"], "sender");
    assert_eq!(case("1.1.1").get("level"), None);
}

#[test]
fn an_extra_case_runs_like_any_other() {
    let dir = tempfile::tempdir().unwrap();
    let url = server(Fault::named("opcodes-unchecked"));
    let words = [
        "server", "--url", &url, "--agent", "x", "--set", "all", "--trace",
    ];
    let ran = run(
        dir.path(),
        &[&words[..], &["--cases", "1.1.1,20.1.1,23.3.1"]].concat(),
    );
    ran.assert_status(1);
    for text in [
        "case 23.3.1 (",
        "rule:      RFC 6455 §5.2 (MUST)",
        "--cases 23.3.1 --seed 1 --trace\n",
        "> Text, 14 bytes \"Are you there?\"",
    ] {
        assert!(
            ran.stdout.contains(text),
            "`{text}` is not in {}",
            ran.stdout
        );
    }
    let record = |case: &str| -> Value {
        let file = format!("reports/servers/x_case_{case}.json");
        serde_json::from_str(&fs::read_to_string(dir.path().join(file)).unwrap()).unwrap()
    };
    assert_eq!(record("20_1_1")["behavior"], "OK");
    assert_eq!(record("23_3_1")["level"], "MUST");
    assert_eq!(record("1_1_1").get("level"), None);
}

#[test]
fn a_pattern_implies_its_set() {
    let dir = tempfile::tempdir().unwrap();
    let url = server(Fault::NONE);
    let words = ["server", "--url", &url, "--agent", "x", "--cases"];
    for (patterns, cases) in [("23.3.1", 1), ("1.1.1,23.3.1", 2), ("1.1.*,23.3.1", 9)] {
        let ran = run(dir.path(), &[&words[..], &[patterns]].concat());
        ran.assert_status(0);
        let counted = format!("x: {cases} case(s)");
        assert!(ran.stdout.contains(&counted), "{}", ran.stdout);
    }
}

#[test]
fn cases_of_another_set_or_role_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |words: &[&str], text| run(dir.path(), words).assert_refused(text);
    let server = ["server", "--url", NOWHERE];
    refused(
        &[&server[..], &["--set", "original", "--cases", "20.1.1"]].concat(),
        "--set",
    );
    refused(&[&server[..], &["--cases", "22.1.1"]].concat(), "this role");
    refused(
        &[&server[..], &["--set", "extra", "--cases", "22.1.1"]].concat(),
        "for this role",
    );
    let client = [
        "client", "--listen", NOWHERE, "--set", "extra", "--cases", "20.*",
    ];
    refused(&client, "for this role");
    refused(
        &[&server[..], &["--set", "other"]].concat(),
        "possible values",
    );
}
