//! The messages of the caller: their numbers, the queue, and the proof of their delivery.

use std::collections::VecDeque;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use ws_driver::transport::{Runtime, Timer};
use ws_driver::{Message, TryFeedError};

use crate::event::Undelivered;
use crate::hook::Connection;
use crate::numbers::Numbers;
use crate::queue::{Numbered, Refused, Waiting};

/// The decision about messages that never left, after the loss of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Unsent {
    /// They stay queued, and are sent on the next connection after the hook. They never reached the
    /// server, so none arrives twice. This is the default.
    #[default]
    Resend,
    /// [`Gap::undelivered`](crate::Gap::undelivered) returns them. For messages that mean something
    /// only on their own connection.
    HandBack,
}

/// The reason why a connection takes no message.
pub(crate) enum Refusal {
    /// It is closing or has ended. Receiving finds the reason.
    Closing,
    /// The hook has left a message unfinished.
    Unfinished,
}

/// Queues a message in a connection that has room.
fn feed<R: Runtime>(message: &Message, ws: &mut Connection<R>) -> Result<(), Refusal> {
    ws.try_feed(message.clone()).map_err(|error| match error {
        TryFeedError::Unfinished(_) => Refusal::Unfinished,
        // There is room, so the connection is closing.
        _ => Refusal::Closing,
    })
}

/// The messages of the caller. Each is in one place: `waiting`, `handed`, or one of the sets.
pub(crate) struct Outgoing<R: Runtime> {
    pub(crate) waiting: Waiting,
    pub(crate) unsent: Unsent,
    /// The time between two Pings. `None` for no Pings.
    pub(crate) confirm_every: Option<Duration>,
    /// The messages that the connection has queued, and not written completely.
    handed: VecDeque<Numbered>,
    /// The number of messages of this connection that are known to be written.
    written: u64,
    /// The messages that were written, without proof of delivery.
    unconfirmed: Numbers,
    dropped: Numbers,
    /// The last number that was given to a message.
    last: u64,
    /// The last number whose delivery was proved.
    confirmed: u64,
    /// `true` if an event reports each proof.
    pub(crate) reports_confirmed: bool,
    /// The last number that was proved, until an event has reported it.
    unreported: Option<u64>,
    /// The Ping without a Pong, and the last message before it.
    ping: Option<(u32, u64)>,
    /// The earliest time of the next Ping on this connection.
    next_ping: Option<Instant>,
    timer: Option<R::Timer>,
}

impl<R: Runtime> Outgoing<R> {
    pub(crate) fn new() -> Self {
        Self {
            waiting: Waiting::default(),
            unsent: Unsent::default(),
            confirm_every: Some(Duration::from_secs(1)),
            handed: VecDeque::new(),
            written: 0,
            unconfirmed: Numbers::default(),
            dropped: Numbers::default(),
            last: 0,
            confirmed: 0,
            reports_confirmed: false,
            unreported: None,
            ping: None,
            next_ping: None,
            timer: None,
        }
    }

    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    pub(crate) fn confirmed(&self) -> u64 {
        self.confirmed
    }

    /// Returns `true` if an event must report a proof of delivery.
    pub(crate) fn has_unreported(&self) -> bool {
        self.unreported.is_some()
    }

    /// Returns the number that an event must report as confirmed, once.
    pub(crate) fn take_unreported(&mut self) -> Option<u64> {
        self.unreported.take()
    }

    /// Returns `true` if messages were dropped and not reported.
    pub(crate) fn has_dropped(&self) -> bool {
        !self.dropped.is_empty()
    }

    /// Begins a connection, on which nothing was sent yet.
    pub(crate) fn begin(&mut self, ws: &mut Connection<R>) {
        ws.count_written();
        self.written = 0;
        self.ping = None;
        self.next_ping = None;
    }

    /// Queues a message by the policy.
    pub(crate) fn push(&mut self, message: Message) -> Result<u64, Refused> {
        self.waiting
            .push(message, &mut self.last, &mut self.dropped)
    }

    /// Queues a message by the policy. If the policy would not accept it, exceeds the bound.
    pub(crate) fn force(&mut self, message: Message) {
        if let Err(Refused::Wait(message) | Refused::Full(message)) = self.push(message) {
            self.last += 1;
            self.waiting.push_over(self.last, message);
        }
    }

    /// Passes a new message to the connection, which has room.
    pub(crate) fn hand(
        &mut self,
        message: &Message,
        ws: &mut Connection<R>,
    ) -> Result<u64, Refusal> {
        feed(message, ws)?;
        self.last += 1;
        self.handed.push_back((self.last, message.clone()));
        Ok(self.last)
    }

