//! A message that arrives compressed (RFC 7692 §6.2, §7.2.2).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::{Found, Next, Partial, ReceiveSide};
use crate::deflate::{Decompressor, DecompressorState, DeflateParams};
use crate::error::{LimitError, ReceiveError};
use crate::header::FrameHeader;
use crate::opcode::OpCode;

/// Octets that are unmasked and inflated in one step.
const INPUT_LEN: usize = 4 * 1024;

/// Octets that come out in one step at most.
const PIECE_LEN: usize = 16 * 1024;

/// Octets that come out in one turn, after which the caller may see to others. One that goes in counts as eight.
const TURN_LEN: usize = 256 * 1024;

/// What receives compressed messages.
pub(super) struct Inflation {
    decompressor: Decompressor,
    /// The message under way is compressed.
    is_on: bool,
    /// Octets of payload of the compressed message under way.
    compressed_len: u64,
    /// What came out last.
    piece: Vec<u8>,
    /// What was done in this turn, in octets that came out.
    turn_len: usize,
    /// The turn is over and more is to come out, whether or not more arrives.
    is_busy: bool,
}

impl Inflation {
    /// What came out last.
    pub(super) fn piece(&self) -> &[u8] {
        &self.piece
    }
}

impl ReceiveSide {
    /// Accepts messages that are compressed as agreed (RFC 7692 §7).
    pub fn inflate(&mut self, params: &DeflateParams) {
        let peer = self.role.peer();
        self.inflation = Some(Box::new(Inflation {
            decompressor: Decompressor::new(params.takeover(peer), params.window_bits(peer)),
            is_on: false,
            compressed_len: 0,
            piece: Vec::new(),
            turn_len: 0,
            is_busy: false,
        }));
    }

    /// Whether the first frame of a message may say that it is compressed.
    pub(super) fn may_inflate(&self) -> bool {
        self.inflation.is_some()
    }

    /// Whether the message under way is compressed.
    #[inline]
    pub(super) fn is_compressed(&self) -> bool {
        self.inflation.as_ref().is_some_and(|it| it.is_on)
    }

    /// Whether there is more to do without more input: others should have a turn first.
    pub(super) fn is_inflating(&self) -> bool {
        self.inflation.as_ref().is_some_and(|it| it.is_busy)
    }

    /// The piece of a message that is passed on.
    pub(super) fn inflated(&self) -> &[u8] {
        self.inflation.as_ref().map_or(&[], |it| &it.piece)
    }

    /// Gives back memory that is of no use between messages.
    pub(super) fn release_inflation(&mut self) {
        drop(self.reclaim_decompressor());
        if let Some(inflation) = &mut self.inflation {
            inflation.piece = Vec::new();
        }
    }

    /// Whether the next compressed message allocates a decompressor's memory, unless some is lent.
    #[inline]
    #[must_use]
    pub fn wants_decompressor(&self) -> bool {
        let inflation = self.inflation.as_ref();
        inflation.is_some_and(|it| !it.decompressor.has_state())
    }

