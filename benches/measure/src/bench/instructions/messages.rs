//! The instructions of whole programs for each message, without those of the kernel.
//!
//! Callgrind counts the instructions of an echo server from its start to its end, once under a
//! short load and once under a long one. The difference, divided by that of the numbers of
//! messages, belongs to the messages alone. Clients are counted in the same way while they load our
//! echo server.

use anyhow::{Context, Error, Result};
use ws_test_programs::interrupt;
use ws_test_programs::progress::{Progress, Unit};

use super::super::client;
use super::super::contestant::{self, Added, Contestant, Task};
use super::super::measure::Bench;
use super::super::scenario::{SCENARIOS, Scenario, select};
use super::callgrind::{WRAPPER, collected};
use super::counts::Table;

/// The durations of the two loads, in seconds.
const SHORT: f64 = 0.3;
const LONG: f64 = 1.5;

/// A program and its scenarios.
type Entry = (&'static str, &'static [&'static str]);

/// The scenarios of the echo servers.
const ECHO: &[&str] = &["ping-pong", "small", "medium"];

/// The programs whose counts are committed.
const COMMITTED: [Entry; 5] = [
    ("floor-tokio", &["ping-pong"]),
    ("echo-tokio", ECHO),
    ("echo-tokio-split", &["small"]),
    ("echo-tokio-owned", &["small"]),
    ("client-tokio", &["client-small"]),
];

/// The programs that are counted beside them. Their counts vary too much to be compared: by up to
/// 40 % in `ping-pong`, in five runs.
const SHOWN: [Entry; 4] = [
    ("floor-async-std", &["ping-pong"]),
    ("floor-smol", &["ping-pong"]),
    ("echo-async-std", ECHO),
    ("echo-smol", ECHO),
];

/// A program in a scenario.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) contestant: Contestant,
    pub(super) scenario: &'static Scenario,
}

impl Row {
    /// Returns the name in the committed file.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.contestant.name, self.scenario.name)
    }

    /// Returns the name of the floor in the same scenario.
    pub(super) fn floor(&self) -> Option<String> {
        let floor = self.contestant.floor(self.scenario)?;
        Some(format!("{floor} {}", self.scenario.name))
    }
}

/// Returns `true` if the count of this name is committed.
pub(super) fn is_committed(name: &str) -> bool {
    COMMITTED.iter().any(|entry| has(entry, name))
}

/// Returns `true` if the row of this name is counted without a selection.
fn is_default(name: &str) -> bool {
    COMMITTED.iter().chain(&SHOWN).any(|entry| has(entry, name))
}

fn has((program, scenarios): &Entry, name: &str) -> bool {
    let Some((wanted, scenario)) = name.split_once(' ') else {
        return false;
    };
    *program == wanted && scenarios.contains(&scenario)
}

/// Returns the rows that the arguments select. Without names of programs or scenarios, these are
/// the default rows. Added servers are counted in all scenarios of the selection.
pub(super) fn rows(only: &[String], scenario: &[String], added: &[Added]) -> Vec<Row> {
    let mut scenarios = select(SCENARIOS.iter().collect(), |one| one.name, scenario);
    let mut programs = select(contestant::built(), |one| &one.name, only);
    let defaults = || COMMITTED.iter().chain(&SHOWN);
    if scenario.is_empty() {
        scenarios.retain(|one| defaults().any(|(_, all)| all.contains(&one.name)));
    }
    if only.is_empty() {
        programs.retain(|one| defaults().any(|(name, _)| *name == one.name));
    }
    let mut rows = combine(&programs, &scenarios);
    if only.is_empty() && scenario.is_empty() {
        rows.retain(|row| is_default(&row.name()));
    }
    let added: Vec<_> = added.iter().map(Added::contestant).collect();
    rows.extend(combine(&added, &scenarios));
    rows
}

