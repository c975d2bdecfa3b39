//! The messages of a topic that some subscriber has still to receive. All subscribers share them.
//!
//! A subscriber in the log is only a place. So publishing takes the same time for any number of
//! subscribers that have room, and a message is in memory once.

use std::collections::VecDeque;

use crate::batch::Batch;
use crate::item::Item;
use crate::policy::Amount;

/// A place in the log: the messages that were published before it since the topic was made.
pub(crate) type Place = Amount;

#[derive(Default)]
pub(crate) struct Log {
    entries: VecDeque<Entry>,
    /// The place of the first entry, in messages.
    first: u64,
    end: Place,
    /// The number of subscribers at the end.
    at_end: usize,
}

struct Entry {
    item: Item,
    len: usize,
    /// The number of subscribers whose place is in front of this message. An entry is freed when
    /// neither it nor an older entry has such subscribers.
    subscribers: usize,
}

impl Log {
    /// Returns the place behind all messages.
    pub(crate) fn end(&self) -> Place {
        self.end
    }

    /// Places a subscriber at the end.
    pub(crate) fn enter(&mut self) -> Place {
        self.at_end += 1;
        self.end
    }

    /// Removes a subscriber from its place.
    pub(crate) fn leave(&mut self, place: Place) {
        *self.subscribers_at(place) -= 1;
        self.trim();
    }

    /// Moves a subscriber behind the next message and returns that message. `None` at the end.
    pub(crate) fn advance(&mut self, place: &mut Place) -> Option<Item> {
        let item = self.entry(*place)?.item.clone();
        *self.subscribers_at(*place) -= 1;
        place.add(item.len());
        *self.subscribers_at(*place) += 1;
        self.trim();
        Some(item)
    }

    /// Moves a subscriber behind the next messages and puts those into `batch`, while they fit and
    /// `is_plain`. One step for all of them, because this is where a topic spends its time.
    pub(crate) fn advance_by_batch(
        &mut self,
        place: &mut Place,
        batch: &mut Batch,
        is_plain: impl Fn(&Item) -> bool,
    ) {
        let Ok(index) = usize::try_from(place.messages - self.first) else {
            return;
        };
        let start = *place;
        for Entry { item, len, .. } in self.entries.range(index.min(self.entries.len())..) {
            if !is_plain(item) || !batch.push(item, *len) {
                break;
            }
            place.add(*len);
        }
        if place.messages > start.messages {
            *self.subscribers_at(start) -= 1;
            *self.subscribers_at(*place) += 1;
            self.trim();
        }
    }

    /// Adds a message at the end.
    pub(crate) fn push(&mut self, item: Item) {
        let len = item.len();
        self.end.add(len);
        self.entries.push_back(Entry {
            item,
            len,
            subscribers: std::mem::take(&mut self.at_end),
        });
        self.trim();
    }

    /// Returns the number of messages in memory.
    #[cfg(all(test, not(loom)))]
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    fn entry(&mut self, place: Place) -> Option<&mut Entry> {
        let index = usize::try_from(place.messages - self.first).ok()?;
        self.entries.get_mut(index)
    }

    fn subscribers_at(&mut self, place: Place) -> &mut usize {
        if place.messages == self.end.messages {
            return &mut self.at_end;
        }
        let entry = self.entry(place);
        &mut entry
            .expect("an entry with a subscriber is kept")
            .subscribers
    }

    fn trim(&mut self) {
        while self
            .entries
            .front()
            .is_some_and(|entry| entry.subscribers == 0)
        {
            self.entries.pop_front();
            self.first += 1;
        }
    }
}
