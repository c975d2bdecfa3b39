//! The count of system calls: an additional run of each server under `perf` or `strace`, without a
//! timing.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::contestant::Contestant;
use super::measure::{Bench, is_installed};
use super::scenario::Scenario;

/// The duration of the load, in seconds.
const SECONDS: f64 = 0.3;

/// A program that counts the system calls of another program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counter {
    /// Has little effect on the server.
    Perf,
    /// Slows each call down, so that more messages may share a call than otherwise.
    Strace,
}

impl Counter {
    /// Returns the best counter that works on this machine.
    pub(super) fn find() -> Option<Self> {
        if is_installed("perf") && perf_may_count() {
            return Some(Self::Perf);
        }
        is_installed("strace").then_some(Self::Strace)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Perf => "perf",
            Self::Strace => "strace",
        }
    }

    fn wrapper(self, output: &str) -> Vec<&str> {
        match self {
            Self::Perf => vec!["perf", "stat", "-x,", "-e", EVENT, "-o", output],
            Self::Strace => vec![
                "strace",
                "--follow-forks",
                "--summary-only",
                "--output",
                output,
            ],
        }
    }

    fn parse(self, output: &str) -> Option<u64> {
        match self {
            Self::Perf => parse_perf(output),
            Self::Strace => parse_strace(output),
        }
    }
}

const EVENT: &str = "raw_syscalls:sys_enter";

/// Returns `true` if this user may count.
fn perf_may_count() -> bool {
    let output = Command::new("perf")
        .args(["stat", "-x,", "-e", EVENT, "true"])
        .output();
    output.is_ok_and(|output| parse_perf(&String::from_utf8_lossy(&output.stderr)).is_some())
}

/// Parses `COUNT,UNIT,EVENT,…`.
fn parse_perf(output: &str) -> Option<u64> {
    let line = output.lines().find(|line| line.contains(EVENT))?;
    line.split(',').next()?.parse().ok()
}

/// Parses `100.00  0.001  3  CALLS  ERRORS  total`. The errors may be missing.
fn parse_strace(output: &str) -> Option<u64> {
    let line = output
        .lines()
        .find(|line| line.trim_end().ends_with(" total"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

/// Counts the system calls for each message that `contestant` echoes, including start and
/// handshakes.
pub(super) fn count(
    bench: &Bench,
    counter: Counter,
    scenario: &Scenario,
    contestant: &Contestant,
) -> Result<f64> {
    let file = bench.home.join(format!("{}.syscalls", contestant.name));
    // The file of an earlier run is no result.
    drop(fs::remove_file(&file));
    let path = file.to_str().context("the target directory is not UTF-8")?;
    let server = bench.start(scenario, contestant, &counter.wrapper(path))?;
    let load = bench.load(scenario, contestant, &server, None, SECONDS)?;
    // The counter then prints its result.
    server.stop()?;
    Ok(read(counter, &file)? as f64 / load.all_messages as f64)
}

fn read(counter: Counter, file: &Path) -> Result<u64> {
    let output =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    match counter.parse(&output) {
        Some(count) => Ok(count),
        None => bail!(
            "{} has counted nothing: see {}",
            counter.name(),
            file.display()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_what_the_counters_print() {
        let perf = "# started on …\n\n1234,,raw_syscalls:sys_enter,5000,100.00,,\n";
        assert_eq!(parse_perf(perf), Some(1234));
        assert_eq!(
            parse_perf("<not counted>,,raw_syscalls:sys_enter,0,0.00,,\n"),
            None
        );
        let strace = "% time seconds usecs/call calls errors syscall\n------ ----\n\
                      60.00 0.1 3 41 2 read\n100.00    0.000100           2        45         2 total\n";
        assert_eq!(parse_strace(strace), Some(45));
        assert_eq!(
            parse_strace("100.00    0.000100           2        45           total\n"),
            Some(45)
        );
        assert_eq!(parse_strace(""), None);
    }
}
