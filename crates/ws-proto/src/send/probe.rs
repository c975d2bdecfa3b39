//! Pings that the caller sends to measure the round trip.

use core::time::Duration;

/// The last Ping that measures the round trip.
pub(super) struct Probe {
    pub(super) number: u32,
    pub(super) sent: Duration,
    pub(super) answer: Answer,
}

/// The state of the Pong to a [`Probe`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Awaited,
    /// The Pong has arrived, but the caller has not passed the current time since then.
    Undated,
    /// The Pong has arrived, and the round trip took this time.
    After(Duration),
}

impl Probe {
    /// Returns the payload of the Ping. This payload is longer than that of a keepalive Ping, so
    /// that the Pongs to both cannot be confused.
    pub(super) fn payload(&self) -> [u8; 5] {
        let [a, b, c, d] = self.number.to_be_bytes();
        [b'#', a, b, c, d]
    }

    /// Handles a Pong.
    pub(super) fn pong(&mut self, payload: &[u8]) {
        if self.answer == Answer::Awaited && payload == self.payload() {
            self.answer = Answer::Undated;
        }
    }

    /// If the Pong has arrived since the last call, measures the round trip. `now` is the time of
    /// arrival.
    pub(super) fn date(&mut self, now: Duration) {
        if self.answer == Answer::Undated {
            self.answer = Answer::After(now.saturating_sub(self.sent));
        }
    }
}
