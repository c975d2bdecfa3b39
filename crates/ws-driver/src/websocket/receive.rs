//! Receiving on a whole connection.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};
use std::time::Duration;

use ws_proto::{Chunk, Control, Message, MessageKind};

use super::WebSocket;
use crate::error::Error;
use crate::pieces::Receiving;
use crate::read_state::Incoming;
use crate::recv_ref::RecvRef;
use crate::transport::Transport;

impl<T: Transport> WebSocket<T> {
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
    #[inline]
    pub fn recv(&mut self) -> impl Future<Output = Result<Option<Message>, Error>> {
        Recv(self)
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

    /// Receives the next message without copying it. Returns the message and an
    /// [`Outbox`](crate::Outbox) to answer it. `None` at the end of the connection.
    ///
    /// The message is borrowed from the connection's memory, in most cases from the block that was
    /// read into. [`Outbox::feed`](crate::Outbox::feed) queues answers. Before this method waits
    /// for input, it writes all queued answers in one write.
    ///
    /// Before it receives, this waits until there is room in the queue. So the first answer does
    /// not wait for room. (On a server, a long borrowed answer may still wait for the transport:
    /// see [`Outbox::feed`](crate::Outbox::feed).) While this waits for room, it handles input as
    /// [`send`](Self::send) does.
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
    /// already, except for Pings if [`Config::manual_pongs`](crate::Config::manual_pongs) is set.
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
    /// ([`Config::keepalive`](crate::Config::keepalive)). `None` before the first answer.
    pub fn round_trip(&self) -> Option<Duration> {
        self.parts.write.0.send.round_trip()
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
}

/// The future of [`WebSocket::recv`]. Written by hand, because an `async fn` would move each
/// message once more.
struct Recv<'a, T: Transport>(&'a mut WebSocket<T>);

impl<T: Transport> Future for Recv<'_, T> {
    type Output = Result<Option<Message>, Error>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let read = &mut self.0.parts.read;
        match read.next_plain() {
            true => Poll::Ready(Ok(read.recv.take_message())),
            false => self.0.poll_recv(cx),
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
