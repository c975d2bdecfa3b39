//! Looking ahead: answers control frames that follow messages which no task receives yet.
//!
//! A look ahead removes only control frames before the first message from the input, and only if
//! they need not be kept ([`RecvHalf::keep_controls`]). A control frame that stays is answered
//! once: the step that reaches this frame returns it without another answer.

use alloc::boxed::Box;

use super::block::Location;
use super::frames::{OpenFrame, Stage, read_control};
use super::{RecvHalf, RecvLending, Step, Stop};
use crate::control::{Control, MAX_CONTROL_LEN};
use crate::header::{FrameHeader, HeaderRules, MAX_HEADER_LEN};
use crate::opcode::OpCode;
use crate::send::SendHalf;

/// The result of a look ahead: see [`RecvHalf::look_ahead`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum LookAhead {
    /// A control frame before the first message was removed and answered: look again.
    Control(Control),
    /// All input was examined: read more into [`RecvLending::spare_ahead`].
    NeedInput,
    /// The next frame can only be examined after the frames before it have been received. For
    /// example, they leave no room for it, or it is a Close.
    Full,
    /// The connection has ended, for example because the peer sent a Close or broke a rule. Further
    /// input is ignored.
    Ended,
}

/// The progress of looking ahead.
pub(super) struct Ahead {
    /// The number of control frames that were answered and that no step has reached.
    answered: u32,
    /// The offset of the input in the block for which `at` is valid.
    from: usize,
    /// The offset of the next header to examine, counted from the start of the input.
    at: usize,
    /// `true` if a fragmented message is open before the header at `at`.
    message_open: bool,
}

/// The reason why a look ahead stopped.
enum Halt {
    NeedInput,
    Full,
}

/// A value of `from` that matches no input.
const VOID: usize = usize::MAX;

impl RecvHalf {
    /// Answers the control frames that have arrived. The messages before and between them stay in
    /// the input for the next step.
    ///
    /// This is for callers that send for a long time without receiving. A Ping is found anywhere in
    /// the block. A Close is found only if no message precedes it. A violation after a message is
    /// reported by the step that reaches it.
    pub fn look_ahead(&mut self, send: &mut SendHalf) -> LookAhead {
        if send.has_ended() {
            return LookAhead::Ended;
        }
        if !matches!(self.stage, Stage::Held | Stage::HeldPiece { .. }) {
            // The input is about to move, so the message becomes invalid.
            self.message = Location::None;
            self.forget_assembled();
        }
        let payload = match self.stage {
            Stage::Held | Stage::HeldPiece { .. } => None,
            Stage::Payload(frame) => Some(frame),
            _ if self.front_stays() => None,
            _ => match self.data_header() {
                Ok(header) => Some(OpenFrame::new(&header)),
                Err(Stop::Control(header)) if self.can_keep(&header) => {
                    self.note_heard(send);
                    return self.answer_begun(&header, send);
                }
                Err(stop) => {
                    return match self.conclude::<()>(send, Err(stop)) {
                        Step::Control(control) => LookAhead::Control(control),
                        Step::NeedInput => LookAhead::NeedInput,
                        Step::Ended | Step::Found(()) | Step::Busy => LookAhead::Ended,
                    };
                }
            },
        };
        self.note_heard(send);
        self.look_behind(payload, send)
    }

    /// Makes later looks ahead leave control frames in the input. Each control frame is answered
    /// without being removed, and the step that reaches this frame returns it.
    /// [`Config::manual_pongs`](crate::Config::manual_pongs) does the same.
    pub fn keep_controls(&mut self) {
        self.keeps_controls = true;
    }

    /// Returns `true` if the next frame, complete or not, stays in the input.
    fn front_stays(&self) -> bool {
        let is_untouched =
            matches!(self.stage, Stage::Between | Stage::Frame) && self.partial.is_empty();
        match FrameHeader::parse(self.block.unread(), &self.rules()) {
            Ok(Some((header, _))) if is_untouched => match header.opcode {
                OpCode::Text | OpCode::Binary | OpCode::Continuation => true,
                OpCode::Ping | OpCode::Pong => self.keeps_controls,
                // Frames after a Close are ignored, so the Close need not stay.
                OpCode::Close => false,
            },
            _ => false,
        }
    }

    /// Returns the control frame whose header has been used and whose payload comes next.
    fn begun_control(&self, header: &FrameHeader) -> Option<Control> {
        let input = self.block.unread();
        let input = input.get(..MAX_CONTROL_LEN).unwrap_or(input);
        copied_control(header, &[&self.partial, input].concat())
    }

    /// Returns `true` if the control frame with this header is left in the input for a step. A
    /// frame that breaks a rule is not left.
    fn can_keep(&self, header: &FrameHeader) -> bool {
        self.keeps_controls && self.begun_control(header).is_some()
    }

    /// Answers the control frame whose header has been used. Later frames are examined only after a
    /// step has taken this control frame.
    fn answer_begun(&mut self, header: &FrameHeader, send: &mut SendHalf) -> LookAhead {
        let control = self.begun_control(header);
        let ahead = self.ahead.get_or_insert_with(|| Ahead::new().into());
        if let Some(control) = control
            && ahead.answered == 0
        {
            ahead.answered = 1;
            send.respond(&control);
        }
        match send.has_ended() {
            true => LookAhead::Ended,
            false => LookAhead::Full,
        }
    }

