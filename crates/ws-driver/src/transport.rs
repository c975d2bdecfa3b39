//! Transports, and the parts that a runtime supplies: a transport, a timer, and a way to open TCP connections.

pub use crate::any::{AnyReadHalf, AnyTransport, AnyWriteHalf};
pub use crate::locked::Locked;

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
    /// Any error ends the connection. [`io::ErrorKind::UnexpectedEof`], which TLS streams give if the peer ended TCP
    /// without a word, counts as the end of the input: the connection is [lost](crate::Error::Lost), and not broken.
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;
}

/// The sending direction of a transport.
///
/// A transport that buffers must keep back at most 16 KiB (one record of TLS). The limit on stalled writes
/// ([`Config::write_stall_timeout`](ws_proto::Config::write_stall_timeout)), the time for the Close and that for a Pong
/// count the bytes that the transport accepts: more of a buffer would let a peer that has stopped reading seem alive.
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
///
/// Connections send small segments, and those should leave at once (`TCP_NODELAY`). The adapters see to that for TCP
/// streams that are passed to them directly. Below any other stream, such as TLS, set it yourself: nobody looks inside.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a transport",
    label = "not a transport",
    note = "pass a stream of the runtime to `accept`, `read`, `handshake` or `upgraded`, without `_on`"
)]
pub trait Transport: ReadHalf + WriteHalf {
    /// The timer of the same runtime.
    type Timer: Timer;

    /// Returns the address of the peer, where the transport is a socket that knows.
    fn peer_addr(&self) -> Option<SocketAddr> {
        None
    }
}

/// A transport whose directions can be owned apart.
///
/// One that cannot be taken apart shares itself: [`Locked`].
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

/// A runtime, as far as opening connections needs it. Implemented by a marker type in each adapter.
pub trait Runtime: Sized + 'static {
    /// Its timer.
    type Timer: Timer + Send + 'static;
    /// Its TCP stream.
    type TcpStream: Send + 'static;
    /// The transport over its TCP stream, with halves of its own.
    type Tcp: Split<
            Timer = Self::Timer,
            ReadHalf: Send + Sync + 'static,
            WriteHalf: Send + Sync + 'static,
        > + AsRef<Self::TcpStream>
        + Send
        + Sync
        + 'static;

    /// Makes the transport of a TCP stream, which sends small segments at once from here on (`TCP_NODELAY`).
    fn tcp(stream: Self::TcpStream) -> Self::Tcp;

    /// Finds the addresses of `host`, which is a name or an IP literal without brackets.
    fn resolve(host: &str, port: u16) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send;

    /// Connects to one address.
    fn connect_tcp(address: SocketAddr)
    -> impl Future<Output = io::Result<Self::TcpStream>> + Send;
}

/// A runtime that makes transports of streams `S`. Implemented by the adapters for every stream of their runtime, by
/// [`AnyTransport::from_stream`].
#[diagnostic::on_unimplemented(
    message = "`{S}` is not a stream that `{Self}` can make a transport of",
    note = "a stream has the traits of the runtime for reading and writing, and is `Unpin`, `Send` and `'static`",
    note = "any other transport works with the methods that end in `_on`"
)]
pub trait Wrap<S>: Runtime {
    /// Makes a transport of `stream`.
    fn wrap(stream: S) -> AnyTransport<Self>;
}
