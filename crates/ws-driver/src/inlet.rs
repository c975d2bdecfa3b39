//! The receiving direction: the loop of a connection. Read, decode, reply, write, and end in order.
//!
//! All progress lives in [`Inlet`] and [`Outlet`], none in a future, so that a future may be dropped at any point.

use std::io;
use std::task::{Context, Poll, ready};

use ws_proto::{BlockReceiver, Chunk, Control, MessageKind, Ready, ReceiveError, Start};

use crate::error::Error;
use crate::outlet::Outlet;
use crate::pool;
use crate::transport::{ReadHalf, Timer, WriteHalf};

/// Reads without a message, or of octets to discard, after which other tasks get a turn.
const READS_PER_TURN: u32 = 32;

/// Reads without a wait, after which other tasks get a turn although each may have brought messages: whoever has a
/// peer that never stops talking would otherwise never give way, unless the runtime sees to it.
const READS_PER_BURST: u32 = 128;

/// Messages to discard, after which other tasks get a turn.
const MESSAGES_PER_TURN: u32 = 128;

/// Control frames to observe, after which other tasks get a turn.
pub(crate) const CONTROLS_PER_TURN: u32 = 256;

/// Reads without a wait, after which time limits count although there is more to read. What was under way to a user
/// who was busy, a Pong among it, is less than that many blocks.
const READS_PER_LIMIT: u32 = 256;

/// Someone who watches control frames.
pub(crate) type Observer = Box<dyn FnMut(&Control) + Send + Sync>;

/// A control frame for the observer to see.
pub(crate) struct Observed {
    observer: Observer,
    control: Control,
}

impl Observed {
    /// Calls the observer, and returns it.
    pub(crate) fn show(mut self) -> Observer {
        (self.observer)(&self.control);
        self.observer
    }
}

/// What a look at the input found.
#[allow(clippy::large_enum_variant)] // Short-lived return value.
pub(crate) enum Look<F> {
    Control(Control),
    Found(F),
    NeedMore,
}

/// What became of a message that [`Inlet::poll_drive`] found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Found {
    /// There is none.
    #[default]
    No,
    /// It waits to be received.
    Waiting,
    /// It is being read piece by piece: as one piece.
    ToPassOn,
    /// Its piece was given.
    PassedOn,
}

/// Everything about receiving that moves, but the transport itself.
pub(crate) struct Inlet {
    pub(crate) recv: BlockReceiver,
    pub(crate) observer: Option<Observer>,
    /// What the observer is to see before anything else happens.
    observed: Option<Box<Control>>,
    /// The message in `recv` that was found without being received.
    pub(crate) found: Found,
    /// Reads since one had to wait.
    reads: u32,
    /// Reads since one had to wait or other tasks got a turn.
    burst: u32,
    /// The peer's direction of the transport was ended.
    input_ended: bool,
}

impl Inlet {
    pub(crate) fn new(recv: BlockReceiver) -> Self {
        Inlet {
            recv,
            observer: None,
            observed: None,
            found: Found::No,
            reads: 0,
            burst: 0,
            input_ended: false,
        }
    }

    /// Takes the observer out together with what it is to see.
    pub(crate) fn take_observed(&mut self) -> Option<Observed> {
        let control = *self.observed.take()?;
        let observer = self.observer.take()?;
        Some(Observed { observer, control })
    }

    /// Calls the observer if a poll stopped for it: then it is to be polled again.
    pub(crate) fn show_observer(&mut self) -> bool {
        let Some(observed) = self.take_observed() else {
            return false;
        };
        self.observer = Some(observed.show());
        true
    }

