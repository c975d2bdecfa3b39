//! Messages on their way from a topic to a connection.

use ws_driver::Prepared;

use crate::item::{Cursor, Item, Missed};

/// The number of messages in a batch.
const LEN: usize = 16;

/// The number of bytes from which a batch takes no more messages. A fraction of the room that a
/// connection has by default, so that few messages are taken and find no room.
const BYTES: usize = 16 << 10;

/// A few messages that are taken out of a queue together. No messages were missed before them.
#[derive(Default)]
pub(crate) struct Batch {
    messages: [Option<(Prepared, Cursor)>; LEN],
    /// The number of messages that were added.
    added: usize,
    /// The number of messages that were taken.
    taken: usize,
    bytes: usize,
}

impl Batch {
    /// Adds a message of `len` bytes. Returns `false` if the batch takes no more messages.
    #[inline]
    pub(crate) fn push(&mut self, item: &Item, len: usize) -> bool {
        let Some(slot) = self.messages.get_mut(self.added) else {
            return false;
        };
        if self.bytes >= BYTES {
            return false;
        }
        *slot = Some((item.message.clone(), item.cursor));
        self.added += 1;
        self.bytes += len;
        true
    }

    /// Takes the next message. After the last one, the batch can be filled again.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<(Prepared, Cursor)> {
        if self.taken == self.added {
            (self.added, self.taken, self.bytes) = (0, 0, 0);
            return None;
        }
        self.taken += 1;
        self.messages.get_mut(self.taken - 1)?.take()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.taken == self.added
    }
}

impl From<(Prepared, Cursor)> for Item {
    fn from((message, cursor): (Prepared, Cursor)) -> Self {
        Self {
            message,
            cursor,
            missed: Missed::None,
        }
    }
}
