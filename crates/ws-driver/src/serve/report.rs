//! The outcomes of connections, and the report of a shutdown.

use std::time::Duration;

/// The way in which a connection left the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The opening handshake did not succeed.
    NotOpened,
    /// A shutdown has refused the opening handshake.
    Refused,
    /// Both ends have sent a Close.
    Clean,
    /// A shutdown dropped the transport at its deadline.
    Cut,
    /// Any other end.
    Failed,
}

/// The number of connections by outcome, and the bytes that they did not send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) not_opened: u64,
    pub(super) clean: u64,
    pub(super) cut: u64,
    pub(super) failed: u64,
    pub(super) with_unsent: u64,
    pub(super) unsent_bytes: u64,
}

impl Tally {
    pub(super) fn add(&mut self, outcome: Outcome, unsent: u64) {
        match outcome {
            Outcome::NotOpened | Outcome::Refused => self.not_opened += 1,
            Outcome::Clean => self.clean += 1,
            Outcome::Cut => self.cut += 1,
            Outcome::Failed => self.failed += 1,
        }
        self.with_unsent += u64::from(unsent > 0);
        self.unsent_bytes = self.unsent_bytes.saturating_add(unsent);
    }
}

/// The result of a [`shutdown`](super::Registry::shutdown).
///
/// Each connection that existed when the shutdown began is in exactly one of `clean`, `cut`,
/// `failed`, `not_opened` and `remaining`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The number of connections that ended with a Close of both ends (RFC 6455 §7.1.4).
    pub clean: u64,
    /// The number of connections whose transport was dropped at the deadline.
    pub cut: u64,
    /// The number of connections that ended otherwise before the deadline: the transport failed, a
    /// timeout passed, the peer broke the protocol, or the program dropped the connection.
    pub failed: u64,
    /// The number of opening handshakes that ended without a connection. Most of these clients were
    /// sent the status 503.
    pub not_opened: u64,
    /// The number of connections that still exist. No task has polled them since the deadline. Such
    /// a connection ends when it is polled or dropped.
    pub remaining: u64,
    /// The number of connections, of all that ended, with output that was queued and not sent.
    pub with_unsent: u64,
    /// The number of bytes that were queued and not sent, including the headers of frames. The
    /// bytes that the system had accepted are not counted, even if the peer did not receive them.
    pub unsent_bytes: u64,
    /// The time from the first poll of the shutdown to its end.
    pub took: Duration,
}

impl Report {
    /// Returns the report on everything that happened between two tallies.
    pub(super) fn between(before: &Tally, after: &Tally, remaining: u64, took: Duration) -> Self {
        Self {
            clean: after.clean - before.clean,
            cut: after.cut - before.cut,
            failed: after.failed - before.failed,
            not_opened: after.not_opened - before.not_opened,
            remaining,
            with_unsent: after.with_unsent - before.with_unsent,
            unsent_bytes: after.unsent_bytes.saturating_sub(before.unsent_bytes),
            took,
        }
    }

    /// Returns `true` if every connection ended cleanly and everything that was queued was sent.
    pub fn is_clean(&self) -> bool {
        self.cut == 0 && self.failed == 0 && self.remaining == 0 && self.with_unsent == 0
    }
}
