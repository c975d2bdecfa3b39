//! Transports and timers over smol.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use async_net::TcpStream;
use futures_io::{AsyncRead, AsyncWrite};
use ws_driver::{
    FuturesIo, FuturesReadHalf, FuturesRuntime, FuturesWriteHalf, Runtime, Timer, Wrap,
};

/// The smol runtime: what makes the generic types of this crate its own.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Smol;

impl Runtime for Smol {
    type Timer = SmolTimer;
    type TcpStream = TcpStream;

    async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
        TcpStream::connect((host, port)).await
    }
}

impl FuturesRuntime for Smol {
    fn set_nodelay(tcp: &TcpStream) -> io::Result<()> {
        tcp.set_nodelay(true)
    }

    fn peer_addr(tcp: &TcpStream) -> io::Result<SocketAddr> {
        tcp.peer_addr()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Wrap<S> for Smol {
    type Transport = SmolIo<S>;

    fn wrap(stream: S) -> SmolIo<S> {
        SmolIo::new(stream)
    }
}

/// A smol stream as a transport. Dereferences to the stream.
pub type SmolIo<S> = FuturesIo<Smol, S>;

/// What receives from a smol stream: TCP by a clone of its own, any other stream under a lock.
pub type SmolReadHalf<S> = FuturesReadHalf<Smol, S>;

/// What sends to a smol stream: TCP by a clone of its own, any other stream under a lock.
pub type SmolWriteHalf<S> = FuturesWriteHalf<Smol, S>;

/// A smol timer.
#[derive(Debug)]
pub struct SmolTimer {
    timer: async_io::Timer,
    /// The timer itself says so once only.
    has_gone_off: bool,
}

impl Timer for SmolTimer {
    fn now() -> Instant {
        Instant::now()
    }

    fn at(deadline: Instant) -> Self {
        SmolTimer {
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
