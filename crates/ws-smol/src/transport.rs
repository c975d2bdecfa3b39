//! Transports and timers.
//!
//! This module is for programs that implement a transport, name a concrete transport type, or take
//! the stream back from a connection.

pub use ws_driver::transport::*;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use async_io::Async;
use async_net::TcpStream;
use futures_io::{AsyncRead, AsyncWrite};
use ws_driver::futures_io::{self as over, FuturesRuntime};

/// The type that selects smol as the runtime of the generic types in [`ws_driver`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Smol;

/// Any transport over smol. A TCP transport is stored unboxed, and every other transport in a box.
///
/// See [`ws_driver::transport::AnyTransport`].
pub type AnyTransport = ws_driver::transport::AnyTransport<Smol>;

/// The receiving half of [`AnyTransport`].
pub type AnyReadHalf = ws_driver::transport::AnyReadHalf<Smol>;

/// The sending half of [`AnyTransport`].
pub type AnyWriteHalf = ws_driver::transport::AnyWriteHalf<Smol>;

impl Runtime for Smol {
    type Timer = SmolTimer;
    type TcpStream = TcpStream;
    type Tcp = TcpTransport;

    fn tcp(stream: TcpStream) -> TcpTransport {
        TcpTransport::new(stream)
    }

    async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        async_net::resolve((host, port)).await
    }

    async fn connect_tcp(address: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::connect(address).await
    }

    async fn await_connection(socket: std::net::TcpStream) -> io::Result<TcpStream> {
        let socket = Async::new_nonblocking(socket)?;
        socket.writable().await?;
        let error = socket.get_ref().take_error()?;
        error.map_or_else(|| Ok(socket.into()), Err)
    }

    #[cfg(unix)]
    async fn connect_unix(path: &Path) -> io::Result<AnyTransport> {
        let stream = async_net::unix::UnixStream::connect(path).await?;
        Ok(Self::wrap(stream))
    }

    #[cfg(feature = "rustls")]
    fn default_tls() -> DefaultTls<Self> {
        ws_tls::default_tls()
    }
}

impl FuturesRuntime for Smol {
    fn set_nodelay(tcp: &TcpStream) -> io::Result<()> {
        tcp.set_nodelay(true)
    }

    fn peer_addr(tcp: &TcpStream) -> io::Result<SocketAddr> {
        tcp.peer_addr()
    }

    fn poll_readable(tcp: &TcpStream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket: Arc<Async<std::net::TcpStream>> = tcp.clone().into();
        socket.poll_readable(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Wrap<S> for Smol {
    fn wrap(stream: S) -> AnyTransport {
        AnyTransport::from_stream(stream, StreamTransport::new)
    }
}

/// A transport over a smol stream. It dereferences to the stream.
///
/// For a TCP stream, use [`TcpTransport`].
pub type StreamTransport<S> = over::StreamTransport<Smol, S>;

/// A transport over a TCP stream.
pub type TcpTransport = over::TcpTransport<Smol>;

/// The receiving half of a TCP stream.
pub type TcpReadHalf = over::TcpReadHalf<Smol>;

/// The sending half of a TCP stream. Dropping this half shuts down the write direction of the
/// stream, even while the other half exists.
pub type TcpWriteHalf = over::TcpWriteHalf<Smol>;

/// A timer of smol.
#[derive(Debug)]
pub struct SmolTimer {
    timer: async_io::Timer,
    /// `true` once the timer has expired. Needed because an `async_io::Timer` is ready only once,
    /// and is pending forever after that.
    has_expired: bool,
}

impl Timer for SmolTimer {
    fn now() -> Instant {
        Instant::now()
    }

    fn at(deadline: Instant) -> Self {
        Self {
            timer: async_io::Timer::at(deadline),
            has_expired: false,
        }
    }

    fn reset(&mut self, deadline: Instant) {
        self.timer.set_at(deadline);
        self.has_expired = false;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.has_expired {
            ready!(Pin::new(&mut self.timer).poll(cx));
            self.has_expired = true;
        }
        Poll::Ready(())
    }
}
