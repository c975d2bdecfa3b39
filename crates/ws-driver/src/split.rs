//! A connection as two halves that any two tasks can own.
//!
//! What both touch lies in one cell behind a lock that is held within a poll and never across an await: the queue, the
//! closing state, the sending direction of the transport. The receiver alone owns what receiving needs. Whatever both
//! may wait for wakes both (see [`Wakers`]).

use std::fmt;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::Response;
use ws_handshake::Extension;
use ws_proto::{
    CloseCode, CloseReason, Control, ControlPayload, End, Message, MessageKind, MessageRef,
    Outgoing, SendError,
};

use crate::error::{Error, TrySendError};
use crate::inlet::{CONTROLS_PER_TURN, Inlet, Observed};
use crate::outbox::Outbox;
use crate::outlet::Outlet;
use crate::outward::{self, Outward};
use crate::pieces::Incoming;
use crate::send_queue::SendQueue;
use crate::sync::{Mutex, MutexGuard, lock};
use crate::transport::{ReadHalf, Split, Timer, WriteHalf};
use crate::wakers::{Half, Wakers};
use crate::websocket::{Link, Opening, WebSocket};

/// What the halves share.
struct Cell<T: Split> {
    state: Mutex<State<T>>,
    wakers: Arc<Wakers>,
    opening: Option<Box<Opening>>,
}

struct State<T: Split> {
    /// `None` once the connection has ended.
    write: Option<T::WriteHalf>,
    outlet: Outlet<T::Timer>,
    /// Left here by a receiver that was dropped, for the sender to end the connection in order.
    orphan: Option<Reading<T>>,
}

/// What the receiver owns.
struct Reading<T: Split> {
    /// `None` once the connection has ended.
    read: Option<T::ReadHalf>,
    inlet: Inlet,
}

/// Both directions of the transport, for the time of one poll.
struct Both<'a, R, W> {
    read: &'a mut R,
    write: &'a mut W,
}

impl<R: ReadHalf, W: Unpin> ReadHalf for Both<'_, R, W> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.read.poll_read(cx, buffer)
    }
}

impl<R: Unpin, W: WriteHalf> WriteHalf for Both<'_, R, W> {
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write.poll_write_vectored(cx, slices)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write.poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write.poll_shutdown(cx)
    }
}

/// What one half does that the other may wait for.
#[derive(PartialEq, Eq)]
struct Progress {
    /// Octets to write, and whether what was written is to be flushed.
    queued: (usize, bool),
    /// Open or closing; its end decided or not; writing or not; ended or not.
    state: (bool, bool, bool, bool),
    /// Whether a Ping of the sender waits for its Pong.
    awaits_pong: bool,
}

impl Progress {
    fn of<M: Timer>(outlet: &Outlet<M>) -> Self {
        let state = (
            outlet.out.side.is_open(),
            outlet.out.side.has_ended(),
            outlet.write_fault().is_some(),
            outlet.has_ended(),
        );
        Progress {
            queued: (outlet.out.side.queued(), outlet.is_unflushed()),
            state,
            awaits_pong: outlet.awaits_answer(),
        }
    }

    /// Whether the half that did not act may go on now.
    fn matters_to_others(&self, after: &Progress) -> bool {
        after.queued < self.queued
            || after.state != self.state
            || after.awaits_pong != self.awaits_pong
    }
}

