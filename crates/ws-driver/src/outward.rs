//! Sending: what a connection and its sending half have in common.

use std::future::poll_fn;
use std::task::{Context, Poll};

use ws_proto::{CloseCode, CloseFrame, CloseReason, ControlPayload, Outgoing, SendError};

use crate::error::Error;
use crate::outlet::Outlet;
use crate::send_queue::SendQueue;
use crate::transport::{Timer, WriteHalf};

/// What sends: a connection or its sending half.
pub(crate) trait Outward {
    /// What takes the octets.
    type Io: WriteHalf;
    /// What time limits are kept by.
    type Timer: Timer;

    /// Lets `act` write. There is nothing to write to once the connection has ended.
    fn poll_out<R>(
        &mut self,
        cx: &mut Context<'_>,
        act: impl FnOnce(
            &mut Context<'_>,
            Option<&mut Self::Io>,
            &mut Outlet<Self::Timer>,
        ) -> Poll<Result<R, Error>>,
    ) -> Poll<Result<R, Error>>;

    /// Queues something.
    fn queue<R>(&mut self, act: impl FnOnce(&mut SendQueue) -> R) -> R;

    /// Waits for room in the queue.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_out(cx, |cx, io, outlet| outlet.poll_room(cx, io))
    }

    /// Writes and flushes everything that is queued.
    fn poll_flushed(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_out(cx, |cx, io, outlet| outlet.poll_flush(cx, io))
    }
}

pub(crate) async fn send<C: Outward>(to: &mut C, message: Outgoing<'_>) -> Result<(), Error> {
    let mut message = Some(message);
    poll_fn(|cx| to.poll_out(cx, |cx, io, outlet| outlet.poll_send(cx, io, &mut message))).await
}

pub(crate) async fn feed<C: Outward>(to: &mut C, message: Outgoing<'_>) -> Result<(), Error> {
    ready(to).await?;
    to.queue(|out| out.feed(message))
}

pub(crate) async fn flush<C: Outward>(to: &mut C) -> Result<(), Error> {
    poll_fn(|cx| to.poll_flushed(cx)).await
}

pub(crate) async fn ready<C: Outward>(to: &mut C) -> Result<(), Error> {
    poll_fn(|cx| to.poll_room(cx)).await
}

pub(crate) async fn ping<C: Outward>(to: &mut C, payload: ControlPayload) -> Result<(), Error> {
    ready(to).await?;
    to.queue(|out| out.ping(&payload))?;
    flush(to).await
}

pub(crate) async fn pong<C: Outward>(to: &mut C, payload: ControlPayload) -> Result<(), Error> {
    ready(to).await?;
    to.queue(|out| out.pong(&payload))?;
    flush(to).await
}

/// Sends a Ping of our own, once there is room, and returns its number.
pub(crate) async fn start_ping<C: Outward>(to: &mut C) -> Result<u32, Error> {
    ready(to).await?;
    poll_fn(|cx| to.poll_out(cx, |_, _, outlet| Poll::Ready(outlet.start_ping()))).await
}

pub(crate) fn start_close<C, R>(to: &mut C, code: CloseCode, reason: R) -> Result<(), Error>
where
    C: Outward,
    R: TryInto<CloseReason>,
    SendError: From<R::Error>,
{
    let reason = reason.try_into().map_err(SendError::from)?;
    let close = CloseFrame::new(code, reason);
    to.queue(|out| out.start_close(Some(close)))
}

/// As [`start_close`], but a connection that is closing already is as good.
pub(crate) fn ensure_closing<C, R>(to: &mut C, code: CloseCode, reason: R) -> Result<(), Error>
where
    C: Outward,
    R: TryInto<CloseReason>,
    SendError: From<R::Error>,
{
    match start_close(to, code, reason) {
        Err(Error::Send(SendError::Closing)) => Ok(()),
        result => result,
    }
}
