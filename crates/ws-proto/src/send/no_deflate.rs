//! Without the feature `deflate`, no message leaves compressed.

use super::SendSide;
use crate::opcode::OpCode;

/// Never made.
pub(super) enum Deflation {}

impl SendSide {
    #[inline]
    pub(super) fn compresses(&self, _: usize) -> bool {
        false
    }

    pub(super) fn compresses_pieces(&self) -> bool {
        false
    }

    pub(super) fn compressed(&mut self, _: OpCode, _: &[u8]) -> bool {
        false
    }

    pub(super) fn compressed_piece(&mut self, _: OpCode, _: &[u8]) {}

    pub(super) fn compressed_end(&mut self, _: OpCode) {}

    pub(super) fn release_deflation(&mut self) {}
}
