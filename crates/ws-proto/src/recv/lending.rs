//! The part of receiving that only drivers need: memory that is lent while it is in use.

use alloc::boxed::Box;

use super::frames::Stage;
use super::{RecvHalf, Step, Stop};
use crate::send::SendHalf;

/// Memory of a [`RecvHalf`] that its driver lends and takes back, so that a connection that waits holds none.
///
/// ```text
/// before a read:                lend(block) if wants_block(), lend_decompressor(memory) if wants_decompressor()
/// nothing to read for now:      park() takes over what is incomplete and returns the block
/// before the user may dwell:    settle() returns the block if little of it is in use, reclaim_decompressor()
/// a look ahead needs input:     lend_ahead(block) if wants_block(), spare_ahead(), and at the end settle_ahead()
/// at the end:                   discard()
/// ```
#[derive(Debug)]
pub struct RecvLending<'a>(pub(super) &'a mut RecvHalf);

impl RecvLending<'_> {
    /// Call it first: begins with input that arrived behind the opening handshake, and expects blocks of `block_len` bytes; of
    /// `large_len` bytes while frames come that are longer than those.
    pub fn set_up(&mut self, input: Box<[u8]>, block_len: usize, large_len: usize) {
        self.0.block.set_up(input, block_len, large_len);
    }

    /// Returns the length of the block to lend before the next read, if one is wanted.
    pub fn wants_block(&self) -> Option<usize> {
        let wanted = self.0.block.wanted_len();
        (self.0.block.len() < wanted).then_some(wanted)
    }

    /// Continues in `block`, to which the input moves, and ends the look at a message. Returns the memory held until now,
    /// of any length and maybe empty; or `block` itself if it is too short for the input.
    pub fn lend(&mut self, block: Box<[u8]>) -> Box<[u8]> {
        self.0.end_look();
        self.0.void_ahead();
        self.0.block.lend(block)
    }

    /// Takes over what is incomplete and returns the block: nothing more can be read for now. Memory kept for the next
    /// message is given back too.
    ///
    /// Call it when a step has returned [`Step::NeedInput`](crate::Step::NeedInput): else the input stays, and an
    /// empty box comes back. What is taken over may turn out to break a rule, such as text that is not UTF-8: then the
    /// next step is [`Step::Ended`](crate::Step::Ended).
    pub fn park(&mut self, send: &mut SendHalf) -> Box<[u8]> {
        let half = &mut *self.0;
        if !half.is_searched {
            return Box::default();
        }
        if let Err(Stop::Failed(error)) = half.absorb() {
            let _: Step<()> = half.fail(send, error);
        }
        half.block.count_wait();
        half.give_up()
    }

    /// Returns the block if little of it is in use: the message and the input behind it move to memory of their size.
    ///
    /// With u bytes in use, at most 16u + 4 KiB stay held.
    #[inline]
    pub fn settle(&mut self) -> Option<Box<[u8]>> {
        if self.0.assembly.holds_memory() {
            self.0.assembly.trim();
        }
        let block = self.0.block.settle(&mut self.0.message);
        if block.is_some() {
            self.0.void_ahead();
        }
        block
    }

    /// Forgets all input, with what is incomplete, and returns the block. The connection has ended: so does each step
    /// from here on.
    pub fn discard(&mut self) -> Box<[u8]> {
        self.0.stop(Stage::Closed);
        self.0.give_up()
    }
}

impl RecvHalf {
    /// Gives up the block and what was kept for the next message.
    fn give_up(&mut self) -> Box<[u8]> {
        self.end_look();
        self.void_ahead();
        self.forget_assembled();
        self.assembly.trim();
        self.release_inflation();
        self.partial.shrink_to_fit();
        self.block.give_up()
    }
}
