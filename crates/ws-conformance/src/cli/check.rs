//! `ws-conformance check`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde::Deserialize;
use ws_conformance::case::CaseId;
use ws_conformance::expect::{Assessment, Expectations, Standard, Testee, Unexpected};
use ws_conformance::report::{Index, Results, table};
use ws_conformance::role::Role;

use super::Finish;
use super::options::standard;
use super::output::Output;

/// Judge a report folder again, without a run.
///
/// Prints the table of each testee, and the cases with unexpected results. Folders of the original
/// suite work, too.
///
/// Exit status: 0 all as expected; 1 unexpected results; 2 there was nothing to judge.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The folder with an index.json, or the file itself
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// The role of the testees
    #[arg(long, value_enum)]
    role: Role,

    /// Cases that must have a result, comma-separated [default: those of the folder]
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    cases: Vec<CaseId>,

    /// A file of verdicts that may differ from OK, as for `server` and `client`
    #[arg(long, value_name = "FILE", conflicts_with = "strict")]
    expect: Option<PathBuf>,

    /// Treat NON-STRICT and UNIMPLEMENTED as unexpected, not only failures
    #[arg(long)]
    strict: bool,

    /// Print without colors [default: colors on a terminal, unless NO_COLOR is set]
    #[arg(long)]
    no_color: bool,
}

const EXAMPLES: &str = "\
Examples:
  ws-conformance check reports/servers --role server --strict
  ws-conformance check autobahn/reports --role client --expect expectations.toml";

pub(super) fn run(args: &Args) -> Result<Finish> {
    let index = Index::read(&args.folder)?;
    if index.agents().is_empty() {
        bail!("{} has no results", args.folder.display());
    }
    let expectations = args.expect.as_deref().map(Expectations::load);
    let expectations = expectations.transpose()?;
    let standard = standard(expectations.as_ref(), args.strict);
    let mut good = true;
    for (agent, results) in index.agents() {
        good &= args.judge(agent, results, standard)?;
    }
    Ok(Finish::expected_if(good))
}

impl Args {
    /// Prints the results of a testee. Returns `true` if they are as expected.
    fn judge(&self, agent: &str, results: &Results, standard: Standard<'_>) -> Result<bool> {
        let testee = Testee {
            agent: agent.to_owned(),
            role: self.role,
        };
        let selected: BTreeSet<_> = match &*self.cases {
            [] => results.keys().copied().collect(),
            cases => cases.iter().copied().collect(),
        };
        let selected: Vec<_> = selected.into_iter().collect();
        if let Standard::Listed(expectations) = standard {
            expectations.check_unambiguous(&selected, &testee)?;
        }
        let assessment = Assessment::new(&testee, &selected, results, standard);
        let output = Output::stdout();
        let colors = !self.no_color && output.has_colors();
        output.line(format!("\n{agent}"));
        output.line(table::by_group(&assessment, colors));
        for unexpected in &assessment.unexpected {
            output.line(self.describe(unexpected, results));
        }
        Ok(assessment.is_as_expected())
    }

    /// Describes the result with the explanations of the suite.
    fn describe(&self, unexpected: &Unexpected, results: &Results) -> String {
        let (case, deviation) = (unexpected.case, unexpected.deviation);
        let mut lines = vec![match unexpected.verdict {
            Some(verdict) => format!("case {case}: {verdict}: {deviation}"),
            None => format!("case {case}: {deviation}"),
        }];
        if let Some(entry) = results.get(&case) {
            let folder = match self.folder.is_dir() {
                true => &*self.folder,
                false => self.folder.parent().unwrap_or(Path::new("")),
            };
            let file = folder.join(&entry.reportfile);
            lines.extend(Explanations::read(&file).lines());
            lines.push(format!("    details:   {}", file.display()));
        }
        lines.join("\n")
    }
}

/// The explanations in the file of a case.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Explanations {
    result: String,
    result_close: String,
    was_not_clean_reason: Option<String>,
    /// Reports of the original suite have no violations.
    violations: Vec<String>,
}

impl Explanations {
    /// Reads the file. If that fails, there are no explanations: the verdict is in the index.
    fn read(file: &Path) -> Self {
        let text = fs::read_to_string(file).ok();
        text.and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default()
    }

    fn lines(self) -> impl Iterator<Item = String> {
        let named = [("outcome:", self.result), ("close:", self.result_close)];
        let unnamed = self.was_not_clean_reason.map(|reason| ("", reason));
        let violations = self.violations.into_iter();
        let violations = violations.map(|violation| ("violation:", violation));
        named
            .into_iter()
            .chain(unnamed)
            .chain(violations)
            .filter(|(_, text)| !text.is_empty())
            .map(|(name, text)| format!("    {name:<11}{text}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explanations_come_from_the_file_of_the_case() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.json");
        assert_eq!(Explanations::read(&file).lines().count(), 0);
        let text = r#"{"result": "no match", "resultClose": "", "violations": ["RSV1"]}"#;
        fs::write(&file, text).unwrap();
        let lines: Vec<_> = Explanations::read(&file).lines().collect();
        assert_eq!(lines, ["    outcome:   no match", "    violation: RSV1"]);
    }
}
