//! Transports behind a pointer, for programs that keep connections of several kinds in one place.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use crate::locked::Locked;
use crate::transport::{ReadHalf, Split, Timer, Transport, WriteHalf, pass_writes};

impl<R: ReadHalf + ?Sized> ReadHalf for Box<R> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        (**self).poll_read(cx, buffer)
    }
}

impl<W: WriteHalf + ?Sized> WriteHalf for Box<W> {
    pass_writes!(boxed => (**boxed));
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    type Timer = T::Timer;

    fn peer_addr(&self) -> Option<SocketAddr> {
        (**self).peer_addr()
    }
}

impl<M: Timer> Split for Box<dyn Transport<Timer = M> + Send> {
    type ReadHalf = Locked<Self>;
    type WriteHalf = Locked<Self>;

    fn split(self) -> (Locked<Self>, Locked<Self>) {
        Locked::pair(self)
    }

    fn reunite(read: Locked<Self>, write: Locked<Self>) -> Option<Self> {
        read.join(write)
    }
}
