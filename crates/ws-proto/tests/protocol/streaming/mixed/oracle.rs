//! The expected result of each call. It follows from the script and from the number of bytes that
//! have arrived.

use ws_proto::{MessageKind, ReceiveError};

use super::script::{Fault, Script, Scripted};
use crate::streaming::{INVALID_UTF8, RESERVED_BITS};
use crate::support::{CLOSE, Seen, TEXT};

#[derive(Clone)]
pub(super) struct Oracle<'a> {
    pub(super) script: &'a Script,
    pub(super) arrived: usize,
    /// The number of the next frame. A part of its payload may have been received as pieces.
    pub(super) frame: usize,
    /// The length of the received part of this payload.
    passed: usize,
    /// The opcode and the start of the message that is being assembled.
    open: Option<(u8, Vec<u8>)>,
    /// The assembled bytes that have not been returned as pieces yet. `None` if no message is being
    /// received in pieces.
    pub(super) stream: Option<Vec<u8>>,
    pub(super) closed: bool,
}

impl<'a> Oracle<'a> {
    pub(super) fn new(script: &'a Script) -> Self {
        Oracle {
            script,
            arrived: 0,
            frame: 0,
            passed: 0,
            open: None,
            stream: None,
            closed: false,
        }
    }

    fn current(&self) -> Option<&'a Scripted> {
        self.script.frames.get(self.frame)
    }

    /// Returns `true` if the whole frame has arrived.
    fn has_arrived(&self, frame: &Scripted) -> bool {
        frame.end <= self.arrived
    }

    /// Returns `true` if the header of the frame has arrived.
    fn header_has_arrived(&self, frame: &Scripted) -> bool {
        frame.start <= self.arrived
    }

    fn next(&mut self) {
        self.frame += 1;
        self.passed = 0;
    }

    /// Takes the next frame if it is a control frame and has arrived.
    pub(super) fn control(&mut self) -> Option<Seen> {
        let frame = self.current().filter(|frame| frame.is_control())?;
        if !self.has_arrived(frame) {
            return None;
        }
        self.next();
        let payload = frame.payload.clone();
        Some(match frame.first & 0xf {
            CLOSE => {
                self.closed = true;
                Seen::Close(Some((1000, String::new())))
            }
            opcode => Seen::new(opcode, payload),
        })
    }

    /// Returns the bytes that can be received in pieces now.
    pub(super) fn available(&self) -> Vec<u8> {
        let Some(prefix) = &self.stream else {
            return Vec::new();
        };
        let mut bytes = prefix.clone();
        for (n, frame) in self.script.frames.iter().enumerate().skip(self.frame) {
            if frame.is_control() || !self.header_has_arrived(frame) {
                break;
            }
            let from = if n == self.frame { self.passed } else { 0 };
            let to = frame.payload.len().min(self.arrived - frame.start);
            bytes.extend_from_slice(&frame.payload[from..to]);
            if frame.is_final() || to < frame.payload.len() {
                break;
            }
        }
        bytes
    }

    /// Moves past `len` bytes that were received as a piece.
    pub(super) fn pass(&mut self, mut len: usize) {
        let prefix = self.stream.as_mut().unwrap();
        let first = len.min(prefix.len());
        prefix.drain(..first);
        len -= first;
        while let Some(frame) = self.current() {
            let here = len.min(frame.payload.len() - self.passed);
            self.passed += here;
            len -= here;
            if len == 0 {
                break;
            }
            self.next();
        }
        assert_eq!(len, 0, "more was received than had arrived");
    }

    /// Moves past the frames whose pieces have all been received. Returns `true` at the end of the
    /// message.
    pub(super) fn leave(&mut self) -> bool {
        while let Some(frame) = self.current() {
            let done = !frame.is_control()
                && self.has_arrived(frame)
                && self.passed == frame.payload.len()
                && self.stream.as_ref().is_some_and(Vec::is_empty);
            if !done {
                return false;
            }
            self.next();
            if frame.is_final() {
                self.stream = None;
                return true;
            }
        }
        false
    }

    /// Skips the rest of a message that is received in pieces. Returns `None` if all of the rest
    /// was skipped. Otherwise returns `Some` with the control frame before the remaining bytes, or
    /// `Some(None)` if input is missing.
    fn skip(&mut self) -> Option<Option<Seen>> {
        while self.stream.is_some() {
            let len = self.available().len();
            self.pass(len);
            if self.leave() {
                break;
            }
            if self.available().is_empty() {
                return Some(self.control());
            }
        }
        None
    }

    pub(super) fn message(&mut self) -> Option<Seen> {
        if self.closed {
            return None;
        }
        if let Some(stopped) = self.skip() {
            return stopped;
        }
        loop {
            let frame = self.current()?;
            if frame.is_control() {
                return self.control();
            }
            if !self.has_arrived(frame) {
                return None;
            }
            let (_, bytes) = self.open.get_or_insert((frame.first & 0xf, Vec::new()));
            bytes.extend_from_slice(&frame.payload);
            self.next();
            if frame.is_final() {
                let (opcode, bytes) = self.open.take().unwrap();
                return Some(Seen::new(opcode, bytes));
            }
        }
    }

    pub(super) fn start(&mut self) -> Option<Result<MessageKind, Seen>> {
        if self.closed {
            return None;
        }
        if let Some(stopped) = self.skip() {
            return stopped.map(Err);
        }
        let opcode = if let Some((opcode, bytes)) = self.open.take() {
            self.stream = Some(bytes);
            opcode
        } else {
            let frame = self.current()?;
            if frame.is_control() {
                return self.control().map(Err);
            }
            if !self.header_has_arrived(frame) {
                return None;
            }
            self.stream = Some(Vec::new());
            frame.first & 0xf
        };
        Some(Ok(if opcode == TEXT {
            MessageKind::Text
        } else {
            MessageKind::Binary
        }))
    }

    /// Returns `true` if only fragments that do not end a message come before the frame with this
    /// number.
    fn is_next(&self, number: usize) -> bool {
        let between = self.script.frames.get(self.frame..number).unwrap_or(&[]);
        !between
            .iter()
            .any(|frame| frame.is_control() || frame.is_final())
    }

    /// Returns the next error, if no control frame and no end of a message comes before it. The
    /// flag is `true` if the frame with the error is incomplete. The report of the error may then
    /// wait for the rest of the frame.
    pub(super) fn fault(&self) -> Option<(ReceiveError, bool)> {
        match self.script.fault {
            Fault::Header(at) => {
                let is_next = self.is_next(self.script.frames.len());
                (self.arrived > at && is_next).then_some((RESERVED_BITS, false))
            }
            Fault::Text(at) => {
                let number = self
                    .script
                    .frames
                    .iter()
                    .position(|frame| frame.holds(at))?;
                let end = self.script.frames[number].end;
                let seen = self.arrived > at || at == end && self.arrived == end;
                (seen && self.is_next(number)).then_some((INVALID_UTF8, self.arrived < end))
            }
            Fault::None | Fault::Close => None,
        }
    }

    /// Returns the error that the search for the next message finds.
    pub(super) fn fault_ahead(&self) -> Option<(ReceiveError, bool)> {
        if self.closed {
            return None;
        }
        if self.stream.is_some() && self.fault().is_some() {
            return self.fault();
        }
        let mut ahead = self.clone();
        match ahead.skip() {
            Some(_) => None,
            None => ahead.fault(),
        }
    }

    /// Returns the number of available bytes before invalid text.
    pub(super) fn valid_len(&self) -> usize {
        let available = self.available().len();
        let Fault::Text(at) = self.script.fault else {
            return available;
        };
        let mut valid = self.stream.as_ref().map_or(0, Vec::len);
        for (n, frame) in self.script.frames.iter().enumerate().skip(self.frame) {
            let from = if n == self.frame { self.passed } else { 0 };
            if frame.holds(at) {
                return available.min(valid + at - frame.start - from);
            }
            valid += frame.payload.len() - from;
        }
        available
    }
}
