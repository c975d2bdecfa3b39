//! Stand-ins for the codec if the feature `deflate` is off. The codec types have no values, so
//! their methods are never called.

use alloc::vec::Vec;

use crate::error::ReceiveError;

pub(crate) enum Compressor {}
pub(crate) enum CompressorState {}
pub(crate) enum Decompressor {}
pub(crate) enum DecompressorState {}

pub(crate) struct CompressorOptions {
    pub(crate) takeover: bool,
}

pub(crate) struct Progress {
    pub(crate) used: usize,
    pub(crate) pending: bool,
}

impl Compressor {
    pub(crate) fn compress(&mut self, _: &[u8], _: &mut Vec<u8>) {
        match *self {}
    }

    pub(crate) fn push(&mut self, _: &[u8], _: &mut Vec<u8>) {
        match *self {}
    }

    pub(crate) fn flush(&mut self, _: &mut Vec<u8>) {
        match *self {}
    }

    pub(crate) fn reset(&mut self) {
        match *self {}
    }

    pub(crate) fn take_state(&mut self) -> Option<CompressorState> {
        match *self {}
    }

    pub(crate) fn put_state(&mut self, _: CompressorState) -> Option<CompressorState> {
        match *self {}
    }

    pub(crate) fn has_state(&self) -> bool {
        match *self {}
    }

    pub(crate) fn memory(&self) -> usize {
        match *self {}
    }
}

impl Decompressor {
    pub(crate) fn memory(&self) -> usize {
        match *self {}
    }

    pub(crate) fn missing_memory(&self) -> usize {
        match *self {}
    }

    pub(crate) fn push(
        &mut self,
        _: &[u8],
        _: &mut Vec<u8>,
        _: usize,
    ) -> Result<Progress, ReceiveError> {
        match *self {}
    }

    pub(crate) fn end_of_message(
        &mut self,
        _: &mut Vec<u8>,
        _: usize,
    ) -> Result<Progress, ReceiveError> {
        match *self {}
    }

    pub(crate) fn take_state(&mut self) -> Option<DecompressorState> {
        match *self {}
    }

    pub(crate) fn put_state(&mut self, _: DecompressorState) -> Option<DecompressorState> {
        match *self {}
    }

    pub(crate) fn has_state(&self) -> bool {
        match *self {}
    }
}
