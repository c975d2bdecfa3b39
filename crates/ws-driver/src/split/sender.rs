//! The sending half.

use std::fmt;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::ops::DerefMut;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use ws_proto::{CloseCode, End, IntoOutgoing, Outgoing, SendHalf};

use super::shared::{ReadTurn, Shared};
use super::wakers::Half;
use super::{Receiver, ReuniteError};
use crate::error::{Error, Timeout, TryFeedError};
use crate::sending::{self, Sending};
use crate::transport::Split;
use crate::websocket::WebSocket;
use crate::write_state::WriteState;

/// The sending half of a connection. See [`WebSocket::split`].
///
/// Each method does what the method of the same name of [`WebSocket`] does. That method describes
/// the errors and the cancel safety. One thing is different: a sender reads nothing while it waits.
/// The [`Receiver`] reads, so it must be polled for Pings to be answered. While no task receives, a
/// sender does not find out that the peer has closed the connection.
///
/// A sender has one owner. If several tasks send, give the sender to one task, and pass messages to
/// that task through a channel.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (ws, mut server) = ws_tokio::testing::pair(Default::default());
/// # let server = tokio::spawn(async move {
/// #     while let Some((message, out)) = server.recv_ref().await? { out.feed(message).await?; }
/// #     Ok::<_, ws_tokio::Error>(())
/// # });
/// use ws_tokio::{CloseCode, Error};
///
/// let (mut tx, mut rx) = ws.split();
/// let receiving = tokio::spawn(async move {
///     let mut count = 0;
///     while let Some(message) = rx.recv().await? {
///         count += 1;
///     }
///     Ok::<_, Error>(count)
/// });
///
/// tx.send("one").await?;
/// tx.feed("two").await?; // the receiver is waiting, so it writes the message
/// tx.close(CloseCode::NORMAL, "bye").await?; // returns when the Close has been written
/// tx.closed().await?; // returns when the receiver has reached the end
/// assert_eq!(receiving.await??, 2);
/// # server.await??;
/// # Ok(())
/// # }
/// ```
pub struct Sender<T: Split> {
    pub(super) shared: Arc<Shared<T>>,
}