impl<T: Split> Cell<T> {
    /// Lets `half` act on the shared state, with a context that wakes both halves, and registers it for being woken
    /// if it has to wait.
    ///
    /// When the connection ends meanwhile, the other half hears of it.
    fn turn<R>(
        &self,
        half: Half,
        cx: &Context<'_>,
        act: impl FnOnce(&mut Context<'_>, &mut State<T>) -> Poll<R>,
    ) -> Poll<R> {
        self.wakers.register(half, cx.waker());
        let waker = Waker::from(Arc::clone(&self.wakers));
        let mut state = self.state();
        let before = Progress::of(&state.outlet);
        let result = act(&mut Context::from_waker(&waker), &mut state);
        let matters = before.matters_to_others(&Progress::of(&state.outlet));
        if state.outlet.has_ended() {
            state.write = None;
            state.orphan = None;
        }
        drop(state);
        if result.is_ready() {
            self.wakers.forget(half);
        }
        if matters {
            self.wakers.wake_half(half.other());
        }
        result
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        lock(&self.state)
    }
}

impl<T: Split> State<T> {
    /// What a receiver that was dropped has left for its observer to see.
    fn take_observed(&mut self) -> Option<Observed> {
        self.orphan.as_mut()?.inlet.take_observed()
    }
}

impl<T: Split> Reading<T> {
    /// Lets `act` receive, and drops the reading direction once it is of no more use.
    fn step<R>(
        &mut self,
        state: &mut State<T>,
        act: impl FnOnce(
            Option<&mut Both<'_, T::ReadHalf, T::WriteHalf>>,
            &mut Inlet,
            &mut Outlet<T::Timer>,
        ) -> R,
    ) -> R {
        let io = self.read.as_mut().zip(state.write.as_mut());
        let mut both = io.map(|(read, write)| Both { read, write });
        let result = act(both.as_mut(), &mut self.inlet, &mut state.outlet);
        if state.outlet.has_ended() {
            self.read = None;
        }
        result
    }
}

/// The sending half of a connection. See [`WebSocket::split`].
///
/// Its methods mean what those of [`WebSocket`] mean. A message that was fed to an empty queue wakes a [`Receiver`]
/// that waits in `recv`, which sends it; if nobody receives, [`flush`](Self::flush).
pub struct Sender<T: Split> {
    cell: Arc<Cell<T>>,
}

/// The receiving half of a connection. See [`WebSocket::split`].
///
/// It answers Pings and Closes, and sends what is queued before it waits, also for the [`Sender`].
pub struct Receiver<T: Split> {
    cell: Arc<Cell<T>>,
    /// `None` only while the receiver is taken apart.
    reading: Option<Reading<T>>,
}

/// The halves are of two connections; they come back.
pub struct ReuniteError<T: Split>(
    /// The sending half.
    pub Sender<T>,
    /// The receiving half.
    pub Receiver<T>,
);

impl<T: Split> WebSocket<T> {
    /// Takes the connection apart, for two tasks: one sends while the other receives.
    ///
    /// No task is spawned and no channel is used. Someone has to receive for Pings to be answered and the connection to
    /// end in order.
    #[must_use]
    pub fn split(self) -> (Sender<T>, Receiver<T>) {
        let Link {
            inlet,
            out: Outbox { io, outlet },
            opening,
        } = *self.link;
        let (read, write) = io.map(T::split).unzip();
        let state = State {
            write,
            outlet,
            orphan: None,
        };
        let cell = Arc::new(Cell {
            state: Mutex::new(state),
            wakers: Arc::default(),
            opening,
        });
        let reading = Some(Reading { read, inlet });
        let sender = Sender {
            cell: Arc::clone(&cell),
        };
        (sender, Receiver { cell, reading })
    }
}

impl<T: Split> Sender<T> {
    /// Sends a message: returns when the transport has taken it and was flushed. See [`WebSocket::send`].
    ///
    /// # Errors
    ///
    /// As for [`WebSocket::send`].
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits for room in the queue: the message is not sent. Dropped later: it is.
    pub async fn send<'a>(&mut self, message: impl Into<Outgoing<'a>>) -> Result<(), Error> {
        outward::send(self, message.into()).await
    }

