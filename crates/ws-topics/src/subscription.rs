//! Receiving from a topic.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use ws_driver::{CloseCode, Prepared};

use crate::batch::Batch;
use crate::item::{Cursor, Item, Missed};
use crate::subscriber::Next;
use crate::topic::{Shared, Topic};
use crate::wakers::Ticket;

/// A subscription to a [`Topic`], with a queue of its own. Dropping it ends the subscription.
///
/// [`forward`](Self::forward) and [`forward_to`](Self::forward_to) send the messages to a client.
/// [`recv`](Self::recv) returns them to the caller.
pub struct Subscription {
    /// `None` once the subscription has ended.
    entry: Option<Entry>,
    /// The messages that come first: those of a history, or one that could not be queued in a
    /// connection.
    pub(crate) first: VecDeque<Item>,
    /// The cursor of the last message.
    pub(crate) cursor: Cursor,
    /// The cursor of the last message that the history contained. The topic may contain it, too.
    pub(crate) live_after: Cursor,
    /// A gap before everything else.
    pub(crate) gap: Missed,
    missed: u64,
}

/// The entry of a subscription in its topic.
struct Entry {
    shared: Arc<Shared>,
    key: usize,
    ticket: Ticket,
}

/// An item of a subscription.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A message.
    Message(Prepared),
    /// This number of messages was missed here: after the items that were returned before, and
    /// before those that follow.
    Lagged(u64),
    /// Messages were missed here on the way from the backplane. Not with [`Missed::None`].
    Gap(Missed),
}

/// The subscriber did not keep up, and its policy is [`Policy::close`](crate::Policy::close). The
/// queue is freed, and the subscription has ended. Close the connection with the code, or subscribe
/// again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the subscriber receives too slowly: close its connection, or subscribe again")]
#[non_exhaustive]
pub struct TooSlow {
    /// The close code of the policy.
    pub code: CloseCode,
}

impl Subscription {
    pub(crate) fn new(shared: Arc<Shared>, key: usize) -> Self {
        Self {
            entry: Some(Entry {
                shared,
                key,
                ticket: Ticket::default(),
            }),
            first: VecDeque::new(),
            cursor: Cursor::START,
            live_after: Cursor::START,
            gap: Missed::None,
            missed: 0,
        }
    }

    /// Receives the next message, or the number of messages that were missed in front of it.
    /// `None` if the topic was [closed](Topic::close) and its last message was received.
    ///
    /// # Errors
    ///
    /// [`TooSlow`] if the subscriber fell behind and its policy is
    /// [`Policy::close`](crate::Policy::close). Later calls return `Ok(None)`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn recv(&mut self) -> Result<Option<Event>, TooSlow> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Polls for the next message. [`recv`](Self::recv) is the asynchronous form.
    ///
    /// # Errors
    ///
    /// The errors of [`recv`](Self::recv).
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Event>, TooSlow>> {
        if self.gap != Missed::None {
            return Poll::Ready(Ok(Some(Event::Gap(std::mem::take(&mut self.gap)))));
        }
        if let Some(event) = self.take_first() {
            return Poll::Ready(Ok(Some(event)));
        }
        match ready!(self.poll_next(cx)) {
            Some(Next::Message(item)) => Poll::Ready(Ok(Some(self.event(item)))),
            Some(Next::Lagged(missed)) => {
                self.missed += missed;
                Poll::Ready(Ok(Some(Event::Lagged(missed))))
            }
            Some(Next::TooSlow(code)) => {
                self.leave();
                Poll::Ready(Err(TooSlow { code }))
            }
            Some(Next::Nothing) | None => {
                self.leave();
                Poll::Ready(Ok(None))
            }
        }
    }

    /// Polls for the next item of the topic. Skips messages that the history contained.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Next>> {
        let Some(Entry {
            shared,
            key,
            ticket,
        }) = &mut self.entry
        else {
            return Poll::Ready(None);
        };
        loop {
            let (next, woken) = shared.lock().poll_next(*key, ticket, cx.waker());
            woken.wake();
            let next = ready!(next);
            match &next {
                Some(Next::Message(item))
                    if item.cursor != Cursor::START && item.cursor <= self.live_after => {}
                _ => return Poll::Ready(next),
            }
        }
    }

    /// Returns the number of missed messages that [`recv`](Self::recv) and the other methods have
    /// reported so far.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// Returns the number of messages in the queue.
    pub fn len(&self) -> usize {
        let queued = self
            .entry
            .as_ref()
            .map_or(0, |entry| entry.shared.lock().queued(entry.key).messages);
        usize::try_from(queued).unwrap_or(usize::MAX) + self.first.len()
    }

    /// Returns `true` if the queue is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the topic. `None` once the subscription has ended.
    pub fn topic(&self) -> Option<Topic> {
        let shared = Arc::clone(&self.entry.as_ref()?.shared);
        Some(Topic { shared })
    }

    /// Returns the cursor of the last message that was received. Before the first message, the
    /// place at which the subscription began. [`Cursor::START`] without a backplane.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Takes messages to queue in a connection. Leaves the batch empty if
    /// [`poll_recv`](Self::poll_recv) has to decide what comes next.
    pub(crate) fn take_batch(&mut self, batch: &mut Batch) {
        if self.gap == Missed::None
            && self.first.is_empty()
            && let Some(entry) = &self.entry
        {
            let live_after = self.live_after;
            let is_plain = |item: &Item| {
                item.cursor == Cursor::START
                    || item.cursor > live_after && item.missed == Missed::None
            };
            let mut state = entry.shared.lock();
            let woken = state.take_batch(entry.key, batch, is_plain);
            drop(state);
            woken.wake();
        }
    }

    /// Returns a message that was received last, so that it is received again. `before` is the
    /// cursor before it was received.
    pub(crate) fn put_back(&mut self, message: Prepared, before: Cursor) {
        self.first.push_front(Item {
            message,
            cursor: self.cursor,
            missed: Missed::None,
        });
        self.cursor = before;
    }

    fn take_first(&mut self) -> Option<Event> {
        let item = self.first.pop_front()?;
        let event = self.event(item);
        if self.first.is_empty() {
            self.first = VecDeque::new();
        }
        Some(event)
    }

    /// Returns the gap before the message, and the message with the next call.
    fn event(&mut self, mut item: Item) -> Event {
        match std::mem::take(&mut item.missed) {
            Missed::None => {
                self.cursor = item.cursor;
                Event::Message(item.message)
            }
            missed => {
                self.first.push_front(item);
                Event::Gap(missed)
            }
        }
    }

    /// Waits until the subscriber is too slow, while its connection has no room. Returns `true` if
    /// it is.
    pub(crate) fn wait_stuck(&self, cx: &Context<'_>) -> bool {
        self.entry
            .as_ref()
            .is_some_and(|entry| entry.shared.lock().wait_stuck(entry.key, cx.waker()))
    }

    /// Ends the subscription and frees its queue.
    pub(crate) fn leave(&mut self) {
        self.first = VecDeque::new();
        if let Some(Entry {
            shared,
            key,
            mut ticket,
        }) = self.entry.take()
        {
            let woken = shared.lock().unsubscribe(key, &mut ticket);
            woken.wake();
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.entry.is_none()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.leave();
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("len", &self.len())
            .field("missed", &self.missed)
            .finish_non_exhaustive()
    }
}
