//! Transports and timers.
//!
//! This module is for programs that implement a transport, name a concrete transport type, or take
//! the stream back from a connection.

pub use ws_driver::transport::*;

use std::any::Any;
use std::io;
use std::net::{Shutdown, SocketAddr};
#[cfg(unix)]
use std::path::Path;

use async_io::Async;
use async_std::io::{Read, Write};
use async_std::net::{TcpStream, ToSocketAddrs};
use ws_driver::futures_io::{self as over, FuturesRuntime};

/// The type that selects async-std as the runtime of the generic types in [`ws_driver`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AsyncStd;

/// Any transport over async-std. A TCP transport is stored unboxed, and every other transport in a
/// box.
///
/// See [`ws_driver::transport::AnyTransport`].
pub type AnyTransport = ws_driver::transport::AnyTransport<AsyncStd>;

/// The receiving half of [`AnyTransport`].
pub type AnyReadHalf = ws_driver::transport::AnyReadHalf<AsyncStd>;

/// The sending half of [`AnyTransport`].
pub type AnyWriteHalf = ws_driver::transport::AnyWriteHalf<AsyncStd>;

impl Runtime for AsyncStd {
    type Timer = AsyncStdTimer;
    type TcpStream = TcpStream;
    type Tcp = TcpTransport;

    fn tcp(stream: TcpStream) -> TcpTransport {
        TcpTransport::new(stream)
    }

    async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok((host, port).to_socket_addrs().await?.collect())
    }

    async fn connect_tcp(address: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::connect(address).await
    }

    async fn await_connection(socket: std::net::TcpStream) -> io::Result<TcpStream> {
        let socket = Async::new_nonblocking(socket)?;
        socket.writable().await?;
        let error = socket.get_ref().take_error()?;
        error.map_or_else(|| Ok(socket.into_inner()?.into()), Err)
    }

    #[cfg(unix)]
    async fn connect_unix(path: &Path) -> io::Result<AnyTransport> {
        let stream = async_std::os::unix::net::UnixStream::connect(path).await?;
        Ok(Self::wrap(stream))
    }

    #[cfg(feature = "rustls")]
    fn default_tls() -> DefaultTls<Self> {
        ws_tls::default_tls()
    }
}

impl FuturesRuntime for AsyncStd {
    fn set_nodelay(tcp: &TcpStream) -> io::Result<()> {
        tcp.set_nodelay(true)
    }

    fn peer_addr(tcp: &TcpStream) -> io::Result<SocketAddr> {
        tcp.peer_addr()
    }

    /// Shuts down the write direction of a TCP or Unix socket. This is needed because `poll_close`
    /// of an async-std socket only flushes.
    fn shut_down(stream: &dyn Any) -> Option<io::Result<()>> {
        #[cfg(unix)]
        if let Some(unix) = stream.downcast_ref::<async_std::os::unix::net::UnixStream>() {
            return Some(unix.shutdown(Shutdown::Write));
        }
        let tcp: &TcpStream = stream.downcast_ref()?;
        Some(tcp.shutdown(Shutdown::Write))
    }
}

impl<S: Read + Write + Unpin + Send + 'static> Wrap<S> for AsyncStd {
    fn wrap(stream: S) -> AnyTransport {
        AnyTransport::from_stream(stream, StreamTransport::new)
    }
}

/// A transport over an async-std stream. It dereferences to the stream.
///
/// For a TCP stream, use [`TcpTransport`].
pub type StreamTransport<S> = over::StreamTransport<AsyncStd, S>;

/// A transport over a TCP stream.
pub type TcpTransport = over::TcpTransport<AsyncStd>;

/// The receiving half of a TCP stream.
pub type TcpReadHalf = over::TcpReadHalf<AsyncStd>;

/// The sending half of a TCP stream. Dropping this half shuts down the write direction of the
/// stream, even while the other half exists.
pub type TcpWriteHalf = over::TcpWriteHalf<AsyncStd>;

/// A timer of async-std. This is the timer of smol, because both runtimes use the reactor of
/// `async-io`.
pub type AsyncStdTimer = ws_smol::transport::SmolTimer;
