//! `ws-conformance check`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ws_conformance::case::pattern;
use ws_conformance::case::{Case, CaseId};
use ws_conformance::cases::Sets;
use ws_conformance::expect::{Assessment, Expectations, Standard, Testee};
use ws_conformance::report::{self, Index, Results, table};
use ws_conformance::role::Role;

use super::Finish;
use super::failure::{self, Facts};
use super::options::{patterns, standard};
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

    /// The role of the testees [default: the one that the files of their cases mention]
    #[arg(long, value_enum)]
    role: Option<Role>,

    /// Cases that must have a result, comma-separated: ids, or patterns in which `*` is any text
    /// [default: those of the folder]
    #[arg(
        long,
        visible_alias = "case",
        value_name = "PATTERNS",
        value_delimiter = ','
    )]
    cases: Vec<String>,

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
  ws-conformance check reports/servers --strict
  ws-conformance check reports/servers --cases '7.*,9.*'
  ws-conformance check autobahn/reports --expect expectations.toml";

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
        let role = args.role_of(agent, results)?;
        let agent = agent.to_owned();
        good &= args.judge(&Testee { agent, role }, results, standard)?;
    }
    Ok(Finish::expected_if(good))
}

impl Args {
    fn dir(&self) -> &Path {
        match self.folder.is_dir() {
            true => &self.folder,
            false => self.folder.parent().unwrap_or(Path::new("")),
        }
    }

    /// Returns the role of a testee. Refuses an option that contradicts the files.
    fn role_of(&self, agent: &str, results: &Results) -> Result<Role> {
        match (self.role, report::role_of(self.dir(), results)) {
            (Some(given), Some(stored)) if given != stored => {
                bail!("{agent} is a {stored}, not a {given}: leave out --role")
            }
            (given, stored) => stored.or(given).with_context(|| {
                format!("no file of {agent} mentions its role: add --role server or --role client")
            }),
        }
    }

    /// Returns the cases that must have a result.
    fn select(&self, role: Role, results: &Results) -> Result<Vec<CaseId>> {
        if self.cases.is_empty() {
            return Ok(results.keys().copied().collect());
        }
        let of_role = Sets::All.cases().filter(|case| case.roles().include(role));
        let of_role: Vec<_> = of_role.map(Case::id).collect();
        Ok(pattern::select(&of_role, &patterns(&self.cases), &[])?)
    }

    /// Prints the results of a testee. Returns `true` if they are as expected.
    fn judge(&self, testee: &Testee, results: &Results, standard: Standard<'_>) -> Result<bool> {
        let selected = self.select(testee.role, results)?;
        if let Standard::Listed(expectations) = standard {
            expectations.check_unambiguous(&selected, testee)?;
        }
        let assessment = Assessment::new(testee, &selected, results, standard);
        let output = Output::stdout();
        let colors = !self.no_color && output.has_colors();
        output.line(format!("\n{} ({})", testee.agent, testee.role));
        output.line(table::by_group(&assessment, colors));
        for unexpected in &assessment.unexpected {
            let facts = Facts::read(self.dir(), results, unexpected.case);
            output.line(failure::describe(unexpected, facts.as_ref(), None, None));
        }
        Ok(assessment.is_as_expected())
    }
}
