//! The transport over a stream of hyper.

use std::io::{self, IoSlice};
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBuf, Write};
use ws_driver::transport::{ReadHalf, Split, Timer, Transport, WriteHalf};

/// The most bytes that a stream may hold back.
///
/// Streams take more: TLS streams keep 64 KiB, and streams of HTTP/2 take any length in one write.
/// Time limits would then not see whether the peer reads.
const MOST: usize = 16 * 1024;

/// A transport over a stream of hyper, such as [`Upgraded`](hyper::upgrade::Upgraded). `M` is the
/// timer of the runtime.
///
/// At most 16 KiB are written before the stream has flushed them.
#[derive(Debug)]
pub struct HyperIo<S, M> {
    stream: S,
    /// The number of bytes written since the last flush.
    unflushed: usize,
    timer: PhantomData<fn() -> M>,
}

impl<S, M> HyperIo<S, M> {
    /// Makes a transport from a stream.
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            unflushed: 0,
            timer: PhantomData,
        }
    }

    /// Returns the stream.
    pub fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: Read + Unpin, M> ReadHalf for HyperIo<S, M> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer.unfilled());
        ready!(read).map_err(classified)?;
        Poll::Ready(Ok(buffer.filled().len()))
    }
}

impl<S: Write + Unpin, M> WriteHalf for HyperIo<S, M> {
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.unflushed >= MOST {
            ready!(self.poll_flush(cx))?;
        }
        let room = MOST - self.unflushed;
        let stream = Pin::new(&mut self.stream);
        let total: usize = slices.iter().map(|slice| slice.len()).sum();
        let written = if total <= room && stream.is_write_vectored() {
            ready!(stream.poll_write_vectored(cx, slices))
        } else {
            let first = slices.iter().find(|slice| !slice.is_empty());
            let first = first.map_or(&[][..], |slice| slice);
            ready!(stream.poll_write(cx, &first[..first.len().min(room)]))
        };
        let written = written.map_err(classified)?;
        self.unflushed += written.min(room);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx)).map_err(classified)?;
        self.unflushed = 0;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = Pin::new(&mut self.stream).poll_shutdown(cx);
        ended.map_err(classified)
    }
}

/// Returns the error with a kind. hyper's streams of HTTP/2 report a reset by the peer without one.
fn classified(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::Other => io::Error::new(io::ErrorKind::ConnectionReset, error),
        _ => error,
    }
}

impl<S: Read + Write + Unpin, M: Timer> Transport for HyperIo<S, M> {
    type Timer = M;
}

impl<S: Read + Write + Unpin, M: Timer> Split for HyperIo<S, M> {
    ws_driver::locked_halves!();
}
