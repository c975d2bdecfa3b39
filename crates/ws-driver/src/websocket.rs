//! The connection as its user sees it.

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
/// # Receiving
///
/// [`recv`](Self::recv) gives messages to keep. [`recv_ref`](Self::recv_ref) gives messages to look at, without an
/// allocation. [`recv_any`](Self::recv_any) gives control frames as well. Pings are answered and Closes completed
/// inside.
///
/// `Ok(None)` is the end of the connection: both Closes are there, and ours has been written. After an abnormal end one
/// `Err` comes first. [`end`](Self::end) tells what the Closes said.
///
/// # Sending
///
/// This is the contract of sending. It is the same for `WebSocket`, for [`Sender`](crate::Sender) and for the
/// [`Outbox`](crate::Outbox) that `recv_ref` lends. It depends neither on the role nor on the length of a message, on
/// fragments, on compression, or on a payload being borrowed or owned.
///
/// | call | returns when | dropped while it waits for room | dropped later | looks at what has arrived | errors |
/// |---|---|---|---|---|---|
/// | [`send`](Self::send) | the message was written and flushed | not sent | sent | yes | `Closed`, `Io`, `Timeout`, `Send` |
/// | [`feed`](Self::feed) | the message is queued | not sent | sent | yes | `Closed`, `Io`, `Timeout`, `Send` |
/// | [`try_feed`](Self::try_feed) | at once: a copy is queued, or the message comes back | – | – | no | `TryFeedError` |
/// | [`ready`](Self::ready) | there is room | nothing is lost | – | yes | `Closed`, `Io`, `Timeout` |
/// | [`has_room`](Self::has_room) | at once | – | – | no | – |
/// | [`flush`](Self::flush) | all that is queued was written and flushed | – | nothing is lost | yes | `Closed`, `Io`, `Timeout` |
/// | [`send_ping`](Self::send_ping), [`send_pong`](Self::send_pong) | the frame was written and flushed | not sent | sent | yes | `Closed`, `Io`, `Timeout`, `Send` |
/// | [`ping`](Self::ping) | the Pong has arrived | not sent | sent, its Pong is ignored | yes | `Closed`, `Io`, `Timeout` |
/// | [`MessageWriter::write`](crate::MessageWriter::write) | the piece is queued | not sent | – | yes | `Closed`, `Io`, `Timeout`, `Send` |
/// | [`MessageWriter::finish`](crate::MessageWriter::finish) | the message was written and flushed | unfinished | sent | yes | `Closed`, `Io`, `Timeout`, `Send` |
/// | [`start_close`](Self::start_close) | at once: a Close is queued | – | – | no | `Closed`, `Io`, `Send` |
/// | [`close`](Self::close) | the transport has ended | – | the Close is queued or sent | it receives | `Send`, `Io`, `Lost`, `Receive`, `Timeout` |
///
/// * A future that was never polled has done nothing.
/// * There is *room* while less than 64 KiB is queued ([`Config::high_water_mark`]), or nothing. A message that finds
///   room is taken whole, however long it is.
/// * What is queued leaves with the next `send`, `flush`, `recv`, `recv_ref` or any other call that waits. A receive
///   writes what is queued before it waits, so a loop that feeds its answers and receives again writes once per read.
/// * A message that is longer than [`Config::fragment_len`] is queued whole and cut as the transport takes it. Pings
///   and Pongs leave between two fragments. A Close leaves behind the message, and Pings that arrive before it leaves
///   are still answered.
///
/// `send` is for a message that somebody waits for: one write each. `feed` is for many messages. In a loop that
/// receives, the next receive writes them. Anywhere else, `flush` at the end of the loop does.
///
/// ```text
/// ws.send("ready").await?;                                   // one message, one write
/// for row in rows { ws.feed(row).await?; }                   // many messages …
/// ws.flush().await?;                                         // … by few writes
/// ```
///
/// # Looking at what has arrived
///
/// A peer may stop reading until its Ping is answered. So the calls that are marked in the table look at what has
/// arrived while they wait, and after each 256 KiB or 16 messages. `recv_ref` does too while it waits for room.
///
/// * Pings are answered, and Pongs count.
/// * A Close counts if no message is in front of it. Behind messages it counts once those have been received.
/// * Messages stay for the next receive. At most one block of them is read, 64 KiB or, for long messages, 256 KiB.
///
/// Three senders do not look. An `Outbox` cannot, because the message that was received is still borrowed. A `Sender`
/// relies on its [`Receiver`](crate::Receiver). The `Sink` relies on its `Stream` being polled.
///
/// # Errors of sending
///
/// | error | cause | of |
/// |---|---|---|
/// | [`Error::Closed`] | the connection is closing or has ended: with the Close of the peer, if one has arrived | all |
/// | [`Error::Io`] | the transport failed | all |
/// | [`Timeout::WriteStall`](crate::Timeout::WriteStall) | the peer took nothing for [`Config::write_stall_timeout`] | all that wait |
/// | [`Timeout::Unreceived`](crate::Timeout::Unreceived) | the same, while its own messages wait here to be received | all that wait |
/// | [`Timeout::Close`](crate::Timeout::Close) | the peer took too little of what is left, or did not answer our Close | `flush`, `close` |
/// | [`Error::Lost`], [`Error::Receive`] | the transport ended without a Close, or the peer broke the protocol | `close`, and a call that waits when the transport ends; to later calls the connection is closed |
/// | [`Error::Send`] | what was passed cannot be sent; nothing was queued | `send_ping`, `send_pong`, `start_close`, `close`; all, inside an unfinished message |
/// | [`TryFeedError`](crate::TryFeedError) | closed, no room, or inside an unfinished message; the message comes back | `try_feed` |
///
/// After an error, receive on until `None`: messages and a Close that have arrived still come, and [`end`](Self::end)
/// has the code.
///
/// # Closing
///
/// [`start_close`](Self::start_close) queues a Close behind everything that is queued. [`close`](Self::close) also
/// waits for the end of the transport, and discards messages meanwhile.
///
/// * Until our Close has been written, the peer must take 64 KiB, or the rest, per [`Config::close_timeout`]. From then
///   on it has that time for its Close and for the end of the transport.
/// * After a violation, [`Config::failure_timeout`] covers the whole rest.
/// * After a Close of the peer, receiving reports no error, whatever becomes of what was still queued. `close`,
///   [`Sender::closed`](crate::Sender::closed) and sending do.
/// * A server ends its direction of the transport behind both Closes, before `recv` returns `None`. A client lets the
///   server go first.
///
/// # Cancellation
///
/// Every future here may be dropped at any point. All progress is kept in the connection, nothing received is lost, and
/// no frame is cut.
///
/// # Time limits
///
/// They are acted on only while some method of the connection is awaited: no task or thread works in the background. A
/// connection that nobody polls is neither kept alive nor closed. What has arrived by then counts first, however late
/// it is looked at. Dropping a connection ends the transport without a Close.
pub struct WebSocket<T: Transport> {
    /// Apart, so that tasks that own connections are small, and moving them is cheap.
    pub(crate) parts: Box<Parts<T>>,
}

