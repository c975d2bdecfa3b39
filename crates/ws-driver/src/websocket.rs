//! The public type of a connection.

use std::fmt;
use std::future::poll_fn;
use std::ops::DerefMut;
use std::sync::Mutex;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Response;
use ws_handshake::Agreed;
use ws_proto::{
    Chunk, CloseCode, Config, Connection, Control, End, IntoOutgoing, Message, MessageKind,
    Outgoing, SendHalf,
};

use crate::error::{Error, TryFeedError};
use crate::opening::Opening;
use crate::outbox::Outbox;
use crate::pieces::Receiving;
use crate::pool::{BLOCK_LEN, LARGE_BLOCK_LEN};
use crate::read_state::{Incoming, ReadState};
use crate::recv_ref::RecvRef;
use crate::sending::{self, Sending};
use crate::state::State;
use crate::transport::Transport;
use crate::write_state::WriteState;

/// A WebSocket connection.
///
/// | task | methods |
/// |---|---|
/// | receive | [`recv`](Self::recv) returns an owned message, [`recv_ref`](Self::recv_ref) a borrowed one and an [`Outbox`] for the answer. [`recv_any`](Self::recv_any) also returns control frames. |
/// | send | [`send`](Self::send) writes a message. [`feed`](Self::feed) and [`try_feed`](Self::try_feed) queue it, and [`flush`](Self::flush) writes the queue. |
/// | stream | [`recv_stream`](Self::recv_stream) and [`writer`](Self::writer) receive and send a message of any length piece by piece. |
/// | close | [`start_close`](Self::start_close) queues a Close. [`close`](Self::close) also waits for the end, and [`end`](Self::end) returns the outcome. |
/// | keep alive | [`ping`](Self::ping) measures a round trip. [`drive`](Self::drive) answers Pings and enforces timeouts without receiving. |
/// | use two tasks | [`split`](Self::split) returns a [`Sender`](crate::Sender) and a [`Receiver`](crate::Receiver). |
///
/// * `Ok(None)` is the end of the connection. After an abnormal end, one error comes first.
/// * Every future may be dropped at any point. The connection keeps all progress: no input is lost,
///   and no frame is cut.
/// * Nothing happens in the background. Pings are answered, Closes are completed and timeouts are
///   enforced only while a method of the connection is awaited. The idle timeout and keepalive run
///   only in the methods that receive, and in `drive` and `ping`. They stop when our Close is
///   queued.
/// * Dropping the connection ends the transport without a Close.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (mut peer, mut ws) = ws_tokio::testing::pair(Default::default());
/// # let peer = tokio::spawn(async move {
/// #     assert_eq!(peer.recv().await?, Some("hello".into()));
/// #     peer.send("welcome").await?;
/// #     peer.close(ws_tokio::CloseCode::NORMAL, "bye").await
/// # });
/// ws.send("hello").await?;
/// while let Some(message) = ws.recv().await? {
///     println!("{}", message.as_text().unwrap_or("binary data"));
/// }
/// let end = ws.end().expect("the connection has ended");
/// println!("closed by {:?}: {} {}", end.initiator, end.code(), end.reason());
/// # assert!(end.clean && end.reason() == "bye");
/// # peer.await??;
/// # Ok(())
/// # }
/// ```
///
/// The guide in the directory `docs` of the repository explains sending, closing, cancel safety,
/// and more.
pub struct WebSocket<T: Transport> {
    /// Boxed: a task that owns a connection is small, and a connection is cheap to move.
    pub(crate) parts: Box<Parts<T>>,
}

/// The parts of a connection.
pub(crate) struct Parts<T: Transport> {
    pub(crate) read: ReadState,
    pub(crate) write: Outbox<T>,
    /// `None` if the handshake left nothing to keep. This saves memory on servers with many idle
    /// connections.
    pub(crate) opening: Option<Box<Opening>>,
}

/// The role, with the data that only this role needs.
pub(crate) enum Side {
    Client(Box<dyn ws_proto::MaskSource>, Option<Response<()>>),
    Server,
}

