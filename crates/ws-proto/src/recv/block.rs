//! The block of input: the memory that is read into. Messages that fit in the block are returned
//! from the block without a copy.

use alloc::boxed::Box;
use alloc::vec;
use core::ops::Range;

use crate::header::MAX_HEADER_LEN;
use crate::mask::MaskKey;
use crate::message::MessageKind;
use crate::text::TextBlock;
use crate::utf8::InvalidUtf8;

/// The location of the message or piece that the last step found.
#[derive(Clone)]
pub(super) enum Location {
    None,
    /// A message in the block.
    Block(MessageKind, Range<usize>),
    /// An assembled message.
    Assembled,
    /// A piece in the block.
    Chunk(Range<usize>),
    /// The beginning of a message that was being assembled before it was received piece by piece.
    Prefix,
    /// A decompressed piece.
    Inflated,
}

/// The number of waits during which longer blocks are used after input that did not fit a shorter
/// one. Such input often repeats. If a longer block were lent only after the first read of each
/// message, the input would be copied once more.
const LONGER_FOR: u8 = 16;

/// The conditions for moving input to the start of the block. Up to `HARDLY_A_COPY` bytes are
/// always moved. More bytes are moved only if less than `WORTH_A_READ` is free after them, or if
/// the rest of their frame does not fit.
const WORTH_A_READ: usize = 16 * 1024;
const HARDLY_A_COPY: usize = 4 * 1024;

/// The memory of the input.
pub(super) struct Block {
    memory: TextBlock,
    /// The input that no step has used is `memory[start..end]`. `start <= end <= memory.len()`.
    start: usize,
    end: usize,
    /// The number of bytes in use below which the memory is exchanged in [`settle`](Self::settle).
    least_used: usize,
    /// The length of the blocks to lend while little input arrives between two waits. The lengths
    /// have 32 bits, because an idle connection keeps them.
    first_len: u32,
    /// The length of the blocks to lend after more input has arrived.
    usual_len: u32,
    /// The length of the blocks to lend after longer frames have arrived. Frames up to this length
    /// stay in place.
    large_len: u32,
    /// The length of the next block to lend, one of these three: see [`set_next`](Self::set_next).
    next_len: u32,
    /// The number of further waits during which blocks of at least `usual_len` are used.
    usual_for: u8,
    /// The number of further waits during which blocks of `large_len` are used.
    large_for: u8,
    /// The number of bytes that the frame at `start` needs from `start` on, or 0 if this number is
    /// unknown.
    needed: usize,
}

/// Converts the length of a block. A block shorter than the longest header could not hold it.
fn block_len(len: usize) -> u32 {
    u32::try_from(len.max(MAX_HEADER_LEN)).unwrap_or(u32::MAX)
}

impl Block {
    pub(super) fn new(usual_len: usize) -> Self {
        let usual_len = block_len(usual_len);
        Self {
            memory: TextBlock::default(),
            start: 0,
            end: 0,
            least_used: 0,
            first_len: usual_len,
            usual_len,
            large_len: usual_len,
            next_len: usual_len,
            usual_for: 0,
            large_for: 0,
            needed: 0,
        }
    }

    /// Sets the lengths of blocks and the input that has already arrived.
    pub(super) fn set_up(&mut self, input: Box<[u8]>, usual_len: usize, large_len: usize) {
        self.usual_len = block_len(usual_len);
        self.first_len = self.usual_len;
        self.large_len = block_len(large_len).max(self.usual_len);
        self.set_next();
        self.start = 0;
        self.end = input.len();
        self.replace(TextBlock::new(input));
    }

    /// Sets the length of the blocks to lend while little input arrives between two waits.
    pub(super) fn set_first_len(&mut self, len: usize) {
        self.first_len = block_len(len).min(self.usual_len);
        self.set_next();
    }

    /// Computes the length of the next block to lend from the recent input.
    fn set_next(&mut self) {
        self.next_len = if self.large_for > 0 {
            self.large_len
        } else if self.usual_for > 0 {
            self.usual_len
        } else {
            self.first_len
        };
    }

