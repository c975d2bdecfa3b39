//! Transports over the traits of futures-io, for runtimes whose streams implement these traits.

mod tcp;

pub use tcp::{TcpReadHalf, TcpTransport, TcpWriteHalf};

use std::any::Any;
use std::fmt;
use std::io::{self, IoSlice};
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};

use crate::locked_halves;
use crate::transport::{ReadHalf, Runtime, Split, Transport, WriteHalf};

/// A runtime whose streams implement the traits of futures-io. Supplies the operations on sockets
/// that these traits lack.
///
/// Clones of the TCP stream must refer to the same socket. One clone may wait to read while another
/// waits to write.
pub trait FuturesRuntime:
    Runtime<TcpStream: AsyncRead + AsyncWrite + Clone + fmt::Debug + Sync + Unpin>
{
    /// Sets `TCP_NODELAY`, so that small segments are sent without delay.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    fn set_nodelay(tcp: &Self::TcpStream) -> io::Result<()>;

    /// Returns the address of the peer.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    fn peer_addr(tcp: &Self::TcpStream) -> io::Result<SocketAddr>;

    /// Waits until the stream has input, or may have some. Woken at once if it has input already.
    ///
    /// A connection uses this instead of a read that would probably find nothing. The default
    /// returns `Ready`, for runtimes without this operation.
    ///
    /// # Errors
    ///
    /// The error of the runtime. The caller reads then, and handles the error of the read.
    fn poll_readable(tcp: &Self::TcpStream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let _ = (tcp, cx);
        Poll::Ready(Ok(()))
    }

    /// Ends the sending direction of a stream whose `poll_close` does not do so, and returns the
    /// result.
    ///
    /// Returns `None` for every other stream. The default returns `None` for all streams.
    fn shut_down(stream: &dyn Any) -> Option<io::Result<()>> {
        let _ = stream;
        None
    }
}

/// A transport over a stream of the runtime `R`. Dereferences to the stream.
///
/// The transport for TCP streams is [`TcpTransport`].
pub struct StreamTransport<R, S> {
    stream: S,
    runtime: PhantomData<fn() -> R>,
}

impl<R, S> StreamTransport<R, S> {
    /// Makes a transport from a stream.
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            runtime: PhantomData,
        }
    }

    /// Returns the stream.
    pub fn into_inner(self) -> S {
        self.stream
    }
}

impl<R, S> Deref for StreamTransport<R, S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.stream
    }
}

impl<R, S: AsyncRead + Unpin> ReadHalf for StreamTransport<R, S> {
    #[inline]
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<R: FuturesRuntime, S: AsyncWrite + Unpin + 'static> WriteHalf for StreamTransport<R, S> {
    #[inline]
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        poll_write(&mut self.stream, cx, slices)
    }

    #[inline]
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    #[inline]
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll_shutdown::<R, S>(&mut self.stream, cx)
    }
}

impl<R, S> Transport for StreamTransport<R, S>
where
    R: FuturesRuntime,
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    type Timer = R::Timer;
}

impl<R, S> Split for StreamTransport<R, S>
where
    R: FuturesRuntime,
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    locked_halves!();
}

/// Writes once, with `poll_write` if there is only one slice.
#[inline]
fn poll_write(
    stream: &mut (impl AsyncWrite + Unpin),
    cx: &mut Context<'_>,
    slices: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    let stream = Pin::new(stream);
    match slices {
        [slice] => stream.poll_write(cx, slice),
        // If the stream has no vectored writes, this writes the first slice that is not empty.
        slices => stream.poll_write_vectored(cx, slices),
    }
}

/// Ends the sending direction of `stream`.
fn poll_shutdown<R: FuturesRuntime, S: AsyncWrite + Unpin + 'static>(
    stream: &mut S,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    let ended = match R::shut_down(stream) {
        Some(result) => result,
        None => ready!(Pin::new(stream).poll_close(cx)),
    };
    Poll::Ready(match ended {
        // A reset of the connection has already ended this direction.
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
        result => result,
    })
}

impl<R, S: fmt::Debug> fmt::Debug for StreamTransport<R, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StreamTransport")
            .field(&self.stream)
            .finish()
    }
}

#[cfg(test)]
mod tests;
