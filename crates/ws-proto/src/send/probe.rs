//! A Ping of the caller whose round trip is measured.

use core::time::Duration;

/// The newest Ping of this kind.
pub(super) struct Probe {
    pub(super) number: u32,
    pub(super) sent: Duration,
    pub(super) answer: Answer,
}

/// Its Pong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Awaited,
    /// It has come, at a time that the caller has not told yet.
    Undated,
    /// The round trip took so long.
    After(Duration),
}

impl Probe {
    /// Longer than the payloads of keepalive, so that neither takes the other's Pong for its own.
    pub(super) fn payload(&self) -> [u8; 5] {
        let [a, b, c, d] = self.number.to_be_bytes();
        [b'#', a, b, c, d]
    }

    /// A Pong came.
    pub(super) fn pong(&mut self, payload: &[u8]) {
        if self.answer == Answer::Awaited && payload == self.payload() {
            self.answer = Answer::Undated;
        }
    }

    /// Dates what has come.
    pub(super) fn date(&mut self, now: Duration) {
        if self.answer == Answer::Undated {
            self.answer = Answer::After(now.saturating_sub(self.sent));
        }
    }
}
