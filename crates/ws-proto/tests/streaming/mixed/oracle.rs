//! What must come of each call, told from the script and from how much of it has arrived.

use ws_proto::{MessageKind, ReceiveError};

use super::script::{Fault, Script, Scripted};
use crate::support::{PING, PONG, Seen, TEXT};
use crate::{INVALID_UTF8, RESERVED_BITS};

#[derive(Clone)]
pub(super) struct Oracle<'a> {
    pub(super) script: &'a Script,
    pub(super) arrived: usize,
    /// The frame that comes next or is under way, and how much of it was passed on.
    pub(super) frame: usize,
    passed: usize,
    /// Put together so far: the beginning of a message.
    open: Option<(u8, Vec<u8>)>,
    /// Inside a message that is passed on, of which this much of `open` comes first.
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

    /// Whether the frame that comes next has arrived as a whole.
    fn has_arrived(&self, frame: &Scripted) -> bool {
        frame.end <= self.arrived && frame.start <= self.arrived
    }

    /// Whether the next frame's header has arrived.
    fn has_begun(&self, frame: &Scripted) -> bool {
        frame.start <= self.arrived
    }

    fn next(&mut self) {
        self.frame += 1;
        self.passed = 0;
    }

    /// A control frame that comes next.
    pub(super) fn control(&mut self) -> Option<Seen> {
        let frame = self.current().filter(|frame| frame.is_control())?;
        if !self.has_arrived(frame) {
            return None;
        }
        self.next();
        let payload = frame.payload.clone();
        Some(match frame.first & 0xf {
            PING => Seen::Ping(payload),
            PONG => Seen::Pong(payload),
            _ => {
                self.closed = true;
                Seen::Close(Some((1000, String::new())))
            }
        })
    }

    /// What can be passed on at once.
    pub(super) fn available(&self) -> Vec<u8> {
        let Some(prefix) = &self.stream else {
            return Vec::new();
        };
        let mut octets = prefix.clone();
        for (n, frame) in self.script.frames.iter().enumerate().skip(self.frame) {
            if frame.is_control() || !self.has_begun(frame) {
                break;
            }
            let from = if n == self.frame { self.passed } else { 0 };
            let to = frame.payload.len().min(self.arrived - frame.start);
            octets.extend_from_slice(&frame.payload[from..to]);
            if frame.is_final() || to < frame.payload.len() {
                break;
            }
        }
        octets
    }

    /// `len` octets were passed on.
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
        assert_eq!(len, 0, "more was passed on than had arrived");
    }

    /// Leaves the frames of a message that is passed on that are exhausted. Whether that was the last.
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

    /// Skips the rest of a message that is passed on: `Some` if that has to stop.
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
            let (_, octets) = self.open.get_or_insert((frame.first & 0xf, Vec::new()));
            octets.extend_from_slice(&frame.payload);
            self.next();
            if frame.is_final() {
                let (opcode, octets) = self.open.take().unwrap();
                return Some(if opcode == TEXT {
                    Seen::Text(String::from_utf8(octets).unwrap())
                } else {
                    Seen::Binary(octets)
                });
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
        let opcode = if let Some((opcode, octets)) = self.open.take() {
            self.stream = Some(octets);
            opcode
        } else {
            let frame = self.current()?;
            if frame.is_control() {
                return self.control().map(Err);
            }
            if !self.has_begun(frame) {
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

    /// Whether nothing but the beginning of a message comes before the frame with this number.
    fn is_next(&self, number: usize) -> bool {
        let between = self.script.frames.get(self.frame..number).unwrap_or(&[]);
        !between
            .iter()
            .any(|frame| frame.is_control() || frame.is_final())
    }

    /// The error that comes next, behind data at most; `true` if it may wait for the rest of its frame.
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

    /// The error that a search for the next message comes upon.
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

    /// How much of what is available comes before the octet that is not text.
    pub(super) fn sound(&self) -> usize {
        let available = self.available().len();
        let Fault::Text(at) = self.script.fault else {
            return available;
        };
        let mut sound = self.stream.as_ref().map_or(0, Vec::len);
        for (n, frame) in self.script.frames.iter().enumerate().skip(self.frame) {
            let from = if n == self.frame { self.passed } else { 0 };
            if frame.holds(at) {
                return available.min(sound + at - frame.start - from);
            }
            sound += frame.payload.len() - from;
        }
        available
    }
}
