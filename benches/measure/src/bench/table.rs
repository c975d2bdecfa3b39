//! The tables of results.

use std::fmt::Write;

use indicatif::HumanCount;

use super::contestant::Side;
use super::results::{CPU, Entry, RATE, Results, Run};
use super::statistics::{Estimate, estimate, estimate_change, median, spread};
use crate::table::{align, new_table};

/// Returns the table of one scenario, with remarks and failures.
pub(super) fn scenario(results: &Results) -> String {
    let has_round_trips = samples(results).any(|sample| sample.round_trip_ns.is_some());
    let has_deflate = samples(results).any(|sample| sample.extensions.is_some());
    let mut header = vec![
        "server",
        "messages/s",
        "spread",
        "CPU per message",
        "calls per message",
    ];
    if has_round_trips {
        header.extend(["50 %", "90 %", "99 %", "99.9 %"]);
    }
    if has_deflate {
        header.push("ratio");
    }
    header.extend(["of its floor", "disturbed"]);
    let columns = Columns {
        has_round_trips,
        has_deflate,
    };
    let mut table = new_table(header);
    for entry in measured(results) {
        table.add_row(columns.row(results, entry));
    }
    align(&mut table, 1);
    format!("{}\n{table}\n{}", results.title, remarks(results))
}

fn measured(results: &Results) -> impl Iterator<Item = &Entry> {
    let has_samples = |entry: &&Entry| entry.samples.iter().any(Option::is_some);
    results.entries.iter().filter(has_samples)
}

fn samples(results: &Results) -> impl Iterator<Item = &super::sample::Sample> {
    results
        .entries
        .iter()
        .flat_map(|entry| entry.samples.iter().flatten())
}

/// The additional columns of a table.
struct Columns {
    has_round_trips: bool,
    has_deflate: bool,
}

impl Columns {
    fn row(&self, results: &Results, entry: &Entry) -> Vec<String> {
        let rates = results.values(entry, RATE);
        let mut row = vec![
            entry.name.clone(),
            thousands(median(&rates)),
            format!("±{:.0} %", 100.0 * spread(&rates)),
            time(median(&results.values(entry, CPU))),
            entry
                .syscalls
                .map_or("–".to_owned(), |count| format!("{count:.2}")),
        ];
        if self.has_round_trips {
            row.extend([0, 1, 2, 3].map(|at| time(round_trip(entry, at))));
        }
        if self.has_deflate {
            row.push(format!(
                "{:.2}",
                median(&results.values(entry, |sample| sample.ratio))
            ));
        }
        row.push(estimate(&results.parts_of_floor(entry)).map_or("–".to_owned(), interval));
        let (disturbed, rounds) = results.disturbed(entry);
        row.push(format!("{disturbed} of {rounds}"));
        row
    }
}

fn round_trip(entry: &Entry, quantile: usize) -> f64 {
    let times = entry.samples.iter().flatten();
    let times: Vec<_> = times
        .filter_map(|sample| Some(sample.round_trip_ns.as_ref()?[quantile] as f64))
        .collect();
    median(&times)
}

/// Compares our servers with the best of the others, and lists the failures.
fn remarks(results: &Results) -> String {
    let mut text = String::new();
    for ours in results
        .entries
        .iter()
        .filter(|entry| entry.side == Side::Ours)
    {
        if let Some(peer) = results.best_peer(ours)
            && let Some(rate) = results.compare(ours, peer, RATE)
            && let Some(cpu) = results.compare(ours, peer, CPU)
        {
            let (rate, cpu) = (interval(rate), interval(cpu));
            writeln!(
                text,
                "{} beside {}: {rate} of its messages/s, {cpu} of its CPU per message",
                ours.name, peer.name
            )
            .expect("writing to a string cannot fail");
        }
    }
    for entry in &results.entries {
        if let Some(failure) = &entry.failure {
            writeln!(text, "{} failed: {failure}", entry.name)
                .expect("writing to a string cannot fail");
        }
    }
    text
}

/// Returns the changes from `before` to `now`.
pub(super) fn comparison(before: &Run, now: &Run) -> String {
    let mut table = new_table(vec![
        "scenario",
        "server",
        "before",
        "now",
        "change of",
        "by a factor of",
    ]);
    for results in &now.scenarios {
        let same = |other: &&Results| other.scenario == results.scenario;
        let Some(old) = before.scenarios.iter().find(same) else {
            continue;
        };
        for (entry, old_entry) in results
            .entries
            .iter()
            .filter_map(|entry| Some((entry, old.find(&entry.name)?)))
        {
            let change = Change::new((old, old_entry), (results, entry));
            table.add_row(change.row(&results.scenario, &entry.name));
        }
    }
    align(&mut table, 1);
    table.to_string()
}

