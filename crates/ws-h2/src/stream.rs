//! A stream of HTTP/2 as a transport.

use std::fmt;
use std::io::{self, IoSlice};
use std::marker::PhantomData;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use h2::{Reason, RecvStream, SendStream};
use ws_driver::transport::{ReadHalf, Split, Timer, Transport, WriteHalf};

/// The most bytes of one write. h2 keeps them until the connection has sent them, so time limits
/// would not see whether the peer reads.
const MOST: usize = 16 * 1024;

/// A stream of a connection of HTTP/2, which carries the frames of one WebSocket. `M` is the timer
/// of the runtime.
///
/// It reads and writes only within the windows of flow control: the peer may send more once this
/// end has read, and this end sends only what the peer has room for. Another task must run the
/// [`Driver`](crate::Driver) of the connection.
///
/// Dropping the stream resets it, unless both ends have ended it.
pub struct H2Stream<M> {
    send: SendStream<Bytes>,
    recv: RecvStream,
    /// The rest of the last DATA.
    data: Bytes,
    has_ended: bool,
    timer: PhantomData<fn() -> M>,
}

impl<M> H2Stream<M> {
    pub(crate) fn new(send: SendStream<Bytes>, recv: RecvStream) -> Self {
        Self {
            send,
            recv,
            data: Bytes::new(),
            has_ended: false,
            timer: PhantomData,
        }
    }

    /// Waits for DATA that is not empty, or for the end of the stream.
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.data.is_empty() {
            match ready!(self.recv.poll_data(cx)) {
                None => break,
                Some(Ok(data)) => self.data = data,
                // RFC 9113 §8.1: the server has sent all, and needs nothing more.
                Some(Err(error)) if error.reason() == Some(Reason::NO_ERROR) => break,
                Some(Err(error)) => return Poll::Ready(Err(io_error(error))),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Waits until the peer has room for at least one byte. Returns the number of bytes that fit.
    fn poll_room(&mut self, cx: &mut Context<'_>, wanted: usize) -> Poll<io::Result<usize>> {
        self.send.reserve_capacity(wanted);
        while self.send.capacity() == 0 {
            match ready!(self.send.poll_capacity(cx)) {
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Err(io_error(error))),
                None => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            }
        }
        Poll::Ready(Ok(self.send.capacity().min(wanted)))
    }
}

impl<M> ReadHalf for H2Stream<M> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_data(cx))?;
        let len = self.data.len().min(buffer.len());
        self.data.copy_to_slice(&mut buffer[..len]);
        if self.data.is_empty() {
            // An empty rest would keep the whole frame in memory.
            self.data = Bytes::new();
        }
        // The peer may send as much again. This fails only if the stream has ended.
        drop(self.recv.flow_control().release_capacity(len));
        Poll::Ready(Ok(len))
    }
}

impl<M> WriteHalf for H2Stream<M> {
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let total: usize = slices.iter().map(|slice| slice.len()).sum();
        if total == 0 {
            return Poll::Ready(Ok(0));
        }
        let room = ready!(self.poll_room(cx, total.min(MOST)))?;
        let mut data = BytesMut::with_capacity(room);
        for slice in slices {
            let len = slice.len().min(room - data.len());
            data.extend_from_slice(&slice[..len]);
        }
        let sent = self.send.send_data(data.freeze(), false);
        // An idle stream keeps no part of the connection's window from the others.
        self.send.reserve_capacity(0);
        sent.map_err(io_error)?;
        Poll::Ready(Ok(room))
    }

    /// The driver of the connection sends all that it has got.
    fn poll_flush(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.has_ended {
            self.has_ended = true;
            self.send.send_data(Bytes::new(), true).map_err(io_error)?;
        }
        Poll::Ready(Ok(()))
    }
}

impl<M: Timer> Transport for H2Stream<M> {
    type Timer = M;
}

impl<M: Timer> Split for H2Stream<M> {
    ws_driver::locked_halves!();
}

impl<M> fmt::Debug for H2Stream<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.send.stream_id().as_u32();
        f.debug_struct("H2Stream").field("id", &id).finish()
    }
}

/// Returns the error of the transport, or a reset of the stream or of the connection.
pub(crate) fn io_error(error: h2::Error) -> io::Error {
    if !error.is_io() {
        return io::Error::new(io::ErrorKind::ConnectionReset, error);
    }
    let io = error.into_io();
    io.unwrap_or_else(|| io::ErrorKind::ConnectionReset.into())
}
