//! `ws-conformance compare`.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use ws_conformance::compare;
use ws_conformance::report::{Index, html};

use super::Finish;
use super::output::Output;

/// Compare two report folders: list every case with different verdicts.
///
/// Folders of the original suite work, too. Agents are matched by name. If both folders have one
/// agent each, the names may differ. Cases that only one folder has are counted, but are no
/// difference.
///
/// Exit status: 0 no differences; 1 differences; 2 there was nothing to compare.
#[derive(clap::Args)]
pub(super) struct Args {
    /// A folder with an index.json, or the file itself
    first: PathBuf,

    /// The other folder or file
    second: PathBuf,

    /// Also write the comparison as a web page, which needs no other file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<Finish> {
    let first = Index::read(&args.first)?;
    let second = Index::read(&args.second)?;
    let comparison = compare::indexes(&first, &second);
    if comparison.compared == 0 {
        bail!(
            "{} and {} have no case of the same agent in common",
            args.first.display(),
            args.second.display()
        );
    }
    if let Some(file) = &args.html {
        let names = [&args.first, &args.second].map(|path| path.display().to_string());
        html::comparison_to_html(&comparison, &names[0], &names[1])
            .and_then(|page| fs::write(file, page))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    let output = Output::stdout();
    for difference in &comparison.differences {
        output.line(difference);
    }
    output.line(format!(
        "{} compared, {} different, {} only in {}, {} only in {}",
        comparison.compared,
        comparison.differences.len(),
        comparison.only_first,
        args.first.display(),
        comparison.only_second,
        args.second.display()
    ));
    Ok(Finish::expected_if(comparison.differences.is_empty()))
}
