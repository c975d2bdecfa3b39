//! Transports and timers over tokio.

use std::any::Any;
use std::future::Future;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::Sleep;
use ws_driver::{Locked, ReadHalf, Runtime, Split, Timer, Transport, Wrap, WriteHalf};

/// The tokio runtime: what makes the generic types of this crate its own.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Tokio;

impl Runtime for Tokio {
    type Timer = TokioTimer;
    type TcpStream = TcpStream;

    async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
        TcpStream::connect((host, port)).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Wrap<S> for Tokio {
    type Transport = TokioIo<S>;

    fn wrap(stream: S) -> TokioIo<S> {
        TokioIo::new(stream)
    }
}

/// A tokio stream as a transport. Dereferences to the stream.
#[derive(Debug)]
pub struct TokioIo<S>(S);

impl<S: 'static> TokioIo<S> {
    /// The stream as a transport. TCP streams send small segments at once from here on (`TCP_NODELAY`).
    pub fn new(stream: S) -> Self {
        if let Some(tcp) = (&stream as &dyn Any).downcast_ref::<TcpStream>() {
            // A socket that cannot be told is slower or broken; reading and writing will show which.
            let _ = tcp.set_nodelay(true);
        }
        TokioIo(stream)
    }

    /// The stream.
    pub fn into_inner(self) -> S {
        self.0
    }
}

impl<S> Deref for TokioIo<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.0
    }
}

impl<S> DerefMut for TokioIo<S> {
    fn deref_mut(&mut self) -> &mut S {
        &mut self.0
    }
}

impl<S: AsyncRead + Unpin> ReadHalf for TokioIo<S> {
    #[inline]
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        Pin::new(&mut self.0)
            .poll_read(cx, &mut buffer)
            .map_ok(|()| buffer.filled().len())
    }
}

impl<S: AsyncWrite + Unpin> WriteHalf for TokioIo<S> {
    #[inline]
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let stream = Pin::new(&mut self.0);
        match slices {
            [slice] => stream.poll_write(cx, slice),
            slices if stream.is_write_vectored() => stream.poll_write_vectored(cx, slices),
            slices => {
                let first = slices.iter().find(|slice| !slice.is_empty());
                stream.poll_write(cx, first.map_or(&[], |slice| slice))
            }
        }
    }

    #[inline]
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    #[inline]
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Transport for TokioIo<S> {
    type Timer = TokioTimer;

    fn peer_addr(&self) -> Option<SocketAddr> {
        let stream: &dyn Any = &self.0;
        stream.downcast_ref::<TcpStream>()?.peer_addr().ok()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Split for TokioIo<S> {
    type ReadHalf = TokioReadHalf<S>;
    type WriteHalf = TokioWriteHalf<S>;

    fn split(self) -> (TokioReadHalf<S>, TokioWriteHalf<S>) {
        match cast::<S, TcpStream>(self.0) {
            Ok(tcp) => {
                let (read, write) = tcp.into_split();
                (
                    TokioReadHalf::Tcp(TokioIo(read)),
                    TokioWriteHalf::Tcp(TokioIo(write)),
                )
            }
            Err(stream) => {
                let (read, write) = Locked::pair(TokioIo(stream));
                (TokioReadHalf::Locked(read), TokioWriteHalf::Locked(write))
            }
        }
    }

    fn reunite(read: TokioReadHalf<S>, write: TokioWriteHalf<S>) -> Option<Self> {
        match (read, write) {
            (TokioReadHalf::Tcp(read), TokioWriteHalf::Tcp(write)) => {
                cast(read.0.reunite(write.0).ok()?).ok().map(TokioIo)
            }
            (TokioReadHalf::Locked(read), TokioWriteHalf::Locked(write)) => read.join(write),
            _ => None,
        }
    }
}

/// The value as what it is, if it is of the other type; else as it was.
fn cast<A: 'static, B: 'static>(value: A) -> Result<B, A> {
    let value: Box<dyn Any> = Box::new(value);
    match value.downcast::<B>() {
        Ok(other) => Ok(*other),
        Err(value) => Err(*value.downcast().expect("the type that it had before")),
    }
}

/// What receives from a tokio stream: TCP by its own half, any other stream under a lock.
#[derive(Debug)]
#[non_exhaustive]
pub enum TokioReadHalf<S> {
    /// TCP.
    Tcp(TokioIo<OwnedReadHalf>),
    /// Any other stream.
    Locked(Locked<TokioIo<S>>),
}

/// What sends to a tokio stream: TCP by its own half, any other stream under a lock.
#[derive(Debug)]
#[non_exhaustive]
pub enum TokioWriteHalf<S> {
    /// TCP.
    Tcp(TokioIo<OwnedWriteHalf>),
    /// Any other stream.
    Locked(Locked<TokioIo<S>>),
}

impl<S: AsyncRead + Unpin> ReadHalf for TokioReadHalf<S> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            TokioReadHalf::Tcp(half) => half.poll_read(cx, buffer),
            TokioReadHalf::Locked(half) => half.poll_read(cx, buffer),
        }
    }
}

impl<S: AsyncWrite + Unpin> WriteHalf for TokioWriteHalf<S> {
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self {
            TokioWriteHalf::Tcp(half) => half.poll_write_vectored(cx, slices),
            TokioWriteHalf::Locked(half) => half.poll_write_vectored(cx, slices),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            TokioWriteHalf::Tcp(half) => half.poll_flush(cx),
            TokioWriteHalf::Locked(half) => half.poll_flush(cx),
        }
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            TokioWriteHalf::Tcp(half) => half.poll_shutdown(cx),
            TokioWriteHalf::Locked(half) => half.poll_shutdown(cx),
        }
    }
}

/// A tokio timer. It follows the runtime's clock, also where tests pause it.
#[derive(Debug)]
pub struct TokioTimer(Pin<Box<Sleep>>);

impl Timer for TokioTimer {
    fn now() -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn at(deadline: Instant) -> Self {
        TokioTimer(Box::pin(tokio::time::sleep_until(deadline.into())))
    }

    fn reset(&mut self, deadline: Instant) {
        self.0.as_mut().reset(deadline.into());
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}
