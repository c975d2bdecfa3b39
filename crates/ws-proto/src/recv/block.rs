//! The block of input: memory that is read into, and in which messages are looked at where they lie.

use alloc::boxed::Box;
use alloc::vec;
use core::ops::Range;

use crate::header::MAX_HEADER_LEN;
use crate::mask::MaskKey;
use crate::message::MessageKind;
use crate::text::TextBlock;
use crate::utf8::InvalidUtf8;

/// Where the last step found what it was looking for.
#[derive(Clone)]
pub(super) enum Location {
    None,
    /// A message in the block.
    Block(MessageKind, Range<usize>),
    /// A message that was put together.
    Assembled,
    /// A piece in the block.
    Chunk(Range<usize>),
    /// The beginning of a message that was put together before it was received piece by piece.
    Prefix,
    /// A piece that came compressed.
    Inflated,
}

/// The number of waits for which a frame that was longer than a block calls for large blocks: long messages come in
/// numbers, and a larger block that turns out to be needed after the first read is one more copy.
const LARGE_FOR: u8 = 16;

/// Input longer than [`HARDLY_A_COPY`] is only moved to the start of the block if there is less room than
/// [`WORTH_A_READ`] behind it, or less than its frame needs.
const WORTH_A_READ: usize = 16 * 1024;
const HARDLY_A_COPY: usize = 4 * 1024;

/// Memory with input in it.
pub(super) struct Block {
    memory: TextBlock,
    /// `memory[start..end]` is input that no step has used up. `start <= end <= memory.len()`.
    start: usize,
    end: usize,
    /// Bytes in the blocks that are to be lent.
    usual_len: usize,
    /// The same while frames come that are longer. Frames of up to this length stay in place.
    large_len: usize,
    /// The number of waits for which blocks of `large_len` are still wanted.
    large_for: u8,
    /// Bytes that the frame at `start` needs there, if that is known.
    needed: usize,
}

impl Block {
    pub(super) fn new(usual_len: usize) -> Self {
        Self {
            memory: TextBlock::default(),
            start: 0,
            end: 0,
            usual_len,
            large_len: usual_len,
            large_for: 0,
            needed: 0,
        }
    }

    /// Expects blocks of these lengths, and takes `input` for what arrived before.
    pub(super) fn set_up(&mut self, input: Box<[u8]>, usual_len: usize, large_len: usize) {
        // A shorter one could not hold the longest header.
        self.usual_len = usual_len.max(MAX_HEADER_LEN);
        self.large_len = large_len.max(self.usual_len);
        self.start = 0;
        self.end = input.len();
        self.memory = TextBlock::new(input);
    }

    pub(super) fn len(&self) -> usize {
        self.memory.len()
    }

    /// The place of the input.
    pub(super) fn start(&self) -> usize {
        self.start
    }

    #[inline]
    pub(super) fn unread(&self) -> &[u8] {
        let memory = self.memory.octets();
        memory.get(self.start..self.end).unwrap_or_default()
    }

    pub(super) fn get(&self, range: &Range<usize>) -> &[u8] {
        self.memory.octets().get(range.clone()).unwrap_or_default()
    }

    /// The bytes that were last found to be text.
    #[inline]
    pub(super) fn text(&self) -> &str {
        self.memory.text()
    }

    /// The next `len` bytes of input are used up: no more than there are.
    #[inline]
    pub(super) fn consume(&mut self, len: usize) {
        self.start = self.start.wrapping_add(len);
        debug_assert!(self.start <= self.end);
    }

    /// All input is used up.
    pub(super) fn clear(&mut self) {
        self.start = self.end;
    }

    /// Uses up the next `len` bytes, which it unmasks: the range in which they lie.
    #[inline]
    pub(super) fn take(&mut self, len: usize, key: Option<MaskKey>) -> Range<usize> {
        let range = self.start..self.start.wrapping_add(len);
        if let (Some(key), Some(bytes)) = (key, self.memory.octets_mut().get_mut(range.clone())) {
            key.apply(bytes);
        }
        self.start = range.end;
        range
    }

