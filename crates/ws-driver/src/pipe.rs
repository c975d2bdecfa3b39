//! A transport in memory, for tests of programs that use connections.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Read};
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::sync::{Mutex, lock};
use crate::transport::{ReadHalf, Split, Timer, Transport, WriteHalf, pass_writes};

/// One end of a transport in memory. See [`duplex`].
#[derive(Debug)]
pub struct Duplex<M> {
    read: DuplexRead,
    write: DuplexWrite,
    timer: PhantomData<fn() -> M>,
}

/// The receiving half of a [`Duplex`].
#[derive(Debug)]
pub struct DuplexRead(Arc<Mutex<Pipe>>);

/// The sending half of a [`Duplex`].
#[derive(Debug)]
pub struct DuplexWrite(Arc<Mutex<Pipe>>);

/// One direction of the transport.
#[derive(Debug, Default)]
struct Pipe {
    bytes: VecDeque<u8>,
    capacity: usize,
    /// `true` once the writing end was shut down or dropped.
    is_ended: bool,
    /// `true` once the reading end was dropped.
    is_broken: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// Makes both ends of a transport in memory. Data that is written to one end can be read from the
/// other.
///
/// Each direction holds up to `capacity` bytes, and at least one. The transport needs no runtime,
/// except for the timer of type `M`.
#[must_use]
pub fn duplex<M: Timer>(capacity: usize) -> (Duplex<M>, Duplex<M>) {
    let pipe = || {
        let pipe = Arc::new(Mutex::new(Pipe {
            capacity: capacity.max(1),
            ..Pipe::default()
        }));
        (DuplexRead(Arc::clone(&pipe)), DuplexWrite(pipe))
    };
    let ((near_read, far_write), (far_read, near_write)) = (pipe(), pipe());
    (join(near_read, near_write), join(far_read, far_write))
}

/// Joins both directions into one transport.
fn join<M>(read: DuplexRead, write: DuplexWrite) -> Duplex<M> {
    Duplex {
        read,
        write,
        timer: PhantomData,
    }
}

/// Runs `act` on a pipe and wakes the waker that `act` returns. The lock is released first, because
/// waking may run code that uses the pipe again.
fn with<R>(pipe: &Mutex<Pipe>, act: impl FnOnce(&mut Pipe) -> (R, Option<Waker>)) -> R {
    let (result, waker) = act(&mut lock(pipe));
    if let Some(waker) = waker {
        waker.wake();
    }
    result
}

impl ReadHalf for DuplexRead {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        with(&self.0, |pipe| {
            if pipe.bytes.is_empty() && !pipe.is_ended {
                pipe.reader = Some(cx.waker().clone());
                return (Poll::Pending, None);
            }
            let read = pipe.bytes.read(buffer);
            (Poll::Ready(read), pipe.writer.take())
        })
    }
}

impl WriteHalf for DuplexWrite {
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        with(&self.0, |pipe| {
            if pipe.is_broken || pipe.is_ended {
                return (Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())), None);
            }
            let room = pipe.capacity.saturating_sub(pipe.bytes.len());
            if room == 0 {
                pipe.writer = Some(cx.waker().clone());
                return (Poll::Pending, None);
            }
            let bytes = slices.iter().flat_map(|slice| slice.iter());
            let before = pipe.bytes.len();
            pipe.bytes.extend(bytes.take(room));
            let written = pipe.bytes.len() - before;
            (Poll::Ready(Ok(written)), pipe.reader.take())
        })
    }

    fn poll_flush(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        with(&self.0, |pipe| {
            pipe.is_ended = true;
            (Poll::Ready(Ok(())), pipe.reader.take())
        })
    }
}

impl Drop for DuplexRead {
    fn drop(&mut self) {
        with(&self.0, |pipe| {
            pipe.is_broken = true;
            ((), pipe.writer.take())
        });
    }
}

impl Drop for DuplexWrite {
    fn drop(&mut self) {
        with(&self.0, |pipe| {
            pipe.is_ended = true;
            ((), pipe.reader.take())
        });
    }
}

impl<M: Timer> ReadHalf for Duplex<M> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.read.poll_read(cx, buffer)
    }
}

impl<M: Timer> WriteHalf for Duplex<M> {
    pass_writes!(duplex => duplex.write);
}

impl<M: Timer> Transport for Duplex<M> {
    type Timer = M;
}

impl<M: Timer> Split for Duplex<M> {
    type ReadHalf = DuplexRead;
    type WriteHalf = DuplexWrite;

    fn split(self) -> (DuplexRead, DuplexWrite) {
        (self.read, self.write)
    }

    /// Joins any two halves. Halves of two transports become a new transport.
    fn reunite(read: DuplexRead, write: DuplexWrite) -> Option<Self> {
        Some(join(read, write))
    }
}
