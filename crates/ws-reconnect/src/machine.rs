//! The state of a client, from one connection to the next.

use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use fastrand::Rng;
use ws_driver::handshake::{Target, TargetError};
use ws_driver::transport::{Runtime, Timer};
use ws_driver::{ConnectError, Connector, End, Error, Message};

use crate::backoff::Backoff;
use crate::cause::Cause;
use crate::error::{GaveUp, Reason};
use crate::event::{Down, Event, Gap, Opened, Undelivered};
use crate::hook::{Attempt, Connect, Connection, OnOpen, limited};
use crate::outgoing::{Outgoing, Refusal};
use crate::reports::Reports;
use crate::rules::{Rules, Verdict};

/// The settings of a client.
pub(crate) struct Settings<R: Runtime> {
    pub(crate) connector: Connector<R>,
    pub(crate) target: Result<Target, Option<TargetError>>,
    pub(crate) connect: Connect<R>,
    pub(crate) rules: Rules,
    pub(crate) backoff: Backoff,
    pub(crate) open_timeout: Duration,
    pub(crate) reports_down: bool,
}

pub(crate) struct Machine<R: Runtime, O> {
    pub(crate) settings: Settings<R>,
    pub(crate) hook: O,
    pub(crate) outgoing: Outgoing<R>,
    pub(crate) link: Link<R>,
    pub(crate) reports: Reports,
    random: Option<Rng>,
    /// The number of failures in a row.
    failures: u32,
    /// The number of attempts since the last connection was lost.
    attempts: u32,
    /// The number of connections that were open.
    connections: u64,
    /// The loss of the last connection. `None` while a connection is open, and at first.
    pub(crate) outage: Option<Outage>,
    /// The time at which the first attempt began, or the last connection was lost.
    down_since: Option<Instant>,
    /// The messages that were not delivered when the client ended.
    undelivered: Undelivered,
    /// `true` once the caller has begun to close the client.
    pub(crate) is_closing: bool,
    /// Set if something has changed that another task may wait for.
    pub(crate) news: bool,
    /// `true` while the client is split and its receiving half exists.
    pub(crate) has_receiver: bool,
    /// `true` while the sending half waits until the receiving half has taken an event.
    pub(crate) awaits_receiver: bool,
}

/// The loss of a connection.
pub(crate) struct Outage {
    cause: Arc<Cause>,
    undelivered: Undelivered,
}

/// The state of the connection.
pub(crate) enum Link<R: Runtime> {
    /// The next attempt begins at once.
    Idle,
    /// The next attempt begins when the timer fires.
    Delayed(R::Timer),
    Connecting(Attempt<R>, Instant),
    /// The hook has the connection.
    Preparing,
    Open(Connection<R>, Instant),
    /// The end, with the outcome of the last connection.
    Ended(Option<End>),
}

impl<R: Runtime, O> Machine<R, O> {
    pub(crate) fn new(settings: Settings<R>, hook: O) -> Self {
        Self {
            settings,
            hook,
            outgoing: Outgoing::new(),
            link: Link::Idle,
            reports: Reports::default(),
            random: None,
            failures: 0,
            attempts: 0,
            connections: 0,
            outage: None,
            down_since: None,
            undelivered: Undelivered::default(),
            is_closing: false,
            news: false,
            has_receiver: false,
            awaits_receiver: false,
        }
    }

    /// Replaces the hook with the result of `change`.
    pub(crate) fn map_hook<P>(self, change: impl FnOnce(O) -> P) -> Machine<R, P> {
        Machine {
            settings: self.settings,
            hook: change(self.hook),
            outgoing: self.outgoing,
            link: self.link,
            reports: self.reports,
            random: self.random,
            failures: self.failures,
            attempts: self.attempts,
            connections: self.connections,
            outage: self.outage,
            down_since: self.down_since,
            undelivered: self.undelivered,
            is_closing: self.is_closing,
            news: self.news,
            has_receiver: self.has_receiver,
            awaits_receiver: self.awaits_receiver,
        }
    }

    /// Returns the connection if one is open.
    pub(crate) fn connection(&self) -> Option<&Connection<R>> {
        match &self.link {
            Link::Open(ws, _) => Some(ws),
            _ => None,
        }
    }

    /// Returns `true` once the client has ended.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.link, Link::Ended(_))
    }

    /// Returns the outcome of the last connection, once the client has ended.
    pub(crate) fn last_end(&self) -> Option<&End> {
        match &self.link {
            Link::Ended(end) => end.as_ref(),
            _ => None,
        }
    }

    /// Takes the messages that were not delivered when the client ended without an error.
    pub(crate) fn take_undelivered(&mut self) -> Undelivered {
        std::mem::take(&mut self.undelivered)
    }

    /// Returns `true` if something has changed that another task may wait for, and resets the flag.
    pub(crate) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.news)
    }
}

