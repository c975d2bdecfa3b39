//! Receiving: the loop of a connection. Step, show control frames, write, read, and end in order.
//!
//! All progress lives in [`ReadState`] and [`WriteState`], none in a future, so that a future may be dropped at any
//! point.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use ws_proto::{Chunk, Control, Message, MessageKind, RecvHalf, SendHalf, Step};

use crate::error::Error;
use crate::pool;
use crate::state::Cause;
use crate::transport::{ReadHalf, Timer, Transport, WriteHalf};
use crate::write_state::WriteState;

/// Reads without a message, or of bytes to discard, after which other tasks get a turn.
pub(crate) const READS_PER_TURN: u32 = 32;

/// Reads without a wait, after which other tasks get a turn although each may have brought messages: whoever has a
/// peer that never stops talking would otherwise never give way, unless the runtime sees to it.
const READS_PER_BURST: u32 = 128;

/// Messages to discard, after which other tasks get a turn.
pub(crate) const MESSAGES_PER_TURN: u32 = 128;

/// Control frames to observe, after which other tasks get a turn.
pub(crate) const CONTROLS_PER_TURN: u32 = 256;

/// Reads without a wait, after which time limits count although there is more to read. What was under way to a user
/// who was busy, a Pong among it, is less than that many blocks.
const READS_PER_LIMIT: u32 = 256;

/// A message or a control frame. See [`WebSocket::recv_any`](crate::WebSocket::recv_any).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A whole message.
    Message(Message),
    /// A Ping, Pong or Close.
    Control(Control),
}

/// Someone who watches control frames. The lock is never taken: it makes the connection `Sync` though the observer need
/// not be.
pub(crate) type Observer = Box<Mutex<dyn FnMut(&Control) + Send>>;

pub(crate) fn observe(observer: &mut Observer, control: &Control) {
    let observer = observer.get_mut();
    (observer.unwrap_or_else(PoisonError::into_inner))(control);
}

/// The parts that receiving needs beside its own state: the transport, and the state of sending.
pub(crate) trait Wire {
    type Io: WriteHalf;
    type Timer: Timer;

    /// The state of sending, behind its lock if the connection is split.
    fn write_state(&mut self) -> &mut WriteState<Self::Io, Self::Timer>;

    /// Reads as [`ReadHalf::poll_read`] does.
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Calls `observer`, while no lock is held: it may use the other half.
    fn show(&mut self, observer: &mut Observer, control: &Control) {
        observe(observer, control);
    }
}

/// A connection in one piece.
impl<T: Transport> Wire for WriteState<T, T::Timer> {
    type Io = T;
    type Timer = T::Timer;

    #[inline]
    fn write_state(&mut self) -> &mut Self {
        self
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        poll_read(self.state.io(), cx, buffer)
    }
}

/// Reads from the transport, if there is one: no bytes are the end.
pub(crate) fn poll_read(
    io: Option<&mut impl ReadHalf>,
    cx: &mut Context<'_>,
    buffer: &mut [u8],
) -> Poll<io::Result<usize>> {
    let Some(io) = io else {
        return Poll::Ready(Ok(0));
    };
    loop {
        match ready!(io.poll_read(cx, buffer)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return Poll::Ready(result),
        }
    }
}

/// Everything about receiving that changes, but the transport.
pub(crate) struct ReadState {
    pub(crate) recv: RecvHalf,
    pub(crate) observer: Option<Observer>,
    /// Reads since one had to wait.
    reads: u32,
    /// Reads since one had to wait or other tasks got a turn.
    burst: u32,
}

impl ReadState {
    pub(crate) fn new(recv: RecvHalf) -> Self {
        Self {
            recv,
            observer: None,
            reads: 0,
            burst: 0,
        }
    }

    /// Goes to the next message if it lies whole in the block: the short path, which needs nothing of sending.
    #[inline]
    pub(crate) fn next_plain(&mut self) -> bool {
        let is_next = self.recv.next_plain();
        if is_next {
            self.settle();
        }
        is_next
    }

    /// Goes to the next message: `true` if there is one in `recv`, `false` at the end of the connection.
    pub(crate) fn poll_message(
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

    /// Goes to the next piece of a message, or to its end. `None` at the end of the connection.
    pub(crate) fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
        wire: &mut impl Wire,
    ) -> Poll<Result<Option<Chunk>, Error>> {
        self.poll_step(cx, wire, RecvHalf::next_chunk)
    }