    /// Queues a message, after waiting for room. See [`WebSocket::feed`].
    ///
    /// # Errors
    ///
    /// As for [`WebSocket::send`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before it returned: the message is not sent.
    pub async fn feed<'a>(&mut self, message: impl Into<Outgoing<'a>>) -> Result<(), Error> {
        outward::feed(self, message.into()).await
    }

    /// Writes and flushes everything that is queued. See [`WebSocket::flush`].
    ///
    /// # Errors
    ///
    /// As for [`WebSocket::send`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn flush(&mut self) -> Result<(), Error> {
        outward::flush(self).await
    }

    /// Waits until a message can be queued. See [`WebSocket::ready`].
    ///
    /// # Errors
    ///
    /// As for [`WebSocket::send`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn ready(&mut self) -> Result<(), Error> {
        outward::ready(self).await
    }

    /// Whether there is room for a message. See [`WebSocket::has_room`]. The other half may take some of it at any
    /// time, for a Pong.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.cell.state().outlet.out.side.has_room()
    }

    /// Queues a message at once or gives it back. See [`WebSocket::try_send`].
    ///
    /// # Errors
    ///
    /// As for [`WebSocket::try_send`].
    pub fn try_send<'a, M: Into<Outgoing<'a>>>(
        &mut self,
        message: M,
    ) -> Result<(), TrySendError<M>> {
        self.queue(|out| out.try_feed(message))
    }

    /// Sends a Ping (RFC 6455 §5.5.2). See [`WebSocket::send_ping`].
    ///
    /// # Errors
    ///
    /// As for [`WebSocket::send_ping`].
    ///
    /// # Cancel safety
    ///
    /// As for [`send`](Self::send).
    pub async fn send_ping<P>(&mut self, payload: P) -> Result<(), Error>
    where
        P: TryInto<ControlPayload>,
        Error: From<P::Error>,
    {
        outward::ping(self, payload.try_into()?).await
    }

    /// Sends a Ping and waits for its Pong, which the [`Receiver`] hears: how long that took.
    ///
    /// It waits as long as the connection lasts, and as nobody receives: put a time limit of the runtime around it, or
    /// use [`Config::keepalive`](crate::Config::keepalive).
    ///
    /// # Errors
    ///
    /// As for [`WebSocket::send`].
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits for room in the queue: the Ping is not sent. Dropped later: it is, and its Pong is ignored.
    pub async fn ping(&mut self) -> Result<Duration, Error> {
        let number = outward::start_ping(self).await?;
        poll_fn(|cx| self.poll_out(cx, |cx, io, outlet| outlet.poll_answer(cx, io, number))).await
    }

    /// Sends a Pong that nobody asked for (RFC 6455 §5.5.3). See [`WebSocket::send_pong`].
    ///
    /// # Errors
    ///
    /// As for [`WebSocket::send_ping`].
    ///
    /// # Cancel safety
    ///
    /// As for [`send`](Self::send).
    pub async fn send_pong<P>(&mut self, payload: P) -> Result<(), Error>
    where
        P: TryInto<ControlPayload>,
        Error: From<P::Error>,
    {
        outward::pong(self, payload.try_into()?).await
    }

    /// Queues a Close and returns at once. See [`WebSocket::start_close`].
    ///
    /// # Errors
    ///
    /// As for [`WebSocket::start_close`].
    pub fn start_close<R>(&mut self, code: CloseCode, reason: R) -> Result<(), Error>
    where
        R: TryInto<CloseReason>,
        SendError: From<R::Error>,
    {
        outward::start_close(self, code, reason)
    }

    /// Closes the connection: sends a Close and waits for the end, which the [`Receiver`] sees, or for the time limit.
    /// If the receiver was dropped, this discards what the peer still sends.
    ///
    /// # Errors
    ///
    /// As for [`WebSocket::close`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before the end, the Close is queued or sent; call `close` again to go on waiting.
    pub async fn close<R>(&mut self, code: CloseCode, reason: R) -> Result<(), Error>
    where
        R: TryInto<CloseReason>,
        SendError: From<R::Error>,
    {
        outward::ensure_closing(self, code, reason)?;
        poll_fn(|cx| self.poll_end(cx)).await
    }

    /// How the connection ended, once that is decided.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        self.cell.state().outlet.out.side.end()
    }

    /// Joins the halves again.
    ///
    /// # Errors
    ///
    /// [`ReuniteError`] with both if they are of two connections.
    pub fn reunite(self, receiver: Receiver<T>) -> Result<WebSocket<T>, Box<ReuniteError<T>>> {
        receiver.reunite(self)
    }

    /// Waits for the end of the connection after our Close was queued.
    pub(crate) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        for _ in 0..CONTROLS_PER_TURN {
            let result = self.poll_orphan(cx);
            // Not under the lock: the observer may use this half.
            let Some(observed) = self.cell.state().take_observed() else {
                return result;
            };
            let observer = observed.show();
            if let Some(orphan) = &mut self.cell.state().orphan {
                orphan.inlet.observer = Some(observer);
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// A step to the end of the connection, with the reading direction if the receiver was dropped.
    fn poll_orphan(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.cell.turn(Half::Sender, cx, |cx, state| {
            if let Some(mut reading) = state.orphan.take() {
                let closed =
                    reading.step(state, |io, inlet, outlet| inlet.poll_close(cx, io, outlet));
                state.orphan = Some(reading);
                if closed.is_pending() {
                    return Poll::Pending;
                }
            } else if let Some(write) = &mut state.write {
                // What comes of it, the receiver sees.
                let _ = state.outlet.poll_drain(cx, write);
            }
            if !state.outlet.has_ended() && state.outlet.poll_expire(cx).is_pending() {
                return Poll::Pending;
            }
            Poll::Ready(state.outlet.verdict())
        })
    }
}

impl<T: Split> Outward for Sender<T> {
    type Io = T::WriteHalf;
    type Timer = T::Timer;

    fn poll_out<R>(
        &mut self,
        cx: &mut Context<'_>,
        act: impl FnOnce(
            &mut Context<'_>,
            Option<&mut T::WriteHalf>,
            &mut Outlet<T::Timer>,
        ) -> Poll<Result<R, Error>>,
    ) -> Poll<Result<R, Error>> {
        self.cell.turn(Half::Sender, cx, |cx, state| {
            act(cx, state.write.as_mut(), &mut state.outlet)
        })
    }

    /// A receiver that waits gets up for what is the first to send, and for a Close, whose time limit it keeps.
    fn queue<R>(&mut self, act: impl FnOnce(&mut SendQueue) -> R) -> R {
        let mut state = self.cell.state();
        let out = &mut state.outlet.out;
        let before = (out.has_work(), out.side.is_open());
        let result = act(out);
        let after = (out.has_work(), out.side.is_open());
        let wake = (!before.0 && after.0) || before.1 != after.1;
        drop(state);
        if wake {
            self.cell.wakers.wake_half(Half::Receiver);
        }
        result
    }
}

impl<T: Split> Receiver<T> {
    /// The next message, to keep. `None` at the end of the connection. See [`WebSocket::recv`].
    ///
    /// # Errors
    ///
    /// As for [`WebSocket::recv`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn recv(&mut self) -> Result<Option<Message>, Error> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// [`recv`](Self::recv) as a poll function.
    ///
    /// # Errors
    ///
    /// As for [`WebSocket::recv`].
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        self.poll_message(cx).map_ok(|found| {
            let reading = self.reading.as_mut()?;
            found.then(|| reading.inlet.recv.take_message()).flatten()
        })
    }

    /// The next message, to look at: it lies in the connection's read block. `None` at the end of the connection.
    ///
    /// # Errors
    ///
    /// As for [`WebSocket::recv`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn recv_ref(&mut self) -> Result<Option<MessageRef<'_>>, Error> {
        if !poll_fn(|cx| self.poll_message(cx)).await? {
            return Ok(None);
        }
        Ok(self
            .reading
            .as_ref()
            .and_then(|reading| reading.inlet.recv.message()))
    }

    /// How the connection ended, once that is decided.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        self.cell.state().outlet.out.side.end()
    }

    /// Keeps the connection going without receiving. See [`WebSocket::drive`].
    ///
    /// # Errors
    ///
    /// As for [`WebSocket::recv`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn drive(&mut self) -> Result<bool, Error> {
        poll_fn(|cx| {
            self.poll(cx, false, |cx, io, inlet, outlet| {
                inlet.poll_drive(cx, io, outlet)
            })
        })
        .await
    }

    /// How long the peer took to answer the last keepalive Ping.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.cell.state().outlet.out.side.round_trip()
    }

    /// Calls `observer` with every Ping, Pong and Close that arrives. See [`WebSocket::observe`].
    pub fn observe(&mut self, observer: impl FnMut(&Control) + Send + Sync + 'static) {
        if let Some(reading) = &mut self.reading {
            reading.inlet.observer = Some(Box::new(observer));
        }
    }

    /// The agreed subprotocol.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.cell.opening.as_ref()?.agreed.protocol()
    }

    /// The agreed extensions.
    #[must_use]
    pub fn extensions(&self) -> &[Extension] {
        let opening = self.cell.opening.as_ref();
        opening.map_or(&[], |opening| opening.agreed.extensions())
    }

    /// The head of the server's response, on a client.
    #[must_use]
    pub fn response(&self) -> Option<&Response<()>> {
        self.cell.opening.as_ref()?.response.as_ref()
    }

    /// Joins the halves again.
    ///
    /// # Errors
    ///
    /// [`ReuniteError`] with both if they are of two connections.
    pub fn reunite(mut self, sender: Sender<T>) -> Result<WebSocket<T>, Box<ReuniteError<T>>> {
        if !Arc::ptr_eq(&self.cell, &sender.cell) {
            return Err(Box::new(ReuniteError(sender, self)));
        }
        let Some(Reading { read, inlet }) = self.reading.take() else {
            return Err(Box::new(ReuniteError(sender, self)));
        };
        drop(sender);
        let cell = Arc::clone(&self.cell);
        drop(self);
        // These were the only two.
        let Some(Cell { state, opening, .. }) = Arc::into_inner(cell) else {
            unreachable!("each half has one reference, and nobody else has any")
        };
        let State { write, outlet, .. } = state
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let io = read
            .zip(write)
            .and_then(|(read, write)| T::reunite(read, write));
        let link = Link {
            inlet,
            out: Outbox { io, outlet },
            opening,
        };
        Ok(WebSocket {
            link: Box::new(link),
        })
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        self.poll(cx, false, |cx, io, inlet, outlet| {
            inlet.poll_message(cx, io, outlet)
        })
    }

    /// Lets `act` receive. `end` is for a receiver that is being taken apart.
    fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        end: R,
        mut act: impl FnMut(
            &mut Context<'_>,
            Option<&mut Both<'_, T::ReadHalf, T::WriteHalf>>,
            &mut Inlet,
            &mut Outlet<T::Timer>,
        ) -> Poll<Result<R, Error>>,
    ) -> Poll<Result<R, Error>> {
        let Some(reading) = &mut self.reading else {
            return Poll::Ready(Ok(end));
        };
        for _ in 0..CONTROLS_PER_TURN {
            let result = self.cell.turn(Half::Receiver, cx, |cx, state| {
                reading.step(state, |io, inlet, outlet| act(cx, io, inlet, outlet))
            });
            // Not under the lock: the observer may use the other half.
            if !reading.inlet.show_observer() {
                return result;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<T: Split> Incoming for Receiver<T> {
    fn poll_start(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<MessageKind>, Error>> {
        self.poll(cx, None, |cx, io, inlet, outlet| {
            inlet.poll_start(cx, io, outlet)
        })
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<bool>, Error>> {
        self.poll(cx, None, |cx, io, inlet, outlet| {
            inlet.poll_chunk(cx, io, outlet)
        })
    }

    fn chunk(&self) -> &[u8] {
        let reading = self.reading.as_ref();
        reading.map_or(&[], |reading| reading.inlet.chunk())
    }
}

impl<T: Split> Drop for Receiver<T> {
    /// Leaves the reading direction to the sender, which needs it to close in order.
    fn drop(&mut self) {
        if let Some(reading) = self.reading.take() {
            self.cell.state().orphan = Some(reading);
            self.cell.wakers.forget(Half::Receiver);
            self.cell.wakers.wake_half(Half::Sender);
        }
    }
}

impl<T: Split> Drop for Sender<T> {
    fn drop(&mut self) {
        self.cell.wakers.forget(Half::Sender);
    }
}

impl<T: Split> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

impl<T: Split> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

impl<T: Split> fmt::Debug for ReuniteError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReuniteError(..)")
    }
}

impl<T: Split> fmt::Display for ReuniteError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the halves belong to two connections: join each with its own")
    }
}

impl<T: Split> std::error::Error for ReuniteError<T> {}
