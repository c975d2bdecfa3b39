//! Transports over the traits of futures-io, for every runtime whose streams have these.

use std::any::Any;
use std::fmt;
use std::io::{self, IoSlice};
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker, ready};

use futures_io::{AsyncRead, AsyncWrite};

use crate::locked::Locked;
use crate::sync::{Mutex, lock};
use crate::transport::{ReadHalf, Runtime, Split, Transport, WriteHalf, pass_writes};

/// A runtime whose streams have the traits of futures-io: what [`FuturesIo`] has to know of its sockets.
///
/// Clones of the runtime's TCP stream are the same socket, and one may wait to read while another waits to write.
pub trait FuturesRuntime:
    Runtime<TcpStream: AsyncRead + AsyncWrite + Clone + fmt::Debug + Unpin + 'static>
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
pub struct FuturesIo<R, S> {
    stream: S,
    /// Remembers that TCP had no room; made when it first had none.
    room: Option<Arc<Room>>,
    runtime: PhantomData<fn() -> R>,
}

impl<R: FuturesRuntime, S: 'static> FuturesIo<R, S> {
    /// The stream as a transport. TCP streams send small segments at once from here on (`TCP_NODELAY`).
    pub fn new(stream: S) -> Self {
        let io = FuturesIo::of(stream);
        if let Some(tcp) = io.tcp() {
            // A socket that cannot be told is slower or broken; reading and writing will show which.
            let _ = R::set_nodelay(tcp);
        }
        io
    }

    /// The stream.
    pub fn into_inner(self) -> S {
        self.stream
    }

    /// The stream, as it is.
    fn of(stream: S) -> Self {
        FuturesIo {
            stream,
            room: None,
            runtime: PhantomData,
        }
    }

    /// The stream, if it is TCP.
    fn tcp(&self) -> Option<&R::TcpStream> {
        (&self.stream as &dyn Any).downcast_ref()
    }
}

impl<R, S> Deref for FuturesIo<R, S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.stream
    }
}

impl<R, S> DerefMut for FuturesIo<R, S> {
    fn deref_mut(&mut self) -> &mut S {
        &mut self.stream
    }
}

impl<R, S: AsyncRead + Unpin> ReadHalf for FuturesIo<R, S> {
    #[inline]
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<R: FuturesRuntime, S: AsyncWrite + Unpin + 'static> WriteHalf for FuturesIo<R, S> {
    #[inline]
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(room) = &self.room {
            if let Some(awaiting) = &mut *lock(&room.0) {
                awaiting.clone_from(cx.waker());
                return Poll::Pending;
            }
        } else {
            let polled = poll_write(&mut self.stream, cx, slices);
            // Of other streams nobody knows whether only this waker tells when it is worth trying again.
            if polled.is_ready() || self.tcp().is_none() {
                return polled;
            }
        }
        let room = self.room.get_or_insert_default();
        *lock(&room.0) = Some(cx.waker().clone());
        let waker = Waker::from(Arc::clone(room));
        let polled = poll_write(&mut self.stream, &mut Context::from_waker(&waker), slices);
        if polled.is_ready() {
            *lock(&room.0) = None;
        }
        polled
    }

    #[inline]
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    #[inline]
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = match R::shut_down(&self.stream) {
            Some(result) => result,
            None => ready!(Pin::new(&mut self.stream).poll_close(cx)),
        };
        Poll::Ready(match ended {
            // After a reset there is nothing left to end.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            result => result,
        })
    }
}

impl<R, S> Transport for FuturesIo<R, S>
where
    R: FuturesRuntime,
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    type Timer = R::Timer;

    fn peer_addr(&self) -> Option<SocketAddr> {
        R::peer_addr(self.tcp()?).ok()
    }
}

