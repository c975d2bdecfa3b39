//! The receive loop of a connection: take a step, show control frames to the observer, write, read,
//! and finally end the connection cleanly.
//!
//! All progress is kept in [`ReadState`] and [`WriteState`] and none in a future. So every future
//! may be dropped at any point.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use ws_proto::{Chunk, Control, Message, MessageKind, RecvHalf, SendHalf, Step};

use crate::error::Error;
use crate::pool;
#[cfg(feature = "stats")]
use crate::serve::LastCount;
use crate::state::Cause;
use crate::transport::{Timer, Transport, WriteHalf};
use crate::write_state::WriteState;

/// The number of reads in one poll before it yields to the executor. This counts the reads that
/// complete no message, and the reads of input that is discarded.
pub(crate) const READS_PER_TURN: u32 = 32;

/// The number of reads without a wait before the connection yields to the executor, even if each
/// read brought messages.
///
/// A task whose peer always has more to send would otherwise never yield, unless the runtime forces
/// it to.
const READS_PER_BURST: u32 = 128;

/// The number of discarded messages before the connection yields to the executor.
pub(crate) const MESSAGES_PER_TURN: u32 = 128;

/// The number of control frames shown to the observer before the connection yields to the executor.
pub(crate) const CONTROLS_PER_TURN: u32 = 256;

/// The number of reads without a wait after which timeouts are enforced even if more input is
/// available.
///
/// Input that arrived while the caller was busy, such as a Pong, is handled before the timeouts:
/// such input is shorter than this number of blocks.
const READS_PER_LIMIT: u32 = 256;

/// A message or a control frame. See [`WebSocket::recv_any`](crate::WebSocket::recv_any).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A whole message.
    Message(Message),
    /// A Ping, Pong or Close.
    Control(Control),
}

/// The caller's observer of control frames. The mutex is never locked. It makes the connection
/// `Sync` even if the observer is not `Sync`.
pub(crate) type Observer = Box<Mutex<dyn FnMut(&Control) + Send>>;

pub(crate) fn observe(observer: &mut Observer, control: &Control) {
    let observer = observer.get_mut();
    (observer.unwrap_or_else(PoisonError::into_inner))(control);
}

/// The parts that receiving needs in addition to [`ReadState`]: the transport and the state of
/// sending.
pub(crate) trait Wire {
    type Io: WriteHalf;
    type Timer: Timer;

    /// Returns the state of sending. If the connection is split, this takes the lock.
    fn write_state(&mut self) -> &mut WriteState<Self::Io, Self::Timer>;

    /// Reads as [`ReadHalf::poll_read`](crate::transport::ReadHalf::poll_read) does.
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Reads as [`ReadHalf::poll_next_read`](crate::transport::ReadHalf::poll_next_read) does.
    fn poll_next_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>>;

    /// Calls `observer` without holding the lock, because the observer may use the other half.
    fn show(&mut self, observer: &mut Observer, control: &Control) {
        observe(observer, control);
    }
}

/// The wire of a connection that is not split.
impl<T: Transport> Wire for WriteState<T, T::Timer> {
    type Io = T;
    type Timer = T::Timer;

    #[inline]
    fn write_state(&mut self) -> &mut Self {
        self
    }

    #[inline(always)]
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        poll_read(self.state.io(), |io| io.poll_read(cx, buffer))
    }

    #[inline(always)]
    fn poll_next_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        poll_read(self.state.io(), |io| io.poll_next_read(cx, buffer))
    }
}

/// Reads from the transport by `read`. Repeats a read that was interrupted. If the transport was
/// dropped, returns 0, which means the end of the input.
#[inline(always)]
pub(crate) fn poll_read<T>(
    io: Option<&mut T>,
    mut read: impl FnMut(&mut T) -> Poll<io::Result<usize>>,
) -> Poll<io::Result<usize>> {
    let Some(io) = io else {
        return Poll::Ready(Ok(0));
    };
    loop {
        match ready!(read(io)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return Poll::Ready(result),
        }
    }
}

