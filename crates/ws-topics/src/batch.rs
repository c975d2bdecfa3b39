//! Messages on their way from a topic to a connection.

use crate::item::Item;

/// The number of messages in a batch.
const LEN: usize = 16;

/// The number of bytes from which a batch takes no more messages. A fraction of the room that a
/// connection has by default, so that few messages are taken and find no room.
const BYTES: usize = 16 << 10;

/// A few messages that are taken out of a queue together.
#[derive(Default)]
pub(crate) struct Batch {
    items: [Option<Item>; LEN],
    len: usize,
    bytes: usize,
}

impl Batch {
    /// Adds a message. Returns `false` if the batch takes no more messages.
    pub(crate) fn push(&mut self, item: &Item) -> bool {
        let Some(slot) = self.items.get_mut(self.len).filter(|_| self.bytes < BYTES) else {
            return false;
        };
        *slot = Some(item.clone());
        self.len += 1;
        self.bytes += item.len();
        true
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl IntoIterator for Batch {
    type Item = Item;
    type IntoIter = std::iter::Flatten<std::array::IntoIter<Option<Item>, LEN>>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter().flatten()
    }
}
