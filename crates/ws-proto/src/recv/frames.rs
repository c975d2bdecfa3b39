//! Frames, and the messages that are assembled from them (RFC 6455 §5.2, §5.4).

use super::block::Location;
use super::{RecvHalf, Stop};
use crate::close::CloseFrame;
use crate::config::MAX_FRAGMENTS;
use crate::control::{Control, ControlPayload, MAX_CONTROL_LEN};
use crate::error::{LimitError, ProtocolError, ReceiveError};
use crate::header::FrameHeader;
use crate::mask::MaskKey;
use crate::message::MessageKind;
use crate::opcode::OpCode;
use crate::utf8::InvalidUtf8;

/// The state of parsing: the part of the protocol that comes next in the input.
#[derive(Clone, Copy)]
pub(super) enum Stage {
    /// The start of a message. No byte of the message has been used, and no other message is open
    /// or assembled. This is the stage of the fast path.
    Between,
    /// The start of a frame of an open message, or of a frame whose first bytes are in `partial`.
    Frame,
    /// The start of the payload of this frame. The first bytes of the payload of a control frame
    /// may be in `partial`.
    Header(FrameHeader),
    /// The middle of the payload of a data frame.
    Payload(OpenFrame),
    /// The message that the last step found, held for the next step.
    Held,
    /// A held message that is now received piece by piece. The whole message is one piece.
    /// `is_given` is `true` once this piece has been returned.
    HeldPiece {
        is_given: bool,
    },
    /// The start of a message. `assembly` may still hold the previous message.
    Assembled,
    /// The peer's Close has arrived. Later input is ignored (RFC 6455 §1.4).
    Closed,
    Failed(ReceiveError),
}

/// A data frame whose payload is being received.
#[derive(Clone, Copy)]
pub(super) struct OpenFrame {
    /// The number of payload bytes that have not been used.
    pub(super) remaining: u64,
    /// The masking key, rotated to the next byte.
    pub(super) key: Option<MaskKey>,
    pub(super) fin: bool,
}

impl OpenFrame {
    pub(super) fn new(header: &FrameHeader) -> Self {
        Self {
            remaining: header.payload_len,
            key: header.mask,
            fin: header.fin,
        }
    }

    /// Returns the number of payload bytes among the next `available` bytes of input.
    pub(super) fn len_in(&self, available: usize) -> usize {
        usize::try_from(self.remaining).map_or(available, |remaining| remaining.min(available))
    }

    /// Returns the state of the frame after the next `len` bytes of payload.
    pub(super) fn after(self, len: usize) -> Self {
        Self {
            remaining: self.remaining.saturating_sub(len as u64),
            key: self.key.map(|key| key.after(len)),
            fin: self.fin,
        }
    }
}

impl RecvHalf {
    /// Finds the next message if it is of the most frequent kind: one uncompressed frame that is
    /// complete in the block.
    ///
    /// If this returns `false`, call [`next_message`](Self::next_message). That call continues from
    /// the header that this call may have parsed, or reports the violation that this call may have
    /// found.
    ///
    /// This call does not need the sending half, so the receiver of a split connection takes no
    /// lock for it.
    #[inline]
    pub fn next_plain(&mut self) -> bool {
        // Most calls that find nothing come after the last message of a read.
        !self.block.is_empty() && self.next_in_block()
    }

    /// Does the same as [`next_plain`](Self::next_plain) if there is input.
    fn next_in_block(&mut self) -> bool {
        if !matches!(self.stage, Stage::Between) {
            return false;
        }
        let Some(input) = self.block.input() else {
            return false;
        };
        let Some((kind, header, len)) = FrameHeader::parse_plain(input, self.role) else {
            return false;
        };
        let there = input.len().wrapping_sub(len);
        if header.payload_len > there.min(self.max_plain_len) as u64 {
            self.block.consume(len);
            return self.set_aside(Stage::Header(header));
        }
        match self.take_in_place(kind, &header, len) {
            Ok(()) => true,
            Err(error) => self.set_aside(Stage::Failed(error.into())),
        }
    }

    /// Stores the stage from which the slow path continues, and returns `false`.
    #[cold]
    fn set_aside(&mut self, stage: Stage) -> bool {
        self.stage = stage;
        self.message = Location::None;
        false
    }

    /// Skips `skipped` bytes, and unmasks and validates the payload after them in the block. This
    /// payload is a whole message.
    #[inline(always)]
    fn take_in_place(
        &mut self,
        kind: MessageKind,
        header: &FrameHeader,
        skipped: usize,
    ) -> Result<(), InvalidUtf8> {
        let len = header.payload_len as usize;
        let range = match kind {
            MessageKind::Text => self.block.take_text(skipped, len, header.mask)?,
            MessageKind::Binary => self.block.take(skipped, len, header.mask),
        };
        self.message = Location::Block(kind, range);
        self.counters.plain(len);
        Ok(())
    }

