//! `ws-conformance report`.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use ws_conformance::report::html;
use ws_conformance::report::merge::{self, Source};

use super::Finish;
use super::output::Output;

/// Make web pages from report folders, of this program or the original suite.
///
/// Several folders become one, with all testees side by side. The folder can be published without
/// changes, because its pages load nothing from elsewhere. Runs of `server` and `client` write the
/// pages of their own folder. With one DIR and without --out, this command writes them again.
///
/// If two folders have a result of the same case and testee, the later one counts. To keep both,
/// give the folders names. A server and a client of the same name stay two testees: their names
/// then mention the role.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Folders with an index.json. NAME=DIR calls the testee NAME
    #[arg(required = true, value_name = "[NAME=]DIR")]
    folders: Vec<String>,

    /// The folder for the result. An existing index.json is replaced
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  ws-conformance report reports/servers reports/clients --out site
  ws-conformance report before=reports/old after=reports/servers --out site
  ws-conformance report autobahn/reports";

pub(super) fn run(args: &Args) -> Result<Finish> {
    let output = Output::stdout();
    let sources: Vec<_> = args.folders.iter().map(|text| source(text)).collect();
    let out = match (&args.out, &*sources) {
        (Some(out), _) => {
            let merged = merge::merge(&sources, out)?;
            output.line(format!(
                "{} result(s) of {} testee(s)",
                merged.results, merged.agents
            ));
            remark(
                output,
                merged.replaced,
                "replaced by those of later folders",
            );
            remark(
                output,
                merged.without_details,
                "without a file that has the details",
            );
            out.clone()
        }
        (None, [Source { dir, name: None }]) => dir.clone(),
        (None, _) => bail!("several folders, or new names, need a new folder: add --out DIR"),
    };
    html::write(&out)?;
    output.line(format!("pages: {}", out.join(html::PAGE).display()));
    Ok(Finish::AsExpected)
}

fn remark(output: Output, count: usize, what: &str) {
    if count > 0 {
        output.line(format!("{count} result(s) {what}"));
    }
}

/// Parses NAME=DIR or DIR. The path of a folder may contain `=`.
fn source(text: &str) -> Source {
    match text.split_once('=') {
        Some((name, dir)) if !name.is_empty() && !Path::new(text).exists() => Source {
            dir: dir.into(),
            name: Some(name.to_owned()),
        },
        _ => Source {
            dir: text.into(),
            name: None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_may_be_given_a_name() {
        let named = source("new=reports/a=b");
        assert_eq!(named.name.as_deref(), Some("new"));
        assert_eq!(named.dir, Path::new("reports/a=b"));
        for text in ["reports/servers", "=x"] {
            let plain = source(text);
            assert_eq!((plain.dir.as_path(), plain.name), (Path::new(text), None));
        }
    }
}