    /// Uses other memory from now on, and returns the old one.
    #[inline]
    fn replace(&mut self, memory: TextBlock) -> TextBlock {
        let old = core::mem::replace(&mut self.memory, memory);
        self.set_least_used();
        old
    }

    #[inline]
    fn set_least_used(&mut self) {
        self.least_used = self.memory.len().saturating_sub(4096).div_ceil(16);
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.memory.len()
    }

    /// Returns the offset of the input in the block.
    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// Returns `true` if all input has been used.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    #[inline]
    pub(super) fn unread(&self) -> &[u8] {
        self.input().unwrap_or_default()
    }

    /// Returns the input that no step has used. Never `None`: see the fields.
    #[inline]
    pub(super) fn input(&self) -> Option<&[u8]> {
        self.memory.bytes().get(..self.end)?.get(self.start..)
    }

    pub(super) fn get(&self, range: &Range<usize>) -> &[u8] {
        self.memory.bytes().get(range.clone()).unwrap_or_default()
    }

    /// Returns the bytes that the last check accepted as text.
    #[inline]
    pub(super) fn text(&self) -> &str {
        self.memory.text()
    }

    /// Marks the next `len` bytes of input as used. At least that many must be present.
    #[inline]
    pub(super) fn consume(&mut self, len: usize) {
        self.start = self.start.wrapping_add(len);
        debug_assert!(self.start <= self.end);
    }

    /// Marks all input as used.
    pub(super) fn clear(&mut self) {
        self.start = self.end;
    }

    /// Skips `skipped` bytes, unmasks the next `len` bytes, and marks all of them as used. Returns
    /// the range of the unmasked bytes.
    #[inline(never)]
    pub(super) fn take(
        &mut self,
        skipped: usize,
        len: usize,
        key: Option<MaskKey>,
    ) -> Range<usize> {
        let start = self.start.wrapping_add(skipped);
        let range = start..start.wrapping_add(len);
        if let (Some(key), Some(bytes)) = (key, self.memory.bytes_mut().get_mut(range.clone())) {
            key.apply(bytes);
        }
        self.start = range.end;
        range
    }

    /// Does the same as [`take`](Self::take) for bytes that must be text.
    #[inline]
    pub(super) fn take_text(
        &mut self,
        skipped: usize,
        len: usize,
        key: Option<MaskKey>,
    ) -> Result<Range<usize>, InvalidUtf8> {
        let start = self.start.wrapping_add(skipped);
        let range = start..start.wrapping_add(len);
        self.memory.unmask_text(range.clone(), key)?;
        self.start = range.end;
        Ok(range)
    }

    /// Begins a search: the length of the next frame is not known yet.
    pub(super) fn forget_need(&mut self) {
        self.needed = 0;
    }

    /// Returns `true` if the payload of a frame can stay in the block. The length of the payload is
    /// then stored.
    pub(super) fn fits(&mut self, payload_len: usize) -> bool {
        let fits = payload_len <= self.large_len as usize;
        if fits {
            self.needed = payload_len;
            // The length of a header is added, because the next frame of this length needs room for
            // its header, too.
            self.expect(payload_len.saturating_add(MAX_HEADER_LEN) as u64);
        }
        fits
    }

    /// Records that `len` bytes of a frame are missing.
    pub(super) fn expect(&mut self, len: u64) {
        if len > u64::from(self.usual_len) {
            self.large_for = LONGER_FOR;
            self.set_next();
        } else if len > u64::from(self.first_len) {
            self.expect_more();
        }
    }

    /// Uses blocks of at least the usual length from now on, for as long as after long input.
    pub(super) fn expect_more(&mut self) {
        self.usual_for = LONGER_FOR;
        self.set_next();
    }

    /// Uses short blocks from now on.
    pub(super) fn expect_little(&mut self) {
        self.usual_for = 0;
        self.large_for = 0;
        self.next_len = self.first_len;
    }

    #[inline]
    pub(super) fn spare(&mut self) -> &mut [u8] {
        // The most frequent case: all input has been used.
        if self.start == self.end && self.memory.len() > 0 {
            self.start = 0;
            self.end = 0;
            return self.memory.bytes_mut();
        }
        self.spare_after_input()
    }

