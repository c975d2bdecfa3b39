//! The reader of a testee's frames, which also finds violations.
//!
//! Reading continues after violations. An invalid frame is read as its header describes it, so that
//! the testee's Close after it is found.

use std::collections::VecDeque;

use super::header::{Header, header_len, parse_header};
use super::utf8::Utf8;
use super::{Violation, apply_mask};
use crate::deflate::{BeyondWindow, Inflater, Undecodable};
use crate::role::Role;

/// The longest message: four times the longest of any case.
const MAX_MESSAGE: usize = 64 * 1024 * 1024;
/// The first bytes of a frame that the wire log stores.
pub(crate) const HEAD: usize = 64;

/// An item that was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// A rule was broken.
    Violation(Violation),
    /// A compressed message breaks only a rule that the original does not enforce.
    BeyondWindow(BeyondWindow),
    /// A compressed message cannot be inflated.
    Undecodable(Undecodable),
    /// A frame is complete. Its content follows.
    Frame {
        header: Header,
        /// The first bytes of its payload, unmasked.
        head: Vec<u8>,
    },
    /// A message is complete.
    Message { binary: bool, payload: Vec<u8> },
    /// A Ping with this payload.
    Ping(Vec<u8>),
    /// A Pong with this payload.
    Pong(Vec<u8>),
    /// A Close with this payload.
    Close(Vec<u8>),
}

/// Splits bytes into frames and messages.
#[derive(Debug)]
pub(crate) struct Reader {
    testee: Role,
    /// Bytes of an incomplete header.
    header: Vec<u8>,
    frame: Option<OpenFrame>,
    message: Option<OpenMessage>,
    /// Present if compression was agreed.
    inflater: Option<Inflater>,
}

#[derive(Debug)]
struct OpenFrame {
    header: Header,
    read: u64,
    head: Vec<u8>,
    /// The whole payload of a control frame; the bytes to inflate of a compressed frame.
    control: Vec<u8>,
}

#[derive(Debug)]
struct OpenMessage {
    binary: bool,
    compressed: bool,
    /// The received bytes, inflated if they were compressed.
    payload: Vec<u8>,
    /// Present while the message is a valid text.
    utf8: Option<Utf8>,
    overlong: bool,
}

impl Reader {
    /// Creates a reader for the frames of a testee with this role.
    pub(crate) fn new(testee: Role) -> Self {
        Self {
            testee,
            header: Vec::new(),
            frame: None,
            message: None,
            inflater: None,
        }
    }

    /// Allows compressed messages.
    pub(crate) fn inflate_with(&mut self, inflater: Inflater) {
        self.inflater = Some(inflater);
    }

    /// Reads one header, or the available bytes of one payload, and appends the items to `out`.
    /// Returns `false` when the input is used up and no item follows from it.
    pub(crate) fn step(&mut self, input: &mut &[u8], out: &mut VecDeque<Received>) -> bool {
        match self.frame.take() {
            None => self.read_header(input, out),
            Some(frame) if input.is_empty() && frame.read < frame.header.payload_len => {
                self.frame = Some(frame);
                false
            }
            Some(frame) => {
                self.read_payload(frame, input, out);
                true
            }
        }
    }

    fn read_header(&mut self, input: &mut &[u8], out: &mut VecDeque<Received>) -> bool {
        if !self.fill_header(2, input) {
            return false;
        }
        let len = header_len(self.header[1]);
        if !self.fill_header(len, input) {
            return false;
        }
        let header = parse_header(&self.header);
        let long_form = self.header[1] & 0x7f;
        self.header.clear();
        let violations = self.judge_header(&header, long_form).into_iter();
        let length = judge_length(long_form, header.payload_len);
        out.extend(violations.chain(length).map(Received::Violation));
        if !header.is_control() && self.message.is_none() {
            let compressed = self.has_compression(&header);
            if let Some(inflater) = self.inflater.as_mut().filter(|_| compressed) {
                inflater.begin();
            }
            self.message = Some(OpenMessage::new(header.opcode, compressed));
        }
        self.frame = Some(OpenFrame {
            header,
            read: 0,
            head: Vec::new(),
            control: Vec::new(),
        });
        true
    }

    /// Returns `true` if `len` bytes of a header are present.
    fn fill_header(&mut self, len: usize, input: &mut &[u8]) -> bool {
        let missing = len.saturating_sub(self.header.len());
        let (taken, rest) = input.split_at(missing.min(input.len()));
        self.header.extend_from_slice(taken);
        *input = rest;
        self.header.len() >= len
    }

    /// Returns `true` if RSV1 alone is set, and has its meaning of RFC 7692.
    fn has_compression(&self, header: &Header) -> bool {
        self.inflater.is_some() && header.rsv == 4
    }

