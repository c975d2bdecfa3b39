//! The traits that an adapter implements for its runtime, and the transports that all adapters
//! share.

pub use crate::any::{AnyReadHalf, AnyTransport, AnyWriteHalf};
pub use crate::http2::{ClientHttp2, Http2Opening, HttpVersion, Reached};
pub use crate::locked::Locked;
pub use crate::split::{Half, Wakers};
pub use crate::tls::{ClientTls, ClientTlsHandshake, DefaultTls, ServerTls, TlsHandshake};
pub use crate::upgrade::{refuse, within};

use std::future::Future;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::path::Path;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::error::ConnectError;

/// A time longer than any connection lasts, and short enough for every clock.
const FAR_AWAY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// The receiving direction of a transport.
pub trait ReadHalf: Unpin {
    /// Reads into the start of `buffer`, which is never empty. Returns the number of bytes read, or
    /// 0 at the end of the input.
    ///
    /// After `Pending`, the task that called last is woken when it should call again.
    ///
    /// # Errors
    ///
    /// After [`io::ErrorKind::Interrupted`], the read is repeated. Any other error ends the
    /// connection. [`io::ErrorKind::UnexpectedEof`] is treated as the end of the input: the
    /// connection is [lost](crate::Error::Lost). TLS streams return this error if the peer ended
    /// TCP without a `close_notify`.
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Does the same as [`poll_read`](Self::poll_read), but need not find input that has only just
    /// arrived. If it returns `Pending` in spite of such input, the task is woken.
    ///
    /// After a read that has emptied a socket, the next read seldom finds anything. A transport
    /// that can wait for input without a read saves that system call here. The default is
    /// `poll_read`.
    ///
    /// # Errors
    ///
    /// The errors of [`poll_read`](Self::poll_read).
    #[inline]
    fn poll_next_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_read(cx, buffer)
    }
}

/// Implements the methods of [`ReadHalf`] for a type that contains another [`ReadHalf`], with
/// `pass_reads!(outer => inner)`.
macro_rules! pass_reads {
    ($outer:ident => $inner:expr) => {
        #[inline]
        fn poll_read(
            &mut self,
            cx: &mut Context<'_>,
            buffer: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            let $outer = self;
            $inner.poll_read(cx, buffer)
        }

        #[inline]
        fn poll_next_read(
            &mut self,
            cx: &mut Context<'_>,
            buffer: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            let $outer = self;
            $inner.poll_next_read(cx, buffer)
        }
    };
}
pub(crate) use pass_reads;

/// The sending direction of a transport.
///
/// A transport that buffers output must hold back at most 16 KiB (one TLS record). Three timeouts
/// depend on the bytes that the transport accepts: the [write stall
/// timeout](ws_proto::Config::write_stall_timeout), the close timeout, and the timeout for a Pong.
/// With a larger buffer, a peer that has stopped reading would seem to be alive.
///
/// After `Pending`, the task that called last is woken when it should call again.
pub trait WriteHalf: Unpin {
    /// Writes from the start of `slices` and returns the number of bytes written. At least one
    /// slice is not empty.
    ///
    /// The bytes that were not written are passed again: the next call begins with them. A
    /// transport may rely on it, for instance because it has encrypted them.
    ///
    /// # Errors
    ///
    /// After [`io::ErrorKind::Interrupted`], the write is repeated. Any other error ends the
    /// sending direction. `Ok(0)` is treated as the error [`io::ErrorKind::WriteZero`].
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>>;

    /// Writes the data that the transport has buffered, such as TLS records.
    ///
    /// # Errors
    ///
    /// Any error ends the sending direction.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Ends the sending direction. Reading remains possible.
    ///
    /// # Errors
    ///
    /// Any error is treated as the end of the transport.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// Implements the methods of [`WriteHalf`] for a type that contains another [`WriteHalf`], with
/// `pass_writes!(outer => inner)`.
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
/// Connections write small segments, and the transport should send them without delay
/// (`TCP_NODELAY`). The adapters set this option on TCP streams that are passed to them directly.
/// The adapters cannot set it on a TCP stream inside another stream, such as the TLS stream of
/// another library. Set it yourself on such a TCP stream.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a transport",
    label = "not a transport",
    note = "pass a stream of the runtime to `accept`, `read`, `handshake` or `upgraded`, without `_on`"
)]
pub trait Transport: ReadHalf + WriteHalf {
    /// The timer of the same runtime.
    type Timer: Timer;

    /// Returns the address of the peer. `None` if the transport is not a socket, or if its address
    /// is unknown.
    fn peer_addr(&self) -> Option<SocketAddr> {
        None
    }

