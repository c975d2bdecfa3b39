//! Reads what a testee sends, and what it does wrong.
//!
//! Violations do not end the reading: what is left of an illegal frame is read as what it seems to
//! be, so that the testee's Close behind it is still found.

use std::collections::VecDeque;

use super::header::{Header, header_len, parse_header};
use super::utf8::Utf8;
use super::{Violation, apply_mask};
use crate::deflate::{BeyondWindow, Inflater, Undecodable};
use crate::role::Role;

/// Messages end here: four times what any case sends.
const MAX_MESSAGE: usize = 64 * 1024 * 1024;
/// What of a frame is kept for the wire log.
pub(crate) const HEAD: usize = 64;

/// Something that was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// A rule was broken.
    Violation(Violation),
    /// A compressed message is fine but for a rule that the original does not enforce.
    BeyondWindow(BeyondWindow),
    /// A compressed message cannot be read.
    Undecodable(Undecodable),
    /// A frame is complete. What it means follows.
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

/// Takes bytes apart into frames and messages.
#[derive(Debug)]
pub(crate) struct Reader {
    testee: Role,
    /// Bytes of an incomplete header.
    header: Vec<u8>,
    frame: Option<Frame>,
    message: Option<Message>,
    /// Present if compression was agreed on.
    inflater: Option<Inflater>,
}

#[derive(Debug)]
struct Frame {
    header: Header,
    read: u64,
    head: Vec<u8>,
    /// The whole payload, of control frames; of compressed ones, what is to be inflated.
    control: Vec<u8>,
}

#[derive(Debug)]
struct Message {
    binary: bool,
    compressed: bool,
    /// What arrived, inflated if it was compressed.
    payload: Vec<u8>,
    /// Present while the message is a text and valid.
    utf8: Option<Utf8>,
    overlong: bool,
}

impl Reader {
    /// A reader for what the testee sends, which plays this part.
    pub(crate) fn new(testee: Role) -> Self {
        Self {
            testee,
            header: Vec::new(),
            frame: None,
            message: None,
            inflater: None,
        }
    }

    /// Messages may be compressed.
    pub(crate) fn inflate_with(&mut self, inflater: Inflater) {
        self.inflater = Some(inflater);
    }

    /// Reads one header, or the bytes that are there of one payload, and appends what they mean
    /// to `out`. Returns false when the input is used up and nothing more follows from it.
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
            self.message = Some(Message::new(header.opcode, compressed));
        }
        self.frame = Some(Frame {
            header,
            read: 0,
            head: Vec::new(),
            control: Vec::new(),
        });
        true
    }

    /// Whether `len` bytes of a header are there.
    fn fill_header(&mut self, len: usize, input: &mut &[u8]) -> bool {
        let missing = len.saturating_sub(self.header.len());
        let (taken, rest) = input.split_at(missing.min(input.len()));
        self.header.extend_from_slice(taken);
        *input = rest;
        self.header.len() >= len
    }

    /// Whether RSV1 alone is set, and means what RFC 7692 says.
    fn has_compression(&self, header: &Header) -> bool {
        self.inflater.is_some() && header.rsv == 4
    }

    /// `form` is what the header has where short lengths stand.
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

    fn read_payload(&mut self, mut frame: Frame, input: &mut &[u8], out: &mut VecDeque<Received>) {
        let missing = frame.header.payload_len - frame.read;
        let count = usize::try_from(missing).map_or(input.len(), |n| n.min(input.len()));
        let (piece, rest) = input.split_at(count);
        *input = rest;
        let offset = (frame.read % 4) as usize;
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

    fn end_frame(&mut self, frame: Frame, out: &mut VecDeque<Received>) {
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
        // As in the original, an invalid text breaks the rule once more with its end. The second
        // violation ends TCP.
        if !message.binary && !message.utf8.is_some_and(|utf8| utf8.may_end()) {
            out.push_back(Received::Violation(Violation::InvalidText));
        }
        out.push_back(Received::Message {
            binary: message.binary,
            payload: message.payload,
        });
    }
}

impl Frame {
    /// An illegal control frame can announce any length: what of it is longer than any message
    /// is forgotten.
    fn bound_control(&mut self) {
        self.control.truncate(MAX_MESSAGE);
    }
}

impl Message {
    fn new(opcode: u8, compressed: bool) -> Self {
        Self {
            binary: opcode != 1,
            compressed,
            payload: Vec::new(),
            utf8: (opcode == 1).then(Utf8::default),
            overlong: false,
        }
    }

    /// Takes a compressed piece. What is inflated ends where the message is longer than any.
    fn inflate(&mut self, inflater: &mut Inflater, piece: &mut Vec<u8>) -> Option<Received> {
        let inflated = inflater.push(piece, &mut self.payload, MAX_MESSAGE + 1);
        piece.clear();
        inflated.err().map(Received::Undecodable)
    }

    /// Judges the bytes that have arrived from `start` on. They break a rule only once.
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

/// `form` is what the header has where short lengths stand.
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
