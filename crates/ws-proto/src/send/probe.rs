//! Pings of the caller whose round trip is measured.

use core::time::Duration;

/// The last Ping whose round trip is measured.
pub(super) struct Probe {
    pub(super) number: u32,
    pub(super) sent: Duration,
    pub(super) answer: Answer,
}

/// The state of the Pong to a [`Probe`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Awaited,
    /// The Pong has arrived, but the caller has not passed the time since.
    Undated,
    /// The Pong arrived after this time.
    After(Duration),
}

impl Probe {
    /// Returns the payload of the Ping. It is longer than that of a keepalive Ping, so that their
    /// Pongs cannot be confused.
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

    /// Takes `now` as the time of a Pong that has arrived.
    pub(super) fn date(&mut self, now: Duration) {
        if self.answer == Answer::Undated {
            self.answer = Answer::After(now.saturating_sub(self.sent));
        }
    }
}