    /// Takes steps of one kind until one finds something, or to the end of the connection: `None`.
    ///
    /// Queued output is offered to the transport before each read.
    fn poll_step<W: Wire, F>(
        &mut self,
        cx: &mut Context<'_>,
        wire: &mut W,
        step: impl Fn(&mut RecvHalf, &mut SendHalf) -> Step<F>,
    ) -> Poll<Result<Option<F>, Error>> {
        let mut turn_reads = 0;
        let mut controls = 0;
        while turn_reads < READS_PER_TURN && controls < CONTROLS_PER_TURN {
            let write = wire.write_state();
            match step(&mut self.recv, &mut write.send) {
                Step::Found(found) => {
                    self.reclaim_decompressor();
                    self.settle();
                    return Poll::Ready(Ok(Some(found)));
                }
                Step::Control(control) => controls += self.note(&control, wire),
                Step::Busy => break,
                Step::NeedInput if !write.state.is_ended() => {
                    ready!(self.poll_fill(cx, wire));
                    turn_reads += 1;
                }
                Step::Ended | Step::NeedInput => {
                    pool::give_block(self.recv.lending().discard());
                    ready!(self.poll_known_end(cx, wire));
                    return Poll::Ready(wire.write_state().report());
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Takes note of a control frame, which was answered: how many were shown to the observer.
    pub(crate) fn note(&mut self, control: &Control, wire: &mut impl Wire) -> u32 {
        let write = wire.write_state();
        write.date_pongs();
        if !write.send.is_open() {
            write.tell();
        }
        let Some(observer) = &mut self.observer else {
            return 0;
        };
        wire.show(observer, control);
        1
    }

    /// Gives the block back if little of it is in use: the user may keep the message for long.
    #[inline]
    fn settle(&mut self) {
        if let Some(block) = self.recv.lending().settle() {
            pool::give_block(block);
        }
    }

    /// Gives back what decompressed a message, if the next does not refer to it.
    fn reclaim_decompressor(&mut self) {
        if let Some(memory) = self.recv.lending().reclaim_decompressor() {
            pool::give_decompressor(memory);
        }
    }

    /// As [`poll_message`](Self::poll_message), but a message that is there already, or comes, stays for the next
    /// receive.
    pub(crate) fn poll_drive(
        &mut self,
        cx: &mut Context<'_>,
        wire: &mut impl Wire,
    ) -> Poll<Result<bool, Error>> {
        if self.recv.is_holding() && !wire.write_state().state.is_ended() {
            // What is queued leaves all the same.
            let _ = wire.write_state().poll_write_out(cx, &mut &[][..]);
        }
        let found = ready!(self.poll_message(cx, wire))?;
        self.recv.hold();
        Poll::Ready(Ok(found))
    }

    /// As [`poll_message`](Self::poll_message), but waits until less than the high-water mark is queued, so that the
    /// message can be answered at once.
    pub(crate) fn poll_message_and_room(
        &mut self,
        cx: &mut Context<'_>,
        wire: &mut impl Wire,
    ) -> Poll<Result<bool, Error>> {
        ready!(self.poll_room(cx, wire));
        let found = ready!(self.poll_message(cx, wire))?;
        if found && !wire.write_state().send.has_room() {
            // The reply to a control frame in front of it took what room there was.
            self.recv.hold();
            ready!(self.poll_room(cx, wire));
            return self.poll_message(cx, wire);
        }
        Poll::Ready(Ok(found))
    }

    /// Waits until less than the high-water mark is queued, or there is no point in it.
    fn poll_room(&mut self, cx: &mut Context<'_>, wire: &mut impl Wire) -> Poll<()> {
        let write = wire.write_state();
        if write.send.has_room() || write.send.has_ended() || write.state.is_ended() {
            return Poll::Ready(());
        }
        // A message that was looked at has its answer in the queue: both at once would be twice the memory.
        self.recv.drop_message();
        if write.poll_write_out(cx, &mut &[][..]).is_pending() && !write.send.has_room() {
            self.look_ahead(cx, wire);
            let write = wire.write_state();
            // Nothing wakes those who wait behind the end.
            if !write.send.has_ended() && !write.state.is_ended() {
                return write.poll_expire_sending(cx);
            }
        }
        Poll::Ready(())
    }

    /// Reads once; before that, offers the transport what is queued. Pending also waits for time limits.
    fn poll_fill(&mut self, cx: &mut Context<'_>, wire: &mut impl Wire) -> Poll<()> {
        let write = wire.write_state();
        write.is_deaf = false;
        // Neither Pending nor an error here ends receiving: the peer's last words may still be on their way.
        let _ = write.poll_write_out(cx, &mut &[][..]);
        // What has arrived counts, however late it is looked at; but a peer that always has something to say does not
        // outlast a time limit.
        if self.reads >= READS_PER_LIMIT && write.poll_expire(cx).is_ready() {
            return Poll::Ready(());
        }
        if self.burst >= READS_PER_BURST {
            self.burst = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.lend();
        match wire.poll_read(cx, self.recv.spare()) {
            Poll::Ready(Ok(0)) => wire.write_state().end(Cause::End),
            Poll::Ready(Ok(len)) => {
                self.recv.filled(len);
                self.reads = self.reads.saturating_add(1);
                self.burst = self.burst.saturating_add(1);
            }
            Poll::Ready(Err(error)) => wire.write_state().read_failed(error),
            Poll::Pending => {
                self.reads = 0;
                self.burst = 0;
                return self.poll_wait(cx, wire);
            }
        }
        Poll::Ready(())
    }

    /// Lends memory for a read and what may come of it.
    fn lend(&mut self) {
        let mut lending = self.recv.lending();
        if let Some(len) = lending.wants_block() {
            pool::give_block(lending.lend(pool::take_block(len)));
        }
        if lending.wants_decompressor() {
            pool::lend_decompressor(&mut self.recv);
        }
    }

    /// Makes ready for a wait and waits for time limits: a waiting connection holds no block.
    fn poll_wait(&mut self, cx: &mut Context<'_>, wire: &mut impl Wire) -> Poll<()> {
        let write = wire.write_state();
        if write.state.write_fault().is_some() {
            write.end(Cause::End);
            return Poll::Ready(());
        }
        self.reclaim_decompressor();
        pool::give_block(self.recv.lending().park(&mut write.send));
        // Parking may have found a violation, and time may be up, or have come for a Ping.
        if write.send.has_ended() || write.poll_expire(cx).is_ready() || write.wants_write() {
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

impl Drop for ReadState {
    /// The block returns to the pool of the thread that drops the connection.
    fn drop(&mut self) {
        pool::give_block(self.recv.lending().discard());
    }
}
