//! The connection as its user sees it.

use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::ops::DerefMut;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Response;
use ws_handshake::{Agreed, Extension};
use ws_proto::{
    Chunk, CloseCode, CloseReason, Config, Connection, Control, ControlPayload, End, Message,
    MessageKind, Outgoing, SendError, SendHalf,
};

use crate::error::{Error, TrySendError};
use crate::pieces::Receiving;
use crate::pool::{BLOCK_LEN, LARGE_BLOCK_LEN};
use crate::read_state::ReadState;
use crate::recv_ref::RecvRef;
use crate::sending::{self, Sending};
use crate::state::State;
use crate::transport::Transport;
use crate::write_state::WriteState;

/// A WebSocket connection.
///
/// # Receiving
///
/// [`recv`](Self::recv) gives messages to keep, [`recv_ref`](Self::recv_ref) messages to look at, without an
/// allocation. Pings are answered and Closes completed inside. At the end comes `Ok(None)`; after an abnormal end one
/// `Err` before that. [`end`](Self::end) tells how it ended.
///
/// # Sending: when is a message sent?
///
/// | call | returns when | dropped before it returned |
/// |---|---|---|
/// | [`send`](Self::send) | the transport took the message and was flushed | not sent while it waited for room, else sent |
/// | [`feed`](Self::feed) | the message is queued | not sent |
/// | [`ready`](Self::ready), [`try_send`](Self::try_send) | there is room ([`has_room`](Self::has_room)); at once, with the message back if there is none | – |
/// | [`flush`](Self::flush) | everything queued was taken and flushed | nothing is lost |
///
/// Queued messages leave with the next `send`, `flush`, `recv` or `recv_ref`: receiving writes what is queued before it
/// waits. So a loop that feeds its answers and receives again writes once per read. Queuing waits while 64 KiB or more
/// are queued ([`Config::high_water_mark`]).
///
/// Which one? `send` for a message that somebody waits for: one write each. `feed` for many: in a loop that receives,
/// the next receive writes them; anywhere else, `flush` at the end of the loop does.
///
/// ```text
/// ws.send("ready").await?;                                   // one message, one write
/// for row in rows { ws.feed(row).await?; }                   // many messages …
/// ws.flush().await?;                                         // … by few writes
/// ```
///
/// # Cancellation
///
/// Every future here may be dropped at any point: all progress is kept in the connection, nothing received is lost,
/// and no frame is cut.
///
/// # Time limits
///
/// They are acted on only while some method of the connection is being awaited: no task or thread works in the
/// background, and a connection that nobody polls is neither kept alive nor closed. What has arrived by then counts
/// first, however late it is looked at. Dropping a connection ends the transport without a Close.
pub struct WebSocket<T: Transport> {
    /// Apart, so that tasks that own connections are small, and moving them is cheap.
    pub(crate) parts: Box<Parts<T>>,
}

/// A connection, in all its parts.
pub(crate) struct Parts<T: Transport> {
    pub(crate) read: ReadState,
    pub(crate) write: WriteState<T, T::Timer>,
    /// `None` where nothing was agreed, to keep idle servers small.
    pub(crate) opening: Option<Box<Opening>>,
}

/// What the opening handshake settled.
pub(crate) struct Opening {
    pub(crate) agreed: Agreed,
    pub(crate) response: Option<Response<()>>,
}

/// The two roles with what only one of them needs.
pub(crate) enum Side {
    Client(Box<dyn ws_proto::MaskSource>, Option<Response<()>>),
    Server,
}

