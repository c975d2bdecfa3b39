//! The sending half.

use std::fmt;
use std::future::poll_fn;
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
/// Its methods mean what those of [`WebSocket`](WebSocket#sending) mean, with one difference: while they wait, they
/// read nothing. The [`Receiver`] does, and has to be polled for Pings to be answered.
///
/// While nobody receives, sending does not notice that the peer has closed the connection. A `Sender` has one owner: where
/// several tasks send, let one own it and the others pass it messages by a channel.
///
/// A message that was fed to an empty queue wakes a receiver that waits, which sends it. If nobody receives,
/// [`flush`](Self::flush).
pub struct Sender<T: Split> {
    pub(super) shared: Arc<Shared<T>>,
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
    /// As for [`WebSocket::send`].
    pub async fn send<'a>(&mut self, message: impl IntoOutgoing<'a>) -> Result<(), Error> {
        sending::send(self, message.into_outgoing()).await
    }

    /// Queues a message, after waiting for room. See [`WebSocket::feed`].
    ///
    /// # Errors
    ///
    /// As for [`WebSocket::send`].
    ///
    /// # Cancel safety
    ///
    /// As for [`WebSocket::send`].
    pub async fn feed<'a>(&mut self, message: impl IntoOutgoing<'a>) -> Result<(), Error> {
        sending::feed(self, message.into_outgoing()).await
    }

    /// Writes and flushes everything that is queued. See [`WebSocket::flush`].
    ///
    /// # Errors
    ///
    /// As for [`WebSocket::flush`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn flush(&mut self) -> Result<(), Error> {
        sending::flush(self).await
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
        sending::ready(self).await
    }

    /// Tells whether there is room for a message. See [`WebSocket::has_room`]. The other half may take some of it at
    /// any time, for a Pong.
    pub fn has_room(&self) -> bool {
        self.shared.lock().write.send.has_room()
    }

    /// Queues a copy of a message at once, or gives it back. See [`WebSocket::try_feed`].
    ///
    /// # Errors
    ///
    /// As for [`WebSocket::try_feed`].
    pub fn try_feed<'a, M: IntoOutgoing<'a>>(&mut self, message: M) -> Result<(), TryFeedError<M>> {
        self.shared.queueing(Half::Sender).try_queue(message)
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
    pub async fn send_ping(&mut self, payload: impl AsRef<[u8]>) -> Result<(), Error> {
        sending::control(self, payload.as_ref(), SendHalf::ping).await
    }

    /// Measures a round trip: sends a Ping and waits for its Pong, which the [`Receiver`] receives.
    ///
    /// This waits as long as the connection lasts, and while nobody receives. Put a time limit of the runtime around
    /// it, or use [`Config::keepalive`](crate::Config::keepalive).
    ///
    /// # Errors
    ///
    /// As for [`WebSocket::ping`].
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits for room: the Ping is not sent. Dropped later: it is, and its Pong is ignored.
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

    /// Sends a Pong that nobody asked for (RFC 6455 §5.5.3). See [`WebSocket::send_pong`].
    ///
    /// # Errors
    ///
    /// As for [`WebSocket::send_ping`].
    ///
    /// # Cancel safety
    ///
    /// As for [`send`](Self::send).
    pub async fn send_pong(&mut self, payload: impl AsRef<[u8]>) -> Result<(), Error> {
        sending::control(self, payload.as_ref(), SendHalf::pong).await
    }

    /// Queues a Close and returns at once. See [`WebSocket::start_close`].
    ///
    /// # Errors
    ///
    /// As for [`WebSocket::start_close`].
    pub fn start_close(&mut self, code: CloseCode, reason: impl AsRef<str>) -> Result<(), Error> {
        sending::start_close(self, code, reason.as_ref())
    }

    /// Closes the connection: returns when a Close was written behind what is queued, and flushed. It waits for no
    /// receiver: the [`Receiver`] gives what the peer still sends, and sees the end. [`closed`](Self::closed) waits for
    /// that.
    ///
    /// If the receiver was dropped, this discards what the peer still sends and waits for the end itself.
    ///
    /// # Errors
    ///
    /// As for [`WebSocket::close`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before the end, the Close is queued or sent. Call `close` again to go on waiting.
    pub async fn close(&mut self, code: CloseCode, reason: impl AsRef<str>) -> Result<(), Error> {
        sending::ensure_closing(self, code, reason.as_ref())?;
        poll_fn(|cx| self.poll_close(cx)).await
    }

    /// Waits for the end of the connection: the Closes of both ends are there and ours has been written, or the
    /// transport has ended. The [`Receiver`] has to receive meanwhile. A task that waits for something to send learns
    /// by this that the connection is gone.
    ///
    /// If the receiver was dropped, this discards what the peer still sends, up to the end of the transport.
    ///
    /// # Errors
    ///
    /// As for [`WebSocket::close`], if the end was not clean. If the time for the peer's Close passes while nobody
    /// receives, that is [`Timeout::Close`]. What has arrived can still be received then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn closed(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_closed(cx)).await
    }

    /// Returns how the connection ended, once that is decided.
    pub fn end(&self) -> Option<End> {
        self.shared.lock().write.send.end()
    }

    /// Returns the address of the peer, if it was known when the connection was split. See [`WebSocket::peer_addr`].
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.shared.peer_addr
    }

    /// Joins the halves again.
    ///
    /// # Errors
    ///
    /// [`ReuniteError`] with both if they are of two connections.
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

    /// Goes on to the end of the connection, with the reading direction if the receiver was dropped.
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
            // The receiver sees what comes of it.
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
