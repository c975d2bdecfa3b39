//! Compares two ways to use several processors: one runtime with several threads, and a runtime
//! with its own listener on each thread (`echo-tokio --per-core`).
//!
//! ```sh
//! cargo build --release -p ws-peers --bin echo-tokio
//! cargo run --release -p ws-bench-programs --bin cores
//! ```
//!
//! The first command is needed, because this program starts `echo-tokio` and `ws-load` from the
//! directory of its own executable. `taskset` binds them to processors. The load generator is bound
//! to processor 1, or shares all processors with servers that have them all.

#![forbid(unsafe_code)]

mod server;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use serde::Deserialize;

use server::{Balance, Server, load};

/// Compare one runtime with several threads and one runtime on each thread
#[derive(Parser)]
struct Options {
    /// The number of rounds. Each round measures every server once
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// The duration of each measurement, in seconds
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// The messages per second of the loads with a fixed rate
    #[arg(long, default_value_t = 10_000)]
    rate: u64,
}

/// A way to run the server: its name, its processors, and the options of `echo-tokio`.
struct Setup {
    name: &'static str,
    /// The place of the setup whose processor time is 1.
    base: usize,
    cores: &'static str,
    options: &'static [&'static str],
}

const SETUPS: [Setup; 5] = [
    Setup {
        name: "1 core, 1 runtime of 1 thread",
        base: 0,
        cores: "0",
        options: &["--threads", "1"],
    },
    Setup {
        name: "1 core, 1 runtime of 2 threads",
        base: 0,
        cores: "0",
        options: &["--threads", "2"],
    },
    Setup {
        name: "1 core, 2 runtimes of 1 thread",
        base: 1,
        cores: "0",
        options: &["--threads", "2", "--per-core"],
    },
    Setup {
        name: "2 cores, 1 runtime of 2 threads",
        base: 3,
        cores: "0,1",
        options: &["--threads", "2"],
    },
    Setup {
        name: "2 cores, 2 runtimes of 1 thread",
        base: 3,
        cores: "0,1",
        options: &["--threads", "2", "--per-core"],
    },
];

/// A load: its name, and the options of `ws-load`. With `has_rate`, the rate is fixed.
struct Load {
    name: &'static str,
    options: &'static [&'static str],
    has_rate: bool,
}

const LOADS: [Load; 3] = [
    Load {
        name: "64 connections × 1 message of 20 B",
        options: &["--connections", "64", "--in-flight", "1"],
        has_rate: false,
    },
    Load {
        name: "64 connections × 16 messages of 20 B",
        options: &["--connections", "64", "--in-flight", "16"],
        has_rate: false,
    },
    Load {
        name: "1000 connections, fixed rate, 20 B",
        options: &["--connections", "1000"],
        has_rate: true,
    },
];

/// The line that `ws-load` prints. At a fixed rate, it has `latency_ns`, otherwise `round_trip_ns`.
#[derive(Deserialize)]
struct Line {
    messages: u64,
    seconds: f64,
    server_run_ns: u64,
    /// At the quantiles 0.5, 0.9, 0.99 and 0.999.
    round_trip_ns: Option<[u64; 4]>,
    /// At the quantiles 0.5, 0.99 and 0.999, and the maximum.
    latency_ns: Option<[u64; 4]>,
}

/// The figures of one measurement.
struct Sample {
    rate: f64,
    cpu_ns: f64,
    /// The time from a message to its echo at the quantiles 0.5, 0.99 and 0.999.
    latency_us: Option<[f64; 3]>,
    balance: Balance,
}

impl Sample {
    fn new(line: &Line, balance: Balance) -> Self {
        let at = |all: [u64; 4], places: [usize; 3]| places.map(|place| all[place] as f64 / 1000.0);
        let closed = line.round_trip_ns.map(|all| at(all, [0, 2, 3]));
        Self {
            rate: line.messages as f64 / line.seconds,
            cpu_ns: line.server_run_ns as f64 / line.messages as f64,
            latency_us: closed.or(line.latency_ns.map(|all| at(all, [0, 1, 2]))),
            balance,
        }
    }
}

