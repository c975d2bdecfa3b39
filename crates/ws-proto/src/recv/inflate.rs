//! Messages that arrive compressed (RFC 7692 §6.2, §7.2.2).

use alloc::vec::Vec;
use core::fmt;

use super::block::Location;
use super::frames::{OpenFrame, Stage};
use super::{Chunk, RecvHalf, RecvLending, Stop};
#[cfg(feature = "deflate")]
use crate::deflate::DeflateParams;
use crate::deflate::{Decompressor, DecompressorState};
use crate::error::{LimitError, ReceiveError};
use crate::header::FrameHeader;
use crate::opcode::OpCode;

/// The maximum number of bytes that are unmasked and decompressed in one step.
const INPUT_LEN: usize = 4 * 1024;

/// The maximum number of decompressed bytes in one step.
const PIECE_LEN: usize = 16 * 1024;

/// The number of decompressed bytes after which the caller should yield ([`Stop::Busy`]). One
/// compressed byte is counted as eight.
pub(super) const BUSY_LEN: usize = 256 * 1024;

/// The state of receiving compressed messages.
pub(super) struct Inflation {
    decompressor: Decompressor,
    /// `true` if the current message is compressed.
    is_on: bool,
    /// The number of payload bytes of the current message before decompression.
    compressed_len: u64,
    /// The output of the last decompression step.
    piece: Vec<u8>,
    /// The work since the caller last yielded, in decompressed bytes.
    work_len: usize,
}

impl Inflation {
    /// Returns the output of the last decompression step.
    pub(super) fn piece(&self) -> &[u8] {
        &self.piece
    }

    /// Returns the bytes of memory of the decompressor and of its output.
    pub(super) fn memory(&self) -> usize {
        let codec = self.decompressor.memory();
        codec.saturating_add(self.piece.capacity())
    }

    /// Returns the bytes of memory that the decompressor will allocate and keep.
    pub(super) fn missing_memory(&self) -> usize {
        self.decompressor.missing_memory()
    }

    fn take_memory(&mut self) -> Option<DecompressorMemory> {
        let state = self.decompressor.take_state()?;
        let piece = core::mem::take(&mut self.piece);
        Some(DecompressorMemory { state, piece })
    }
}

impl RecvHalf {
    /// Accepts messages that are compressed as agreed (RFC 7692 §7).
    #[cfg(feature = "deflate")]
    pub fn inflate(&mut self, params: &DeflateParams) {
        let peer = self.role.peer();
        self.inflation = Some(alloc::boxed::Box::new(Inflation {
            decompressor: Decompressor::new(params.takeover(peer), params.window_bits(peer)),
            is_on: false,
            compressed_len: 0,
            piece: Vec::new(),
            work_len: 0,
        }));
    }

    /// Returns `true` if the current message is compressed.
    #[inline]
    pub(super) fn is_compressed(&self) -> bool {
        self.inflation.as_ref().is_some_and(|it| it.is_on)
    }

    /// Returns the piece that is passed on to the caller.
    pub(super) fn inflated(&self) -> &[u8] {
        self.inflation.as_ref().map_or(&[], |it| &it.piece)
    }

    /// Frees memory that is not needed between messages.
    pub(super) fn release_inflation(&mut self) {
        drop(self.lending().reclaim_decompressor());
        if let Some(inflation) = &mut self.inflation {
            inflation.piece = Vec::new();
        }
    }

    /// Records if the message of this frame is compressed. Only the header of the first frame
    /// contains this.
    pub(super) fn note_compression(&mut self, header: &FrameHeader) {
        // A continuation is compressed if its message is compressed.
        if header.opcode != OpCode::Continuation
            && let Some(inflation) = &mut self.inflation
        {
            inflation.is_on = header.rsv1;
            inflation.compressed_len = 0;
        }
    }

    /// Checks the limit on the compressed bytes of an assembled message. Only data that wastes time
    /// exceeds this limit, such as many empty blocks.
    pub(super) fn check_compressed(&mut self, header: &FrameHeader) -> Result<(), LimitError> {
        let limit = self.max_message_len;
        let most = limit.saturating_add(limit / 1024).saturating_add(64 * 1024);
        let Some(inflation) = &mut self.inflation else {
            return Ok(());
        };
        inflation.compressed_len = inflation.compressed_len.saturating_add(header.payload_len);
        if inflation.compressed_len > most as u64 {
            let len = inflation.compressed_len;
            return Err(LimitError::MessageTooLong { len, limit });
        }
        Ok(())
    }

    /// Decompresses a frame into the assembly. Returns `true` at the end of the message.
    pub(super) fn inflate_message(&mut self) -> Result<bool, Stop> {
        while let Stage::Payload(frame) = self.stage {
            let room = self.max_message_len.saturating_sub(self.assembly.len());
            // With room for one byte more than the limit, a message that is too long is detected.
            let done = self.inflate_step(frame, room.saturating_add(1).min(PIECE_LEN))?;
            self.keep_piece()?;
            match done {
                Done::Frame | Done::Message => {
                    return self.end_of_payload(OpenFrame {
                        remaining: 0,
                        ..frame
                    });
                }
                Done::Input => return Err(Stop::NeedInput),
                Done::Step => self.stop_if_busy()?,
            }
        }
        Ok(false)
    }

