//! The receiving half.

use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use http::Response;
use ws_handshake::Extension;
use ws_proto::{Chunk, CloseCode, Control, End, Message, MessageKind, MessageRef};

use super::shared::{ReadEnd, ReadTurn, Shared};
use super::wakers::Half;
use crate::error::Error;
use crate::pieces::Receiving;
use crate::read_state::{Incoming, ReadState};
use crate::transport::Split;
#[cfg(doc)]
use crate::websocket::WebSocket;

/// The receiving half of a connection. See [`WebSocket::split`].
///
/// Each method does what the method of the same name of [`WebSocket`] does. That method describes
/// the errors and the cancel safety. While a receiver waits, it answers Pings and Closes and
/// enforces timeouts. Before it waits, it writes everything that is queued, including the messages
/// that the [`Sender`](crate::Sender) has queued.
///
/// The two halves need not be in two tasks. Two futures in one task work, too:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (ws, mut server) = ws_tokio::testing::pair(Default::default());
/// # let server = tokio::spawn(async move {
/// #     while let Some((message, out)) = server.recv_ref().await? { out.feed(message).await?; }
/// #     Ok::<_, ws_tokio::Error>(())
/// # });
/// use ws_tokio::Error;
///
/// let (mut tx, mut rx) = ws.split();
/// let sending = async {
///     for number in 0..100 {
///         tx.send(number.to_string()).await?;
///     }
///     Ok::<(), Error>(())
/// };
/// let receiving = async {
///     for _ in 0..100 {
///         let message = rx.recv_ref().await?.expect("an answer");
///         println!("{}", message.as_text().unwrap_or("binary data"));
///     }
///     Ok::<(), Error>(())
/// };
/// tokio::try_join!(sending, receiving)?;
/// let ws = rx.reunite(tx)?;
/// # drop(ws);
/// # server.await?.unwrap_err();
/// # Ok(())
/// # }
/// ```
pub struct Receiver<T: Split> {
    pub(super) shared: Arc<Shared<T>>,
    /// `None` only while the receiver is reunited or dropped.
    pub(super) reading: Option<ReadEnd<T>>,
}

impl<T: Split> Receiver<T> {
    /// Receives the next message. `None` at the end of the connection. See [`WebSocket::recv`].
    pub async fn recv(&mut self) -> Result<Option<Message>, Error> {
        if self.next_plain() {
            return Ok(self.take_message());
        }
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Polls for the next message. See [`WebSocket::poll_recv`].
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        self.poll_message(cx)
            .map_ok(|found| found.then(|| self.take_message()).flatten())
    }

    /// Receives the next message without copying it. `None` at the end of the connection.
    ///
    /// Unlike [`WebSocket::recv_ref`], this returns no [`Outbox`](crate::Outbox) and does not wait
    /// for room: the [`Sender`](crate::Sender) sends the answers.
    pub async fn recv_ref(&mut self) -> Result<Option<MessageRef<'_>>, Error> {
        if !self.next_plain() && !poll_fn(|cx| self.poll_message(cx)).await? {
            return Ok(None);
        }
        Ok(self
            .reading
            .as_ref()
            .and_then(|reading| reading.read.recv.message()))
    }

    /// Receives the next message or control frame, in the order of their arrival. `None` at the end
    /// of the connection. See [`WebSocket::recv_any`].
    pub async fn recv_any(&mut self) -> Result<Option<Incoming>, Error> {
        poll_fn(|cx| self.poll(cx, Ok(None), ReadState::poll_any)).await
    }

    /// Queues a Close and returns at once. See [`WebSocket::start_close`].
    ///
    /// If a sender is waiting for room, its call returns [`Error::Closed`].
    pub fn start_close(&mut self, code: CloseCode, reason: impl AsRef<str>) -> Result<(), Error> {
        let mut state = self.shared.queueing(Half::Receiver);
        state.start_close(code, reason.as_ref())
    }

    /// Returns the outcome of the connection. `None` until the end is decided. See
    /// [`WebSocket::end`].
    pub fn end(&self) -> Option<End> {
        self.shared.lock().write.send.end()
    }

    /// Runs the connection without receiving. See [`WebSocket::drive`].
    pub async fn drive(&mut self) -> Result<bool, Error> {
        poll_fn(|cx| self.poll(cx, Ok(false), ReadState::poll_drive)).await
    }

    /// Returns the time that the peer took to answer the last keepalive Ping. See
    /// [`WebSocket::round_trip`].
    pub fn round_trip(&self) -> Option<Duration> {
        self.shared.lock().write.send.round_trip()
    }

    /// Calls `observer` with every Ping, Pong and Close that arrives. See [`WebSocket::observe`].
    pub fn observe(&mut self, observer: impl FnMut(&Control) + Send + 'static) {
        if let Some(reading) = &mut self.reading {
            reading.read.observer = Some(Box::new(Mutex::new(observer)));
        }
    }

    /// Returns the address of the peer if it was known when the connection was split. See
    /// [`WebSocket::peer_addr`].
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.shared.peer_addr
    }

    /// Returns the subprotocol that both ends agreed on.
    pub fn protocol(&self) -> Option<&str> {
        self.shared.opening.as_ref()?.agreed.protocol()
    }

    /// Returns the extensions that both ends agreed on.
    pub fn extensions(&self) -> &[Extension] {
        let opening = self.shared.opening.as_ref();
        opening.map_or(&[], |opening| opening.agreed.extensions())
    }

    /// Returns the head of the server's response. `None` on a server.
    pub fn response(&self) -> Option<&Response<()>> {
        self.shared.opening.as_ref()?.response.as_ref()
    }

    /// Goes to the next message if it is complete in the block. This takes no lock.
    fn next_plain(&mut self) -> bool {
        let reading = self.reading.as_mut();
        reading.is_some_and(|reading| reading.read.next_plain())
    }

    fn take_message(&mut self) -> Option<Message> {
        self.reading.as_mut()?.read.recv.take_message()
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        self.poll(cx, Ok(false), ReadState::poll_message)
    }

    /// Runs `act` on the read state within a turn. Returns `over` if the receiver is being reunited
    /// or dropped.
    fn poll<'r, R>(
        &'r mut self,
        cx: &mut Context<'_>,
        over: R,
        act: impl FnOnce(&mut ReadState, &mut Context<'_>, &mut ReadTurn<'r, 'r, T>) -> Poll<R>,
    ) -> Poll<R> {
        let Some(ReadEnd { read, io }) = &mut self.reading else {
            return Poll::Ready(over);
        };
        let turn = self.shared.turn(Half::Receiver, cx);
        let mut wire = ReadTurn { turn, io };
        let result = act(read, &mut self.shared.context(), &mut wire);
        wire.end(result)
    }
}

impl<T: Split> Receiving for Receiver<T> {
    fn poll_start(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<MessageKind>, Error>> {
        self.poll(cx, Ok(None), ReadState::poll_start)
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Chunk>, Error>> {
        self.poll(cx, Ok(None), ReadState::poll_chunk)
    }

    fn chunk(&self) -> &[u8] {
        let reading = self.reading.as_ref();
        reading.map_or(&[], |reading| reading.read.recv.chunk())
    }
}

impl<T: Split> Drop for Receiver<T> {
    fn drop(&mut self) {
        if let Some(reading) = self.reading.take() {
            self.shared.abandon(reading);
        }
    }
}

impl<T: Split> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}
