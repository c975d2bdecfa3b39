//! Two shapes of the scripted transport. One splits into independent halves. In the other, both
//! halves share the whole transport.

use std::io::{self, IoSlice};
use std::task::{Context, Poll};

use ws_driver::transport::{Locked, ReadHalf, Split, Transport, WriteHalf};

use super::Scripted;
use crate::clock::ManualTimer;

/// The scripted transport without independent halves. Its halves share the transport under a lock.
#[derive(Debug)]
pub struct Whole(pub Scripted);

impl Transport for Whole {
    type Timer = ManualTimer;
}

impl ReadHalf for Whole {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.0.poll_read(cx, buffer)
    }
}

impl WriteHalf for Whole {
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_write_vectored(cx, slices)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_shutdown(cx)
    }
}

impl Split for Whole {
    type ReadHalf = Locked<Self>;
    type WriteHalf = Locked<Self>;

    fn split(self) -> (Locked<Self>, Locked<Self>) {
        Locked::pair(self)
    }

    fn reunite(read: Locked<Self>, write: Locked<Self>) -> Option<Self> {
        read.join(write)
    }
}

/// A shape of the scripted transport.
pub trait Shape: Split<Timer = ManualTimer, ReadHalf: Send, WriteHalf: Send> + 'static {
    /// Returns the transport in this shape.
    fn shape(scripted: Scripted) -> Self;
}

impl Shape for Scripted {
    fn shape(scripted: Scripted) -> Self {
        scripted
    }
}

impl Shape for Whole {
    fn shape(scripted: Scripted) -> Self {
        Self(scripted)
    }
}

/// Makes two tests from each function that is generic over a [`Shape`]. In the module `apart`, the
/// transport has independent halves. In the module `locked`, the halves share the transport.
#[macro_export]
macro_rules! both_shapes {
    ($($name:ident,)*) => {
        mod apart {
            $(
                #[test]
                fn $name() {
                    super::$name::<$crate::scripted::Scripted>();
                }
            )*
        }
        mod locked {
            $(
                #[test]
                fn $name() {
                    super::$name::<$crate::scripted::Whole>();
                }
            )*
        }
    };
}
