//! The connection as its user sees it.

use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Response;
use ws_handshake::{Agreed, Extension};
use ws_proto::{
    BlockReceiver, CloseCode, CloseReason, Config, Control, ControlPayload, End, Message,
    MessageKind, Outgoing, ReceiveSide, Role, SendError, SendHalf,
};

use crate::error::{Error, TrySendError};
use crate::inlet::{CONTROLS_PER_TURN, Found, Inlet};
use crate::outbox::Outbox;
use crate::outlet::Outlet;
use crate::outward::{self, Outward};
use crate::pieces::Incoming;
use crate::pool::{BLOCK_LEN, LARGE_BLOCK_LEN};
use crate::recv_ref::RecvRef;
use crate::send_queue::SendQueue;
use crate::transport::Transport;

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
    pub(crate) link: Box<Link<T>>,
}

/// A connection, in all its parts.
pub(crate) struct Link<T: Transport> {
    pub(crate) inlet: Inlet,
    pub(crate) out: Outbox<T>,
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
        let (role, send, response) = match side {
            Side::Client(masks, response) => {
                (Role::Client, SendHalf::client(config, masks), response)
            }
            Side::Server => (Role::Server, SendHalf::server(config), None),
        };
        let recv = ReceiveSide::new(role, config);
        #[cfg(feature = "deflate")]
        let (recv, send) = compressed(recv, send, config, &agreed);
        let recv =
            BlockReceiver::new(recv, leftover.into(), BLOCK_LEN).with_large_blocks(LARGE_BLOCK_LEN);
        let opening = (response.is_some() || agreed != Agreed::default())
            .then(|| Box::new(Opening { agreed, response }));
        WebSocket {
            link: Box::new(Link {
                inlet: Inlet::new(recv),
                out: Outbox {
                    io: Some(transport),
                    outlet: Outlet::new(send),
                },
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
        if self.link.inlet.next_whole(&self.link.out.outlet) {
            return Ok(self.link.inlet.recv.take_message());
        }
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// [`recv`](Self::recv) as a poll function.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        self.poll_message(cx)
            .map_ok(|found| found.then(|| self.link.inlet.recv.take_message()).flatten())
    }

    /// The next message, to look at, together with the sending half of the connection, to answer it. `None` at the
    /// end of the connection.
    ///
    /// The message lies in the connection's memory, mostly in the very block that was read into. Answers are queued by
    /// [`Outbox::feed`] and leave, many in one write, when this is called again. Waits while the queue is over its
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
        outward::send(self, message.into()).await
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
        outward::feed(self, message.into()).await
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
        outward::flush(self).await
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
        outward::ready(self).await
    }

    /// Whether there is room for a message: less than the high-water mark is queued, or nothing. Then
    /// [`try_send`](Self::try_send) does not say that the queue is full.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.link.out.has_room()
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
        self.link.out.outlet.out.try_feed(message)
    }

