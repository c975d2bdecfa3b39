//! The opening handshake over a transport, limited by a deadline.

use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::pin::pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use ws_handshake::{ClientError, ClientHandshake, Established, Progress, Tunnel, TunnelError};

use crate::error::TlsError;
use crate::pool;
use crate::transport::{Timer, Transport};

/// The time for a refusal. The peer must take our refusal within this time. The body of the peer's
/// refusal must arrive within this time.
pub(crate) const FAREWELL: Duration = Duration::from_secs(1);

/// The reason why the opening handshake was not completed.
pub(crate) enum Fault {
    Io(io::Error),
    /// The peer ended the transport.
    Lost,
    Timeout,
    Tls(TlsError),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.downcast::<TlsError>() {
            Ok(error) => Self::Tls(error),
            // TLS streams return this error if the peer ended TCP without a `close_notify`.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Self::Lost,
            Err(error) => Self::Io(error),
        }
    }
}

/// A machine that reads a response. The response may be a refusal with a body.
pub(crate) trait Reply {
    type Done;
    type Error;

    fn receive(&mut self, piece: &[u8]) -> Result<Progress<Self::Done>, Self::Error>;

    /// Returns `true` once the head of a refusal has arrived.
    fn is_refused(&self) -> bool;

    /// Returns the error of a response that ends here. After the head of a refusal, this is the
    /// refusal.
    fn end_of_input(&mut self) -> Self::Error;
}

/// Implements [`Reply`] by the methods of the same names.
macro_rules! reply {
    ($machine:ty, $done:ty, $error:ty) => {
        impl Reply for $machine {
            type Done = $done;
            type Error = $error;

            fn receive(&mut self, piece: &[u8]) -> Result<Progress<$done>, $error> {
                Self::receive(self, piece)
            }

            fn is_refused(&self) -> bool {
                Self::is_refused(self)
            }

            fn end_of_input(&mut self) -> $error {
                Self::end_of_input(self)
            }
        }
    };
}

reply!(ClientHandshake, Established, ClientError);
reply!(Tunnel, (), TunnelError);

/// A transport during the opening handshake, and the timer that limits the handshake.
pub(crate) struct Upgrade<T: Transport> {
    pub(crate) transport: T,
    pub(crate) timer: T::Timer,
}

impl<T: Transport> Upgrade<T> {
    /// Restarts the timer: the handshake may take `time` from now on.
    pub(crate) fn resume(&mut self, time: Duration) {
        self.timer.reset(T::Timer::after(time));
    }

