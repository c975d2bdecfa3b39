//! The reaction to a silent peer: an idle timeout, and keepalive Pings.

use alloc::boxed::Box;
use core::time::Duration;

use super::written::Written;
use crate::config::{Config, Keepalive};
use crate::deadline::{Deadline, Expired};

/// The timeouts on the peer's silence. The value exists only if a timeout is configured, the
/// connection is watched, or written messages are counted.
#[derive(Default)]
pub(super) struct Silence {
    idle_timeout: Option<Duration>,
    keepalive: Option<Keepalive>,
    /// The deadline for the next input.
    idle: Deadline,
    next_ping: Deadline,
    pong_due: Deadline,
    /// The unanswered keepalive Ping: the time at which it was queued, and its number. The payload
    /// is the number.
    pinged: Option<(Duration, u32)>,
    /// The number of keepalive Pings so far.
    pings: u32,
    round_trip: Option<Duration>,
    /// The time at which the answered Ping was queued. `None` once its round trip has been
    /// measured.
    answered: Option<Duration>,
    /// `true` while the caller does not read. Missing input then does not mean that the peer is
    /// silent.
    is_paused: bool,
    /// `true` if every wait of the caller counts as timed. Stored here, because a connection
    /// without timeouts then pays nothing for it.
    is_watched: bool,
    /// Present if written messages are counted. Stored here for the same reason.
    pub(super) written: Option<Box<Written>>,
}

impl Silence {
    pub(super) fn new(config: &Config) -> Option<Box<Self>> {
        if config.shared.idle_timeout.is_none() && config.shared.keepalive.is_none() {
            return None;
        }
        let mut silence = Box::new(Self {
            idle_timeout: config.shared.idle_timeout,
            keepalive: config.shared.keepalive,
            ..Self::default()
        });
        silence.heard();
        Some(silence)
    }

    /// Restarts the timeouts after input.
    pub(super) fn heard(&mut self) {
        if let Some(timeout) = self.idle_timeout {
            self.idle.arm(timeout);
        }
        if let (Some(Keepalive { interval, .. }), None) = (self.keepalive, self.pinged) {
            self.next_ping.arm(interval);
        }
    }

    /// Counts every wait as timed from now on.
    pub(super) fn watch(&mut self) {
        self.is_watched = true;
    }

    /// Pauses or resumes the timeouts.
    pub(super) fn pause(&mut self, is_paused: bool) {
        self.is_paused = is_paused;
    }

    /// Counts the messages that the transport has taken completely, with its last `len` bytes.
    /// Restarts the time for the Pong, because the Ping may still be queued after other bytes.
    pub(super) fn progress(&mut self, len: usize) {
        if let Some(written) = &mut self.written {
            written.take(len);
        }
        if let (Some(_), Some(Keepalive { timeout, .. })) = (self.pinged, self.keepalive) {
            self.pong_due.arm(timeout);
        }
    }

    /// Stops all timeouts, because another timeout takes over.
    pub(super) fn stop(&mut self) {
        self.idle_timeout = None;
        self.keepalive = None;
        self.pinged = None;
        self.idle.disarm();
        self.next_ping.disarm();
        self.pong_due.disarm();
    }

    pub(super) fn is_timed(&self) -> bool {
        self.is_watched || (!self.is_paused && self.is_armed())
    }

    fn is_armed(&self) -> bool {
        self.idle.is_armed() || self.next_ping.is_armed() || self.pong_due.is_armed()
    }

    /// Returns the earliest deadline.
    pub(super) fn at(&mut self, now: Duration) -> Option<Duration> {
        if self.is_paused {
            return None;
        }
        [&mut self.idle, &mut self.next_ping, &mut self.pong_due]
            .into_iter()
            .filter_map(|deadline| deadline.at(now))
            .min()
    }

    /// Returns the timeout that has passed.
    pub(super) fn expired(&self, now: Duration) -> Option<Expired> {
        if self.is_paused {
            None
        } else if self.pong_due.has_passed(now) {
            Some(Expired::Pong)
        } else if self.idle.has_passed(now) {
            Some(Expired::Idle)
        } else {
            None
        }
    }

    /// Returns the number of the Ping to send if one is due and none is unanswered.
    pub(super) fn ping_due(&mut self, now: Duration) -> Option<u32> {
        let Keepalive { timeout, .. } = self.keepalive?;
        if self.is_paused || !self.next_ping.has_passed(now) {
            return None;
        }
        // The next Ping is due after the Pong to this Ping and another period of silence.
        self.next_ping.disarm();
        self.pings = self.pings.wrapping_add(1);
        self.pinged = Some((now, self.pings));
        self.pong_due.arm(timeout);
        Some(self.pings)
    }

    /// Handles a Pong. A Pong that answers no keepalive Ping has no effect.
    pub(super) fn pong(&mut self, payload: &[u8]) {
        if let Some((sent, number)) = self.pinged
            && payload == number.to_be_bytes()
        {
            self.answered = Some(sent);
            self.pinged = None;
            self.pong_due.disarm();
            self.heard();
        }
    }

    pub(super) fn has_undated_pong(&self) -> bool {
        self.answered.is_some()
    }

    /// If a Pong has arrived since the last call, measures the round trip. `now` is the time of
    /// arrival.
    pub(super) fn date_pong(&mut self, now: Duration) {
        if let Some(sent) = self.answered.take() {
            self.round_trip = Some(now.saturating_sub(sent));
        }
    }

    pub(super) fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }
}
