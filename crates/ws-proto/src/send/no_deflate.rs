//! Without the feature `deflate`, no message leaves compressed.

use super::SendHalf;
use crate::message::{Outgoing, Payload};
use crate::opcode::OpCode;
use crate::prepared::{Prepared, PreparedFrame};

/// Never made.
pub(super) enum Deflation {}

impl SendHalf {
    #[inline]
    pub(super) fn compresses(&self, _: &Outgoing<'_>) -> bool {
        false
    }

    pub(super) fn compresses_pieces(&self) -> bool {
        false
    }

    pub(super) fn compressed(&mut self, _: OpCode, _: Payload<'_>) {}

    pub(super) fn compressed_once<'a>(&mut self, _: &'a Prepared) -> Option<&'a PreparedFrame> {
        None
    }

    pub(super) fn compressed_piece(&mut self, _: OpCode, _: &[u8]) {}

    pub(super) fn compressed_end(&mut self, _: OpCode) {}

    /// Whether a long message is being compressed: never, without the feature `deflate`.
    #[inline]
    #[must_use]
    pub fn is_busy(&self) -> bool {
        false
    }

    /// Compresses some more of a long message: there is none, without the feature `deflate`.
    pub fn work(&mut self) {}

    pub(super) fn drop_work(&mut self) {}

    pub(super) fn release_output(&mut self) {}

    /// Whether the next compressed message allocates memory: there is none, without the feature `deflate`.
    #[inline]
    #[must_use]
    pub fn wants_compressor(&self) -> bool {
        false
    }

    /// Lends the memory of a compressor: there is none, without the feature `deflate`.
    pub fn lend_compressor(&mut self, memory: CompressorMemory) -> Option<CompressorMemory> {
        Some(memory)
    }

    /// Gives up the compressor's memory: there is none, without the feature `deflate`.
    pub fn reclaim_compressor(&mut self) -> Option<CompressorMemory> {
        None
    }
}

/// The memory of a compressor: there is none, without the feature `deflate`.
#[derive(Debug)]
#[non_exhaustive]
pub enum CompressorMemory {}
