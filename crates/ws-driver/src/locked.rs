//! Halves of a transport that cannot be taken apart.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::sync::{Mutex, lock};
use crate::transport::{ReadHalf, WriteHalf, pass_writes};

/// A half of a transport that both halves share, each locking it for the time of one poll.
#[derive(Debug)]
pub struct Locked<T>(Arc<Mutex<T>>);

impl<T> Locked<T> {
    /// Both halves of `transport`.
    pub fn pair(transport: T) -> (Self, Self) {
        let shared = Arc::new(Mutex::new(transport));
        (Self(Arc::clone(&shared)), Self(shared))
    }

    /// The transport again; `None` if the halves are of two.
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
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        lock(&self.0).poll_read(cx, buffer)
    }
}

impl<T: WriteHalf> WriteHalf for Locked<T> {
    pass_writes!(half => lock(&half.0));
}