/// The state of receiving, without the transport.
pub(crate) struct ReadState {
    pub(crate) recv: RecvHalf,
    pub(crate) observer: Option<Observer>,
    /// The number of reads since the last wait for input.
    reads: u32,
    /// The number of reads since the last wait for input or the last yield to the executor.
    burst: u32,
    /// Present if the connection is in a registry.
    #[cfg(feature = "stats")]
    pub(crate) last_count: LastCount,
}

impl ReadState {
    pub(crate) fn new(recv: RecvHalf) -> Self {
        Self {
            recv,
            observer: None,
            reads: 0,
            burst: 0,
            #[cfg(feature = "stats")]
            last_count: LastCount::default(),
        }
    }

    /// Passes the counters to the state of sending, which shows them to others.
    #[cfg(feature = "stats")]
    pub(crate) fn publish<W, M>(&self, write: &mut WriteState<W, M>) {
        write.send.received = self.recv.traffic();
    }

    /// Does nothing, because nothing is counted.
    #[cfg(not(feature = "stats"))]
    #[inline(always)]
    pub(crate) fn publish<W, M>(&self, _: &mut WriteState<W, M>) {}

    /// Goes to the next message if it is complete in the block. This is the fast path, which does
    /// not need the state of sending.
    #[inline]
    pub(crate) fn next_plain(&mut self) -> bool {
        let is_next = self.recv.next_plain();
        if is_next {
            self.settle();
        }
        is_next
    }

    /// Goes to the next message. Returns `true` once it is available in `recv`, and `false` at the
    /// end of the connection.
    #[inline]
    pub(crate) fn poll_message(
        &mut self,
        cx: &mut Context<'_>,
        wire: &mut impl Wire,
    ) -> Poll<Result<bool, Error>> {
        match self.poll_exchange(cx, wire) {
            Some(polled) => polled.map(|()| Ok(true)),
            None => self.poll_any_message(cx, wire),
        }
    }

    /// Does the same as [`poll_message`](Self::poll_message) in every state of the connection.
    #[inline(never)]
    fn poll_any_message(
        &mut self,
        cx: &mut Context<'_>,
        wire: &mut impl Wire,
    ) -> Poll<Result<bool, Error>> {
        self.poll_step(cx, wire, RecvHalf::next_message)
            .map_ok(|found| found.is_some())
    }

    /// Goes to the next message or control frame.
    pub(crate) fn poll_any(
        &mut self,
        cx: &mut Context<'_>,
        wire: &mut impl Wire,
    ) -> Poll<Result<Option<Incoming>, Error>> {
        self.recv.keep_controls();
        let step = |recv: &mut RecvHalf, send: &mut SendHalf| match recv.next_message(send) {
            Step::Control(control) => Step::Found(Some(control)),
            Step::Found(()) => Step::Found(None),
            Step::NeedInput => Step::NeedInput,
            Step::Busy => Step::Busy,
            Step::Ended => Step::Ended,
        };
        let Some(control) = ready!(self.poll_step(cx, wire, step))? else {
            return Poll::Ready(Ok(None));
        };
        Poll::Ready(Ok(match control {
            Some(control) => {
                self.note(&control, wire);
                Some(Incoming::Control(control))
            }
            None => self.recv.take_message().map(Incoming::Message),
        }))
    }

    /// Goes to the beginning of the next message. `None` at the end of the connection.
    pub(crate) fn poll_start(
        &mut self,
        cx: &mut Context<'_>,
        wire: &mut impl Wire,
    ) -> Poll<Result<Option<MessageKind>, Error>> {
        self.poll_step(cx, wire, RecvHalf::next_start)
    }

