//! Transports behind a pointer, for programs that keep connections of several kinds in one place.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::task::{Context, Poll};

use crate::locked::Locked;
use crate::transport::{ReadHalf, Split, Timer, Transport, WriteHalf};

impl<R: ReadHalf + ?Sized> ReadHalf for Box<R> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        (**self).poll_read(cx, buffer)
    }
}

impl<W: WriteHalf + ?Sized> WriteHalf for Box<W> {
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        (**self).poll_write_vectored(cx, slices)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (**self).poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (**self).poll_shutdown(cx)
    }
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
