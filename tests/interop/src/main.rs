//! `cargo xtask interop`: checks of our peers against programs of others.
//!
//! [`foreign`] has the programs, [`tools`] finds their executables, and [`install`] installs them.
//! A [`pairing`] is one of the programs and some of [`ours`]. [`scripts`] runs the checks of a
//! [`browser`] and of the programs in `scripts`, and [`network`] those in a network namespace.
//! [`checks`] has the checks that this program performs itself, by controlling the others.
//! [`report`] has the results.

#![forbid(unsafe_code)]

mod bench;
mod browser;
mod certificates;
mod checks;
mod dialogue;
mod foreign;
mod install;
mod namespace;
mod network;
mod ours;
mod pairing;
mod plan;
mod process;
mod report;
mod scripts;
mod stage;
mod tools;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Parser;
use ws_test_programs::peers::Peers;
use ws_test_programs::runtime::Runtime;
use ws_test_programs::{Outcome, interrupt, project};

use bench::Bench;
use certificates::Certificates;
use foreign::{Foreign, Http, Over};
use install::Installed;
use ours::Ours;
use pairing::Pairing;
use report::Finished;

/// Check our echo servers, our echo clients, and the examples of axum and hyper against programs of
/// others.
///
/// Chromium, Firefox, Node's ws and Python's websockets exchange messages with our peers over TCP
/// and over TLS, with compression. openssl, gnutls-cli, gnutls-serv, nginx, stunnel and curl check
/// TLS: its versions, key updates, resumed sessions, certificates of clients, faulty certificates,
/// and connections that end in the wrong way. Squid, Tinyproxy, Dante and MicroSocks are proxies
/// of our client. HAProxy, Hitch and the module stream of nginx are in front of our server, with
/// the PROXY protocol. In a network namespace, our client connects to addresses that do not
/// answer. All of them check our peers on every runtime.
///
/// The browsers, Node's ws and Python's websockets also check the examples of ws-axum and ws-hyper,
/// directly and through nginx, HAProxy, Caddy and nghttpx, with and without compression. The
/// proxies have the configurations of docs/hyper-and-axum.md.
///
/// Over HTTP/2, the browsers and Python's h2 check the examples, directly and through HAProxy and
/// nghttpx. Hypercorn checks our clients, directly and through the same proxies.
///
/// A program that is not installed is reported as "not run". With --install, apt-get installs it.
/// npm, and pip in a virtual environment, install packages of Node and Python below the target
/// directory, in the versions that tests/interop/scripts names.
///
/// Exit status: 0 all checks passed; 1 some failed; 2 some could not be run, because a program is
/// not installed or for another reason.
#[derive(Parser)]
#[command(
    name = "cargo xtask interop",
    bin_name = "cargo xtask interop",
    max_term_width = 100
)]
struct Args {
    /// Programs to check with, comma-separated [default: all]
    #[arg(long, value_enum, value_name = "NAMES", value_delimiter = ',')]
    with: Vec<Foreign>,

    /// Runtimes whose peers are checked, comma-separated [default: all, and the examples]
    #[arg(long, value_enum, value_name = "NAMES", value_delimiter = ',')]
    runtime: Vec<Runtime>,

    /// Check the examples, but no peers unless --runtime names them
    #[arg(long)]
    examples: bool,

    /// Checks over TCP or over TLS only
    #[arg(long, value_enum, value_name = "TRANSPORT")]
    over: Option<Over>,

    /// Checks over HTTP/2 only
    #[arg(long)]
    http2: bool,

    /// Install programs that are missing, by apt-get, npm and pip
    #[arg(long)]
    install: bool,

    /// Exit 0 although a program is not installed on this machine
    #[arg(long)]
    allow_missing: bool,

    /// Check the executables `echo-RUNTIME` and `echo-client-RUNTIME` in this directory, and the
    /// examples in its directory `examples`, instead of building them
    #[arg(long, value_name = "DIR")]
    peer_dir: Option<PathBuf>,

    /// Perform the checks of this echo client that need a network namespace. This process is in one
    #[arg(long, value_name = "CLIENT", hide = true)]
    in_namespace: Option<PathBuf>,
}

impl Args {
    /// Returns the programs of ours that are checked.
    fn ours(&self) -> Vec<Ours> {
        if self.runtime.is_empty() && !self.examples {
            return Ours::all();
        }
        let mut ours: Vec<_> = self.runtime.iter().copied().map(Ours::Peers).collect();
        if self.examples {
            ours.extend(Ours::examples());
        }
        ours
    }
}

fn main() -> ExitCode {
    ws_test_programs::report(&run(&Args::parse()))
}

/// Runs every pairing that the arguments select.
fn run(args: &Args) -> Result<Outcome> {
    interrupt::install();
    if let Some(client) = &args.in_namespace {
        return network::inside(client);
    }
    let home = project::scratch_dir("interop")?;
    let ours = args.ours();
    let pairings: Vec<_> = Foreign::these_or_all(&args.with)
        .iter()
        .flat_map(|foreign| Pairing::all(*foreign, &ours))
        .filter(|pairing| args.over.is_none_or(|over| pairing.over == over))
        .filter(|pairing| !args.http2 || pairing.http == Http::Http2)
        .collect();
    let installed = if args.install {
        Installed::install(&pairings, &home)?
    } else {
        Installed::find(&pairings, &home)?
    };
    let (ready, missing) = installed.select(pairings);
    for line in &missing {
        println!("{line}");
    }
    let is_incomplete = !missing.is_empty() && !args.allow_missing;
    if ready.is_empty() {
        return conclude(&[], is_incomplete);
    }
    let dir = args.peer_dir.as_deref();
    let is_needed = |ours: fn(Ours) -> bool| ready.iter().any(|pairing| ours(pairing.ours));
    let peers = is_needed(Ours::is_peers).then(|| Peers::built_or_in(dir));
    let examples = is_needed(Ours::is_examples).then(|| examples(dir));
    let bench = Bench {
        peers: peers.transpose()?,
        examples: examples.transpose()?,
        certificates: Certificates::write(&home.join("certificates"))?,
        installed,
        home,
    };
    let finished = run_all(&bench, &ready)?;
    println!("{}", report::table(&finished));
    if let Some(times) = report::times(&finished) {
        println!("{times}");
    }
    let complaints = finished.iter().flat_map(Finished::complaints);
    for line in complaints.chain(missing) {
        println!("{line}");
    }
    conclude(&finished, is_incomplete)
}

/// Builds the examples, or takes those below `dir`.
fn examples(dir: Option<&Path>) -> Result<Peers> {
    match dir {
        Some(dir) => Peers::in_dir(&dir.join("examples")),
        None => Peers::build_examples(
            &["ws-axum", "ws-hyper"],
            &["ws-hyper/deflate", "ws-hyper/tokio"],
        ),
    }
}

fn run_all(bench: &Bench, pairings: &[Pairing]) -> Result<Vec<Finished>> {
    let mut finished = Vec::new();
    for (index, pairing) in pairings.iter().enumerate() {
        println!("{pairing} ({} of {})", index + 1, pairings.len());
        finished.push(bench.run(pairing));
        if interrupt::requested() {
            bail!("interrupted");
        }
    }
    Ok(finished)
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
    // A fault of the project is more important than a missing program.
    if good && is_incomplete {
        bail!("programs are missing; --install installs them, --allow-missing does without them");
    }
    Ok(Outcome::passed_if(good))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }
}
