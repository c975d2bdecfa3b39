//! `cargo xtask`: the commands of contributors and CI, as one Rust program.
//!
//! Every command exits with 0 if all is well, with 1 if it found a fault of the project, and with 2
//! if it could not do its work.

#![forbid(unsafe_code)]

mod ci;
mod features;
mod no_std;
mod packages;
mod program;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ws_test_programs::{Outcome, interrupt, project};

/// Development commands of this workspace.
///
/// Exit status: 0 all is well, 1 something is wrong with the project, 2 the command could not do
/// its work.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a conformance suite against the echo peers, and compare with the expectations.
    Autobahn(program::Args),
    /// Compare servers and clients, or count instructions.
    Bench(program::Args),
    Ci(ci::Args),
    /// Attack the echo servers, and compare their costs with the bounds.
    Hostile(program::Args),
    /// Measure the memory of idle connections.
    Idle(program::Args),
    /// Check our peers against programs of others: a browser, TLS libraries, proxies.
    Interop(program::Args),
    Test(test::Args),
    /// Check the boundaries between the crates, the links between the documents, and the rules of
    /// words.
    ///
    /// Boundaries are dependencies, names of runtimes, unsafe code and banned paths. Reads files
    /// only and builds nothing.
    Tidy,
}

/// The profile of `cargo xtask autobahn`, which builds faster than `release`.
const OPTIMIZED: &str = "conformance";

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Autobahn(args) => program::autobahn(OPTIMIZED, &args.rest),
        Command::Bench(args) => program::measure("bench", &args.rest),
        Command::Ci(args) => ci::run(&args),
        Command::Hostile(args) => program::run("ws-hostile", &args.rest),
        Command::Idle(args) => program::measure("idle", &args.rest),
        Command::Interop(args) => program::run("ws-interop", &args.rest),
        Command::Test(args) => test::run(&args),
        Command::Tidy => tidy::run(),
    };
    ws_test_programs::report(&result)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
