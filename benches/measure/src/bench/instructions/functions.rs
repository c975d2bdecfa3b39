//! The instructions of hot functions.
//!
//! Callgrind counts the instructions of the whole program, once for some calls of the function and
//! once for twice as many. The difference belongs to the calls alone.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use ws_test_programs::interrupt;
use ws_test_programs::peers::Peers;
use ws_test_programs::progress::{Progress, Unit};

use super::callgrind::{WRAPPER, collected};
use super::counts::Table;

/// A function that the program in `benches` can call, and the number of calls that are counted.
type Function = (&'static str, u32);

const FUNCTIONS: [Function; 13] = [
    ("answer-1024", 1000),
    ("answer-20", 1000),
    ("close", 1000),
    ("decode-1024", 1000),
    ("decode-20", 1000),
    ("encode-1024", 1000),
    ("encode-20", 1000),
    ("fragments-1m", 10),
    ("handshake-client", 1000),
    ("handshake-server", 1000),
    ("mask-1024", 1000),
    ("ping", 1000),
    ("utf8-1024", 1000),
];

/// Builds the program that calls the functions, or takes the one in `dir`. Counts the instructions
/// of each function.
pub(super) fn count_all(dir: Option<&Path>) -> Result<Table> {
    let package = "ws-benches";
    let built = match dir {
        Some(dir) => Peers::in_dir(dir)?,
        None => Peers::build(package, &["--package", package, "--bin", "instructions"])?,
    };
    let program = built.find("instructions")?;
    let mut progress = Progress::new("instructions", FUNCTIONS.len(), Unit::MEASUREMENT);
    let mut counts = Table::new();
    for (done, (function, calls)) in FUNCTIONS.into_iter().enumerate() {
        progress.at(done, function);
        let some = count(program, function, calls)?;
        let twice = count(program, function, 2 * calls)?;
        let per_call = twice.saturating_sub(some) / u64::from(calls);
        counts.insert(function.to_owned(), per_call);
    }
    progress.end();
    Ok(counts)
}

/// Returns the number of instructions of the program from start to end.
fn count(program: &Path, function: &str, calls: u32) -> Result<u64> {
    let output = Command::new(WRAPPER[0])
        .args(&WRAPPER[1..])
        .arg(program)
        .args([function, &calls.to_string()])
        .output()
        .context("cannot start valgrind")?;
    if interrupt::requested() {
        bail!("interrupted");
    }
    let said = String::from_utf8_lossy(&output.stderr);
    match collected(&said) {
        Some(count) if output.status.success() => Ok(count),
        _ => bail!("valgrind has not counted {function}:\n{}", said.trim()),
    }
}

/// Returns the names of all functions in the order of the committed file.
#[cfg(test)]
pub(super) fn names() -> Vec<String> {
    let mut names = FUNCTIONS.map(|(name, _)| name.to_owned());
    names.sort();
    names.into()
}
