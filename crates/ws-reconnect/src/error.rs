//! The errors of a client.

use std::fmt;
use std::time::Duration;

use ws_driver::Message;

use crate::cause::Cause;
use crate::event::Undelivered;

/// The client gave up. Make another client to try again.
#[derive(Debug, thiserror::Error)]
#[error("{reason} (after {failures} failures in a row): {cause}")]
#[non_exhaustive]
pub struct GaveUp {
    /// The reason for giving up.
    pub reason: Reason,
    /// The last failure.
    #[source]
    pub cause: Cause,
    /// The number of failures in a row: attempts that failed, and connections that were lost before
    /// they were stable.
    pub failures: u32,
    /// The time without a connection.
    pub down_for: Duration,
    /// The messages that were not delivered, and not reported by a [`Gap`](crate::Gap).
    pub undelivered: Undelivered,
}

/// The reason why a client gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The [`Rules`](crate::Rules) or a hook decided that another attempt would fail, too.
    Fatal,
    /// The number of failures reached [`Backoff::max_failures`](crate::Backoff::max_failures).
    Failures,
    /// There was no connection for [`Backoff::max_down`](crate::Backoff::max_down), or the server
    /// demands that the next attempt begins later.
    Time,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fatal => "the failure is lasting: see `Rules` to try again after it",
            Self::Failures => "too many failures: see `Backoff::max_failures`",
            Self::Time => "no connection for too long: see `Backoff::max_down`",
        })
    }
}

/// The reason why a message was not accepted. Holds the message.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The client has ended or is closing. Nothing more is sent.
    #[error("the client has ended: make another one")]
    Ended(Message),
    /// The queue is full, no connection is open, and the policy is
    /// [`Queue::fail`](crate::Queue::fail).
    #[error("no connection is open and the queue is full: wait for `Event::Open` and try again")]
    Full(Message),
}

impl SendError {
    /// Returns the message.
    #[must_use]
    pub fn into_message(self) -> Message {
        match self {
            Self::Ended(message) | Self::Full(message) => message,
        }
    }
}

/// Prints no payload.
impl fmt::Debug for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ended(_) => "Ended(..)",
            Self::Full(_) => "Full(..)",
        })
    }
}

/// The client ended before everything was written. [`Reconnecting::next`] returns the reason.
///
/// [`Reconnecting::next`]: crate::Reconnecting::next
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the client has ended: receive until the end for the reason")]
#[non_exhaustive]
pub struct Ended;
