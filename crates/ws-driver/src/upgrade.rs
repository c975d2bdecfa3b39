//! The opening handshake over a transport, under its deadline.

use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::pin::pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use ws_handshake::Progress;

use crate::error::{Error, Phase};
use crate::pool;
use crate::transport::{Timer, Transport};

/// How long a peer has to take a refusal before the transport is dropped.
const FAREWELL: Duration = Duration::from_secs(1);

/// A transport during the opening handshake, and the timer that ends it.
pub(crate) struct Upgrade<T: Transport> {
    pub(crate) transport: T,
    pub(crate) timer: T::Timer,
}

impl<T: Transport> Upgrade<T> {
    /// Gives the handshake so much time from now on.
    pub(crate) fn resume(&mut self, time: Duration) {
        self.timer.reset(T::Timer::after(time));
    }

    /// Reads until `take`, which gets every piece as it arrives, is done or fails: the result, and the input behind it.
    ///
    /// # Errors
    ///
    /// [`Error::Lost`] at the end of the input.
    pub(crate) async fn read<R, E>(
        &mut self,
        mut take: impl FnMut(&[u8]) -> Result<Progress<R>, E>,
    ) -> Result<Result<(R, Vec<u8>), E>, Error> {
        loop {
            let read = self.poll(|transport, cx| poll_read(transport, cx, <[u8]>::to_vec));
            let mut piece = read.await?;
            if piece.is_empty() {
                return Err(Error::Lost);
            }
            match take(&piece) {
                Ok(Progress { consumed, done }) => {
                    if let Some(done) = done {
                        return Ok(Ok((done, piece.split_off(consumed))));
                    }
                }
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    /// Writes `bytes` and flushes them.
    pub(crate) async fn write(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            let slices = [IoSlice::new(bytes)];
            let write = self.poll(|transport, cx| transport.poll_write_vectored(cx, &slices));
            match write.await? {
                0 => return Err(Error::Io(io::ErrorKind::WriteZero.into())),
                len => bytes = bytes.get(len..).unwrap_or_default(),
            }
        }
        self.poll(T::poll_flush).await
    }

    /// Writes a refusal and ends the transport so that the peer gets to read it: our direction first, then wait for
    /// the peer's, because a reset for unread input would overtake the answer.
    pub(crate) async fn refuse(mut self, bytes: &[u8]) -> Result<(), Error> {
        self.resume(FAREWELL);
        self.write(bytes).await?;
        self.poll(T::poll_shutdown).await?;
        let wait = self.poll(|transport, cx| {
            if let Ok(1..) = ready!(poll_read(transport, cx, <[u8]>::len)) {
                // A peer that goes on sending keeps no other task waiting, and ends this by the deadline.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(Ok(()))
        });
        // Whatever ends the wait, the answer is out.
        let _ = wait.await;
        Ok(())
    }

    /// Has the transport act until it is done, again after an interrupt, or until the time is up.
    async fn poll<R>(
        &mut self,
        mut act: impl FnMut(&mut T, &mut Context<'_>) -> Poll<io::Result<R>>,
    ) -> Result<R, Error> {
        let acting = poll_fn(|cx| {
            loop {
                match ready!(act(&mut self.transport, cx)) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    result => return Poll::Ready(result),
                }
            }
        });
        Ok(within(&mut self.timer, Phase::Handshake, acting).await??)
    }
}

/// Reads once, into a block that is borrowed for no longer. `take` gets what came, nothing at the end of the input.
fn poll_read<R>(
    transport: &mut impl Transport,
    cx: &mut Context<'_>,
    take: impl FnOnce(&[u8]) -> R,
) -> Poll<io::Result<R>> {
    let mut block = pool::take_block(pool::BLOCK_LEN);
    let read = transport.poll_read(cx, &mut block);
    let taken = read.map_ok(|len| take(block.get(..len).unwrap_or_default()));
    pool::give_block(block);
    taken
}

/// Runs `future` until it is done or the timer goes off.
pub(crate) async fn within<F: Future>(
    timer: &mut impl Timer,
    phase: Phase,
    future: F,
) -> Result<F::Output, Error> {
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        Poll::Pending => timer.poll(cx).map(|()| Err(Error::Timeout(phase))),
    })
    .await
}
