//! Messages that are sent compressed (RFC 7692 §6.1, §7.2.1).

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

/// The number of bytes that are compressed in one step, after which the caller can yield to other
/// tasks.
const STEP_LEN: usize = 256 * 1024;

/// The state of sending compressed messages.
pub(super) struct Deflation {
    compressor: Compressor,
    options: CompressorOptions,
    /// Messages with fewer bytes are sent uncompressed.
    threshold: usize,
    /// The compressed bytes of a message or piece.
    output: Vec<u8>,
    work: Option<Work>,
}

/// The part of a message that is compressed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// A whole message.
    Message,
    /// A piece of a message, in a separate frame.
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
    /// Returns the bytes of memory of messages that are being compressed.
    pub(super) fn pending_memory(&self) -> usize {
        let input = self.work.as_ref().map_or(0, |work| work.payload.len());
        self.output.capacity().saturating_add(input)
    }

    /// Returns the bytes of memory of the compressor.
    pub(super) fn memory(&self) -> usize {
        match self.compressor.has_state() {
            true => self.compressor.memory(),
            false => 0,
        }
    }

    /// Returns the bytes of memory that the compressor will allocate and keep.
    pub(super) fn missing_memory(&self) -> usize {
        match self.options.takeover && !self.compressor.has_state() {
            true => self.compressor.memory(),
            false => 0,
        }
    }

    /// Compresses the rest of a part and ends the part.
    fn compress(&mut self, part: Part, bytes: &[u8]) {
        if part == Part::Piece {
            self.compressor.push(bytes, &mut self.output);
            self.compressor.flush(&mut self.output);
        } else {
            self.compressor.compress(bytes, &mut self.output);
        }
    }
}

impl SendHalf {
    /// Compresses messages as agreed (RFC 7692 §7).
    ///
    /// `config` may restrict the compressor further than `params`: it may use a smaller window, and
    /// refer to no earlier message. The peer needs no notice of either.
    #[cfg(feature = "deflate")]
    pub fn deflate(&mut self, params: &DeflateParams, config: &DeflateConfig) {
        let role = self.role();
        let options = CompressorOptions {
            level: config.level,
            mem_level: config.mem_level,
            takeover: params.takeover(role) && config.own_takeover,
            window_bits: params.window_bits(role).min(config.own_window_bits),
        };
        self.deflation = Some(alloc::boxed::Box::new(Deflation {
            compressor: Compressor::new(options),
            options,
            threshold: config.threshold,
            output: Vec::new(),
            work: None,
        }));
        self.refresh();
    }

    /// Returns `true` if this message is to be sent compressed.
    #[inline]
    pub(super) fn compresses(&self, message: &Outgoing<'_>) -> bool {
        let deflation = self.deflation.as_ref();
        deflation.is_some_and(|deflation| match message.compression {
            Compression::ByLength => message.as_bytes().len() >= deflation.threshold,
            Compression::Always => true,
            Compression::Never => false,
        })
    }

