//! The other end of the transport. It sends and reads data, sets faults, and records operations.

use std::io;
use std::net::SocketAddr;
use std::sync::MutexGuard;
use std::time::Duration;

use super::{Direction, Ending, Fault, Op, Peer, State, state};
use crate::wire::{self, Frame};

impl Peer {
    fn state(&self) -> MutexGuard<'_, State> {
        state(&self.0)
    }

    /// Sets the address of the peer that the transport returns. A transport has none at first.
    pub fn address(&self, address: SocketAddr) {
        self.state().address = Some(address);
    }

    /// Sends a segment. One read returns at most one segment.
    pub fn push(&self, bytes: impl Into<Vec<u8>>) {
        let bytes = bytes.into();
        let mut state = self.state();
        if !bytes.is_empty() {
            state.segments.push_back(bytes);
        }
        state.wake(Direction::In);
    }

    /// Sends the same bytes repeatedly, whenever no other segment is left. An empty slice ends the
    /// repetition.
    pub fn push_forever(&self, bytes: &[u8]) {
        let mut state = self.state();
        state.endless = bytes.to_vec();
        state.wake(Direction::In);
    }

    /// Ends the peer's direction after `reads` more reads.
    pub fn end_after(&self, reads: usize) {
        self.state().reads_left = Some(reads);
    }

    /// Ends the peer's direction after the data that was sent.
    pub fn end(&self) {
        let mut state = self.state();
        state.ending = Some(Ending::Eof);
        state.wake(Direction::In);
    }

    /// Ends the peer's direction with [`io::ErrorKind::UnexpectedEof`] after the data that was
    /// sent.
    pub fn cut(&self) {
        let mut state = self.state();
        state.ending = Some(Ending::Error(io::ErrorKind::UnexpectedEof));
        state.wake(Direction::In);
    }

    /// Ends the peer's direction with [`io::ErrorKind::ConnectionReset`] after the data that was
    /// sent. Writes do not fail.
    pub fn reset(&self) {
        let mut state = self.state();
        state.ending = Some(Ending::Error(io::ErrorKind::ConnectionReset));
        state.wake(Direction::In);
        state.wake(Direction::Out);
    }

    /// Makes every operation of our direction fail from now on.
    pub fn break_writes(&self) {
        let mut state = self.state();
        state.broken[1] = Some(Fault::Fail);
        state.wake(Direction::Out);
    }

    /// Takes `len` bytes from now on, and no more.
    pub fn window(&self, len: usize) {
        let mut state = self.state();
        state.window = len;
        state.wake(Direction::Out);
    }

    /// Limits the number of bytes that one read and one write can move.
    pub fn pieces(&self, read: usize, write: usize) {
        let mut state = self.state();
        state.read_max = read;
        state.write_max = write;
    }

    /// Makes every operation pending once before it happens.
    pub fn hesitate(&self) {
        self.state().hesitant = true;
    }

    /// Makes the connection wait once after each read that has not filled its buffer, like a socket
    /// that is believed to be empty. If there is input, the task is woken at once.
    pub fn wait_before_reads(&self) {
        self.state().waits_before_reads = true;
    }

    /// Sets the virtual time that every read takes.
    pub fn read_time(&self, time: Duration) {
        self.state().read_time = time;
    }

    /// Sets a fault for one later operation. `at` is the number of operations that complete before.
    /// Clears the log.
    pub fn fault(&self, at: usize, fault: Fault) {
        let mut state = self.state();
        state.log.clear();
        state.fault = Some((at, fault));
    }

    /// Sets the error of operations that fail. At first, it is [`io::ErrorKind::BrokenPipe`].
    pub fn fail_with(&self, kind: io::ErrorKind) {
        self.state().failure = kind;
    }

    /// Returns `true` if a fault is set and its operation has not happened yet.
    #[must_use]
    pub fn fault_waits(&self) -> bool {
        let state = self.state();
        matches!(state.fault, Some((at, _)) if at >= state.log.len())
    }

    /// Keeps flushes pending if `blocked` is `true`. Otherwise permits flushes again.
    pub fn block_flush(&self, blocked: bool) {
        let mut state = self.state();
        state.flush_blocked = blocked;
        state.wake(Direction::Out);
    }

    /// Keeps shutdowns of our direction pending if `blocked` is `true`. Otherwise permits shutdowns
    /// again.
    pub fn block_shutdown(&self, blocked: bool) {
        let mut state = self.state();
        state.shutdown_blocked = blocked;
        state.wake(Direction::Out);
    }

    /// Takes the data that was written since the last call.
    #[must_use]
    pub fn take_output(&self) -> Vec<u8> {
        std::mem::take(&mut self.state().output)
    }

    /// Takes the frames that were written since the last call.
    ///
    /// # Panics
    ///
    /// If the last frame is incomplete.
    #[must_use]
    pub fn take_frames(&self) -> Vec<Frame> {
        wire::parse_all(&self.take_output())
    }

    /// Returns the number of bytes that were written and not taken.
    #[must_use]
    pub fn output_len(&self) -> usize {
        self.state().output.len()
    }

    /// Returns the number of bytes that were sent and not read.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.state().segments.iter().map(Vec::len).sum()
    }

    /// Takes the operations that completed since the last call.
    #[must_use]
    pub fn take_log(&self) -> Vec<Op> {
        std::mem::take(&mut self.state().log)
    }

    /// Takes the lengths of the buffers of all reads since the last call, including pending reads.
    #[must_use]
    pub fn take_rooms(&self) -> Vec<usize> {
        std::mem::take(&mut self.state().rooms)
    }

    /// Returns `true` if our direction was shut down.
    #[must_use]
    pub fn is_shut_down(&self) -> bool {
        self.state().shut_down.is_some()
    }

    /// Returns `true` if both halves of the transport were dropped.
    #[must_use]
    pub fn is_dropped(&self) -> bool {
        self.state().dropped == [true; 2]
    }

    /// Delays wake-ups. Events affect polls at once, but they wake no task until
    /// [`deliver_wakes`](Self::deliver_wakes).
    pub fn delay_wakes(&self) {
        self.state().late = Some([false; 2]);
    }

    /// Delivers the wake-ups that were delayed since [`delay_wakes`](Self::delay_wakes).
    ///
    /// In each direction, only the task of the last call is woken, and only if that call was
    /// pending. The transport keeps no waker of earlier calls.
    pub fn deliver_wakes(&self) {
        let mut state = self.state();
        let late = state.late.take().unwrap_or_default();
        for direction in [Direction::In, Direction::Out] {
            if late[direction as usize] {
                state.wake(direction);
            }
        }
    }
}
