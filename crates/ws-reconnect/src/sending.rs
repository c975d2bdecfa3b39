//! Sending and closing: what a client does for callers that do not receive.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use ws_driver::transport::Runtime;
use ws_driver::{CloseCode, Error, Message};

use crate::error::{Ended, SendError};
use crate::hook::OnOpen;
use crate::machine::{Link, Machine};
use crate::outgoing::Refusal;
use crate::queue::Refused;

impl<R: Runtime, O: OnOpen<R>> Machine<R, O> {
    /// Accepts a message: passes it to the connection, or queues it by the policy. Returns its
    /// number. Once this is ready, `message` is empty.
    pub(crate) fn poll_feed(
        &mut self,
        cx: &mut Context<'_>,
        message: &mut Option<Message>,
    ) -> Poll<Result<u64, SendError>> {
        loop {
            let Some(taken) = message.take() else {
                return Poll::Ready(Ok(self.outgoing.last()));
            };
            if self.is_closing || self.has_ended() {
                return Poll::Ready(Err(SendError::Ended(taken)));
            }
            if self.connection().is_none() {
                match self.outgoing.push(taken) {
                    Ok(number) => return Poll::Ready(Ok(number)),
                    Err(Refused::Full(taken)) => return Poll::Ready(Err(SendError::Full(taken))),
                    Err(Refused::Wait(taken)) => *message = Some(taken),
                }
            } else if let Some(number) = self.pass_on(cx, &taken) {
                // A task that receives must write the message.
                self.news = true;
                return Poll::Ready(Ok(number));
            } else {
                *message = Some(taken);
            }
            ready!(self.poll_drive(cx));
        }
    }

    /// Waits until [`start_send`](Self::start_send) finds room.
    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Ended>> {
        loop {
            if self.is_closing || self.has_ended() {
                return Poll::Ready(Err(Ended));
            }
            let has_room = match &mut self.link {
                // Messages that have room are written together.
                Link::Open(ws, _) => match self.outgoing.fill(ws) {
                    Ok(_) => self.outgoing.waiting.is_empty() && ws.has_room(),
                    Err(refusal) => {
                        self.drain(cx, refusal.into());
                        continue;
                    }
                },
                _ => self.outgoing.waiting.takes_one(),
            };
            if has_room {
                return Poll::Ready(Ok(()));
            }
            ready!(self.poll_drive(cx));
        }
    }

    /// Accepts a message without waiting. If there is no room after all, the message exceeds the
    /// bound of the queue.
    pub(crate) fn start_send(&mut self, message: Message) -> Result<(), Ended> {
        if self.is_closing || self.has_ended() {
            return Err(Ended);
        }
        self.outgoing.force(message);
        self.news = true;
        Ok(())
    }

    /// Passes a message to the open connection, behind the queued ones. `None` if there is no room,
    /// or the connection has ended.
    fn pass_on(&mut self, cx: &mut Context<'_>, message: &Message) -> Option<u64> {
        let Link::Open(ws, _) = &mut self.link else {
            return None;
        };
        let passed = self.outgoing.fill(ws).and_then(|_| {
            let is_next = self.outgoing.waiting.is_empty() && ws.has_room();
            is_next.then(|| self.outgoing.hand(message, ws)).transpose()
        });
        passed.unwrap_or_else(|refusal| {
            self.drain(cx, refusal.into());
            None
        })
    }

    /// Makes progress without receiving: writes, or connects. Ready after each step, and once the
    /// client has ended.
    fn poll_drive(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.link {
            Link::Ended(_) => Poll::Ready(()),
            Link::Open(..) => self.poll_write(cx).map(drop),
            _ => self.poll_down(cx),
        }
    }

