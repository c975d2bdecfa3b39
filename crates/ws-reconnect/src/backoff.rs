//! The times between attempts to connect.

use std::time::Duration;

use fastrand::Rng;

/// The times between attempts to connect: exponential backoff with full jitter.
///
/// The delay before attempt n after a failure is a random time between 0 and `first` × 2ⁿ⁻¹, and at
/// most `max`. So the clients of a server that has restarted do not return all at once. The number
/// of failures is 0 again once a connection was open for the time `stable`.
///
/// | setting | default |
/// |---|---|
/// | [`first`](Self::first) | 1 s |
/// | [`max`](Self::max) | 60 s |
/// | [`stable`](Self::stable) | 60 s |
/// | [`max_retry_after`](Self::max_retry_after) | 300 s |
/// | [`max_failures`](Self::max_failures) | no limit |
/// | [`max_down`](Self::max_down) | no limit |
///
/// ```
/// use std::time::Duration;
/// use ws_reconnect::Backoff;
///
/// let backoff = Backoff::default()
///     .first(Duration::from_millis(200))
///     .max(Duration::from_secs(20))
///     .max_failures(10);
/// # let _ = backoff;
/// ```
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    max: Duration,
    pub(crate) stable: Duration,
    max_retry_after: Duration,
    pub(crate) max_failures: Option<u32>,
    pub(crate) max_down: Option<Duration>,
    seed: Option<u64>,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            max: Duration::from_secs(60),
            stable: Duration::from_secs(60),
            max_retry_after: Duration::from_secs(300),
            max_failures: None,
            max_down: None,
            seed: None,
        }
    }
}

impl Backoff {
    /// Sets the longest delay after the first failure. Default: 1 s.
    #[must_use]
    pub fn first(mut self, first: Duration) -> Self {
        self.first = first;
        self
    }

    /// Sets the longest delay after any failure. Default: 60 s.
    #[must_use]
    pub fn max(mut self, max: Duration) -> Self {
        self.max = max;
        self
    }

    /// Sets the time for which a connection must be open until its loss counts as the first
    /// failure. Default: 60 s.
    #[must_use]
    pub fn stable(mut self, stable: Duration) -> Self {
        self.stable = stable;
        self
    }

    /// Sets the longest time that a server may demand with `Retry-After` (RFC 9110 §10.2.3). A
    /// longer demand is shortened. Default: 300 s.
    ///
    /// The header counts in a response with the status 429 or 503. The jittered delay follows the
    /// demanded time, because other clients were given the same time.
    #[must_use]
    pub fn max_retry_after(mut self, max: Duration) -> Self {
        self.max_retry_after = max;
        self
    }

    /// Sets the number of failures in a row after which the client gives up. Default: no limit.
    ///
    /// A failure is an attempt that failed, or a connection that was lost before it was
    /// [stable](Self::stable), or the loss of a stable connection. So 1 never connects again.
    #[must_use]
    pub fn max_failures(mut self, failures: u32) -> Self {
        self.max_failures = Some(failures);
        self
    }

    /// Sets the time without a connection after which the client gives up. Default: no limit.
    ///
    /// The last attempt begins at the end of this time. If a server demands with `Retry-After` that
    /// the next attempt begins later, the client gives up at once.
    #[must_use]
    pub fn max_down(mut self, time: Duration) -> Self {
        self.max_down = Some(time);
        self
    }

    /// Makes the jitter repeatable. For tests.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    pub(crate) fn random(&self) -> Rng {
        self.seed.map_or_else(Rng::new, Rng::with_seed)
    }

    /// Returns the longest delay after this number of failures in a row.
    fn ceiling(&self, failures: u32) -> Duration {
        let factor = 1_u32.checked_shl(failures.saturating_sub(1));
        let ceiling = factor.and_then(|factor| self.first.checked_mul(factor));
        ceiling.map_or(self.max, |ceiling| ceiling.min(self.max))
    }

    /// Returns the delay before the next attempt, after this number of failures in a row.
    pub(crate) fn delay(
        &self,
        failures: u32,
        retry_after: Option<Duration>,
        random: &mut Rng,
    ) -> Duration {
        let ceiling = u64::try_from(self.ceiling(failures).as_nanos()).unwrap_or(u64::MAX);
        let jitter = Duration::from_nanos(random.u64(..=ceiling));
        let demanded = retry_after.unwrap_or_default().min(self.max_retry_after);
        demanded.saturating_add(jitter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_ceiling_doubles_up_to_the_maximum() {
        let backoff = Backoff::default();
        let seconds = [1, 2, 4, 8, 16, 32, 60, 60];
        for (failures, seconds) in (1..).zip(seconds) {
            assert_eq!(backoff.ceiling(failures), SECOND * seconds);
        }
        assert_eq!(backoff.ceiling(u32::MAX), 60 * SECOND);
        let long = Backoff::default().first(Duration::MAX).max(Duration::MAX);
        assert_eq!(long.ceiling(2), Duration::MAX);
    }

    #[test]
    fn delays_are_spread_over_the_whole_range() {
        let backoff = Backoff::default().seed(7);
        let mut random = backoff.random();
        let delays: Vec<_> = (0..1_000)
            .map(|_| backoff.delay(4, None, &mut random))
            .collect();
        for eighth in 0..8 {
            let range = eighth * SECOND..(eighth + 1) * SECOND;
            let within = delays.iter().filter(|delay| range.contains(delay)).count();
            assert!((80..170).contains(&within), "{within} in {range:?}");
        }
        assert!(delays.iter().all(|delay| *delay <= 8 * SECOND));
    }

    #[test]
    fn the_demand_of_the_server_is_bounded() {
        let backoff = Backoff::default().first(Duration::ZERO);
        let mut random = backoff.random();
        let mut delay = |seconds| backoff.delay(1, Some(seconds * SECOND), &mut random);
        assert_eq!(delay(20), 20 * SECOND);
        assert_eq!(delay(100_000), 300 * SECOND);
    }
}
