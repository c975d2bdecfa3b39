//! The sending half of a connection, for whoever answers a message that is still borrowed.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use ws_proto::{ControlPayload, Outgoing};

use crate::error::{Error, TrySendError};
use crate::outlet::Outlet;
use crate::transport::Transport;

/// The sending half that [`WebSocket::recv_ref`](crate::WebSocket::recv_ref) lends together with a message.
///
/// What is queued leaves, many messages in one write, with the next call of the connection that waits. Only a large
/// borrowed payload is written by [`feed`](Self::feed) itself, from where it lies: copying it would cost more.
pub struct Outbox<T: Transport> {
    /// `None` once the connection has ended: the transport was dropped.
    pub(crate) io: Option<T>,
    pub(crate) outlet: Outlet<T::Timer>,
}

impl<T: Transport> Outbox<T> {
    /// Queues a message, after waiting for room: directly behind a receive there is some. A borrowed payload of 8 KiB
    /// or more that needs no mask and no compression is not copied, but written.
    ///
    /// # Errors
    ///
    /// [`Error::Send`] if the connection is closing; [`Error::Io`] or [`Error::Timeout`] if the transport failed or
    /// the peer stopped reading.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits for room: the message is not sent. Dropped later: it is, and what was not written of it
    /// is copied and queued.
    #[inline]
    pub async fn feed<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        let message = message.into();
        if !self.has_room() {
            let Outbox { io, outlet } = self;
            poll_fn(|cx| outlet.poll_room(cx, io.as_mut())).await?;
        }
        let queue = &mut self.outlet.out;
        queue.lend_buffer();
        match queue.side.lend_payload(message)? {
            [] => Ok(()),
            payload => {
                Lent {
                    outbox: self,
                    payload,
                }
                .await
            }
        }
    }

    /// Queues a message at once or gives it back.
    ///
    /// # Errors
    ///
    /// As for [`WebSocket::try_send`](crate::WebSocket::try_send).
    pub fn try_send<'m, M: Into<Outgoing<'m>>>(
        &mut self,
        message: M,
    ) -> Result<(), TrySendError<M>> {
        self.outlet.out.try_feed(message)
    }

    /// Queues a Ping.
    ///
    /// # Errors
    ///
    /// [`Error::Send`] if the connection is closing.
    pub fn ping(&mut self, payload: &ControlPayload) -> Result<(), Error> {
        self.outlet.out.ping(payload)
    }

    /// Queues a Pong that nobody asked for.
    ///
    /// # Errors
    ///
    /// [`Error::Send`] if the connection is closing.
    pub fn pong(&mut self, payload: &ControlPayload) -> Result<(), Error> {
        self.outlet.out.pong(payload)
    }

    /// Whether less than the high-water mark is queued, so that [`feed`](Self::feed) need not wait.
    #[inline]
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.outlet.out.side.has_room()
    }

    /// Drops the transport once it is of no more use.
    pub(crate) fn drop_ended(&mut self) {
        if self.outlet.has_ended() {
            self.io = None;
        }
    }
}

impl<T: Transport> fmt::Debug for Outbox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Outbox").field(&self.outlet.out).finish()
    }
}

/// A payload on its way out of the memory of the caller, behind its header in the queue.
///
/// Whoever forgets it instead of dropping it has cut a frame: the next write fails.
struct Lent<'o, 'm, T: Transport> {
    outbox: &'o mut Outbox<T>,
    /// What has not gone out.
    payload: &'m [u8],
}

impl<T: Transport> Future for Lent<'_, '_, T> {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Lent { outbox, payload } = &mut *self;
        let Outbox { io, outlet } = &mut **outbox;
        let written = outlet.poll_lent(cx, io.as_mut(), payload);
        outbox.drop_ended();
        written
    }
}

impl<T: Transport> Drop for Lent<'_, '_, T> {
    fn drop(&mut self) {
        if !self.payload.is_empty() {
            self.outbox.outlet.out.side.keep_lent(self.payload);
        }
    }
}