    /// Returns `true` if all input has been used and no step can find anything without more input.
    #[inline]
    pub(super) fn is_used_up(&self) -> bool {
        matches!(self.stage, Stage::Between) && self.block.is_empty()
    }

    /// The slow path of finding the next message.
    #[inline(never)]
    pub(super) fn find_message(&mut self) -> Result<(), Stop> {
        self.block.forget_need();
        self.skip_stream()?;
        loop {
            match self.stage {
                Stage::Held => {
                    self.leave_held();
                    return Ok(());
                }
                Stage::Payload(_) if self.is_compressed() => {
                    if self.inflate_message()? {
                        return Ok(());
                    }
                }
                Stage::Payload(frame) => {
                    if self.append(frame)? {
                        return Ok(());
                    }
                }
                _ => {
                    let header = self.data_header()?;
                    if self.begin_payload(&header)? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Finds the next data frame and returns its header, without its payload. A header that was
    /// already parsed is returned again.
    pub(super) fn data_header(&mut self) -> Result<FrameHeader, Stop> {
        loop {
            match self.stage {
                Stage::Assembled => self.forget_assembled(),
                Stage::Between | Stage::Frame => {
                    self.message = Location::None;
                    self.stage = Stage::Header(self.parse_header()?);
                }
                Stage::Header(header) if header.opcode.is_control() => {
                    // The header rules limit the length.
                    let len = header.payload_len as usize;
                    let there = self.partial.len().saturating_add(self.block.unread().len());
                    if len <= there {
                        return Err(Stop::Control(header));
                    }
                    if !self.block.fits(len) {
                        self.absorb()?;
                        self.block.clear();
                    }
                    return Err(Stop::NeedInput);
                }
                Stage::Header(header) => return Ok(header),
                Stage::Failed(error) => return Err(Stop::Failed(error)),
                // The callers handle payload and held messages before this call.
                Stage::Closed | Stage::Payload(_) | Stage::Held | Stage::HeldPiece { .. } => {
                    self.block.clear();
                    return Err(Stop::Closed);
                }
            }
        }
    }

    fn parse_header(&mut self) -> Result<FrameHeader, Stop> {
        let rules = self.rules();
        if self.partial.is_empty() {
            let (header, len) =
                FrameHeader::parse(self.block.unread(), &rules)?.ok_or(Stop::NeedInput)?;
            self.block.consume(len);
            return Ok(header);
        }
        loop {
            if let Some((header, _)) = FrameHeader::parse(&self.partial, &rules)? {
                self.partial.clear();
                return Ok(header);
            }
            let next = *self.block.unread().first().ok_or(Stop::NeedInput)?;
            self.partial.push(next);
            self.block.consume(1);
        }
    }

    /// Takes the control frame with this header, whose payload has arrived (RFC 6455 §5.5).
    pub(super) fn take_control(&mut self, header: &FrameHeader) -> Result<Control, ReceiveError> {
        let len = header.payload_len as usize;
        let mut payload = [0; MAX_CONTROL_LEN];
        let payload = payload.get_mut(..len).unwrap_or_default();
        for (slot, byte) in payload
            .iter_mut()
            .zip(self.partial.iter().chain(self.block.unread()))
        {
            *slot = *byte;
        }
        self.block.consume(len.saturating_sub(self.partial.len()));
        self.partial.clear();
        self.stage = self.frame_start();
        let control = read_control(header, payload)?;
        if let Control::Close(_) = control {
            self.stop(Stage::Closed);
        }
        Ok(control)
    }

    /// Returns the stage at the start of a frame.
    fn frame_start(&self) -> Stage {
        match self.assembly.is_open() || self.stream.is_some() {
            true => Stage::Frame,
            false => Stage::Between,
        }
    }

    /// Begins the payload of a data frame. Returns `true` if the frame is a whole message and its
    /// payload is complete in the block.
    fn begin_payload(&mut self, header: &FrameHeader) -> Result<bool, Stop> {
        self.note_compression(header);
        self.check_limits(header)?;
        // The length is within the limits, so it fits in `usize`.
        let len = header.payload_len as usize;
        if !self.is_compressed() {
            match whole_message(header) {
                Some(kind) if len <= self.block.unread().len() => {
                    self.stage = Stage::Between;
                    self.take_in_place(kind, header, 0)?;
                    return Ok(true);
                }
                _ if len > self.block.unread().len() && self.block.fits(len) => {
                    return Err(Stop::NeedInput);
                }
                _ => {}
            }
        }
        self.open_frame(header);
        Ok(false)
    }

    /// Starts to append the payload of a data frame to the assembly.
    fn open_frame(&mut self, header: &FrameHeader) {
        match header.opcode {
            OpCode::Text => self.assembly.begin(MessageKind::Text),
            OpCode::Binary => self.assembly.begin(MessageKind::Binary),
            OpCode::Continuation | OpCode::Close | OpCode::Ping | OpCode::Pong => {}
        }
        self.assembly.count_frame();
        self.stage = Stage::Payload(OpenFrame::new(header));
    }

    /// Appends the available payload of a data frame to the assembly. Returns `true` at the end of
    /// the message.
    fn append(&mut self, frame: OpenFrame) -> Result<bool, Stop> {
        let input = self.block.unread();
        let len = frame.len_in(input.len());
        let payload = input.get(..len).unwrap_or_default();
        self.assembly.append(payload, frame.key, frame.remaining)?;
        self.counters.payload(len);
        self.block.consume(len);
        self.end_of_payload(frame.after(len))
    }

    /// Moves to the next stage after payload has been appended. Returns `true` at the end of the
    /// message.
    pub(super) fn end_of_payload(&mut self, frame: OpenFrame) -> Result<bool, Stop> {
        if frame.remaining > 0 {
            self.stage = Stage::Payload(frame);
            self.block.expect(frame.remaining);
            return Err(Stop::NeedInput);
        }
        if !frame.fin {
            self.stage = Stage::Frame;
            return Ok(false);
        }
        self.assembly.finish()?;
        self.stage = Stage::Assembled;
        self.message = Location::Assembled;
        self.counters.message(self.is_compressed());
        Ok(true)
    }

    /// Copies the rest of the input out of the block.
    pub(super) fn absorb(&mut self) -> Result<(), Stop> {
        match self.stage {
            Stage::Header(header) if !header.opcode.is_control() => {
                self.open_frame(&header);
                self.append(OpenFrame::new(&header)).map(drop)
            }
            Stage::Between | Stage::Frame | Stage::Header(_) if !self.block.unread().is_empty() => {
                self.partial.extend_from_slice(self.block.unread());
                if matches!(self.stage, Stage::Between) {
                    self.stage = Stage::Frame;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Drops an assembled message, but keeps its memory.
    pub(super) fn forget_assembled(&mut self) {
        if matches!(self.stage, Stage::Assembled) {
            self.assembly.forget_finished();
            self.message = Location::None;
            self.stage = Stage::Between;
        }
    }

    /// Ends the effect of [`hold`](Self::hold). The bytes of the message stay where they are until
    /// the next step.
    #[inline]
    pub(super) fn leave_held(&mut self) {
        if let Stage::Held | Stage::HeldPiece { .. } = self.stage {
            self.stage = Stage::Assembled;
        }
    }

    /// Checks the limits before any payload is stored.
    fn check_limits(&mut self, header: &FrameHeader) -> Result<(), LimitError> {
        if self.is_compressed() {
            self.check_compressed(header)?;
        } else {
            self.check_lengths(header)?;
        }
        if header.opcode == OpCode::Continuation && self.assembly.frames() >= MAX_FRAGMENTS {
            return Err(LimitError::TooManyFragments);
        }
        Ok(())
    }

    /// Checks the limits on an uncompressed message.
    fn check_lengths(&self, header: &FrameHeader) -> Result<(), LimitError> {
        let len = header.payload_len;
        let limit = self.max_frame_len;
        if len > limit as u64 {
            return Err(LimitError::FrameTooLong { len, limit });
        }
        let len = len.saturating_add(self.assembly.len() as u64);
        let limit = self.max_message_len;
        if len > limit as u64 {
            return Err(LimitError::MessageTooLong { len, limit });
        }
        Ok(())
    }
}

/// Unmasks and parses the payload of the control frame with this header.
pub(super) fn read_control(
    header: &FrameHeader,
    payload: &mut [u8],
) -> Result<Control, ProtocolError> {
    if let Some(key) = header.mask {
        key.apply(payload);
    }
    let copy =
        |payload: &[u8]| ControlPayload::new(payload).map_err(|_| ProtocolError::ControlTooLong);
    Ok(match header.opcode {
        OpCode::Ping => Control::Ping(copy(payload)?),
        OpCode::Pong => Control::Pong(copy(payload)?),
        OpCode::Close | OpCode::Continuation | OpCode::Text | OpCode::Binary => {
            Control::Close(CloseFrame::parse(payload)?)
        }
    })
}

/// Returns the kind of the message if the frame is a whole message. A continuation never is.
#[inline]
fn whole_message(header: &FrameHeader) -> Option<MessageKind> {
    match header.opcode {
        OpCode::Text if header.fin => Some(MessageKind::Text),
        OpCode::Binary if header.fin => Some(MessageKind::Binary),
        _ => None,
    }
}