impl<R: Runtime, O: OnOpen<R>> Machine<R, O> {
    /// Returns the next event. Connects, writes, and waits for delays in the meantime.
    pub(crate) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Event>, Box<GaveUp>>> {
        let polled = self.poll_event(cx);
        if polled.is_ready() {
            self.news |= std::mem::take(&mut self.awaits_receiver);
        }
        polled
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Event>, Box<GaveUp>>> {
        loop {
            if let Some(event) = self.reports.pop() {
                return Poll::Ready(Ok(Some(event)));
            }
            if let Some(number) = self.outgoing.take_unreported() {
                return Poll::Ready(Ok(Some(Event::Confirmed(number))));
            }
            match &mut self.link {
                Link::Ended(_) => {
                    return Poll::Ready(self.reports.take_failure().map_or(Ok(None), Err));
                }
                Link::Open(..) => {
                    if let Some(message) = ready!(self.poll_open(cx)) {
                        return Poll::Ready(Ok(Some(Event::Message(message))));
                    }
                }
                _ => ready!(self.poll_down(cx)),
            }
        }
    }

    /// Receives the next message of the open connection, and writes what is queued. `None` if the
    /// connection has ended, or another event must be returned.
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        loop {
            let Link::Open(ws, _) = &mut self.link else {
                return Poll::Ready(None);
            };
            // If the connection is closing, receiving finds the end.
            if let Err(Refusal::Unfinished) = self.outgoing.fill(ws) {
                self.lost(Some(Error::Send(ws_driver::SendError::UnfinishedMessage)));
                return Poll::Ready(None);
            }
            let received = ws.poll_recv(cx);
            let moved = self.outgoing.account(ws);
            self.news |= moved;
            match received {
                Poll::Ready(Ok(Some(message))) => return Poll::Ready(Some(message)),
                Poll::Ready(Ok(None)) => self.lost(None),
                Poll::Ready(Err(error)) => self.lost(Some(error)),
                Poll::Pending if self.outgoing.has_unreported() => return Poll::Ready(None),
                // A Ping was queued, or there may be room for queued messages.
                Poll::Pending if moved => {}
                Poll::Pending => ready!(self.outgoing.poll_ping_due(cx)),
            }
        }
    }

    /// Makes progress towards an open connection. Ready after each step.
    pub(crate) fn poll_down(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.link {
            Link::Idle => self.connect(),
            Link::Delayed(timer) => {
                ready!(timer.poll(cx));
                self.link = Link::Idle;
            }
            Link::Connecting(attempt, deadline) => {
                let deadline = *deadline;
                match ready!(attempt.as_mut().poll(cx)) {
                    Ok(ws) => {
                        self.link = Link::Preparing;
                        self.hook.start(ws, deadline);
                    }
                    Err(cause) => self.failed(cause),
                }
            }
            Link::Preparing => match ready!(self.hook.poll(cx)) {
                Ok(ws) => self.opened(ws),
                Err(cause) => self.failed(cause),
            },
            Link::Open(..) | Link::Ended(_) => {}
        }
        Poll::Ready(())
    }

    /// Begins an attempt.
    fn connect(&mut self) {
        self.attempts = self.attempts.saturating_add(1);
        self.down_since.get_or_insert_with(R::Timer::now);
        let settings = &mut self.settings;
        match &mut settings.target {
            Ok(target) => {
                let deadline = R::Timer::after(settings.open_timeout);
                let attempt = (settings.connect)(settings.connector.clone(), target.clone());
                self.link = Link::Connecting(limited::<R>(attempt, deadline), deadline);
            }
            Err(error) => {
                let cause = error
                    .take()
                    .map_or(ConnectError::Lost, ConnectError::Target);
                self.failed(cause.into());
            }
        }
    }

    /// Handles an attempt that failed.
    fn failed(&mut self, cause: Cause) {
        self.failures = self.failures.saturating_add(1);
        match self.next_delay(&cause) {
            Ok(delay) => self.delay(Arc::new(cause), delay),
            Err(Some(reason)) => self.give_up(reason, cause),
            Err(None) => self.finish(None),
        }
    }

