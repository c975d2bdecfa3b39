//! Receiving borrowed messages.
//!
//! The future is written by hand, because the states of an `async fn` would slow down small
//! messages.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ws_proto::MessageRef;

use crate::error::Error;
use crate::outbox::Outbox;
use crate::transport::Transport;
use crate::websocket::{Parts, WebSocket};

/// The future of [`WebSocket::recv_ref`]. Returns a message and an [`Outbox`] to answer it. `None`
/// at the end of the connection.
///
/// # Panics
///
/// If the future is polled again after it has returned a message. A future of an `async fn` also
/// panics in this case.
#[must_use = "nothing is received before it is awaited"]
pub struct RecvRef<'a, T: Transport> {
    /// `None` once the future has returned a message.
    ws: Option<&'a mut WebSocket<T>>,
}

impl<'a, T: Transport> RecvRef<'a, T> {
    #[inline]
    pub(crate) fn new(ws: &'a mut WebSocket<T>) -> Self {
        RecvRef { ws: Some(ws) }
    }
}

impl<'a, T: Transport> Future for RecvRef<'a, T> {
    type Output = Result<Option<(MessageRef<'a>, &'a mut Outbox<T>)>, Error>;

    /// Short, because each instruction here costs time for every small message. Without the
    /// attribute, a program with two receiving loops would call it.
    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(ws) = &mut self.ws else {
            panic!("`RecvRef` polled after it has returned a message");
        };
        let Parts { read, write, .. } = &mut *ws.parts;
        let is_next = write.has_room() && read.next_plain();
        if !is_next {
            // After an exchange, all answers have been written, so there is room.
            match read.poll_exchange(cx, &mut write.0) {
                Some(polled) => ready!(polled),
                None if ready!(read.poll_message_and_room(cx, &mut write.0))? => {}
                None => return Poll::Ready(Ok(None)),
            }
        }
        let found = self.ws.take().and_then(|ws| {
            let Parts { read, write, .. } = &mut *ws.parts;
            Some((read.recv.message()?, write))
        });
        Poll::Ready(Ok(found))
    }
}

impl<T: Transport> fmt::Debug for RecvRef<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvRef").finish_non_exhaustive()
    }
}
