//! The part of receiving that only drivers need: memory that is lent while it is in use.

use alloc::boxed::Box;

use super::frames::Stage;
use super::{RecvHalf, Step, Stop};
use crate::send::SendHalf;

/// The interface through which a driver lends memory to a [`RecvHalf`] and takes it back, so that
/// an idle connection holds none.
///
/// ```text
/// before a read                  lend(block) if wants_block(),
///                                lend_decompressor(memory) if wants_decompressor()
/// no more input for now          park() stores the incomplete frame and returns the block
/// before a message is returned   settle() returns the block if little of it is in use,
///                                reclaim_decompressor()
/// a look ahead needs input       lend_ahead(block) if wants_block(), spare_ahead(),
///                                and finally settle_ahead()
/// at the end                     discard()
/// between whole messages         idle() leads to the same operations in few instructions
/// ```
#[derive(Debug)]
pub struct RecvLending<'a>(pub(super) &'a mut RecvHalf);

impl RecvLending<'_> {
    /// Sets the first input and the lengths of blocks. Call it before any other method.
    ///
    /// `input` has the bytes that arrived after the opening handshake. `block_len` is the usual
    /// length of the blocks to lend, and `large_len` their length while longer frames arrive.
    pub fn set_up(&mut self, input: Box<[u8]>, block_len: usize, large_len: usize) {
        self.0.counters.wire(input.len());
        self.0.block.set_up(input, block_len, large_len);
    }

    /// Sets the length of the blocks to lend while no read fills such a block and no frame is
    /// longer. It is the usual length of blocks at first, and never greater.
    ///
    /// A connection that receives short messages then holds little memory, and
    /// [`settle`](Self::settle) has nothing to do.
    pub fn set_first_len(&mut self, len: usize) {
        self.0.block.set_first_len(len);
    }

    /// Makes the next blocks at least as long as usual. Call it if a message is to be
    /// [held](RecvHalf::hold): what is read behind it must fit the same block.
    pub fn expect_more(&mut self) {
        self.0.block.expect_more();
    }

    /// Makes the next blocks short, as [`set_first_len`](Self::set_first_len) allows.
    pub fn expect_little(&mut self) {
        self.0.block.expect_little();
    }

    /// Returns the length of the block to lend before the next read, or `None` if the present block
    /// is long enough.
    #[inline]
    pub fn wants_block(&self) -> Option<usize> {
        self.0.block.wants()
    }

    /// Uses `block` from now on, and copies the input to it. The message or piece that the last
    /// step found is no longer available afterwards.
    ///
    /// Returns the memory that was used before, which can have any length or be empty. Returns
    /// `block` itself if it is too short for the input.
    pub fn lend(&mut self, block: Box<[u8]>) -> Box<[u8]> {
        self.0.end_look();
        self.0.void_ahead();
        self.0.block.lend(block)
    }

    /// Stores the incomplete frame elsewhere and returns the block. Call it when no more input is
    /// available for now. Memory that was kept for the next message is freed, too.
    ///
    /// A step must have returned [`Step::NeedInput`](crate::Step::NeedInput) before. Otherwise the
    /// input stays and an empty box is returned. The stored part may turn out to break a rule, such
    /// as text that is not UTF-8. The next step is then [`Step::Ended`](crate::Step::Ended).
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

    /// Returns the block if little of it is in use. The message and the input after it then move to
    /// memory of exactly their length.
    ///
    /// With u bytes in use, at most 16u + 4 KiB remain held.
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

    /// Drops all input, including an incomplete message, and returns the block. Call it when the
    /// connection has ended: every later step returns [`Step::Ended`](crate::Step::Ended).
    pub fn discard(&mut self) -> Box<[u8]> {
        self.0.stop(Stage::Closed);
        self.0.give_up()
    }
}

impl RecvHalf {
    /// Returns the block, and frees the memory that was kept for the next message.
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
