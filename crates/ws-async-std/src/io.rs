//! Transports and timers over async-std.

use std::any::Any;
use std::future::Future;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use async_std::io::{Read, Write};
use async_std::net::TcpStream;
use ws_driver::{
    FuturesIo, FuturesReadHalf, FuturesRuntime, FuturesWriteHalf, Runtime, Timer, Wrap,
};

/// The async-std runtime: what makes the generic types of this crate its own.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AsyncStd;

impl Runtime for AsyncStd {
    type Timer = AsyncStdTimer;
    type TcpStream = TcpStream;

    async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
        TcpStream::connect((host, port)).await
    }
}

impl FuturesRuntime for AsyncStd {
    fn set_nodelay(tcp: &TcpStream) -> io::Result<()> {
        tcp.set_nodelay(true)
    }

    fn peer_addr(tcp: &TcpStream) -> io::Result<SocketAddr> {
        tcp.peer_addr()
    }

    /// `poll_close` of its sockets flushes, and ends nothing.
    fn shut_down(stream: &dyn Any) -> Option<io::Result<()>> {
        #[cfg(unix)]
        if let Some(unix) = stream.downcast_ref::<async_std::os::unix::net::UnixStream>() {
            return Some(unix.shutdown(Shutdown::Write));
        }
        let tcp: &TcpStream = stream.downcast_ref()?;
        Some(tcp.shutdown(Shutdown::Write))
    }
}

impl<S: Read + Write + Unpin + 'static> Wrap<S> for AsyncStd {
    type Transport = AsyncStdIo<S>;

    fn wrap(stream: S) -> AsyncStdIo<S> {
        AsyncStdIo::new(stream)
    }
}

/// An async-std stream as a transport. Dereferences to the stream.
pub type AsyncStdIo<S> = FuturesIo<AsyncStd, S>;

/// What receives from an async-std stream: TCP by a clone of its own, any other stream under a lock.
pub type AsyncStdReadHalf<S> = FuturesReadHalf<AsyncStd, S>;

/// What sends to an async-std stream: TCP by a clone of its own, any other stream under a lock.
pub type AsyncStdWriteHalf<S> = FuturesWriteHalf<AsyncStd, S>;

/// An async-std timer.
#[derive(Debug)]
pub struct AsyncStdTimer {
    timer: async_io::Timer,
    /// The timer itself says so once only.
    has_gone_off: bool,
}

impl Timer for AsyncStdTimer {
    fn now() -> Instant {
        Instant::now()
    }

    fn at(deadline: Instant) -> Self {
        AsyncStdTimer {
            timer: async_io::Timer::at(deadline),
            has_gone_off: false,
        }
    }

    fn reset(&mut self, deadline: Instant) {
        self.timer.set_at(deadline);
        self.has_gone_off = false;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.has_gone_off {
            ready!(Pin::new(&mut self.timer).poll(cx));
            self.has_gone_off = true;
        }
        Poll::Ready(())
    }
}
