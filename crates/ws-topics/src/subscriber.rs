//! The queue of one subscriber.

use std::collections::VecDeque;
use std::task::Waker;

use ws_driver::CloseCode;

use crate::batch::Batch;
use crate::item::Item;
use crate::log::{Log, Place};
use crate::policy::{Amount, Overflow, Policy};

/// The queue of one subscriber: first the parked messages, then those in the log from its place on.
pub(crate) struct Subscriber {
    pub(crate) policy: Policy,
    at: At,
    /// `None` if there are none, which is usual. Boxed, because each publisher that looks for room
    /// reads all subscribers.
    parked: Option<Box<Parked>>,
    /// The number of messages that were missed after the parked ones and before the place in the
    /// log.
    missed: u64,
    /// The waker of a task that waits for room in its connection. It is woken when the subscriber
    /// becomes too slow.
    pub(crate) stuck: Option<Waker>,
}

enum At {
    Log(Place),
    /// Outside of the log, since this place: all messages from there on are missed. Only with
    /// [`Overflow::DropNewest`].
    Missing(Place),
    /// Removed, because it was too slow.
    TooSlow(CloseCode),
}

/// The messages of a full queue that takes no new ones. Outside of the log, because the log would
/// otherwise keep everything that was published since.
#[derive(Default)]
struct Parked {
    /// Each message with the number of messages that were missed before it.
    messages: VecDeque<(u64, Item)>,
    amount: Amount,
}

/// The next item of a queue.
pub(crate) enum Next {
    Message(Item),
    Lagged(u64),
    TooSlow(CloseCode),
    Nothing,
}

/// The effect of a new message on the subscribers without room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Losses {
    pub(crate) missed: usize,
    pub(crate) closed: usize,
}

impl Subscriber {
    pub(crate) fn new(policy: Policy, log: &mut Log) -> Self {
        Self {
            policy,
            at: At::Log(log.enter()),
            parked: None,
            missed: 0,
            stuck: None,
        }
    }

    /// Returns `true` if the subscriber makes publishers wait with a message of `len` bytes.
    pub(crate) fn is_waited_for(&self, log: &Log, len: usize) -> bool {
        self.policy.overflow == Overflow::Wait && self.is_full(log, len)
    }

    /// Returns `true` if the subscriber receives messages that are published now.
    pub(crate) fn is_in_log(&self) -> bool {
        matches!(self.at, At::Log(_))
    }

    pub(crate) fn is_missing(&self) -> bool {
        matches!(self.at, At::Missing(_))
    }

    /// Applies the policy if a message of `len` bytes has no room.
    pub(crate) fn make_room(&mut self, log: &mut Log, len: usize, losses: &mut Losses) {
        while self.is_full(log, len) {
            let At::Log(place) = &mut self.at else {
                return;
            };
            match self.policy.overflow {
                // The caller has checked `is_waited_for`.
                Overflow::Wait => return,
                Overflow::DropOldest => {
                    if let Some(item) = log.advance(place) {
                        self.missed += item.count();
                        losses.missed += 1;
                    }
                }
                Overflow::DropNewest => {
                    let parked = self.parked.get_or_insert_default();
                    parked.take_from(log, place, &mut self.missed);
                    log.leave(*place);
                    self.at = At::Missing(*place);
                }
                Overflow::Close(code) => {
                    log.leave(*place);
                    self.at = At::TooSlow(code);
                    losses.closed += 1;
                }
            }
        }
    }

    /// Returns the place of the end of the log up to which this subscriber certainly has room.
    pub(crate) fn limit(&self) -> Option<Place> {
        let At::Log(place) = self.at else {
            return None;
        };
        let bound = Amount {
            messages: self.policy.messages as u64,
            bytes: self.policy.bytes as u64,
        };
        Some(place.plus(bound.minus(self.parked())))
    }

    /// Takes the next item out of the queue.
    pub(crate) fn next(&mut self, log: &mut Log) -> Next {
        if let Some(missed) = self.parked.as_mut().and_then(|parked| parked.missed()) {
            return Next::Lagged(missed);
        }
        let parked = self.parked.as_mut().and_then(|parked| parked.pop());
        if self.parked() == Amount::default() {
            self.parked = None;
        }
        if let At::Missing(since) = self.at {
            self.missed += log.end().minus(since).messages;
            self.at = At::Log(log.enter());
        }
        if let Some(item) = parked {
            return Next::Message(item);
        }
        match &mut self.at {
            _ if self.missed > 0 => Next::Lagged(std::mem::take(&mut self.missed)),
            At::Log(place) => log.advance(place).map_or(Next::Nothing, Next::Message),
            At::TooSlow(code) => Next::TooSlow(*code),
            At::Missing(_) => Next::Nothing,
        }
    }

    /// Takes messages out of the queue, if nothing else comes first.
    pub(crate) fn next_batch(
        &mut self,
        log: &mut Log,
        batch: &mut Batch,
        is_plain: impl Fn(&Item) -> bool,
    ) {
        if let At::Log(place) = &mut self.at
            && self.missed == 0
            && self.parked.is_none()
        {
            log.advance_by_batch(place, batch, is_plain);
        }
    }

    /// Frees the queue.
    pub(crate) fn leave(self, log: &mut Log) {
        if let At::Log(place) = self.at {
            log.leave(place);
        }
    }

    pub(crate) fn is_too_slow(&self) -> bool {
        matches!(self.at, At::TooSlow(_))
    }

    /// Returns the amount in the queue.
    pub(crate) fn queued(&self, log: &Log) -> Amount {
        match self.at {
            At::Log(place) => log.end().minus(place).plus(self.parked()),
            At::Missing(_) | At::TooSlow(_) => self.parked(),
        }
    }

    fn parked(&self) -> Amount {
        let parked = self.parked.as_ref();
        parked.map_or(Amount::default(), |parked| parked.amount)
    }

    fn is_full(&self, log: &Log, len: usize) -> bool {
        self.is_in_log() && self.policy.is_full(self.queued(log), len)
    }
}

impl Parked {
    /// Adds all messages in the log from `place` on. `missed` is the number of messages that were
    /// missed before them.
    fn take_from(&mut self, log: &mut Log, place: &mut Place, missed: &mut u64) {
        while let Some(item) = log.advance(place) {
            self.amount.add(item.len());
            let missed = std::mem::take(missed);
            self.messages.push_back((missed, item));
        }
    }

    /// Takes the number of messages that were missed before the first message.
    fn missed(&mut self) -> Option<u64> {
        let (missed, _) = self.messages.front_mut()?;
        (*missed > 0).then(|| std::mem::take(missed))
    }

    fn pop(&mut self) -> Option<Item> {
        let (_, item) = self.messages.pop_front()?;
        self.amount.remove(item.len());
        Some(item)
    }
}
