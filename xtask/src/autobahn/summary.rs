//! The results of a run: tables for people, JSON for programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use ws_conformance::case::CaseId;
use ws_conformance::expect::{Assessment, Deviation, Unexpected};
use ws_conformance::report::{INDEX_FILE, Results, table};
use ws_conformance::role::Role;

use super::plan::Run;

/// The results of a run that has ended, also after an error.
pub(crate) struct Finished {
    pub(crate) run: Run,
    pub(crate) took: Duration,
    /// The directory with the reports.
    pub(crate) dir: PathBuf,
    pub(crate) results: Results,
    pub(crate) assessment: Assessment,
    /// The reason why the run was not completed.
    pub(crate) error: Option<String>,
}

impl Finished {
    /// Returns `true` if every selected case has its expected result.
    pub(crate) fn is_as_expected(&self) -> bool {
        self.assessment.is_as_expected()
    }

    /// Returns the report to open: the web page, if the suite wrote one.
    fn report(&self) -> Option<PathBuf> {
        let files = ["index.html", INDEX_FILE].map(|name| self.dir.join(name));
        files.into_iter().find(|file| file.exists())
    }

    /// Prints the table, the unexpected cases, and the place of the reports.
    pub(crate) fn print(&self, color: bool) {
        println!("\n{} ({:.1} s)", self.run.agent, self.took.as_secs_f64());
        // Without any result, the table would only have unexpected cases.
        if !self.results.is_empty() {
            println!("{}", table::by_group(&self.assessment, color));
            for unexpected in &self.assessment.unexpected {
                if unexpected.deviation != Deviation::Missing {
                    println!("{}", self.describe(unexpected));
                }
            }
            if let Some(line) = missing(&self.assessment) {
                println!("{line}");
            }
        }
        match self.report() {
            Some(page) => println!("report: {}", page.display()),
            None => println!("no report was written"),
        }
        if let Some(error) = &self.error {
            println!("could not be completed: {error}");
        }
    }

    fn describe(&self, unexpected: &Unexpected) -> String {
        let verdict = unexpected
            .verdict
            .map_or("no result".to_owned(), |v| v.to_string());
        let what = format!(
            "case {}: {verdict}: {}",
            unexpected.case, unexpected.deviation
        );
        let Some(result) = self.results.get(&unexpected.case) else {
            return what;
        };
        let code = result
            .remote_close_code
            .map_or("none".to_owned(), |code| code.to_string());
        let file = self.dir.join(&result.reportfile);
        let mut lines = vec![what];
        lines.push(format!(
            "    close code of the testee: {code}; details: {}",
            file.display()
        ));
        let said = Explanation::read(&file);
        lines.extend(sentences(said).map(|sentence| format!("    {sentence}")));
        lines.join("\n")
    }
}

/// Returns the cases without a result, on one line, because an interrupted run has many.
fn missing(assessment: &Assessment) -> Option<String> {
    const SHOWN: usize = 5;
    let cases: Vec<_> = assessment
        .unexpected
        .iter()
        .filter(|unexpected| unexpected.deviation == Deviation::Missing)
        .map(|unexpected| unexpected.case.to_string())
        .collect();
    let first = cases[..cases.len().min(SHOWN)].join(", ");
    match cases.len() {
        0 => None,
        count @ 1..=SHOWN => Some(format!("{count} case(s) without a result: {first}")),
        count => Some(format!("{count} cases without a result, first {first}")),
    }
}

/// Returns the suite's own explanation of a case.
fn sentences(said: Explanation) -> impl Iterator<Item = String> {
    [
        Some(said.result),
        Some(said.result_close),
        said.was_not_clean_reason,
    ]
    .into_iter()
    .flatten()
    .chain(said.violations)
    .filter(|sentence| !sentence.is_empty())
}

/// The explanations of the suite, in the file of a case.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Explanation {
    result: String,
    result_close: String,
    was_not_clean_reason: Option<String>,
    /// Only reports of the native engine have violations.
    violations: Vec<String>,
}

impl Explanation {
    /// Reads the file. Returns empty explanations if that fails, because the verdict is in the
    /// index.
    fn read(file: &Path) -> Self {
        let text = fs::read_to_string(file).ok();
        text.and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default()
    }
}

/// The content of `summary.json`. Fields are added, never changed, while `schema` stays the same.
#[derive(Serialize)]
struct Summary<'a> {
    schema: u32,
    engine: &'a str,
    /// `true` if all connections were over TLS.
    tls: bool,
    cases: usize,
    runs: Vec<RunSummary<'a>>,
}

