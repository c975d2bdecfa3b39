//! One measurement of latency at a fixed rate.

use anyhow::Result;
use serde::Deserialize;

use super::super::contestant::Contestant;
use super::super::measure::{Bench, run};
use super::super::sample::MOST_WAITING;
use super::super::scenario::Scenario;
use super::super::statistics::median;
use super::Disturbance;

/// The part of a time from which on the delay of the load generator is too much.
const MOST_DELAY: f64 = 0.25;

/// The output of the load generator. All quantiles are 0.5, 0.99, 0.999 and the maximum.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Latency {
    messages: u64,
    seconds: f64,
    server_kept_waiting_ns: Option<u64>,
    load_kept_waiting_ns: u64,
    latency_ns: [u64; 4],
    lateness_ns: [u64; 4],
    /// The payload bytes or the Pings per second of the disturbing connection.
    disturbing: Option<f64>,
}

impl Latency {
    /// Starts the server and measures its latency at `rate` messages per second.
    pub(super) fn measure(
        bench: &Bench,
        scenario: &Scenario,
        contestant: &Contestant,
        rate: u64,
        disturbance: Disturbance,
    ) -> Result<Self> {
        let server = match disturbance {
            Disturbance::Compress => bench.start(&scenario.compressed(), contestant, &[])?,
            _ => bench.start(scenario, contestant, &[])?,
        };
        let process = Some(server.process.id());
        let mut load = bench.load_command(scenario, contestant, &server, process, bench.seconds)?;
        load.args(arguments(scenario, rate, disturbance));
        Ok(run(bench.cores.load, load)?.0)
    }

    /// Returns the part of the time for which other programs kept server or load from running.
    fn kept_waiting(&self) -> f64 {
        let server = self.server_kept_waiting_ns.unwrap_or(0);
        server.max(self.load_kept_waiting_ns) as f64 / (self.seconds * 1e9)
    }
}

/// Returns the options of the load generator that are particular to a fixed rate.
fn arguments(scenario: &Scenario, rate: u64, disturbance: Disturbance) -> Vec<String> {
    let mut arguments = Vec::new();
    for (option, value) in [
        ("--connections", u64::from(scenario.connections)),
        ("--len", u64::from(scenario.len)),
        ("--rate", rate),
    ] {
        arguments.extend([option.to_owned(), value.to_string()]);
    }
    if disturbance != Disturbance::None {
        arguments.extend(["--disturb".to_owned(), disturbance.to_string()]);
    }
    arguments
}

/// A time, and the delay of the load generator at the same quantile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Figure {
    pub(super) ns: f64,
    delay_ns: f64,
}

impl Figure {
    /// Returns `true` if the time is mostly that of the server.
    pub(super) fn is_of_the_server(self) -> bool {
        self.delay_ns < MOST_DELAY * self.ns
    }
}

/// The latency of a server over all rounds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Summary {
    /// The medians of the quantiles 0.5, 0.99 and 0.999, and the maximum of all rounds.
    pub(super) figures: [Figure; 4],
    /// The median of the quantile 0.99 of the delay of the load generator.
    pub(super) late_ns: f64,
    pub(super) kept_waiting: f64,
    pub(super) rate: f64,
    pub(super) disturbing: Option<f64>,
}

impl Summary {
    /// Returns `true` if other programs kept server or load from running for too long.
    pub(super) fn is_disturbed(&self) -> bool {
        self.kept_waiting >= MOST_WAITING
    }

