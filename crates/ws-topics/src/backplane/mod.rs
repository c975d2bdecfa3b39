//! The store behind topics of more than one process: it keeps the latest messages of each topic in
//! one order, and signals that there are new ones.
//!
//! [`SharedTopics`](crate::SharedTopics) reads messages after a [`Cursor`]. So a signal that is
//! late, lost or repeated costs time, but neither loses nor repeats a message. After a failure,
//! reading continues from the last cursor.
//!
//! | backplane | store |
//! |---|---|
//! | [`Memory`] | the memory of this process. For one process, and for tests |
//! | `Redis`, with the feature `redis` or `redis-smol` | streams of Redis 7, signals by Pub/Sub |

mod memory;
#[cfg(any(feature = "redis", feature = "redis-smol"))]
mod redis;

use std::error::Error;
use std::future::Future;

use ws_driver::Prepared;

use crate::item::{Cursor, Missed};

pub use memory::Memory;
#[cfg(any(feature = "redis", feature = "redis-smol"))]
pub use redis::{Redis, RedisError};

/// A store for topics. The guide shows how to implement it.
///
/// A method must end by itself when the store does not answer, because a caller may wait for it.
pub trait Backplane: Send + Sync + 'static {
    /// The error of the store.
    type Error: Error + Send + Sync + 'static;
    /// The signals of the store.
    type Watch: Watch<Error = Self::Error>;

    /// Adds a message to a topic, signals it, and returns its cursor.
    fn append(
        &self,
        topic: &str,
        message: &Prepared,
    ) -> impl Future<Output = Result<Cursor, Self::Error>> + Send;

    /// Returns the cursor of the last message of a topic. [`Cursor::START`] if there is none.
    fn end(&self, topic: &str) -> impl Future<Output = Result<Cursor, Self::Error>> + Send;

    /// Reads the messages of a topic behind a cursor, the oldest first. May return a part of them,
    /// but not an empty page if there are any.
    fn read(
        &self,
        topic: &str,
        after: Cursor,
    ) -> impl Future<Output = Result<Page, Self::Error>> + Send;

    /// Begins to watch all topics.
    fn watch(&self) -> impl Future<Output = Result<Self::Watch, Self::Error>> + Send;
}

/// The signals of a [`Backplane`].
pub trait Watch: Send {
    /// The error of the store.
    type Error;

    /// Waits for a topic that may have new messages, and returns its name. Every message that is
    /// appended after [`Backplane::watch`] has returned is signaled.
    ///
    /// # Errors
    ///
    /// After an error, the caller drops the watch and begins another one.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    fn changed(&mut self) -> impl Future<Output = Result<String, Self::Error>> + Send;
}

/// Successive messages of a topic.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The messages that are missing between the cursor and the first message.
    pub missed: Missed,
    /// The messages with their cursors, in ascending order.
    pub messages: Vec<(Cursor, Prepared)>,
}

impl Page {
    /// Makes a page of messages behind `after`, for a store that numbers the messages of a topic
    /// without gaps, from 0 on in each epoch. Ends the page before a change of the epoch, because
    /// only the start of a page can report missed messages.
    pub fn of_numbered(after: Cursor, mut messages: Vec<(Cursor, Prepared)>) -> Self {
        let Some((first, _)) = messages.first() else {
            return Self::default();
        };
        let first = *first;
        let expected = match after {
            Cursor::START => Some(0),
            _ if after.epoch == first.epoch => after.number.checked_add(1),
            _ => None,
        };
        let missed = expected.and_then(|expected| first.number.checked_sub(expected));
        let in_epoch = messages
            .iter()
            .take_while(|(cursor, _)| cursor.epoch == first.epoch);
        let len = in_epoch.count();
        messages.truncate(len);
        Self {
            missed: match missed {
                Some(0) => Missed::None,
                Some(missed) => Missed::Exactly(missed),
                None => Missed::Unknown,
            },
            messages,
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn numbers_show_what_was_missed() {
        let page = |after: (u64, u64), cursors: &[(u64, u64)]| {
            let messages = cursors
                .iter()
                .map(|&(epoch, number)| (Cursor::new(epoch, number), Prepared::new("x")));
            let page = Page::of_numbered(Cursor::new(after.0, after.1), messages.collect());
            (page.missed, page.messages.len())
        };
        assert_eq!(page((5, 1), &[]), (Missed::None, 0));
        assert_eq!(page((5, 1), &[(5, 2), (5, 3)]), (Missed::None, 2));
        assert_eq!(page((5, 1), &[(5, 4)]), (Missed::Exactly(2), 1));
        assert_eq!(page((5, 1), &[(6, 0)]), (Missed::Unknown, 1));
        assert_eq!(page((5, 1), &[(5, 2), (6, 0)]), (Missed::None, 1));
        assert_eq!(page((0, 0), &[(5, 0), (5, 1)]), (Missed::None, 2));
        assert_eq!(page((0, 0), &[(5, 3)]), (Missed::Exactly(3), 1));
    }
}
