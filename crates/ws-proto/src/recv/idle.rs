//! Lending memory while there is no input.

use alloc::boxed::Box;

use super::RecvHalf;
use super::block::Location;
use super::lending::RecvLending;
use crate::send::SendHalf;

/// A [`RecvHalf`] that holds nothing but the block: all input was whole messages in the block, and
/// has been used.
///
/// This is the state of most connections before each read. Little has to be asked in it, so the
/// operations take few instructions.
#[derive(Debug)]
pub struct IdleRecv<'a>(&'a mut RecvHalf);

impl<'a> RecvLending<'a> {
    /// Returns the interface for a half that holds nothing but the block. `None` if it holds more.
    /// The message that the last step found is no longer available afterwards.
    #[inline]
    pub fn idle(self) -> Option<IdleRecv<'a>> {
        let half = self.0;
        let is_idle = half.is_used_up()
            && !half.assembly.holds_memory()
            && half.partial.capacity() == 0
            && half.inflation.is_none()
            && half.ahead.is_none();
        is_idle.then(|| {
            half.message = Location::None;
            IdleRecv(half)
        })
    }
}

impl IdleRecv<'_> {
    /// Does the same as [`RecvLending::wants_block`].
    #[inline]
    pub fn wants_block(&self) -> Option<usize> {
        self.0.block.wants()
    }

    /// Uses `block` from now on. Returns the memory that was used before, which can have any length
    /// or be empty.
    #[inline]
    pub fn lend(&mut self, block: Box<[u8]>) -> Box<[u8]> {
        self.0.block.exchange(block)
    }

    /// Does the same as [`RecvHalf::spare`].
    #[inline]
    pub fn spare(&mut self) -> &mut [u8] {
        self.0.block.spare()
    }

    /// Does the same as [`RecvLending::park`]: returns the block.
    #[inline]
    pub fn park(self, send: &mut SendHalf) -> Box<[u8]> {
        self.0.note_heard(send);
        self.0.block.count_wait();
        self.0.block.give_up()
    }
}
