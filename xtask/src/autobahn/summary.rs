//! What a run says at its end: tables for people, JSON for programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{Attribute, Cell, CellAlignment, Color, Table};
use serde::Serialize;

use super::cases::CaseId;
use super::judge::{Counts, Judgement, Problem, Unexpected};
use super::plan::Run;
use super::report::{self, Explanation, Results};

/// Everything about one run that has ended, well or not.
pub(crate) struct Finished {
    pub(crate) run: Run,
    pub(crate) took: Duration,
    /// The directory with the reports.
    pub(crate) dir: PathBuf,
    pub(crate) results: Results,
    pub(crate) judgement: Judgement,
    /// Why the run did not come to its end.
    pub(crate) error: Option<String>,
}

impl Finished {
    /// Whether every selected case has its expected result.
    pub(crate) fn is_as_expected(&self) -> bool {
        self.judgement.unexpected.is_empty()
    }

    /// The page to open in a browser, if the suite wrote it.
    fn index_page(&self) -> Option<PathBuf> {
        Some(self.dir.join("index.html")).filter(|page| page.exists())
    }

    /// Prints the table, the unexpected cases, and where the reports are.
    pub(crate) fn print(&self, color: bool) {
        println!("\n{} ({:.1} s)", self.run.agent, self.took.as_secs_f64());
        // Without any result the table would only say that every case is unexpected.
        if !self.results.is_empty() {
            println!("{}", table(&self.judgement, color));
            for unexpected in &self.judgement.unexpected {
                if unexpected.problem != Problem::Missing {
                    println!("{}", self.describe(unexpected));
                }
            }
            if let Some(line) = missing(&self.judgement) {
                println!("{line}");
            }
        }
        match self.index_page() {
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
            unexpected.case,
            explain(&unexpected.problem)
        );
        let Some(result) = self.results.get(unexpected.case) else {
            return what;
        };
        let code = result
            .close_code
            .map_or("none".to_owned(), |code| code.to_string());
        let file = self.dir.join(&result.file);
        let mut lines = vec![what];
        lines.push(format!(
            "    close code of the testee: {code}; details: {}",
            file.display()
        ));
        let said = report::read_explanation(&self.dir, result);
        lines.extend(sentences(said).map(|sentence| format!("    {sentence}")));
        lines.join("\n")
    }
}

/// The cases without a result, on one line: when a run breaks off they are many.
fn missing(judgement: &Judgement) -> Option<String> {
    const SHOWN: usize = 5;
    let cases: Vec<_> = judgement
        .unexpected
        .iter()
        .filter(|unexpected| unexpected.problem == Problem::Missing)
        .map(|unexpected| unexpected.case)
        .collect();
    let first = cases[..cases.len().min(SHOWN)].join(", ");
    match cases.len() {
        0 => None,
        count @ 1..=SHOWN => Some(format!("{count} case(s) without a result: {first}")),
        count => Some(format!("{count} cases without a result, first {first}")),
    }
}

/// What the suite itself says about a case.
fn sentences(said: Explanation) -> impl Iterator<Item = String> {
    [
        Some(said.result),
        Some(said.result_close),
        said.was_not_clean_reason,
    ]
    .into_iter()
    .flatten()
    .filter(|sentence| !sentence.is_empty())
}

fn explain(problem: &Problem) -> String {
    const FILE: &str = "autobahn/expectations.toml";
    match problem {
        Problem::Differs { line, expected } => format!("{FILE}:{line} expects {expected}"),
        Problem::Missing => "the suite did not report it".to_owned(),
        Problem::Stale { line, expected } => {
            format!("{FILE}:{line} is stale: it still expects {expected}; remove or narrow it")
        }
        Problem::Unlisted => format!("no line of {FILE} allows it"),
    }
}

/// One row per group and one for all.
fn table(judgement: &Judgement, color: bool) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY).set_header([
        "group",
        "cases",
        "OK",
        "NON-STRICT",
        "INFORMATIONAL",
        "UNIMPLEMENTED",
        "FAILED",
        "unexpected",
    ]);
    if color {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    for counts in &judgement.groups {
        table.add_row(row(counts));
    }
    table.add_row(row(&judgement.total()));
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn row(counts: &Counts) -> Vec<Cell> {
    let shown = |count: usize| {
        Cell::new(if count == 0 {
            "-".into()
        } else {
            count.to_string()
        })
    };
    let alarming = |count: usize| match count {
        0 => shown(count),
        _ => shown(count).fg(Color::Red).add_attribute(Attribute::Bold),
    };
    vec![
        Cell::new(&counts.group),
        shown(counts.cases),
        shown(counts.ok),
        shown(counts.non_strict),
        shown(counts.informational),
        shown(counts.unimplemented),
        alarming(counts.failed),
        alarming(counts.unexpected),
    ]
}

/// `summary.json`. Fields are added, never changed, while `schema` stays the same.
#[derive(Serialize)]
struct Summary<'a> {
    schema: u32,
    engine: &'a str,
    cases: usize,
    runs: Vec<RunSummary<'a>>,
}

