//! Halves of a transport that cannot be split.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::sync::{Mutex, lock};
use crate::transport::{ReadHalf, WriteHalf, pass_reads, pass_writes};

/// A half of a transport that cannot be split. Both halves share the transport and lock it for the
/// duration of a poll.
#[derive(Debug)]
pub struct Locked<T>(Arc<Mutex<T>>);

impl<T> Locked<T> {
    /// Makes both halves of `transport`.
    pub fn pair(transport: T) -> (Self, Self) {
        let shared = Arc::new(Mutex::new(transport));
        (Self(Arc::clone(&shared)), Self(shared))
    }

    /// Joins the halves and returns the transport. `None` if they belong to different transports.
    pub fn join(self, other: Self) -> Option<T> {
        if !Arc::ptr_eq(&self.0, &other.0) {
            return None;
        }
        drop(other);
        let transport = Arc::into_inner(self.0)?.into_inner();
        Some(transport.unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl<T: ReadHalf> ReadHalf for Locked<T> {
    pass_reads!(half => lock(&half.0));
}

impl<T: WriteHalf> WriteHalf for Locked<T> {
    pass_writes!(half => lock(&half.0));
}

/// Implements the items of [`Split`](crate::transport::Split) for a transport that cannot be split:
/// its halves are [`Locked`].
///
/// ```
/// use ws_driver::transport::{Split, Transport};
///
/// struct Wrapper<T>(T);
/// # use std::io::{self, IoSlice};
/// # use std::task::{Context, Poll};
/// # use ws_driver::transport::{ReadHalf, WriteHalf};
/// # impl<T: Transport> ReadHalf for Wrapper<T> {
/// #     fn poll_read(&mut self, cx: &mut Context<'_>, to: &mut [u8]) -> Poll<io::Result<usize>> {
/// #         self.0.poll_read(cx, to)
/// #     }
/// # }
/// # impl<T: Transport> WriteHalf for Wrapper<T> {
/// #     fn poll_write_vectored(
/// #         &mut self,
/// #         cx: &mut Context<'_>,
/// #         from: &[IoSlice<'_>],
/// #     ) -> Poll<io::Result<usize>> {
/// #         self.0.poll_write_vectored(cx, from)
/// #     }
/// #     fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
/// #         self.0.poll_flush(cx)
/// #     }
/// #     fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
/// #         self.0.poll_shutdown(cx)
/// #     }
/// # }
///
/// impl<T: Transport> Transport for Wrapper<T> {
///     type Timer = T::Timer;
/// }
///
/// impl<T: Transport> Split for Wrapper<T> {
///     ws_driver::locked_halves!();
/// }
/// ```
#[macro_export]
macro_rules! locked_halves {
    () => {
        type ReadHalf = $crate::transport::Locked<Self>;
        type WriteHalf = $crate::transport::Locked<Self>;

        fn split(self) -> (Self::ReadHalf, Self::WriteHalf) {
            $crate::transport::Locked::pair(self)
        }

        fn reunite(read: Self::ReadHalf, write: Self::WriteHalf) -> Option<Self> {
            read.join(write)
        }
    };
}