/// Returns a row for each scenario in which each program takes part.
fn combine(programs: &[Contestant], scenarios: &[&'static Scenario]) -> Vec<Row> {
    let pairs = programs.iter().flat_map(|contestant| {
        scenarios.iter().map(|&scenario| Row {
            contestant: contestant.clone(),
            scenario,
        })
    });
    pairs
        .filter(|row| row.contestant.options(row.scenario).is_some())
        .collect()
}

/// Counts the instructions of each row. Returns the counts, and the names and errors of the rows
/// that could not be counted.
pub(super) fn count_all(bench: &Bench, rows: &[Row]) -> Result<(Table, Vec<(String, Error)>)> {
    let mut progress = Progress::new("instructions", rows.len(), Unit::MEASUREMENT);
    let mut counts = Table::new();
    let mut failures = Vec::new();
    for (done, row) in rows.iter().enumerate() {
        let name = row.name();
        progress.at(done, &name);
        match count(bench, row) {
            Ok(count) => drop(counts.insert(name, count)),
            Err(error) if interrupt::requested() => return Err(error),
            Err(error) => failures.push((name, error)),
        }
    }
    progress.end();
    Ok((counts, failures))
}

fn count(bench: &Bench, row: &Row) -> Result<u64> {
    let short = total(bench, row, SHORT)?;
    let long = total(bench, row, LONG)?;
    long.per_message_since(short)
        .context("the longer load had no more messages than the short one")
}

/// The instructions and messages of a program from start to end.
#[derive(Clone, Copy, Debug)]
struct Total {
    instructions: u64,
    messages: u64,
}

impl Total {
    /// Returns the instructions for each message that this run has in addition to the `short` one.
    fn per_message_since(self, short: Self) -> Option<u64> {
        let messages = self.messages.checked_sub(short.messages)?;
        let instructions = self.instructions.saturating_sub(short.instructions);
        // Rounded to the nearest integer.
        (instructions + messages / 2).checked_div(messages)
    }
}

/// Runs the program of `row` under callgrind, with a load of this duration.
fn total(bench: &Bench, row: &Row, seconds: f64) -> Result<Total> {
    let Row {
        contestant,
        scenario,
    } = row;
    let (messages, output) = if scenario.task == Task::Client {
        let (report, output) = client::load(bench, scenario, contestant, WRAPPER, seconds)?;
        (report.all_messages, output)
    } else {
        let server = bench.start(scenario, contestant, WRAPPER)?;
        let load = bench.load(scenario, contestant, &server, None, seconds)?;
        // Callgrind then prints the count.
        (load.all_messages, server.stop()?)
    };
    let instructions = collected(&output)
        .with_context(|| format!("callgrind has counted nothing:\n{}", output.trim()))?;
    Ok(Total {
        instructions,
        messages,
    })
}

/// Returns the names of all committed counts in the order of the file.
#[cfg(test)]
pub(super) fn committed_names() -> Vec<String> {
    let rows = rows(&[], &[], &[]);
    let mut names: Vec<_> = rows.iter().map(Row::name).collect();
    names.retain(|name| is_committed(name));
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(only: &[&str], scenario: &[&str], added: &[&str]) -> Vec<String> {
        let owned = |words: &[&str]| {
            words
                .iter()
                .map(|&word| word.to_owned())
                .collect::<Vec<_>>()
        };
        let added: Vec<_> = added.iter().map(|text| text.parse().unwrap()).collect();
        let rows = rows(&owned(only), &owned(scenario), &added);
        rows.iter().map(Row::name).collect()
    }

    #[test]
    fn without_a_selection_every_default_row_is_counted() {
        let names = names(&[], &[], &[]);
        let entries = COMMITTED.iter().chain(&SHOWN);
        let expected: usize = entries.map(|(_, scenarios)| scenarios.len()).sum();
        assert_eq!(names.len(), expected);
        assert!(names.contains(&"echo-smol medium".to_owned()));
        assert!(is_committed("echo-tokio medium") && !is_committed("echo-smol medium"));
    }

    #[test]
    fn programs_and_scenarios_select_rows_that_are_not_committed() {
        let yawc = ["yawc ping-pong", "yawc small", "yawc medium"];
        assert_eq!(names(&["yawc"], &[], &[]), yawc);
        let rows = rows(
            &["echo-tokio-split".to_owned()],
            &["medium".to_owned()],
            &[],
        );
        assert_eq!(rows[0].name(), "echo-tokio-split medium");
        assert!(!is_committed(&rows[0].name()));
        assert_eq!(rows[0].floor().as_deref(), Some("floor-tokio medium"));
        let clients = names(&[], &["client-"], &[]);
        assert!(clients.contains(&"client-tokio client-medium".to_owned()));
    }

    #[test]
    fn added_servers_are_counted_beside_the_others() {
        let added = names(&["echo-smol"], &["small"], &["uws=./uws {port}"]);
        assert_eq!(added, ["echo-smol small", "uws small"]);
        let all = names(&[], &[], &["uws=./uws {port}"]);
        let ours = names(&[], &[], &[]).len();
        assert_eq!(all[ours..], ["uws ping-pong", "uws small", "uws medium"]);
    }

    #[test]
    fn the_start_of_a_program_is_not_counted() {
        let total = |instructions, messages| Total {
            instructions,
            messages,
        };
        let short = total(5_000, 10);
        assert_eq!(total(9_000, 50).per_message_since(short), Some(100));
        assert_eq!(total(9_060, 50).per_message_since(short), Some(102));
        assert_eq!(total(9_000, 10).per_message_since(short), None);
        assert_eq!(total(9_000, 9).per_message_since(short), None);
    }
}
