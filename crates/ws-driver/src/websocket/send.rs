//! Sending on a whole connection.

use std::future::{Future, poll_fn};
use std::ops::DerefMut;
use std::task::{Context, Poll};
use std::time::Duration;

use ws_proto::{IntoOutgoing, Outgoing, SendHalf};

use super::WebSocket;
use crate::error::{Error, TryFeedError};
use crate::sending::{self, Sending};
use crate::transport::Transport;
use crate::write_state::WriteState;

impl<T: Transport> WebSocket<T> {
    /// Sends a message. Waits for room, queues the message, and returns when it has been written to
    /// the transport and flushed.
    ///
    /// Use this for a message that the peer is waiting for. Each call makes a write.
    /// [`feed`](Self::feed) sends many messages with few writes.
    ///
    /// A message that is longer than [`Config::fragment_len`](crate::Config::fragment_len) is
    /// queued whole, and cut into fragments as the transport takes it. Pings and Pongs are sent
    /// between two fragments. A Close is sent after the message, and Pings that arrive before the
    /// Close is sent are still answered.
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
    /// An [`Outbox`](crate::Outbox), a [`Sender`](crate::Sender) and the `Sink` do not read while
    /// they wait.
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
    ///   [`Config::write_stall_timeout`](crate::Config::write_stall_timeout). The error is
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
    #[inline]
    pub fn feed<'a>(
        &mut self,
        message: impl IntoOutgoing<'a>,
    ) -> impl Future<Output = Result<(), Error>> {
        sending::feed(self, message.into_outgoing())
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

    /// Returns `true` if there is room for a message: fewer bytes than
    /// [`Config::high_water_mark`](crate::Config::high_water_mark) are queued (64 KiB by default),
    /// or none. There is no room while a long message is being compressed.
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
    /// runtime, or use [`Config::keepalive`](crate::Config::keepalive).
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
    /// An unsolicited Pong is a one-way heartbeat. If
    /// [`Config::manual_pongs`](crate::Config::manual_pongs) is set, the caller answers Pings with
    /// this method. Otherwise Pings are answered automatically. While this waits, it handles input
    /// as [`send`](Self::send) does.
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
}

impl<T: Transport> WebSocket<T> {
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
