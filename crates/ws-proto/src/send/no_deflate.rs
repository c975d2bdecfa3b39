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

    pub(super) fn compressed(&mut self, _: OpCode, _: Payload<'_>) {}

    pub(super) fn compressed_once<'a>(&mut self, _: &'a Prepared) -> Option<&'a PreparedFrame> {
        None
    }

    pub(super) fn compressed_piece(&mut self, _: OpCode, _: &[u8]) {}

    pub(super) fn compressed_end(&mut self, _: OpCode) {}

    /// Tells whether a long message is being compressed: never, without the feature `deflate`.
    #[inline]
    pub fn is_busy(&self) -> bool {
        false
    }

    pub(super) fn work(&mut self) {}

    pub(super) fn finish_work(&mut self) {}

    pub(super) fn drop_work(&mut self) {}

    pub(super) fn release_output(&mut self) {}

    #[inline]
    pub(super) fn wants_compressor(&self) -> bool {
        false
    }

    pub(super) fn lend_compressor(&mut self, memory: CompressorMemory) -> Option<CompressorMemory> {
        Some(memory)
    }

    pub(super) fn reclaim_compressor(&mut self) -> Option<CompressorMemory> {
        None
    }
}

/// The memory of a compressor: there is none, without the feature `deflate`.
#[derive(Debug)]
#[non_exhaustive]
pub enum CompressorMemory {}
