//! What an operation of the transport comes to, by the script.

use std::io::{self, IoSlice};
use std::task::{Context, Poll};

use ws_driver::transport::{ReadHalf, WriteHalf};

use super::{Direction, Ending, Op, Scripted, ScriptedRead, ScriptedWrite, state};
use crate::clock;

impl ReadHalf for Scripted {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.read.poll_read(cx, buffer)
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
        assert!(!buffer.is_empty(), "a read without room");
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
        state.nobody_waits(Direction::In);
        let fault = match state.fate(Direction::In) {
            Poll::Ready(Ok(fault)) => fault,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => return Poll::Pending,
        };
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
        state.log.push(Op::Read { got, room });
        let time = state.read_time;
        drop(state);
        if !time.is_zero() {
            clock::advance(time);
        }
        Poll::Ready(Ok(got))
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
            "a write of nothing"
        );
        assert!(state.shut_down.is_none(), "a write behind the end");
        if state.hesitates(cx, 1) {
            return Poll::Pending;
        }
        if state.window == 0 && state.broken[1].is_none() {
            return state.wait(Direction::Out, cx);
        }
        state.nobody_waits(Direction::Out);
        let fault = match state.fate(Direction::Out) {
            Poll::Ready(Ok(fault)) => fault,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => return Poll::Pending,
        };
        let mut max = state.write_max.min(state.window);
        if fault.is_some() {
            max = 1;
        }
        let octets = slices.concat_up_to(max);
        state.window -= octets.len();
        state.log.push(Op::Write {
            len: octets.len(),
            slices: slices.len(),
        });
        state.output.extend_from_slice(&octets);
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = state(&self.0);
        if state.hesitates(cx, 2) {
            return Poll::Pending;
        }
        if state.flush_blocked {
            return state.wait(Direction::Out, cx);
        }
        state.nobody_waits(Direction::Out);
        match state.fate(Direction::Out) {
            Poll::Ready(Ok(_)) => {}
            // Only reads and writes are interrupted.
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => return Poll::Pending,
        }
        state.log.push(Op::Flush);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = state(&self.0);
        if state.hesitates(cx, 3) {
            return Poll::Pending;
        }
        if state.shutdown_blocked {
            return state.wait(Direction::Out, cx);
        }
        state.nobody_waits(Direction::Out);
        match state.fate(Direction::Out) {
            Poll::Ready(Ok(_)) => {}
            // Only reads and writes are interrupted.
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => return Poll::Pending,
        }
        state.log.push(Op::Shutdown);
        state.shut_down = Some(state.output.len());
        Poll::Ready(Ok(()))
    }
}

/// Joins the beginning of slices.
trait ConcatUpTo {
    fn concat_up_to(&self, max: usize) -> Vec<u8>;
}

impl ConcatUpTo for [IoSlice<'_>] {
    fn concat_up_to(&self, max: usize) -> Vec<u8> {
        let mut octets = Vec::new();
        for slice in self {
            let left = max - octets.len();
            octets.extend_from_slice(&slice[..slice.len().min(left)]);
        }
        octets
    }
}