    /// Finds the next piece of a compressed message. Returns `None` at the end of a frame that is
    /// not the last.
    pub(super) fn inflate_chunk(&mut self) -> Result<Option<Chunk>, Stop> {
        while let Stage::Payload(frame) = self.stage {
            self.stop_if_busy()?;
            let done = self.inflate_step(frame, PIECE_LEN)?;
            if !self.inflated().is_empty() {
                self.check_inflated()?;
                self.counters.payload(self.inflated().len());
                self.message = Location::Inflated;
                return Ok(Some(Chunk::Data));
            }
            match done {
                Done::Frame | Done::Message => return self.end_of_streamed_frame(frame.fin),
                Done::Input => return Err(Stop::NeedInput),
                Done::Step => {}
            }
        }
        Ok(None)
    }

    /// Decompresses a part of the frame's payload into `piece`. Produces at most `room` bytes.
    fn inflate_step(&mut self, frame: OpenFrame, room: usize) -> Result<Done, ReceiveError> {
        let Some(inflation) = &mut self.inflation else {
            return Ok(Done::Frame);
        };
        inflation.piece.clear();
        let input = self.block.unread();
        let len = frame.len_in(input.len()).min(INPUT_LEN);
        let mut bytes = [0; INPUT_LEN];
        let bytes = bytes.get_mut(..len).unwrap_or_default();
        bytes.copy_from_slice(input.get(..len).unwrap_or_default());
        if let Some(key) = frame.key {
            key.apply(bytes);
        }
        let progress = inflation
            .decompressor
            .push(bytes, &mut inflation.piece, room)?;
        let is_input_left = progress.used < input.len();
        let frame = frame.after(progress.used);
        self.block.consume(progress.used);
        self.block.expect(frame.remaining);
        self.stage = Stage::Payload(frame);
        let done = if progress.pending {
            Done::Step
        } else if frame.remaining > 0 {
            match is_input_left {
                true => Done::Step,
                false => Done::Input,
            }
        } else if !frame.fin {
            Done::Frame
        } else if !inflation.piece.is_empty() {
            // The end of the message may produce more output. The next step has room for it.
            Done::Step
        } else {
            let end = inflation
                .decompressor
                .end_of_message(&mut inflation.piece, room)?;
            match end.pending {
                true => Done::Step,
                false => Done::Message,
            }
        };
        // Input is counted as work, too, because the peer may send many empty blocks.
        let work = progress.used.saturating_mul(8);
        inflation.work_len = inflation
            .work_len
            .saturating_add(work)
            .saturating_add(inflation.piece.len());
        Ok(done)
    }

    /// Appends the last piece to the assembly. The part within the limit is validated first, so
    /// that invalid UTF-8 in it is reported before the excess length.
    fn keep_piece(&mut self) -> Result<(), ReceiveError> {
        let Some(inflation) = &self.inflation else {
            return Ok(());
        };
        let limit = self.max_message_len;
        let room = limit.saturating_sub(self.assembly.len());
        let piece = &inflation.piece;
        let fits = piece.get(..room).unwrap_or(piece);
        self.assembly.append(fits, None, fits.len() as u64)?;
        self.counters.payload(fits.len());
        if fits.len() < piece.len() {
            let len = (limit as u64).saturating_add(1);
            return Err(LimitError::MessageTooLong { len, limit }.into());
        }
        Ok(())
    }

    /// Stops the step if the caller should yield to other tasks.
    fn stop_if_busy(&mut self) -> Result<(), Stop> {
        match &mut self.inflation {
            Some(inflation) if inflation.work_len >= BUSY_LEN => {
                inflation.work_len = 0;
                Err(Stop::Busy)
            }
            _ => Ok(()),
        }
    }
}

impl RecvLending<'_> {
    /// Returns `true` if the next compressed message would allocate the memory of a decompressor.
    /// Lend some to avoid this.
    #[inline]
    pub fn wants_decompressor(&self) -> bool {
        let inflation = self.0.inflation.as_ref();
        inflation.is_some_and(|it| !it.decompressor.has_state())
    }

    /// Lends the memory of a decompressor. Returns the memory if it is not needed.
    pub fn lend_decompressor(&mut self, memory: DecompressorMemory) -> Option<DecompressorMemory> {
        let Some(inflation) = &mut self.0.inflation else {
            return Some(memory);
        };
        let DecompressorMemory { state, piece } = memory;
        if inflation.piece.capacity() == 0 {
            inflation.piece = piece;
        }
        let state = inflation.decompressor.put_state(state)?;
        let piece = Vec::new();
        Some(DecompressorMemory { state, piece })
    }

    /// Returns the memory of the decompressor if the next message cannot refer to earlier ones.
    /// This is the case between messages without context takeover.
    #[inline]
    pub fn reclaim_decompressor(&mut self) -> Option<DecompressorMemory> {
        self.0.inflation.as_mut()?.take_memory()
    }
}

/// The memory of a decompressor. Another connection can use this memory, because no data is carried
/// over.
pub struct DecompressorMemory {
    state: DecompressorState,
    piece: Vec<u8>,
}

impl fmt::Debug for DecompressorMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecompressorMemory").finish_non_exhaustive()
    }
}

/// The reason why a decompression step ended.
enum Done {
    /// More work remains.
    Step,
    /// All input was used.
    Input,
    /// A frame that is not the last of its message has ended.
    Frame,
    /// The message has ended.
    Message,
}
