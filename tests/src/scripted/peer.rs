//! The other end: what it sends and takes, what it lets go wrong, and what it has seen.

use std::io;
use std::sync::MutexGuard;
use std::time::Duration;

use super::{Direction, Ending, Fault, Op, Peer, State, state};
use crate::wire::{self, Frame};

impl Peer {
    fn state(&self) -> MutexGuard<'_, State> {
        state(&self.0)
    }

    /// Sends octets that one read can take.
    pub fn push(&self, octets: impl Into<Vec<u8>>) {
        let octets = octets.into();
        let mut state = self.state();
        if !octets.is_empty() {
            state.segments.push_back(octets);
        }
        state.wake(Direction::In);
    }

    /// Sends the same octets whenever nothing else is there; none end that.
    pub fn push_for_ever(&self, octets: &[u8]) {
        let mut state = self.state();
        state.endless = octets.to_vec();
        state.wake(Direction::In);
    }

    /// Ends the peer's direction after so many more reads.
    pub fn end_after(&self, reads: usize) {
        self.state().reads_left = Some(reads);
    }

    /// Ends the peer's direction behind what was sent.
    pub fn end(&self) {
        let mut state = self.state();
        state.ending = Some(Ending::Eof);
        state.wake(Direction::In);
    }

    /// Ends the peer's direction in a way that the transport takes for a fault.
    pub fn cut(&self) {
        let mut state = self.state();
        state.ending = Some(Ending::Error(io::ErrorKind::UnexpectedEof));
        state.wake(Direction::In);
    }

    /// Breaks the peer's direction behind what was sent.
    pub fn reset(&self) {
        let mut state = self.state();
        state.ending = Some(Ending::Error(io::ErrorKind::ConnectionReset));
        state.wake(Direction::In);
        state.wake(Direction::Out);
    }

    /// Breaks our direction from the next operation on.
    pub fn break_writes(&self) {
        let mut state = self.state();
        state.broken[1] = Some(Fault::Fail);
        state.wake(Direction::Out);
    }

    /// Takes so many octets from now on, and no more.
    pub fn window(&self, len: usize) {
        let mut state = self.state();
        state.window = len;
        state.wake(Direction::Out);
    }

    /// Moves at most so many octets per operation.
    pub fn pieces(&self, read: usize, write: usize) {
        let mut state = self.state();
        state.read_max = read;
        state.write_max = write;
    }

    /// Makes every operation pending once before it happens.
    pub fn hesitate(&self) {
        self.state().hesitant = true;
    }

    /// Lets every read take so long.
    pub fn read_time(&self, time: Duration) {
        self.state().read_time = time;
    }

    /// Lets the operation with this number, counted from now, meet a fault.
    pub fn fault(&self, at: usize, fault: Fault) {
        let mut state = self.state();
        state.log.clear();
        state.fault = Some((at, fault));
    }

    /// Whether a fault is set that nothing has met.
    #[must_use]
    pub fn fault_waits(&self) -> bool {
        let state = self.state();
        matches!(state.fault, Some((at, _)) if at >= state.log.len())
    }

    /// Holds flushes back, or no more.
    pub fn block_flush(&self, blocked: bool) {
        let mut state = self.state();
        state.flush_blocked = blocked;
        state.wake(Direction::Out);
    }

    /// Holds the end of the sending direction back, or no more.
    pub fn block_shutdown(&self, blocked: bool) {
        let mut state = self.state();
        state.shutdown_blocked = blocked;
        state.wake(Direction::Out);
    }

    /// What was written and not taken before.
    #[must_use]
    pub fn take_output(&self) -> Vec<u8> {
        std::mem::take(&mut self.state().output)
    }

    /// The frames that were written and not taken before.
    ///
    /// # Panics
    ///
    /// If the last one is cut.
    #[must_use]
    pub fn take_frames(&self) -> Vec<Frame> {
        wire::parse_all(&self.take_output())
    }

    /// Octets that were written and not taken before.
    #[must_use]
    pub fn output_len(&self) -> usize {
        self.state().output.len()
    }

    /// Octets that were sent and not read.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.state().segments.iter().map(Vec::len).sum()
    }

    /// The operations that were not pending, since this was called before.
    #[must_use]
    pub fn take_log(&self) -> Vec<Op> {
        std::mem::take(&mut self.state().log)
    }

    /// The room that reads offered since this was called before, pending ones included.
    #[must_use]
    pub fn take_rooms(&self) -> Vec<usize> {
        std::mem::take(&mut self.state().rooms)
    }

    /// Whether our direction was ended.
    #[must_use]
    pub fn is_shut_down(&self) -> bool {
        self.state().shut_down.is_some()
    }

    /// Whether the transport was dropped.
    #[must_use]
    pub fn is_dropped(&self) -> bool {
        self.state().dropped == [true; 2]
    }

    /// Keeps wake-ups back: what happens is there to be found, but nobody is woken for it yet.
    pub fn delay_wakes(&self) {
        self.state().late = Some([false; 2]);
    }

    /// Wakes those who still wait for what happened since [`delay_wakes`](Self::delay_wakes).
    ///
    /// That is only who called last in a direction, and only if that call was pending: whoever called before it is
    /// not known to the transport any more.
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
