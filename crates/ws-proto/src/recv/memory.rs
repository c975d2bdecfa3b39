//! The memory of a receiving half, for drivers that limit the memory of many connections together.

use super::RecvHalf;
use super::frames::Stage;
use super::inflate::BUSY_LEN;

impl RecvHalf {
    /// Returns the bytes of memory of an incomplete message, together with the input that no step
    /// has used. A complete message counts until it is taken or the next step begins.
    ///
    /// Decompressors have [a count of their own](Self::codec_memory).
    pub fn held(&self) -> usize {
        self.assembly
            .capacity()
            .saturating_add(self.partial.capacity())
            .saturating_add(self.unread().len())
    }

    /// Returns the number of bytes by which [`held`](Self::held) can grow if `len` more bytes are
    /// read. For a compressed message, this is the growth in one step.
    pub fn growth(&self, len: usize) -> usize {
        let len = match self.stage {
            _ if self.is_compressed() => len.max(BUSY_LEN),
            // More than the rest of the frame stays in the block.
            Stage::Payload(frame) => frame.len_in(len),
            _ => len,
        };
        self.assembly.growth(len).max(len)
    }

    /// Returns the bytes of memory of the decompressor.
    pub fn codec_memory(&self) -> usize {
        self.inflation
            .as_ref()
            .map_or(0, |inflation| inflation.memory())
    }

    /// Returns the bytes of memory that the decompressor will allocate and keep between messages.
    /// 0 once it has done so, and without context takeover.
    pub fn missing_codec_memory(&self) -> usize {
        self.inflation
            .as_ref()
            .map_or(0, |inflation| inflation.missing_memory())
    }
}