    /// Returns `None` if nothing was measured.
    pub(super) fn of(rounds: &[Latency], seconds: f64) -> Option<Self> {
        let first = rounds.first()?;
        let over_rounds = |value: &dyn Fn(&Latency) -> f64| {
            let values: Vec<_> = rounds.iter().map(value).collect();
            median(&values)
        };
        let quantile = |at: usize| Figure {
            ns: over_rounds(&|one| one.latency_ns[at] as f64),
            delay_ns: over_rounds(&|one| one.lateness_ns[at] as f64),
        };
        let longest = |times: fn(&Latency) -> u64| rounds.iter().map(times).max();
        let longest = Figure {
            ns: longest(|one| one.latency_ns[3])? as f64,
            delay_ns: longest(|one| one.lateness_ns[3])? as f64,
        };
        Some(Self {
            figures: [quantile(0), quantile(1), quantile(2), longest],
            late_ns: over_rounds(&|one| one.lateness_ns[1] as f64),
            kept_waiting: over_rounds(&Latency::kept_waiting),
            rate: first.messages as f64 / seconds,
            disturbing: first
                .disturbing
                .map(|_| over_rounds(&|one| one.disturbing.unwrap_or(0.0))),
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Returns a measurement of one second with 1,000 messages.
    pub(crate) fn latency(latency_ns: [u64; 4], lateness_ns: [u64; 4]) -> Latency {
        Latency {
            messages: 1000,
            seconds: 1.0,
            server_kept_waiting_ns: Some(20_000_000),
            load_kept_waiting_ns: 0,
            latency_ns,
            lateness_ns,
            disturbing: None,
        }
    }

    #[test]
    fn a_line_of_the_load_generator_is_parsed() {
        let line = r#"{"messages":1000,"seconds":2.0,"server_run_ns":250000000,
            "server_kept_waiting_ns":5000000,"load_run_ns":100000000,"load_kept_waiting_ns":10000000,
            "latency_ns":[1,2,3,4],"lateness_ns":[0,1,2,3],"disturbing":1e6}"#;
        let parsed: Latency = serde_json::from_str(line).unwrap();
        assert_eq!(parsed.kept_waiting(), 0.005);
        let summary = Summary::of(&[parsed], 2.0).unwrap();
        assert_eq!((summary.rate, summary.disturbing), (500.0, Some(1e6)));
    }

    #[test]
    fn a_row_is_disturbed_if_server_or_load_waited_in_most_rounds() {
        let quiet = latency([1; 4], [0; 4]);
        let busy = Latency {
            load_kept_waiting_ns: 30_000_000,
            ..quiet.clone()
        };
        let is_disturbed = |rounds: &[Latency]| Summary::of(rounds, 1.0).unwrap().is_disturbed();
        assert!(!is_disturbed(&[busy.clone(), quiet.clone(), quiet.clone()]));
        assert!(is_disturbed(&[busy.clone(), busy, quiet]));
    }

    #[test]
    fn quantiles_are_medians_and_the_longest_time_is_that_of_all_rounds() {
        let rounds = [
            latency([1, 20, 300, 9000], [0; 4]),
            latency([2, 30, 100, 4000], [0; 4]),
            latency([3, 10, 200, 5000], [0, 7, 0, 0]),
        ];
        let summary = Summary::of(&rounds, 1.0).unwrap();
        let times = summary.figures.map(|figure| figure.ns);
        assert_eq!(times, [2.0, 20.0, 200.0, 9000.0]);
        assert_eq!((summary.late_ns, summary.kept_waiting), (0.0, 0.02));
        assert!(!summary.is_disturbed());
        assert_eq!(Summary::of(&[], 1.0), None);
    }

    #[test]
    fn a_time_with_much_delay_is_not_of_the_server() {
        let rounds = [latency([100, 1000, 1000, 1000], [10, 100, 250, 1000])];
        let summary = Summary::of(&rounds, 1.0).unwrap();
        let of_the_server = summary.figures.map(Figure::is_of_the_server);
        assert_eq!(of_the_server, [true, true, false, false]);
    }

    #[test]
    fn the_load_receives_the_rate_and_the_disturbance() {
        let scenario = Scenario::new("small", "20 B", (1000, 1), ("ascii", 20));
        assert_eq!(
            arguments(&scenario, 5000, Disturbance::Pings).join(" "),
            "--connections 1000 --len 20 --rate 5000 --disturb pings"
        );
        assert_eq!(
            arguments(&scenario, 5000, Disturbance::None).join(" "),
            "--connections 1000 --len 20 --rate 5000"
        );
    }
}
