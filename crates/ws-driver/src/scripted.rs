//! A transport that does what a test tells it.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
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
#[derive(Clone, Debug, Default)]
pub struct Script(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// Each read gives at most one segment.
    segments: VecDeque<Vec<u8>>,
    /// What reads give after the segments.
    end: Option<End>,
    output: Vec<u8>,
    /// Octets that writes still take.
    room: usize,
    /// Octets that one write takes at most.
    write_len: usize,
    output_fault: Option<io::ErrorKind>,
    is_shut_down: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Eof,
    Fault(io::ErrorKind),
}

impl Default for State {
    fn default() -> Self {
        State {
            segments: VecDeque::new(),
            end: None,
            output: Vec::new(),
            room: usize::MAX,
            write_len: usize::MAX,
            output_fault: None,
            is_shut_down: false,
            reader: None,
            writer: None,
        }
    }
}

impl Script {
    /// A script that says nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Script::default()
    }

    /// The transport that follows the script.
    #[must_use]
    pub fn transport<M: Timer>(&self) -> Scripted<M> {
        Scripted {
            state: Arc::clone(&self.0),
            timer: PhantomData,
        }
    }

    /// A segment of input: one read gives at most this.
    pub fn input(&self, segment: impl Into<Vec<u8>>) {
        let segment = segment.into();
        self.change_input(|state| {
            if !segment.is_empty() {
                state.segments.push_back(segment);
            }
        });
    }

    /// Behind its segments the input ends.
    pub fn end_input(&self) {
        self.change_input(|state| state.end = Some(End::Eof));
    }

    /// Behind its segments the input fails.
    pub fn fail_input(&self, kind: io::ErrorKind) {
        self.change_input(|state| state.end = Some(End::Fault(kind)));
    }

    /// From now on writes take so many octets in all, and then wait.
    pub fn limit_output(&self, room: usize) {
        self.change_output(|state| state.room = room);
    }

    /// From now on one write takes at most so many octets; 0 counts as 1.
    pub fn shorten_writes(&self, len: usize) {
        self.change_output(|state| state.write_len = len.max(1));
    }

    /// From now on writes, flushes and shutdowns fail.
    pub fn fail_output(&self, kind: io::ErrorKind) {
        self.change_output(|state| state.output_fault = Some(kind));
    }

    /// Takes what has been written since the last call.
    #[must_use]
    pub fn take_output(&self) -> Vec<u8> {
        std::mem::take(&mut lock(&self.0).output)
    }

    /// Whether the sending direction was ended.
    #[must_use]
    pub fn is_shut_down(&self) -> bool {
        lock(&self.0).is_shut_down
    }

    fn change_input(&self, change: impl FnOnce(&mut State)) {
        let waker = {
            let mut state = lock(&self.0);
            change(&mut state);
            state.reader.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    fn change_output(&self, change: impl FnOnce(&mut State)) {
        let waker = {
            let mut state = lock(&self.0);
            change(&mut state);
            state.writer.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }
}

impl<M: Timer> ReadHalf for Scripted<M> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut state = lock(&self.state);
        let Some(segment) = state.segments.front_mut() else {
            return match state.end {
                Some(End::Eof) => Poll::Ready(Ok(0)),
                Some(End::Fault(kind)) => Poll::Ready(Err(kind.into())),
                None => {
                    state.reader = Some(cx.waker().clone());
                    Poll::Pending
                }
            };
        };
        let len = segment.len().min(buffer.len());
        buffer[..len].copy_from_slice(&segment[..len]);
        segment.drain(..len);
        if segment.is_empty() {
            state.segments.pop_front();
        }
        Poll::Ready(Ok(len))
    }
}

impl<M: Timer> WriteHalf for Scripted<M> {
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut state = lock(&self.state);
        if let Some(kind) = state.output_fault {
            return Poll::Ready(Err(kind.into()));
        }
        if state.room == 0 {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let max = state.room.min(state.write_len);
        let before = state.output.len();
        let octets = slices.iter().flat_map(|slice| slice.iter());
        state.output.extend(octets.take(max));
        let written = state.output.len() - before;
        state.room -= written;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let fault = lock(&self.state).output_fault;
        Poll::Ready(fault.map_or(Ok(()), |kind| Err(kind.into())))
    }

    fn poll_shutdown(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = lock(&self.state);
        if let Some(kind) = state.output_fault {
            return Poll::Ready(Err(kind.into()));
        }
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
