//! Without the feature `deflate`, no message arrives compressed.

use super::{Next, Partial, ReceiveSide};
use crate::error::{LimitError, ReceiveError};
use crate::header::FrameHeader;

/// Never made.
pub(super) enum Inflation {}

impl ReceiveSide {
    pub(super) fn may_inflate(&self) -> bool {
        false
    }

    #[inline]
    pub(super) fn is_compressed(&self) -> bool {
        false
    }

    pub(super) fn is_inflating(&self) -> bool {
        false
    }

    pub(super) fn inflated(&self) -> &[u8] {
        &[]
    }

    pub(super) fn release_inflation(&mut self) {}

    /// Whether the next compressed message allocates memory: there is none, without the feature `deflate`.
    #[inline]
    #[must_use]
    pub fn wants_decompressor(&self) -> bool {
        false
    }

    /// Lends the memory of a decompressor: there is none, without the feature `deflate`.
    pub fn lend_decompressor(&mut self, memory: DecompressorMemory) -> Option<DecompressorMemory> {
        Some(memory)
    }

    /// Gives up the decompressor's memory: there is none, without the feature `deflate`.
    pub fn reclaim_decompressor(&mut self) -> Option<DecompressorMemory> {
        None
    }

    pub(super) fn note_compression(&mut self, _: &FrameHeader) {}

    pub(super) fn check_compressed(&mut self, _: &FrameHeader) -> Result<(), LimitError> {
        Ok(())
    }

    pub(super) fn inflate_frame(&mut self, _: &[u8], _: Partial) -> Result<Next, ReceiveError> {
        Ok(Next::Continue(0))
    }

    pub(super) fn inflate_stream(&mut self, _: &[u8]) -> Result<Next, ReceiveError> {
        Ok(Next::Continue(0))
    }
}

/// The memory of a decompressor: there is none, without the feature `deflate`.
#[derive(Debug)]
#[non_exhaustive]
pub enum DecompressorMemory {}
