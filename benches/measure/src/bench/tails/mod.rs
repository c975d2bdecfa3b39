//! `cargo xtask bench --tails`: the latency of echo servers at fixed rates of messages, with and
//! without a connection that disturbs the others.
//!
//! The load does not wait for echoes, and the latency counts from the intended time of a message.
//! So a server that stalls counts the wait of all messages that it delays.

mod latency;
mod measurements;
mod report;

use std::fmt;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use ws_test_programs::Outcome;
use ws_test_programs::progress::{Progress, Unit};

use self::measurements::{Measurements, Row};
use super::Args;
use super::contestant::{Contestant, Task};
use super::scenario::{Scenario, select};

/// The rates of messages, in percent of the capacity of the server.
const PERCENT: [u32; 2] = [50, 80];

/// The load of one more connection, which disturbs the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Disturbance {
    /// No such connection
    None,
    /// Uploads of binary messages of 16 MiB
    Upload,
    /// A flood of Pings
    Pings,
    /// Compressed JSON texts of 1 MiB. Only for servers that can compress
    Compress,
}

impl fmt::Display for Disturbance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Upload => "upload",
            Self::Pings => "pings",
            Self::Compress => "compress",
        })
    }
}

/// Measures the selected servers in the selected scenarios.
pub(super) fn run(args: &Args) -> Result<Outcome> {
    let mut servers = super::contestants(args);
    servers.retain(|one| one.task == Task::Echo && one.echo_options(false).is_some());
    ensure!(
        !servers.is_empty(),
        "no echo server has this name: see --list"
    );
    let scenarios = scenarios(args.connections);
    let scenarios = select(scenarios.to_vec(), |one| one.name, &args.scenario);
    ensure!(
        !scenarios.is_empty(),
        "--tails has the scenarios small and medium"
    );
    let bench = super::conditions(args, &servers)?;
    let rounds = if args.quick { 1 } else { args.rounds.into() };
    println!("measured on {}", super::machine());
    let mut outcome = Outcome::Passed;
    for scenario in &scenarios {
        let rows = rows(&servers, &args.disturb);
        let mut measurements = Measurements::new(&bench, scenario, &servers, rows);
        let total = measurements.number(rounds);
        let mut progress = Progress::new(scenario.name, total, Unit::MEASUREMENT);
        let results = measurements.run(rounds, &mut progress);
        progress.end();
        results?;
        println!("{}", report::table(&measurements));
        if measurements.has_failures() {
            outcome = Outcome::Failed;
        }
    }
    Ok(outcome)
}

/// Returns the loads with which the capacity of a server is measured. The messages of the fixed
/// rates are the same.
fn scenarios(connections: u32) -> [Scenario; 2] {
    [("small", "20 B", 20), ("medium", "1 KiB", 1024)]
        .map(|(name, title, len)| Scenario::new(name, title, (connections, 1), ("ascii", len)))
}

/// Returns the rows of a table. Servers under the same conditions are neighbors.
fn rows(servers: &[Contestant], asked: &[Disturbance]) -> Vec<Row> {
    let is_asked = |one: &&Disturbance| asked.is_empty() || asked.contains(one);
    let mut rows = Vec::new();
    for &disturbance in Disturbance::value_variants().iter().filter(is_asked) {
        for percent in PERCENT {
            let takes_part = |server: &Contestant| {
                let compresses = disturbance == Disturbance::Compress;
                server.echo_options(compresses).is_some()
            };
            let servers = (0..servers.len()).filter(|&at| takes_part(&servers[at]));
            rows.extend(servers.map(|server| Row::new(server, percent, disturbance)));
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::super::contestant;
    use super::*;

    fn servers(names: &[&str]) -> Vec<Contestant> {
        let mut all = contestant::built();
        all.retain(|one| names.contains(&&*one.name));
        all
    }

    fn names(servers: &[Contestant], asked: &[Disturbance]) -> Vec<String> {
        let name = |row: &Row| {
            let server = &servers[row.server].name;
            format!("{server} {} {}", row.percent, row.disturbance)
        };
        rows(servers, asked).iter().map(name).collect()
    }

    #[test]
    fn all_disturbances_are_measured_unless_some_are_asked_for() {
        let servers = servers(&["echo-tokio", "yawc"]);
        assert_eq!(rows(&servers, &[]).len(), 2 * 2 * 4);
        let expected = [
            "echo-tokio 50 pings",
            "yawc 50 pings",
            "echo-tokio 80 pings",
            "yawc 80 pings",
        ];
        assert_eq!(names(&servers, &[Disturbance::Pings]), expected);
    }

    #[test]
    fn only_servers_that_compress_are_disturbed_by_compression() {
        let servers = servers(&["floor-tokio", "echo-tokio", "tokio-websockets"]);
        let expected = ["echo-tokio 50 compress", "echo-tokio 80 compress"];
        assert_eq!(names(&servers, &[Disturbance::Compress]), expected);
    }
}