    /// Goes to the next piece of a message, or to the end of the message. `None` at the end of the
    /// connection.
    pub(crate) fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
        wire: &mut impl Wire,
    ) -> Poll<Result<Option<Chunk>, Error>> {
        self.poll_step(cx, wire, RecvHalf::next_chunk)
    }

    /// Takes steps of one kind until one finds something. `None` at the end of the connection.
    ///
    /// Writes queued output before each read.
    fn poll_step<W: Wire, F>(
        &mut self,
        cx: &mut Context<'_>,
        wire: &mut W,
        step: impl Fn(&mut RecvHalf, &mut SendHalf) -> Step<F>,
    ) -> Poll<Result<Option<F>, Error>> {
        let mut turn_reads = 0;
        let mut controls = 0;
        ready!(self.poll_memory(cx, wire));
        while turn_reads < READS_PER_TURN && controls < CONTROLS_PER_TURN {
            let write = wire.write_state();
            match step(&mut self.recv, &mut write.send) {
                Step::Found(found) => {
                    self.reclaim_decompressor();
                    self.settle();
                    self.meter_found(wire);
                    return Poll::Ready(Ok(Some(found)));
                }
                Step::Control(control) => controls += self.note(&control, wire),
                Step::Busy => {
                    if !self.may_grow(wire) {
                        ready!(self.poll_memory(cx, wire));
                    }
                    break;
                }
                Step::NeedInput if !write.state.is_ended() => {
                    ready!(self.poll_fill(cx, wire));
                    turn_reads += 1;
                }
                Step::Ended | Step::NeedInput => {
                    pool::give_block(self.recv.lending().discard());
                    self.publish(wire.write_state());
                    ready!(self.poll_known_end(cx, wire));
                    return Poll::Ready(wire.write_state().report());
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Processes a control frame that has been answered. Returns the number of calls of the
    /// observer: 0 or 1.
    pub(crate) fn note(&mut self, control: &Control, wire: &mut impl Wire) -> u32 {
        let write = wire.write_state();
        write.date_pongs();
        if !write.send.is_open() {
            write.set_news();
        }
        let Some(observer) = &mut self.observer else {
            return 0;
        };
        wire.show(observer, control);
        1
    }

    /// Gives the block back if little of it is in use, because the caller may keep the message for
    /// a long time.
    #[inline]
    fn settle(&mut self) {
        if let Some(block) = self.recv.lending().settle() {
            pool::give_block(block);
        }
    }

    /// Gives back the decompressor's memory, unless the next message may refer to its contents.
    #[inline]
    fn reclaim_decompressor(&mut self) {
        if let Some(memory) = self.recv.lending().reclaim_decompressor() {
            pool::give_decompressor(memory);
        }
    }

    /// Does the same as [`poll_message`](Self::poll_message), but leaves the message for the next
    /// receive.
    pub(crate) fn poll_drive(
        &mut self,
        cx: &mut Context<'_>,
        wire: &mut impl Wire,
    ) -> Poll<Result<bool, Error>> {
        if self.recv.is_holding() && !wire.write_state().state.is_ended() {
            // Queued output is written even though no input is needed.
            let _ = wire.write_state().poll_write_out(cx, &mut &[][..]);
        }
        // Control frames that arrive behind the held message are answered.
        self.recv.lending().expect_more();
        let found = ready!(self.poll_message(cx, wire))?;
        self.recv.hold();
        Poll::Ready(Ok(found))
    }

    /// Does the same as [`poll_message`](Self::poll_message), but also waits for room: the message
    /// can then be answered at once.
    pub(crate) fn poll_message_and_room(
        &mut self,
        cx: &mut Context<'_>,
        wire: &mut impl Wire,
    ) -> Poll<Result<bool, Error>> {
        if !wire.write_state().send.has_room() {
            ready!(self.poll_room(cx, wire));
        }
        let found = ready!(self.poll_any_message(cx, wire))?;
        if found && !wire.write_state().send.has_room() {
            // A control frame came before the message, and its answer has filled the queue.
            self.recv.hold();
            self.meter(wire);
            ready!(self.poll_room(cx, wire));
            return self.poll_any_message(cx, wire);
        }
        Poll::Ready(Ok(found))
    }

    /// Waits until there is room. Does not wait if the connection has ended.
    fn poll_room(&mut self, cx: &mut Context<'_>, wire: &mut impl Wire) -> Poll<()> {
        let write = wire.write_state();
        if write.send.has_room() || write.send.has_ended() || write.state.is_ended() {
            return Poll::Ready(());
        }
        // The answer to the last message is in the queue. To keep the message as well would take
        // twice the memory.
        self.recv.drop_message();
        if write.poll_write_out(cx, &mut &[][..]).is_pending() && !write.send.has_room() {
            self.look_ahead(cx, wire);
            let write = wire.write_state();
            // After the end, nothing would wake this task.
            if !write.send.has_ended() && !write.state.is_ended() {
                return write.poll_expire_sending(cx);
            }
        }
        Poll::Ready(())
    }

    /// Writes queued output and then reads once. While the read is pending, this also waits for
    /// deadlines.
    fn poll_fill(&mut self, cx: &mut Context<'_>, wire: &mut impl Wire) -> Poll<()> {
        let write = wire.write_state();
        write.input_blocked = false;
        // Receiving continues even after an error, because more input of the peer may be on its
        // way.
        if !write.is_written_out() {
            let _ = write.poll_write_queue(cx, &mut &[][..]);
        }
        let read = self.poll_input(cx, wire);
        if read.is_ready() {
            wire.write_state().reclaim();
        }
        read
    }

    /// Returns `true` if it is time to enforce timeouts or to yield to the executor, even if more
    /// input is available.
    #[inline]
    pub(crate) fn has_read_much(&self) -> bool {
        self.reads >= READS_PER_LIMIT || self.burst >= READS_PER_BURST
    }

    /// Records the start of a wait for input.
    #[inline]
    pub(crate) fn forget_reads(&mut self) {
        self.reads = 0;
        self.burst = 0;
    }

    /// Reads once. While the read is pending, this also waits for deadlines.
    #[inline]
    fn poll_input(&mut self, cx: &mut Context<'_>, wire: &mut impl Wire) -> Poll<()> {
        // Input that has arrived is handled before any timeout is enforced, even if it is read
        // late. But a peer that keeps sending must not suspend the timeouts forever.
        if self.reads >= READS_PER_LIMIT && wire.write_state().poll_expire(cx).is_ready() {
            return Poll::Ready(());
        }
        if self.burst >= READS_PER_BURST {
            self.burst = 0;
            wire.write_state().reclaim();
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if !self.may_grow(wire) {
            return self.poll_wait(cx, wire);
        }
        self.lend();
        match wire.poll_read(cx, self.recv.spare()) {
            Poll::Ready(read) => {
                self.take_read(read, wire);
                Poll::Ready(())
            }
            Poll::Pending => self.poll_wait(cx, wire),
        }
    }

    /// Takes the result of a read.
    #[inline]
    pub(crate) fn take_read(&mut self, read: io::Result<usize>, wire: &mut impl Wire) {
        match read {
            Ok(0) => {
                let write = wire.write_state();
                self.publish(write);
                write.end(Cause::End);
            }
            Ok(len) => {
                self.recv.filled(len);
                self.reads = self.reads.wrapping_add(1);
                self.burst = self.burst.wrapping_add(1);
            }
            Err(error) => {
                let write = wire.write_state();
                self.publish(write);
                write.read_failed(error);
            }
        }
    }

    /// Lends the memory for a read, and for decompressing the input.
    #[inline]
    fn lend(&mut self) {
        if let Some(len) = self.recv.lending().wants_block() {
            pool::lend_block(len, |block| self.recv.lending().lend(block));
        }
        if self.recv.lending().wants_decompressor() {
            pool::lend_decompressor(&mut self.recv);
        }
    }

    /// Waits for deadlines. Gives back the block first, and the buffer if it is empty, because a
    /// waiting connection holds neither.
    pub(crate) fn poll_wait(&mut self, cx: &mut Context<'_>, wire: &mut impl Wire) -> Poll<()> {
        self.forget_reads();
        let write = wire.write_state();
        if write.state.write_fault().is_some() {
            write.end(Cause::End);
            return Poll::Ready(());
        }
        self.reclaim_decompressor();
        let block = self.recv.lending().park(&mut write.send);
        pool::give_both(block, write.send.lending().reclaim());
        write.reclaim_compressor();
        self.publish(write);
        self.meter_wait(wire);
        let write = wire.write_state();
        // Parking may have found a violation. A deadline that passed may have queued a keepalive
        // Ping instead of ending the connection.
        if write.send.has_ended() || write.poll_expire(cx).is_ready() || write.wants_write() {
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

impl Drop for ReadState {
    /// Returns the block to the pool of the thread that drops the connection.
    fn drop(&mut self) {
        #[cfg(feature = "stats")]
        self.last_count.close(self.recv.traffic());
        pool::give_block(self.recv.lending().discard());
    }
}
