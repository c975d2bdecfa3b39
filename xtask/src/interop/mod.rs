//! `cargo xtask interop`: compression between our peers and programs that nobody here wrote.
//!
//! [`foreign`] are the others, [`install`] gets them, [`pairing`] lets one of them and one of ours talk.
//! Whichever side the other one is, it runs the checks, and ours echoes: the programs in `tests/interop`
//! print a line for each check, which [`report`] reads.

mod foreign;
mod install;
mod page;
mod pairing;
mod report;

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::programs::peers::Peers;
use crate::runtime::Runtime;
use crate::{Outcome, interrupt, project};
use foreign::Foreign;
use install::Prepared;
use pairing::{Bench, Pairing};
use report::Finished;

/// Check compression between our peers and a browser, Node's ws, and Python's websockets.
///
/// Chromium, Node's ws and Python's websockets are clients of our echo server on every runtime, and the
/// latter two are servers of our echo clients. All agree on permessage-deflate, then texts and binary
/// messages of many lengths, fragments, pings and a Close go to and fro.
///
/// ws and websockets are installed once below the target directory, in the versions that
/// tests/interop names, by npm and by pip in a virtual environment.
///
/// Exit status: 0 all pairings did all checks; 1 some failed; 2 some could not be run, because a
/// program is not there or for another reason.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Programs to check with, comma-separated [default: all]
    #[arg(long, value_enum, value_name = "NAMES", value_delimiter = ',')]
    with: Vec<Foreign>,

    /// Runtimes whose peers are checked, comma-separated [default: all]
    #[arg(long, value_enum, value_name = "NAMES", value_delimiter = ',')]
    runtime: Vec<Runtime>,

    /// Exit 0 although a program is not installed on this machine
    #[arg(long)]
    allow_missing: bool,

    /// Check the executables `echo-RUNTIME` and `echo-client-RUNTIME` in this directory instead of
    /// building ws-peers
    #[arg(long, value_name = "DIR")]
    peer_dir: Option<PathBuf>,
}

/// Runs every pairing that the arguments ask for.
pub(crate) fn run(args: &Args) -> Result<Outcome> {
    interrupt::install();
    let home = project::scratch_dir("interop")?;
    let mut missing = Vec::new();
    let mut programs = Vec::new();
    for foreign in Foreign::these_or_all(&args.with) {
        match install::prepare(*foreign, &home)? {
            Prepared::Ready(program) => programs.push((*foreign, program)),
            Prepared::Missing(what) => missing.push(format!("not run: {foreign}: {what}")),
        }
    }
    let bench = Bench {
        peers: Peers::built_or_in(args.peer_dir.as_deref())?,
        home,
    };
    let mut finished = Vec::new();
    for (foreign, program) in &programs {
        for pairing in Pairing::all(*foreign, Runtime::these_or_all(&args.runtime)) {
            finished.push(bench.run(&pairing, program));
            if interrupt::requested() {
                bail!("interrupted");
            }
        }
    }
    println!("{}", report::table(&finished));
    for line in finished
        .iter()
        .flat_map(Finished::complaints)
        .chain(missing.clone())
    {
        println!("{line}");
    }
    conclude(&finished, !missing.is_empty() && !args.allow_missing)
}

fn conclude(finished: &[Finished], is_incomplete: bool) -> Result<Outcome> {
    let broken = finished
        .iter()
        .filter(|finished| finished.is_broken())
        .count();
    if broken > 0 {
        bail!("{broken} of {} pairings could not be run", finished.len());
    }
    let good = finished.iter().all(Finished::is_good);
    // What is wrong with the project comes first.
    if good && is_incomplete {
        bail!("programs are missing; --allow-missing does without them");
    }
    Ok(Outcome::passed_if(good))
}
