//! The settings of a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The settings of a run. The defaults are the time limits of the original suite.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The seed of the masking keys. The same seed sends the same bytes. Default 1.
    pub seed: u64,
    /// The factor of every time limit and every wait of a case. Default 1. Slow machines need more.
    /// Much less than 1 fails testees that take a little time.
    pub time_scale: f64,
    /// The time limit of an opening handshake. Default 5 s.
    pub open_handshake_timeout: Duration,
    /// The time limit of the testee's answer to a Close. Default 1 s.
    pub close_handshake_timeout: Duration,
    /// The time limit of a tested server to end TCP after the closing handshake. Default 1 s.
    pub server_drop_timeout: Duration,
    /// The time beyond its own time limit after which a case is cut off. Default 3 s.
    pub watchdog: Duration,
    /// The most messages of a case that sends many, one after the other. Default 1000, the most of
    /// any case.
    pub messages: usize,
    /// The flag that ends a run early.
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

    /// Sets [`messages`](Self::messages), to at least 1.
    #[must_use]
    pub fn with_messages(mut self, messages: usize) -> Self {
        self.messages = messages.max(1);
        self
    }

    /// Selects a quick run: 100 messages in the cases of 1,000.
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

    /// Returns a time limit or wait, scaled. An impossible scale leaves it unchanged.
    pub(crate) fn scaled(&self, duration: Duration) -> Duration {
        Duration::try_from_secs_f64(duration.as_secs_f64() * self.time_scale).unwrap_or(duration)
    }
}

/// A flag that ends a run. All copies share it.
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Sets the flag.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Returns `true` if the flag is set.
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
