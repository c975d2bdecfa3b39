//! How long a testee takes for what it does, and waits for what it does not get.

use std::time::Duration;

use super::Fault;

/// The times of a testee, for a suite whose own ones are multiplied by the same factor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    factor: u32,
}

impl Pace {
    /// For a suite that keeps its own times.
    pub(crate) const NORMAL: Self = Self::slowed(1);

    /// For a suite that takes this many times as long.
    pub(crate) const fn slowed(factor: u32) -> Self {
        Self { factor }
    }

    /// How long a testee waits for a peer that is silent: no suite must depend on its testees to
    /// end.
    pub(crate) fn patience(self) -> Duration {
        Duration::from_secs(10) * self.factor
    }

    /// How long it waits for the peer to end TCP.
    pub(crate) fn linger(self) -> Duration {
        Duration::from_secs(3) * self.factor
    }

    /// How long [`Fault::LatePong`] waits.
    pub(crate) fn pong_delay(self) -> Duration {
        Duration::from_millis(1500) * self.factor
    }

    /// How long a testee lets octets wait in its socket. The shorter time is for those faults that
    /// show only if all that a case sends is there at once.
    pub(crate) fn reaction_time(self, fault: Fault) -> Duration {
        let normal = match fault {
            Fault::Slow => 1300,
            Fault::FailsFast | Fault::TalksAfterClose => 100,
            _ => 0,
        };
        Duration::from_millis(normal) * self.factor
    }
}
