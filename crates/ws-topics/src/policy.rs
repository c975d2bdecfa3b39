//! The queue of a subscriber: its bound, and the reaction when there is no room.

use ws_driver::CloseCode;

/// The bound of a subscriber's queue, and the reaction if a message finds no room in it.
///
/// There is room for a message if the queue is empty. There is also room if, with the message, the
/// queue has at most [`messages`](Self::messages) messages and at most [`bytes`](Self::bytes) bytes
/// of payload. The defaults are 256 messages and 1 MiB.
///
/// ```
/// use ws_topics::Policy;
///
/// let prices = Policy::drop_oldest().messages(16);
/// let orders = Policy::close().bytes(64 << 10);
/// # let _ = (prices, orders);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Policy {
    pub(crate) overflow: Overflow,
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

/// The reaction if a message finds no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overflow {
    Wait,
    DropOldest,
    DropNewest,
    Close(CloseCode),
}

impl Policy {
    /// The publisher waits until there is room. The subscriber misses nothing.
    ///
    /// One subscriber that does not receive stops all publishers of the topic, until it receives
    /// again or is dropped.
    pub fn wait() -> Self {
        Self::new(Overflow::Wait)
    }

    /// The oldest messages in the queue make room. For states, of which only the latest counts.
    pub fn drop_oldest() -> Self {
        Self::new(Overflow::DropOldest)
    }

    /// The queue stays as it is. The subscriber misses this message and all further ones, until it
    /// has received another message. For samples, of which any will do.
    pub fn drop_newest() -> Self {
        Self::new(Overflow::DropNewest)
    }

    /// The subscription ends with [`TooSlow`](crate::TooSlow), and its queue is freed. For messages
    /// that are worthless with a gap: the client connects again and starts afresh.
    ///
    /// [`Subscription::forward`](crate::Subscription::forward) then closes the connection with 1013
    /// (try again later).
    pub fn close() -> Self {
        Self::close_with(CloseCode::TRY_AGAIN_LATER)
    }

    /// Does the same as [`close`](Self::close), with another close code.
    ///
    /// If the code must not be sent, `forward` returns an error in place of closing.
    pub fn close_with(code: CloseCode) -> Self {
        Self::new(Overflow::Close(code))
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

    fn new(overflow: Overflow) -> Self {
        Self {
            overflow,
            messages: 256,
            bytes: 1 << 20,
        }
    }

    /// Returns `true` if a message of `len` bytes has no room behind `queued`.
    pub(crate) fn is_full(&self, queued: Amount, len: usize) -> bool {
        let bytes = queued.bytes.saturating_add(len as u64);
        queued.messages > 0
            && (queued.messages >= self.messages as u64 || bytes > self.bytes as u64)
    }
}

/// A number of messages, and of the bytes in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
}

impl Amount {
    pub(crate) fn add(&mut self, len: usize) {
        self.messages += 1;
        self.bytes += len as u64;
    }

    pub(crate) fn remove(&mut self, len: usize) {
        self.messages -= 1;
        self.bytes -= len as u64;
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            messages: self.messages.saturating_add(other.messages),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        Self {
            messages: self.messages.saturating_sub(other.messages),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }

    /// Returns the smaller number of messages and the smaller number of bytes.
    pub(crate) fn min(self, other: Self) -> Self {
        Self {
            messages: self.messages.min(other.messages),
            bytes: self.bytes.min(other.bytes),
        }
    }
}