/// A connection, in all its parts.
pub(crate) struct Parts<T: Transport> {
    pub(crate) read: ReadState,
    pub(crate) write: Outbox<T>,
    /// `None` where nothing was agreed, to keep idle servers small.
    pub(crate) opening: Option<Box<Opening>>,
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
        if let Some(params) = agreed.deflate() {
            // What was agreed has to work, also where another HTTP stack has agreed to it.
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

    /// Receives the next message, to keep. `None` at the end of the connection: the Closes of both ends are there, and
    /// ours has been written.
    ///
    /// Writes what is queued before it waits. The transport ends behind the `None`; [`close`](Self::close) waits for
    /// that.
    ///
    /// # Errors
    ///
    /// Once, after the messages before it: [`Error::Receive`] if the peer broke the protocol or went over a limit (it
    /// has been told by a Close), [`Error::Lost`] or [`Error::Io`] if the transport ended without a Close (ask
    /// [`is_disconnect`](Error::is_disconnect), since which of them it is depends on the transport),
    /// [`Error::Timeout`] if a time limit passed. After that `Ok(None)`. A Close of the peer is no error, whatever
    /// became of what was queued.
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

    /// Polls [`recv`](Self::recv).
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        let (read, write) = self.directions();
        read.poll_message(cx, write)
            .map_ok(|found| found.then(|| read.recv.take_message()).flatten())
    }

