//! The files of a run.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::command::{Ran, command, run, server};
use crate::programs::run_with;
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
    let check = ["check", "reports/servers"];
    let ran = run(dir.path(), &check);
    ran.assert_status(1);
    // The texts of a run, without its options.
    for text in [
        "last-fragment-lost (server)\n",
        "case 5.3 (",
        "    sent:      ",
        "    wanted:    ",
        "    received:  ",
        "    outcome:   ",
        " --cases 5.3 --seed 1 --trace\n",
        "    details:   reports/servers/last_fragment_lost_case_5_3.json\n",
    ] {
        let Ran { stdout, .. } = &ran;
        assert!(stdout.contains(text), "`{text}` is not in {stdout}");
    }
    let entry =
        "[[expect]]\ncases = \"5.3\"\nbehavior = \"FAILED\"\nclose = \"OK\"\nreason = \"known\"\n";
    fs::write(dir.path().join("expect.toml"), entry).unwrap();
    let known = [&check[..], &["--expect", "expect.toml"]].concat();
    run(dir.path(), &known).assert_status(0);
    let wrong = [&check[..], &["--role", "client"]].concat();
    run(dir.path(), &wrong).assert_refused("last-fragment-lost is a server, not a client");
    run(dir.path(), &["check", "none"]).assert_status(2);
}

#[test]
fn patterns_name_the_cases_that_must_have_a_result() {
    let dir = tempfile::tempdir().unwrap();
    test_server(dir.path(), Fault::NONE, &["--cases", "1.1.1,1.1.3"]);
    let check = |cases| run(dir.path(), &["check", "reports/servers", "--cases", cases]);
    check("1.1.1, *.1.3").assert_status(1);
    check("1.1.1,1.1.3").assert_status(0);
    let ran = check("1.1.*");
    ran.assert_status(1);
    assert_eq!(ran.stdout.matches("): the case was not run").count(), 6);
    check("1.1").assert_refused("`1.1.*` would match");
    check("22.1.1").assert_refused("no case for this role");
}

#[test]
fn a_server_and_a_client_of_one_name_are_shown_side_by_side() {
    let dir = tempfile::tempdir().unwrap();
    let common = ["--agent", "echo", "--cases", "1.1.1"];
    let url = server(Fault::NONE);
    run(
        dir.path(),
        &[&["server", "--url", &url], &common[..]].concat(),
    )
    .assert_status(0);
    let client = [&["client"], &common[..]].concat();
    run_with(dir.path(), &client, "echo/none@{case}").assert_status(0);
    let folders = ["reports/servers", "reports/clients"];
    let ran = run(
        dir.path(),
        &[&["report"], &folders[..], &["--out", "site"]].concat(),
    );
    assert!(
        ran.stdout.contains("2 result(s) of 2 testee(s)"),
        "{}",
        ran.stdout
    );
    let page = fs::read_to_string(dir.path().join("site/index.html")).unwrap();
    for heading in [
        "<h2><bdi>echo (server)</bdi></h2>",
        "<h2><bdi>echo (client)</bdi></h2>",
    ] {
        assert!(page.contains(heading), "{page}");
    }
    run(dir.path(), &["check", "site"]).assert_status(0);
    let client = [&client[..], &["--outdir", "reports/servers"]].concat();
    let ran = run_with(dir.path(), &client, "echo/none@{case}");
    ran.assert_refused("reports/servers has results of a server with the name echo");
}