    /// Writes to the open connection. Ready with `true` once everything was written, and with
    /// `false` after any other step.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let Link::Open(ws, _) = &mut self.link else {
            return Poll::Ready(false);
        };
        if let Err(refusal) = self.outgoing.fill(ws) {
            self.drain(cx, refusal.into());
            return Poll::Ready(false);
        }
        let flushed = pin!(ws.flush()).poll(cx);
        let moved = self.outgoing.account(ws);
        self.news |= moved;
        match flushed {
            Poll::Ready(Ok(())) => Poll::Ready(self.outgoing.is_written()),
            Poll::Ready(Err(error)) => {
                self.drain(cx, Some(error));
                Poll::Ready(false)
            }
            Poll::Pending if moved => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Ends a connection that takes no more messages. Keeps the messages of the peer that have
    /// arrived.
    fn drain(&mut self, cx: &mut Context<'_>, error: Option<Error>) {
        let Link::Open(ws, _) = &mut self.link else {
            return;
        };
        let mut error = error;
        while let Poll::Ready(received) = ws.poll_recv(cx) {
            match received {
                Ok(Some(message)) => {
                    if !self.reports.keep(message) {
                        break;
                    }
                }
                Ok(None) => break,
                Err(found) => {
                    error = Some(found);
                    break;
                }
            }
        }
        self.lost(error);
    }

    /// Waits until everything was written, if a connection is open.
    pub(crate) fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.connection().is_some() {
            if ready!(self.poll_write(cx)) {
                break;
            }
        }
        Poll::Ready(())
    }

    /// Waits until everything was written. Connects in the meantime if necessary.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Ended>> {
        loop {
            if self.connection().is_some() {
                if ready!(self.poll_write(cx)) {
                    return Poll::Ready(Ok(()));
                }
            } else if self.outgoing.is_written() {
                return Poll::Ready(Ok(()));
            } else if self.has_ended() {
                return Poll::Ready(Err(Ended));
            } else {
                ready!(self.poll_drive(cx));
            }
        }
    }

    /// Waits until every accepted message was confirmed. Ready with `false` if an event must be
    /// received first, and no receiving half can take it.
    pub(crate) fn poll_confirm(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Ended>> {
        loop {
            if self.reports.has_event() {
                return self.poll_receiver().map(Ok);
            }
            if self.has_ended() {
                return Poll::Ready(Err(Ended));
            }
            // The messages of a connection that is lost will be reported by an event.
            if self.outgoing.is_confirmed() && self.outage.is_none() {
                return Poll::Ready(Ok(true));
            }
            match &mut self.link {
                Link::Open(..) => {
                    if ready!(self.poll_confirm_open(cx)) {
                        return match self.outgoing.is_confirmed() {
                            true => Poll::Ready(Ok(true)),
                            false => self.poll_receiver().map(Ok),
                        };
                    }
                }
                _ => ready!(self.poll_down(cx)),
            }
        }
    }

    /// Waits until the receiving half has taken an event. Ready with `false` if there is none.
    fn poll_receiver(&mut self) -> Poll<bool> {
        if !self.has_receiver {
            return Poll::Ready(false);
        }
        self.awaits_receiver = true;
        self.news = true;
        Poll::Pending
    }

    /// Makes progress on the open connection. Ready with `true` if a message of the peer can be
    /// received, and with `false` if anything else has changed.
    fn poll_confirm_open(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let Link::Open(ws, _) = &mut self.link else {
            return Poll::Ready(false);
        };
        if let Err(refusal) = self.outgoing.fill(ws) {
            self.drain(cx, refusal.into());
            return Poll::Ready(false);
        }
        if self.outgoing.confirm_every.is_none() {
            self.outgoing.ping_last(ws);
        }
        let driven = pin!(ws.drive()).poll(cx);
        let moved = self.outgoing.account(ws);
        self.news |= moved;
        match driven {
            Poll::Ready(Ok(true)) => return Poll::Ready(true),
            Poll::Ready(Ok(false)) => self.lost(None),
            Poll::Ready(Err(error)) => self.lost(Some(error)),
            Poll::Pending if moved => {}
            Poll::Pending => ready!(self.outgoing.poll_ping_due(cx)),
        }
        Poll::Ready(false)
    }

    /// Closes the client. Writes what is queued if a connection is open.
    pub(crate) fn poll_close(
        &mut self,
        cx: &mut Context<'_>,
        code: CloseCode,
        reason: &str,
    ) -> Poll<Result<(), Error>> {
        self.is_closing = true;
        loop {
            let Link::Open(ws, _) = &mut self.link else {
                if !self.has_ended() {
                    self.finish(None);
                }
                return Poll::Ready(Ok(()));
            };
            if !self.outgoing.is_written() {
                ready!(self.poll_write(cx));
                continue;
            }
            // The Close of the peer may have crossed ours, so it proves nothing. The Pong must
            // arrive before that Close (RFC 6455 §5.5.2).
            if self.outgoing.confirm_every.is_some() {
                self.outgoing.ping_last(ws);
            }
            let closed = pin!(ws.close(code, reason)).poll(cx);
            self.news |= self.outgoing.account(ws);
            match ready!(closed) {
                Err(error @ Error::Send(_)) => {
                    self.is_closing = false;
                    return Poll::Ready(Err(error));
                }
                closed => self.lost(closed.err()),
            }
        }
    }
}

/// The error of a refusal, unless receiving finds it.
impl From<Refusal> for Option<Error> {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Closing => None,
            Refusal::Unfinished => Some(Error::Send(ws_driver::SendError::UnfinishedMessage)),
        }
    }
}
