//! The end of a connection: the remaining work, and the results that methods report.

use std::io;
use std::task::{Context, Poll, ready};

use crate::error::Error;
use crate::pool;
use crate::read_state::{MESSAGES_PER_TURN, READS_PER_TURN, ReadState, Wire};
use crate::state::{Cause, Ended, State};
use crate::transport::{Timer, WriteHalf};
use crate::write_state::WriteState;

impl ReadState {
    /// Discards messages until the connection and the transport have ended.
    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>, wire: &mut impl Wire) -> Poll<()> {
        for _ in 0..MESSAGES_PER_TURN {
            match ready!(self.poll_message(cx, wire)) {
                Ok(true) => {}
                Ok(false) | Err(_) if wire.write_state().state.is_ended() => return Poll::Ready(()),
                Ok(false) | Err(_) => ready!(self.poll_end(cx, wire)),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Waits until a receiving method can report the end.
    ///
    /// If both ends have sent a Close, this waits until ours has been written. On a server, or
    /// after the peer has ended its direction, this also ends our direction of the transport. The
    /// transport may end later. If a Close is missing, this waits for the end of the transport.
    pub(crate) fn poll_known_end(
        &mut self,
        cx: &mut Context<'_>,
        wire: &mut impl Wire,
    ) -> Poll<()> {
        loop {
            let write = wire.write_state();
            if write.state.is_ended() {
                return Poll::Ready(());
            }
            if !write.is_clean() {
                ready!(self.poll_end(cx, wire));
                continue;
            }
            match write.poll_farewell(cx) {
                Poll::Ready(Ok(())) => {
                    write.state.set_reported();
                    self.end_at_once(cx, wire);
                    return Poll::Ready(());
                }
                Poll::Ready(Err(_)) => write.end(Cause::End),
                Poll::Pending if write.state.is_end_reported() => return Poll::Ready(()),
                Poll::Pending => ready!(write.poll_expire(cx)),
            }
        }
    }

    /// Ends the transport without waiting, if the peer has ended its direction already.
    ///
    /// Reads and discards the input after the peer's Close. Dropping the transport with unread
    /// input would reset the connection, and the reset would overtake our Close.
    fn end_at_once(&mut self, cx: &mut Context<'_>, wire: &mut impl Wire) {
        for _ in 0..READS_PER_TURN {
            let write = wire.write_state();
            if write.state.has_input_ended() && write.poll_farewell(cx).is_ready() {
                write.end(Cause::End);
            }
            if wire.write_state().state.is_ended() || poll_discard(cx, wire).is_pending() {
                return;
            }
        }
    }

    /// Ends the connection cleanly (RFC 6455 §7.1.1, §7.1.7), within one timeout:
    ///
    /// 1. Write everything that is queued. The last frame is our Close.
    /// 2. End our direction of the transport. A client lets the server go first.
    /// 3. Discard input until the peer ends its direction. Dropping the transport with unread input
    ///    would reset the connection, and the reset would overtake our Close. After both Closes, a
    ///    server only discards what has arrived: it ends the connection at once (RFC 6455 §5.5.1),
    ///    and the peer sends nothing more.
    /// 4. Drop the transport.
    fn poll_end(&mut self, cx: &mut Context<'_>, wire: &mut impl Wire) -> Poll<()> {
        pool::give_block(self.recv.lending().discard());
        for _ in 0..READS_PER_TURN {
            let write = wire.write_state();
            if write.state.is_ended() {
                return Poll::Ready(());
            }
            let farewell = write.poll_farewell(cx);
            let input_ended = write.state.has_input_ended();
            if matches!(farewell, Poll::Ready(Err(_))) || (farewell.is_ready() && input_ended) {
                write.end(Cause::End);
                return Poll::Ready(());
            }
            if input_ended || poll_discard(cx, wire).is_pending() {
                let write = wire.write_state();
                if farewell.is_ready() && write.is_clean() && write.send.ends_transport() {
                    write.end(Cause::End);
                    return Poll::Ready(());
                }
                return write.poll_expire(cx);
            }
        }
        // The timeout also ends a connection whose peer keeps sending.
        if wire.write_state().poll_expire(cx).is_pending() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

/// Reads once and discards the input.
fn poll_discard(cx: &mut Context<'_>, wire: &mut impl Wire) -> Poll<()> {
    let mut block = pool::take_block(pool::BLOCK_LEN);
    let read = wire.poll_read(cx, &mut block);
    pool::give_block(block);
    let read = ready!(read);
    let write = wire.write_state();
    match (read, &mut write.state) {
        (Ok(0), State::Draining(_, draining)) => draining.input_ended = true,
        (Ok(_), _) => {}
        (Err(_), _) => write.end(Cause::End),
    }
    Poll::Ready(())
}

impl<W, M> WriteState<W, M> {
    /// Returns the outcome of the connection, for methods that do not receive. If both ends have
    /// sent a Close, the result is `Ok`, even if the transport has not ended yet.
    pub(crate) fn verdict(&self) -> Result<(), Error> {
        match &self.state {
            State::Ended(Ended { result, .. }) => result.map_err(|cause| self.error(cause)),
            State::Open(_) | State::Draining(..) if self.is_clean() => Ok(()),
            State::Open(_) | State::Draining(..) => Err(self.closed()),
        }
    }

    /// Returns the error of a call that was sending when the connection ended. After a clean end,
    /// this is [`Error::Closed`], because not everything was sent.
    pub(crate) fn fault(&self) -> Error {
        self.verdict().err().unwrap_or_else(|| self.closed())
    }

    /// Returns `true` if the connection has ended, or if only the peer has something left to do:
    /// both Closes were sent, and our output was written and flushed.
    pub(crate) fn is_over(&self) -> bool {
        self.state.is_ended() || (self.is_clean() && !self.has_work() && !self.unflushed)
    }

    /// Returns the result of a receiving method after the end: the error at the first call, and
    /// `None` at later calls.
    ///
    /// If the peer's Close has arrived there is no error, even if queued data could not be sent.
    pub(crate) fn report<F>(&mut self) -> Result<Option<F>, Error> {
        match &mut self.state {
            State::Ended(ended) => ended.report.take().map_or(Ok(None), |error| Err(*error)),
            State::Open(_) | State::Draining(..) => Ok(None),
        }
    }

    fn error(&self, cause: Cause) -> Error {
        match (cause, self.send.failure()) {
            (Cause::Failure, Some(error)) => error.into(),
            (Cause::Failure, None) | (Cause::End, _) => Error::Lost,
            (Cause::Io(kind), _) => Error::Io(kind.into()),
            (Cause::Timeout(phase), _) => Error::Timeout(phase),
        }
    }

    /// Returns `true` if both ends have sent a Close and no violation was found.
    pub(crate) fn is_clean(&self) -> bool {
        self.send.end().is_some_and(|end| end.clean)
    }

    /// Returns `true` if everything that was queued has been written and flushed, and no write has
    /// failed.
    pub(crate) fn has_sent_all(&self) -> bool {
        !self.has_work() && !self.unflushed && self.state.write_fault().is_none()
    }

    /// Ends the connection and drops the transport.
    #[cold]
    pub(crate) fn end(&mut self, cause: Cause) {
        let all_sent = self.has_sent_all();
        self.send.lose_queue();
        self.send.transport_ended();
        self.finish(cause, all_sent, None);
    }

    /// Ends the connection after a read has failed with `error`.
    #[cold]
    pub(crate) fn read_failed(&mut self, error: io::Error) {
        // TLS streams return this error if the peer ended TCP without a `close_notify`.
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return self.end(Cause::End);
        }
        let all_sent = self.has_sent_all();
        self.send.lose_queue();
        self.send.transport_ended();
        let cause = Cause::Io(error.kind());
        self.finish(cause, all_sent, Some(Box::new(Error::Io(error))));
    }

    /// Drops the transport and stores the outcome. A violation takes precedence over `cause`. A
    /// write error takes precedence over the end of the transport.
    pub(crate) fn finish(&mut self, cause: Cause, all_sent: bool, report: Option<Box<Error>>) {
        let cause = match (cause, self.state.write_fault()) {
            _ if self.send.failure().is_some() => Cause::Failure,
            (Cause::End, Some(kind)) => Cause::Io(kind),
            (cause, _) => cause,
        };
        let result = if self.is_clean() { Ok(()) } else { Err(cause) };
        let report = match self.send.peer_close() {
            Some(_) if self.send.failure().is_none() => None,
            _ => report.or_else(|| result.err().map(|cause| Box::new(self.error(cause)))),
        };
        self.reclaim();
        self.news = true;
        self.state = State::Ended(Ended {
            result,
            all_sent,
            report,
        });
        self.send.leave(Some(result));
    }
}

impl<W: WriteHalf, M: Timer> WriteState<W, M> {
    /// Does everything that this end has to do once both ends have sent a Close. Writes everything
    /// that is queued, up to our Close. Then ends our direction of the transport, unless the peer
    /// must end its own direction first.
    pub(crate) fn poll_farewell(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some((draining, begins)) = self.state.start_draining() else {
            return Poll::Ready(Ok(()));
        };
        let input_ended = draining.input_ended;
        self.news |= begins;
        ready!(self.poll_write_out(cx, &mut &[][..]))?;
        if input_ended || self.send.ends_transport() {
            ready!(self.poll_shutdown(cx))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Ends our direction of the transport, unless it has ended already.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let State::Draining(io, draining) = &mut self.state
            && !draining.output_ended
        {
            ready!(io.poll_shutdown(cx))?;
            draining.output_ended = true;
        }
        Poll::Ready(Ok(()))
    }
}