    /// Passes queued messages to the connection while it has room. Returns `true` if any was passed
    /// on.
    pub(crate) fn fill(&mut self, ws: &mut Connection<R>) -> Result<bool, Refusal> {
        let mut filled = false;
        while let Some((_, message)) = self.waiting.front().filter(|_| ws.has_room()) {
            feed(message, ws)?;
            self.handed.extend(self.waiting.pop());
            filled = true;
        }
        Ok(filled)
    }

    /// Returns `true` if every accepted message was written.
    pub(crate) fn is_written(&self) -> bool {
        self.waiting.is_empty() && self.handed.is_empty()
    }

    /// Returns `true` if every accepted message was confirmed, or reported.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.is_written() && self.unconfirmed.is_empty()
    }

    /// Notes the messages that the transport has taken, and a Pong. Queues a Ping if one is due.
    /// Returns `true` if anything has changed.
    pub(crate) fn account(&mut self, ws: &mut Connection<R>) -> bool {
        let written = self.note_written(ws);
        let confirmed = self.note_pong(ws);
        self.queue_ping(ws) || written || confirmed
    }

    fn note_written(&mut self, ws: &Connection<R>) -> bool {
        let written = ws.written();
        let before = std::mem::replace(&mut self.written, written);
        for _ in before..written {
            if let Some((number, _)) = self.handed.pop_front() {
                self.unconfirmed.insert(number);
            }
        }
        written != before
    }

    fn note_pong(&mut self, ws: &Connection<R>) -> bool {
        let Some((_, through)) = self
            .ping
            .filter(|(ping, _)| ws.ping_answer(*ping).is_some())
        else {
            return false;
        };
        self.ping = None;
        self.unconfirmed.remove_through(through);
        self.confirmed = through;
        self.unreported = self.reports_confirmed.then_some(through);
        true
    }

    /// Queues a Ping behind the messages without proof, unless one is on its way or it is too
    /// early.
    fn queue_ping(&mut self, ws: &mut Connection<R>) -> bool {
        let (Some(pace), Some(through), None) =
            (self.confirm_every, self.unconfirmed.last(), self.ping)
        else {
            return false;
        };
        let now = R::Timer::now();
        if self.next_ping.is_some_and(|next| now < next) {
            return false;
        }
        // This fails only if the connection is closing.
        self.next_ping = now.checked_add(pace);
        self.ping = ws.start_ping().ok().map(|number| (number, through));
        if self.ping.is_none() {
            self.next_ping = None;
        }
        self.ping.is_some()
    }

    /// Queues a Ping behind the last message without proof, once, regardless of the pace.
    pub(crate) fn ping_last(&mut self, ws: &mut Connection<R>) {
        if let Some(through) = self.unconfirmed.last()
            && self.ping.is_none_or(|(_, before)| before < through)
            && let Ok(number) = ws.start_ping()
        {
            self.ping = Some((number, through));
        }
    }

    /// Waits until the next Ping may be sent. Pending forever if nothing is to be proved.
    pub(crate) fn poll_ping_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (Some(next), None, false) = (self.next_ping, self.ping, self.unconfirmed.is_empty())
        else {
            return Poll::Pending;
        };
        let timer = self.timer.get_or_insert_with(|| R::Timer::at(next));
        timer.reset(next);
        ready!(timer.poll(cx));
        // The timer of the runtime may fire a little early.
        self.next_ping = None;
        Poll::Ready(())
    }

    /// Ends a connection: sorts its messages into those that left, and those that did not.
    pub(crate) fn end(&mut self, ws: &Connection<R>) -> Undelivered {
        self.note_written(ws);
        self.note_pong(ws);
        self.ping = None;
        self.timer = None;
        let handed = std::mem::take(&mut self.handed);
        self.waiting.put_back(handed.into_iter());
        let unsent = match self.unsent {
            Unsent::Resend => Vec::new(),
            Unsent::HandBack => self.waiting.take().into(),
        };
        Undelivered {
            unsent,
            unconfirmed: std::mem::take(&mut self.unconfirmed),
            dropped: self.take_dropped(),
        }
    }

    pub(crate) fn take_dropped(&mut self) -> Numbers {
        std::mem::take(&mut self.dropped)
    }

    /// Takes everything that was not delivered, while no connection exists.
    pub(crate) fn take_all(&mut self) -> Undelivered {
        Undelivered {
            unsent: self.waiting.take().into(),
            unconfirmed: Numbers::default(),
            dropped: self.take_dropped(),
        }
    }
}
