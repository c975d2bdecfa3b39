//! A message that leaves compressed (RFC 7692 §6.1, §7.2.1).

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{SendSide, fragments};
use crate::deflate::{Compressor, CompressorOptions, DeflateConfig, DeflateParams};
use crate::header::FrameHeader;
use crate::opcode::OpCode;

/// What compresses messages.
pub(super) struct Deflation {
    compressor: Compressor,
    /// Messages of fewer octets leave as they are.
    threshold: usize,
    takeover: bool,
    /// What came out of a message or piece, on its way into frames.
    octets: Vec<u8>,
}

impl SendSide {
    /// Compresses messages as agreed (RFC 7692 §7).
    pub fn deflate(&mut self, params: &DeflateParams, config: &DeflateConfig) {
        let role = self.role();
        let options = CompressorOptions {
            level: config.level,
            mem_level: config.mem_level,
            takeover: params.takeover(role),
            window_bits: params.window_bits(role).min(config.own_window_bits),
        };
        self.deflation = Some(Box::new(Deflation {
            compressor: Compressor::new(options),
            threshold: config.threshold,
            takeover: options.takeover,
            octets: Vec::new(),
        }));
    }

    /// Whether a message of this length leaves compressed.
    pub(super) fn compresses(&self, len: usize) -> bool {
        let deflation = self.deflation.as_ref();
        deflation.is_some_and(|deflation| len >= deflation.threshold)
    }

    /// Whether a message that is sent piece by piece leaves compressed.
    pub(super) fn compresses_pieces(&self) -> bool {
        self.deflation.is_some()
    }

    /// Queues a message compressed. `false` if that would not make it shorter and nothing keeps it from leaving as it
    /// is.
    pub(super) fn compressed(&mut self, opcode: OpCode, payload: &[u8]) -> bool {
        let Some(deflation) = &mut self.deflation else {
            return false;
        };
        let mut octets = core::mem::take(&mut deflation.octets);
        octets.clear();
        deflation.compressor.compress(payload, &mut octets);
        // Later messages may refer to this one: then the peer has to see it as it was compressed.
        let pays = octets.len() < payload.len() || deflation.takeover;
        if pays {
            let most = self.config.fragment_len.map_or(usize::MAX, |len| len.get());
            for (i, fin, range) in fragments(octets.len(), most.min(octets.len().max(1))) {
                let opcode = if i == 0 { opcode } else { OpCode::Continuation };
                self.compressed_frame(opcode, fin, octets.get(range).unwrap_or_default());
            }
        }
        self.keep_octets(octets);
        pays
    }

    /// Queues a piece of a compressed message as a frame.
    pub(super) fn compressed_piece(&mut self, opcode: OpCode, payload: &[u8]) {
        self.compress_into_frame(opcode, false, |compressor, octets| {
            compressor.push(payload, octets);
            compressor.flush(octets);
        });
    }

    /// Queues the end of a compressed message.
    pub(super) fn compressed_end(&mut self, opcode: OpCode) {
        self.compress_into_frame(opcode, true, Compressor::finish);
    }

    fn compress_into_frame(
        &mut self,
        opcode: OpCode,
        fin: bool,
        compress: impl FnOnce(&mut Compressor, &mut Vec<u8>),
    ) {
        let Some(deflation) = &mut self.deflation else {
            return;
        };
        let mut octets = core::mem::take(&mut deflation.octets);
        octets.clear();
        compress(&mut deflation.compressor, &mut octets);
        self.compressed_frame(opcode, fin, &octets);
        self.keep_octets(octets);
    }

    /// RSV1 stands on the first frame of a message only (RFC 7692 §6.1).
    fn compressed_frame(&mut self, opcode: OpCode, fin: bool, octets: &[u8]) {
        let header = FrameHeader {
            fin,
            rsv1: opcode != OpCode::Continuation,
            ..FrameHeader::new(opcode, octets.len() as u64)
        };
        self.copied_frame(header, octets);
    }

    fn keep_octets(&mut self, octets: Vec<u8>) {
        if let Some(deflation) = &mut self.deflation {
            deflation.octets = octets;
        }
    }

    /// Gives back memory that is of no use between messages.
    pub(super) fn release_deflation(&mut self) {
        if let Some(deflation) = &mut self.deflation {
            deflation.octets = Vec::new();
            if !deflation.takeover {
                deflation.compressor.release();
            }
        }
    }
}
