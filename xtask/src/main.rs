//! `cargo xtask`: what a contributor and CI run, as one plain Rust program.
//!
//! Every command exits 0 when all is well, 1 when it found something wrong with the project, and
//! 2 when it could not do its work.

#![forbid(unsafe_code)]

mod autobahn;
mod bench;
mod certificates;
mod ci;
mod crowd;
mod hostile;
mod idle;
mod interop;
mod interrupt;
mod no_std;
mod programs;
mod progress;
mod project;
mod raw;
mod resources;
mod runtime;
mod subject;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
    #[command(hide = true)]
    Crowd(crowd::Args),
    Hostile(hostile::Args),
    Idle(idle::Args),
    Interop(interop::Args),
    Test(test::Args),
    /// Check the boundaries between the crates, the links between the documents, and the rules of words.
    ///
    /// Boundaries are dependencies, names of runtimes, unsafe code and banned paths. Reads files only and
    /// builds nothing.
    Tidy,
}

/// What a command that ran to its end has to say about the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Nothing is wrong.
    Passed,
    /// Something is wrong, and has been printed.
    Failed,
}

impl Outcome {
    /// `Passed` if `good`, else `Failed`.
    fn passed_if(good: bool) -> Self {
        if good { Self::Passed } else { Self::Failed }
    }
}

/// The exit status for what a command returned: see the module documentation.
fn exit_status(result: &anyhow::Result<Outcome>) -> u8 {
    match result {
        Ok(Outcome::Passed) => 0,
        Ok(Outcome::Failed) => 1,
        Err(_) => 2,
    }
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Autobahn(args) => autobahn::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Ci(args) => ci::run(&args),
        Command::Crowd(args) => crowd::run(&args),
        Command::Hostile(args) => hostile::run(&args),
        Command::Idle(args) => idle::run(&args),
        Command::Interop(args) => interop::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Tidy => tidy::run(),
    };
    if let Err(error) = &result {
        eprintln!("error: {error:#}");
    }
    ExitCode::from(exit_status(&result))
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
        assert_eq!(exit_status(&Ok(Outcome::Passed)), 0);
        assert_eq!(exit_status(&Ok(Outcome::Failed)), 1);
        assert_eq!(exit_status(&Err(anyhow::anyhow!("no engine"))), 2);
    }
}
