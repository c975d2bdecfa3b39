//! Messages that are received piece by piece instead of being assembled.

use super::block::Location;
use super::frames::{OpenFrame, Stage};
use super::{Chunk, RecvHalf, Stop};
use crate::config::MAX_FRAGMENTS;
use crate::error::LimitError;
use crate::message::MessageKind;
use crate::opcode::OpCode;
use crate::utf8::{InvalidUtf8, Utf8Stream};

/// The message that is received piece by piece.
pub(super) struct Streaming {
    kind: MessageKind,
    utf8: Utf8Stream,
    /// `true` while no payload of the current frame has arrived.
    frame_is_empty: bool,
    /// The number of consecutive frames without payload.
    empty_frames: u32,
    /// `true` if the next piece is the beginning of the message, which was already assembled.
    has_prefix: bool,
}

impl Streaming {
    fn new(kind: MessageKind, utf8: Utf8Stream, has_prefix: bool) -> Self {
        Self {
            kind,
            utf8,
            frame_is_empty: true,
            empty_frames: 0,
            has_prefix,
        }
    }

    /// Validates a piece, and records that the frame is not empty.
    fn check(&mut self, piece: &[u8]) -> Result<(), InvalidUtf8> {
        if self.kind == MessageKind::Text {
            self.utf8.push(piece)?;
        }
        self.frame_is_empty = false;
        self.empty_frames = 0;
        Ok(())
    }
}

impl RecvHalf {
    /// Finds the start of the next message, or continues the message under assembly.
    pub(super) fn find_start(&mut self) -> Result<MessageKind, Stop> {
        self.block.forget_need();
        self.skip_stream()?;
        if let (Stage::Held, Some(message)) = (self.stage, self.message()) {
            let kind = message.kind();
            let is_given = message.as_bytes().is_empty();
            self.message = match core::mem::replace(&mut self.message, Location::None) {
                Location::Block(_, range) => Location::Chunk(range),
                _ => Location::Prefix,
            };
            self.stage = Stage::HeldPiece { is_given };
            return Ok(kind);
        }
        if let Some((kind, utf8)) = self.assembly.hand_over() {
            let has_prefix = !self.assembly.bytes().is_empty();
            self.message = Location::None;
            self.stream = Some(Streaming::new(kind, utf8, has_prefix));
            return Ok(kind);
        }
        let header = self.data_header()?;
        self.note_compression(&header);
        // The header rules allow no continuation here.
        let kind = match header.opcode {
            OpCode::Text => MessageKind::Text,
            _ => MessageKind::Binary,
        };
        self.stream = Some(Streaming::new(kind, Utf8Stream::default(), false));
        self.stage = Stage::Payload(OpenFrame::new(&header));
        Ok(kind)
    }

    /// Finds the next piece of the message, or its end.
    pub(super) fn find_chunk(&mut self) -> Result<Chunk, Stop> {
        self.block.forget_need();
        if let Stage::HeldPiece { is_given } = self.stage {
            return Ok(self.held_chunk(is_given));
        }
        let Some(stream) = &mut self.stream else {
            return match self.stage {
                Stage::Closed | Stage::Failed(_) => self.data_header().map(|_| Chunk::End),
                _ => Ok(Chunk::End),
            };
        };
        if core::mem::take(&mut stream.has_prefix) {
            self.message = Location::Prefix;
            return Ok(Chunk::Data);
        }
        self.message = Location::None;
        self.assembly.forget_finished();
        loop {
            let Stage::Payload(frame) = self.stage else {
                let header = self.data_header()?;
                if let Some(stream) = &mut self.stream {
                    stream.frame_is_empty = true;
                }
                self.stage = Stage::Payload(OpenFrame::new(&header));
                continue;
            };
            self.message = Location::None;
            let chunk = match self.is_compressed() {
                true => self.inflate_chunk()?,
                false => self.plain_chunk(frame)?,
            };
            if let Some(chunk) = chunk {
                return Ok(chunk);
            }
        }
    }

    /// Returns a held message as one piece.
    fn held_chunk(&mut self, is_given: bool) -> Chunk {
        if is_given {
            self.leave_held();
            self.forget_assembled();
            return Chunk::End;
        }
        self.stage = Stage::HeldPiece { is_given: true };
        Chunk::Data
    }

    /// Skips the rest of the message that is received piece by piece.
    pub(super) fn skip_stream(&mut self) -> Result<(), Stop> {
        while self.stream.is_some() || matches!(self.stage, Stage::HeldPiece { .. }) {
            self.find_chunk()?;
        }
        Ok(())
    }

    /// Takes the payload bytes of an uncompressed frame that have arrived so far. Returns `None` at
    /// the end of a frame that is not the last.
    fn plain_chunk(&mut self, frame: OpenFrame) -> Result<Option<Chunk>, Stop> {
        let len = frame.len_in(self.block.unread().len());
        if len > 0 {
            let range = self.block.take(0, len, frame.key);
            self.stage = Stage::Payload(frame.after(len));
            if let Some(stream) = &mut self.stream {
                stream.check(self.block.get(&range))?;
            }
            self.counters.payload(len);
            self.message = Location::Chunk(range);
            return Ok(Some(Chunk::Data));
        }
        if frame.remaining > 0 {
            self.block.expect(frame.remaining);
            return Err(Stop::NeedInput);
        }
        self.end_of_streamed_frame(frame.fin)
    }

    /// Validates a decompressed piece.
    pub(super) fn check_inflated(&mut self) -> Result<(), InvalidUtf8> {
        match (&mut self.stream, &self.inflation) {
            (Some(stream), Some(inflation)) => stream.check(inflation.piece()),
            _ => Ok(()),
        }
    }

    /// Ends a frame of the message. After the last frame, ends the message, too.
    pub(super) fn end_of_streamed_frame(&mut self, fin: bool) -> Result<Option<Chunk>, Stop> {
        let Some(stream) = &mut self.stream else {
            return Ok(Some(Chunk::End));
        };
        if fin {
            stream.utf8.finish()?;
            self.counters.message(self.is_compressed());
            self.assembly.forget_finished();
            self.stream = None;
            self.stage = Stage::Between;
            return Ok(Some(Chunk::End));
        }
        if stream.frame_is_empty {
            stream.empty_frames = stream.empty_frames.saturating_add(1);
            if stream.empty_frames > MAX_FRAGMENTS {
                return Err(LimitError::TooManyFragments.into());
            }
        }
        self.stage = Stage::Frame;
        Ok(None)
    }
}
