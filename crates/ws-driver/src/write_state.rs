//! Sending: the sending half of the core beside the transport, time limits, and the end.
//!
//! When a connection is split, this is what both halves share.

use std::fmt;
use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use ws_proto::{
    CloseCode, CloseFrame, CloseReason, Expired, IntoOutgoing, Outgoing, SendError, SendHalf,
};

use crate::clock::{Clock, Direction};
use crate::error::{Error, Timeout, TryFeedError};
use crate::pool;
use crate::state::{Cause, State};
use crate::transport::{Timer, WriteHalf};

/// Writes without a wait, after which other tasks get a turn before more is queued: whoever sends to a quick peer would
/// otherwise never give way, unless the runtime sees to it.
const WRITES_PER_BURST: u32 = 128;

/// Bytes written, after which those who only send look at what has arrived: see
/// [`ReadState::look_ahead`](crate::read_state::ReadState::look_ahead).
const WRITTEN_PER_LOOK: usize = 256 * 1024;

/// Bytes for which each [`send`](WriteState::poll_send) counts at least: whoever sends little and seldom looks every
/// sixteenth time.
const LEAST_WRITTEN: usize = WRITTEN_PER_LOOK / 16;

/// Everything about sending that changes, and the transport.
pub(crate) struct WriteState<W, M> {
    pub(crate) send: SendHalf,
    pub(crate) state: State<W>,
    clock: Clock<M>,
    /// Bytes were written that the transport may keep back.
    pub(crate) unflushed: bool,
    /// The transport was last left with bytes to take or to pass on, for which the other half may wait, too.
    stalled: bool,
    /// Writes since one had to wait or other tasks got a turn.
    burst: u32,
    /// Bytes written since the last look at what has arrived.
    written: usize,
    /// Nobody receives, or messages of the peer fill the memory that there is for them.
    pub(crate) is_deaf: bool,
    /// Something has happened that the other half of a split connection may wait for.
    pub(crate) news: bool,
}

impl<W, M> WriteState<W, M> {
    /// The same around another transport: see [`State::map`].
    pub(crate) fn map<V>(self, change: impl FnOnce(W) -> Option<V>) -> WriteState<V, M> {
        WriteState {
            send: self.send,
            state: self.state.map(change),
            clock: self.clock,
            unflushed: self.unflushed,
            stalled: self.stalled,
            burst: self.burst,
            written: self.written,
            is_deaf: self.is_deaf,
            news: self.news,
        }
    }

    /// Tells whether something is queued, or is to be when it has been compressed.
    pub(crate) fn has_work(&self) -> bool {
        self.send.queued() > 0 || self.send.is_busy()
    }

    /// Tells whether something is queued that the transport was not offered, and can take.
    pub(crate) fn wants_write(&self) -> bool {
        // Compressing goes on behind a flush that waits, which wakes.
        (self.send.is_busy() && !self.stalled)
            || (self.send.queued() > 0 && !self.send.is_congested())
    }

    /// Tells whether the other half may go on, and forgets it.
    pub(crate) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.news)
    }

    /// The other half may go on.
    pub(crate) fn tell(&mut self) {
        self.news = true;
    }

    /// The sending half, with memory that is lent for what is about to be queued.
    #[inline]
    pub(crate) fn lent(&mut self) -> &mut SendHalf {
        if self.send.lending().wants_buffer() && !self.send.has_ended() {
            self.send.lending().lend(pool::take_buffer());
        }
        if self.send.lending().wants_compressor() {
            pool::lend_compressor(&mut self.send);
        }
        &mut self.send
    }

    /// Gives back memory of which little or nothing is in use.
    pub(crate) fn reclaim(&mut self) {
        if let Some(buffer) = self.send.lending().reclaim() {
            pool::give_buffer(buffer);
        }
        if let Some(memory) = self.send.lending().reclaim_compressor() {
            pool::give_compressor(memory);
        }
    }

    pub(crate) fn check_open(&self) -> Result<(), Error> {
        match self.send.is_open() {
            true => Ok(()),
            false => Err(self.closed()),
        }
    }

    /// Why nothing can be sent any more.
    pub(crate) fn closed(&self) -> Error {
        match (self.send.peer_close(), self.state.write_fault()) {
            (None, Some(kind)) => Error::Io(kind.into()),
            (close, _) => Error::Closed(close.cloned().map(Box::new)),
        }
    }

    /// Why this was not queued.
    #[cold]
    pub(crate) fn refused(&self, error: SendError) -> Error {
        match error {
            SendError::Closing => self.closed(),
            error => Error::Send(error),
        }
    }

    /// Lets `queue` queue something.
    #[inline]
    pub(crate) fn queue_by<R>(
        &mut self,
        queue: impl FnOnce(&mut SendHalf) -> Result<R, SendError>,
    ) -> Result<R, Error> {
        let queued = queue(self.lent());
        queued.map_err(|error| self.refused(error))
    }

    /// Queues a message, whatever is queued already.
    #[inline]
    pub(crate) fn queue<'m>(&mut self, message: impl IntoOutgoing<'m>) -> Result<(), Error> {
        self.queue_by(|send| send.message(message))
    }

    /// Queues a message, or gives it back if too much is queued already or the connection is closing.
    pub(crate) fn try_queue<'m, N: IntoOutgoing<'m>>(
        &mut self,
        message: N,
    ) -> Result<(), TryFeedError<N>> {
        if !self.send.is_open() {
            return Err(TryFeedError::Closed(message));
        }
        if self.send.unfinished().is_some() {
            return Err(TryFeedError::Unfinished(message));
        }
        if !self.send.has_room() {
            return Err(TryFeedError::Full(message));
        }
        // The connection is open and no message under way, which is all that queuing asks for.
        let _ = self.queue(message);
        Ok(())
    }

    /// Queues a Close.
    pub(crate) fn start_close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        let reason = CloseReason::new(reason).map_err(SendError::from)?;
        self.queue_by(|send| send.start_close(CloseFrame::new(code, reason)))?;
        self.news = true;
        Ok(())
    }
}