    /// Sends a Ping (RFC 6455 §5.5.2): returns when the transport has taken it. The Pong goes to the
    /// [observer](Self::observe).
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send), and [`Error::PayloadTooLong`] above 125 octets.
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
        let number = outward::start_ping(self).await?;
        poll_fn(|cx| {
            self.poll_in(cx, |cx, io, inlet, outlet| {
                let driven = inlet.poll_drive(cx, io, outlet);
                match (outlet.answer(number), driven) {
                    (Some(time), _) => Poll::Ready(Ok(Some(time))),
                    (None, Poll::Pending) => Poll::Pending,
                    (None, Poll::Ready(Ok(true))) => Poll::Ready(Ok(None)),
                    (None, Poll::Ready(Ok(false))) => Poll::Ready(Err(SendError::Closing.into())),
                    (None, Poll::Ready(Err(error))) => Poll::Ready(Err(error)),
                }
            })
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
        outward::pong(self, payload.try_into()?).await
    }

    /// Queues a Close (RFC 6455 §7.1.2) and returns at once. Go on receiving until the end: messages that the peer
    /// had under way still come.
    ///
    /// # Errors
    ///
    /// [`Error::Send`] if the connection is closing already, the code must not be sent, or the reason is longer than
    /// 123 octets. Nothing is queued then.
    pub fn start_close<R>(&mut self, code: CloseCode, reason: R) -> Result<(), Error>
    where
        R: TryInto<CloseReason>,
        SendError: From<R::Error>,
    {
        outward::start_close(self, code, reason)
    }

    /// Closes the connection: sends a Close after what is queued, discards messages until the peer's Close, ends the
    /// transport. Never waits longer than [`Config::close_timeout`].
    ///
    /// On a connection that is closing already it waits for the end.
    ///
    /// # Errors
    ///
    /// [`Error::Send`] for a code that must not be sent or a reason longer than 123 octets: the connection stays
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
        outward::ensure_closing(self, code, reason)?;
        poll_fn(|cx| self.poll_close(cx)).await
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        self.poll_in(cx, |cx, io, inlet, outlet| {
            inlet.poll_message(cx, io, outlet)
        })
    }

    pub(crate) fn poll_message_and_room(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<bool, Error>> {
        self.poll_in(cx, |cx, io, inlet, outlet| {
            inlet.poll_message_and_room(cx, io, outlet)
        })
    }

    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_in(cx, |cx, io, inlet, outlet| inlet.poll_close(cx, io, outlet))
    }

    /// Lets `act` receive, and drops the transport once it is of no more use.
    fn poll_in<R>(
        &mut self,
        cx: &mut Context<'_>,
        mut act: impl FnMut(
            &mut Context<'_>,
            Option<&mut T>,
            &mut Inlet,
            &mut Outlet<T::Timer>,
        ) -> Poll<R>,
    ) -> Poll<R> {
        for _ in 0..CONTROLS_PER_TURN {
            let Outbox { io, outlet } = &mut self.link.out;
            let result = act(cx, io.as_mut(), &mut self.link.inlet, outlet);
            self.link.out.drop_ended();
            if !self.link.inlet.show_observer() {
                return result;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// How the connection ended, once that is decided.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        self.link.out.outlet.out.side.end()
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
        poll_fn(|cx| self.poll_in(cx, |cx, io, inlet, outlet| inlet.poll_drive(cx, io, outlet)))
            .await
    }

    /// How long the peer took to answer the last keepalive Ping ([`Config::keepalive`]).
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.link.out.outlet.out.side.round_trip()
    }

    /// Gives up the connection for its transport and the octets that were read from it and not used.
    ///
    /// # Errors
    ///
    /// The connection comes back if it has ended or is closing, if something is queued, or in the middle of a message
    /// or frame, of which a part has been used.
    pub fn into_parts(mut self) -> Result<(T, Vec<u8>), Self> {
        let boundary =
            self.link.inlet.recv.side().is_between_messages() && self.link.inlet.found == Found::No;
        let send = &self.link.out.outlet.out.side;
        let at_work = self.link.out.outlet.out.has_work();
        if !boundary || !send.is_open() || at_work || send.unfinished().is_some() {
            return Err(self);
        }
        match self.link.out.io.take() {
            Some(io) => Ok((io, self.link.inlet.recv.unread().to_vec())),
            None => Err(self),
        }
    }

    /// Calls `observer` with every Ping, Pong and Close that arrives, before the answer leaves. Replaces the observer
    /// before. It may use the [`Sender`](crate::Sender) of a connection that was split.
    pub fn observe(&mut self, observer: impl FnMut(&Control) + Send + Sync + 'static) {
        self.link.inlet.observer = Some(Box::new(observer));
    }

    /// The transport; `None` once the connection has ended and the transport was dropped.
    #[must_use]
    pub fn get_ref(&self) -> Option<&T> {
        self.link.out.io.as_ref()
    }

    /// The address of the peer, where the transport is a socket that knows, and the connection has not ended.
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.link.out.io.as_ref()?.peer_addr()
    }

    /// The agreed subprotocol.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.link.opening.as_ref()?.agreed.protocol()
    }

    /// The agreed extensions.
    #[must_use]
    pub fn extensions(&self) -> &[Extension] {
        self.link
            .opening
            .as_ref()
            .map_or(&[], |opening| opening.agreed.extensions())
    }

    /// The head of the server's response, on a client.
    #[must_use]
    pub fn response(&self) -> Option<&Response<()>> {
        self.link.opening.as_ref()?.response.as_ref()
    }
}

/// The sides, with compression if that was agreed.
#[cfg(feature = "deflate")]
fn compressed(
    mut recv: ReceiveSide,
    mut send: SendHalf,
    config: &Config,
    agreed: &Agreed,
) -> (ReceiveSide, SendHalf) {
    if let (Some(params), Some(config)) = (agreed.deflate(), config.deflate_config()) {
        recv.inflate(&params);
        send.deflate(&params, config);
    }
    (recv, send)
}

impl<T: Transport> Incoming for WebSocket<T> {
    fn poll_start(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<MessageKind>, Error>> {
        self.poll_in(cx, |cx, io, inlet, outlet| inlet.poll_start(cx, io, outlet))
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<bool>, Error>> {
        self.poll_in(cx, |cx, io, inlet, outlet| inlet.poll_chunk(cx, io, outlet))
    }

    fn chunk(&self) -> &[u8] {
        self.link.inlet.chunk()
    }
}

impl<T: Transport> Outward for WebSocket<T> {
    type Io = T;
    type Timer = T::Timer;

    fn poll_out<R>(
        &mut self,
        cx: &mut Context<'_>,
        act: impl FnOnce(
            &mut Context<'_>,
            Option<&mut T>,
            &mut Outlet<T::Timer>,
        ) -> Poll<Result<R, Error>>,
    ) -> Poll<Result<R, Error>> {
        let Outbox { io, outlet } = &mut self.link.out;
        let result = act(cx, io.as_mut(), outlet);
        self.link.out.drop_ended();
        result
    }

    fn queue<R>(&mut self, act: impl FnOnce(&mut SendQueue) -> R) -> R {
        act(&mut self.link.out.outlet.out)
    }
}

impl<T: Transport> fmt::Debug for WebSocket<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("recv", &self.link.inlet.recv)
            .field("send", &self.link.out.outlet.out)
            .finish_non_exhaustive()
    }
}
