//! A distribution of times.

use std::time::Duration;

use hdrhistogram::Histogram;

/// The longest time that can be stored, in nanoseconds. A longer time is stored as this value.
const LONGEST: u64 = 60_000_000_000;

/// The times of a measurement, such as its round trips.
pub(crate) struct Times(Histogram<u64>);

impl Times {
    pub(crate) fn new() -> Self {
        Self(Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds are valid"))
    }

    /// Stores a time.
    pub(crate) fn record(&mut self, time: Duration) {
        self.0.saturating_record(time.as_nanos() as u64);
    }

    /// Discards all times.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns the quantiles 0.5, 0.9, 0.99 and 0.999, in nanoseconds.
    pub(crate) fn quantiles(&self) -> [u64; 4] {
        [0.5, 0.9, 0.99, 0.999].map(|quantile| self.0.value_at_quantile(quantile))
    }

    /// Returns the number of stored times.
    #[cfg(test)]
    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// Returns the quantiles 0.5, 0.99 and 0.999 and the maximum, in nanoseconds.
    pub(crate) fn tail(&self) -> [u64; 4] {
        [0.5, 0.99, 0.999, 1.0].map(|quantile| self.0.value_at_quantile(quantile))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_has_the_slowest_of_a_thousand() {
        let mut times = Times::new();
        for number in 1..=1000 {
            times.record(Duration::from_nanos(number));
        }
        assert_eq!(times.tail(), [500, 990, 999, 1000]);
        times.record(Duration::from_secs(3600));
        assert!(times.tail()[3] >= LONGEST);
    }
}
