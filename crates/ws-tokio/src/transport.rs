//! Transports and timers.
//!
//! This module is for programs that implement a transport, name a concrete transport type, or take
//! the stream back from a connection.

pub use ws_driver::transport::*;

use std::future::Future;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::ops::Deref;
#[cfg(unix)]
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::Sleep;

/// The type that selects tokio as the runtime of the generic types in [`ws_driver`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Tokio;

/// Any transport over tokio. A TCP transport is stored unboxed, and every other transport in a box.
///
/// See [`ws_driver::transport::AnyTransport`].
pub type AnyTransport = ws_driver::transport::AnyTransport<Tokio>;

/// The receiving half of [`AnyTransport`].
pub type AnyReadHalf = ws_driver::transport::AnyReadHalf<Tokio>;

/// The sending half of [`AnyTransport`].
pub type AnyWriteHalf = ws_driver::transport::AnyWriteHalf<Tokio>;

impl Runtime for Tokio {
    type Timer = TokioTimer;
    type TcpStream = TcpStream;
    type Tcp = TcpTransport;

    fn tcp(stream: TcpStream) -> TcpTransport {
        TcpTransport::new(stream)
    }

    async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((host, port)).await?.collect())
    }

    async fn connect_tcp(address: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::connect(address).await
    }

    async fn await_connection(socket: std::net::TcpStream) -> io::Result<TcpStream> {
        let stream = TcpStream::from_std(socket)?;
        stream.writable().await?;
        stream.take_error()?.map_or(Ok(stream), Err)
    }

    #[cfg(unix)]
    async fn connect_unix(path: &Path) -> io::Result<AnyTransport> {
        let stream = tokio::net::UnixStream::connect(path).await?;
        Ok(Self::wrap(stream))
    }

    #[cfg(any(feature = "native-tls", feature = "rustls"))]
    fn default_tls() -> DefaultTls<Self> {
        crate::tls::default_tls()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Wrap<S> for Tokio {
    fn wrap(stream: S) -> AnyTransport {
        AnyTransport::from_stream(stream, StreamTransport::new)
    }
}

/// A transport over a tokio stream. It dereferences to the stream.
///
/// For a TCP stream, use [`TcpTransport`].
#[derive(Debug)]
pub struct StreamTransport<S>(S);

impl<S> StreamTransport<S> {
    /// Makes a transport from a stream. Sets no option of the stream.
    pub fn new(stream: S) -> Self {
        Self(stream)
    }

    /// Returns the stream.
    pub fn into_inner(self) -> S {
        self.0
    }
}

impl<S> Deref for StreamTransport<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.0
    }
}

impl<S: AsyncRead + Unpin> ReadHalf for StreamTransport<S> {
    #[inline]
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        poll_read(&mut self.0, cx, buffer)
    }
}

/// Implements the methods of [`WriteHalf`] for a newtype around a tokio stream.
macro_rules! pass_writes {
    () => {
        #[inline]
        fn poll_write_vectored(
            &mut self,
            cx: &mut Context<'_>,
            slices: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            poll_write(&mut self.0, cx, slices)
        }

        #[inline]
        fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(cx)
        }

        #[inline]
        fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_shutdown(cx)
        }
    };
}

impl<S: AsyncWrite + Unpin> WriteHalf for StreamTransport<S> {
    pass_writes!();
}

impl<S: AsyncRead + AsyncWrite + Unpin> Transport for StreamTransport<S> {
    type Timer = TokioTimer;
}

impl<S: AsyncRead + AsyncWrite + Unpin> Split for StreamTransport<S> {
    ws_driver::locked_halves!();
}

/// A transport over a TCP stream.
#[derive(Debug)]
pub struct TcpTransport(TcpStream);

/// The receiving half of a TCP stream.
#[derive(Debug)]
pub struct TcpReadHalf(OwnedReadHalf);

/// The sending half of a TCP stream. Dropping this half shuts down the write direction of the
/// stream, even while the other half exists.
#[derive(Debug)]
pub struct TcpWriteHalf(OwnedWriteHalf);

impl TcpTransport {
    /// Makes a transport from a stream and sets `TCP_NODELAY`, so that small segments are sent
    /// without delay.
    pub fn new(stream: TcpStream) -> Self {
        // An error is ignored. A socket without this option is only slower, and a broken socket
        // fails to read and write.
        let _ = stream.set_nodelay(true);
        Self(stream)
    }

    /// Returns the stream.
    pub fn into_inner(self) -> TcpStream {
        self.0
    }
}

impl From<TcpTransport> for AnyTransport {
    fn from(tcp: TcpTransport) -> Self {
        Self::new(tcp)
    }
}

impl AsRef<TcpStream> for TcpTransport {
    fn as_ref(&self) -> &TcpStream {
        &self.0
    }
}

impl ReadHalf for TcpTransport {
    #[inline]
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        poll_read(&mut self.0, cx, buffer)
    }
}

impl WriteHalf for TcpTransport {
    pass_writes!();
}

impl Transport for TcpTransport {
    type Timer = TokioTimer;

    fn peer_addr(&self) -> Option<SocketAddr> {
        self.0.peer_addr().ok()
    }

    fn is_ip(&self) -> bool {
        true
    }
}

impl Split for TcpTransport {
    type ReadHalf = TcpReadHalf;
    type WriteHalf = TcpWriteHalf;

    fn split(self) -> (TcpReadHalf, TcpWriteHalf) {
        let (read, write) = self.0.into_split();
        (TcpReadHalf(read), TcpWriteHalf(write))
    }

    fn reunite(read: TcpReadHalf, write: TcpWriteHalf) -> Option<Self> {
        read.0.reunite(write.0).ok().map(TcpTransport)
    }
}

impl ReadHalf for TcpReadHalf {
    #[inline]
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        poll_read(&mut self.0, cx, buffer)
    }
}

impl WriteHalf for TcpWriteHalf {
    pass_writes!();
}

#[inline]
fn poll_read(
    stream: &mut (impl AsyncRead + Unpin),
    cx: &mut Context<'_>,
    buffer: &mut [u8],
) -> Poll<io::Result<usize>> {
    let mut buffer = ReadBuf::new(buffer);
    Pin::new(stream)
        .poll_read(cx, &mut buffer)
        .map_ok(|()| buffer.filled().len())
}

/// Writes `slices`. If the stream has no vectored write, writes only the first slice that is not
/// empty.
#[inline]
fn poll_write(
    stream: &mut (impl AsyncWrite + Unpin),
    cx: &mut Context<'_>,
    slices: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    let stream = Pin::new(stream);
    match slices {
        [slice] => stream.poll_write(cx, slice),
        slices if stream.is_write_vectored() => stream.poll_write_vectored(cx, slices),
        slices => {
            let first = slices.iter().find(|slice| !slice.is_empty());
            stream.poll_write(cx, first.map_or(&[], |slice| slice))
        }
    }
}

/// A timer of tokio. It follows the clock of the runtime, which a test can pause.
#[derive(Debug)]
pub struct TokioTimer(Pin<Box<Sleep>>);

impl Timer for TokioTimer {
    fn now() -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn at(deadline: Instant) -> Self {
        Self(Box::pin(tokio::time::sleep_until(deadline.into())))
    }

    fn reset(&mut self, deadline: Instant) {
        self.0.as_mut().reset(deadline.into());
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}
