//! Looking ahead: answers control frames that lie behind messages which nobody receives yet.
//!
//! Nothing is used up but control frames in front of every message, and those only if nobody wants to receive them. A
//! control frame that stays is answered once: when a step comes to it, it is only passed on.

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
    /// A control frame in front of every message was used up and answered: look again.
    Control(Control),
    /// All input was looked at: read more into [`RecvLending::spare_ahead`].
    NeedInput,
    /// The next frame is seen when what is before it has been received: that leaves no room for it, or it is a Close.
    Full,
    /// Nothing counts that arrives behind the input which is there: the peer closed the connection or broke the protocol.
    Ended,
}

/// How far the input has been looked at.
pub(super) struct Ahead {
    /// Control frames that were answered and that no step has come to.
    answered: u32,
    /// The start of the input when `at` was counted.
    from: usize,
    /// The next header, counted from the start of the input.
    at: usize,
    /// A fragmented message is open there.
    message_open: bool,
}

/// Why a look stopped.
enum Halt {
    NeedInput,
    Full,
}

/// No start of any input.
const VOID: usize = usize::MAX;

impl RecvHalf {
    /// Answers the control frames that have arrived, and leaves the messages before and between them for the next step.
    ///
    /// For callers that send for long and do not receive meanwhile. It sees a Ping as far as the block reaches, and a
    /// Close if no message is in front of it. What breaks a rule behind a message is found when a step comes to it.
    pub fn look_ahead(&mut self, send: &mut SendHalf) -> LookAhead {
        if send.has_ended() {
            return LookAhead::Ended;
        }
        if !matches!(self.stage, Stage::Held | Stage::HeldPiece { .. }) {
            // The input is about to move, and it with it.
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

    /// From here on a look ahead uses up no control frame: each is answered where it is, and left for the step that comes
    /// to it. [`Config::manual_pongs`](crate::Config::manual_pongs) does the same.
    pub fn keep_controls(&mut self) {
        self.keeps_controls = true;
    }

    /// Tells whether the next frame is left where it is, whole or not.
    fn front_stays(&self) -> bool {
        let is_untouched =
            matches!(self.stage, Stage::Between | Stage::Frame) && self.partial.is_empty();
        match FrameHeader::parse(self.block.unread(), &self.rules()) {
            Ok(Some((header, _))) if is_untouched => match header.opcode {
                OpCode::Text | OpCode::Binary | OpCode::Continuation => true,
                OpCode::Ping | OpCode::Pong => self.keeps_controls,
                // Nobody looks behind it.
                OpCode::Close => false,
            },
            _ => false,
        }
    }

    /// The control frame of which the header was used up and the payload comes next.
    fn begun_control(&self, header: &FrameHeader) -> Option<Control> {
        let input = self.block.unread();
        let input = input.get(..MAX_CONTROL_LEN).unwrap_or(input);
        copied_control(header, &[&self.partial, input].concat())
    }

    /// Tells whether this control frame, which comes next, is left for a step: one that breaks a rule is not.
    fn can_keep(&self, header: &FrameHeader) -> bool {
        self.keeps_controls && self.begun_control(header).is_some()
    }

    /// Answers the control frame of which the header was used up. What is behind it is seen when a step has taken it.
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

    /// Looks at the frames behind this payload, which is the next input.
    fn look_behind(&mut self, payload: Option<OpenFrame>, send: &mut SendHalf) -> LookAhead {
        let start = self.block.start();
        let mut ahead = self.ahead.take().unwrap_or_else(|| Ahead::new().into());
        let mut known = 0;
        if ahead.from != start {
            match ahead.from.checked_add(ahead.at) {
                // Or one message after another, each with a look before it, would cost a look at all that is there.
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

    /// Goes behind the next frame, and answers it if it is a Ping or Pong, but the first that are `known`.
    fn answer_next(
        &self,
        ahead: &mut Ahead,
        known: &mut u32,
        send: &mut SendHalf,
    ) -> Result<(), Halt> {
        let room = self.block.wanted_len();
        if ahead.at.saturating_add(MAX_HEADER_LEN) > room {
            return Err(Halt::Full);
        }
        let rules = HeaderRules {
            message_open: ahead.message_open,
            ..self.rules()
        };
        let input = self.block.unread().get(ahead.at..).unwrap_or_default();
        // What is wrong with a frame is reported by the step that comes to it.
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
            // Whoever receives and answers the messages before a Close is to come to it with the last of them.
            let control = control
                .filter(|control| !matches!(control, Control::Close(_)))
                .ok_or(Halt::Full)?;
            send.respond(&control);
            ahead.answered = ahead.answered.saturating_add(1);
        }
        ahead.at = ahead.at.saturating_add(frame_len);
        Ok(())
    }

    /// Tells whether more can be read without moving a message that somebody is to find again.
    fn can_read_ahead(&self) -> bool {
        !matches!(self.stage, Stage::Held | Stage::HeldPiece { .. })
            || !matches!(self.message, Location::Block(..) | Location::Chunk(_))
    }

    /// Tells whether the control frame that a step has come to was answered before.
    pub(super) fn was_answered(&mut self) -> bool {
        match &mut self.ahead {
            Some(ahead) if ahead.answered > 0 => {
                ahead.answered = ahead.answered.saturating_sub(1);
                true
            }
            _ => false,
        }
    }

    /// The input moves or is read on from elsewhere: the next look begins anew.
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
    /// As [`lend`](Self::lend), but nothing that waits to be received is given up.
    pub fn lend_ahead(&mut self, block: Box<[u8]>) -> Box<[u8]> {
        self.0.moving(|half| half.block.lend(block))
    }

    /// As [`RecvHalf::spare`], but nothing that waits to be received is given up. Call it when a look ahead
    /// [needs input](LookAhead::NeedInput).
    pub fn spare_ahead(&mut self) -> &mut [u8] {
        self.0.moving(|half| {
            half.block.spare();
        });
        self.0.block.spare()
    }

    /// As [`settle`](Self::settle), after a look ahead: what waits to be received moves to memory of its size.
    pub fn settle_ahead(&mut self) -> Option<Box<[u8]>> {
        self.0.moving(|half| half.block.settle(&mut half.message))
    }
}

impl RecvHalf {
    /// Moves the input, of which the look ahead goes on.
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

/// The control frame with this header, without a change to its payload, which begins `input`.
fn copied_control(header: &FrameHeader, input: &[u8]) -> Option<Control> {
    let len = header.payload_len as usize;
    let mut payload = [0; MAX_CONTROL_LEN];
    let payload = payload.get_mut(..len)?;
    payload.copy_from_slice(input.get(..len)?);
    read_control(header, payload).ok()
}