    /// Lends the memory of a decompressor; it comes back if it is not wanted.
    pub fn lend_decompressor(&mut self, memory: DecompressorMemory) -> Option<DecompressorMemory> {
        let Some(inflation) = &mut self.inflation else {
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

    /// Gives up the decompressor's memory if the next message will not refer to what it saw: between messages without
    /// context takeover.
    pub fn reclaim_decompressor(&mut self) -> Option<DecompressorMemory> {
        let inflation = self.inflation.as_mut()?;
        let state = inflation.decompressor.take_state()?;
        let piece = core::mem::take(&mut inflation.piece);
        Some(DecompressorMemory { state, piece })
    }

    /// Takes note of a data frame, whose header may begin a compressed message.
    pub(super) fn note_compression(&mut self, header: &FrameHeader) {
        // A continuation is what its message is.
        if header.opcode != OpCode::Continuation
            && let Some(inflation) = &mut self.inflation
        {
            inflation.is_on = header.rsv1;
            inflation.compressed_len = 0;
        }
    }

    /// Our limits on a frame of a compressed message that is put together: compressed octets are few, unless they are
    /// there to keep us busy.
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

    /// Inside a frame of a compressed message that is put together.
    pub(super) fn inflate_frame(
        &mut self,
        input: &[u8],
        partial: Partial,
    ) -> Result<Next, ReceiveError> {
        let mut used: usize = 0;
        loop {
            let room = self.max_message_len.saturating_sub(self.assembly.len());
            // One octet more than fits, to know of it.
            let room = room.saturating_add(1).min(PIECE_LEN);
            let rest = input.get(used..).unwrap_or_default();
            let (step, done) = self.inflate_step(rest, room)?;
            used = used.saturating_add(step);
            self.keep_piece()?;
            match done {
                Done::Message => return self.end_compressed(used),
                Done::Frame => {
                    self.frame = None;
                    return Ok(Next::Continue(used));
                }
                Done::Input => return Ok(Next::Stop(used, Found::Nothing)),
                Done::Step => {}
            }
            if matches!(partial, Partial::Keep { .. }) && self.ends_turn() {
                return Ok(Next::Stop(used, Found::Nothing));
            }
        }
    }

    /// Goes to the next piece of a compressed message that is passed on.
    pub(super) fn inflate_stream(&mut self, input: &[u8]) -> Result<Next, ReceiveError> {
        let mut used: usize = 0;
        loop {
            if self.ends_turn() {
                return Ok(Next::Stop(used, Found::Nothing));
            }
            let rest = input.get(used..).unwrap_or_default();
            let (step, done) = self.inflate_step(rest, PIECE_LEN)?;
            used = used.saturating_add(step);
            if !self.inflated().is_empty() {
                self.check_streamed()?;
                return Ok(Next::Stop(used, Found::Inflated));
            }
            match done {
                Done::Message => return self.end_stream(used),
                Done::Frame => return self.end_stream_frame(used),
                Done::Input => return Ok(Next::Stop(used, Found::Nothing)),
                Done::Step => {}
            }
        }
    }

    /// Inflates a little of the frame's payload into `piece`; how much of `input` that took.
    fn inflate_step(&mut self, input: &[u8], room: usize) -> Result<(usize, Done), ReceiveError> {
        let (Some(inflation), Some(frame)) = (&mut self.inflation, &mut self.frame) else {
            return Ok((0, Done::Frame));
        };
        inflation.piece.clear();
        inflation.is_busy = false;
        let remaining = usize::try_from(frame.remaining).unwrap_or(usize::MAX);
        let len = remaining.min(input.len()).min(INPUT_LEN);
        let mut octets = [0; INPUT_LEN];
        let octets = octets.get_mut(..len).unwrap_or_default();
        octets.copy_from_slice(input.get(..len).unwrap_or_default());
        if let Some(key) = frame.key {
            key.apply(octets);
        }
        let progress = inflation
            .decompressor
            .push(octets, &mut inflation.piece, room)?;
        frame.key = frame.key.map(|key| key.after(progress.used));
        frame.remaining = frame.remaining.saturating_sub(progress.used as u64);
        let done = if progress.pending {
            Done::Step
        } else if frame.remaining > 0 {
            match progress.used < input.len() {
                true => Done::Step,
                false => Done::Input,
            }
        } else if !frame.fin {
            Done::Frame
        } else if !inflation.piece.is_empty() {
            // The end may bring more, for which there must be room.
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
        // Input counts too: blocks may be many and empty.
        let work = inflation
            .piece
            .len()
            .saturating_add(progress.used.saturating_mul(8));
        inflation.turn_len = inflation.turn_len.saturating_add(work);
        Ok((progress.used, done))
    }

    /// Puts the piece that came out in its place. What fits is text before it is too long.
    fn keep_piece(&mut self) -> Result<(), ReceiveError> {
        let Some(inflation) = &self.inflation else {
            return Ok(());
        };
        let limit = self.max_message_len;
        let room = limit.saturating_sub(self.assembly.len());
        let piece = &inflation.piece;
        let fits = piece.get(..room).unwrap_or(piece);
        self.assembly.append(fits, None, fits.len() as u64)?;
        if fits.len() < piece.len() {
            let len = (limit as u64).saturating_add(1);
            return Err(LimitError::MessageTooLong { len, limit }.into());
        }
        Ok(())
    }

    /// Whether so much came out in this turn that others should have theirs.
    fn ends_turn(&mut self) -> bool {
        let Some(inflation) = &mut self.inflation else {
            return false;
        };
        inflation.is_busy = inflation.turn_len >= TURN_LEN;
        if inflation.is_busy {
            inflation.turn_len = 0;
        }
        inflation.is_busy
    }

    /// The message that is put together is whole.
    fn end_compressed(&mut self, used: usize) -> Result<Next, ReceiveError> {
        self.frame = None;
        self.assembly.finish()?;
        Ok(Next::Stop(used, Found::Assembled))
    }
}

/// The memory of a decompressor, on its way from one connection to another. It carries nothing over.
pub struct DecompressorMemory {
    state: DecompressorState,
    piece: Vec<u8>,
}

impl fmt::Debug for DecompressorMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecompressorMemory").finish_non_exhaustive()
    }
}

/// How far a step came.
enum Done {
    /// There is more to do.
    Step,
    /// All input was used.
    Input,
    /// The frame was used up, and is not the last of its message.
    Frame,
    /// The message is whole.
    Message,
}