impl<T: Split> Sender<T> {
    /// Sends a message. Returns when it has been written to the transport and flushed. See
    /// [`WebSocket::send`].
    pub async fn send<'a>(&mut self, message: impl IntoOutgoing<'a>) -> Result<(), Error> {
        sending::send(self, message.into_outgoing()).await
    }

    /// Waits for room and queues a message. See [`WebSocket::feed`].
    ///
    /// If the queue was empty, this wakes a waiting receiver, which writes the message. If no task
    /// receives, call [`flush`](Self::flush).
    #[inline]
    pub fn feed<'a>(
        &mut self,
        message: impl IntoOutgoing<'a>,
    ) -> impl Future<Output = Result<(), Error>> {
        sending::feed(self, message.into_outgoing())
    }

    /// Writes and flushes everything that is queued. See [`WebSocket::flush`].
    pub async fn flush(&mut self) -> Result<(), Error> {
        sending::flush(self).await
    }

    /// Waits until there is room for a message. See [`WebSocket::ready`].
    pub async fn ready(&mut self) -> Result<(), Error> {
        sending::ready(self).await
    }

    /// Returns `true` if there is room for a message. See [`WebSocket::has_room`].
    ///
    /// There may be no room at the next call, because the receiver may have queued Pongs.
    pub fn has_room(&self) -> bool {
        self.shared.lock().write.send.has_room()
    }

    /// Queues a message without waiting. See [`WebSocket::try_feed`].
    pub fn try_feed<'a, M: IntoOutgoing<'a>>(&mut self, message: M) -> Result<(), TryFeedError<M>> {
        self.shared.queueing(Half::Sender).try_queue(message)
    }

    /// Sends a Ping (RFC 6455 §5.5.2). See [`WebSocket::send_ping`].
    pub async fn send_ping(&mut self, payload: impl AsRef<[u8]>) -> Result<(), Error> {
        sending::control(self, payload.as_ref(), SendHalf::ping).await
    }

    /// Measures a round trip. Sends a Ping, waits until the [`Receiver`] has received the Pong, and
    /// returns the time between the two. See [`WebSocket::ping`].
    ///
    /// This has no timeout: it may wait until the connection ends, and the Pong is not received
    /// while no task receives. Wrap it in a timeout of the runtime, or use
    /// [`Config::keepalive`](crate::Config::keepalive).
    pub async fn ping(&mut self) -> Result<Duration, Error> {
        let number = sending::start_probe(self).await?;
        poll_fn(|cx| {
            let mut turn = self.shared.turn(Half::Sender, cx);
            let answer = turn
                .write_state()
                .poll_probe(&mut self.shared.context(), number);
            turn.end(answer)
        })
        .await
    }

    /// Sends a Pong (RFC 6455 §5.5.3). See [`WebSocket::send_pong`].
    pub async fn send_pong(&mut self, payload: impl AsRef<[u8]>) -> Result<(), Error> {
        sending::control(self, payload.as_ref(), SendHalf::pong).await
    }

    /// Queues a Close and returns at once. See [`WebSocket::start_close`].
    pub fn start_close(&mut self, code: CloseCode, reason: impl AsRef<str>) -> Result<(), Error> {
        sending::start_close(self, code, reason.as_ref())
    }

    /// Sends a Close after everything that is queued. Returns when the Close has been written and
    /// flushed.
    ///
    /// This does not wait for the end of the connection. The [`Receiver`] still receives the
    /// messages that the peer sends before its Close, and then reaches the end.
    /// [`closed`](Self::closed) waits for the end.
    ///
    /// If the receiver was dropped, this discards further messages and waits for the end of the
    /// transport.
    ///
    /// # Errors
    ///
    /// The errors of [`WebSocket::close`].
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped after it was polled, the Close is queued or has been sent. Call
    /// `close` again to continue waiting.
    pub async fn close(&mut self, code: CloseCode, reason: impl AsRef<str>) -> Result<(), Error> {
        sending::ensure_closing(self, code, reason.as_ref())?;
        poll_fn(|cx| self.poll_close(cx)).await
    }

    /// Waits for the end of the connection. The end is reached when both ends have sent a Close and
    /// ours has been written, or when the transport has ended.
    ///
    /// During this wait, a task must poll the [`Receiver`]. A task that is waiting for data to send
    /// can use this to find out that the connection has ended.
    ///
    /// If the receiver was dropped, this discards further messages until the end of the transport.
    ///
    /// # Errors
    ///
    /// The errors of [`WebSocket::close`] if the end was not clean. [`Timeout::Close`] also if the
    /// time for the peer's Close passes while no task receives. In this case, the receiver can
    /// still receive input that has arrived.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn closed(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_closed(cx)).await
    }

    /// Returns the outcome of the connection. `None` until the end is decided. See
    /// [`WebSocket::end`].
    pub fn end(&self) -> Option<End> {
        self.shared.lock().write.send.end()
    }

    /// Returns the address of the peer if it was known when the connection was split. See
    /// [`WebSocket::peer_addr`].
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.shared.peer_addr
    }

    /// Joins the halves into one connection again. See [`Receiver::reunite`].
    ///
    /// # Errors
    ///
    /// [`ReuniteError`] with both halves if they belong to different connections.
    pub fn reunite(self, receiver: Receiver<T>) -> Result<WebSocket<T>, Box<ReuniteError<T>>> {
        receiver.reunite(self)
    }

    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut turn = self.shared.turn(Half::Sender, cx);
        let has_no_receiver = turn.state().orphan.is_some();
        let write = turn.write_state();
        let has_failed = write.send.has_ended() && !write.is_clean();
        if has_no_receiver || has_failed || write.state.is_ended() {
            drop(turn);
            return self.poll_closed(cx);
        }
        let written = match write.poll_flush(&mut self.shared.context()) {
            Poll::Ready(Err(_)) if write.state.is_ended() => Poll::Ready(write.verdict()),
            written => written,
        };
        turn.end(written)
    }

    /// Waits for the end of the connection. Reads in place of the receiver if the receiver was
    /// dropped.
    fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut turn = self.shared.turn(Half::Sender, cx);
        let cx = &mut self.shared.context();
        if let Some(mut orphan) = turn.state().orphan.take() {
            let io = &mut orphan.io;
            let mut wire = ReadTurn { turn, io };
            let closed = orphan.read.poll_close(cx, &mut wire);
            turn = wire.turn;
            turn.state().orphan = Some(orphan);
            if closed.is_pending() {
                return turn.end(Poll::Pending);
            }
        }
        let write = turn.write_state();
        if !write.is_over() {
            // An error is ignored here: the verdict below returns it.
            let _ = write.poll_write_out(cx, &mut &[][..]);
            if !write.is_over() && write.poll_overdue(cx).is_pending() {
                return turn.end(Poll::Pending);
            }
            if !write.is_over() && !write.send.has_ended() {
                return turn.end(Poll::Ready(Err(Timeout::Close.into())));
            }
        }
        let verdict = write.verdict();
        turn.end(Poll::Ready(verdict))
    }
}

impl<T: Split> Sending for Sender<T> {
    type Io = T::WriteHalf;
    type Timer = T::Timer;

    fn write_state(&mut self) -> impl DerefMut<Target = WriteState<T::WriteHalf, T::Timer>> {
        self.shared.queueing(Half::Sender)
    }

    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut turn = self.shared.turn(Half::Sender, cx);
        let room = turn.write_state().poll_room(&mut self.shared.context());
        turn.end(room)
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        message: &mut Option<Outgoing<'_>>,
    ) -> Poll<Result<(), Error>> {
        let mut turn = self.shared.turn(Half::Sender, cx);
        let sent = turn
            .write_state()
            .poll_send(&mut self.shared.context(), message);
        turn.end(sent)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut turn = self.shared.turn(Half::Sender, cx);
        let flushed = turn.write_state().poll_flush(&mut self.shared.context());
        turn.end(flushed)
    }
}

impl<T: Split> Drop for Sender<T> {
    fn drop(&mut self) {
        self.shared.forget(Half::Sender);
    }
}

impl<T: Split> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}
