//! The state of a topic, behind its lock.

use std::task::{Poll, Waker};

use slab::Slab;

use crate::batch::Batch;
use crate::item::{Cursor, Item};
use crate::log::{Log, Place};
use crate::policy::{Amount, Policy};
use crate::subscriber::{Losses, Next, Subscriber};
use crate::topic::Published;
use crate::wakers::{Ticket, Wakers, Woken};

pub(crate) struct State {
    log: Log,
    subscribers: Slab<Subscriber>,
    /// The number of subscribers that miss everything until they receive.
    missing: usize,
    /// The number of subscribers that were too slow and have not been dropped.
    too_slow: usize,
    /// While the end of the log does not pass this place, all subscribers have room. A lower bound,
    /// so that publishing looks at the subscribers only now and then.
    room_until: Place,
    /// The subscribers that wait for a message.
    receiving: Wakers,
    /// The publishers that wait for room.
    publishing: Wakers,
    is_closed: bool,
    /// The cursor of the last message. `None` before the topic has joined a backplane.
    position: Option<Cursor>,
}

const EVERYWHERE: Place = Amount {
    messages: u64::MAX,
    bytes: u64::MAX,
};

impl Default for State {
    fn default() -> Self {
        Self {
            log: Log::default(),
            subscribers: Slab::new(),
            missing: 0,
            too_slow: 0,
            room_until: EVERYWHERE,
            receiving: Wakers::default(),
            publishing: Wakers::default(),
            is_closed: false,
            position: None,
        }
    }
}

impl State {
    /// Queues a message for all subscribers. `None` if a subscriber with [`Policy::wait`] has no
    /// room. Nothing is queued in this case.
    pub(crate) fn publish(&mut self, item: &Item) -> Option<(Published, Woken)> {
        if self.is_closed || self.has_published(item.cursor) {
            return Some((Published::default(), Woken::default()));
        }
        let len = item.len();
        let mut losses = Losses::default();
        let mut too_slow = Vec::new();
        if !self.has_room(len) {
            let mut subscribers = self.subscribers.iter();
            if subscribers.any(|(_, subscriber)| subscriber.is_waited_for(&self.log, len)) {
                return None;
            }
            too_slow = self.make_room(len, &mut losses);
        }
        self.log.push(item.clone());
        if item.cursor != Cursor::START {
            self.position = Some(item.cursor);
        }
        let published = Published {
            queued: self.subscribers.len() - self.missing - self.too_slow,
            missed: losses.missed + self.missing,
            closed: losses.closed,
        };
        let mut woken = self.receiving.take();
        too_slow.into_iter().for_each(|waker| woken.add(waker));
        Some((published, woken))
    }

    /// Joins a backplane at this place, unless the topic has joined it already. Returns its place.
    pub(crate) fn join(&mut self, end: Cursor) -> Cursor {
        *self.position.get_or_insert(end)
    }

    pub(crate) fn position(&self) -> Option<Cursor> {
        self.position
    }

    /// Returns `true` if another task has published this message of the backplane already.
    fn has_published(&self, cursor: Cursor) -> bool {
        let position = self.position.unwrap_or_default();
        cursor != Cursor::START && cursor <= position
    }

    /// Returns `true` if all subscribers certainly have room for a message of `len` bytes.
    fn has_room(&self, len: usize) -> bool {
        let mut end = self.log.end();
        end.add(len);
        end.messages <= self.room_until.messages && end.bytes <= self.room_until.bytes
    }

    /// Applies the policies of all subscribers that have no room for a message of `len` bytes.
    /// Returns the wakers of those that became too slow.
    fn make_room(&mut self, len: usize, losses: &mut Losses) -> Vec<Waker> {
        let mut wakers = Vec::new();
        (self.missing, self.too_slow) = (0, 0);
        self.room_until = EVERYWHERE;
        for (_, subscriber) in &mut self.subscribers {
            subscriber.make_room(&mut self.log, len, losses);
            self.missing += usize::from(subscriber.is_missing());
            if subscriber.is_too_slow() {
                self.too_slow += 1;
                wakers.extend(subscriber.stuck.take());
            }
            if let Some(limit) = subscriber.limit() {
                self.room_until = self.room_until.min(limit);
            }
        }
        wakers
    }

    pub(crate) fn wait_for_room(&mut self, ticket: &mut Ticket, waker: &Waker) {
        self.publishing.register(ticket, waker);
    }

    pub(crate) fn forget_publisher(&mut self, ticket: &mut Ticket) {
        self.publishing.forget(ticket);
    }

    pub(crate) fn subscribe(&mut self, policy: Policy) -> usize {
        let subscriber = Subscriber::new(policy, &mut self.log);
        let key = self.subscribers.insert(subscriber);
        self.limit_room(key);
        key
    }