    /// Receives the next message, to look at, together with the sending half of the connection, to answer it. `None` at
    /// the end of the connection.
    ///
    /// The message lies in the connection's memory, mostly in the very block that was read into. Answers are queued by
    /// [`Outbox::feed`](crate::Outbox::feed) and leave, many in one write, when this is called again. This waits for
    /// room first, so that the first answer finds some.
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

    /// Receives the next message or control frame, in the order of their arrival. `None` at the end of the connection.
    ///
    /// For relays and observers. Control frames have been answered already, except for Pings where
    /// [`Config::manual_pongs`] is set. Other receiving methods pass over control frames. Those that a send saw before the
    /// first call of this are passed over, too, unless Pongs are left to the caller.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
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

    /// Sends a message: returns when the transport has taken it and was flushed. See [the table](Self#sending).
    ///
    /// While this waits, and after each 256 KiB or 16 messages, it
    /// [looks at what has arrived](Self#looking-at-what-has-arrived).
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] if the connection is closing or has ended; [`Error::Io`] if the transport failed;
    /// [`Error::Timeout`] if the peer stopped reading; the rest is in [the table](Self#errors-of-sending).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it was polled, or while it waits for room: the message is not sent. Dropped later: it is.
    pub async fn send<'a>(&mut self, message: impl IntoOutgoing<'a>) -> Result<(), Error> {
        sending::send(self, message.into_outgoing()).await
    }

    /// Queues a message, after waiting for room as [`send`](Self::send) does. It leaves with the next `flush`, `send`,
    /// `recv` or `recv_ref`, or with any other call that waits.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// As for [`send`](Self::send).
    pub async fn feed<'a>(&mut self, message: impl IntoOutgoing<'a>) -> Result<(), Error> {
        sending::feed(self, message.into_outgoing()).await
    }

    /// Writes and flushes everything that is queued, our own Close included.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send), but after a clean end it is `Ok` if everything had left.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn flush(&mut self) -> Result<(), Error> {
        sending::flush(self).await
    }

    /// Waits until a message can be queued: [`try_feed`](Self::try_feed) will take one, unless a
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

    /// Tells whether there is room for a message: less than [`Config::high_water_mark`] is queued, or nothing. Then
    /// [`try_feed`](Self::try_feed) does not say that the queue is full.
    pub fn has_room(&self) -> bool {
        self.parts.write.has_room()
    }

    /// Queues a message at once, or gives it back. A borrowed payload is copied.
    ///
    /// It leaves as after [`feed`](Self::feed).
    ///
    /// # Errors
    ///
    /// [`TryFeedError::Full`] while there is no room, [`TryFeedError::Closed`] if the connection is closing or has
    /// ended, [`TryFeedError::Unfinished`] inside a message that is sent piece by piece. Each returns the message.
    pub fn try_feed<'a, M: IntoOutgoing<'a>>(&mut self, message: M) -> Result<(), TryFeedError<M>> {
        self.parts.write.try_feed(message)
    }

    /// Sends a Ping (RFC 6455 §5.5.2): returns when the transport has taken it. The Pong goes to the
    /// [observer](Self::observe), and [`recv_any`](Self::recv_any) gives it. [`ping`](Self::ping) waits for it.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send), and [`Error::Send`] for more than 125 bytes.
    ///
    /// # Cancel safety
    ///
    /// As for [`send`](Self::send).
    pub async fn send_ping(&mut self, payload: impl AsRef<[u8]>) -> Result<(), Error> {
        sending::control(self, payload.as_ref(), SendHalf::ping).await
    }

    /// Measures a round trip: sends a Ping and waits for its Pong. Messages that arrive before it stay for the next
    /// receive. `None` if so many arrived that the Pong is behind them: receive them, and ask again.
    ///
    /// This waits as long as the connection lasts. Put a time limit of the runtime around it, or use
    /// [`Config::keepalive`].
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send) and [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits for room: the Ping is not sent. Dropped later: it is, and its Pong is ignored.
    pub async fn ping(&mut self) -> Result<Option<Duration>, Error> {
        let number = sending::start_probe(self).await?;
        poll_fn(|cx| {
            let (read, write) = self.directions();
            read.poll_answer(cx, write, number)
        })
        .await
    }

    /// Sends a Pong that nobody asked for, a one-way heartbeat (RFC 6455 §5.5.3), or one that was left to the caller
    /// ([`Config::manual_pongs`]): returns when the transport has taken it.
    ///
    /// # Errors
    ///
    /// As for [`send_ping`](Self::send_ping).
    ///
    /// # Cancel safety
    ///
    /// As for [`send`](Self::send).
    pub async fn send_pong(&mut self, payload: impl AsRef<[u8]>) -> Result<(), Error> {
        sending::control(self, payload.as_ref(), SendHalf::pong).await
    }

    /// Queues a Close (RFC 6455 §7.1.2) and returns at once. Go on receiving until the end: messages that the peer
    /// had under way still arrive.
    ///
    /// A Close with [`CloseCode::NO_STATUS`] leaves without a code, and takes no reason. Shorten a reason of unknown
    /// length by [`CloseReason::truncated`](crate::CloseReason::truncated).
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] if the connection is closing already. [`Error::Send`] if the code must not be sent, if the
    /// reason is longer than 123 bytes, or if there is a reason and no code: the connection stays open then.
    pub fn start_close(&mut self, code: CloseCode, reason: impl AsRef<str>) -> Result<(), Error> {
        sending::start_close(self, code, reason.as_ref())
    }

    /// Closes the connection: sends a Close after what is queued, discards messages until the peer's Close, and waits
    /// for the end of the transport.
    ///
    /// Until the Close has been written, the peer must take 64 KiB, or the rest, per [`Config::close_timeout`]. From
    /// then on it has that time for its own and for the end. On a connection that is closing already this waits for the
    /// end.
    ///
    /// # Errors
    ///
    /// [`Error::Send`] as for [`start_close`](Self::start_close): the connection stays open. [`Error::Timeout`] if the
    /// peer did not answer, and whatever else kept the end from being clean: the connection has ended all the same, and
    /// [`end`](Self::end) tells what the Closes said.
    ///
    /// # Cancel safety
    ///
    /// Dropped before the end, the Close is queued or sent. Call `close` or `recv` to go on.
    pub async fn close(&mut self, code: CloseCode, reason: impl AsRef<str>) -> Result<(), Error> {
        sending::ensure_closing(self, code, reason.as_ref())?;
        poll_fn(|cx| {
            let (read, write) = self.directions();
            read.poll_close(cx, write)
        })
        .await;
        self.parts.write.0.verdict()
    }

    /// Returns how the connection ended, once that is decided: the Closes of both ends, and whether it was clean.
    pub fn end(&self) -> Option<End> {
        self.parts.write.0.send.end()
    }

    /// Keeps the connection going without receiving: sends what is queued, answers Pings, keeps time limits. Returns
    /// `true` when a message waits, which the next receive gives, and `false` at the end of the connection.
    ///
    /// For a task that mostly sends: between its calls, nothing of this happens unless the connection is driven.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn drive(&mut self) -> Result<bool, Error> {
        let (read, write) = self.directions();
        poll_fn(|cx| read.poll_drive(cx, write)).await
    }

    /// Returns the time that the peer took to answer the last keepalive Ping ([`Config::keepalive`]).
    pub fn round_trip(&self) -> Option<Duration> {
        self.parts.write.0.send.round_trip()
    }

    /// Gives up the connection for its transport and the bytes that were read from it and not used.
    ///
    /// # Errors
    ///
    /// Gives the connection back if it has ended or is closing, if something is queued, or in the middle of a message
    /// or frame, of which a part has been used.
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

    /// Calls `observer` with every Ping, Pong and Close that arrives. Replaces the observer before. It may use the
    /// [`Sender`](crate::Sender) of a connection that was split.
    ///
    /// A control frame in front of every message is shown before its answer leaves. A Ping behind messages may have
    /// been answered when it is shown, with the messages before it.
    pub fn observe(&mut self, observer: impl FnMut(&Control) + Send + 'static) {
        self.parts.read.observer = Some(Box::new(Mutex::new(observer)));
    }

    /// Returns the transport. `None` once the connection has ended and the transport was dropped.
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

    /// Polls something that sends. Whoever only sends has to look at what has arrived while it waits, and from time to
    /// time.
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
