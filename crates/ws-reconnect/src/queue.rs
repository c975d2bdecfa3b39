//! The messages that wait for a connection, with a bound.

use std::collections::VecDeque;

use ws_driver::Message;

use crate::numbers::Numbers;

/// The bound of the queue of messages while no connection is open, and what happens when the queue
/// is full.
///
/// The queue has at most [`messages`](Self::messages) messages and at most [`bytes`](Self::bytes)
/// bytes of payload. The defaults are 256 messages and 1 MiB. While a connection is open, the queue
/// drains into it, and sending waits for room in the connection, with every policy.
///
/// ```
/// use ws_reconnect::Queue;
///
/// let positions = Queue::drop_oldest().messages(16);
/// let orders = Queue::fail().bytes(64 << 10);
/// # let _ = (positions, orders);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Queue {
    policy: Policy,
    messages: usize,
    bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    Wait,
    DropOldest,
    DropNewest,
    Fail,
}

impl Queue {
    const fn new(policy: Policy) -> Self {
        Self {
            policy,
            messages: 256,
            bytes: 1 << 20,
        }
    }

    /// Sending waits for room, and connects again in the meantime. This is the default.
    pub const fn wait() -> Self {
        Self::new(Policy::Wait)
    }

    /// The oldest messages in the queue make room. For states, of which only the latest counts.
    pub const fn drop_oldest() -> Self {
        Self::new(Policy::DropOldest)
    }

    /// The new message is dropped. It has a number all the same, and is counted as dropped.
    pub const fn drop_newest() -> Self {
        Self::new(Policy::DropNewest)
    }

    /// Sending fails with [`SendError::Full`](crate::SendError::Full), which returns the message.
    pub const fn fail() -> Self {
        Self::new(Policy::Fail)
    }

    /// Sets the largest number of messages in the queue. 0 is taken for 1.
    pub fn messages(mut self, messages: usize) -> Self {
        self.messages = messages.max(1);
        self
    }

    /// Sets the largest number of bytes of payload in the queue. A longer message has room in an
    /// empty queue.
    pub fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }
}

impl Default for Queue {
    fn default() -> Self {
        Self::wait()
    }
}

/// A message with its number.
pub(crate) type Numbered = (u64, Message);

/// The queue itself.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    pub(crate) bound: Queue,
    messages: VecDeque<Numbered>,
    bytes: usize,
}

/// The reason why a message was not queued.
pub(crate) enum Refused {
    /// The caller must wait.
    Wait(Message),
    Full(Message),
}

impl Waiting {
    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    fn is_full(&self, len: usize) -> bool {
        let bytes = self.bytes.saturating_add(len);
        !self.is_empty() && (self.len() >= self.bound.messages || bytes > self.bound.bytes)
    }

    /// Queues a message by the policy, with the number after `last`. Adds the numbers of dropped
    /// messages to `dropped`.
    pub(crate) fn push(
        &mut self,
        message: Message,
        last: &mut u64,
        dropped: &mut Numbers,
    ) -> Result<u64, Refused> {
        let len = message.as_bytes().len();
        while self.is_full(len) {
            match self.bound.policy {
                Policy::Wait => return Err(Refused::Wait(message)),
                Policy::Fail => return Err(Refused::Full(message)),
                Policy::DropNewest => {
                    *last += 1;
                    dropped.insert(*last);
                    return Ok(*last);
                }
                Policy::DropOldest => {
                    if let Some((number, _)) = self.pop() {
                        dropped.insert(number);
                    }
                }
            }
        }
        *last += 1;
        self.push_over(*last, message);
        Ok(*last)
    }

    /// Queues a message regardless of the bound.
    pub(crate) fn push_over(&mut self, number: u64, message: Message) {
        self.bytes += message.as_bytes().len();
        self.messages.push_back((number, message));
    }

    /// Returns `true` if [`push`](Self::push) accepts a short message.
    pub(crate) fn takes_one(&self) -> bool {
        match self.bound.policy {
            Policy::Wait | Policy::Fail => !self.is_full(1),
            Policy::DropOldest | Policy::DropNewest => true,
        }
    }

    /// Puts messages back to the front, in their order. The bound may be exceeded by the length of
    /// the queue of one connection.
    pub(crate) fn put_back(&mut self, messages: impl DoubleEndedIterator<Item = Numbered>) {
        for (number, message) in messages.rev() {
            self.bytes += message.as_bytes().len();
            self.messages.push_front((number, message));
        }
    }

    pub(crate) fn front(&self) -> Option<&Numbered> {
        self.messages.front()
    }

    pub(crate) fn pop(&mut self) -> Option<Numbered> {
        let (number, message) = self.messages.pop_front()?;
        self.bytes -= message.as_bytes().len();
        Some((number, message))
    }

    pub(crate) fn take(&mut self) -> VecDeque<Numbered> {
        self.bytes = 0;
        std::mem::take(&mut self.messages)
    }
}
