//! The result of one measurement.

use serde::{Deserialize, Serialize};

/// The output of the load generator.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Load {
    pub(super) messages: u64,
    /// The messages, including those before and after the measurement.
    pub(super) all_messages: u64,
    seconds: f64,
    server_run_ns: Option<u64>,
    server_kept_waiting_ns: Option<u64>,
    load_run_ns: u64,
    load_kept_waiting_ns: u64,
    round_trip_ns: Option<[u64; 4]>,
    extensions: Option<String>,
    ratio: f64,
}

/// One measurement of one server in one round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Sample {
    /// Messages per second.
    pub(super) rate: f64,
    /// The server's processor time for each message.
    pub(super) cpu_ns: f64,
    /// The part of the time for which the load generator ran. At 1, the load generator is the
    /// bottleneck.
    pub(super) load_busy: f64,
    /// The time from a message to its echo, at the quantiles 0.5, 0.9, 0.99 and 0.999.
    pub(super) round_trip_ns: Option<[u64; 4]>,
    /// The payload for each byte of the replies.
    pub(super) ratio: f64,
    /// The agreement on extensions.
    pub(super) extensions: Option<String>,
    /// The part of the time for which other programs kept server or load from running.
    pub(super) kept_waiting: f64,
    /// The time of the calibration, in seconds, which shows the speed of the machine.
    pub(super) calibration: f64,
}

impl Load {
    pub(super) fn sample(self, calibration: f64) -> Sample {
        let messages = self.messages as f64;
        let nanoseconds = self.seconds * 1e9;
        let kept_waiting = self
            .server_kept_waiting_ns
            .unwrap_or(0)
            .max(self.load_kept_waiting_ns);
        Sample {
            rate: messages / self.seconds,
            cpu_ns: self.server_run_ns.unwrap_or(0) as f64 / messages,
            load_busy: self.load_run_ns as f64 / nanoseconds,
            round_trip_ns: self.round_trip_ns,
            ratio: self.ratio,
            extensions: self.extensions,
            kept_waiting: kept_waiting as f64 / nanoseconds,
            calibration,
        }
    }
}

/// The part of the time from which on waiting is too much.
pub(super) const MOST_WAITING: f64 = 0.03;

/// The part from which on a machine is too slow, compared with the best calibration of the run.
const MOST_SLOWNESS: f64 = 0.1;

impl Sample {
    /// Returns the disturbance by other programs. 1 and more is too much.
    pub(super) fn disturbance(&self, best_calibration: f64) -> f64 {
        let slowness = self.calibration / best_calibration - 1.0;
        (self.kept_waiting / MOST_WAITING).max(slowness / MOST_SLOWNESS)
    }

    pub(super) fn is_disturbed(&self, best_calibration: f64) -> bool {
        self.disturbance(best_calibration) >= 1.0
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Returns a sample of this rate on an idle machine whose calibration takes 10 ms.
    pub(crate) fn sample(rate: f64) -> Sample {
        Sample {
            rate,
            cpu_ns: 1e9 / rate,
            load_busy: 0.5,
            round_trip_ns: None,
            ratio: 1.0,
            extensions: None,
            kept_waiting: 0.0,
            calibration: 0.01,
        }
    }

    #[test]
    fn a_line_of_the_load_generator_becomes_a_sample() {
        let line = r#"{"messages":1000,"all_messages":1500,"seconds":0.5,"server_run_ns":250000000,
            "server_kept_waiting_ns":5000000,"load_run_ns":100000000,"load_kept_waiting_ns":10000000,
            "round_trip_ns":[1,2,3,4],"extensions":null,"ratio":0.9}"#;
        let sample = serde_json::from_str::<Load>(line).unwrap().sample(0.01);
        assert_eq!((sample.rate, sample.cpu_ns), (2000.0, 250_000.0));
        assert_eq!((sample.load_busy, sample.kept_waiting), (0.2, 0.02));
        assert_eq!(sample.round_trip_ns, Some([1, 2, 3, 4]));
    }

    #[test]
    fn waiting_and_slowness_disturb() {
        let quiet = sample(1e6);
        assert!(!quiet.is_disturbed(0.0099));
        assert!(quiet.is_disturbed(0.008));
        let waited = Sample {
            kept_waiting: 0.04,
            ..quiet
        };
        assert!(waited.is_disturbed(0.01));
        assert!(waited.disturbance(0.01) > 1.3 && waited.disturbance(0.01) < 1.4);
    }
}
