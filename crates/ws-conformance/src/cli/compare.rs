//! `ws-conformance compare`.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use ws_conformance::compare::{self, Change};
use ws_conformance::report::{Index, html, table};

use super::Finish;
use super::output::Output;

/// Compare two report folders: list every case with different verdicts.
///
/// Folders of the original suite work, too. Agents are matched by name. If both folders have one
/// agent each, the names may differ. Cases that only one folder has are counted, but are no
/// difference.
///
/// Exit status: 0 no differences; 1 differences; 2 there was nothing to compare. With --worse, only
/// cases that are worse in the second folder count.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// A folder with an index.json, or the file itself
    first: PathBuf,

    /// The other folder or file
    second: PathBuf,

    /// Also write the comparison as a web page, which needs no other file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Ignore cases that are better in the second folder, or only different
    #[arg(long)]
    worse: bool,

    /// Print without colors [default: colors on a terminal, unless NO_COLOR is set]
    #[arg(long)]
    no_color: bool,
}

const EXAMPLES: &str = "\
Examples:
  ws-conformance compare reports/before reports/servers
  ws-conformance compare --worse baseline reports/servers || echo 'a case has become worse'
  ws-conformance compare autobahn/reports reports/servers --html comparison.html";

pub(super) fn run(args: &Args) -> Result<Finish> {
    let first = Index::read(&args.first)?;
    let second = Index::read(&args.second)?;
    let mut comparison = compare::indexes(&first, &second);
    if comparison.compared == 0 {
        bail!(
            "{} and {} have no case of the same agent in common",
            args.first.display(),
            args.second.display()
        );
    }
    if args.worse {
        let differences = &mut comparison.differences;
        differences.retain(|difference| difference.change() == Change::Worse);
    }
    if let Some(file) = &args.html {
        let names = [&args.first, &args.second].map(|path| path.display().to_string());
        html::comparison_to_html(&comparison, &names[0], &names[1])
            .and_then(|page| fs::write(file, page))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    let output = Output::stdout();
    if !comparison.differences.is_empty() {
        let colors = !args.no_color && output.has_colors();
        output.line(table::of_differences(&comparison, colors));
    }
    output.line(format!(
        "{} compared, {} worse, {} better, {} otherwise different, {} only in {}, {} only in {}",
        comparison.compared,
        comparison.count(Change::Worse),
        comparison.count(Change::Better),
        comparison.count(Change::Different),
        comparison.only_first,
        args.first.display(),
        comparison.only_second,
        args.second.display()
    ));
    Ok(Finish::expected_if(comparison.differences.is_empty()))
}