    /// Returns the violations in a header. `form` is its field for short lengths.
    fn judge_header(&self, header: &Header, form: u8) -> Vec<Violation> {
        let in_message = self.message.is_some();
        let masked = header.key.is_some();
        let control = header.is_control();
        let compressed = self.has_compression(header);
        let rules = [
            (
                header.rsv != 0 && !compressed,
                Violation::ReservedBits(header.rsv),
            ),
            (self.testee == Role::Client && !masked, Violation::NotMasked),
            (self.testee == Role::Server && masked, Violation::Masked),
            (control && !header.fin, Violation::FragmentedControl),
            (control && form > 125, Violation::LongControl),
            (
                matches!(header.opcode, 3..=7 | 11..=15),
                Violation::ReservedOpcode(header.opcode),
            ),
            (
                header.opcode == 8 && header.payload_len == 1,
                Violation::OneByteClose,
            ),
            (
                header.opcode == 0 && !in_message,
                Violation::StrayContinuation,
            ),
            (
                !control && header.opcode != 0 && in_message,
                Violation::UnfinishedMessage,
            ),
            (compressed && control, Violation::CompressedControl),
            (
                compressed && !control && in_message,
                Violation::CompressedContinuation,
            ),
        ];
        let broken = rules.into_iter().filter(|(broken, _)| *broken);
        broken.map(|(_, violation)| violation).collect()
    }

    fn read_payload(
        &mut self,
        mut frame: OpenFrame,
        input: &mut &[u8],
        out: &mut VecDeque<Received>,
    ) {
        let missing = frame.header.payload_len - frame.read;
        let count = usize::try_from(missing).map_or(input.len(), |n| n.min(input.len()));
        let (piece, rest) = input.split_at(count);
        *input = rest;
        let offset = frame.read as usize;
        let place = match &mut self.message {
            Some(message) if !frame.header.is_control() && !message.compressed => {
                &mut message.payload
            }
            _ => &mut frame.control,
        };
        let start = place.len();
        place.extend_from_slice(piece);
        if let Some(key) = frame.header.key {
            apply_mask(&mut place[start..], key, offset);
        }
        let wanted = (HEAD - frame.head.len()).min(count);
        frame.head.extend_from_slice(&place[start..start + wanted]);
        frame.read += count as u64;
        if let Some(message) = &mut self.message
            && !frame.header.is_control()
        {
            let start = match &mut self.inflater {
                Some(inflater) if message.compressed => {
                    let start = message.payload.len();
                    out.extend(message.inflate(inflater, &mut frame.control));
                    start
                }
                _ => start,
            };
            out.extend(message.judge_piece(start).map(Received::Violation));
        }
        if frame.read == frame.header.payload_len {
            self.end_frame(frame, out);
        } else {
            frame.bound_control();
            self.frame = Some(frame);
        }
    }

    fn end_frame(&mut self, frame: OpenFrame, out: &mut VecDeque<Received>) {
        let header = frame.header;
        let head = frame.head;
        out.push_back(Received::Frame { header, head });
        match header.opcode {
            8 => out.push_back(Received::Close(frame.control)),
            9 => out.push_back(Received::Ping(frame.control)),
            10 => out.push_back(Received::Pong(frame.control)),
            11.. => {}
            0..=7 if header.fin => self.end_message(out),
            0..=7 => {}
        }
    }

    fn end_message(&mut self, out: &mut VecDeque<Received>) {
        let Some(mut message) = self.message.take() else {
            return;
        };
        if let Some(inflater) = self.inflater.as_mut().filter(|_| message.compressed) {
            match inflater.end(&mut message.payload, MAX_MESSAGE) {
                Ok(beyond) => out.extend(beyond.map(Received::BeyondWindow)),
                Err(error) => out.push_back(Received::Undecodable(error)),
            }
        }
        // As in the original, the end of an invalid text is a second violation, which ends TCP.
        if !message.binary && !message.utf8.is_some_and(|utf8| utf8.may_end()) {
            out.push_back(Received::Violation(Violation::InvalidText));
        }
        out.push_back(Received::Message {
            binary: message.binary,
            payload: message.payload,
        });
    }
}

impl OpenFrame {
    /// Drops bytes beyond the longest message, because an invalid control frame can announce any
    /// length.
    fn bound_control(&mut self) {
        self.control.truncate(MAX_MESSAGE);
    }
}

impl OpenMessage {
    fn new(opcode: u8, compressed: bool) -> Self {
        Self {
            binary: opcode != 1,
            compressed,
            payload: Vec::new(),
            utf8: (opcode == 1).then(Utf8::default),
            overlong: false,
        }
    }

    /// Inflates a compressed piece, up to the longest message.
    fn inflate(&mut self, inflater: &mut Inflater, piece: &mut Vec<u8>) -> Option<Received> {
        let inflated = inflater.push(piece, &mut self.payload, MAX_MESSAGE + 1);
        piece.clear();
        inflated.err().map(Received::Undecodable)
    }

    /// Judges the bytes that have arrived from `start` on. Reports a violation only once.
    fn judge_piece(&mut self, start: usize) -> Option<Violation> {
        if let Some(utf8) = &mut self.utf8
            && utf8.validate(&self.payload[start..]).is_err()
        {
            self.utf8 = None;
            return Some(Violation::InvalidText);
        }
        if self.payload.len() > MAX_MESSAGE {
            self.payload.truncate(MAX_MESSAGE);
            let first = !std::mem::replace(&mut self.overlong, true);
            return first.then_some(Violation::EndlessMessage);
        }
        None
    }
}

/// Returns the violation in a length. `form` is the header's field for short lengths.
fn judge_length(form: u8, len: u64) -> Option<Violation> {
    match form {
        126 if len < 126 => Some(Violation::LongLengthForm(len)),
        127 if len < 65_536 => Some(Violation::LongLengthForm(len)),
        127 if len > i64::MAX as u64 => Some(Violation::HugeLength(len)),
        _ => None,
    }
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