    /// Goes to what `look` looks for, or to the end of the connection: `None`.
    ///
    /// What is queued is offered to the transport before each read. Pending also stands for a stop at a control frame
    /// that the observer is to see ([`show_observer`](Self::show_observer)).
    pub(crate) fn poll_search<M: Timer, F>(
        &mut self,
        cx: &mut Context<'_>,
        io: Option<&mut (impl ReadHalf + WriteHalf)>,
        outlet: &mut Outlet<M>,
        look: impl Fn(&mut BlockReceiver) -> Result<Look<F>, ReceiveError>,
    ) -> Poll<Result<Option<F>, Error>> {
        let mut io = io;
        for _ in 0..READS_PER_TURN {
            while !outlet.out.side.ignores_input() {
                match look(&mut self.recv) {
                    Ok(Look::NeedMore) if self.recv.is_busy() => {
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    Ok(Look::NeedMore) => break,
                    Ok(Look::Control(control)) => {
                        self.control(&control, outlet);
                        if self.observer.is_some() {
                            self.observed = Some(Box::new(control));
                            return Poll::Pending;
                        }
                    }
                    Ok(Look::Found(found)) => {
                        self.reclaim_decompressor();
                        self.settle();
                        return Poll::Ready(Ok(Some(found)));
                    }
                    Err(error) => outlet.fail(error),
                }
            }
            let Some(io) = io.as_deref_mut() else {
                return Poll::Ready(outlet.report());
            };
            if outlet.out.side.has_ended() {
                pool::give_block(self.recv.discard());
                ready!(self.poll_end(cx, io, outlet));
                return Poll::Ready(outlet.report());
            }
            ready!(self.poll_fill(cx, io, outlet));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Goes to the next message if that is all there is to do, without a look at anything else: the short way of
    /// [`poll_message`](Self::poll_message), and while there is room, of
    /// [`poll_message_and_room`](Self::poll_message_and_room).
    #[inline]
    pub(crate) fn next_whole<M: Timer>(&mut self, outlet: &Outlet<M>) -> bool {
        let is_next =
            self.found == Found::No && !outlet.out.side.ignores_input() && self.recv.next_whole();
        if is_next {
            self.settle();
        }
        is_next
    }

    /// Gives the block back if little of it is in use: the user may keep the message for long.
    #[inline]
    fn settle(&mut self) {
        if let Some(block) = self.recv.settle() {
            pool::give_block(block);
        }
    }

    /// Gives back what decompressed a message, if the next does not refer to it.
    fn reclaim_decompressor(&mut self) {
        if let Some(memory) = self.recv.side_mut().reclaim_decompressor() {
            pool::give_decompressor(memory);
        }
    }

    /// As [`poll_message`](Self::poll_message), but a message that is there already, or comes, stays for the next
    /// receive.
    pub(crate) fn poll_drive<M: Timer>(
        &mut self,
        cx: &mut Context<'_>,
        io: Option<&mut (impl ReadHalf + WriteHalf)>,
        outlet: &mut Outlet<M>,
    ) -> Poll<Result<bool, Error>> {
        let mut io = io;
        if let (Found::Waiting, Some(io)) = (self.found, io.as_deref_mut()) {
            // What is queued leaves all the same.
            let _ = outlet.poll_drain(cx, io);
        }
        let found = ready!(self.poll_message(cx, io, outlet))?;
        if found {
            self.found = Found::Waiting;
        }
        Poll::Ready(Ok(found))
    }

    /// Goes to the next message: `true` if there is one in `recv`, `false` at the end of the connection.
    #[inline]
    pub(crate) fn poll_message<M: Timer>(
        &mut self,
        cx: &mut Context<'_>,
        io: Option<&mut (impl ReadHalf + WriteHalf)>,
        outlet: &mut Outlet<M>,
    ) -> Poll<Result<bool, Error>> {
        if std::mem::take(&mut self.found) == Found::Waiting {
            return Poll::Ready(Ok(true));
        }
        self.poll_search(cx, io, outlet, |recv| {
            Ok(match recv.poll()? {
                None => Look::NeedMore,
                Some(Ready::Control(control)) => Look::Control(control),
                Some(Ready::Message) => Look::Found(()),
            })
        })
        .map_ok(|found| found.is_some())
    }

    /// Goes to the beginning of the next message. `None` at the end of the connection.
    pub(crate) fn poll_start<M: Timer>(
        &mut self,
        cx: &mut Context<'_>,
        io: Option<&mut (impl ReadHalf + WriteHalf)>,
        outlet: &mut Outlet<M>,
    ) -> Poll<Result<Option<MessageKind>, Error>> {
        if std::mem::take(&mut self.found) == Found::Waiting
            && let Some(message) = self.recv.message()
        {
            let kind = message.kind();
            self.found = if message.as_bytes().is_empty() {
                Found::PassedOn
            } else {
                Found::ToPassOn
            };
            return Poll::Ready(Ok(Some(kind)));
        }
        self.poll_search(cx, io, outlet, |recv| {
            Ok(match recv.poll_start()? {
                None => Look::NeedMore,
                Some(Start::Control(control)) => Look::Control(control),
                Some(Start::Message(kind)) => Look::Found(kind),
            })
        })
    }

    /// Goes to the next piece of a message, `true`, or to its end, `false`. `None` at the end of the connection.
    pub(crate) fn poll_chunk<M: Timer>(
        &mut self,
        cx: &mut Context<'_>,
        io: Option<&mut (impl ReadHalf + WriteHalf)>,
        outlet: &mut Outlet<M>,
    ) -> Poll<Result<Option<bool>, Error>> {
        match self.found {
            Found::ToPassOn => {
                self.found = Found::PassedOn;
                return Poll::Ready(Ok(Some(true)));
            }
            Found::PassedOn => {
                self.found = Found::No;
                return Poll::Ready(Ok(Some(false)));
            }
            Found::No | Found::Waiting => {}
        }
        self.poll_search(cx, io, outlet, |recv| {
            Ok(match recv.poll_chunk()? {
                None => Look::NeedMore,
                Some(Chunk::Control(control)) => Look::Control(control),
                Some(Chunk::Data) => Look::Found(true),
                Some(Chunk::End) => Look::Found(false),
            })
        })
    }

    /// The piece that [`poll_chunk`](Self::poll_chunk) went to.
    pub(crate) fn chunk(&self) -> &[u8] {
        match (self.found, self.recv.message()) {
            (Found::PassedOn, Some(message)) => message.as_bytes(),
            _ => self.recv.chunk(),
        }
    }

    /// As [`poll_message`](Self::poll_message), but waits until less than the high-water mark is queued, so that the
    /// message can be answered at once.
    pub(crate) fn poll_message_and_room<M: Timer>(
        &mut self,
        cx: &mut Context<'_>,
        io: Option<&mut (impl ReadHalf + WriteHalf)>,
        outlet: &mut Outlet<M>,
    ) -> Poll<Result<bool, Error>> {
        let mut io = io;
        ready!(self.poll_room(cx, io.as_deref_mut(), outlet));
        let found = ready!(self.poll_message(cx, io.as_deref_mut(), outlet))?;
        if found && !outlet.out.side.has_room() {
            // The reply to a control frame in front of it took what room there was.
            self.found = Found::Waiting;
            ready!(self.poll_room(cx, io, outlet));
            self.found = Found::No;
        }
        Poll::Ready(Ok(found))
    }

    /// Waits until less than the high-water mark is queued, or there is no point in it.
    fn poll_room<M: Timer>(
        &mut self,
        cx: &mut Context<'_>,
        io: Option<&mut impl WriteHalf>,
        outlet: &mut Outlet<M>,
    ) -> Poll<()> {
        let Some(io) = io else {
            return Poll::Ready(());
        };
        if outlet.out.side.has_room() || outlet.out.side.has_ended() {
            return Poll::Ready(());
        }
        if self.found != Found::Waiting {
            // It was looked at, and its answer is in the queue: both at once would be twice the memory.
            self.recv.drop_message();
        }
        if outlet.poll_drain(cx, io).is_pending() && !outlet.out.side.has_room() {
            return outlet.poll_expire_sending(cx);
        }
        Poll::Ready(())
    }

    /// Discards messages until the end of the connection.
    pub(crate) fn poll_close<M: Timer>(
        &mut self,
        cx: &mut Context<'_>,
        io: Option<&mut (impl ReadHalf + WriteHalf)>,
        outlet: &mut Outlet<M>,
    ) -> Poll<Result<(), Error>> {
        let mut io = io;
        for _ in 0..MESSAGES_PER_TURN {
            if !ready!(self.poll_message(cx, io.as_deref_mut(), outlet))? {
                return Poll::Ready(Ok(()));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads once; before that, offers the transport what is queued. Pending also waits for time limits.
    fn poll_fill<M: Timer>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut (impl ReadHalf + WriteHalf),
        outlet: &mut Outlet<M>,
    ) -> Poll<()> {
        // Neither Pending nor an error here ends receiving: the peer's last words may still be on their way.
        let _ = outlet.poll_drain(cx, io);
        // What has arrived counts, however late it is looked at; but a peer that always has something to say does not
        // outlast a time limit.
        if self.reads >= READS_PER_LIMIT && outlet.poll_expire(cx).is_ready() {
            return Poll::Ready(());
        }
        if self.burst >= READS_PER_BURST {
            self.burst = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.recv.wants_block() {
            let block = pool::take_block(self.recv.wanted_len());
            pool::give_block(self.recv.lend(block));
        }
        if self.recv.side().wants_decompressor() {
            pool::lend_decompressor(self.recv.side_mut());
        }
        match poll_read(cx, io, self.recv.spare()) {
            Poll::Ready(Ok(0)) => outlet.end(),
            Poll::Ready(Ok(len)) => {
                self.recv.filled(len);
                outlet.heard();
                self.reads = self.reads.saturating_add(1);
                self.burst = self.burst.saturating_add(1);
            }
            Poll::Ready(Err(error)) => outlet.lose(error),
            Poll::Pending => {
                self.reads = 0;
                self.burst = 0;
                return self.poll_wait(cx, outlet);
            }
        }
        Poll::Ready(())
    }

    /// Makes ready for a wait and waits for time limits: a waiting connection holds no block.
    fn poll_wait<M: Timer>(&mut self, cx: &mut Context<'_>, outlet: &mut Outlet<M>) -> Poll<()> {
        if outlet.write_fault().is_some() {
            outlet.end();
            return Poll::Ready(());
        }
        self.reclaim_decompressor();
        match self.recv.rest() {
            Ok(block) => {
                pool::give_block(block);
                if outlet.poll_expire(cx).is_pending() && !outlet.wants_write() {
                    return Poll::Pending;
                }
                Poll::Ready(())
            }
            Err(error) => {
                outlet.fail(error);
                Poll::Ready(())
            }
        }
    }

    fn control<M: Timer>(&mut self, control: &Control, outlet: &mut Outlet<M>) {
        if let Control::Pong(payload) = control {
            outlet.pong_arrived(payload);
        }
        outlet.out.lend_buffer();
        outlet.out.side.respond(control);
    }

    /// Ends the connection in order (RFC 6455 §7.1.1, §7.1.7): write what is queued, which ends with a Close; end our
    /// direction when it is our turn; discard input until the peer ends its own, because a reset for unread input
    /// would overtake our Close; be done with the transport. All of it under one time limit.
    fn poll_end<M: Timer>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut (impl ReadHalf + WriteHalf),
        outlet: &mut Outlet<M>,
    ) -> Poll<()> {
        for _ in 0..READS_PER_TURN {
            if outlet.has_ended() {
                return Poll::Ready(());
            }
            let done = match outlet.poll_drain(cx, io) {
                Poll::Ready(Ok(())) if self.input_ended || outlet.out.side.ends_transport() => {
                    match outlet.poll_shutdown(cx, io) {
                        Poll::Ready(Ok(())) => self.input_ended,
                        Poll::Ready(Err(_)) => true,
                        Poll::Pending => false,
                    }
                }
                Poll::Ready(Ok(())) | Poll::Pending => false,
                Poll::Ready(Err(_)) => true,
            };
            if done {
                outlet.end();
                return Poll::Ready(());
            }
            match self.poll_discard(cx, io) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => outlet.end(),
                Poll::Pending => return outlet.poll_expire(cx),
            }
        }
        // A peer that goes on sending does not outlast the time limit.
        if outlet.poll_expire(cx).is_pending() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// Reads once and forgets what came; after the end of the input there is nothing to wait for.
    fn poll_discard(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut impl ReadHalf,
    ) -> Poll<io::Result<()>> {
        if self.input_ended {
            return Poll::Pending;
        }
        let mut block = pool::take_block(pool::BLOCK_LEN);
        let read = poll_read(cx, io, &mut block);
        pool::give_block(block);
        self.input_ended = ready!(read)? == 0;
        Poll::Ready(Ok(()))
    }
}

impl Drop for Inlet {
    /// The block returns to the pool of the thread that drops the connection.
    fn drop(&mut self) {
        pool::give_block(self.recv.discard());
    }
}

/// Reads into the start of `buffer`; 0 octets are the end.
fn poll_read(
    cx: &mut Context<'_>,
    io: &mut impl ReadHalf,
    buffer: &mut [u8],
) -> Poll<io::Result<usize>> {
    loop {
        match ready!(io.poll_read(cx, buffer)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return Poll::Ready(result),
        }
    }
}