#[derive(Serialize)]
struct RunSummary<'a> {
    agent: &'a str,
    runtime: String,
    role: String,
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
pub(crate) fn write(file: &Path, engine: &str, cases: usize, runs: &[Finished]) -> Result<()> {
    let runs = runs.iter().map(RunSummary::new).collect();
    let summary = Summary {
        schema: 1,
        engine,
        cases,
        runs,
    };
    let text = serde_json::to_string_pretty(&summary)? + "\n";
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

impl<'a> RunSummary<'a> {
    fn new(finished: &'a Finished) -> Self {
        let total = finished.judgement.total();
        Self {
            agent: &finished.run.agent,
            runtime: finished.run.runtime.to_string(),
            role: finished.run.role.to_string(),
            seconds: finished.took.as_secs_f64(),
            report: finished.index_page(),
            error: finished.error.as_deref(),
            ok: total.ok,
            non_strict: total.non_strict,
            informational: total.informational,
            unimplemented: total.unimplemented,
            failed: total.failed,
            missing: finished.judgement.missing,
            unexpected: finished
                .judgement
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
            problem: explain(&unexpected.problem),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::expectations::Expectations;
    use super::super::judge::judge;
    use super::super::plan::Role;
    use super::super::report::testing::result;
    use super::super::verdict::{Behavior, CloseBehavior};
    use super::*;
    use crate::runtime::Runtime;

    fn finished() -> Finished {
        let run = Run::new(Runtime::Tokio, Role::Client);
        let results = Results::from([
            ("1.1.1".to_owned(), result(Behavior::Ok, CloseBehavior::Ok)),
            (
                "1.1.2".to_owned(),
                result(Behavior::Ok, CloseBehavior::WrongCode),
            ),
        ]);
        let selected = ["1.1.1", "1.1.2", "2.1"];
        let judgement = judge(&run, &selected, &results, &Expectations::default());
        let (took, dir) = (Duration::from_millis(1500), "none".into());
        Finished {
            run,
            took,
            dir,
            results,
            judgement,
            error: None,
        }
    }

    #[test]
    fn the_table_counts_groups_and_all() {
        let shown = table(&finished().judgement, false).to_string();
        let rows: Vec<Vec<_>> = shown
            .lines()
            .filter(|line| line.starts_with('│'))
            .map(|line| line.trim_matches('│').split_whitespace().collect())
            .collect();
        assert_eq!(rows[1], ["1", "2", "1", "-", "-", "-", "1", "1"], "{shown}");
        assert_eq!(rows[2], ["2", "1", "-", "-", "-", "-", "-", "1"], "{shown}");
        assert_eq!(
            rows[3],
            ["all", "3", "1", "-", "-", "-", "1", "2"],
            "{shown}"
        );
        assert!(!shown.contains('\x1b'));
        assert!(
            table(&finished().judgement, true)
                .to_string()
                .contains('\x1b')
        );
    }

    #[test]
    fn unexpected_cases_are_described() {
        let finished = finished();
        let described = finished.describe(&finished.judgement.unexpected[0]);
        assert!(described.starts_with("case 1.1.2: OK, close WRONG CODE: no line of"));
        assert!(
            described.contains("close code of the testee: 1000"),
            "{described}"
        );
        let missing = missing(&finished.judgement).unwrap();
        assert_eq!(missing, "1 case(s) without a result: 2.1");
    }

    #[test]
    fn the_summary_is_json_with_what_the_table_says() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("summary.json");
        write(&file, "wstest", 3, &[finished()]).unwrap();
        let summary: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        assert_eq!(summary["schema"], 1);
        assert_eq!(summary["runs"][0]["agent"], "ws-tokio-client");
        assert_eq!(summary["runs"][0]["missing"], 1);
        assert_eq!(
            summary["runs"][0]["unexpected"][0]["behavior_close"],
            "WRONG CODE"
        );
    }
}
