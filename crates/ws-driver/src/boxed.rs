//! Boxed transports.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use crate::transport::{ReadHalf, Transport, WriteHalf, pass_reads, pass_writes};

impl<R: ReadHalf + ?Sized> ReadHalf for Box<R> {
    pass_reads!(boxed => (**boxed));
}

impl<W: WriteHalf + ?Sized> WriteHalf for Box<W> {
    pass_writes!(boxed => (**boxed));
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    type Timer = T::Timer;

    fn peer_addr(&self) -> Option<SocketAddr> {
        (**self).peer_addr()
    }

    fn is_ip(&self) -> bool {
        (**self).is_ip()
    }
}