    /// Reads and passes each piece of input to `take`, until `take` is done or fails. Returns the
    /// result of `take`, and the input that it did not consume.
    ///
    /// # Errors
    ///
    /// [`Fault::Lost`] at the end of the input. [`Fault::Io`] and [`Fault::Timeout`] as in every
    /// operation.
    pub(crate) async fn read<R, E>(
        &mut self,
        mut take: impl FnMut(&[u8]) -> Result<Progress<R>, E>,
    ) -> Result<Result<(R, Vec<u8>), E>, Fault> {
        loop {
            let mut piece = self.read_at_most(usize::MAX).await?;
            if piece.is_empty() {
                return Err(Fault::Lost);
            }
            match take(&piece) {
                Ok(Progress { consumed, done }) => {
                    if let Some(done) = done {
                        return Ok(Ok((done, piece.split_off(consumed))));
                    }
                    self.check_deadline().await?;
                }
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    /// Checks the deadline between two reads. A peer that always has input for us would otherwise
    /// never wait for the timer.
    async fn check_deadline(&mut self) -> Result<(), Fault> {
        let expired = poll_fn(|cx| Poll::Ready(self.timer.poll(cx).is_ready())).await;
        if expired { Err(Fault::Timeout) } else { Ok(()) }
    }

    /// Reads once, and at most `max` bytes. Returns an empty piece at the end of the input.
    pub(crate) async fn read_at_most(&mut self, max: usize) -> Result<Vec<u8>, Fault> {
        self.poll(|transport, cx| poll_read(transport, cx, max, <[u8]>::to_vec))
            .await
    }

    /// Reads a response. Returns its result and the input after it.
    ///
    /// The body of a refusal may never end, so it is awaited for at most [`FAREWELL`] and until
    /// `deadline`. The refusal then has the part of the body that has arrived. A refusal is also
    /// reported if its head does not end before the transport or the time does.
    pub(crate) async fn read_reply<P: Reply>(
        &mut self,
        reply: &mut P,
        deadline: Instant,
    ) -> Result<Result<(P::Done, Vec<u8>), P::Error>, Fault> {
        let first = self.read(|piece| until_refused(reply, piece)).await;
        let read = match first {
            Ok(Ok((None, _))) => {
                self.timer.reset(deadline.min(T::Timer::after(FAREWELL)));
                self.read(|piece| reply.receive(piece)).await
            }
            Ok(Ok((Some(done), rest))) => return Ok(Ok((done, rest))),
            Ok(Err(error)) => return Ok(Err(error)),
            Err(fault) => Err(fault),
        };
        read.or_else(|fault| {
            let error = reply.end_of_input();
            if reply.is_refused() {
                Ok(Err(error))
            } else {
                Err(fault)
            }
        })
    }

    /// Writes `bytes` and flushes them.
    pub(crate) async fn write(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        while !bytes.is_empty() {
            let slices = [IoSlice::new(bytes)];
            let write = self.poll(|transport, cx| transport.poll_write_vectored(cx, &slices));
            match write.await? {
                0 => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                len => bytes = bytes.get(len..).unwrap_or_default(),
            }
        }
        self.poll(T::poll_flush).await
    }

    /// Writes a refusal and ends the transport, after the peer has had time to read the refusal.
    ///
    /// This ends our direction first and then waits for the peer to end its own. If the transport
    /// were dropped with unread input, the operating system would reset the connection, and the
    /// reset would overtake the refusal.
    pub(crate) async fn refuse(mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.resume(FAREWELL);
        self.write(bytes).await?;
        self.poll(T::poll_shutdown).await?;
        let wait = self.poll(|transport, cx| {
            if let Ok(1..) = ready!(poll_read(transport, cx, usize::MAX, <[u8]>::len)) {
                // Yields to the executor, so that a peer that keeps sending does not block other
                // tasks. The deadline ends the wait.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(Ok(()))
        });
        // The result of the wait is ignored, because the refusal has been written.
        let _ = wait.await;
        Ok(())
    }

    /// Polls `act` until it is ready or the deadline passes. Polls again after an interrupt.
    async fn poll<R>(
        &mut self,
        mut act: impl FnMut(&mut T, &mut Context<'_>) -> Poll<io::Result<R>>,
    ) -> Result<R, Fault> {
        let acting = poll_fn(|cx| {
            loop {
                match ready!(act(&mut self.transport, cx)) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    result => return Poll::Ready(result),
                }
            }
        });
        let acted = within(&mut self.timer, acting).await;
        Ok(acted.ok_or(Fault::Timeout)??)
    }
}

/// Passes `piece` to `reply`. In the result, `done` holds the result once it is complete, and
/// `Some(None)` once the head of a refusal has arrived.
fn until_refused<P: Reply>(
    reply: &mut P,
    piece: &[u8],
) -> Result<Progress<Option<P::Done>>, P::Error> {
    let Progress { consumed, done } = reply.receive(piece)?;
    let is_refused = reply.is_refused();
    let done = done.map(Some).or(is_refused.then_some(None));
    Ok(Progress { consumed, done })
}

/// Writes `answer` to a peer that is refused, and ends the transport.
///
/// Waits until the peer has taken the answer and has ended its direction, for at most 1 s. An error
/// of the transport is ignored. This is for implementations of [`ServerTls`].
///
/// [`ServerTls`]: crate::transport::ServerTls
pub async fn refuse<T: Transport>(transport: T, answer: &[u8]) {
    let timer = T::Timer::at(T::Timer::after(FAREWELL));
    let _ = Upgrade { transport, timer }.refuse(answer).await;
}

/// Reads once into a block of the pool, and at most `max` bytes. Passes the input to `take`. At the
/// end of the input, passes an empty slice. Gives the block back before it returns.
fn poll_read<R>(
    transport: &mut impl Transport,
    cx: &mut Context<'_>,
    max: usize,
    take: impl FnOnce(&[u8]) -> R,
) -> Poll<io::Result<R>> {
    let mut block = pool::take_block(pool::BLOCK_LEN);
    let room = max.min(block.len());
    let read = transport.poll_read(cx, block.get_mut(..room).unwrap_or_default());
    let taken = read.map_ok(|len| take(block.get(..len).unwrap_or_default()));
    pool::give_block(block);
    taken
}

/// Runs `future` until it is done. `None` if the timer fires first. The future is then dropped.
///
/// This is for crates that work on every runtime.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::time::Duration;
/// use ws_driver::transport::{Timer, within};
/// use ws_tokio::transport::TokioTimer;
///
/// let mut timer = TokioTimer::at(TokioTimer::after(Duration::from_millis(1)));
/// assert_eq!(within(&mut timer, async { 5 }).await, Some(5));
/// assert_eq!(within(&mut timer, std::future::pending::<()>()).await, None);
/// # }
/// ```
pub async fn within<F: Future>(timer: &mut impl Timer, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => timer.poll(cx).map(|()| None),
    })
    .await
}
