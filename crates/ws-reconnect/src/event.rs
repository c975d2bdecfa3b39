//! The events of a client, and their contents.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ws_driver::Message;

use crate::cause::Cause;
use crate::numbers::Numbers;

/// An event of a client. [`Reconnecting::next`](crate::Reconnecting::next) returns it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The server sent a message.
    Message(Message),
    /// A connection was lost, and another one is open now. [`Open`](Self::Open) follows.
    ///
    /// Messages that the server sent in the meantime are missing. The event also comes before the
    /// first `Open` if messages were dropped before.
    Gap(Box<Gap>),
    /// A connection is open, and the hook of
    /// [`Reconnecting::on_open`](crate::Reconnecting::on_open) has succeeded.
    Open(Opened),
    /// The server has read every message up to the one with this number, except those that a
    /// [`Gap`](Self::Gap) has reported. Several proofs may become one event.
    ///
    /// Only after [`Reconnecting::report_confirmed`](crate::Reconnecting::report_confirmed).
    Confirmed(u64),
    /// A connection was lost, or an attempt to connect has failed. The client waits, and tries
    /// again.
    ///
    /// Only after [`Reconnecting::report_down`](crate::Reconnecting::report_down). If several of
    /// these events have not been returned, only the last one is. None is returned once another
    /// connection is open.
    Down(Down),
}

/// A connection that has opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Opened {
    /// The number of the connection. The first one has number 1.
    pub connection: u64,
    /// The number of attempts to connect since the last connection was lost, including the one that
    /// succeeded.
    pub attempts: u32,
}

/// The time between two connections.
///
/// Every message that was sent is reported at most once: as unsent, unconfirmed or dropped. The
/// others have been read by the endpoint of the server, or are still to be reported.
#[derive(Debug)]
#[non_exhaustive]
pub struct Gap {
    /// The reason why the connection was lost. `None` before the first connection.
    pub cause: Option<Arc<Cause>>,
    /// The time without a connection, including that of the hooks.
    pub down_for: Duration,
    /// The messages that were not delivered.
    pub undelivered: Undelivered,
}

/// A failure after which the client tries again.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Down {
    /// The reason why the connection was lost, or the attempt failed.
    pub cause: Arc<Cause>,
    /// The number of attempts that have failed since the last connection was lost. 0 at the loss
    /// itself.
    pub attempts: u32,
    /// The time from the failure to the next attempt.
    pub delay: Duration,
}

/// The messages that were not delivered, or perhaps not.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Undelivered {
    /// The messages that never left this end completely, with their numbers, in the order of
    /// sending. The server cannot have received one of them completely.
    ///
    /// In a [`Gap`], it is empty with [`Unsent::Resend`](crate::Unsent::Resend), because these
    /// messages are sent on the new connection.
    pub unsent: Vec<(u64, Message)>,
    /// The numbers of the messages that left this end, and of which no Pong has proved that the
    /// server has read them. The server may have received any number of them, from the first one
    /// on.
    pub unconfirmed: Numbers,
    /// The numbers of the messages that a full [`Queue`](crate::Queue) dropped. They never left
    /// this end.
    pub dropped: Numbers,
}

impl Undelivered {
    /// Returns `true` if every message was delivered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.unsent.is_empty() && self.unconfirmed.is_empty() && self.dropped.is_empty()
    }

    /// Adds the messages of a later time.
    pub(crate) fn extend(&mut self, later: Self) {
        self.unsent.extend(later.unsent);
        self.unconfirmed.extend(&later.unconfirmed);
        self.dropped.extend(&later.dropped);
    }
}

/// Prints no payloads.
impl fmt::Debug for Undelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unsent: Vec<_> = self.unsent.iter().map(|(number, _)| number).collect();
        f.debug_struct("Undelivered")
            .field("unsent", &unsent)
            .field("unconfirmed", &self.unconfirmed)
            .field("dropped", &self.dropped)
            .finish()
    }
}