impl<T: Transport> WebSocket<T> {
    /// Makes a connection after the opening handshake. `leftover` is the input that arrived after
    /// the handshake.
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
        if let Some(params) = agreed.deflate() {
            // Another HTTP stack may have agreed to compression without a [`DeflateConfig`] in
            // `config`. Compression must work then, too, with the default settings.
            let config = config.deflate_config().cloned().unwrap_or_default();
            connection.deflate(&params, &config);
        }
        let (recv, send) = connection.split();
        let opening = (response.is_some() || agreed != Agreed::default()).then(|| {
            Box::new(Opening {
                agreed,
                response,
                peer_addr: None,
            })
        });
        Self {
            parts: Box::new(Parts {
                read: ReadState::new(recv),
                write: Outbox(WriteState::new(send, transport)),
                opening,
            }),
        }
    }

    /// Receives the next message. `None` at the end of the connection.
    ///
    /// The end is reached when both ends have sent a Close and ours has been written. A server also
    /// ends its direction of the transport before this reports the end. A client lets the server go
    /// first. The transport may end later, and [`close`](Self::close) waits for that.
    ///
    /// Before this waits, it writes everything that is queued. Input that has arrived is handled
    /// before any timeout is checked, even if it is received late.
    ///
    /// # Errors
    ///
    /// After an abnormal end, one error is returned after the last message. All later calls return
    /// `Ok(None)`.
    ///
    /// * [`Error::Receive`] if the peer broke the protocol or exceeded a limit. A Close with the
    ///   matching code was sent, unless another Close had been queued before.
    /// * [`Error::Lost`] or [`Error::Io`] if the transport ended without a Close. The choice
    ///   between the two depends on the transport, so check
    ///   [`is_disconnect`](Error::is_disconnect).
    /// * [`Error::Timeout`] if a timeout passed.
    ///
    /// A Close of the peer is not an error, even if queued data could not be sent.
    /// [`close`](Self::close), [`Sender::closed`](crate::Sender::closed) and the methods that send
    /// report this failure.
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

    /// Polls for the next message. [`recv`](Self::recv) is the asynchronous form.
    ///
    /// # Errors
    ///
    /// The errors of [`recv`](Self::recv).
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        let (read, write) = self.directions();
        read.poll_message(cx, write)
            .map_ok(|found| found.then(|| read.recv.take_message()).flatten())
    }

    /// Receives the next message without copying it. Returns the message and an [`Outbox`] to
    /// answer it. `None` at the end of the connection.
    ///
    /// The message is borrowed from the connection's memory, in most cases from the block that was
    /// read into. [`Outbox::feed`] queues answers. Before this method waits for input, it writes
    /// all queued answers in one write.
    ///
    /// Before it receives, this waits until there is room in the queue. So the first answer does
    /// not wait for room. (On a server, a long borrowed answer may still wait for the transport:
    /// see [`Outbox::feed`].) While this waits for room, it handles input as [`send`](Self::send)
    /// does.
    ///
    /// # Errors
    ///
    /// The errors of [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    #[inline]
    pub fn recv_ref(&mut self) -> RecvRef<'_, T> {
        RecvRef::new(self)
    }

    /// Receives the next message or control frame, in the order of their arrival. `None` at the end
    /// of the connection.
    ///
    /// This is for relays and monitors. The control frames that it returns have been answered
    /// already, except for Pings if [`Config::manual_pongs`] is set.
    ///
    /// The other receiving methods skip control frames. A method that sends may also handle a
    /// control frame before the first call of this method. That frame is not returned, unless
    /// `manual_pongs` is set.
    ///
    /// # Errors
    ///
    /// The errors of [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn recv_any(&mut self) -> Result<Option<Incoming>, Error> {
        poll_fn(|cx| {
            let (read, write) = self.directions();
            read.poll_any(cx, write)
        })
        .await
    }

    /// Sends a message. Waits for room, queues the message, and returns when it has been written to
    /// the transport and flushed.
    ///
    /// Use this for a message that the peer is waiting for. Each call makes a write.
    /// [`feed`](Self::feed) sends many messages with few writes.
    ///
    /// A message that is longer than [`Config::fragment_len`] is queued whole, and cut into
    /// fragments as the transport takes it. Pings and Pongs are sent between two fragments. A Close
    /// is sent after the message, and Pings that arrive before the Close is sent are still
    /// answered.
    ///
    /// # Handling input
    ///
    /// A peer may stop reading until its Ping is answered. So this method handles input while it
    /// waits. It also does so after every 256 KiB or 16 messages that were sent. The same is true
    /// for every other method of this type that sends and waits.
    ///
    /// * Pings are answered, and Pongs are handled.
    /// * A Close takes effect at once if no message precedes it. Otherwise it takes effect when the
    ///   messages before it have been received.
    /// * Messages stay for the next receive. At most one block of them is read. A block has 64 KiB,
    ///   or 256 KiB while the peer sends long frames.
    ///
    /// An [`Outbox`], a [`Sender`](crate::Sender) and the `Sink` do not read while they wait.
    ///
    /// # Errors
    ///
    /// * [`Error::Closed`] if the connection is closing or has ended. It holds the Close of the
    ///   peer if one has arrived.
    /// * [`Error::Closed`] also if this found a violation of the peer while it waited. The next
    ///   receive returns [`Error::Receive`].
    /// * [`Error::Lost`] if this found the end of the transport while it waited. Later calls return
    ///   [`Error::Closed`].
    /// * [`Error::Io`] if the transport failed.
    /// * [`Timeout::WriteStall`](crate::Timeout::WriteStall) if the peer took no byte for
    ///   [`Config::write_stall_timeout`]. The error is
    ///   [`Timeout::Unreceived`](crate::Timeout::Unreceived) if messages of the peer fill the
    ///   memory for them, or if no task waits in the [`Receiver`](crate::Receiver): receive while
    ///   you send.
    /// * [`Timeout::Close`](crate::Timeout::Close) if the connection began to close while this
    ///   waited, and the peer did not take the remaining output in time.
    /// * [`Error::Send`] if a message that is sent piece by piece is unfinished. Nothing was
    ///   queued.
    ///
    /// After any error except [`Error::Send`], receive until `None`. Messages and a Close that have
    /// arrived can still be received, and [`end`](Self::end) returns the close code.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it was polled, or while it waits for room, the message is
    /// not sent. If it is dropped later, the message stays queued, and the next call that waits
    /// sends it.
    pub async fn send<'a>(&mut self, message: impl IntoOutgoing<'a>) -> Result<(), Error> {
        sending::send(self, message.into_outgoing()).await
    }

    /// Waits for room and queues a message.
    ///
    /// The message is written by the next call that waits, such as `flush`, `send`, `recv` or
    /// `recv_ref`. A receiving method writes everything that is queued before it waits. So a loop
    /// that receives messages and feeds the answers makes one write per read. Everywhere else, call
    /// [`flush`](Self::flush) after the last message.
    ///
    /// While this waits, it handles input as [`send`](Self::send) does.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (mut ws, mut peer) = ws_tokio::testing::pair(Default::default());
    /// for number in 0..10 {
    ///     ws.feed(format!("number {number}")).await?;
    /// }
    /// ws.flush().await?; // one write
    /// # for _ in 0..10 { peer.recv().await?.expect("a message"); }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it returned, the message is not sent.
    pub async fn feed<'a>(&mut self, message: impl IntoOutgoing<'a>) -> Result<(), Error> {
        sending::feed(self, message.into_outgoing()).await
    }

    /// Writes and flushes everything that is queued, including our Close.
    ///
    /// While this waits, it handles input as [`send`](Self::send) does. After a clean end, this
    /// succeeds if everything had been sent before.
    ///
    /// # Errors
    ///
    /// The errors of [`send`](Self::send), except [`Error::Send`]. After
    /// [`start_close`](Self::start_close) or a Close of the peer, this still writes the rest of the
    /// queue instead of returning [`Error::Closed`]. If the peer does not take the rest in time,
    /// the error is [`Timeout::Close`](crate::Timeout::Close).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn flush(&mut self) -> Result<(), Error> {
        sending::flush(self).await
    }

    /// Waits until there is room for a message. After this, [`try_feed`](Self::try_feed) succeeds,
    /// unless a [`writer`](Self::writer) has left a message unfinished.
    ///
    /// While this waits, it handles input as [`send`](Self::send) does.
    ///
    /// # Errors
    ///
    /// The errors of [`send`](Self::send), except [`Error::Send`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn ready(&mut self) -> Result<(), Error> {
        sending::ready(self).await
    }

    /// Returns `true` if there is room for a message: fewer bytes than [`Config::high_water_mark`]
    /// are queued (64 KiB by default), or none. There is no room while a long message is being
    /// compressed.
    ///
    /// A message that finds room is accepted whole, whatever its length. While there is room,
    /// [`try_feed`](Self::try_feed) does not return [`TryFeedError::Full`].
    pub fn has_room(&self) -> bool {
        self.parts.write.has_room()
    }

    /// Queues a message without waiting. A borrowed payload is copied.
    ///
    /// The next call that waits writes the message, as after [`feed`](Self::feed).
    ///
    /// # Errors
    ///
    /// * [`TryFeedError::Full`] if there is no room.
    /// * [`TryFeedError::Closed`] if the connection is closing or has ended.
    /// * [`TryFeedError::Unfinished`] if a message that is sent piece by piece is unfinished.
    ///
    /// Each of these errors holds the message.
    pub fn try_feed<'a, M: IntoOutgoing<'a>>(&mut self, message: M) -> Result<(), TryFeedError<M>> {
        self.parts.write.try_feed(message)
    }

    /// Sends a Ping (RFC 6455 §5.5.2). Waits for room and returns when the Ping has been written to
    /// the transport and flushed.
    ///
    /// This does not wait for the Pong, but [`ping`](Self::ping) does. The Pong is passed to the
    /// [observer](Self::observe), and [`recv_any`](Self::recv_any) returns it. While this waits, it
    /// handles input as [`send`](Self::send) does.
    ///
    /// # Errors
    ///
    /// The errors of [`send`](Self::send), but [`Error::Send`] only if the payload has more than
    /// 125 bytes.
    ///
    /// # Cancel safety
    ///
    /// The same as for [`send`](Self::send).
    pub async fn send_ping(&mut self, payload: impl AsRef<[u8]>) -> Result<(), Error> {
        sending::control(self, payload.as_ref(), SendHalf::ping).await
    }

    /// Measures a round trip. Sends a Ping, waits for its Pong, and returns the time between them.
    ///
    /// Messages that arrive before the Pong stay for the next receive. Returns `None` if messages
    /// must be received first: they have filled the memory for them, or a Close follows them. In
    /// this case, receive the messages and call `ping` again.
    ///
    /// This has no timeout: it may wait until the connection ends. Wrap it in a timeout of the
    /// runtime, or use [`Config::keepalive`].
    ///
    /// # Errors
    ///
    /// The errors of [`send`](Self::send), except [`Error::Send`].
    /// [`Timeout::Idle`](crate::Timeout::Idle) and [`Timeout::Pong`](crate::Timeout::Pong) if these
    /// timeouts are set and one of them passed.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped while it waits for room, the Ping is not sent. If it is dropped
    /// later, the Ping stays queued and is sent, and its Pong is ignored.
    pub async fn ping(&mut self) -> Result<Option<Duration>, Error> {
        let number = sending::start_probe(self).await?;
        poll_fn(|cx| {
            let (read, write) = self.directions();
            read.poll_answer(cx, write, number)
        })
        .await
    }

    /// Sends a Pong (RFC 6455 §5.5.3). Waits for room and returns when the Pong has been written to
    /// the transport and flushed.
    ///
    /// An unsolicited Pong is a one-way heartbeat. If [`Config::manual_pongs`] is set, the caller
    /// answers Pings with this method. Otherwise Pings are answered automatically. While this
    /// waits, it handles input as [`send`](Self::send) does.
    ///
    /// # Errors
    ///
    /// The errors of [`send_ping`](Self::send_ping).
    ///
    /// # Cancel safety
    ///
    /// The same as for [`send`](Self::send).
    pub async fn send_pong(&mut self, payload: impl AsRef<[u8]>) -> Result<(), Error> {
        sending::control(self, payload.as_ref(), SendHalf::pong).await
    }

    /// Queues a Close after everything that is queued, and returns at once (RFC 6455 §7.1.2).
    ///
    /// Continue to receive until the end. Messages that the peer has already sent still arrive.
    ///
    /// With [`CloseCode::NO_STATUS`], the Close is sent without a code and must have no reason.
    /// [`CloseReason::truncated`](crate::CloseReason::truncated) shortens a reason of unknown
    /// length.
    ///
    /// # Errors
    ///
    /// * [`Error::Closed`] if the connection is closing already or has ended.
    /// * [`Error::Io`] if the transport failed.
    /// * [`Error::Send`] if the code must not be sent, if the reason is longer than 123 bytes, or
    ///   if there is a reason and no code. The connection stays open.
    pub fn start_close(&mut self, code: CloseCode, reason: impl AsRef<str>) -> Result<(), Error> {
        sending::start_close(self, code, reason.as_ref())
    }

    /// Closes the connection and waits for the end of the transport.
    ///
    /// This sends a Close after everything that is queued, and discards messages until the peer's
    /// Close arrives. If the connection is closing already, this sends no other Close and waits for
    /// the end.
    ///
    /// Timeouts limit the wait. Until the Close has been written, the peer must take 64 KiB, or the
    /// rest of the queue, in each period of [`Config::close_timeout`]. After that, one more period
    /// covers the peer's Close and the end of the transport. If the peer has committed a violation,
    /// [`Config::failure_timeout`] covers all of this.
    ///
    /// # Errors
    ///
    /// [`Error::Send`] as for [`start_close`](Self::start_close). The connection stays open.
    ///
    /// After any other error, the connection has ended, but the end was not clean.
    /// [`end`](Self::end) returns the Closes that were sent and received.
    ///
    /// * [`Timeout::Close`](crate::Timeout::Close) if the peer did not take the queue, did not
    ///   answer the Close, or did not end the transport in time.
    /// * [`Error::Timeout`] with another timeout if that timeout ended the connection, now or
    ///   before.
    /// * [`Error::Lost`] or [`Error::Io`] if the transport ended before both ends had sent a Close.
    /// * [`Error::Receive`] if the peer broke the protocol or exceeded a limit.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped after it was polled, the Close is queued or has been sent. Call
    /// `close` or `recv` to continue.
    pub async fn close(&mut self, code: CloseCode, reason: impl AsRef<str>) -> Result<(), Error> {
        sending::ensure_closing(self, code, reason.as_ref())?;
        poll_fn(|cx| {
            let (read, write) = self.directions();
            read.poll_close(cx, write)
        })
        .await;
        self.parts.write.0.verdict()
    }

    /// Returns the outcome of the connection: the Closes of both ends, and whether the end was
    /// clean. `None` until the end is decided.
    pub fn end(&self) -> Option<End> {
        self.parts.write.0.send.end()
    }

    /// Runs the connection without receiving: writes everything that is queued, answers Pings, and
    /// enforces timeouts. Returns `true` when a message is available, and `false` at the end of the
    /// connection.
    ///
    /// The message stays for the next receive. This method is for a task that mostly sends. While
    /// such a task has nothing to send, it should await `drive`: otherwise no Ping is answered and
    /// no timeout is enforced.
    ///
    /// # Errors
    ///
    /// The errors of [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn drive(&mut self) -> Result<bool, Error> {
        let (read, write) = self.directions();
        poll_fn(|cx| read.poll_drive(cx, write)).await
    }

    /// Returns the time that the peer took to answer the last keepalive Ping
    /// ([`Config::keepalive`]). `None` before the first answer.
    pub fn round_trip(&self) -> Option<Duration> {
        self.parts.write.0.send.round_trip()
    }

    /// Returns the transport, and the bytes that have been read from it but not used. No Close is
    /// sent.
    ///
    /// # Errors
    ///
    /// Returns the connection unchanged if it is closing or has ended, if anything is queued, or if
    /// a message or frame has been received or sent only in part.
    pub fn into_parts(mut self) -> Result<(T, Vec<u8>), Self> {
        let (read, write) = self.directions();
        let is_busy = write.has_work() || write.send.unfinished().is_some();
        if !read.recv.is_between_messages() || !write.send.is_open() || is_busy {
            return Err(self);
        }
        match write.state.take() {
            State::Open(io) | State::Draining(io, _) => Ok((io, read.recv.unread().to_vec())),
            State::Ended(_) => Err(self),
        }
    }

    /// Calls `observer` with every Ping, Pong and Close that arrives. Replaces a previous observer.
    ///
    /// If no message precedes a control frame, the observer is called before the answer is sent. A
    /// Ping that follows messages may be answered at once. The observer is called later, when these
    /// messages have been received.
    ///
    /// If the connection is split, the observer may use the [`Sender`](crate::Sender).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (mut ws, mut peer) = ws_tokio::testing::pair(Default::default());
    /// use ws_tokio::Control;
    ///
    /// ws.observe(|control| match control {
    ///     Control::Pong(payload) => println!("Pong {payload:?}"),
    ///     other => println!("{other:?}"),
    /// });
    /// ws.send_ping("are you there?").await?;
    /// # let peer = tokio::spawn(async move { peer.recv().await });
    /// # ws.close(ws_tokio::CloseCode::NORMAL, "bye").await?;
    /// # peer.await??;
    /// # Ok(())
    /// # }
    /// ```
    pub fn observe(&mut self, observer: impl FnMut(&Control) + Send + 'static) {
        self.parts.read.observer = Some(Box::new(Mutex::new(observer)));
    }

    /// Returns the transport. `None` once the connection has ended and dropped the transport.
    pub fn get_ref(&self) -> Option<&T> {
        match &self.parts.write.0.state {
            State::Open(io) | State::Draining(io, _) => Some(io),
            State::Ended(_) => None,
        }
    }
}

