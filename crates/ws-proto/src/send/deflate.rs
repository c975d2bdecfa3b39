//! A message that leaves compressed (RFC 7692 §6.1, §7.2.1).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use super::SendHalf;
use super::frames::fragments;
use crate::deflate::{
    Compressor, CompressorOptions, CompressorState, DeflateConfig, DeflateParams,
};
use crate::header::FrameHeader;
use crate::message::{Compression, Outgoing, Payload};
use crate::opcode::OpCode;
use crate::prepared::{Prepared, PreparedFrame};

/// Octets that are compressed in one step, after which the caller may see to others.
const STEP_LEN: usize = 256 * 1024;

/// What compresses messages.
pub(super) struct Deflation {
    compressor: Compressor,
    options: CompressorOptions,
    /// Messages of fewer octets leave as they are.
    threshold: usize,
    /// What came out of a message or piece, on its way into frames.
    octets: Vec<u8>,
    work: Option<Work>,
}

/// A message or piece that is compressed in steps.
struct Work {
    opcode: OpCode,
    /// More pieces follow.
    is_piece: bool,
    payload: Bytes,
    done: usize,
}

impl SendHalf {
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
            options,
            threshold: config.threshold,
            octets: Vec::new(),
            work: None,
        }));
        self.settle();
    }

    /// Whether this message leaves compressed.
    #[inline]
    pub(super) fn compresses(&self, message: &Outgoing<'_>) -> bool {
        let deflation = self.deflation.as_ref();
        deflation.is_some_and(|deflation| match message.compression {
            Compression::ByLength => message.as_bytes().len() >= deflation.threshold,
            Compression::Always => true,
            Compression::Never => false,
        })
    }

    /// Queues a message compressed, or begins to compress it.
    pub(super) fn compressed(&mut self, opcode: OpCode, payload: Payload<'_>) {
        if self.takes_steps(payload.as_bytes()) {
            return self.start_work(opcode, false, payload.into_bytes());
        }
        let Some(deflation) = &mut self.deflation else {
            return;
        };
        let mut octets = core::mem::take(&mut deflation.octets);
        octets.clear();
        deflation
            .compressor
            .compress(payload.as_bytes(), &mut octets);
        self.compressed_message(opcode, payload, octets);
    }

    /// Queues a message in its compressed form, unless that is no shorter and nothing keeps it from leaving as it is.
    fn compressed_message(&mut self, opcode: OpCode, payload: Payload<'_>, octets: Vec<u8>) {
        let deflation = self.deflation.as_ref();
        // Later messages may refer to this one: then the peer has to see it as it was compressed.
        let takeover = deflation.is_some_and(|deflation| deflation.options.takeover);
        if takeover || octets.len() < payload.as_bytes().len() {
            let most = self
                .config
                .shared
                .fragment_len
                .map_or(usize::MAX, |len| len.get());
            for (i, fin, range) in fragments(octets.len(), most.min(octets.len().max(1))) {
                let opcode = if i == 0 { opcode } else { OpCode::Continuation };
                self.compressed_frame(opcode, fin, octets.get(range).unwrap_or_default());
            }
        } else {
            self.uncompressed(opcode, payload);
        }
        self.keep_octets(octets);
    }

    /// The compressed frame of a prepared message, if it pays. The next message of our own will not refer to any
    /// before.
    pub(super) fn compressed_once<'a>(
        &mut self,
        prepared: &'a Prepared,
    ) -> Option<&'a PreparedFrame> {
        let deflation = self.deflation.as_mut()?;
        let options = CompressorOptions {
            takeover: false,
            ..deflation.options
        }
        .in_range();
        let frame = prepared.compressed(options.window_bits, |payload| {
            let mut octets = Vec::new();
            Compressor::new(options).compress(payload, &mut octets);
            octets
        })?;
        // The peer's window has this message now, and the compressor's does not.
        deflation.compressor.reset();
        Some(frame)
    }

    /// Queues a piece of a compressed message as a frame, or begins to compress it.
    pub(super) fn compressed_piece(&mut self, opcode: OpCode, payload: &[u8]) {
        if self.takes_steps(payload) {
            return self.start_work(opcode, true, Bytes::copy_from_slice(payload));
        }
        self.compress_into_frame(opcode, false, |compressor, octets| {
            compressor.push(payload, octets);
            compressor.flush(octets);
        });
    }

    /// Queues the end of a compressed message.
    pub(super) fn compressed_end(&mut self, opcode: OpCode) {
        self.compress_into_frame(opcode, true, Compressor::finish);
    }

    fn takes_steps(&self, payload: &[u8]) -> bool {
        self.in_steps && payload.len() > STEP_LEN
    }

    fn start_work(&mut self, opcode: OpCode, is_piece: bool, payload: Bytes) {
        if let Some(deflation) = &mut self.deflation {
            deflation.octets.clear();
            deflation.work = Some(Work {
                opcode,
                is_piece,
                payload,
                done: 0,
            });
        }
        self.settle();
    }

    /// Tells whether a long message is being compressed in steps: see
    /// [`SendLending::work`](crate::SendLending::work).
    #[inline]
    pub fn is_busy(&self) -> bool {
        self.deflation.as_ref().is_some_and(|it| it.work.is_some())
    }

    /// Compresses some more of a long message, and queues it when it is done.
    pub(super) fn work(&mut self) {
        let Some(deflation) = &mut self.deflation else {
            return;
        };
        let Some(mut work) = deflation.work.take() else {
            return;
        };
        let end = work.done.saturating_add(STEP_LEN).min(work.payload.len());
        let step = work.payload.get(work.done..end).unwrap_or_default();
        deflation.compressor.push(step, &mut deflation.octets);
        work.done = end;
        if end < work.payload.len() {
            deflation.work = Some(work);
        } else {
            self.finish_step(work);
            self.settle();
        }
    }

    /// Does what is left of the work at once.
    pub(super) fn finish_work(&mut self) {
        while self.is_busy() {
            self.work();
        }
    }

    /// All of it has gone into the compressor.
    fn finish_step(&mut self, work: Work) {
        let Some(deflation) = &mut self.deflation else {
            return;
        };
        let mut octets = core::mem::take(&mut deflation.octets);
        if work.is_piece {
            deflation.compressor.flush(&mut octets);
            self.compressed_frame(work.opcode, false, &octets);
            self.keep_octets(octets);
        } else {
            deflation.compressor.finish(&mut octets);
            self.compressed_message(work.opcode, Payload::Owned(work.payload), octets);
        }
    }

    /// Forgets a message that is being compressed: nothing is sent any more.
    pub(super) fn drop_work(&mut self) {
        if let Some(deflation) = &mut self.deflation {
            deflation.work = None;
        }
        self.settle();
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
        self.frame(header, octets);
    }

    fn keep_octets(&mut self, octets: Vec<u8>) {
        if let Some(deflation) = &mut self.deflation {
            deflation.octets = octets;
        }
    }

    /// Gives back memory that is of no use between messages.
    pub(super) fn release_output(&mut self) {
        if let Some(deflation) = &mut self.deflation
            && deflation.work.is_none()
        {
            deflation.octets = Vec::new();
        }
    }

    #[inline]
    pub(super) fn wants_compressor(&self) -> bool {
        let deflation = self.deflation.as_ref();
        deflation.is_some_and(|it| !it.compressor.has_state())
    }

    pub(super) fn lend_compressor(&mut self, memory: CompressorMemory) -> Option<CompressorMemory> {
        match &mut self.deflation {
            Some(deflation) => deflation
                .compressor
                .put_state(memory.0)
                .map(CompressorMemory),
            None => Some(memory),
        }
    }

    pub(super) fn reclaim_compressor(&mut self) -> Option<CompressorMemory> {
        let is_unfinished = self.unfinished().is_some() || self.is_busy();
        let is_open = self.is_open();
        let deflation = self.deflation.as_mut()?;
        if !is_open {
            deflation.compressor.reset();
        } else if deflation.options.takeover || is_unfinished {
            return None;
        }
        deflation.compressor.take_state().map(CompressorMemory)
    }
}

/// The memory of a compressor, on its way from one connection to another. It carries nothing over.
pub struct CompressorMemory(CompressorState);

impl fmt::Debug for CompressorMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompressorMemory").finish_non_exhaustive()
    }
}