fn main() -> Result<()> {
    let options = Options::parse();
    let cores = std::thread::available_parallelism()?.get();
    ensure!(cores >= 2, "the comparison needs two processors");
    for one in &LOADS {
        println!("\n{}", one.name);
        let mut all: Vec<Vec<Sample>> = SETUPS.iter().map(|_| Vec::new()).collect();
        for round in 0..usize::from(options.rounds) {
            for turn in 0..SETUPS.len() {
                let which = (round + turn) % SETUPS.len();
                let sample = measure(&SETUPS[which], one, &options);
                all[which].push(sample.with_context(|| SETUPS[which].name)?);
            }
        }
        print(&all);
    }
    Ok(())
}

fn measure(setup: &Setup, load_of: &Load, options: &Options) -> Result<Sample> {
    let server = Server::start(setup.cores, setup.options)?;
    let mut arguments: Vec<String> = load_of.options.iter().map(|&one| one.to_owned()).collect();
    arguments.extend(["--seconds".into(), options.seconds.to_string()]);
    if load_of.has_rate {
        arguments.extend(["--rate".into(), options.rate.to_string()]);
    }
    let cores = if setup.cores == "0" { "1" } else { setup.cores };
    let line = load(&server, cores, &arguments)?;
    let line: Line = serde_json::from_str(&line).context("unexpected output of ws-load")?;
    Ok(Sample::new(&line, server.balance()?))
}

/// Prints the medians over the rounds. The ratios are to the base of the server in the same round:
/// the median, the lowest and the highest.
fn print(all: &[Vec<Sample>]) {
    println!(
        "| server | messages/s | ratio | CPU per message | ratio | p50 | p99 | p99.9 | busiest thread |"
    );
    println!("|{}", "---|".repeat(9));
    for (setup, samples) in SETUPS.iter().zip(all) {
        let median_of = |figure: &dyn Fn(&Sample) -> f64| median(samples.iter().map(figure));
        let ratio_of = |figure: fn(&Sample) -> f64| {
            let pairs = samples.iter().zip(&all[setup.base]);
            let mut ratios: Vec<f64> = pairs
                .map(|(one, base)| figure(one) / figure(base))
                .collect();
            ratios.sort_by(f64::total_cmp);
            let [first, middle, last] =
                [0, ratios.len() / 2, ratios.len() - 1].map(|at| ratios[at]);
            format!("{middle:.2} ({first:.2}–{last:.2})")
        };
        let latency = |place: usize| match samples.iter().any(|one| one.latency_us.is_some()) {
            true => {
                let at = |one: &Sample| one.latency_us.map_or(f64::NAN, |all| all[place]);
                format!("{:.0} µs", median_of(&at))
            }
            false => "–".to_owned(),
        };
        println!(
            "| {} | {:.0} | {} | {:.0} ns | {} | {} | {} | {} | {:.0} % |",
            setup.name,
            median_of(&|one| one.rate),
            ratio_of(|one| one.rate),
            median_of(&|one| one.cpu_ns),
            ratio_of(|one| one.cpu_ns),
            latency(0),
            latency(1),
            latency(2),
            100.0 * median_of(&|one| one.balance.busiest_share()),
        );
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_lines_have_quantiles() {
        let closed = r#"{"messages": 10, "seconds": 2.0, "server_run_ns": 500,
            "round_trip_ns": [1000, 2000, 3000, 4000]}"#;
        let fixed = r#"{"messages": 10, "seconds": 2.0, "server_run_ns": 500,
            "latency_ns": [1000, 3000, 4000, 9000]}"#;
        for text in [closed, fixed] {
            let line: Line = serde_json::from_str(text).unwrap();
            let sample = Sample::new(&line, Balance::default());
            assert_eq!((sample.rate, sample.cpu_ns), (5.0, 50.0));
            assert_eq!(sample.latency_us, Some([1.0, 3.0, 4.0]));
        }
    }

    #[test]
    fn the_median_is_the_middle_value() {
        assert!((median([9.0, 1.0, 2.0].into_iter()) - 2.0).abs() < f64::EPSILON);
    }
}
