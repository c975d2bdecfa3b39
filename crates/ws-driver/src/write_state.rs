//! The state of sending: the sending half of the core, the transport, and the timeouts.
//!
//! The halves of a split connection share this state.

use std::fmt;
use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use ws_proto::{CloseCode, CloseFrame, CloseReason, IntoOutgoing, Outgoing, SendError, SendHalf};

use crate::clock::{Clock, Direction};
use crate::error::{Error, TryFeedError};
use crate::pool;
use crate::serve::Seated;
use crate::state::State;
use crate::transport::{Timer, WriteHalf};

/// The number of writes without a wait after which the connection yields to the executor instead of
/// queuing more.
///
/// A task that sends to a fast peer would otherwise never yield, unless the runtime forces it to.
const WRITES_PER_BURST: u32 = 128;

/// The number of written bytes after which a caller that only sends looks ahead. See
/// [`ReadState::look_ahead`](crate::read_state::ReadState::look_ahead).
const WRITTEN_PER_LOOK: usize = 256 * 1024;

/// The number of bytes that each [`send`](WriteState::poll_send) adds to `written`, in addition to
/// the bytes that it writes. So a caller that sends small messages looks ahead after every 16
/// messages.
const LEAST_WRITTEN: usize = WRITTEN_PER_LOOK / 16;

/// The state of sending, with the transport.
///
/// The fields are dropped in their order, so the transport is dropped before the connection leaves
/// its registry.
pub(crate) struct WriteState<W, M> {
    pub(crate) state: State<W>,
    pub(crate) send: Seated,
    pub(crate) clock: Clock<M>,
    /// `true` if the transport may have buffered bytes that were written.
    pub(crate) unflushed: bool,
    /// `true` if the last write or flush was pending. The other half may be waiting for the
    /// transport, too.
    stalled: bool,
    /// The number of writes since the last wait for the transport or the last yield to the
    /// executor.
    burst: u32,
    /// The number of bytes written since the last look ahead.
    written: usize,
    /// `true` while no task receives, or while messages of the peer fill the memory for them. A
    /// write stall is then reported as [`Timeout::Unreceived`](crate::Timeout::Unreceived).
    pub(crate) input_blocked: bool,
    /// `true` if an event has occurred that the other half of a split connection may wait for.
    pub(crate) news: bool,
}

impl<W, M> WriteState<W, M> {
    /// Replaces the transport with the result of `change`. See [`State::map`].
    pub(crate) fn map<V>(self, change: impl FnOnce(W) -> Option<V>) -> WriteState<V, M> {
        WriteState {
            send: self.send,
            state: self.state.map(change),
            clock: self.clock,
            unflushed: self.unflushed,
            stalled: self.stalled,
            burst: self.burst,
            written: self.written,
            input_blocked: self.input_blocked,
            news: self.news,
        }
    }

    /// Returns `true` if frames are queued, or a message is being compressed and will be queued.
    #[inline]
    pub(crate) fn has_work(&self) -> bool {
        self.send.queued() > 0 || self.send.is_busy()
    }

    /// Returns `true` if [`poll_write_queue`](Self::poll_write_queue) has nothing to do.
    #[inline]
    pub(crate) fn is_written_out(&self) -> bool {
        !self.has_work() && !self.unflushed && !self.stalled
    }

    /// Returns `true` if there is output to write and the transport is not known to be full.
    #[inline]
    pub(crate) fn wants_write(&self) -> bool {
        // Compression continues once a pending write or flush is done, which wakes the task.
        (self.send.is_busy() && !self.stalled)
            || (self.send.queued() > 0 && !self.send.is_congested())
    }

