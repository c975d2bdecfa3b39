//! A transport that follows the script of a test.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Read};
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::locked_halves;
use crate::sync::{Mutex, lock};
use crate::transport::{ReadHalf, Split, Timer, Transport, WriteHalf};

/// A transport that is controlled by a [`Script`]. Reads return the input of the script, and writes
/// add to the output of the script.
#[derive(Debug)]
pub struct Scripted<M> {
    state: Arc<Mutex<State>>,
    timer: PhantomData<fn() -> M>,
}

/// A script for a [`Scripted`] transport, for tests with peers and networks that misbehave.
///
/// A new script has no input, so reads wait, and it accepts all writes. Clones refer to the same
/// script.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::io::ErrorKind;
/// use ws_tokio::handshake::Agreed;
/// use ws_tokio::testing::Script;
/// use ws_tokio::{Acceptor, Error};
///
/// let script = Script::new();
/// let mut ws = Acceptor::new().upgraded_on(script.transport(), Agreed::new(), []);
///
/// script.input(*b"\x81\x82\0\0\0\0hi"); // a text message, masked with a key of zeros
/// assert_eq!(ws.recv().await?, Some("hi".into()));
///
/// script.shorten_writes(1);
/// ws.send("ok").await?;
/// assert_eq!(script.take_output(), b"\x81\x02ok");
///
/// script.fail_input(ErrorKind::ConnectionReset);
/// assert!(matches!(ws.recv().await, Err(Error::Io(_))));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Script(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// The input. A read returns bytes of one segment only.
    segments: VecDeque<VecDeque<u8>>,
    /// The result of reads after the last segment: the end of the input, or an error. `None` if
    /// such reads wait.
    end: Option<Result<(), io::ErrorKind>>,
    output: Vec<u8>,
    /// The number of bytes that writes accept before they wait.
    room: usize,
    /// The maximum number of bytes that one write accepts.
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
    /// Makes a script without input that accepts all writes.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            room: usize::MAX,
            write_len: usize::MAX,
            ..State::default()
        })))
    }

    /// Makes the transport that follows this script.
    pub fn transport<M: Timer>(&self) -> Scripted<M> {
        Scripted {
            state: Arc::clone(&self.0),
            timer: PhantomData,
        }
    }

    /// Adds a segment of input. A read returns bytes of one segment only.
    pub fn input(&self, segment: impl Into<Vec<u8>>) {
        let segment = segment.into();
        if !segment.is_empty() {
            self.change(|state| state.segments.push_back(segment.into()));
        }
    }

    /// Ends the input after its last segment.
    pub fn end_input(&self) {
        self.change(|state| state.end = Some(Ok(())));
    }

    /// Makes reads fail after the last segment of input.
    pub fn fail_input(&self, kind: io::ErrorKind) {
        self.change(|state| state.end = Some(Err(kind)));
    }

    /// Limits the output: from now on, writes accept `room` bytes in total, and then wait.
    pub fn limit_output(&self, room: usize) {
        self.change(|state| state.room = room);
    }

    /// Limits each write: from now on, one write accepts at most `len` bytes. 0 is treated as 1.
    pub fn shorten_writes(&self, len: usize) {
        self.change(|state| state.write_len = len.max(1));
    }

    /// Makes writes, flushes and shutdowns fail from now on.
    pub fn fail_output(&self, kind: io::ErrorKind) {
        self.change(|state| state.output_fault = Some(kind));
    }

    /// Returns the bytes that have been written since the last call.
    pub fn take_output(&self) -> Vec<u8> {
        std::mem::take(&mut lock(&self.0).output)
    }

    /// Returns `true` if the connection has ended its sending direction.
    pub fn is_shut_down(&self) -> bool {
        lock(&self.0).is_shut_down
    }

    /// Changes the script and wakes the waiting tasks. Releases the lock first, because waking may
    /// run code that uses the script again.
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
    locked_halves!();
}
