//! Sending answers while the received message is still borrowed.

use std::fmt;
use std::future::Future;
use std::mem;
use std::ops::DerefMut;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ws_proto::{CloseCode, IntoOutgoing, Outgoing, SendHalf};

use crate::error::{Error, TryFeedError};
use crate::sending::{self, Sending};
use crate::transport::Transport;
use crate::write_state::WriteState;

/// The sending side of a connection while a received message is borrowed.
/// [`WebSocket::recv_ref`](crate::WebSocket::recv_ref) returns it together with the message.
///
/// Each method does what the method of the same name of [`WebSocket`](crate::WebSocket) does. That
/// method describes the errors and the cancel safety. One thing is different: an outbox reads
/// nothing while it waits, because the message is still borrowed. Pings that arrive are answered by
/// the next call of a method of the connection.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (mut peer, mut ws) = ws_tokio::testing::pair(Default::default());
/// # let peer = tokio::spawn(async move {
/// #     peer.send("ping?").await?;
/// #     let answer = peer.recv().await?;
/// #     peer.close(ws_tokio::CloseCode::NORMAL, "bye").await?;
/// #     Ok::<_, ws_tokio::Error>(answer)
/// # });
/// use ws_tokio::MessageRef;
///
/// while let Some((message, out)) = ws.recv_ref().await? {
///     match message {
///         MessageRef::Text(text) => out.feed(&text.to_uppercase()).await?,
///         MessageRef::Binary(bytes) => println!("{} bytes", bytes.len()),
///     }
/// }
/// # assert_eq!(peer.await??.unwrap().as_text(), Some("PING?"));
/// # Ok(())
/// # }
/// ```
pub struct Outbox<T: Transport>(pub(crate) WriteState<T, T::Timer>);

impl<T: Transport> Outbox<T> {
    /// Waits for room and queues a message. See [`WebSocket::feed`](crate::WebSocket::feed).
    ///
    /// Directly after [`recv_ref`](crate::WebSocket::recv_ref) there is room, so the first call
    /// does not wait for room. The next call that waits writes all queued messages in one write.
    ///
    /// On a server, a borrowed payload of 8 KiB or more is written from the caller's memory if it
    /// needs no compression and no fragments. In this case, the future also waits until the
    /// transport has taken the payload.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it was polled, or while it waits for room, the message is
    /// not sent. If it is dropped later, the message stays queued, and the next call that waits
    /// sends it. For this purpose, dropping the future copies the rest of a borrowed payload into
    /// the queue.
    #[inline]
    pub fn feed<'o, 'm>(&'o mut self, message: impl IntoOutgoing<'m>) -> Feed<'o, 'm, T> {
        Feed {
            outbox: self,
            step: FeedStep::Start(message.into_outgoing()),
        }
    }

    /// Queues a message without waiting. See [`WebSocket::try_feed`](crate::WebSocket::try_feed).
    pub fn try_feed<'m, M: IntoOutgoing<'m>>(&mut self, message: M) -> Result<(), TryFeedError<M>> {
        self.0.try_queue(message)
    }

