//! The operations of the transport.

use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

use ws_driver::transport::{ReadHalf, WriteHalf};

use super::{Direction, Ending, Op, Scripted, ScriptedRead, ScriptedWrite, State, state};
use crate::clock;

impl ReadHalf for Scripted {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.read.poll_read(cx, buffer)
    }

    fn poll_next_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.read.poll_next_read(cx, buffer)
    }
}

impl WriteHalf for Scripted {
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write.poll_write_vectored(cx, slices)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write.poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write.poll_shutdown(cx)
    }
}

impl ReadHalf for ScriptedRead {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut state = state(&self.0);
        assert!(!buffer.is_empty(), "a read into an empty buffer");
        state.rooms.push(buffer.len());
        if state.hesitates(cx, 0) {
            return Poll::Pending;
        }
        if state.segments.is_empty() && !state.endless.is_empty() {
            let again = state.endless.clone();
            state.segments.push_back(again);
        }
        if state.segments.is_empty() && state.ending.is_none() {
            return state.wait(Direction::In, cx);
        }
        state.forget_waker(Direction::In);
        let fault = ready!(state.next_fault(Direction::In))?;
        if let Some(left) = state.reads_left.as_mut() {
            if *left == 0 {
                return Poll::Ready(Ok(0));
            }
            *left -= 1;
        }
        let mut max = state.read_max.min(buffer.len());
        if fault.is_some() {
            max = 1;
        }
        let mut got = 0;
        if let Some(segment) = state.segments.front_mut() {
            got = segment.len().min(max);
            buffer[..got].copy_from_slice(&segment[..got]);
            segment.drain(..got);
            if segment.is_empty() {
                state.segments.pop_front();
            }
        } else if let Some(Ending::Error(kind)) = state.ending {
            return Poll::Ready(Err(kind.into()));
        }
        let room = buffer.len();
        state.is_drained = state.waits_before_reads && got < room;
        state.log.push(Op::Read { got, room });
        let time = state.read_time;
        drop(state);
        if !time.is_zero() {
            clock::advance(time);
        }
        Poll::Ready(Ok(got))
    }

    /// Waits once after a read that has not filled the buffer, if the peer
    /// [asks for it](super::Peer::wait_before_reads).
    fn poll_next_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = state(&self.0);
        if std::mem::take(&mut state.is_drained) {
            if !state.segments.is_empty() || state.ending.is_some() {
                cx.waker().wake_by_ref();
            }
            return state.wait(Direction::In, cx);
        }
        drop(state);
        self.poll_read(cx, buffer)
    }
}

impl WriteHalf for ScriptedWrite {
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut state = state(&self.0);
        assert!(
            slices.iter().any(|slice| !slice.is_empty()),
            "a write of no bytes"
        );
        assert!(state.shut_down.is_none(), "a write after a shutdown");
        if state.hesitates(cx, 1) {
            return Poll::Pending;
        }
        if state.window == 0 && state.broken[1].is_none() {
            return state.wait(Direction::Out, cx);
        }
        state.forget_waker(Direction::Out);
        let fault = ready!(state.next_fault(Direction::Out))?;
        let mut max = state.write_max.min(state.window);
        if fault.is_some() {
            max = 1;
        }
        let bytes = concat_up_to(slices, max);
        state.window -= bytes.len();
        state.log.push(Op::Write {
            len: bytes.len(),
            slices: slices.len(),
        });
        state.output.extend_from_slice(&bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = state(&self.0);
        let is_blocked = state.flush_blocked;
        state.poll_unless(is_blocked, 2, Op::Flush, cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = state(&self.0);
        let is_blocked = state.shutdown_blocked;
        ready!(state.poll_unless(is_blocked, 3, Op::Shutdown, cx))?;
        state.shut_down = Some(state.output.len());
        Poll::Ready(Ok(()))
    }
}

impl State {
    /// Polls a flush or a shutdown. The operation is pending if `is_blocked` is `true`.
    fn poll_unless(
        &mut self,
        is_blocked: bool,
        operation: usize,
        op: Op,
        cx: &Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.hesitates(cx, operation) {
            return Poll::Pending;
        }
        if is_blocked {
            return self.wait(Direction::Out, cx);
        }
        self.forget_waker(Direction::Out);
        match ready!(self.next_fault(Direction::Out)) {
            Ok(_) => {}
            // Only reads and writes can be interrupted. A flush or a shutdown succeeds.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Poll::Ready(Err(error)),
        }
        self.log.push(op);
        Poll::Ready(Ok(()))
    }
}

/// Returns up to `max` bytes from the beginning of the slices.
fn concat_up_to(slices: &[IoSlice<'_>], max: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for slice in slices {
        let left = max - bytes.len();
        bytes.extend_from_slice(&slice[..slice.len().min(left)]);
    }
    bytes
}
