//! The results of a comparison, and their file.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::contestant::Side;
use super::sample::Sample;
use super::statistics::{Estimate, Figure, estimate, median, paired, usable};

/// A whole comparison.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Run {
    /// The machine of the measurement.
    pub(super) machine: String,
    pub(super) scenarios: Vec<Results>,
}

/// The results of one scenario.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Results {
    pub(super) scenario: String,
    pub(super) title: String,
    /// The shortest calibration of the run until then, in seconds.
    pub(super) best_calibration: f64,
    pub(super) entries: Vec<Entry>,
}

/// The results of one server.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) side: Side,
    pub(super) floor: Option<String>,
    /// The samples of each round.
    pub(super) samples: Vec<Option<Sample>>,
    /// System calls for each message.
    pub(super) syscalls: Option<f64>,
    /// The reason why the measurement ended early.
    pub(super) failure: Option<String>,
}

/// A figure of a sample.
pub(super) type Measure = fn(&Sample) -> f64;

/// Messages per second.
pub(super) const RATE: Measure = |sample| sample.rate;

/// Processor time for each message.
pub(super) const CPU: Measure = |sample| sample.cpu_ns;

impl Run {
    /// Reads what [`save`](Self::save) wrote.
    pub(super) fn load(file: &Path) -> Result<Self> {
        let context = || format!("cannot read the run in {}", file.display());
        let text = fs::read_to_string(file).with_context(context)?;
        serde_json::from_str(&text).with_context(context)
    }

    pub(super) fn save(&self, file: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
    }
}

impl Results {
    pub(super) fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// Returns the figure of `over` divided by that of `under`, for each round.
    pub(super) fn quotients(&self, over: &Entry, under: &Entry, measure: Measure) -> Vec<f64> {
        usable(&paired(
            &self.figures(over, measure),
            &self.figures(under, measure),
        ))
    }

    /// Returns the rates of an entry as parts of those of its floor. Returns nothing for a floor.
    pub(super) fn parts_of_floor(&self, entry: &Entry) -> Vec<f64> {
        let floor = entry.floor.as_deref().filter(|floor| *floor != entry.name);
        match floor.and_then(|floor| self.find(floor)) {
            Some(floor) => self.quotients(entry, floor, RATE),
            None => Vec::new(),
        }
    }

    pub(super) fn compare(
        &self,
        over: &Entry,
        under: &Entry,
        measure: Measure,
    ) -> Option<Estimate> {
        estimate(&self.quotients(over, under, measure))
    }

    /// Returns the figures of all rounds that count.
    pub(super) fn values(&self, entry: &Entry, measure: Measure) -> Vec<f64> {
        let figures: Vec<_> = self.figures(entry, measure).into_iter().flatten().collect();
        usable(&figures)
    }

    /// Returns the number of disturbed measurements, and of all.
    pub(super) fn disturbed(&self, entry: &Entry) -> (usize, usize) {
        let figures: Vec<_> = self.figures(entry, RATE).into_iter().flatten().collect();
        let disturbed = figures.iter().filter(|figure| figure.disturbed).count();
        (disturbed, figures.len())
    }

    /// Returns the fastest server of other libraries on the same floor.
    pub(super) fn best_peer(&self, ours: &Entry) -> Option<&Entry> {
        self.entries
            .iter()
            .filter(|entry| entry.side == Side::Peer && entry.floor == ours.floor)
            .map(|entry| (entry, median(&self.values(entry, RATE))))
            .filter(|(_, rate)| !rate.is_nan())
            .max_by(|(_, one), (_, other)| one.total_cmp(other))
            .map(|(entry, _)| entry)
    }

    fn figures(&self, entry: &Entry, measure: Measure) -> Vec<Option<Figure>> {
        let figure = |sample: &Sample| Figure {
            value: measure(sample),
            disturbed: sample.is_disturbed(self.best_calibration),
        };
        let samples = entry.samples.iter();
        samples.map(|sample| sample.as_ref().map(figure)).collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::sample::tests::sample;
    use super::*;

    pub(crate) fn entry(name: &str, side: Side, rates: &[f64]) -> Entry {
        Entry {
            name: name.to_owned(),
            side,
            floor: Some("floor-tokio".to_owned()),
            samples: rates.iter().map(|&rate| Some(sample(rate))).collect(),
            syscalls: None,
            failure: None,
        }
    }

    /// Returns results with a floor, our server at half its rate, and two peers.
    pub(crate) fn results() -> Results {
        Results {
            scenario: "small".to_owned(),
            title: "small messages".to_owned(),
            best_calibration: 0.01,
            entries: vec![
                entry("floor-tokio", Side::Floor, &[10e6, 12e6, 8e6]),
                entry("echo-tokio", Side::Ours, &[5e6, 6e6, 4e6]),
                entry("slow", Side::Peer, &[1e6, 1.2e6, 0.8e6]),
                entry("slower", Side::Peer, &[0.5e6, 0.6e6, 0.4e6]),
            ],
        }
    }

    #[test]
    fn parts_of_the_floor_are_paired() {
        let results = results();
        let ours = results.find("echo-tokio").unwrap();
        assert_eq!(results.parts_of_floor(ours), [0.5, 0.5, 0.5]);
        assert!(
            results
                .parts_of_floor(results.find("floor-tokio").unwrap())
                .is_empty()
        );
    }

    #[test]
    fn the_best_peer_is_the_fastest_on_the_same_floor() {
        let mut results = results();
        let mut other_floor = entry("smol-peer", Side::Peer, &[9e6; 3]);
        other_floor.floor = Some("floor-smol".to_owned());
        results.entries.push(other_floor);
        results.entries.push(entry("failed", Side::Peer, &[]));
        let best = results
            .best_peer(results.find("echo-tokio").unwrap())
            .unwrap();
        assert_eq!(best.name, "slow");
    }

    #[test]
    fn a_run_is_kept_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("run.json");
        let run = Run {
            machine: "a machine".to_owned(),
            scenarios: vec![results()],
        };
        run.save(&file).unwrap();
        assert_eq!(Run::load(&file).unwrap(), run);
        assert!(Run::load(&dir.path().join("none")).is_err());
    }
}