impl<T: Transport> WebSocket<T> {
    /// A connection after its opening handshake, with input that arrived behind it.
    pub(crate) fn open(
        transport: T,
        side: Side,
        config: &Config,
        agreed: Agreed,
        leftover: Vec<u8>,
    ) -> Self {
        let (mut connection, response) = match side {
            Side::Client(masks, response) => (Connection::client(config, masks), response),
            Side::Server => (Connection::server(config), None),
        };
        let mut lending = connection.recv.lending();
        lending.set_up(leftover.into(), BLOCK_LEN, LARGE_BLOCK_LEN);
        #[cfg(feature = "deflate")]
        if let (Some(params), Some(config)) = (agreed.deflate(), config.deflate_config()) {
            connection.deflate(&params, config);
        }
        let (recv, send) = connection.split();
        let opening = (response.is_some() || agreed != Agreed::default())
            .then(|| Box::new(Opening { agreed, response }));
        WebSocket {
            parts: Box::new(Parts {
                read: ReadState::new(recv),
                write: WriteState::new(send, transport),
                opening,
            }),
        }
    }

    /// The next message, to keep. `None` at the end of the connection.
    ///
    /// Writes what is queued before it waits.
    ///
    /// # Errors
    ///
    /// Once, after the messages before it: [`Error::Receive`] if the peer broke the protocol or went over a limit (it
    /// has been told by a Close), [`Error::Lost`] or [`Error::Io`] if the transport ended without a Close,
    /// [`Error::Timeout`] if a time limit passed. After that `Ok(None)`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn recv(&mut self) -> Result<Option<Message>, Error> {
        if self.parts.read.next_plain() {
            return Ok(self.parts.read.recv.take_message());
        }
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// [`recv`](Self::recv) as a poll function.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        let Parts { read, write, .. } = &mut *self.parts;
        read.poll_message(cx, write)
            .map_ok(|found| found.then(|| read.recv.take_message()).flatten())
    }

    /// The next message, to look at, together with the sending half of the connection, to answer it. `None` at the
    /// end of the connection.
    ///
    /// The message lies in the connection's memory, mostly in the very block that was read into. Answers are queued by
    /// [`Outbox::feed`](crate::Outbox::feed) and leave, many in one write, when this is called again. Waits while the queue is over its
    /// mark, so that the first answer need not.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    #[inline]
    pub fn recv_ref(&mut self) -> RecvRef<'_, T> {
        RecvRef::new(self)
    }

    /// Sends a message: returns when the transport has taken it and was flushed.
    ///
    /// # Errors
    ///
    /// [`Error::Send`] if the connection is closing; [`Error::Io`] or [`Error::Timeout`] if the transport failed or
    /// the peer stopped reading.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits for room in the queue: the message is not sent. Dropped later: it is.
    pub async fn send<'a>(&mut self, message: impl Into<Outgoing<'a>>) -> Result<(), Error> {
        sending::send(self, message.into()).await
    }

    /// Queues a message, after waiting for room. It leaves with the next `flush`, `send`, `recv` or `recv_ref`.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it returned: the message is not sent.
    pub async fn feed<'a>(&mut self, message: impl Into<Outgoing<'a>>) -> Result<(), Error> {
        sending::feed(self, message.into()).await
    }

    /// Writes and flushes everything that is queued.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn flush(&mut self) -> Result<(), Error> {
        sending::flush(self).await
    }

    /// Waits until a message can be queued: [`try_send`](Self::try_send) will take one, unless a
    /// [`writer`](Self::writer) has left one unfinished.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn ready(&mut self) -> Result<(), Error> {
        sending::ready(self).await
    }

    /// Whether there is room for a message: less than the high-water mark is queued, or nothing. Then
    /// [`try_send`](Self::try_send) does not say that the queue is full.
    pub fn has_room(&self) -> bool {
        self.parts.write.has_room()
    }

    /// Queues a message at once or gives it back.
    ///
    /// # Errors
    ///
    /// [`TrySendError::Full`] while the queue is over its mark, [`TrySendError::Closing`] if the connection is
    /// closing; either returns the message.
    pub fn try_send<'a, M: Into<Outgoing<'a>>>(
        &mut self,
        message: M,
    ) -> Result<(), TrySendError<M>> {
        self.parts.write.try_queue(message)
    }

    /// Sends a Ping (RFC 6455 §5.5.2): returns when the transport has taken it. The Pong goes to the
    /// [observer](Self::observe).
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send), and [`Error::PayloadTooLong`] above 125 bytes.
    ///
    /// # Cancel safety
    ///
    /// As for [`send`](Self::send).
    pub async fn send_ping<P>(&mut self, payload: P) -> Result<(), Error>
    where
        P: TryInto<ControlPayload>,
        Error: From<P::Error>,
    {
        sending::control(self, payload.try_into()?, SendHalf::ping).await
    }

    /// Sends a Ping and receives until its Pong: how long that took. `None` if a message came first, which the next
    /// receive gives; the [`Sender`](crate::Sender) of a connection that was split need not give way to messages.
    ///
    /// It waits as long as the connection lasts: put a time limit of the runtime around it, or use
    /// [`Config::keepalive`].
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send) and [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits for room in the queue: the Ping is not sent. Dropped later: it is, and its Pong is ignored.
    pub async fn ping(&mut self) -> Result<Option<Duration>, Error> {
        let number = sending::start_probe(self).await?;
        poll_fn(|cx| {
            let Parts { read, write, .. } = &mut *self.parts;
            let driven = read.poll_drive(cx, write);
            match (write.send.probe_answer(number), driven) {
                (Some(time), _) => Poll::Ready(Ok(Some(time))),
                (None, Poll::Pending) => Poll::Pending,
                (None, Poll::Ready(Ok(true))) => Poll::Ready(Ok(None)),
                (None, Poll::Ready(Ok(false))) => Poll::Ready(Err(SendError::Closing.into())),
                (None, Poll::Ready(Err(error))) => Poll::Ready(Err(error)),
            }
        })
        .await
    }

    /// Sends a Pong that nobody asked for, a one-way heartbeat (RFC 6455 §5.5.3): returns when the transport has
    /// taken it. Pings are answered without this.
    ///
    /// # Errors
    ///
    /// As for [`send_ping`](Self::send_ping).
    ///
    /// # Cancel safety
    ///
    /// As for [`send`](Self::send).
    pub async fn send_pong<P>(&mut self, payload: P) -> Result<(), Error>
    where
        P: TryInto<ControlPayload>,
        Error: From<P::Error>,
    {
        sending::control(self, payload.try_into()?, SendHalf::pong).await
    }

    /// Queues a Close (RFC 6455 §7.1.2) and returns at once. Go on receiving until the end: messages that the peer
    /// had under way still come.
    ///
    /// # Errors
    ///
    /// [`Error::Send`] if the connection is closing already, the code must not be sent, or the reason is longer than
    /// 123 bytes. Nothing is queued then.
    pub fn start_close<R>(&mut self, code: CloseCode, reason: R) -> Result<(), Error>
    where
        R: TryInto<CloseReason>,
        SendError: From<R::Error>,
    {
        sending::start_close(self, code, reason)
    }

    /// Closes the connection: sends a Close after what is queued, discards messages until the peer's Close, ends the
    /// transport. Never waits longer than [`Config::close_timeout`].
    ///
    /// On a connection that is closing already it waits for the end.
    ///
    /// # Errors
    ///
    /// [`Error::Send`] for a code that must not be sent or a reason longer than 123 bytes: the connection stays
    /// open. [`Error::Timeout`] if the peer did not answer, and the errors of [`recv`](Self::recv): the connection
    /// has ended all the same.
    ///
    /// # Cancel safety
    ///
    /// Dropped before the end, the Close is queued or sent; call `close` or `recv` to go on.
    pub async fn close<R>(&mut self, code: CloseCode, reason: R) -> Result<(), Error>
    where
        R: TryInto<CloseReason>,
        SendError: From<R::Error>,
    {
        sending::ensure_closing(self, code, reason)?;
        poll_fn(|cx| self.poll_close(cx)).await
    }

    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Parts { read, write, .. } = &mut *self.parts;
        read.poll_close(cx, write)
    }

    /// How the connection ended, once that is decided.
    pub fn end(&self) -> Option<End> {
        self.parts.write.send.end()
    }

    /// Keeps the connection going without receiving: sends what is queued, answers Pings, keeps time limits. Returns
    /// `true` when a message waits, which the next receive gives, and `false` at the end of the connection.
    ///
    /// For those who mostly send: while nobody receives or drives, nothing of this happens.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn drive(&mut self) -> Result<bool, Error> {
        let Parts { read, write, .. } = &mut *self.parts;
        poll_fn(|cx| read.poll_drive(cx, write)).await
    }

    /// How long the peer took to answer the last keepalive Ping ([`Config::keepalive`]).
    pub fn round_trip(&self) -> Option<Duration> {
        self.parts.write.send.round_trip()
    }

    /// Gives up the connection for its transport and the bytes that were read from it and not used.
    ///
    /// # Errors
    ///
    /// The connection comes back if it has ended or is closing, if something is queued, or in the middle of a message
    /// or frame, of which a part has been used.
    pub fn into_parts(mut self) -> Result<(T, Vec<u8>), Self> {
        let Parts { read, write, .. } = &mut *self.parts;
        let is_busy = write.has_work() || write.send.unfinished().is_some();
        if !read.recv.is_between_messages() || !write.send.is_open() || is_busy {
            return Err(self);
        }
        match write.state.take() {
            State::Open(io) | State::Draining(io, _) => Ok((io, read.recv.unread().to_vec())),
            State::Ended(_) => Err(self),
        }
    }

    /// Calls `observer` with every Ping, Pong and Close that arrives, before the answer leaves. Replaces the observer
    /// before. It may use the [`Sender`](crate::Sender) of a connection that was split.
    pub fn observe(&mut self, observer: impl FnMut(&Control) + Send + Sync + 'static) {
        self.parts.read.observer = Some(Box::new(observer));
    }

    /// The transport; `None` once the connection has ended and the transport was dropped.
    pub fn get_ref(&self) -> Option<&T> {
        match &self.parts.write.state {
            State::Open(io) | State::Draining(io, _) => Some(io),
            State::Ended(_) => None,
        }
    }

    /// The address of the peer, where the transport is a socket that knows, and the connection has not ended.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.get_ref()?.peer_addr()
    }

    /// The agreed subprotocol.
    pub fn protocol(&self) -> Option<&str> {
        self.parts.opening.as_ref()?.agreed.protocol()
    }

    /// The agreed extensions.
    pub fn extensions(&self) -> &[Extension] {
        self.parts
            .opening
            .as_ref()
            .map_or(&[], |opening| opening.agreed.extensions())
    }

    /// The head of the server's response, on a client.
    pub fn response(&self) -> Option<&Response<()>> {
        self.parts.opening.as_ref()?.response.as_ref()
    }
}

impl<T: Transport> Receiving for WebSocket<T> {
    fn poll_start(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<MessageKind>, Error>> {
        let Parts { read, write, .. } = &mut *self.parts;
        read.poll_start(cx, write)
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Chunk>, Error>> {
        let Parts { read, write, .. } = &mut *self.parts;
        read.poll_chunk(cx, write)
    }

    fn chunk(&self) -> &[u8] {
        self.parts.read.recv.chunk()
    }
}

impl<T: Transport> Sending for WebSocket<T> {
    type Io = T;
    type Timer = T::Timer;

    fn write_state(&mut self) -> impl DerefMut<Target = WriteState<T, T::Timer>> {
        &mut self.parts.write
    }

    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.parts.write.poll_room(cx)
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        message: &mut Option<Outgoing<'_>>,
    ) -> Poll<Result<(), Error>> {
        self.parts.write.poll_send(cx, message)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.parts.write.poll_flush(cx)
    }
}

impl<T: Transport> fmt::Debug for WebSocket<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("recv", &self.parts.read.recv)
            .field("send", &self.parts.write.send)
            .finish_non_exhaustive()
    }
}