    /// As [`take`](Self::take), for bytes that must be text.
    #[inline]
    pub(super) fn take_text(
        &mut self,
        len: usize,
        key: Option<MaskKey>,
    ) -> Result<Range<usize>, InvalidUtf8> {
        let range = self.start..self.start.wrapping_add(len);
        self.memory.unmask_text(range.clone(), key)?;
        self.start = range.end;
        Ok(range)
    }

    /// Begins a search: how much the next frame needs is not known.
    pub(super) fn forget_need(&mut self) {
        self.needed = 0;
    }

    /// Tells whether the payload of a frame can stay in the block, and takes note of its length if so.
    pub(super) fn fits(&mut self, payload_len: usize) -> bool {
        let fits = payload_len <= self.large_len;
        if fits {
            self.needed = payload_len;
            // With its header, which the next frame of this length needs room for.
            self.expect(payload_len.saturating_add(MAX_HEADER_LEN) as u64);
        }
        fits
    }

    /// Takes note of a frame of which `len` bytes are missing.
    pub(super) fn expect(&mut self, len: u64) {
        if len > self.usual_len as u64 {
            self.large_for = LARGE_FOR;
        }
    }

    pub(super) fn spare(&mut self) -> &mut [u8] {
        if self.memory.len() == 0 {
            self.memory = TextBlock::new(vec![0; self.wanted_len()].into());
        }
        let len = self.memory.len();
        let stays = self.end.saturating_sub(self.start) > HARDLY_A_COPY
            && self.start.saturating_add(self.needed) <= len
            && len.saturating_sub(self.end) >= WORTH_A_READ;
        let bytes = self.memory.octets_mut();
        if self.start > 0 && !stays {
            bytes.copy_within(self.start..self.end, 0);
            self.end = self.end.saturating_sub(self.start);
            self.start = 0;
        }
        bytes.get_mut(self.end..).unwrap_or_default()
    }

    pub(super) fn filled(&mut self, len: usize) {
        self.end = self.end.wrapping_add(len).min(self.memory.len());
    }

    /// The length of the next block to lend.
    pub(super) fn wanted_len(&self) -> usize {
        match self.large_for {
            0 => self.usual_len,
            _ => self.large_len,
        }
    }

    /// Continues in `block`, to which the input moves, if that fits. Returns the memory that is not needed.
    pub(super) fn lend(&mut self, mut block: Box<[u8]>) -> Box<[u8]> {
        let input = self.unread();
        let len = input.len();
        let Some(target) = block.get_mut(..len) else {
            return block;
        };
        target.copy_from_slice(input);
        self.start = 0;
        self.end = len;
        core::mem::replace(&mut self.memory, TextBlock::new(block)).into_octets()
    }

    /// Forgets all input and gives up the memory.
    pub(super) fn give_up(&mut self) -> Box<[u8]> {
        self.start = 0;
        self.end = 0;
        core::mem::take(&mut self.memory).into_octets()
    }

    /// A wait begins.
    pub(super) fn count_wait(&mut self) {
        self.large_for = self.large_for.saturating_sub(1);
    }

    /// Gives up the memory if little of it is in use: what lies at `location` and the input move to memory of their
    /// size. With u bytes in use, at most 16u + 4 KiB stay.
    #[inline]
    pub(super) fn settle(&mut self, location: &mut Location) -> Option<Box<[u8]>> {
        let first = match location {
            Location::Block(_, range) | Location::Chunk(range) => range.start,
            Location::None | Location::Assembled | Location::Prefix | Location::Inflated => {
                self.start
            }
        };
        let used = self.end.saturating_sub(first);
        if self.memory.len().saturating_sub(4096).div_ceil(16) <= used {
            return None;
        }
        Some(self.move_out(first, location))
    }

    fn move_out(&mut self, first: usize, location: &mut Location) -> Box<[u8]> {
        if let Location::Block(_, range) | Location::Chunk(range) = location {
            *range = 0..range.len();
        }
        let block = self.memory.shrink(first..self.end);
        self.start = self.start.saturating_sub(first);
        self.end = self.end.saturating_sub(first);
        block
    }
}
