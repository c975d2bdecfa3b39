//! `cargo xtask bench --instructions`: the number of instructions of hot functions, beside the
//! committed counts.
//!
//! Times vary on a busy machine. Numbers of instructions are nearly constant. Callgrind counts the
//! instructions of the whole program, once for some calls of the function and once for twice as
//! many. The difference belongs to the calls alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use comfy_table::Table;
use serde::{Deserialize, Serialize};
use ws_test_programs::peers::Peers;
use ws_test_programs::{Outcome, project};

use super::measure::is_installed;
use crate::table::{align, new_table};

/// The functions that the program in `benches` can call.
const FUNCTIONS: [&str; 10] = [
    "decode-20",
    "decode-1024",
    "answer-20",
    "answer-1024",
    "encode-20",
    "encode-1024",
    "mask-1024",
    "utf8-1024",
    "handshake-server",
    "handshake-client",
];

/// The first line of the file with the committed counts.
const HEADING: &str = "# Instructions per call, by `cargo xtask bench --instructions --bless`.";

const CALLS: u32 = 1000;

/// The most by which a count may exceed the committed one, as a part of it.
const TOLERANCE: f64 = 0.03;

/// The committed counts, or those of this run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Counts {
    /// The compiler of the counted program.
    rustc: String,
    /// The instructions of a call of each function.
    calls: BTreeMap<String, u64>,
}

/// Counts the instructions, and compares with the committed counts. Counts of another compiler are
/// an error. Writes the counts if `bless` is set.
pub(super) fn run(bless: bool) -> Result<Outcome> {
    ensure!(
        is_installed("valgrind"),
        "instructions are counted by valgrind, which is not installed: `apt install valgrind`"
    );
    let file = committed_file();
    // Before any long work.
    let committed = if bless { None } else { Some(read(&file)?) };
    if let Some(committed) = &committed {
        let (before, now) = (&committed.rustc, rustc()?);
        ensure!(
            *before == now,
            "the committed counts are of {before}, and this is {now}: run with that compiler, or \
             replace the counts with --bless"
        );
    }
    let built = Peers::build(
        "ws-benches",
        &["--package", "ws-benches", "--bin", "instructions"],
    )?;
    let now = count_all(built.find("instructions")?)?;
    let Some(committed) = committed else {
        fs::write(&file, format!("{HEADING}\n{}", toml::to_string(&now)?))
            .with_context(|| format!("cannot write {}", file.display()))?;
        println!("written to {}", file.display());
        return Ok(Outcome::Passed);
    };
    println!("{}", table(&committed, &now));
    Ok(verdict(&committed, &now))
}

fn committed_file() -> PathBuf {
    project::root().join("benches/instructions.toml")
}

fn read(file: &PathBuf) -> Result<Counts> {
    fs::read_to_string(file)
        .map_err(anyhow::Error::from)
        .and_then(|text| Ok(toml::from_str(&text)?))
        .with_context(|| {
            let file = file.display();
            format!("cannot read {file}: `cargo xtask bench --instructions --bless` writes it")
        })
}

fn count_all(program: &Path) -> Result<Counts> {
    let mut calls = BTreeMap::new();
    for function in FUNCTIONS {
        let some = count(program, function, CALLS)?;
        let twice = count(program, function, 2 * CALLS)?;
        let per_call = twice.saturating_sub(some) / u64::from(CALLS);
        calls.insert(function.to_owned(), per_call);
    }
    let rustc = rustc()?;
    Ok(Counts { rustc, calls })
}

/// Returns the number of instructions of the program from start to end.
fn count(program: &Path, function: &str, calls: u32) -> Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args([function, &calls.to_string()])
        .output()
        .context("cannot start valgrind")?;
    let said = String::from_utf8_lossy(&output.stderr);
    match collected(&said) {
        Some(count) if output.status.success() => Ok(count),
        _ => bail!("valgrind has not counted {function}:\n{}", said.trim()),
    }
}

/// Parses `==PID== Collected : COUNT`.
fn collected(said: &str) -> Option<u64> {
    let (_, count) = said.split_once("Collected :")?;
    count.lines().next()?.trim().parse().ok()
}

fn rustc() -> Result<String> {
    let output = Command::new("rustc").arg("--version").output();
    let output = output.context("cannot run rustc")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Returns the increase from `before` to `now`, as a part of `before`.
fn change(before: u64, now: u64) -> f64 {
    (now as f64 - before as f64) / before.max(1) as f64
}

fn table(committed: &Counts, now: &Counts) -> Table {
    let mut table = new_table(vec!["function", "committed", "now", "change"]);
    for (function, &count) in &now.calls {
        let (before, change) = match committed.calls.get(function) {
            Some(&before) => (
                before.to_string(),
                format!("{:+.1} %", 100.0 * change(before, count)),
            ),
            None => ("none".to_owned(), String::new()),
        };
        table.add_row([function.clone(), before, count.to_string(), change]);
    }
    align(&mut table, 1);
    table
}

/// Prints the functions with too many instructions, and those whose committed count is too high.
fn verdict(committed: &Counts, now: &Counts) -> Outcome {
    let mut outcome = Outcome::Passed;
    for (function, &count) in &now.calls {
        let Some(&before) = committed.calls.get(function) else {
            println!("{function} has no committed count: --bless adds it");
            outcome = Outcome::Failed;
            continue;
        };
        let change = change(before, count);
        if change > TOLERANCE {
            println!("{function} takes {:.1} % more instructions", 100.0 * change);
            outcome = Outcome::Failed;
        } else if change < -TOLERANCE {
            println!("{function} has become cheaper: --bless keeps it so");
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn counts(rustc: &str, decode: u64) -> Counts {
        let calls = BTreeMap::from([("decode-20".to_owned(), decode)]);
        let rustc = rustc.to_owned();
        Counts { rustc, calls }
    }

    #[test]
    fn counts_are_read_from_what_callgrind_prints() {
        let said =
            "==7== Events    : Ir\n==7== Collected : 1234567\n==7== \n==7== I   refs:  1,234,567\n";
        assert_eq!(collected(said), Some(1_234_567));
        assert_eq!(collected("==7== Collected : \n"), None);
        assert_eq!(collected("valgrind: no such program"), None);
    }

    #[test]
    fn the_committed_file_has_every_function_and_its_heading() {
        let file = committed_file();
        let counts = read(&file).unwrap();
        assert!(counts.calls.keys().eq(BTreeSet::from(FUNCTIONS).iter()));
        let text = format!("{HEADING}\n{}", toml::to_string(&counts).unwrap());
        assert_eq!(fs::read_to_string(file).unwrap(), text);
    }

    #[test]
    fn only_more_instructions_than_tolerated_fail() {
        let committed = counts("r", 100);
        assert_eq!(verdict(&committed, &counts("r", 103)), Outcome::Passed);
        assert_eq!(verdict(&committed, &counts("r", 104)), Outcome::Failed);
        assert_eq!(verdict(&committed, &counts("r", 50)), Outcome::Passed);
    }

    #[test]
    fn a_function_without_a_committed_count_fails() {
        let mut committed = counts("r", 1);
        committed.calls.clear();
        assert_eq!(verdict(&committed, &counts("r", 1)), Outcome::Failed);
    }
}
