//! `cargo xtask bench --instructions`: the number of instructions of functions or of programs,
//! beside the committed counts.
//!
//! Times vary on a busy machine. Numbers of instructions are nearly constant.

mod callgrind;
mod counts;
mod functions;
mod messages;
mod report;

use anyhow::{Result, ensure};
use ws_test_programs::Outcome;

use self::counts::Counts;
use super::Args;

/// The subject of a count of instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Subject {
    /// Calls of hot functions in memory
    Functions,
    /// Messages of whole echo servers and of a client
    Messages,
}

/// Counts the instructions of the subject, and compares with the committed counts. Counts of
/// another compiler are an error. Writes the counts instead with `--bless`.
pub(super) fn run(subject: Subject, args: &Args) -> Result<Outcome> {
    callgrind::check_installed()?;
    // Before any long work.
    let committed = match args.bless {
        true => Counts::to_replace()?,
        false => Counts::of_this_compiler()?,
    };
    match subject {
        Subject::Functions => run_functions(committed, args),
        Subject::Messages => run_messages(committed, args),
    }
}

fn run_functions(mut committed: Counts, args: &Args) -> Result<Outcome> {
    ensure!(
        args.only.is_empty() && args.scenario.is_empty() && args.server.is_empty(),
        "--only, --scenario and --server select programs: use them with `--instructions messages`"
    );
    let now = functions::count_all(args.bin_dir.as_deref())?;
    println!("{}", report::functions(&committed.calls, &now));
    if !args.bless {
        return Ok(report::verdict(&committed.calls, &now));
    }
    committed.calls = now;
    committed.write()?;
    Ok(Outcome::Passed)
}

fn run_messages(mut committed: Counts, args: &Args) -> Result<Outcome> {
    let rows = messages::rows(&args.only, &args.scenario, &args.server);
    ensure!(
        !rows.is_empty(),
        "no program of this name takes part in a scenario of this name: see --list"
    );
    let contestants: Vec<_> = rows.iter().map(|row| row.contestant.clone()).collect();
    let bench = super::conditions(args, &contestants)?;
    let (mut now, failures) = messages::count_all(&bench, &rows)?;
    println!("{}", report::messages(&rows, &committed.messages, &now));
    for (name, error) in &failures {
        println!("{name} was not counted: {error:#}");
    }
    now.retain(|name, _| messages::is_committed(name));
    let outcome = if args.bless {
        committed.messages.extend(now);
        committed
            .messages
            .retain(|name, _| messages::is_committed(name));
        committed.write()?;
        Outcome::Passed
    } else {
        report::verdict(&committed.messages, &now)
    };
    match failures.is_empty() {
        true => Ok(outcome),
        false => Ok(Outcome::Failed),
    }
}
