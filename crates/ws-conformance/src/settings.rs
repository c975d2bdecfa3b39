//! What a run can be tuned by.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The knobs of a run. The defaults are the time limits of the original suite.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Where masking keys come from: the same seed sends the same bytes. Default 1.
    pub seed: u64,
    /// Multiplies every time limit and every wait of a case. Default 1. More helps slow machines;
    /// far less than 1 fails testees that are merely not instant.
    pub time_scale: f64,
    /// How long an opening handshake may take. Default 5 s.
    pub open_handshake_timeout: Duration,
    /// How long the testee may take to answer a Close. Default 1 s.
    pub close_handshake_timeout: Duration,
    /// How long a tested server may take to end TCP after the closing handshake. Default 1 s.
    pub server_drop_timeout: Duration,
    /// How much longer than its own time limit a case may take before it is cut off. Default 3 s.
    pub watchdog: Duration,
    /// How many messages a case sends at most where it sends many, one after the other. Default
    /// 1000, which is as many as any case has.
    pub messages: usize,
    /// Raised to end a run early.
    pub stop: StopFlag,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            time_scale: 1.0,
            open_handshake_timeout: Duration::from_secs(5),
            close_handshake_timeout: Duration::from_secs(1),
            server_drop_timeout: Duration::from_secs(1),
            watchdog: Duration::from_secs(3),
            messages: 1000,
            stop: StopFlag::default(),
        }
    }
}

impl Settings {
    /// Sets [`seed`](Self::seed).
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets [`time_scale`](Self::time_scale).
    #[must_use]
    pub fn with_time_scale(mut self, time_scale: f64) -> Self {
        self.time_scale = time_scale;
        self
    }

    /// Sets [`messages`](Self::messages); at least one is sent.
    #[must_use]
    pub fn with_messages(mut self, messages: usize) -> Self {
        self.messages = messages.max(1);
        self
    }

    /// For a quick run: 100 messages in the cases of 1,000.
    #[must_use]
    pub fn quick(self) -> Self {
        self.with_messages(100)
    }

    /// Sets [`stop`](Self::stop).
    #[must_use]
    pub fn with_stop(mut self, stop: StopFlag) -> Self {
        self.stop = stop;
        self
    }

    /// A time limit or wait, scaled. A scale that is no usable factor leaves it as it is.
    pub(crate) fn scaled(&self, duration: Duration) -> Duration {
        Duration::try_from_secs_f64(duration.as_secs_f64() * self.time_scale).unwrap_or(duration)
    }
}

/// A flag that is raised once, by whoever wants a run to end, and seen by all its copies.
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Raises the flag.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was raised.
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_scale() {
        let settings = Settings::default().with_time_scale(2.5);
        assert_eq!(
            settings.scaled(Duration::from_secs(2)),
            Duration::from_secs(5)
        );
    }

    #[test]
    fn a_scale_that_is_no_factor_changes_nothing() {
        for scale in [f64::NAN, -1.0, f64::INFINITY] {
            let settings = Settings::default().with_time_scale(scale);
            assert_eq!(
                settings.scaled(Duration::from_secs(2)),
                Duration::from_secs(2)
            );
        }
    }

    #[test]
    fn a_raised_flag_is_seen_by_its_copies() {
        let flag = StopFlag::default();
        let copy = flag.clone();
        assert!(!copy.is_raised());
        flag.raise();
        assert!(copy.is_raised());
    }
}
