//! The parts that a runtime supplies: a transport, a timer, and a way to open TCP connections.

use std::future::Future;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Longer than any connection lives, and short enough for every clock.
const FAR_AWAY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// The receiving direction of a transport.
pub trait ReadHalf: Unpin {
    /// Reads into the start of `buffer`, which is never empty. `Ok(0)` is the end of the input.
    ///
    /// On `Pending`, the task that called last is woken when it is worth calling again.
    ///
    /// # Errors
    ///
    /// Any error ends the connection.
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;
}

/// The sending direction of a transport.
///
/// On `Pending`, the task that called last is woken when it is worth calling again.
pub trait WriteHalf: Unpin {
    /// Writes from the start of `slices`, of which at least one is not empty, and returns how many bytes it took.
    ///
    /// # Errors
    ///
    /// Any error ends the sending direction. `Ok(0)` counts as [`io::ErrorKind::WriteZero`].
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>>;

    /// Passes on what the transport itself keeps back, such as TLS records.
    ///
    /// # Errors
    ///
    /// Any error ends the sending direction.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Ends the sending direction; reading goes on.
    ///
    /// # Errors
    ///
    /// Any error is taken as the end of the transport.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// Makes a [`WriteHalf`] of what has one inside: `pass_writes!(outer => inner)`.
macro_rules! pass_writes {
    ($outer:ident => $inner:expr) => {
        fn poll_write_vectored(
            &mut self,
            cx: &mut Context<'_>,
            slices: &[io::IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let $outer = self;
            $inner.poll_write_vectored(cx, slices)
        }

        fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            let $outer = self;
            $inner.poll_flush(cx)
        }

        fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            let $outer = self;
            $inner.poll_shutdown(cx)
        }
    };
}
pub(crate) use pass_writes;

/// An ordered, reliable stream of bytes in both directions.
pub trait Transport: ReadHalf + WriteHalf {
    /// The timer of the same runtime.
    type Timer: Timer;

    /// The address of the peer, where the transport is a socket that knows.
    fn peer_addr(&self) -> Option<SocketAddr> {
        None
    }
}

/// A transport whose directions can be owned apart.
///
/// One that cannot be taken apart shares itself: [`Locked`](crate::Locked).
pub trait Split: Transport + Sized {
    /// The receiving half.
    type ReadHalf: ReadHalf;
    /// The sending half.
    type WriteHalf: WriteHalf;

    /// Takes the transport apart.
    fn split(self) -> (Self::ReadHalf, Self::WriteHalf);

    /// Joins the halves of one transport; `None` if they are of two.
    fn reunite(read: Self::ReadHalf, write: Self::WriteHalf) -> Option<Self>;
}

/// One alarm clock. Made when a time limit is first waited for, so that idle connections carry none.
pub trait Timer: Unpin {
    /// The runtime's present.
    fn now() -> Instant
    where
        Self: Sized;

    /// The moment `time` from now, or a moment that nobody lives to see.
    fn after(time: Duration) -> Instant
    where
        Self: Sized,
    {
        let now = Self::now();
        now.checked_add(time)
            .or_else(|| now.checked_add(FAR_AWAY))
            .unwrap_or(now)
    }

    /// A timer that goes off at `deadline`.
    fn at(deadline: Instant) -> Self
    where
        Self: Sized;

    /// Moves the timer to `deadline`, also after it went off.
    fn reset(&mut self, deadline: Instant);

    /// Ready once the deadline has passed.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}

/// A runtime, as far as connecting needs it. Implemented by a marker type in each adapter.
pub trait Runtime: 'static {
    /// Its timer.
    type Timer: Timer + Send;
    /// Its TCP stream.
    type TcpStream: Send;

    /// Resolves `host` (a name or an IP literal without brackets) and connects to the first address that answers.
    fn connect(host: &str, port: u16) -> impl Future<Output = io::Result<Self::TcpStream>> + Send;
}

/// Makes a [`Transport`] of a runtime's stream. Implemented by the adapters for every stream of their runtime.
pub trait Wrap<S>: Runtime {
    /// The stream as a transport.
    type Transport: Transport<Timer = Self::Timer>;

    /// Wraps `stream`. TCP streams send small segments at once from here on (`TCP_NODELAY`).
    fn wrap(stream: S) -> Self::Transport;
}
