//! The order of the measurements.

use anyhow::Result;
use ws_test_programs::interrupt;
use ws_test_programs::progress::Progress;

use super::contestant::{Contestant, Task};
use super::cores;
use super::measure::Bench;
use super::results::{Entry, Results};
use super::sample::Sample;
use super::scenario::Scenario;
use super::syscalls::{self, Counter};

/// The number of calibrations before the first measurement.
const CALIBRATIONS: usize = 20;

/// Measures scenario by scenario.
pub(super) struct Rounds<'a> {
    bench: &'a Bench,
    rounds: usize,
    /// The number of repetitions of a disturbed measurement.
    retries: usize,
    counter: Option<Counter>,
    best_calibration: f64,
}

impl<'a> Rounds<'a> {
    pub(super) fn new(
        bench: &'a Bench,
        rounds: usize,
        retries: usize,
        counter: Option<Counter>,
    ) -> Result<Self> {
        let mut best_calibration = f64::INFINITY;
        for _ in 0..CALIBRATIONS {
            best_calibration = best_calibration.min(cores::calibrate(bench.cores)?);
        }
        Ok(Self {
            bench,
            rounds,
            retries,
            counter,
            best_calibration,
        })
    }

    /// Returns the number of measurements of a scenario.
    pub(super) fn measurements(&self, scenario: &Scenario, contestants: usize) -> usize {
        contestants * (self.rounds + usize::from(self.counter_for(scenario).is_some()))
    }

    /// Returns the counter of system calls, which counts those of servers only.
    fn counter_for(&self, scenario: &Scenario) -> Option<Counter> {
        self.counter.filter(|_| scenario.task != Task::Client)
    }

    /// Measures every contestant once in each round. Each round begins with another contestant.
    pub(super) fn scenario(
        &mut self,
        scenario: &Scenario,
        contestants: &[&Contestant],
        progress: &mut Progress,
    ) -> Result<Results> {
        let mut entries: Vec<_> = contestants
            .iter()
            .map(|contestant| new_entry(scenario, contestant))
            .collect();
        let mut done = 0;
        for round in 0..self.rounds {
            for at in order(round, contestants.len()) {
                progress.at(done, &contestants[at].name);
                done += 1;
                let sample = self.measure_if_sound(scenario, contestants[at], &mut entries[at])?;
                entries[at].samples.push(sample);
            }
        }
        if let Some(counter) = self.counter_for(scenario) {
            for (contestant, entry) in contestants.iter().zip(&mut entries) {
                progress.at(done, &format!("{}, {}", contestant.name, counter.name()));
                done += 1;
                self.count_syscalls(counter, scenario, contestant, entry)?;
            }
        }
        Ok(Results {
            scenario: scenario.name.to_owned(),
            title: scenario.title(),
            best_calibration: self.best_calibration,
            entries,
        })
    }

    /// Returns `None` if the server has failed, now or before.
    fn measure_if_sound(
        &mut self,
        scenario: &Scenario,
        contestant: &Contestant,
        entry: &mut Entry,
    ) -> Result<Option<Sample>> {
        if entry.failure.is_some() {
            return Ok(None);
        }
        match self.measure(scenario, contestant) {
            Ok(sample) => Ok(Some(sample)),
            Err(error) if interrupt::requested() => Err(error),
            Err(error) => {
                entry.failure = Some(format!("{error:#}"));
                Ok(None)
            }
        }
    }

    /// Repeats a disturbed measurement, and returns the least disturbed one.
    fn measure(&mut self, scenario: &Scenario, contestant: &Contestant) -> Result<Sample> {
        let mut best: Option<Sample> = None;
        for _ in 0..=self.retries {
            let sample = self.bench.measure(scenario, contestant)?;
            self.best_calibration = self.best_calibration.min(sample.calibration);
            let calibration = self.best_calibration;
            if best
                .as_ref()
                .is_none_or(|best| sample.disturbance(calibration) < best.disturbance(calibration))
            {
                best = Some(sample);
            }
            if best
                .as_ref()
                .is_some_and(|best| !best.is_disturbed(calibration))
            {
                break;
            }
        }
        Ok(best.expect("there is at least one attempt"))
    }

    fn count_syscalls(
        &self,
        counter: Counter,
        scenario: &Scenario,
        contestant: &Contestant,
        entry: &mut Entry,
    ) -> Result<()> {
        if entry.failure.is_some() {
            return Ok(());
        }
        match syscalls::count(self.bench, counter, scenario, contestant) {
            Ok(count) => entry.syscalls = Some(count),
            Err(error) if interrupt::requested() => return Err(error),
            Err(error) => entry.failure = Some(format!("under {}: {error:#}", counter.name())),
        }
        Ok(())
    }
}

fn new_entry(scenario: &Scenario, contestant: &Contestant) -> Entry {
    Entry {
        name: contestant.name.to_string(),
        side: contestant.side,
        floor: contestant.floor(scenario).map(str::to_owned),
        samples: Vec::new(),
        syscalls: None,
        failure: None,
    }
}

/// Returns every index once. Each round begins with another index.
pub(super) fn order(round: usize, len: usize) -> impl Iterator<Item = usize> {
    (0..len).map(move |at| (at + round) % len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_round_begins_with_another() {
        let orders: Vec<Vec<_>> = (0..4).map(|round| order(round, 3).collect()).collect();
        assert_eq!(
            orders,
            [vec![0, 1, 2], vec![1, 2, 0], vec![2, 0, 1], vec![0, 1, 2]]
        );
    }
}