    /// Takes the next item of a subscriber. `None` if the topic was closed and the queue is empty.
    pub(crate) fn poll_next(
        &mut self,
        key: usize,
        ticket: &mut Ticket,
        waker: &Waker,
    ) -> (Poll<Option<Next>>, Woken) {
        let subscriber = &mut self.subscribers[key];
        let was_missing = subscriber.is_missing();
        match subscriber.next(&mut self.log) {
            Next::Nothing if self.is_closed => (Poll::Ready(None), Woken::default()),
            Next::Nothing => {
                self.receiving.register(ticket, waker);
                (Poll::Pending, Woken::default())
            }
            next => {
                if was_missing && subscriber.is_in_log() {
                    self.missing -= 1;
                    self.limit_room(key);
                }
                // If no subscriber is waited for, no publisher waits.
                (Poll::Ready(Some(next)), self.publishing.take())
            }
        }
    }

    /// Takes messages of a subscriber, while they are `is_plain`.
    pub(crate) fn take_batch(
        &mut self,
        key: usize,
        batch: &mut Batch,
        is_plain: impl Fn(&Item) -> bool,
    ) -> Woken {
        self.subscribers[key].next_batch(&mut self.log, batch, is_plain);
        self.publishing.take()
    }

    /// Stores the waker of a subscriber whose connection has no room, until it becomes too slow.
    /// Returns `true` if it is too slow.
    pub(crate) fn wait_stuck(&mut self, key: usize, waker: &Waker) -> bool {
        let subscriber = &mut self.subscribers[key];
        match &mut subscriber.stuck {
            Some(stuck) => stuck.clone_from(waker),
            stuck => *stuck = Some(waker.clone()),
        }
        subscriber.is_too_slow()
    }

    pub(crate) fn unsubscribe(&mut self, key: usize, ticket: &mut Ticket) -> Woken {
        let subscriber = self.subscribers.remove(key);
        self.missing -= usize::from(subscriber.is_missing());
        self.too_slow -= usize::from(subscriber.is_too_slow());
        subscriber.leave(&mut self.log);
        self.receiving.forget(ticket);
        self.publishing.take()
    }

    /// Ends all subscriptions after their queues. Wakes everything.
    pub(crate) fn close(&mut self) -> [Woken; 2] {
        self.is_closed = true;
        [self.receiving.take(), self.publishing.take()]
    }

    pub(crate) fn subscribers(&self) -> usize {
        self.subscribers.len()
    }

    /// Returns the amount in the queue of a subscriber.
    pub(crate) fn queued(&self, key: usize) -> Amount {
        self.subscribers[key].queued(&self.log)
    }

    /// Returns the number of messages that are in memory for all subscribers together.
    #[cfg(all(test, not(loom)))]
    pub(crate) fn in_memory(&self) -> usize {
        self.log.len()
    }

    fn limit_room(&mut self, key: usize) {
        if let Some(limit) = self.subscribers[key].limit() {
            self.room_until = self.room_until.min(limit);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn publish(state: &mut State, count: usize) {
        for _ in 0..count {
            let published = state.publish(&Item::local(ws_driver::Prepared::new("x")));
            published.expect("no subscriber is waited for").1.wake();
        }
    }

    fn receive(state: &mut State, key: usize) {
        let (next, woken) = state.poll_next(key, &mut Ticket::default(), Waker::noop());
        assert!(next.is_ready());
        woken.wake();
    }

    #[test]
    fn memory_is_bounded_by_the_largest_queue() {
        let mut state = State::default();
        publish(&mut state, 10);
        assert_eq!(state.in_memory(), 0);

        let oldest = state.subscribe(Policy::drop_oldest().messages(5));
        let newest = state.subscribe(Policy::drop_newest().messages(50));
        let close = state.subscribe(Policy::close().messages(20));
        publish(&mut state, 20);
        assert_eq!(state.in_memory(), 20);
        // `close` is too slow, and `newest` has parked its messages.
        publish(&mut state, 1000);
        assert_eq!(state.in_memory(), 5);
        assert_eq!(state.queued(close).messages, 0);
        assert_eq!(state.queued(newest).messages, 50);

        // 1 gap and 5 messages.
        (0..6).for_each(|_| receive(&mut state, oldest));
        assert_eq!(state.in_memory(), 0);
        for key in [oldest, newest, close] {
            state.unsubscribe(key, &mut Ticket::default()).wake();
        }
        publish(&mut state, 10);
        assert_eq!((state.in_memory(), state.subscribers()), (0, 0));
    }

    #[test]
    fn a_subscriber_that_waits_again_takes_one_waker() {
        let mut state = State::default();
        let key = state.subscribe(Policy::wait());
        let mut ticket = Ticket::default();
        for _ in 0..3 {
            for _ in 0..10 {
                let (next, _) = state.poll_next(key, &mut ticket, Waker::noop());
                assert!(next.is_pending());
            }
            assert_eq!(state.receiving.len(), 1);
            publish(&mut state, 1);
            assert_eq!(state.receiving.len(), 0);
            receive(&mut state, key);
        }
        let (next, _) = state.poll_next(key, &mut ticket, Waker::noop());
        assert!(next.is_pending());
        state.unsubscribe(key, &mut ticket).wake();
        assert_eq!(state.receiving.len(), 0);
    }
}
