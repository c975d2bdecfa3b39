//! The events that were not returned yet.

use std::collections::VecDeque;

use ws_driver::Message;

use crate::error::GaveUp;
use crate::event::{Down, Event, Gap, Opened};

/// The largest number of bytes of messages that are kept from a lost connection, in addition to the
/// last message.
const KEPT_LEN: usize = 1 << 20;

/// The events that were found while the caller did not receive, in the order of the fields.
///
/// There is at most one gap. If another connection is lost before a gap was returned, both become
/// one. The messages in between are dropped, as are those that the server sends in a gap.
#[derive(Default)]
pub(crate) struct Reports {
    /// Messages of a lost connection.
    messages: VecDeque<Message>,
    /// The number of bytes in `messages`.
    len: usize,
    gap: Option<Box<Gap>>,
    opened: Option<Opened>,
    down: Option<Down>,
    failure: Option<Box<GaveUp>>,
}

impl Reports {
    /// Keeps a message of a connection that is lost. Returns `false` if no more is kept.
    pub(crate) fn keep(&mut self, message: Message) -> bool {
        if self.gap.is_none() && self.opened.is_none() {
            self.len += message.as_bytes().len();
            self.messages.push_back(message);
        }
        self.len <= KEPT_LEN
    }

    pub(crate) fn open(&mut self, gap: Option<Box<Gap>>, opened: Opened) {
        match (&mut self.gap, gap) {
            (Some(earlier), Some(gap)) => {
                earlier.cause = gap.cause;
                earlier.down_for = earlier.down_for.saturating_add(gap.down_for);
                earlier.undelivered.extend(gap.undelivered);
            }
            (earlier, Some(gap)) => *earlier = Some(gap),
            (_, None) => {}
        }
        self.opened = Some(opened);
        self.down = None;
    }

    pub(crate) fn down(&mut self, down: Option<Down>) {
        self.down = down;
    }

    pub(crate) fn fail(&mut self, failure: GaveUp) {
        self.failure = Some(Box::new(failure));
    }

    /// Returns `true` if there is an event of a connection.
    pub(crate) fn has_event(&self) -> bool {
        !self.messages.is_empty() || self.gap.is_some() || self.opened.is_some()
    }

    /// Returns the next event.
    pub(crate) fn pop(&mut self) -> Option<Event> {
        if let Some(message) = self.messages.pop_front() {
            self.len -= message.as_bytes().len();
            return Some(Event::Message(message));
        }
        let gap = self.gap.take().map(Event::Gap);
        gap.or_else(|| self.opened.take().map(Event::Open))
            .or_else(|| self.down.take().map(Event::Down))
    }

    /// Returns the error of the client, once.
    pub(crate) fn take_failure(&mut self) -> Option<Box<GaveUp>> {
        self.failure.take()
    }
}