impl<W: WriteHalf, M: Timer> WriteState<W, M> {
    pub(crate) fn new(mut send: SendHalf, io: W) -> Self {
        send.lending().compress_in_steps();
        Self {
            send,
            state: State::Open(io),
            clock: Clock::new(),
            unflushed: false,
            stalled: false,
            burst: 0,
            written: 0,
            is_deaf: false,
            news: false,
        }
    }

    /// Waits until less than the high-water mark is queued.
    pub(crate) fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.check_open()?;
        if self.burst >= WRITES_PER_BURST {
            self.burst = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        while !self.send.has_room() {
            match self.poll_flush(cx) {
                Poll::Ready(result) => result?,
                Poll::Pending if self.send.has_room() => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(self.check_open())
    }

    /// Queues `message`, once there is room, and writes and flushes everything that is queued. A large borrowed payload
    /// is copied only as far as the transport does not take it at once.
    pub(crate) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        message: &mut Option<Outgoing<'_>>,
    ) -> Poll<Result<(), Error>> {
        if message.is_some() {
            ready!(self.poll_room(cx))?;
        }
        if let Some(message) = message.take() {
            let mut lent = self.queue_by(|send| send.lending().lend_payload(message))?;
            self.written = self.written.saturating_add(LEAST_WRITTEN);
            if !lent.is_empty() {
                // An error comes again with the flush.
                let _ = self.poll_write_out(cx, &mut lent);
                self.send.lending().keep_payload(lent);
            }
        }
        self.poll_flush(cx)
    }

    /// Writes and flushes everything that is queued, our own Close included. After the end: whether everything had left
    /// before a clean end.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match &self.state {
            State::Ended(ended) if ended.all_sent && ended.result.is_ok() => Poll::Ready(Ok(())),
            State::Open(_) | State::Draining(..) if self.is_clean() || !self.send.has_ended() => {
                match self.poll_write_out(cx, &mut &[][..]) {
                    Poll::Ready(result) => Poll::Ready(result.map_err(Error::Io)),
                    Poll::Pending => self.poll_stall(cx),
                }
            }
            _ => Poll::Ready(Err(self.closed())),
        }
    }

    /// Writes everything that is queued and the payload that is lent, of which what has not gone out stays in `lent`:
    /// nothing, once this is ready.
    pub(crate) fn poll_lent(
        &mut self,
        cx: &mut Context<'_>,
        lent: &mut &[u8],
    ) -> Poll<Result<(), Error>> {
        let written = match self.state.is_ended() {
            true => Poll::Ready(Err(self.closed())),
            false => self.poll_write_out(cx, lent).map_err(Error::Io),
        };
        let done = match written {
            Poll::Pending if !lent.is_empty() => ready!(self.poll_stall(cx)),
            // What is kept back leaves with whatever is called next.
            Poll::Pending => Ok(()),
            Poll::Ready(done) => done,
        };
        *lent = &[];
        Poll::Ready(done)
    }

    /// Waits, for as long as the transport may take nothing.
    fn poll_stall(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(self.poll_expire_sending(cx));
        Poll::Ready(Err(self.fault()))
    }

    /// Writes and flushes everything that is queued, with the payload that is lent in its place, and gives back the
    /// memory that it was encoded into.
    pub(crate) fn poll_write_out(
        &mut self,
        cx: &mut Context<'_>,
        lent: &mut &[u8],
    ) -> Poll<io::Result<()>> {
        let result = match self.state.write_fault() {
            Some(kind) => Poll::Ready(Err(kind.into())),
            None => self.poll_write_all(cx, lent),
        };
        match &result {
            Poll::Ready(Ok(())) => self.stalled = false,
            Poll::Ready(Err(error)) => self.write_failed(error.kind()),
            // The transport has taken all there is: it is for us to go on.
            Poll::Pending if self.send.queued() == 0 && !self.unflushed => self.burst = 0,
            Poll::Pending => {
                self.burst = 0;
                self.stalled = true;
                self.send.stalled();
            }
        }
        self.reclaim();
        result
    }

    /// Nobody takes what is queued any more, and a connection that still receives must not pile it up.
    fn write_failed(&mut self, kind: io::ErrorKind) {
        if let Some((draining, _)) = self.state.start_draining()
            && draining.write_fault.is_none()
        {
            draining.write_fault = Some(kind);
            self.send.output_lost();
            self.news = true;
        }
    }

    fn poll_write_all(&mut self, cx: &mut Context<'_>, lent: &mut &[u8]) -> Poll<io::Result<()>> {
        let Some(io) = self.state.io() else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        loop {
            while self.send.queued() > 0 {
                let written = match &*self.send.lending().io_slices(lent) {
                    // The rest of a lent payload that was forgotten.
                    [] => Ok(0),
                    slices => ready!(io.poll_write_vectored(cx, slices)),
                };
                match written {
                    Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    Ok(len) => {
                        self.send.lending().advance(lent, len);
                        self.unflushed = true;
                        self.news |= self.stalled;
                        self.written = self.written.saturating_add(len);
                        self.burst = self.burst.saturating_add(1);
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
            if self.unflushed {
                ready!(io.poll_flush(cx))?;
                self.unflushed = false;
                self.news |= self.stalled;
                self.send.flushed();
            }
            if !self.send.is_busy() {
                return Poll::Ready(Ok(()));
            }
            self.send.lending().work();
            if self.send.is_busy() {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
    }

    /// Tells whether so much was written that it is time to look at what has arrived.
    #[inline]
    pub(crate) fn wants_look(&self) -> bool {
        self.written >= WRITTEN_PER_LOOK
    }

    /// Takes note of a look at what has arrived.
    pub(crate) fn looked(&mut self, is_deaf: bool) {
        self.written = 0;
        self.is_deaf = is_deaf;
    }

    /// As [`poll_expire`](Self::poll_expire), for those who only send: they cannot hear whether the peer is silent.
    pub(crate) fn poll_expire_sending(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.send.pause_listening();
        let expired = self.poll_limits(cx, Direction::Sending);
        self.send.resume_listening();
        expired
    }

    /// As [`poll_expire_sending`](Self::poll_expire_sending), but does not end the connection when the peer's Close is
    /// overdue: it may have arrived, for the other half to receive.
    pub(crate) fn poll_overdue(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.send.pause_listening();
        let deadline = self
            .clock
            .poll_deadline(cx, &mut self.send, Direction::Sending);
        self.send.resume_listening();
        match deadline {
            Poll::Ready(now) if self.send.awaits_close_too_long(now) => Poll::Ready(()),
            _ => self.poll_expire_sending(cx),
        }
    }

    /// Waits for the next time limit and acts on it: ready when one has ended the connection. Pending for ever if none
    /// runs. It may have queued a Ping.
    pub(crate) fn poll_expire(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_limits(cx, Direction::Receiving)
    }

    fn poll_limits(&mut self, cx: &mut Context<'_>, direction: Direction) -> Poll<()> {
        loop {
            let now = ready!(self.clock.poll_deadline(cx, &mut self.send, direction));
            let all_sent = self.has_sent_all();
            let Some(expired) = self.send.expire(now) else {
                continue;
            };
            let cause = match expired {
                Expired::Close => Cause::Timeout(Timeout::Close),
                Expired::Idle => Cause::Timeout(Timeout::Idle),
                Expired::Pong => Cause::Timeout(Timeout::Pong),
                Expired::WriteStall if self.is_deaf => Cause::Timeout(Timeout::Unreceived),
                Expired::WriteStall => Cause::Timeout(Timeout::WriteStall),
                // The violation itself is the fault.
                _ => Cause::Failure,
            };
            self.finish(cause, all_sent, None);
            return Poll::Ready(());
        }
    }

    /// Dates a Pong that has just come, if somebody wants to know its round trip.
    pub(crate) fn date_pongs(&mut self) {
        if self.send.has_undated_pong() {
            self.send.date_pongs(self.clock.now());
            self.news = true;
        }
    }

    /// Queues a Ping whose round trip is measured, and returns its number.
    pub(crate) fn start_probe(&mut self) -> Result<u32, Error> {
        let now = self.clock.now();
        self.queue_by(|send| send.start_probe(now))
    }

    /// Writes what is queued and waits for the Pong to that Ping, which others receive.
    pub(crate) fn poll_probe(
        &mut self,
        cx: &mut Context<'_>,
        number: u32,
    ) -> Poll<Result<Duration, Error>> {
        if let Some(time) = self.send.probe_answer(number) {
            return Poll::Ready(Ok(time));
        }
        self.check_open()?;
        ready!(self.poll_flush(cx))?;
        Poll::Pending
    }
}

impl<W, M> fmt::Debug for WriteState<W, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WriteState").field(&self.send).finish()
    }
}
