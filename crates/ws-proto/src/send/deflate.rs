//! A message that leaves compressed (RFC 7692 §6.1, §7.2.1).

use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use super::{SendHalf, SendLending};
use crate::deflate::{Compressor, CompressorOptions, CompressorState};
#[cfg(feature = "deflate")]
use crate::deflate::{DeflateConfig, DeflateParams};
use crate::header::FrameHeader;
use crate::message::{Compression, Outgoing, Payload};
use crate::opcode::OpCode;
use crate::prepared::{Prepared, PreparedFrame};

/// Bytes that are compressed in one step, after which the caller may see to others.
const STEP_LEN: usize = 256 * 1024;

/// What compresses messages.
pub(super) struct Deflation {
    compressor: Compressor,
    options: CompressorOptions,
    /// Messages of fewer bytes leave as they are.
    threshold: usize,
    /// What came out of a message or piece, on its way into frames.
    octets: Vec<u8>,
    work: Option<Work>,
}

/// The part of a message that is compressed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// A whole message.
    Message,
    /// A piece of a message, as a frame of its own.
    Piece,
    /// The end of a message that was sent piece by piece.
    End,
}

/// A part that is compressed in steps.
struct Work {
    opcode: OpCode,
    part: Part,
    payload: Bytes,
    done: usize,
}

impl Deflation {
    /// Compresses the last or only bytes of a part.
    fn compress(&mut self, part: Part, bytes: &[u8]) {
        if part == Part::Piece {
            self.compressor.push(bytes, &mut self.octets);
            self.compressor.flush(&mut self.octets);
        } else {
            self.compressor.compress(bytes, &mut self.octets);
        }
    }
}

impl SendHalf {
    /// Compresses messages as agreed (RFC 7692 §7).
    #[cfg(feature = "deflate")]
    pub fn deflate(&mut self, params: &DeflateParams, config: &DeflateConfig) {
        let role = self.role();
        let options = CompressorOptions {
            level: config.level,
            mem_level: config.mem_level,
            takeover: params.takeover(role),
            window_bits: params.window_bits(role).min(config.own_window_bits),
        };
        self.deflation = Some(alloc::boxed::Box::new(Deflation {
            compressor: Compressor::new(options),
            options,
            threshold: config.threshold,
            octets: Vec::new(),
            work: None,
        }));
        self.refresh();
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

    /// Compresses and queues, or begins to compress.
    pub(super) fn compressed(&mut self, opcode: OpCode, part: Part, payload: Payload<'_>) {
        let Some(deflation) = &mut self.deflation else {
            return;
        };
        deflation.octets.clear();
        let bytes = payload.as_bytes();
        if !self.in_steps || bytes.len() <= STEP_LEN {
            deflation.compress(part, bytes);
            return self.queue_compressed(opcode, part, payload);
        }
        deflation.work = Some(Work {
            opcode,
            part,
            payload: payload.into_bytes(),
            done: 0,
        });
        self.refresh();
    }

    /// Queues what came out of the compressor: a message in its compressed form, unless that is no shorter and nothing
    /// keeps it from leaving as it is.
    fn queue_compressed(&mut self, opcode: OpCode, part: Part, payload: Payload<'_>) {
        let Some(deflation) = &mut self.deflation else {
            return;
        };
        let octets = core::mem::take(&mut deflation.octets);
        // Later messages may refer to this one: then the peer has to see it as it was compressed.
        let takeover = deflation.options.takeover;
        match part {
            Part::Message if takeover || octets.len() < payload.as_bytes().len() => {
                if self.fragments(&octets) {
                    return self.queue_long(opcode, true, octets.into());
                }
                self.compressed_frame(opcode, true, &octets);
            }
            Part::Message => self.uncompressed(opcode, payload),
            Part::Piece | Part::End => self.compressed_frame(opcode, part == Part::End, &octets),
        }
        if let Some(deflation) = &mut self.deflation {
            deflation.octets = octets;
        }
    }

    /// The compressed frame of a prepared message, if it pays: never, without the codec.
    #[cfg(not(feature = "deflate"))]
    pub(super) fn compressed_once<'a>(&mut self, _: &'a Prepared) -> Option<&'a PreparedFrame> {
        None
    }

    /// The compressed frame of a prepared message, if it pays. The next message of our own will not refer to any
    /// before.
    #[cfg(feature = "deflate")]
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
        let rest = work.payload.get(work.done..).unwrap_or_default();
        if let Some(step) = rest.get(..STEP_LEN).filter(|step| step.len() < rest.len()) {
            deflation.compressor.push(step, &mut deflation.octets);
            work.done = work.done.saturating_add(STEP_LEN);
            deflation.work = Some(work);
        } else {
            deflation.compress(work.part, rest);
            self.queue_compressed(work.opcode, work.part, Payload::Owned(work.payload));
            self.refresh();
        }
    }

    /// Does what is left of the work at once.
    pub(super) fn finish_work(&mut self) {
        while self.is_busy() {
            self.work();
        }
    }

    /// Forgets a message that is being compressed: nothing is sent any more.
    pub(super) fn drop_work(&mut self) {
        if let Some(deflation) = &mut self.deflation {
            deflation.work = None;
        }
        self.refresh();
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

    /// Gives back memory that is of no use between messages.
    pub(super) fn release_output(&mut self) {
        if let Some(deflation) = &mut self.deflation
            && deflation.work.is_none()
        {
            deflation.octets = Vec::new();
        }
    }
}

impl SendLending<'_> {
    /// Tells whether the next compressed message allocates a compressor's memory, unless some is lent.
    #[inline]
    pub fn wants_compressor(&self) -> bool {
        let deflation = self.0.deflation.as_ref();
        deflation.is_some_and(|it| !it.compressor.has_state())
    }

    /// Lends the memory of a compressor; it comes back if it does not suit what was agreed or is not wanted.
    pub fn lend_compressor(&mut self, memory: CompressorMemory) -> Option<CompressorMemory> {
        match &mut self.0.deflation {
            Some(deflation) => deflation
                .compressor
                .put_state(memory.0)
                .map(CompressorMemory),
            None => Some(memory),
        }
    }

    /// Gives up the compressor's memory if the next message will not refer to what it saw: between messages without
    /// context takeover, or when nothing can be sent any more.
    pub fn reclaim_compressor(&mut self) -> Option<CompressorMemory> {
        let is_unfinished = self.0.unfinished().is_some() || self.0.is_busy();
        let is_open = self.0.is_open();
        let deflation = self.0.deflation.as_mut()?;
        if !is_open {
            deflation.compressor.reset();
        } else if deflation.options.takeover || is_unfinished {
            return None;
        }
        deflation.compressor.take_state().map(CompressorMemory)
    }

    /// Compresses messages of more than 256 KiB in steps: [`SendHalf::message`] and [`SendHalf::write`] only take them,
    /// and [`work`](Self::work) goes on while the half [`is_busy`](SendHalf::is_busy). There is no
    /// [room](SendHalf::has_room) until it is done, and whatever must follow the message does the rest at once.
    pub fn compress_in_steps(&mut self) {
        self.0.in_steps = true;
    }

    /// Compresses some more of a long message, and queues it when it is done.
    pub fn work(&mut self) {
        self.0.work();
    }
}

/// The memory of a compressor, on its way from one connection to another. It carries nothing over.
pub struct CompressorMemory(CompressorState);

impl fmt::Debug for CompressorMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompressorMemory").finish_non_exhaustive()
    }
}
