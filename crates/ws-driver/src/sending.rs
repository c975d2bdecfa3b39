//! The methods that a connection, its sending half and an outbox have in common.

use std::future::{Future, poll_fn};
use std::ops::DerefMut;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ws_proto::{CloseCode, ControlPayload, Outgoing, SendError, SendHalf};

use crate::error::Error;
use crate::transport::{Timer, WriteHalf};
use crate::write_state::WriteState;

/// A connection, its sending half or an outbox.
pub(crate) trait Sending {
    type Io: WriteHalf;
    type Timer: Timer;

    /// Returns the state of sending, for operations that do not wait. If the connection is split,
    /// this takes the lock, and wakes a waiting receiver after the operation if that is required.
    fn write_state(&mut self) -> impl DerefMut<Target = WriteState<Self::Io, Self::Timer>>;

    /// See [`WriteState::poll_room`].
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>>;

    /// See [`WriteState::poll_send`].
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        message: &mut Option<Outgoing<'_>>,
    ) -> Poll<Result<(), Error>>;

    /// See [`WriteState::poll_flush`].
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>>;
}

pub(crate) async fn send<C: Sending>(to: &mut C, message: Outgoing<'_>) -> Result<(), Error> {
    let mut message = Some(message);
    poll_fn(|cx| to.poll_send(cx, &mut message)).await
}

/// The future of `feed`. Written by hand, because an `async fn` would move each message three
/// times.
pub(crate) struct Feeding<'c, 'm, C> {
    to: &'c mut C,
    /// `None` once the message is queued.
    message: Option<Outgoing<'m>>,
}

#[inline]
pub(crate) fn feed<'c, 'm, C: Sending>(to: &'c mut C, message: Outgoing<'m>) -> Feeding<'c, 'm, C> {
    let message = Some(message);
    Feeding { to, message }
}

impl<C: Sending> Future for Feeding<'_, '_, C> {
    type Output = Result<(), Error>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { to, message } = &mut *self;
        if let Some(plain) = message
            && to.write_state().feed_plain(plain)
        {
            *message = None;
            return Poll::Ready(Ok(()));
        }
        self.poll_on(cx)
    }
}

impl<C: Sending> Feeding<'_, '_, C> {
    /// Handles every message that [`WriteState::feed_plain`] does not queue.
    #[inline(never)]
    fn poll_on(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(self.to.poll_room(cx))?;
        Poll::Ready(match self.message.take() {
            Some(message) => self.to.write_state().queue(message),
            None => Ok(()),
        })
    }
}

pub(crate) async fn flush<C: Sending>(to: &mut C) -> Result<(), Error> {
    poll_fn(|cx| to.poll_flush(cx)).await
}

pub(crate) async fn ready<C: Sending>(to: &mut C) -> Result<(), Error> {
    poll_fn(|cx| to.poll_room(cx)).await
}

/// Sends a control frame. `queue` is [`SendHalf::ping`] or [`SendHalf::pong`].
pub(crate) async fn control<C: Sending>(
    to: &mut C,
    payload: &[u8],
    queue: impl FnOnce(&mut SendHalf, &ControlPayload) -> Result<(), SendError>,
) -> Result<(), Error> {
    let payload = ControlPayload::new(payload).map_err(SendError::from)?;
    ready(to).await?;
    to.write_state().queue_by(|send| queue(send, &payload))?;
    flush(to).await
}

/// Waits for room, queues a Ping whose round trip is measured, and returns its number.
pub(crate) async fn start_probe<C: Sending>(to: &mut C) -> Result<u32, Error> {
    ready(to).await?;
    to.write_state().start_probe()
}

pub(crate) fn start_close<C: Sending>(
    to: &mut C,
    code: CloseCode,
    reason: &str,
) -> Result<(), Error> {
    to.write_state().start_close(code, reason)
}

/// Does the same as [`start_close`], but succeeds if the connection is closing already.
pub(crate) fn ensure_closing<C: Sending>(
    to: &mut C,
    code: CloseCode,
    reason: &str,
) -> Result<(), Error> {
    match start_close(to, code, reason) {
        Err(Error::Closed(_) | Error::Io(_)) => Ok(()),
        result => result,
    }
}
