//! The files of a run.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::command::{Ran, command, run, server};
use crate::testees::Fault;

fn read(file: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

fn test_server(dir: &Path, fault: Fault, more: &[&str]) {
    let url = server(fault);
    let words = ["server", "--url", &url, "--agent", fault.name()];
    let ran = run(dir, &[&words, more].concat());
    assert!(ran.status < 2, "{}", ran.stderr);
}

/// Returns the JSON type of a value, as the file with the shape names it.
fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Fails unless every field of the original is present with a type that it has there. The fields of
/// `added` are allowed, too.
#[track_caller]
fn assert_shape(value: &Value, shape: &Value, added: &[&str]) {
    for (name, types) in shape.as_object().unwrap() {
        let found = value.get(name).map(type_of);
        let found = found.unwrap_or_else(|| panic!("{name} is missing"));
        let types = types.as_array().unwrap();
        assert!(types.contains(&found.into()), "{name} is {found}");
    }
    for name in value.as_object().unwrap().keys() {
        let known = shape.get(name).is_some() || added.contains(&&**name);
        assert!(known, "{name} is not in the original");
    }
}

#[test]
fn reports_have_the_shape_of_the_original() {
    let shape = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/report-shape.json");
    let shape = read(Path::new(shape));
    let dir = tempfile::tempdir().unwrap();
    let cases = ["--cases", "1.1.1,3.1,7.1.1,7.5.1,9.1.1,9.7.1"];
    test_server(dir.path(), Fault::NONE, &cases);
    let folder = dir.path().join("reports/servers");
    let index = read(&folder.join("index.json"));
    let entries = index[Fault::NONE.name()].as_object().unwrap();
    assert_eq!(entries.len(), 6);
    for (case, entry) in entries {
        assert_shape(entry, &shape["index"], &[]);
        let report = read(&folder.join(entry["reportfile"].as_str().unwrap()));
        assert_shape(
            &report,
            &shape["case"],
            &["replay", "schema", "seed", "violations"],
        );
        assert_eq!(report["id"], **case);
        assert_eq!(report["behavior"], entry["behavior"]);
    }
}

#[test]
fn runs_are_merged_and_compared() {
    let dir = tempfile::tempdir().unwrap();
    test_server(
        dir.path(),
        Fault::NONE,
        &["--cases", "5.3", "--outdir", "a"],
    );
    test_server(
        dir.path(),
        Fault::NONE,
        &["--cases", "1.1.1", "--outdir", "a"],
    );
    let index = read(&dir.path().join("a/index.json"));
    assert_eq!(index[Fault::NONE.name()].as_object().unwrap().len(), 2);

    let fault = Fault::named("last-fragment-lost");
    test_server(
        dir.path(),
        fault,
        &["--cases", "5.3,1.1.1", "--outdir", "b"],
    );
    let same = run(dir.path(), &["compare", "a", "a/index.json"]);
    same.assert_status(0);
    assert!(
        same.stdout.contains("2 compared, 0 worse, 0 better"),
        "{}",
        same.stdout
    );
    let different = run(dir.path(), &["compare", "a", "b"]);
    different.assert_status(1);
    let row = different.stdout.lines().find(|line| line.contains(" 5.3 "));
    let row = row.unwrap_or_else(|| panic!("{}", different.stdout));
    for cell in [" none ", " OK, close OK ", " FAILED, close ", " worse "] {
        assert!(row.contains(cell), "{row}");
    }
    run(dir.path(), &["compare", "--worse", "a", "b"]).assert_status(1);
    let better = run(dir.path(), &["compare", "--worse", "b", "a"]);
    better.assert_status(0);
    run(dir.path(), &["compare", "a", "c"]).assert_refused("cannot read the report");
    fs::write(dir.path().join("empty.json"), "{}").unwrap();
    run(dir.path(), &["compare", "a", "empty.json"]).assert_refused("in common");
}

#[test]
fn junit_has_every_case() {
    let dir = tempfile::tempdir().unwrap();
    let words = ["--cases", "1.1.1,5.3", "--junit", "junit.xml"];
    test_server(dir.path(), Fault::named("last-fragment-lost"), &words);
    let xml = fs::read_to_string(dir.path().join("junit.xml")).unwrap();
    let report = quick_junit::Report::deserialize_from_str(&xml).unwrap();
    assert_eq!((report.tests, report.failures, report.errors), (2, 1, 0));
    let suite = &report.test_suites[0];
    assert_eq!(suite.name.as_str(), "last-fragment-lost");
    assert_eq!(suite.test_cases[1].name.as_str(), "5.3");
}

#[test]
fn github_gets_annotations_and_a_summary() {
    let dir = tempfile::tempdir().unwrap();
    let url = server(Fault::named("last-fragment-lost"));
    let words = [
        "server",
        "--url",
        &url,
        "--agent",
        "x",
        "--cases",
        "1.1.1,5.3",
    ];
    let summary = dir.path().join("summary.md");
    let mut command = command(dir.path(), &words);
    let command = command.env("GITHUB_ACTIONS", "true");
    let ran = Ran::from(
        command
            .env("GITHUB_STEP_SUMMARY", &summary)
            .output()
            .unwrap(),
    );
    ran.assert_status(1);
    let annotations: Vec<_> = ran
        .stdout
        .lines()
        .filter(|line| line.starts_with("::"))
        .collect();
    assert_eq!(annotations.len(), 1, "{}", ran.stdout);
    assert!(annotations[0].starts_with("::error title=x%2C case 5.3::case 5.3 ("));
    let summary = fs::read_to_string(summary).unwrap();
    assert!(
        summary.contains("1 of 2 cases are as expected."),
        "{summary}"
    );
}

#[test]
fn a_folder_is_judged_again_by_other_expectations() {
    let dir = tempfile::tempdir().unwrap();
    test_server(
        dir.path(),
        Fault::named("last-fragment-lost"),
        &["--cases", "1.1.1,5.3"],
    );
    let check = ["check", "reports/servers", "--role", "server"];
    let ran = run(dir.path(), &check);
    ran.assert_status(1);
    assert!(ran.stdout.contains("case 5.3: FAILED"), "{}", ran.stdout);
    assert!(ran.stdout.contains("outcome:"), "{}", ran.stdout);
    let entry =
        "[[expect]]\ncases = \"5.3\"\nbehavior = \"FAILED\"\nclose = \"OK\"\nreason = \"known\"\n";
    fs::write(dir.path().join("expect.toml"), entry).unwrap();
    let known = [&check[..], &["--expect", "expect.toml"]].concat();
    run(dir.path(), &known).assert_status(0);
    let missing = [&check[..], &["--cases", "1.1.1,1.1.2"]].concat();
    let ran = run(dir.path(), &missing);
    ran.assert_status(1);
    assert!(
        ran.stdout.contains("case 1.1.2: there is no result"),
        "{}",
        ran.stdout
    );
    run(dir.path(), &["check", "none", "--role", "server"]).assert_status(2);
}