/// The figures of a server in two runs.
struct Change {
    what: &'static str,
    before: Vec<f64>,
    now: Vec<f64>,
}

impl Change {
    /// Compares the parts of the floor if both runs have a floor, because these do not depend on
    /// the speed of the machine.
    fn new(before: (&Results, &Entry), now: (&Results, &Entry)) -> Self {
        let parts = |(results, entry): (&Results, &Entry)| results.parts_of_floor(entry);
        let rates = |(results, entry): (&Results, &Entry)| results.values(entry, RATE);
        match (parts(before), parts(now)) {
            (old, new) if !old.is_empty() && !new.is_empty() => Self {
                what: "part of its floor",
                before: old,
                now: new,
            },
            _ => Self {
                what: "messages/s",
                before: rates(before),
                now: rates(now),
            },
        }
    }

    fn row(&self, scenario: &str, server: &str) -> Vec<String> {
        let shown = |values: &[f64]| match self.what {
            "messages/s" => thousands(median(values)),
            _ => format!("{:.3}", median(values)),
        };
        let change = estimate_change(&self.now, &self.before);
        vec![
            scenario.to_owned(),
            server.to_owned(),
            shown(&self.before),
            shown(&self.now),
            self.what.to_owned(),
            change.map_or("–".to_owned(), interval),
        ]
    }
}

/// Returns a text such as `0.82 (0.80 to 0.85)`.
fn interval(estimate: Estimate) -> String {
    let Estimate { value, low, high } = estimate;
    format!("{value:.2} ({low:.2} to {high:.2})")
}

/// Returns a text such as `12,345,678`.
pub(super) fn thousands(value: f64) -> String {
    HumanCount(value.round() as u64).to_string()
}

/// Returns a time in a unit of suitable size.
pub(super) fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ns if ns.is_nan() => "–".to_owned(),
        ns if ns < 1e4 => format!("{ns:.0} ns"),
        ns if ns < 1e7 => format!("{:.1} µs", ns / 1e3),
        ns => format!("{:.1} ms", ns / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::{entry, results};
    use super::*;

    #[test]
    fn the_table_shows_rate_cost_and_part_of_the_floor() {
        let shown = scenario(&results());
        let row = shown
            .lines()
            .find(|line| line.contains(" echo-tokio "))
            .unwrap();
        for cell in [
            "5,000,000",
            "±20 %",
            "200 ns",
            "0.50 (0.50 to 0.50)",
            "0 of 3",
        ] {
            assert!(row.contains(cell), "{shown}");
        }
        assert!(
            !shown.contains("99.9 %") && !shown.contains("ratio"),
            "{shown}"
        );
    }

    #[test]
    fn ours_stands_beside_the_best_peer_and_failures_are_told() {
        let mut results = results();
        results.entries[3].failure = Some("no echo".to_owned());
        let shown = scenario(&results);
        let line = "echo-tokio beside slow: 5.00 (5.00 to 5.00) of its messages/s, \
                    0.20 (0.20 to 0.20) of its CPU per message";
        assert!(shown.contains(line), "{shown}");
        assert!(shown.contains("slower failed: no echo"), "{shown}");
    }

    #[test]
    fn runs_are_compared_by_their_floors() {
        let run = |results| Run {
            machine: String::new(),
            scenarios: vec![results],
        };
        let mut faster = results();
        // The machine is twice as fast, and so is our server, which is no change.
        faster.entries[0] = entry("floor-tokio", Side::Floor, &[20e6, 24e6, 16e6]);
        faster.entries[1] = entry("echo-tokio", Side::Ours, &[10e6, 12e6, 8e6]);
        let shown = comparison(&run(results()), &run(faster));
        let row = shown
            .lines()
            .find(|line| line.contains(" echo-tokio "))
            .unwrap();
        assert!(
            row.contains("part of its floor") && row.contains("1.00 (1.00 to 1.00)"),
            "{shown}"
        );
        let floor = shown
            .lines()
            .find(|line| line.contains(" floor-tokio "))
            .unwrap();
        assert!(
            floor.contains("messages/s") && floor.contains("2.00"),
            "{shown}"
        );
    }

    #[test]
    fn figures_are_readable() {
        assert_eq!(thousands(12_345_678.4), "12,345,678");
        assert_eq!(thousands(123.0), "123");
        assert_eq!(
            [time(98.2), time(34_000.0), time(2.5e7)],
            ["98 ns", "34.0 µs", "25.0 ms"]
        );
    }
}
