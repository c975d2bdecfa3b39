//! Answering a message that is still borrowed.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ws_proto::{Outgoing, SendError};

use crate::error::{Error, TrySendError};
use crate::transport::Transport;
use crate::write_state::WriteState;

/// The sending half that [`WebSocket::recv_ref`](crate::WebSocket::recv_ref) lends together with a message.
///
/// What is queued leaves, many messages in one write, with the next call of the connection that waits. Only a large
/// borrowed payload is written by [`feed`](Self::feed) itself, from where it lies: copying it would cost more.
pub type Outbox<T> = WriteState<T, <T as Transport>::Timer>;

impl<T: Transport> Outbox<T> {
    /// Queues a message: at once if there is room, as directly behind a receive, else the future waits for room. A
    /// borrowed payload of 8 KiB or more that needs no mask and no compression is not copied: the future writes it.
    ///
    /// # Errors
    ///
    /// [`Error::Send`] if the connection is closing; [`Error::Io`] or [`Error::Timeout`] if the transport failed or
    /// the peer stopped reading.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits for room: the message is not sent; nor is one without room, or with a payload that is
    /// not copied, if the future was never polled. Dropped in all other cases: it is, and what was not written of it is
    /// copied and queued.
    #[inline]
    pub fn feed<'o, 'm>(&'o mut self, message: impl Into<Outgoing<'m>>) -> Feed<'o, 'm, T> {
        let message = message.into();
        // Short, because this is what small messages cost.
        let step = if !self.has_room() || self.send.lending().lends(&message) {
            FeedStep::Room(self, message)
        } else if let Err(error) = self.queue(message) {
            FeedStep::Refused(error)
        } else {
            FeedStep::Done
        };
        Feed { step }
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
        self.try_queue(message)
    }

    /// Tells whether there is room for a message. See [`WebSocket::has_room`](crate::WebSocket::has_room).
    #[inline]
    pub fn has_room(&self) -> bool {
        self.send.has_room()
    }
}

/// What [`Outbox::feed`] waits for, if for anything.
#[must_use = "there may have been no room, and a large payload may still have to be written"]
pub struct Feed<'o, 'm, T: Transport> {
    step: FeedStep<'o, 'm, T>,
}

enum FeedStep<'o, 'm, T: Transport> {
    Done,
    Refused(SendError),
    /// There may be no room for the message, or its payload is to be written from where it lies.
    Room(&'o mut Outbox<T>, Outgoing<'m>),
    Lent(Lent<'o, 'm, T>),
}

impl<T: Transport> Future for Feed<'_, '_, T> {
    type Output = Result<(), Error>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.step {
            FeedStep::Done => Poll::Ready(Ok(())),
            _ => self.poll_on(cx),
        }
    }
}

impl<T: Transport> Feed<'_, '_, T> {
    fn poll_on(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if let FeedStep::Room(outbox, _) = &mut self.step {
            ready!(outbox.poll_room(cx))?;
            self.queue()?;
        }
        match &mut self.step {
            FeedStep::Refused(error) => Poll::Ready(Err((*error).into())),
            FeedStep::Lent(lent) => lent.outbox.poll_lent(cx, &mut lent.payload),
            FeedStep::Done | FeedStep::Room(..) => Poll::Ready(Ok(())),
        }
    }

    /// Queues the message, now that there is room.
    fn queue(&mut self) -> Result<(), SendError> {
        if let FeedStep::Room(outbox, message) = mem::replace(&mut self.step, FeedStep::Done) {
            let payload = outbox.lent().lending().lend_payload(message)?;
            if !payload.is_empty() {
                self.step = FeedStep::Lent(Lent { outbox, payload });
            }
        }
        Ok(())
    }
}

impl<T: Transport> fmt::Debug for Feed<'_, '_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").finish_non_exhaustive()
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

impl<T: Transport> Drop for Lent<'_, '_, T> {
    fn drop(&mut self) {
        if !self.payload.is_empty() {
            self.outbox.send.lending().keep_payload(self.payload);
        }
    }
}
