//! `cargo xtask autobahn`: the conformance suite against the echo peers of every runtime.
//!
//! An [`engine`] runs the cases and leaves Autobahn-shaped reports; everything after that is the
//! same for every engine: [`report`] reads them, [`judge`] compares them with [`expectations`],
//! [`summary`] tells.

mod cases;
mod engine;
mod expectations;
mod judge;
mod patience;
mod plan;
mod report;
mod summary;
mod verdict;
mod wstest;

use std::env;
use std::fs;
use std::io::{IsTerminal, stdout};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::programs::peers::Peers;
use crate::progress::{Progress, Unit};
use crate::runtime::Runtime;
use crate::{Outcome, interrupt, project};
use cases::CaseId;
use engine::{Engine, EngineKind, Job};
use expectations::Expectations;
use patience::Patience;
use plan::{Role, Run};
use summary::Finished;

/// Run the Autobahn conformance suite against the echo peers, and compare with what is expected.
///
/// The peers are built with optimisation. The original suite is a Python 2.7 program: it is
/// installed once below the target directory, from a Python 2.7 on PATH or of pyenv, or taken from
/// a container image if docker or podman has an engine that answers.
///
/// Every verdict must be OK unless a line of autobahn/expectations.toml says otherwise.
///
/// Exit status: 0 all as expected; 1 unexpected verdicts; 2 a run could not be completed.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What runs the cases
    #[arg(long, value_enum, default_value = "wstest")]
    engine: EngineKind,

    /// Cases to run, comma-separated: ids, or patterns in which `*` is any text
    #[arg(
        long,
        value_name = "PATTERNS",
        value_delimiter = ',',
        default_value = "*"
    )]
    cases: Vec<String>,

    /// Test this role only [default: both]
    #[arg(long, value_enum)]
    role: Option<Role>,

    /// Runtimes whose peers are tested, comma-separated [default: all]
    #[arg(long, value_enum, value_name = "NAMES", value_delimiter = ',')]
    runtime: Vec<Runtime>,

    /// Where reports go: `DIR/ENGINE/AGENT/`, emptied first, and `DIR/ENGINE/summary.json`
    /// [default: autobahn in the target directory]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,

    /// Give up after this many seconds without progress, on top of the suite's own timer for the
    /// case that is running
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout: u64,

    /// Test the executables `echo-RUNTIME` and `echo-client-RUNTIME` in this directory instead of
    /// building ws-peers
    #[arg(long, value_name = "DIR")]
    testee_dir: Option<PathBuf>,

    /// Print without colors [default: colors on a terminal, unless NO_COLOR is set]
    #[arg(long)]
    no_color: bool,
}

/// Runs everything that the arguments ask for.
pub(crate) fn run(args: &Args) -> Result<Outcome> {
    interrupt::install();
    let selected = cases::select(&args.cases)?;
    let runs = plan::plan(&args.runtime, args.role);
    let expectations = Expectations::load(&project::root().join("autobahn/expectations.toml"))?;
    expectations.check_unambiguous(&selected, &runs)?;
    let home = project::metadata()?
        .target_directory
        .join("autobahn")
        .into_std_path_buf();
    // Before the long build: it may find that something has to be installed by hand.
    let engine = engine::prepare(args.engine, &home)?;
    println!("engine: {}", engine.describe());
    let peers = Peers::built_or_in(args.testee_dir.as_deref())?;
    for run in &runs {
        peers.find(&run.testee_name())?;
    }
    let session = Session {
        engine: &*engine,
        peers: &peers,
        selected: &selected,
        expectations: &expectations,
        output: args.output.as_ref().unwrap_or(&home).join(engine.name()),
        patience: Patience::new(Duration::from_secs(args.timeout)),
    };
    let finished = session.run_all(&runs)?;
    let color = !args.no_color && env::var_os("NO_COLOR").is_none() && stdout().is_terminal();
    for finished in &finished {
        finished.print(color);
    }
    let file = session.output.join("summary.json");
    summary::write(&file, engine.name(), selected.len(), &finished)?;
    println!("\nsummary: {}", file.display());
    conclude(&finished)
}

/// What all runs of one call share.
struct Session<'a> {
    engine: &'a dyn Engine,
    peers: &'a Peers,
    selected: &'a [CaseId],
    expectations: &'a Expectations,
    /// The parent of the runs' report directories.
    output: PathBuf,
    patience: Patience,
}

impl Session<'_> {
    /// One run after the other; one that cannot be completed does not stop the rest.
    fn run_all(&self, runs: &[Run]) -> Result<Vec<Finished>> {
        let mut finished = Vec::new();
        for run in runs {
            finished.push(self.run_one(run)?);
            if interrupt::requested() {
                break;
            }
        }
        Ok(finished)
    }

    fn run_one(&self, run: &Run) -> Result<Finished> {
        let dir = fresh_dir(&self.output.join(&run.agent))?;
        let mut progress = Progress::new(&run.agent, self.selected.len(), Unit::CASE);
        let outcome = self.engine.test(&mut Job {
            run,
            cases: self.selected,
            testee: self.peers.find(&run.testee_name())?,
            dir: &dir,
            patience: self.patience,
            progress: &mut progress,
        });
        let took = progress.end();
        let results = report::read_index(&dir, &run.agent)?;
        let judgement = judge::judge(run, self.selected, &results, self.expectations);
        let mut error = outcome.err().map(|error| format!("{error:#}"));
        if error.is_none() && judgement.missing > 0 {
            // The suite skips what it cannot reach, and calls that success.
            let (missing, all) = (judgement.missing, self.selected.len());
            error = Some(format!("the suite left out {missing} of {all} cases"));
        }
        Ok(Finished {
            run: run.clone(),
            took,
            dir,
            results,
            judgement,
            error,
        })
    }
}

/// An empty directory for the reports of a run: what an earlier run left must not be taken for
/// this one's.
fn fresh_dir(dir: &Path) -> Result<PathBuf> {
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("cannot empty {}", dir.display()))?;
    }
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    dir.canonicalize()
        .with_context(|| format!("cannot find {}", dir.display()))
}

/// The outcome of the whole call.
fn conclude(finished: &[Finished]) -> Result<Outcome> {
    if interrupt::requested() {
        bail!("interrupted");
    }
    let incomplete: Vec<_> = finished
        .iter()
        .filter(|finished| finished.error.is_some())
        .map(|finished| finished.run.agent.as_str())
        .collect();
    if !incomplete.is_empty() {
        bail!("not completed: {}", incomplete.join(", "));
    }
    let good = finished.iter().all(Finished::is_as_expected);
    println!(
        "{}",
        if good {
            "all as expected"
        } else {
            "some verdicts are unexpected"
        }
    );
    Ok(Outcome::passed_if(good))
}
