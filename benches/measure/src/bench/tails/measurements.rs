//! The order of the measurements: first the capacity of each server, then its latency.

use anyhow::Result;
use ws_test_programs::interrupt;
use ws_test_programs::progress::Progress;

use super::super::contestant::Contestant;
use super::super::measure::Bench;
use super::super::rounds::order;
use super::super::sample::Sample;
use super::super::scenario::Scenario;
use super::super::statistics::median;
use super::Disturbance;
use super::latency::{Latency, Summary};

/// The part of the time by which the load generator must be busier than the server, if it is the
/// bottleneck. Smaller differences are noise.
const BUSIER: f64 = 0.05;

/// The most measurements of the capacity of a server.
const CAPACITIES: usize = 3;

/// All measurements with messages of one length.
pub(super) struct Measurements<'a> {
    bench: &'a Bench,
    pub(super) scenario: &'a Scenario,
    servers: &'a [Contestant],
    /// The capacity of each server.
    capacities: Vec<Measured<Sample>>,
    rows: Vec<(Row, Measured<Latency>)>,
}

/// A server, its load, and the disturbance.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// The index of the server.
    pub(super) server: usize,
    /// The rate of messages, in percent of the capacity.
    pub(super) percent: u32,
    pub(super) disturbance: Disturbance,
}

/// The measurements of all rounds until one failed.
struct Measured<T> {
    rounds: Vec<T>,
    failure: Option<String>,
}

/// The largest number of messages per second that a server echoes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Capacity {
    pub(super) rate: f64,
    /// `true` if the load generator was the bottleneck.
    pub(super) is_of_the_load: bool,
}

impl Row {
    pub(super) fn new(server: usize, percent: u32, disturbance: Disturbance) -> Self {
        Self {
            server,
            percent,
            disturbance,
        }
    }
}

impl<'a> Measurements<'a> {
    pub(super) fn new(
        bench: &'a Bench,
        scenario: &'a Scenario,
        servers: &'a [Contestant],
        rows: Vec<Row>,
    ) -> Self {
        Self {
            bench,
            scenario,
            servers,
            capacities: servers.iter().map(|_| Measured::new()).collect(),
            rows: rows.into_iter().map(|row| (row, Measured::new())).collect(),
        }
    }

    /// Returns the number of measurements in this number of rounds.
    pub(super) fn number(&self, rounds: usize) -> usize {
        self.servers.len() * rounds.min(CAPACITIES) + self.rows.len() * rounds
    }

    /// Measures all capacities, and then each row once in each round.
    pub(super) fn run(&mut self, rounds: usize, progress: &mut Progress) -> Result<()> {
        let mut done = 0;
        for round in 0..rounds.min(CAPACITIES) {
            for at in order(round, self.servers.len()) {
                let server = &self.servers[at];
                progress.at(done, &format!("{}, capacity", server.name));
                done += 1;
                let measure = || self.bench.measure(self.scenario, server);
                self.capacities[at].add(measure)?;
            }
        }
        for round in 0..rounds {
            for at in order(round, self.rows.len()) {
                let row = self.rows[at].0;
                progress.at(done, &self.title(row));
                done += 1;
                let Some(capacity) = self.capacity(row.server) else {
                    continue;
                };
                let rate = (capacity.rate * f64::from(row.percent) / 100.0).max(1.0) as u64;
                let server = &self.servers[row.server];
                let measure =
                    || Latency::measure(self.bench, self.scenario, server, rate, row.disturbance);
                self.rows[at].1.add(measure)?;
            }
        }
        Ok(())
    }

    /// Returns the capacity of a server, or `None` if a measurement of the capacity failed.
    fn capacity(&self, server: usize) -> Option<Capacity> {
        let measured = &self.capacities[server];
        match measured.failure {
            None => Capacity::of(&measured.rounds),
            Some(_) => None,
        }
    }

    /// Returns the names of the servers, with their capacities.
    pub(super) fn capacities(&self) -> impl Iterator<Item = (&str, Capacity)> {
        let servers = self.servers.iter().enumerate();
        servers.filter_map(|(at, server)| Some((&*server.name, self.capacity(at)?)))
    }

    /// Returns the name of the server of each row, and its latency.
    pub(super) fn latencies(&self) -> impl Iterator<Item = (Row, &str, Summary)> {
        self.rows.iter().filter_map(|(row, measured)| {
            let summary = Summary::of(&measured.rounds, self.bench.seconds)?;
            Some((*row, &*self.servers[row.server].name, summary))
        })
    }

    /// Returns the measurements that failed, and the reasons.
    pub(super) fn failures(&self) -> impl Iterator<Item = (String, &str)> {
        let capacities = self.servers.iter().zip(&self.capacities);
        let capacities = capacities.filter_map(|(server, measured)| {
            let failure = measured.failure.as_deref()?;
            Some((format!("{}, capacity", server.name), failure))
        });
        let rows = self.rows.iter();
        capacities.chain(
            rows.filter_map(|(row, measured)| {
                Some((self.title(*row), measured.failure.as_deref()?))
            }),
        )
    }

    pub(super) fn has_failures(&self) -> bool {
        self.failures().next().is_some()
    }

    fn title(&self, row: Row) -> String {
        let server = &self.servers[row.server].name;
        match row.disturbance {
            Disturbance::None => format!("{server}, {} %", row.percent),
            disturbance => format!("{server}, {} %, {disturbance}", row.percent),
        }
    }
}

impl<T> Measured<T> {
    fn new() -> Self {
        Self {
            rounds: Vec::new(),
            failure: None,
        }
    }

    /// Adds a measurement, unless one has failed before.
    fn add(&mut self, measure: impl FnOnce() -> Result<T>) -> Result<()> {
        if self.failure.is_some() {
            return Ok(());
        }
        match measure() {
            Ok(measured) => self.rounds.push(measured),
            Err(error) if interrupt::requested() => return Err(error),
            Err(error) => self.failure = Some(format!("{error:#}")),
        }
        Ok(())
    }
}

impl Capacity {
    /// Returns `None` if nothing was measured.
    fn of(rounds: &[Sample]) -> Option<Self> {
        let over_rounds = |value: fn(&Sample) -> f64| {
            let values: Vec<_> = rounds.iter().map(value).collect();
            median(&values)
        };
        let server_busy = over_rounds(|sample| sample.cpu_ns * sample.rate / 1e9);
        (!rounds.is_empty()).then(|| Self {
            rate: over_rounds(|sample| sample.rate),
            is_of_the_load: over_rounds(|sample| sample.load_busy) > server_busy + BUSIER,
        })
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::super::super::sample::tests::sample;
    use super::*;

    #[test]
    fn after_a_failure_nothing_is_measured() {
        let mut measured = Measured::new();
        measured.add(|| Ok(1)).unwrap();
        measured.add(|| bail!("broken")).unwrap();
        measured.add(|| Ok(2)).unwrap();
        assert_eq!(measured.rounds, [1]);
        assert_eq!(measured.failure.as_deref(), Some("broken"));
    }

    #[test]
    fn the_capacity_is_of_the_load_if_the_load_is_busier() {
        // The processor of the server is always busy.
        let quiet = [sample(100.0), sample(300.0), sample(200.0)];
        let capacity = Capacity::of(&quiet).unwrap();
        assert_eq!((capacity.rate, capacity.is_of_the_load), (200.0, false));
        let idle = Sample {
            cpu_ns: 1e6,
            load_busy: 0.9,
            ..sample(100.0)
        };
        assert!(Capacity::of(&[idle]).unwrap().is_of_the_load);
        assert_eq!(Capacity::of(&[]), None);
    }
}
