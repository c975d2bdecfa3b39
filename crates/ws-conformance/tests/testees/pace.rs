//! The times of a testee.

use std::time::Duration;

/// A factor for all times of a testee. The times of the suite are multiplied by the same one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    factor: f64,
}

impl Pace {
    /// For a suite that keeps its own times.
    pub(crate) const NORMAL: Self = Self::scaled(1.0);

    /// For a suite whose times are multiplied by this.
    pub(crate) const fn scaled(factor: f64) -> Self {
        Self { factor }
    }

    /// The time that a testee waits for a silent peer: no suite must depend on its testees to end.
    pub(crate) fn patience(self) -> Duration {
        self.millis(10_000)
    }

    /// The time that a testee waits for the peer to end TCP.
    pub(crate) fn linger(self) -> Duration {
        self.millis(3000)
    }

    /// Returns a time of `count` milliseconds.
    pub(crate) fn millis(self, count: u64) -> Duration {
        Duration::from_millis(count).mul_f64(self.factor)
    }
}
