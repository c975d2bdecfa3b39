//! Transports over the traits of futures-io, for every runtime whose streams have these.

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

use crate::locked::Locked;
use crate::transport::{ReadHalf, Runtime, Split, Transport, WriteHalf};

/// A runtime whose streams have the traits of futures-io: what has to be known of its sockets beside these.
///
/// Clones of the runtime's TCP stream are the same socket, and one may wait to read while another waits to write.
pub trait FuturesRuntime:
    Runtime<TcpStream: AsyncRead + AsyncWrite + Clone + fmt::Debug + Sync + Unpin>
{
    /// Has the socket send small segments at once (`TCP_NODELAY`).
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    fn set_nodelay(tcp: &Self::TcpStream) -> io::Result<()>;

    /// The address of the peer.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    fn peer_addr(tcp: &Self::TcpStream) -> io::Result<SocketAddr>;

    /// Ends the sending direction of those of the runtime's streams whose `poll_close` does not: what became of that.
    /// `None` for all other streams, and by default.
    fn shut_down(stream: &dyn Any) -> Option<io::Result<()>> {
        let _ = stream;
        None
    }
}

/// A stream of the runtime `R` as a transport. Dereferences to the stream.
///
/// TCP has a transport of its own, [`TcpTransport`].
pub struct StreamTransport<R, S> {
    stream: S,
    runtime: PhantomData<fn() -> R>,
}

impl<R, S> StreamTransport<R, S> {
    /// The stream as a transport.
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            runtime: PhantomData,
        }
    }

    /// The stream.
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
    type ReadHalf = Locked<Self>;
    type WriteHalf = Locked<Self>;

    fn split(self) -> (Locked<Self>, Locked<Self>) {
        Locked::pair(self)
    }

    fn reunite(read: Locked<Self>, write: Locked<Self>) -> Option<Self> {
        read.join(write)
    }
}

/// Writes once.
#[inline]
fn poll_write(
    stream: &mut (impl AsyncWrite + Unpin),
    cx: &mut Context<'_>,
    slices: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    let stream = Pin::new(stream);
    match slices {
        [slice] => stream.poll_write(cx, slice),
        // A stream that takes one slice at a time takes the first that is not empty.
        slices => stream.poll_write_vectored(cx, slices),
    }
}

/// Ends the sending direction.
fn poll_shutdown<R: FuturesRuntime, S: AsyncWrite + Unpin + 'static>(
    stream: &mut S,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    let ended = match R::shut_down(stream) {
        Some(result) => result,
        None => ready!(Pin::new(stream).poll_close(cx)),
    };
    Poll::Ready(match ended {
        // After a reset there is nothing left to end.
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