#[derive(Serialize)]
struct RunSummary<'a> {
    agent: &'a str,
    /// The name in `echo-NAME`: a runtime, or whatever names a foreign testee.
    runtime: &'a str,
    role: Role,
    seconds: f64,
    report: Option<PathBuf>,
    error: Option<&'a str>,
    ok: usize,
    non_strict: usize,
    informational: usize,
    unimplemented: usize,
    failed: usize,
    missing: usize,
    unexpected: Vec<UnexpectedSummary>,
}

#[derive(Serialize)]
struct UnexpectedSummary {
    case: CaseId,
    behavior: Option<String>,
    behavior_close: Option<String>,
    problem: String,
}

/// Writes `summary.json`.
pub(crate) fn write(
    file: &Path,
    engine: &str,
    tls: bool,
    cases: usize,
    runs: &[Finished],
) -> Result<()> {
    let runs = runs.iter().map(RunSummary::new).collect();
    let summary = Summary {
        schema: 1,
        engine,
        tls,
        cases,
        runs,
    };
    let text = serde_json::to_string_pretty(&summary)? + "\n";
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

impl<'a> RunSummary<'a> {
    fn new(finished: &'a Finished) -> Self {
        let total = finished.assessment.total();
        Self {
            agent: &finished.run.agent,
            runtime: &finished.run.name,
            role: finished.run.role,
            seconds: finished.took.as_secs_f64(),
            report: finished.report(),
            error: finished.error.as_deref(),
            ok: total.ok,
            non_strict: total.non_strict,
            informational: total.informational,
            unimplemented: total.unimplemented,
            failed: total.failed,
            missing: finished.assessment.missing,
            unexpected: finished
                .assessment
                .unexpected
                .iter()
                .map(UnexpectedSummary::new)
                .collect(),
        }
    }
}

impl UnexpectedSummary {
    fn new(unexpected: &Unexpected) -> Self {
        Self {
            case: unexpected.case,
            behavior: unexpected
                .verdict
                .map(|verdict| verdict.behavior.to_string()),
            behavior_close: unexpected.verdict.map(|verdict| verdict.close.to_string()),
            problem: unexpected.deviation.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ws_conformance::expect::{Expectations, Standard};
    use ws_conformance::report::Entry;
    use ws_conformance::verdict::{CloseBehavior, Verdict};

    use super::*;

    fn entry(close: CloseBehavior) -> Entry {
        Entry {
            verdict: Verdict {
                close,
                ..Verdict::GOOD
            },
            duration: 0,
            remote_close_code: Some(1000),
            reportfile: "none.json".into(),
            first_run: None,
        }
    }

    fn finished() -> Finished {
        let run = Run::new("tokio", Role::Client);
        let selected = ["1.1.1", "1.1.2", "2.1"].map(|case| case.parse().unwrap());
        let results = Results::from([
            (selected[0], entry(CloseBehavior::Ok)),
            (selected[1], entry(CloseBehavior::WrongCode)),
        ]);
        let expectations = Expectations::default();
        let standard = Standard::Listed(&expectations);
        let assessment = Assessment::new(&run.testee(), &selected, &results, standard);
        let (took, dir) = (Duration::from_millis(1500), "none".into());
        Finished {
            run,
            took,
            dir,
            results,
            assessment,
            error: None,
        }
    }

    #[test]
    fn explanations_come_from_the_file_of_the_case() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.json");
        assert_eq!(sentences(Explanation::read(Path::new("none"))).count(), 0);
        let text = r#"{"result": "no match", "resultClose": "", "violations": ["RSV1"]}"#;
        fs::write(&file, text).unwrap();
        let said: Vec<_> = sentences(Explanation::read(&file)).collect();
        assert_eq!(said, ["no match", "RSV1"]);
    }

    #[test]
    fn unexpected_cases_are_described() {
        let finished = finished();
        let described = finished.describe(&finished.assessment.unexpected[0]);
        assert!(described.starts_with("case 1.1.2: OK, close WRONG CODE: no line of"));
        assert!(
            described.contains("close code of the testee: 1000"),
            "{described}"
        );
        let missing = missing(&finished.assessment).unwrap();
        assert_eq!(missing, "1 case(s) without a result: 2.1");
    }

    #[test]
    fn the_summary_is_json_with_what_the_table_says() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("summary.json");
        write(&file, "native", true, 3, &[finished()]).unwrap();
        let summary: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        assert_eq!(summary["schema"], 1);
        assert_eq!(summary["tls"], true);
        assert_eq!(summary["runs"][0]["agent"], "ws-tokio-client");
        assert_eq!(summary["runs"][0]["missing"], 1);
        assert_eq!(
            summary["runs"][0]["unexpected"][0]["behavior_close"],
            "WRONG CODE"
        );
    }
}
