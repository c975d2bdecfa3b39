//! Transports over TCP streams with the traits of futures-io.

use std::fmt;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use futures_io::AsyncRead as _;

use super::{FuturesRuntime, poll_shutdown, poll_write};
use crate::any::AnyTransport;
use crate::sync::{Mutex, lock};
use crate::transport::{ReadHalf, Runtime, Split, Transport, WriteHalf, pass_reads, pass_writes};

/// A transport over a TCP stream of the runtime `R`. Its halves are clones of the stream.
pub struct TcpTransport<R: FuturesRuntime> {
    stream: R::TcpStream,
    /// Allocated when the socket is full for the first time.
    room: Option<Arc<Room>>,
    /// `true` if the next read will probably find nothing: the last one has emptied the socket, or
    /// the task waits for input.
    is_drained: bool,
}

impl<R: FuturesRuntime> TcpTransport<R> {
    /// Makes a transport from a stream and sets `TCP_NODELAY`, so that small segments are sent
    /// without delay.
    pub fn new(stream: R::TcpStream) -> Self {
        // An error is ignored. A socket without this option is only slower, and a broken socket
        // fails to read and write.
        let _ = R::set_nodelay(&stream);
        Self::of(stream)
    }

    /// Returns the stream.
    pub fn into_inner(self) -> R::TcpStream {
        self.stream
    }

    /// Makes a transport from a stream. Sets no option.
    fn of(stream: R::TcpStream) -> Self {
        Self {
            stream,
            room: None,
            is_drained: false,
        }
    }

    /// Writes with a waker that records that the runtime has reported room in the socket. Does not
    /// write before that report: see [`Room`].
    #[inline(never)]
    fn poll_write_full(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let room = self.room.get_or_insert_default();
        let is_full = lock(&room.0).replace(cx.waker().clone()).is_some();
        if is_full {
            return Poll::Pending;
        }
        let waker = Waker::from(Arc::clone(room));
        let polled = poll_write(&mut self.stream, &mut Context::from_waker(&waker), slices);
        if polled.is_ready() {
            *lock(&room.0) = None;
        }
        polled
    }
}

/// The waker of the task that waits for room in a full socket. `None` once the runtime has reported
/// room.
///
/// The transport does not write again before that report. A task is also polled for other reasons,
/// such as the write stall timeout. A socket that is reported as full may still accept a few bytes.
/// So a write at every poll would succeed even if the peer reads nothing. Each success would
/// restart the write stall timeout.
#[derive(Default)]
struct Room(Mutex<Option<Waker>>);

impl Wake for Room {
    fn wake(self: Arc<Self>) {
        let awaiting = lock(&self.0).take();
        if let Some(waker) = awaiting {
            waker.wake();
        }
    }
}

impl<R: FuturesRuntime> AsRef<R::TcpStream> for TcpTransport<R> {
    fn as_ref(&self) -> &R::TcpStream {
        &self.stream
    }
}

impl<R: FuturesRuntime + Runtime<Tcp = TcpTransport<R>>> From<TcpTransport<R>> for AnyTransport<R> {
    fn from(tcp: TcpTransport<R>) -> Self {
        Self::new(tcp)
    }
}

impl<R: FuturesRuntime> ReadHalf for TcpTransport<R> {
    #[inline]
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.is_drained = matches!(polled, Poll::Ready(Ok(len)) if len < buffer.len());
        polled
    }

    #[inline]
    fn poll_next_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        // An error is ignored here. The read finds it, too.
        if self.is_drained && R::poll_readable(&self.stream, cx).is_pending() {
            return Poll::Pending;
        }
        self.poll_read(cx, buffer)
    }
}

impl<R: FuturesRuntime> WriteHalf for TcpTransport<R> {
    #[inline(always)]
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.room.is_none() {
            let polled = poll_write(&mut self.stream, cx, slices);
            if polled.is_ready() {
                return polled;
            }
        }
        self.poll_write_full(cx, slices)
    }

    /// Does nothing, because a socket has no buffer to flush.
    #[inline]
    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll_shutdown::<R, R::TcpStream>(&mut self.stream, cx)
    }
}

impl<R: FuturesRuntime> Transport for TcpTransport<R> {
    type Timer = R::Timer;

    fn peer_addr(&self) -> Option<SocketAddr> {
        R::peer_addr(&self.stream).ok()
    }

    fn is_ip(&self) -> bool {
        true
    }
}

impl<R: FuturesRuntime> Split for TcpTransport<R> {
    type ReadHalf = TcpReadHalf<R>;
    type WriteHalf = TcpWriteHalf<R>;

    fn split(self) -> (TcpReadHalf<R>, TcpWriteHalf<R>) {
        let whole = Arc::new(());
        let read = TcpReadHalf {
            tcp: Self::of(self.stream.clone()),
            whole: Arc::clone(&whole),
        };
        let write = TcpWriteHalf {
            tcp: Self::of(self.stream),
            whole,
            is_alone: true,
        };
        (read, write)
    }

    fn reunite(read: TcpReadHalf<R>, mut write: TcpWriteHalf<R>) -> Option<Self> {
        if !Arc::ptr_eq(&read.whole, &write.whole) {
            return None;
        }
        write.is_alone = false;
        Some(Self::of(read.tcp.stream))
    }
}

/// The receiving half of a TCP stream.
pub struct TcpReadHalf<R: FuturesRuntime> {
    tcp: TcpTransport<R>,
    /// Identifies the transport. Both halves of a transport share this allocation.
    whole: Arc<()>,
}

/// The sending half of a TCP stream. Dropping it ends this direction, even while the other half
/// exists.
pub struct TcpWriteHalf<R: FuturesRuntime> {
    tcp: TcpTransport<R>,
    /// Identifies the transport. Both halves of a transport share this allocation.
    whole: Arc<()>,
    /// `true` until this half is joined with the other half.
    is_alone: bool,
}

impl<R: FuturesRuntime> Drop for TcpWriteHalf<R> {
    /// Ends this direction explicitly. The other half has a clone of the stream, which would keep
    /// the direction open.
    fn drop(&mut self) {
        if self.is_alone {
            let mut cx = Context::from_waker(Waker::noop());
            // An error is ignored, because it means that the direction has ended already.
            let _ = self.tcp.poll_shutdown(&mut cx);
        }
    }
}

impl<R: FuturesRuntime> ReadHalf for TcpReadHalf<R> {
    pass_reads!(half => half.tcp);
}

impl<R: FuturesRuntime> WriteHalf for TcpWriteHalf<R> {
    pass_writes!(half => half.tcp);
}

impl<R: FuturesRuntime> fmt::Debug for TcpTransport<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TcpTransport").field(&self.stream).finish()
    }
}

impl<R: FuturesRuntime> fmt::Debug for TcpReadHalf<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TcpReadHalf")
            .field(&self.tcp.stream)
            .finish()
    }
}

impl<R: FuturesRuntime> fmt::Debug for TcpWriteHalf<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TcpWriteHalf")
            .field(&self.tcp.stream)
            .finish()
    }
}