    /// Sends a message. Returns when it has been written to the transport and flushed. See
    /// [`WebSocket::send`](crate::WebSocket::send).
    pub async fn send<'m>(&mut self, message: impl IntoOutgoing<'m>) -> Result<(), Error> {
        sending::send(self, message.into_outgoing()).await
    }

    /// Writes and flushes everything that is queued. See
    /// [`WebSocket::flush`](crate::WebSocket::flush).
    pub async fn flush(&mut self) -> Result<(), Error> {
        sending::flush(self).await
    }

    /// Waits until there is room for a message. See [`WebSocket::ready`](crate::WebSocket::ready).
    pub async fn ready(&mut self) -> Result<(), Error> {
        sending::ready(self).await
    }

    /// Returns `true` if there is room for a message. See
    /// [`WebSocket::has_room`](crate::WebSocket::has_room).
    #[inline]
    pub fn has_room(&self) -> bool {
        self.0.send.has_room()
    }

    /// Sends a Ping (RFC 6455 §5.5.2). See [`WebSocket::send_ping`](crate::WebSocket::send_ping).
    pub async fn send_ping(&mut self, payload: impl AsRef<[u8]>) -> Result<(), Error> {
        sending::control(self, payload.as_ref(), SendHalf::ping).await
    }

    /// Sends a Pong (RFC 6455 §5.5.3). See [`WebSocket::send_pong`](crate::WebSocket::send_pong).
    pub async fn send_pong(&mut self, payload: impl AsRef<[u8]>) -> Result<(), Error> {
        sending::control(self, payload.as_ref(), SendHalf::pong).await
    }

    /// Queues a Close and returns at once. See
    /// [`WebSocket::start_close`](crate::WebSocket::start_close).
    pub fn start_close(&mut self, code: CloseCode, reason: impl AsRef<str>) -> Result<(), Error> {
        sending::start_close(self, code, reason.as_ref())
    }
}

impl<T: Transport> Sending for Outbox<T> {
    type Io = T;
    type Timer = T::Timer;

    fn write_state(&mut self) -> impl DerefMut<Target = WriteState<T, T::Timer>> {
        &mut self.0
    }

    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll_room(cx)
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        message: &mut Option<Outgoing<'_>>,
    ) -> Poll<Result<(), Error>> {
        self.0.poll_send(cx, message)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll_flush(cx)
    }
}

impl<T: Transport> fmt::Debug for Outbox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Outbox").field(&self.0.send).finish()
    }
}

/// The future of [`Outbox::feed`]. It does nothing before it is polled.
#[must_use = "nothing is queued before it is awaited"]
pub struct Feed<'o, 'm, T: Transport> {
    outbox: &'o mut Outbox<T>,
    step: FeedStep<'m>,
}

enum FeedStep<'m> {
    Start(Outgoing<'m>),
    /// The header is queued, and this part of the payload still has to be written from the caller's
    /// memory.
    ///
    /// If the future is forgotten (`mem::forget`) instead of dropped, the frame stays incomplete
    /// and the next write fails.
    Lent(&'m [u8]),
    Done,
}

impl<T: Transport> Future for Feed<'_, '_, T> {
    type Output = Result<(), Error>;

    /// Short and inlined, as that of `RecvRef`.
    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let feed = &mut *self;
        if let FeedStep::Start(message) = &feed.step
            && feed.outbox.0.feed_plain(message)
        {
            feed.step = FeedStep::Done;
            return Poll::Ready(Ok(()));
        }
        feed.poll_on(cx)
    }
}

impl<T: Transport> Feed<'_, '_, T> {
    /// Handles every message that [`WriteState::feed_plain`] does not queue. Not inlined, to keep
    /// its code out of the path of small messages.
    #[inline(never)]
    fn poll_on(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let write = &mut self.outbox.0;
        if let FeedStep::Start(_) = self.step {
            if !write.send.has_room() {
                ready!(write.poll_room(cx))?;
            }
            if let FeedStep::Start(message) = mem::replace(&mut self.step, FeedStep::Done) {
                let rest = write.queue_by(|send| send.lending().lend_payload(message))?;
                self.step = FeedStep::Lent(rest);
            }
        }
        match &mut self.step {
            FeedStep::Lent(rest) if !rest.is_empty() => write.poll_lent(cx, rest),
            FeedStep::Start(_) | FeedStep::Lent(_) | FeedStep::Done => Poll::Ready(Ok(())),
        }
    }
}

impl<T: Transport> Drop for Feed<'_, '_, T> {
    #[inline]
    fn drop(&mut self) {
        if let FeedStep::Lent(rest) = self.step
            && !rest.is_empty()
        {
            self.outbox.0.send.lending().keep_payload(rest);
        }
    }
}

impl<T: Transport> fmt::Debug for Feed<'_, '_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").finish_non_exhaustive()
    }
}
