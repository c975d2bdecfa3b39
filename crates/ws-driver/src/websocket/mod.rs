//! The public type of a connection.

mod receipts;
mod receive;
mod send;

use std::fmt;
use std::future::poll_fn;

use http::Response;
use ws_handshake::Agreed;
use ws_proto::{CloseCode, Config, Connection, End};

use crate::error::Error;
use crate::opening::Opening;
use crate::outbox::Outbox;
use crate::pool::{BLOCK_LEN, LARGE_BLOCK_LEN, SMALL_BLOCK_LEN};
use crate::read_state::ReadState;
use crate::sending;
use crate::serve::Admission;
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
/// | prove delivery | [`count_written`](Self::count_written), [`written`](Self::written), [`start_ping`](Self::start_ping) and [`ping_answer`](Self::ping_answer): the messages that have left, and those that the peer has read. |
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
        lending.set_first_len(SMALL_BLOCK_LEN);
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

    /// Moves the connection to new memory, once the memory of its opening handshake is free.
    ///
    /// Without this, the connection would be behind that memory, which is much larger. The holes
    /// between connections took up to 300 bytes for each.
    pub(crate) fn compact(self) -> Self {
        Self {
            parts: Box::new(*self.parts),
        }
    }

    /// Puts the connection into the registry that has admitted it.
    pub(crate) fn admit(&mut self, admission: Admission) {
        let send = &mut self.parts.write.0.send;
        send.admit(admission);
        #[cfg(feature = "stats")]
        {
            self.parts.read.last_count = send.last_count();
        }
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

    /// Closes the connection, and waits until it has ended. A client waits until the server has
    /// also ended the transport (RFC 6455 §7.1.1).
    ///
    /// This sends a Close after everything that is queued, and discards messages until the peer's
    /// Close arrives. If the connection is closing already, this sends no other Close and waits for
    /// the end.
    ///
    /// Timeouts limit the wait. Until the Close has been written, the peer must take 64 KiB, or the
    /// rest of the queue, in each period of [`Config::close_timeout`]. After that, one more period
    /// covers the peer's Close and, on a client, the end of the transport. If the peer has
    /// committed a violation, [`Config::failure_timeout`] covers all of this.
    ///
    /// # Errors
    ///
    /// [`Error::Send`] as for [`start_close`](Self::start_close). The connection stays open.
    ///
    /// After any other error, the connection has ended, but the end was not clean.
    /// [`end`](Self::end) returns the Closes that were sent and received.
    ///
    /// * [`Timeout::Close`](crate::Timeout::Close) if the peer did not take the queue, or did not
    ///   answer the Close in time. After both Closes, the end is clean, even if the server does not
    ///   end the transport in time.
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

    /// Returns the transport. `None` once the connection has ended and dropped the transport.
    pub fn get_ref(&self) -> Option<&T> {
        match &self.parts.write.0.state {
            State::Open(io) | State::Draining(io, _) => Some(io),
            State::Ended(_) => None,
        }
    }

    #[inline]
    fn directions(&mut self) -> (&mut ReadState, &mut WriteState<T, T::Timer>) {
        let Parts { read, write, .. } = &mut *self.parts;
        (read, &mut write.0)
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

#[cfg(all(test, not(loom), target_pointer_width = "64"))]
mod tests {
    use super::*;
    use crate::never::Never;
    use crate::pipe::Duplex;

    /// A connection is as small as it was before the features were added, unless they are enabled.
    #[test]
    fn counters_and_events_take_memory_only_with_their_features() {
        // One number for each counter of each direction, a copy of those of the received traffic,
        // and a pointer to the seat.
        let stats = match cfg!(feature = "stats") {
            true => 3 * 6 * size_of::<u64>() + size_of::<usize>(),
            false => 0,
        };
        // The number of the connection, and its beginning.
        let events = match cfg!(feature = "tracing") {
            true => 24,
            false => 0,
        };
        assert_eq!(size_of::<WebSocket<Duplex<Never>>>(), size_of::<usize>());
        assert_eq!(size_of::<Parts<Duplex<Never>>>(), 600 + stats + events);
    }
}