    /// Returns `true` if the other half must be woken, and resets the flag.
    pub(crate) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.news)
    }

    /// Records that the other half must be woken.
    pub(crate) fn set_news(&mut self) {
        self.news = true;
    }

    /// Returns the sending half of the core. Lends it memory for the frames that are about to be
    /// queued.
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

    /// Gives back memory that is mostly unused.
    #[inline]
    pub(crate) fn reclaim(&mut self) {
        self.reclaim_buffer();
        self.reclaim_compressor();
        self.meter_queue();
    }

    /// Gives back the buffer if it is mostly unused.
    #[inline]
    pub(crate) fn reclaim_buffer(&mut self) {
        if !self.send.lending().wants_buffer()
            && let Some(buffer) = self.send.lending().reclaim()
        {
            pool::give_buffer(buffer);
        }
    }

    /// Gives back the memory of the compressor if it is not needed now.
    #[inline]
    pub(crate) fn reclaim_compressor(&mut self) {
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

    /// Returns the error of sending on a connection that is closing or has ended.
    pub(crate) fn closed(&self) -> Error {
        match (self.send.peer_close(), self.state.write_fault()) {
            (None, Some(kind)) => Error::Io(kind.into()),
            (close, _) => Error::Closed(close.cloned().map(Box::new)),
        }
    }

    /// Converts the error of queuing.
    #[cold]
    pub(crate) fn refused(&self, error: SendError) -> Error {
        match error {
            SendError::Closing => self.closed(),
            error => Error::Send(error),
        }
    }

    /// Calls `queue` with the sending half of the core and converts its error.
    #[inline]
    pub(crate) fn queue_by<R>(
        &mut self,
        queue: impl FnOnce(&mut SendHalf) -> Result<R, SendError>,
    ) -> Result<R, Error> {
        let queued = queue(self.lent());
        self.meter_queue();
        queued.map_err(|error| self.refused(error))
    }

    /// Queues a message, even if there is no room.
    #[inline]
    pub(crate) fn queue<'m>(&mut self, message: impl IntoOutgoing<'m>) -> Result<(), Error> {
        self.queue_by(|send| send.message(message))
    }

    /// Queues a message if there is room and the message is of the most frequent kind: see
    /// [`SendLending::queue_plain`](ws_proto::SendLending::queue_plain).
    #[inline(always)]
    pub(crate) fn feed_plain(&mut self, message: &Outgoing<'_>) -> bool {
        let send = &mut self.send;
        send.has_room() && send.lending().queue_plain(message, pool::take_buffer)
    }

    /// Queues a message if this is possible without waiting. Returns the message in the error
    /// otherwise.
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
        // This cannot fail: the connection is open and no message is unfinished.
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
            send: Seated::new(send),
            state: State::Open(io),
            clock: Clock::new(),
            unflushed: false,
            stalled: false,
            burst: 0,
            written: 0,
            input_blocked: false,
            news: false,
        }
    }

    /// Waits until there is room.
    pub(crate) fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.check_open()?;
        ready!(self.poll_turn(cx));
        while !self.send.has_room() {
            match self.poll_flush(cx) {
                Poll::Ready(result) => result?,
                Poll::Pending if self.send.has_room() => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(self.check_open())
    }

    /// Yields to the executor after many writes. Also carries out an order to close, because a
    /// connection to a fast peer never waits.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.burst < WRITES_PER_BURST {
            return Poll::Ready(());
        }
        self.burst = 0;
        self.obey(cx, None);
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Waits for room, queues `message`, and writes and flushes everything that is queued.
    ///
    /// A large borrowed payload is written from the caller's memory. Only the part that the
    /// transport does not take at once is copied.
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
                // The flush below reports the same error.
                let _ = self.poll_write_out(cx, &mut lent);
                self.send.lending().keep_payload(lent);
            }
        }
        self.poll_flush(cx)
    }

    /// Writes and flushes everything that is queued, including our Close. After the end of the
    /// connection, this succeeds if the end was clean and everything had been sent.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match &self.state {
            State::Ended(ended) if ended.all_sent && ended.result.is_ok() => Poll::Ready(Ok(())),
            State::Open(_) | State::Draining(..) if self.is_clean() || !self.send.has_ended() => {
                if self.has_work() {
                    ready!(self.poll_turn(cx));
                }
                match self.poll_write_out(cx, &mut &[][..]) {
                    Poll::Ready(result) => Poll::Ready(result.map_err(Error::Io)),
                    Poll::Pending => self.poll_stall(cx),
                }
            }
            _ => Poll::Ready(Err(self.closed())),
        }
    }

    /// Writes everything that is queued, including the lent payload. While this is pending, `lent`
    /// holds the part that has not been written. Once this is ready, `lent` is empty.
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
            // The lent payload has been written. The next call writes and flushes the rest of the
            // queue.
            Poll::Pending => Ok(()),
            Poll::Ready(done) => done,
        };
        *lent = &[];
        Poll::Ready(done)
    }

    /// Waits for the deadline that applies while the transport takes nothing, and returns the
    /// error.
    fn poll_stall(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(self.poll_expire_sending(cx));
        Poll::Ready(Err(self.fault()))
    }

    /// Writes and flushes everything that is queued, including the lent payload, and gives back
    /// unused memory.
    pub(crate) fn poll_write_out(
        &mut self,
        cx: &mut Context<'_>,
        lent: &mut &[u8],
    ) -> Poll<io::Result<()>> {
        let result = self.poll_write_queue(cx, lent);
        self.reclaim();
        result
    }

    /// Does the same as [`poll_write_out`](Self::poll_write_out), but keeps the memory. The caller
    /// must give it back.
    pub(crate) fn poll_write_queue(
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
            // The transport has taken everything that was queued. The rest of a message is still
            // being compressed.
            Poll::Pending if self.send.queued() == 0 && !self.unflushed => self.burst = 0,
            Poll::Pending => {
                self.burst = 0;
                self.stalled = true;
                self.send.stalled();
            }
        }
        result
    }

    /// Writes and flushes plain messages if the transport takes them in one write. Returns `true`
    /// if nothing is left to do but to queue more of them: see
    /// [`SendLending::is_plain`](ws_proto::SendLending::is_plain).
    ///
    /// After `false`, [`poll_write_queue`](Self::poll_write_queue) continues.
    #[inline]
    pub(crate) fn poll_answers(&mut self, cx: &mut Context<'_>) -> bool {
        let (true, State::Open(io)) = (self.send.lending().is_plain(), &mut self.state) else {
            return false;
        };
        self.input_blocked = false;
        if self.unflushed || self.stalled {
            return false;
        }
        let Some(bytes) = self.send.lending().contiguous() else {
            return self.send.queued() == 0;
        };
        match io.poll_write_vectored(cx, &[IoSlice::new(bytes)]) {
            Poll::Ready(Ok(len)) if len > 0 => self.wrote(&mut &[][..], len),
            Poll::Ready(result) => return self.note_failure(result),
            Poll::Pending => return false,
        }
        let Some(io) = self.state.io().filter(|_| self.send.queued() == 0) else {
            return false;
        };
        match io.poll_flush(cx) {
            Poll::Ready(Ok(())) => {
                self.unflushed = false;
                true
            }
            Poll::Ready(result) => self.note_failure(result),
            Poll::Pending => false,
        }
    }

    /// Records a failed write or flush, unless it is to be repeated. Returns `false`.
    #[cold]
    fn note_failure<R>(&mut self, result: io::Result<R>) -> bool {
        if let Err(error) = result
            && error.kind() != io::ErrorKind::Interrupted
        {
            self.write_failed(error.kind());
        }
        false
    }

    /// Starts draining after a write has failed, and discards the queue. A connection that still
    /// receives must not keep queuing output that cannot be written.
    #[cold]
    fn write_failed(&mut self, kind: io::ErrorKind) {
        if let Some((draining, _)) = self.state.start_draining()
            && draining.write_fault.is_none()
        {
            draining.write_fault = Some(kind);
            self.send.lose_queue();
            self.send.output_lost();
            self.news = true;
        }
    }

    fn poll_write_all(&mut self, cx: &mut Context<'_>, lent: &mut &[u8]) -> Poll<io::Result<()>> {
        loop {
            while self.send.queued() > 0 {
                ready!(self.poll_write_once(cx, lent))?;
            }
            if self.unflushed {
                ready!(
                    self.state
                        .io()
                        .ok_or(io::ErrorKind::NotConnected)?
                        .poll_flush(cx)
                )?;
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

    fn poll_write_once(&mut self, cx: &mut Context<'_>, lent: &mut &[u8]) -> Poll<io::Result<()>> {
        let io = self.state.io().ok_or(io::ErrorKind::NotConnected)?;
        let written = match &*self.send.lending().io_slices(lent) {
            // A `Feed` was forgotten (`mem::forget`), so the rest of its lent payload is missing.
            [] => Ok(0),
            slices => ready!(io.poll_write_vectored(cx, slices)),
        };
        Poll::Ready(match written {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            Ok(len) => {
                self.wrote(lent, len);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(error),
        })
    }

    /// Records that the transport took `len` bytes.
    #[inline]
    fn wrote(&mut self, lent: &mut &[u8], len: usize) {
        self.send.lending().advance(lent, len);
        self.unflushed = true;
        self.news |= self.stalled;
        self.written = self.written.wrapping_add(len);
        self.burst = self.burst.wrapping_add(1);
    }

    /// Returns `true` if another look ahead is due, because enough was written since the last one.
    #[inline]
    pub(crate) fn wants_look(&self) -> bool {
        self.written >= WRITTEN_PER_LOOK
    }

    /// Records a look ahead.
    pub(crate) fn record_look(&mut self, input_blocked: bool) {
        self.written = 0;
        self.input_blocked = input_blocked;
    }

    /// Records the time of a Pong that has just arrived, if its round trip is measured.
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

    /// Writes everything that is queued and waits for the Pong to the Ping with this number. The
    /// other half receives the Pong.
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
        match self.obey(cx, Some(Direction::Sending)) {
            true => Poll::Ready(Err(self.fault())),
            false => Poll::Pending,
        }
    }
}

impl<W, M> fmt::Debug for WriteState<W, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WriteState").field(&self.send).finish()
    }
}