    /// Does the same as [`spare`](Self::spare) if there is input, or no memory.
    fn spare_after_input(&mut self) -> &mut [u8] {
        if self.memory.len() == 0 {
            self.replace(TextBlock::new(vec![0; self.next_len as usize].into()));
        }
        let len = self.memory.len();
        let stays = self.end.saturating_sub(self.start) > HARDLY_A_COPY
            && self.start.saturating_add(self.needed) <= len
            && len.saturating_sub(self.end) >= WORTH_A_READ;
        let bytes = self.memory.bytes_mut();
        if self.start > 0 && !stays {
            bytes.copy_within(self.start..self.end, 0);
            self.end = self.end.saturating_sub(self.start);
            self.start = 0;
        }
        bytes.get_mut(self.end..).unwrap_or_default()
    }

    #[inline]
    pub(super) fn filled(&mut self, len: usize) -> usize {
        let room = self.memory.len();
        let before = self.end;
        self.end = self.end.wrapping_add(len).min(room);
        // There may be more than fits.
        if self.end == room {
            self.expect_more();
        }
        self.end.wrapping_sub(before)
    }

    /// Returns the number of bytes of input that a look ahead leaves in the block.
    pub(super) fn room_ahead(&self) -> usize {
        self.next_len.max(self.usual_len) as usize
    }

    /// Returns the length of the block to lend if the present one is shorter.
    #[inline]
    pub(super) fn wants(&self) -> Option<usize> {
        let next_len = self.next_len as usize;
        (self.len() < next_len).then_some(next_len)
    }

    /// Uses `block` from now on, and returns the memory that was used before. Drops all input.
    #[inline]
    pub(super) fn exchange(&mut self, block: Box<[u8]>) -> Box<[u8]> {
        self.start = 0;
        self.end = 0;
        self.replace(TextBlock::new(block)).into_bytes()
    }

    /// Uses `block` from now on and copies the input to it, if the input fits. Returns the memory
    /// that is not used.
    pub(super) fn lend(&mut self, mut block: Box<[u8]>) -> Box<[u8]> {
        let input = self.unread();
        let len = input.len();
        if len > 0 {
            let Some(target) = block.get_mut(..len) else {
                return block;
            };
            target.copy_from_slice(input);
        }
        let old = self.exchange(block);
        self.end = len;
        old
    }

    /// Drops all input and returns the memory.
    #[inline]
    pub(super) fn give_up(&mut self) -> Box<[u8]> {
        self.exchange(Box::default())
    }

    /// Records the start of a wait. After some waits, shorter blocks are used again.
    #[inline]
    pub(super) fn count_wait(&mut self) {
        if self.next_len > self.first_len {
            self.count_longer();
        }
    }

    #[cold]
    fn count_longer(&mut self) {
        self.usual_for = self.usual_for.saturating_sub(1);
        self.large_for = self.large_for.saturating_sub(1);
        self.set_next();
    }

    /// Returns the block if little of it is in use. The message at `location` and the input then
    /// move to memory of exactly their length. With u bytes in use, at most 16u + 4 KiB remain.
    #[inline]
    pub(super) fn settle(&mut self, location: &mut Location) -> Option<Box<[u8]>> {
        if self.least_used == 0 {
            return None;
        }
        let first = match location {
            Location::Block(_, range) | Location::Chunk(range) => range.start,
            Location::None | Location::Assembled | Location::Prefix | Location::Inflated => {
                self.start
            }
        };
        let used = self.end.wrapping_sub(first);
        if self.least_used <= used {
            return None;
        }
        Some(self.move_out(first, location))
    }

    fn move_out(&mut self, first: usize, location: &mut Location) -> Box<[u8]> {
        if let Location::Block(_, range) | Location::Chunk(range) = location {
            *range = 0..range.len();
        }
        let block = self.memory.shrink(first..self.end);
        self.set_least_used();
        self.start = self.start.saturating_sub(first);
        self.end = self.end.saturating_sub(first);
        block
    }
}
