//! Without the feature `deflate`, no message arrives compressed.

use super::{Chunk, RecvHalf, Stop};
use crate::error::LimitError;
use crate::header::FrameHeader;

/// Never made.
pub(super) enum Inflation {}

impl RecvHalf {
    #[inline]
    pub(super) fn is_compressed(&self) -> bool {
        false
    }

    pub(super) fn inflated(&self) -> &[u8] {
        &[]
    }

    pub(super) fn release_inflation(&mut self) {}

    #[inline]
    pub(super) fn wants_decompressor(&self) -> bool {
        false
    }

    pub(super) fn lend_decompressor(
        &mut self,
        memory: DecompressorMemory,
    ) -> Option<DecompressorMemory> {
        Some(memory)
    }

    pub(super) fn reclaim_decompressor(&mut self) -> Option<DecompressorMemory> {
        None
    }

    pub(super) fn note_compression(&mut self, _: &FrameHeader) {}

    pub(super) fn check_compressed(&mut self, _: &FrameHeader) -> Result<(), LimitError> {
        Ok(())
    }

    pub(super) fn inflate_message(&mut self) -> Result<bool, Stop> {
        Ok(false)
    }

    pub(super) fn inflate_chunk(&mut self) -> Result<Option<Chunk>, Stop> {
        Ok(None)
    }
}

/// The memory of a decompressor: there is none, without the feature `deflate`.
#[derive(Debug)]
#[non_exhaustive]
pub enum DecompressorMemory {}
