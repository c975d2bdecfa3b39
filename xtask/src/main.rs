//! `cargo xtask`: the commands of contributors and CI, as one Rust program.
//!
//! Every command exits with 0 if all is well, with 1 if it found a fault of the project, and with 2
//! if it could not do its work.

#![forbid(unsafe_code)]

mod autobahn;
mod bench;
mod certificates;
mod ci;
mod crowd;
mod features;
mod hostile;
mod idle;
mod interop;
mod no_std;
mod programs;
mod progress;
mod raw;
mod resources;
mod subject;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ws_test_programs::{Outcome, interrupt, project, runtime};

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
    Autobahn(autobahn::Args),
    Bench(bench::Args),
    Ci(ci::Args),
    Hostile(hostile::Args),
    Idle(idle::Args),
    Interop(interop::Args),
    Test(test::Args),
    /// Check the boundaries between the crates, the links between the documents, and the rules of
    /// words.
    ///
    /// Boundaries are dependencies, names of runtimes, unsafe code and banned paths. Reads files
    /// only and builds nothing.
    Tidy,
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Autobahn(args) => autobahn::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Ci(args) => ci::run(&args),
        Command::Hostile(args) => hostile::run(&args),
        Command::Idle(args) => idle::run(&args),
        Command::Interop(args) => interop::run(&args),
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