    /// Examines the frames that follow `payload`. The input begins with the rest of that payload.
    fn look_behind(&mut self, payload: Option<OpenFrame>, send: &mut SendHalf) -> LookAhead {
        let start = self.block.start();
        let mut ahead = self.ahead.take().unwrap_or_else(|| Ahead::new().into());
        let mut known = 0;
        if ahead.from != start {
            match ahead.from.checked_add(ahead.at) {
                // The position stays valid after a message has been received. Otherwise a caller
                // that looks ahead before each message would examine the whole input each time.
                Some(next) if ahead.from != VOID && next >= start => {
                    ahead.at = next.saturating_sub(start);
                }
                _ => {
                    known = ahead.answered;
                    ahead.at = payload.map_or(0, |frame| frame.len_in(usize::MAX));
                    ahead.message_open =
                        payload.map_or(self.rules().message_open, |frame| !frame.fin);
                }
            }
            ahead.from = start;
        }
        let is_full = loop {
            match self.answer_next(&mut ahead, &mut known, send) {
                Ok(()) => {}
                Err(Halt::NeedInput) => break !self.can_read_ahead(),
                Err(Halt::Full) => break true,
            }
        };
        self.ahead = Some(ahead);
        match is_full {
            true => LookAhead::Full,
            false => LookAhead::NeedInput,
        }
    }

    /// Examines the next frame and skips it. Handles a Ping or Pong, but not the first `known` of
    /// them, which an earlier look ahead has handled. Stops before a Close.
    fn answer_next(
        &self,
        ahead: &mut Ahead,
        known: &mut u32,
        send: &mut SendHalf,
    ) -> Result<(), Halt> {
        let room = self.block.room_ahead();
        if ahead.at.saturating_add(MAX_HEADER_LEN) > room {
            return Err(Halt::Full);
        }
        let rules = HeaderRules {
            message_open: ahead.message_open,
            ..self.rules()
        };
        let input = self.block.unread().get(ahead.at..).unwrap_or_default();
        // A violation is reported by the step that reaches the frame.
        let parsed = FrameHeader::parse(input, &rules).map_err(|_| Halt::Full)?;
        let (header, len) = parsed.ok_or(Halt::NeedInput)?;
        let payload_len = OpenFrame::new(&header).len_in(usize::MAX);
        let frame_len = len.saturating_add(payload_len);
        if input.len() < frame_len {
            return Err(match ahead.at.saturating_add(frame_len) > room {
                true => Halt::Full,
                false => Halt::NeedInput,
            });
        }
        if !header.opcode.is_control() {
            ahead.message_open = !header.fin;
        } else if *known > 0 {
            *known = known.saturating_sub(1);
        } else {
            let control = copied_control(&header, input.get(len..).unwrap_or_default());
            // A Close is left for a step. Otherwise the caller could not answer the messages before
            // it.
            let control = control
                .filter(|control| !matches!(control, Control::Close(_)))
                .ok_or(Halt::Full)?;
            send.respond(&control);
            ahead.answered = ahead.answered.saturating_add(1);
        }
        ahead.at = ahead.at.saturating_add(frame_len);
        Ok(())
    }

    /// Returns `true` if more can be read without moving a held message.
    fn can_read_ahead(&self) -> bool {
        !matches!(self.stage, Stage::Held | Stage::HeldPiece { .. })
            || !matches!(self.message, Location::Block(..) | Location::Chunk(_))
    }

    /// Records that a step has reached a control frame. Returns `true` if a look ahead has already
    /// answered this frame.
    pub(super) fn take_answered(&mut self) -> bool {
        match &mut self.ahead {
            Some(ahead) if ahead.answered > 0 => {
                ahead.answered = ahead.answered.saturating_sub(1);
                true
            }
            _ => false,
        }
    }

    /// Invalidates the position, because the input moves or is replaced. The next look ahead begins
    /// at the start of the input.
    #[inline]
    pub(super) fn void_ahead(&mut self) {
        if let Some(ahead) = &mut self.ahead {
            ahead.from = VOID;
            if ahead.answered == 0 {
                self.ahead = None;
            }
        }
    }
}

impl RecvLending<'_> {
    /// Does the same as [`lend`](Self::lend), but keeps the message that is to be received next.
    pub fn lend_ahead(&mut self, block: Box<[u8]>) -> Box<[u8]> {
        self.0.moving(|half| half.block.lend(block))
    }

    /// Does the same as [`RecvHalf::spare`], but keeps the message that is to be received next.
    /// Call it when a look ahead [needs input](LookAhead::NeedInput).
    pub fn spare_ahead(&mut self) -> &mut [u8] {
        self.0.moving(|half| {
            half.block.spare();
        });
        self.0.block.spare()
    }

    /// Does the same as [`settle`](Self::settle) after a look ahead. The message that is to be
    /// received next moves to memory of exactly its length.
    pub fn settle_ahead(&mut self) -> Option<Box<[u8]>> {
        self.0.moving(|half| half.block.settle(&mut half.message))
    }
}

impl RecvHalf {
    /// Moves the input and keeps the position of the look ahead valid.
    fn moving<R>(&mut self, act: impl FnOnce(&mut Self) -> R) -> R {
        let before = self.block.start();
        let result = act(self);
        let after = self.block.start();
        if let Some(ahead) = &mut self.ahead {
            ahead.from = match ahead.from == before {
                true => after,
                false => VOID,
            };
        }
        result
    }
}

impl Ahead {
    fn new() -> Self {
        Self {
            answered: 0,
            from: VOID,
            at: 0,
            message_open: false,
        }
    }
}

/// Returns the control frame with this header whose payload is at the start of `input`. The input
/// is not changed.
fn copied_control(header: &FrameHeader, input: &[u8]) -> Option<Control> {
    let len = header.payload_len as usize;
    let mut payload = [0; MAX_CONTROL_LEN];
    let payload = payload.get_mut(..len)?;
    payload.copy_from_slice(input.get(..len)?);
    read_control(header, payload).ok()
}
