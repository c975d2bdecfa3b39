//! A backplane in the memory of this process.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::{SystemTime, UNIX_EPOCH};

use slab::Slab;
use ws_driver::Prepared;

use super::{Backplane, Page, Watch};
use crate::item::Cursor;
use crate::sync::{Mutex, lock};
use crate::wakers::{Ticket, Wakers};

/// A [`Backplane`] in the memory of this process: histories without another program. A clone is the
/// same store.
///
/// The store keeps each topic until it is dropped itself.
#[derive(Clone)]
pub struct Memory {
    store: Arc<Mutex<Store>>,
}

struct Store {
    history: usize,
    /// The time at which the store was made, so that no cursor of an earlier process fits.
    epoch: u64,
    topics: HashMap<String, Log>,
    watches: Slab<VecDeque<String>>,
    waiting: Wakers,
}

#[derive(Default)]
struct Log {
    messages: VecDeque<(Cursor, Prepared)>,
    next: u64,
}

/// The signals of a [`Memory`].
pub struct MemoryWatch {
    store: Arc<Mutex<Store>>,
    key: usize,
    ticket: Ticket,
}

impl Memory {
    /// Makes a store that keeps this number of messages for each topic, and at least one.
    #[must_use]
    pub fn new(history: usize) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let epoch = since.map_or(1, |since| since.as_millis());
        Self {
            store: Arc::new(Mutex::new(Store {
                history: history.max(1),
                epoch: u64::try_from(epoch).unwrap_or(u64::MAX).max(1),
                topics: HashMap::new(),
                watches: Slab::new(),
                waiting: Wakers::default(),
            })),
        }
    }
}

impl Backplane for Memory {
    type Error = Infallible;
    type Watch = MemoryWatch;

    async fn append(&self, topic: &str, message: &Prepared) -> Result<Cursor, Infallible> {
        let mut store = lock(&self.store);
        let Store { history, epoch, .. } = *store;
        let log = store.topics.entry(topic.to_owned()).or_default();
        let cursor = Cursor::new(epoch, log.next);
        log.next += 1;
        log.messages.push_back((cursor, message.clone()));
        if log.messages.len() > history {
            log.messages.pop_front();
        }
        for (_, signals) in &mut store.watches {
            if !signals.iter().any(|signaled| signaled == topic) {
                signals.push_back(topic.to_owned());
            }
        }
        let woken = store.waiting.take();
        drop(store);
        woken.wake();
        Ok(cursor)
    }

    async fn end(&self, topic: &str) -> Result<Cursor, Infallible> {
        let store = lock(&self.store);
        let log = store.topics.get(topic);
        let last = log.and_then(|log| log.messages.back());
        Ok(last.map_or(Cursor::START, |(cursor, _)| *cursor))
    }

    async fn read(&self, topic: &str, after: Cursor) -> Result<Page, Infallible> {
        let store = lock(&self.store);
        let log = store.topics.get(topic);
        let messages = log.into_iter().flat_map(|log| &log.messages);
        let messages = messages.filter(|(cursor, _)| *cursor > after).cloned();
        Ok(Page::of_numbered(after, messages.collect()))
    }

    async fn watch(&self) -> Result<MemoryWatch, Infallible> {
        let key = lock(&self.store).watches.insert(VecDeque::new());
        Ok(MemoryWatch {
            store: Arc::clone(&self.store),
            key,
            ticket: Ticket::default(),
        })
    }
}

impl Watch for MemoryWatch {
    type Error = Infallible;

    async fn changed(&mut self) -> Result<String, Infallible> {
        poll_fn(|cx| {
            let mut store = lock(&self.store);
            match store.watches[self.key].pop_front() {
                Some(topic) => Poll::Ready(Ok(topic)),
                None => {
                    store.waiting.register(&mut self.ticket, cx.waker());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

impl Drop for MemoryWatch {
    fn drop(&mut self) {
        let mut store = lock(&self.store);
        store.watches.remove(self.key);
        store.waiting.forget(&mut self.ticket);
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("topics", &lock(&self.store).topics.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for MemoryWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryWatch").finish_non_exhaustive()
    }
}
