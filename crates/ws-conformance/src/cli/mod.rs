//! The command line.

mod check;
mod client;
mod collector;
mod compare;
mod conclusion;
mod each_case;
mod failure;
mod github;
mod list;
mod options;
mod output;
mod place;
mod probing;
mod program;
mod progress;
mod replay;
mod report;
mod requests;
mod server;
mod summary;

use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use replay::Replay;

/// Tests WebSocket servers and clients, in any language, with the cases of the
/// AutobahnTestSuite.
///
/// The testee is an echo program: it sends every text and binary message back.
///
/// Exit status: 0 all as expected; 1 unexpected results; 2 the run was not possible.
#[derive(Parser)]
#[command(name = "ws-conformance", version, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  ws-conformance server --url ws://127.0.0.1:9001
  ws-conformance server --url ws://127.0.0.1:9001 --cases '1.*,7.*' --junit results.xml
  ws-conformance server --url ws://127.0.0.1:9001 --case 7.1.5 --trace
  ws-conformance server --url wss://localhost:9001 --ca cert.pem
  ws-conformance client --listen ws://127.0.0.1:9001
  ws-conformance server --spec fuzzingclient.json --expect expectations.toml
  ws-conformance compare reports/before reports/servers
  ws-conformance report reports/servers reports/clients --out site
  ws-conformance list";

#[derive(Subcommand)]
enum Command {
    Server(server::Args),
    Client(client::Args),
    Check(check::Args),
    List(list::Args),
    Compare(compare::Args),
    Report(report::Args),
}

/// The result of a command that has completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finish {
    AsExpected,
    Unexpected,
}

impl Finish {
    fn expected_if(good: bool) -> Self {
        match good {
            true => Self::AsExpected,
            false => Self::Unexpected,
        }
    }
}

/// Runs the command and returns its exit status.
pub(crate) fn main() -> ExitCode {
    let mut cli = Cli::command();
    let matches = cli.get_matches_mut();
    let args = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let replay = || {
        let (name, given) = matches.subcommand().expect("a subcommand is required");
        let subcommand = cli.find_subcommand(name).expect("the name was parsed");
        Replay::new(subcommand, given)
    };
    let result = match args.command {
        Command::Server(args) => server::run(&args, &replay()),
        Command::Client(args) => client::run(&args, &replay()),
        Command::Check(args) => check::run(&args),
        Command::List(args) => list::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Report(args) => report::run(&args),
    };
    if let Err(error) = &result {
        eprintln!("error: {error:#}");
        if github::is_active() {
            eprintln!("{}", github::error("ws-conformance", &format!("{error:#}")));
        }
    }
    ExitCode::from(exit_status(&result))
}

fn exit_status(result: &Result<Finish>) -> u8 {
    match result {
        Ok(Finish::AsExpected) => 0,
        Ok(Finish::Unexpected) => 1,
        Err(_) => 2,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn exit_status_tells_findings_from_failures_to_run() {
        assert_eq!(exit_status(&Ok(Finish::AsExpected)), 0);
        assert_eq!(exit_status(&Ok(Finish::Unexpected)), 1);
        assert_eq!(exit_status(&Err(anyhow::anyhow!("unreachable"))), 2);
    }
}
