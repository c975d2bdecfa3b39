//! `cargo xtask bench --compression`: the length of compressed messages, and the processor time
//! and the memory that they take.
//!
//! The program `compression` measures all settings in turn, round after round. The least time of
//! all rounds counts, because other programs can only add to it.

mod figures;
mod plot;
mod report;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use ws_test_programs::Outcome;
use ws_test_programs::interrupt;
use ws_test_programs::peers::Peers;
use ws_test_programs::progress::{Progress, Unit};

use self::figures::{Figures, Measured};
use super::Args;

/// The combinations of settings that are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Grid {
    /// The windows 9, 12 and 15, with the memory levels 1, 4 and 8
    Some,
    /// All windows with all memory levels: many tables
    All,
}

impl Grid {
    fn options(self) -> [&'static str; 4] {
        let (windows, mem_levels) = match self {
            Self::Some => ("9,12,15", "1,4,8"),
            Self::All => ("9,10,11,12,13,14,15", "1,2,3,4,5,6,7,8,9"),
        };
        ["--windows", windows, "--mem-levels", mem_levels]
    }
}

/// Measures all settings of the grid, and prints the curves and the tables.
pub(super) fn run(grid: Grid, args: &Args) -> Result<Outcome> {
    interrupt::install();
    let built = match &args.bin_dir {
        Some(dir) => Peers::in_dir(dir)?,
        None => Peers::build(
            "ws-bench-programs",
            &[
                "--package=ws-bench-programs",
                "--features=deflate",
                "--bin=compression",
            ],
        )?,
    };
    let (rounds, millis) = match args.quick {
        true => (1, 1),
        false => (args.rounds, 3),
    };
    let mut command = Command::new(built.find("compression")?);
    command.args(grid.options());
    command.args([
        "--rounds",
        &rounds.to_string(),
        "--millis",
        &millis.to_string(),
    ]);
    let figures = measure(&mut command)?;
    report::print(&figures);
    println!("measured on {}", super::machine());
    Ok(Outcome::Passed)
}

/// Runs the program and reads its output.
fn measure(command: &mut Command) -> Result<Figures> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start the program that compresses")?;
    let output = child.stdout.take().context("standard output is piped")?;
    let mut lines = BufReader::new(output).lines();
    let total = lines.next().transpose()?.unwrap_or_default();
    let total = total.parse().context("the program has no first line")?;
    let mut progress = Progress::new("compression", total, Unit::MEASUREMENT);
    let mut figures = Figures::default();
    for (done, line) in lines.enumerate() {
        let measured: Measured = serde_json::from_str(&line?)?;
        progress.at(done, &measured.payload);
        figures.add(measured);
    }
    progress.end();
    match child.wait()?.success() {
        true => Ok(figures),
        false if interrupt::requested() => bail!("interrupted"),
        false => bail!("the program that compresses has failed"),
    }
}
