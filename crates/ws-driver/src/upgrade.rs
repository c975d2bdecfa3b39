//! The opening handshake over a transport, under its deadline.

use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use crate::error::{Error, Phase};
use crate::pool;
use crate::transport::{Timer, Transport};

/// How long a peer has to take a refusal before the transport is dropped.
const FAREWELL: Duration = Duration::from_secs(1);

/// A transport during the opening handshake.
pub(crate) struct Upgrade<T: Transport> {
    pub(crate) transport: T,
    timer: T::Timer,
    deadline: Instant,
}

impl<T: Transport> Upgrade<T> {
    /// Gives the handshake until `deadline`.
    pub(crate) fn new(transport: T, deadline: Instant) -> Self {
        Upgrade {
            transport,
            timer: T::Timer::at(deadline),
            deadline,
        }
    }

    /// The time that is left.
    pub(crate) fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(T::Timer::now())
    }

    /// Counts from now on against `time` that was left before.
    pub(crate) fn resume(&mut self, time: Duration) {
        self.deadline = T::Timer::after(time);
        self.timer.reset(self.deadline);
    }

    /// Reads until `take` has what it wants. It gets every piece as it arrives, none at the end of the input.
    pub(crate) async fn read<R>(
        &mut self,
        mut take: impl FnMut(&[u8]) -> Result<Option<R>, Error>,
    ) -> Result<R, Error> {
        poll_fn(|cx| {
            loop {
                let mut block = pool::take_block(pool::BLOCK_LEN);
                let taken = match self.transport.poll_read(cx, &mut block) {
                    Poll::Ready(Ok(len)) => take(block.get(..len).unwrap_or_default()),
                    Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {
                        Ok(None)
                    }
                    Poll::Ready(Err(error)) => Err(error.into()),
                    Poll::Pending => {
                        pool::give_block(block);
                        return self.poll_timeout(cx);
                    }
                };
                pool::give_block(block);
                if let Some(result) = taken.transpose() {
                    return Poll::Ready(result);
                }
            }
        })
        .await
    }

    /// Writes `octets` and flushes them.
    pub(crate) async fn write(&mut self, mut octets: &[u8]) -> Result<(), Error> {
        poll_fn(|cx| match self.poll_write_all(cx, &mut octets) {
            Poll::Ready(result) => Poll::Ready(result.map_err(Error::Io)),
            Poll::Pending => self.poll_timeout(cx),
        })
        .await
    }

    /// Writes a refusal and ends the transport so that the peer gets to read it: our direction first, then wait for
    /// the peer's, because a reset for unread input would overtake the answer.
    pub(crate) async fn refuse(mut self, octets: &[u8]) -> Result<(), Error> {
        self.resume(FAREWELL);
        self.write(octets).await?;
        poll_fn(|cx| match self.transport.poll_shutdown(cx) {
            Poll::Ready(result) => Poll::Ready(result.map_err(Error::Io)),
            Poll::Pending => self.poll_timeout(cx),
        })
        .await?;
        // Whatever ends the wait, the answer is out. A peer that goes on sending ends it by the deadline.
        let _ = poll_fn(|cx| {
            if self.time_left().is_zero() {
                return Poll::Ready(Ok(()));
            }
            let mut block = pool::take_block(pool::BLOCK_LEN);
            let read = self.transport.poll_read(cx, &mut block);
            pool::give_block(block);
            match read {
                Poll::Ready(Ok(1..)) => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                Poll::Ready(Ok(0) | Err(_)) => Poll::Ready(Ok(())),
                Poll::Pending => self.poll_timeout(cx),
            }
        })
        .await;
        Ok(())
    }

    fn poll_write_all(&mut self, cx: &mut Context<'_>, octets: &mut &[u8]) -> Poll<io::Result<()>> {
        while !octets.is_empty() {
            match ready!(
                self.transport
                    .poll_write_vectored(cx, &[IoSlice::new(octets)])
            ) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(len) => *octets = octets.get(len..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        self.transport.poll_flush(cx)
    }

    fn poll_timeout<R>(&mut self, cx: &mut Context<'_>) -> Poll<Result<R, Error>> {
        ready!(self.timer.poll(cx));
        Poll::Ready(Err(Error::Timeout(Phase::Handshake)))
    }
}

/// Runs `future` until it is done or the deadline passes.
pub(crate) async fn within<M: Timer, F: Future>(
    deadline: Instant,
    phase: Phase,
    future: F,
) -> Result<F::Output, Error> {
    let mut future = pin!(future);
    let mut timer = M::at(deadline);
    poll_fn(|cx| {
        if let Poll::Ready(output) = Pin::as_mut(&mut future).poll(cx) {
            return Poll::Ready(Ok(output));
        }
        ready!(timer.poll(cx));
        Poll::Ready(Err(Error::Timeout(phase)))
    })
    .await
}