    /// Returns `true` if the transport is a socket over IP. Its peer has an address, even if
    /// [`peer_addr`](Self::peer_addr) does not know it any more because the peer has reset the
    /// connection.
    ///
    /// By default, a transport is a socket over IP if its peer's address is known.
    fn is_ip(&self) -> bool {
        self.peer_addr().is_some()
    }
}

/// A transport that can be split into two halves, which two tasks can own.
///
/// If a transport has no native halves, its two halves share the transport and lock it for each
/// operation: see [`Locked`].
pub trait Split: Transport + Sized {
    /// The receiving half.
    type ReadHalf: ReadHalf;
    /// The sending half.
    type WriteHalf: WriteHalf;

    /// Splits the transport into its halves.
    fn split(self) -> (Self::ReadHalf, Self::WriteHalf);

    /// Joins the halves of one transport. `None` if they belong to different transports.
    fn reunite(read: Self::ReadHalf, write: Self::WriteHalf) -> Option<Self>;
}

/// A timer for one deadline. A connection makes its timers when it first waits for a deadline, so
/// connections without timeouts have none.
pub trait Timer: Unpin {
    /// Returns the current time of the runtime's clock.
    fn now() -> Instant
    where
        Self: Sized;

    /// Returns the instant `time` from now. If `time` is too long for the clock, returns an instant
    /// in the far future.
    fn after(time: Duration) -> Instant
    where
        Self: Sized,
    {
        let now = Self::now();
        now.checked_add(time)
            .or_else(|| now.checked_add(FAR_AWAY))
            .unwrap_or(now)
    }

    /// Makes a timer that fires at `deadline`.
    fn at(deadline: Instant) -> Self
    where
        Self: Sized;

    /// Moves the timer to `deadline`, even after it has fired.
    fn reset(&mut self, deadline: Instant);

    /// Waits for the deadline. Ready once it has passed.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}

/// The parts of a runtime that are needed to open connections. Each adapter implements this for a
/// marker type.
pub trait Runtime: Sized + 'static {
    /// The timer of the runtime.
    type Timer: Timer + Send + 'static;
    /// The TCP stream of the runtime.
    type TcpStream: Send + 'static;
    /// The transport over the TCP stream of the runtime, with native halves.
    type Tcp: Split<
            Timer = Self::Timer,
            ReadHalf: Send + Sync + 'static,
            WriteHalf: Send + Sync + 'static,
        > + AsRef<Self::TcpStream>
        + Send
        + Sync
        + 'static;

    /// Makes a transport from a TCP stream and sets `TCP_NODELAY`, so that small segments are sent
    /// without delay.
    fn tcp(stream: Self::TcpStream) -> Self::Tcp;

    /// Resolves `host` to its addresses. `host` is a name, or an IP literal without brackets.
    fn resolve(host: &str, port: u16) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send;

    /// Opens a TCP connection to `address`.
    fn connect_tcp(address: SocketAddr)
    -> impl Future<Output = io::Result<Self::TcpStream>> + Send;

    /// Waits until a non-blocking socket, whose connection attempt has begun, is connected.
    ///
    /// Connectors use this for sockets with options, if the feature `socket-options` is enabled.
    ///
    /// # Errors
    ///
    /// The error of the attempt. The default is [`io::ErrorKind::Unsupported`].
    fn await_connection(
        socket: std::net::TcpStream,
    ) -> impl Future<Output = io::Result<Self::TcpStream>> + Send {
        drop(socket);
        async { Err(io::ErrorKind::Unsupported.into()) }
    }

    /// Connects to the Unix socket at `path`.
    ///
    /// # Errors
    ///
    /// The error of the attempt. The default is [`io::ErrorKind::Unsupported`].
    fn connect_unix(path: &Path) -> impl Future<Output = io::Result<AnyTransport<Self>>> + Send {
        let _ = path;
        async { Err(io::ErrorKind::Unsupported.into()) }
    }

    /// Returns the TLS for `wss://` URLs. Connectors use it if the caller has not
    /// [set](crate::Connector::tls) another.
    ///
    /// # Errors
    ///
    /// [`ConnectError::TlsUnavailable`] if TLS is not built in. This is the default.
    /// [`ConnectError::Tls`] if something is missing, for instance root certificates.
    fn default_tls() -> DefaultTls<Self> {
        Err(ConnectError::TlsUnavailable)
    }
}

/// A runtime that can make transports from streams of type `S`.
///
/// The adapters implement this for every stream of their runtime, with
/// [`AnyTransport::from_stream`].
#[diagnostic::on_unimplemented(
    message = "`{S}` is not a stream that `{Self}` can make a transport of",
    note = "a stream has the traits of the runtime for reading and writing, and is `Unpin`, `Send` and `'static`",
    note = "any other transport works with the methods that end in `_on`"
)]
pub trait Wrap<S>: Runtime {
    /// Makes a transport from `stream`.
    fn wrap(stream: S) -> AnyTransport<Self>;
}