    /// Handles a connection that is ready to use.
    fn opened(&mut self, mut ws: Connection<R>) {
        let outage = self.outage.take();
        let gap = (outage.is_some() || self.outgoing.has_dropped()).then(|| {
            let (cause, mut undelivered) = match outage {
                Some(outage) => (Some(outage.cause), outage.undelivered),
                None => (None, Undelivered::default()),
            };
            undelivered.dropped.extend(&self.outgoing.take_dropped());
            Box::new(Gap {
                cause,
                down_for: self.down_for(),
                undelivered,
            })
        });
        self.connections += 1;
        let opened = Opened {
            connection: self.connections,
            attempts: std::mem::take(&mut self.attempts),
        };
        self.reports.open(gap, opened);
        self.outgoing.begin(&mut ws);
        self.down_since = None;
        self.link = Link::Open(ws, R::Timer::now());
        self.news = true;
    }

    /// Handles the end of the open connection.
    pub(crate) fn lost(&mut self, error: Option<Error>) {
        let Link::Open(ws, since) = std::mem::replace(&mut self.link, Link::Idle) else {
            return;
        };
        let end = ws.end();
        let undelivered = self.outgoing.end(&ws);
        drop(ws);
        self.news = true;
        let now = R::Timer::now();
        self.down_since = Some(now);
        if now.saturating_duration_since(since) >= self.settings.backoff.stable {
            self.failures = 0;
        }
        self.failures = self.failures.saturating_add(1);
        let close = end.as_ref().and_then(|end| end.peer.clone());
        let cause = match (error, close) {
            (None | Some(Error::Closed(_)), Some(close)) => Cause::Closed(close),
            (error, _) => Cause::Connection(error.unwrap_or(Error::Lost)),
        };
        let next = match self.is_closing {
            true => Err(None),
            false => self.next_delay(&cause),
        };
        match next {
            Ok(delay) => {
                let cause = Arc::new(cause);
                self.outage = Some(Outage {
                    cause: Arc::clone(&cause),
                    undelivered,
                });
                self.delay(cause, delay);
            }
            Err(reason) => {
                self.undelivered = undelivered;
                match reason {
                    Some(reason) => self.give_up(reason, cause),
                    None => self.finish(end),
                }
            }
        }
    }

    /// Waits before the next attempt.
    fn delay(&mut self, cause: Arc<Cause>, delay: Duration) {
        self.link = Link::Delayed(R::Timer::at(R::Timer::after(delay)));
        if self.settings.reports_down {
            self.reports.down(Some(Down {
                cause,
                attempts: self.attempts,
                delay,
            }));
            self.news = true;
        }
    }

    /// Decides what follows a failure: a delay and another attempt, giving up, or (`None`) the end
    /// of the client.
    fn next_delay(&mut self, cause: &Cause) -> Result<Duration, Option<Reason>> {
        let backoff = &self.settings.backoff;
        match self.settings.rules.verdict(cause) {
            Verdict::Retry => {}
            Verdict::Fatal => return Err(Some(Reason::Fatal)),
            Verdict::End => return Err(None),
        }
        if backoff.max_failures.is_some_and(|max| self.failures >= max) {
            return Err(Some(Reason::Failures));
        }
        let random = self.random.get_or_insert_with(|| backoff.random());
        let delay = backoff.delay(self.failures, cause.retry_after(), random);
        let Some(max) = backoff.max_down else {
            return Ok(delay);
        };
        // The last attempt begins at the end of the time, but not before the server allows it.
        let left = max.saturating_sub(self.down_for());
        let is_too_early = cause.retry_after().is_some() && delay > left;
        match left.is_zero() || is_too_early {
            true => Err(Some(Reason::Time)),
            false => Ok(delay.min(left)),
        }
    }

    fn down_for(&self) -> Duration {
        let since = self.down_since;
        since.map_or(Duration::ZERO, |since| {
            R::Timer::now().saturating_duration_since(since)
        })
    }

    fn give_up(&mut self, reason: Reason, cause: Cause) {
        let down_for = self.down_for();
        self.finish(None);
        let undelivered = self.take_undelivered();
        self.reports.fail(GaveUp {
            reason,
            cause,
            failures: self.failures,
            down_for,
            undelivered,
        });
    }

    /// Ends the client, and collects everything that was not delivered.
    pub(crate) fn finish(&mut self, end: Option<End>) {
        if let Some(outage) = self.outage.take() {
            self.undelivered.extend(outage.undelivered);
        }
        self.undelivered.extend(self.outgoing.take_all());
        self.hook.stop();
        self.reports.down(None);
        self.link = Link::Ended(end);
        self.news = true;
    }
}