impl<R, S> Split for FuturesIo<R, S>
where
    R: FuturesRuntime,
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    type ReadHalf = FuturesReadHalf<R, S>;
    type WriteHalf = FuturesWriteHalf<R, S>;

    fn split(self) -> (FuturesReadHalf<R, S>, FuturesWriteHalf<R, S>) {
        let Some(tcp) = self.tcp().cloned() else {
            let (read, write) = Locked::pair(self);
            return (
                FuturesReadHalf::Locked(read),
                FuturesWriteHalf::Locked(write),
            );
        };
        let whole = Arc::new(());
        let read = FuturesTcpReadHalf {
            io: FuturesIo::of(tcp.clone()),
            whole: Arc::clone(&whole),
        };
        let write = FuturesTcpWriteHalf {
            io: FuturesIo::of(tcp),
            whole,
            is_alone: true,
        };
        (FuturesReadHalf::Tcp(read), FuturesWriteHalf::Tcp(write))
    }

    fn reunite(read: FuturesReadHalf<R, S>, write: FuturesWriteHalf<R, S>) -> Option<Self> {
        match (read, write) {
            (FuturesReadHalf::Tcp(read), FuturesWriteHalf::Tcp(mut write)) => {
                if !Arc::ptr_eq(&read.whole, &write.whole) {
                    return None;
                }
                write.is_alone = false;
                cast(read.io.stream).map(FuturesIo::of)
            }
            (FuturesReadHalf::Locked(read), FuturesWriteHalf::Locked(write)) => read.join(write),
            _ => None,
        }
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

/// Remembers that a socket had no room, and who hears of it when the runtime says that it has; `None` after that.
///
/// To write whenever the task is polled for some other reason, such as the time limit on stalled writes, would squeeze
/// bytes into a socket that nobody reads from, since some room is left when a socket counts as full. Each time this
/// would look as if the peer went on.
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

/// The value as what it is, if it is of the other type.
fn cast<A: 'static, B: 'static>(value: A) -> Option<B> {
    let value: &mut dyn Any = &mut Some(value);
    value.downcast_mut::<Option<B>>()?.take()
}

/// The receiving half of a stream: TCP by a clone of its own, any other stream under a lock.
#[derive(Debug)]
#[non_exhaustive]
pub enum FuturesReadHalf<R: FuturesRuntime, S> {
    /// TCP.
    Tcp(FuturesTcpReadHalf<R>),
    /// Any other stream.
    Locked(Locked<FuturesIo<R, S>>),
}

/// The sending half of a stream: TCP by a clone of its own, any other stream under a lock.
#[derive(Debug)]
#[non_exhaustive]
pub enum FuturesWriteHalf<R: FuturesRuntime, S> {
    /// TCP.
    Tcp(FuturesTcpWriteHalf<R>),
    /// Any other stream.
    Locked(Locked<FuturesIo<R, S>>),
}

/// The receiving half of a TCP stream.
pub struct FuturesTcpReadHalf<R: FuturesRuntime> {
    io: FuturesIo<R, R::TcpStream>,
    /// The same as that of the other half.
    whole: Arc<()>,
}

/// The sending half of a TCP stream. Dropping it ends this direction, also while the other half lives.
pub struct FuturesTcpWriteHalf<R: FuturesRuntime> {
    io: FuturesIo<R, R::TcpStream>,
    /// The same as that of the other half.
    whole: Arc<()>,
    /// It was not joined to the other half.
    is_alone: bool,
}

impl<R: FuturesRuntime> Drop for FuturesTcpWriteHalf<R> {
    /// The other half has a clone of the stream, which alone would keep this direction open.
    fn drop(&mut self) {
        if self.is_alone {
            let mut cx = Context::from_waker(Waker::noop());
            // What cannot be ended, has ended.
            let _ = self.io.poll_shutdown(&mut cx);
        }
    }
}

impl<R: FuturesRuntime, S: AsyncRead + Unpin> ReadHalf for FuturesReadHalf<R, S> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            FuturesReadHalf::Tcp(half) => half.io.poll_read(cx, buffer),
            FuturesReadHalf::Locked(half) => half.poll_read(cx, buffer),
        }
    }
}

impl<R: FuturesRuntime, S: AsyncWrite + Unpin + 'static> WriteHalf for FuturesWriteHalf<R, S> {
    pass_writes!(either => match either {
        FuturesWriteHalf::Tcp(half) => &mut half.io as &mut dyn WriteHalf,
        FuturesWriteHalf::Locked(half) => half,
    });
}

impl<R, S: fmt::Debug> fmt::Debug for FuturesIo<R, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FuturesIo").field(&self.stream).finish()
    }
}

impl<R: FuturesRuntime> fmt::Debug for FuturesTcpReadHalf<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FuturesTcpReadHalf")
            .field(&*self.io)
            .finish()
    }
}

impl<R: FuturesRuntime> fmt::Debug for FuturesTcpWriteHalf<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FuturesTcpWriteHalf")
            .field(&*self.io)
            .finish()
    }
}

#[cfg(test)]
mod tests;