    /// Compresses a part and queues it, or starts to compress it in steps.
    pub(super) fn compressed(&mut self, opcode: OpCode, part: Part, payload: Payload<'_>) {
        let Some(deflation) = &mut self.deflation else {
            return;
        };
        deflation.output.clear();
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

    /// Queues the output of the compressor. A whole message is sent uncompressed if compression
    /// does not shorten it and no later message can refer to it.
    fn queue_compressed(&mut self, opcode: OpCode, part: Part, payload: Payload<'_>) {
        let Some(deflation) = &mut self.deflation else {
            return;
        };
        let output = core::mem::take(&mut deflation.output);
        // With takeover, later messages may refer to this one, so the peer must receive it in
        // compressed form.
        let takeover = deflation.options.takeover;
        match part {
            Part::Message if takeover || output.len() < payload.as_bytes().len() => {
                self.counters.compressed();
                if self.fragments(&output) {
                    return self.queue_long(opcode, true, output.into());
                }
                self.compressed_frame(opcode, true, &output);
                self.message_ends();
            }
            Part::Message => self.uncompressed(opcode, payload),
            Part::Piece => self.compressed_frame(opcode, false, &output),
            Part::End => {
                self.compressed_frame(opcode, true, &output);
                self.message_ends();
            }
        }
        if let Some(deflation) = &mut self.deflation {
            deflation.output = output;
        }
    }

    /// Returns `None`, because nothing is compressed without the codec.
    #[cfg(not(feature = "deflate"))]
    pub(super) fn compressed_once<'a>(&mut self, _: &'a Prepared) -> Option<&'a PreparedFrame> {
        None
    }

    /// Returns the compressed frame of a prepared message, if compression shortens it. The next
    /// message that this connection compresses itself will not refer to any earlier one.
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
            let mut output = Vec::new();
            Compressor::new(options).compress(payload, &mut output);
            output
        })?;
        // The peer's window now contains this message, but the window of our compressor does not.
        deflation.compressor.reset();
        Some(frame)
    }

    /// Returns `true` while a long message is being compressed in steps: see
    /// [`SendLending::work`](crate::SendLending::work).
    #[inline]
    pub fn is_busy(&self) -> bool {
        self.deflation.as_ref().is_some_and(|it| it.work.is_some())
    }

    /// Compresses the next 256 KiB of a long message. Queues the message once all of it is
    /// compressed.
    pub(super) fn work(&mut self) {
        let Some(deflation) = &mut self.deflation else {
            return;
        };
        let Some(mut work) = deflation.work.take() else {
            return;
        };
        let rest = work.payload.get(work.done..).unwrap_or_default();
        if let Some(step) = rest.get(..STEP_LEN).filter(|step| step.len() < rest.len()) {
            deflation.compressor.push(step, &mut deflation.output);
            work.done = work.done.saturating_add(STEP_LEN);
            deflation.work = Some(work);
        } else {
            deflation.compress(work.part, rest);
            self.queue_compressed(work.opcode, work.part, Payload::Owned(work.payload.into()));
            self.refresh();
        }
    }

    /// Completes the remaining work at once.
    pub(super) fn finish_work(&mut self) {
        while self.is_busy() {
            self.work();
        }
    }

    /// Drops a message that is being compressed. Nothing can be sent afterwards.
    pub(super) fn drop_work(&mut self) {
        if let Some(deflation) = &mut self.deflation {
            deflation.work = None;
        }
        self.refresh();
    }

    /// Queues a compressed frame. RSV1 is set only on the first frame of a message (RFC 7692 §6.1).
    fn compressed_frame(&mut self, opcode: OpCode, fin: bool, payload: &[u8]) {
        let header = FrameHeader {
            fin,
            rsv1: opcode != OpCode::Continuation,
            ..FrameHeader::new(opcode, payload.len() as u64)
        };
        self.frame(header, payload);
    }

    /// Frees memory that is not needed between messages.
    pub(super) fn release_output(&mut self) {
        if let Some(deflation) = &mut self.deflation
            && deflation.work.is_none()
        {
            deflation.output = Vec::new();
        }
    }

    fn take_compressor(&mut self) -> Option<CompressorMemory> {
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

impl SendLending<'_> {
    /// Returns `true` if the next compressed message would allocate the memory of a compressor.
    /// Lend some to avoid this.
    #[inline]
    pub fn wants_compressor(&self) -> bool {
        let deflation = self.0.deflation.as_ref();
        deflation.is_some_and(|it| !it.compressor.has_state())
    }

    /// Lends the memory of a compressor. Returns the memory if it does not match the agreed
    /// settings or is not needed.
    pub fn lend_compressor(&mut self, memory: CompressorMemory) -> Option<CompressorMemory> {
        match &mut self.0.deflation {
            Some(deflation) => deflation
                .compressor
                .put_state(memory.0)
                .map(CompressorMemory),
            None => Some(memory),
        }
    }

    /// Returns the memory of the compressor if the next message cannot refer to earlier ones. This
    /// is the case between messages without context takeover, and when nothing more can be sent.
    #[inline]
    pub fn reclaim_compressor(&mut self) -> Option<CompressorMemory> {
        match self.0.deflation {
            Some(_) => self.0.take_compressor(),
            None => None,
        }
    }

    /// Turns on compression in steps for messages of more than 256 KiB.
    ///
    /// [`SendHalf::message`] and [`SendHalf::write`] then only store such a message. Call
    /// [`work`](Self::work) while [`is_busy`](SendHalf::is_busy) returns `true`. There is no
    /// [room](SendHalf::has_room) until the message is complete. A call that must queue something
    /// after the message completes the rest at once.
    pub fn compress_in_steps(&mut self) {
        self.0.in_steps = true;
    }

    /// Compresses the next 256 KiB of a long message. Queues the message once all of it is
    /// compressed.
    pub fn work(&mut self) {
        self.0.work();
    }
}

/// The memory of a compressor. Another connection can use this memory, because no data is carried
/// over.
pub struct CompressorMemory(CompressorState);

impl fmt::Debug for CompressorMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompressorMemory").finish_non_exhaustive()
    }
}
