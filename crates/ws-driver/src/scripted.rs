//! A transport that does what a test tells it.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Read};
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::locked::Locked;
use crate::sync::{Mutex, lock};
use crate::transport::{ReadHalf, Split, Timer, Transport, WriteHalf};

/// A transport that reads what a [`Script`] says and shows it what is written. For tests of code that has to cope with
/// peers and networks at their worst.
#[derive(Debug)]
pub struct Scripted<M> {
    state: Arc<Mutex<State>>,
    timer: PhantomData<fn() -> M>,
}

/// The other end of a [`Scripted`] transport, in the hands of a test. Clones are the same script.
///
/// Without further words, reads wait and writes succeed.
#[derive(Clone, Debug)]
pub struct Script(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Each read gives at most one segment.
    segments: VecDeque<VecDeque<u8>>,
    /// The result of reads after the segments: the end of the input, or an error.
    end: Option<Result<(), io::ErrorKind>>,
    output: Vec<u8>,
    /// Bytes that writes still take.
    room: usize,
    /// Bytes that one write takes at most.
    write_len: usize,
    output_fault: Option<io::ErrorKind>,
    is_shut_down: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl State {
    fn check_output(&self) -> Result<(), io::ErrorKind> {
        self.output_fault.map_or(Ok(()), Err)
    }
}

impl Default for Script {
    fn default() -> Self {
        Self::new()
    }
}

impl Script {
    /// A script that says nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            room: usize::MAX,
            write_len: usize::MAX,
            ..State::default()
        })))
    }

    /// The transport that follows the script.
    pub fn transport<M: Timer>(&self) -> Scripted<M> {
        Scripted {
            state: Arc::clone(&self.0),
            timer: PhantomData,
        }
    }

    /// A segment of input: one read gives at most this.
    pub fn input(&self, segment: impl Into<Vec<u8>>) {
        let segment = segment.into();
        if !segment.is_empty() {
            self.change(|state| state.segments.push_back(segment.into()));
        }
    }

    /// Behind its segments the input ends.
    pub fn end_input(&self) {
        self.change(|state| state.end = Some(Ok(())));
    }

    /// Behind its segments the input fails.
    pub fn fail_input(&self, kind: io::ErrorKind) {
        self.change(|state| state.end = Some(Err(kind)));
    }

    /// From now on writes take so many bytes in all, and then wait.
    pub fn limit_output(&self, room: usize) {
        self.change(|state| state.room = room);
    }

    /// From now on one write takes at most so many bytes; 0 counts as 1.
    pub fn shorten_writes(&self, len: usize) {
        self.change(|state| state.write_len = len.max(1));
    }

    /// From now on writes, flushes and shutdowns fail.
    pub fn fail_output(&self, kind: io::ErrorKind) {
        self.change(|state| state.output_fault = Some(kind));
    }

    /// Takes what has been written since the last call.
    pub fn take_output(&self) -> Vec<u8> {
        std::mem::take(&mut lock(&self.0).output)
    }

    /// Tells whether the sending direction was ended.
    pub fn is_shut_down(&self) -> bool {
        lock(&self.0).is_shut_down
    }

    /// Changes what the script says, and has whoever waits look again: outside of the lock, because waking may run code
    /// that comes back here.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = lock(&self.0);
        change(&mut state);
        let wakers = [state.reader.take(), state.writer.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }
}

impl<M: Timer> ReadHalf for Scripted<M> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut state = lock(&self.state);
        if let Some(segment) = state.segments.front_mut() {
            let len = segment.read(buffer)?;
            if segment.is_empty() {
                state.segments.pop_front();
            }
            return Poll::Ready(Ok(len));
        }
        match state.end {
            Some(Ok(())) => Poll::Ready(Ok(0)),
            Some(Err(kind)) => Poll::Ready(Err(kind.into())),
            None => {
                state.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl<M: Timer> WriteHalf for Scripted<M> {
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut state = lock(&self.state);
        state.check_output()?;
        if state.room == 0 {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let max = state.room.min(state.write_len);
        let before = state.output.len();
        let bytes = slices.iter().flat_map(|slice| slice.iter());
        state.output.extend(bytes.take(max));
        let written = state.output.len() - before;
        state.room -= written;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(lock(&self.state).check_output()?))
    }

    fn poll_shutdown(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = lock(&self.state);
        state.check_output()?;
        state.is_shut_down = true;
        Poll::Ready(Ok(()))
    }
}

impl<M: Timer> Transport for Scripted<M> {
    type Timer = M;
}

impl<M: Timer> Split for Scripted<M> {
    type ReadHalf = Locked<Self>;
    type WriteHalf = Locked<Self>;

    fn split(self) -> (Locked<Self>, Locked<Self>) {
        Locked::pair(self)
    }

    fn reunite(read: Locked<Self>, write: Locked<Self>) -> Option<Self> {
        read.join(write)
    }
}