impl<T: Transport> WebSocket<T> {
    fn directions(&mut self) -> (&mut ReadState, &mut WriteState<T, T::Timer>) {
        let Parts { read, write, .. } = &mut *self.parts;
        (read, &mut write.0)
    }

    /// Polls an operation that sends. Looks ahead if the operation waits, or if enough has been
    /// written since the last look ahead.
    fn poll_sending(
        &mut self,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(&mut WriteState<T, T::Timer>, &mut Context<'_>) -> Poll<Result<(), Error>>,
    ) -> Poll<Result<(), Error>> {
        let (read, write) = self.directions();
        let polled = poll(write, cx);
        if polled.is_ready() && !write.wants_look() {
            return polled;
        }
        let was_open = write.send.is_open();
        let was_ended = write.state.is_ended();
        read.look_ahead(cx, write);
        match polled {
            Poll::Pending if write.state.is_ended() && !was_ended => {
                Poll::Ready(Err(write.fault()))
            }
            Poll::Pending if was_open && !write.send.is_open() => poll(write, cx),
            polled => polled,
        }
    }
}

impl<T: Transport> Receiving for WebSocket<T> {
    fn poll_start(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<MessageKind>, Error>> {
        let (read, write) = self.directions();
        read.poll_start(cx, write)
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Chunk>, Error>> {
        let (read, write) = self.directions();
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
        &mut self.parts.write.0
    }

    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_sending(cx, WriteState::poll_room)
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        message: &mut Option<Outgoing<'_>>,
    ) -> Poll<Result<(), Error>> {
        self.poll_sending(cx, |write, cx| write.poll_send(cx, message))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_sending(cx, WriteState::poll_flush)
    }
}

impl<T: Transport> fmt::Debug for WebSocket<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("recv", &self.parts.read.recv)
            .field("send", &self.parts.write.0.send)
            .finish_non_exhaustive()
    }
}
