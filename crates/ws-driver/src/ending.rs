//! The end of a connection: what is left to do, and what is told of it.

use std::io;
use std::task::{Context, Poll, ready};

use crate::error::Error;
use crate::pool;
use crate::read_state::{MESSAGES_PER_TURN, READS_PER_TURN, ReadState, Wire};
use crate::state::{Cause, Ended, State};
use crate::transport::{Timer, WriteHalf};
use crate::write_state::WriteState;

impl ReadState {
    /// Discards messages until the end of the connection and of the transport.
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

    /// Waits until the end can be told. With Closes of both ends there, that is once ours has been written and our
    /// direction ended, if that is our turn: the transport ends behind it. Else it is the end of the transport.
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
                    write.state.tell_end();
                    self.end_at_once(cx, wire);
                    return Poll::Ready(());
                }
                Poll::Ready(Err(_)) => write.end(Cause::End),
                Poll::Pending if write.state.was_told() => return Poll::Ready(()),
                Poll::Pending => ready!(write.poll_expire(cx)),
            }
        }
    }

    /// Ends the transport if the peer has ended its direction already. Takes what has arrived behind its Close, because
    /// a reset for unread input would overtake ours.
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

    /// Ends the connection in order (RFC 6455 §7.1.1, §7.1.7): write what is queued, which ends with a Close; end our
    /// direction when it is our turn; discard input until the peer ends its own, because a reset for unread input
    /// would overtake our Close; be done with the transport. All of it under one time limit.
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
                return wire.write_state().poll_expire(cx);
            }
        }
        // A peer that goes on sending does not outlast the time limit.
        if wire.write_state().poll_expire(cx).is_pending() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

/// Reads once and forgets what came.
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
    /// Tells how the connection ended to those who do not receive. With both Closes there, the end of the transport is
    /// no matter.
    pub(crate) fn verdict(&self) -> Result<(), Error> {
        match &self.state {
            State::Ended(Ended { result, .. }) => result.map_err(|cause| self.error(cause)),
            State::Open(_) | State::Draining(..) if self.is_clean() => Ok(()),
            State::Open(_) | State::Draining(..) => Err(self.closed()),
        }
    }

    /// The error of a call that was sending when the connection ended. With both Closes there, all that is wrong is that
    /// not everything has left.
    pub(crate) fn fault(&self) -> Error {
        self.verdict().err().unwrap_or_else(|| self.closed())
    }

    /// Tells whether the end is known and our part of it done: what is left is up to the peer.
    pub(crate) fn is_over(&self) -> bool {
        self.state.is_ended() || (self.is_clean() && !self.has_work() && !self.unflushed)
    }

    /// Tells those who receive: the fault once, then nothing. A peer that has closed the connection is no fault, whatever
    /// became of what it was sent.
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

    /// Tells whether the connection has ended by Closes of both ends.
    pub(crate) fn is_clean(&self) -> bool {
        self.send.end().is_some_and(|end| end.clean)
    }

    /// Tells whether nothing is queued, nor was written and may be kept back, and nothing was lost before.
    pub(crate) fn has_sent_all(&self) -> bool {
        !self.has_work() && !self.unflushed && self.state.write_fault().is_none()
    }

    /// Ends the connection: the transport is of no more use.
    pub(crate) fn end(&mut self, cause: Cause) {
        let all_sent = self.has_sent_all();
        self.send.transport_ended();
        self.finish(cause, all_sent, None);
    }

    /// As [`end`](Self::end), because reading failed.
    pub(crate) fn read_failed(&mut self, error: io::Error) {
        // So say TLS streams whose peer ended TCP without a word.
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return self.end(Cause::End);
        }
        let all_sent = self.has_sent_all();
        self.send.transport_ended();
        let cause = Cause::Io(error.kind());
        self.finish(cause, all_sent, Some(Box::new(Error::Io(error))));
    }

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
    }
}

impl<W: WriteHalf, M: Timer> WriteState<W, M> {
    /// Writes what is queued, which ends with our Close, and ends our direction of the transport if it is our turn: all
    /// that this end has to do after Closes of both ends.
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

    /// Ends our direction of the transport, once.
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
