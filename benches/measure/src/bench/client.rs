//! The measurement of clients, all of which load the same echo server.

use std::process::Command;

use anyhow::{Result, bail};
use serde::Deserialize;

use super::contestant::{Contestant, Package, Program, Side, Task};
use super::cores;
use super::measure::{self, Bench};
use super::sample::Sample;
use super::scenario::Scenario;

/// The echo server.
pub(super) const SERVER: &str = "echo-tokio";

/// The output of a client.
#[derive(Deserialize)]
pub(super) struct Report {
    messages: u64,
    /// The messages, including those before and after the measurement.
    pub(super) all_messages: u64,
    seconds: f64,
    run_ns: u64,
    kept_waiting_ns: u64,
}

impl Report {
    fn sample(&self, calibration: f64) -> Sample {
        let nanoseconds = self.seconds * 1e9;
        Sample {
            rate: self.messages as f64 / self.seconds,
            cpu_ns: self.run_ns as f64 / self.messages as f64,
            load_busy: self.run_ns as f64 / nanoseconds,
            round_trip_ns: None,
            ratio: 1.0,
            extensions: None,
            kept_waiting: self.kept_waiting_ns as f64 / nanoseconds,
            calibration,
        }
    }
}

/// Measures the client once while it loads the server.
pub(super) fn measure(bench: &Bench, scenario: &Scenario, client: &Contestant) -> Result<Sample> {
    let calibration = cores::calibrate(bench.cores)?;
    let (report, _) = load(bench, scenario, client, &[], bench.seconds)?;
    Ok(report.sample(calibration))
}

/// Runs the client, under `wrapper` if that is not empty, while it loads the server. The client
/// runs on the processor of the program under test, and the server on the other one. Returns the
/// measurement and the standard error.
pub(super) fn load(
    bench: &Bench,
    scenario: &Scenario,
    client: &Contestant,
    wrapper: &[&str],
    seconds: f64,
) -> Result<(Report, String)> {
    let server = Contestant::named(Task::Echo, Side::Ours, Package::Ours, SERVER);
    let server = bench.start_on(bench.cores.load, scenario, &server, &[])?;
    let Program::Built { package, name } = client.program else {
        bail!("{} is not built", client.name);
    };
    let program = bench.executables.find(package, name)?;
    let mut command = match wrapper {
        [] => Command::new(program),
        [wrapper, options @ ..] => {
            let mut command = Command::new(wrapper);
            command.args(options).arg(program);
            command
        }
    };
    command.args(scenario.load_arguments());
    command.args(["--address", &server.address.to_string()]);
    command.args(["--seconds", &seconds.to_string()]);
    command.args(["--warm-up", &bench.warm_up.to_string()]);
    measure::run(bench.cores.server, command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_client_becomes_a_sample() {
        let line = r#"{"messages":1000,"seconds":0.5,"run_ns":250000000,"kept_waiting_ns":5000000,"all_messages":1500}"#;
        let sample = serde_json::from_str::<Report>(line).unwrap().sample(0.01);
        assert_eq!((sample.rate, sample.cpu_ns), (2000.0, 250_000.0));
        assert_eq!((sample.load_busy, sample.kept_waiting), (0.5, 0.01));
    }
}
