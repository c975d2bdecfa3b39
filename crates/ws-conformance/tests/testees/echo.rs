//! An echo endpoint after the opening handshake: bytes go in, bytes come out.

use std::time::Instant;

use super::codec::{
    BINARY, CLOSE, CONTINUATION, Decoder, Header, MAX_HEADER, PING, PONG, Piece, TEXT,
};
use super::deflate::Deflate;
use super::message::Message;
use super::rules::{PROTOCOL_ERROR, Pongs, Reaction, Rules, Stop};
use super::{Pace, Role};

/// The next step of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Read,
    /// The output is written, then TCP ends.
    End {
        failed: bool,
    },
    /// TCP ends at once.
    Drop,
    /// TCP ends at once, and the server with it.
    Die,
}

/// A complete frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    pub(super) header: Header,
    pub(super) payload: &'a [u8],
    /// The position of the frame in the message that is arriving. A control frame has the position
    /// of the data frame before it.
    pub(super) fragment: Option<usize>,
    /// The number of frames with this opcode before it.
    pub(super) number: usize,
}

impl Frame<'_> {
    /// The code of a Close.
    pub(super) fn close_code(&self) -> Option<u16> {
        let code = self.payload.first_chunk().copied()?;
        (self.header.opcode == CLOSE).then_some(u16::from_be_bytes(code))
    }
}

/// An endpoint of one connection.
#[derive(Debug)]
pub(crate) struct Echo {
    pub(super) rules: Rules,
    pub(super) role: Role,
    pub(super) pace: Pace,
    pub(super) deflate: Option<Deflate>,
    decoder: Decoder,
    pub(super) frame: Option<Header>,
    pub(super) message: Option<Message>,
    control: Vec<u8>,
    /// The number of frames of each opcode.
    frames: [usize; 16],
    messages: usize,
    /// `true` after the first message with RSV1.
    had_rsv1: bool,
    /// Pongs to be sent at a time.
    pub(super) pongs: Vec<(Instant, Vec<u8>)>,
    /// The payload of a Close that is answered after all other input.
    close: Option<Vec<u8>>,
    /// The end of the time after the answer to a Close.
    pub(super) ends_at: Option<Instant>,
    /// An echo that is sent after the next one.
    pub(super) held: Option<(u8, Vec<u8>)>,
    pub(super) masking_key: u32,
    pub(super) out: Vec<u8>,
}

impl Echo {
    /// An endpoint of a new connection.
    pub(crate) fn new(rules: Rules, role: Role, pace: Pace, deflate: Option<Deflate>) -> Self {
        Self {
            rules,
            role,
            pace,
            deflate,
            decoder: Decoder::new(rules.unmask, rules.long_length),
            frame: None,
            message: None,
            control: Vec::new(),
            frames: [0; 16],
            messages: 0,
            had_rsv1: false,
            pongs: Vec::new(),
            close: None,
            ends_at: None,
            held: None,
            masking_key: fastrand::u32(..),
            out: Vec::new(),
        }
    }

    /// Returns and removes the bytes to write now.
    pub(crate) fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Returns `true` if a frame has begun and is not complete.
    pub(crate) fn is_within_frame(&self) -> bool {
        self.decoder.is_within_frame()
    }

    /// Returns the time of [`tick`](Self::tick), if one is needed.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let pong = self.pongs.first().map(|(due, _)| *due);
        pong.into_iter().chain(self.ends_at).min()
    }

    /// Does all that is due.
    pub(crate) fn tick(&mut self, now: Instant) -> Next {
        while self.pongs.first().is_some_and(|(due, _)| *due <= now) {
            let (_, payload) = self.pongs.remove(0);
            self.write(true, PONG, &payload);
        }
        match self.ends_at {
            Some(end) if end <= now => Next::End { failed: false },
            _ => Next::Read,
        }
    }

    /// Takes bytes that arrived.
    pub(crate) fn receive(&mut self, bytes: &[u8], now: Instant) -> Next {
        self.decoder.push(bytes);
        while let Some(piece) = self.decoder.piece() {
            if let Err(stop) = self.take(piece, now) {
                match self.stop(stop, now) {
                    Next::Read => {}
                    next => return next,
                }
            }
        }
        if self.rules.pongs == Pongs::Swapped {
            self.write_swapped_pongs();
        }
        let is_short = bytes.len() < MAX_HEADER && self.decoder.is_within_header();
        if self.rules.needs_whole_headers && is_short {
            return self.stop(Stop::Violation(PROTOCOL_ERROR), now);
        }
        match self.close.take() {
            Some(payload) => self.stop(Stop::Closed(payload), now),
            None => Next::Read,
        }
    }

    /// Takes the frame that is arriving as it is.
    pub(crate) fn complete(&mut self, now: Instant) -> Next {
        match self.take(Piece::End, now) {
            Ok(()) => Next::End { failed: false },
            Err(stop) => self.stop(stop, now),
        }
    }

    fn take(&mut self, piece: Piece, now: Instant) -> Result<(), Stop> {
        match piece {
            Piece::Start(header) => {
                self.frame = Some(header);
                self.check_header(header)?;
                if self.react((self.rules.at_header)(&header))? {
                    self.start(header);
                }
                Ok(())
            }
            Piece::Payload(payload) => self.payload(payload),
            Piece::End => match self.frame.take() {
                Some(header) => self.end(header, now),
                None => Ok(()),
            },
        }
    }

    fn start(&mut self, header: Header) {
        match (header.opcode, &mut self.message) {
            (CONTINUATION, Some(message)) => message.fragments.push(Vec::new()),
            (opcode @ (CONTINUATION | TEXT | BINARY), message) => {
                let rsv1 = header.rsv == 4 || self.had_rsv1 && self.rules.deflate.is_sticky;
                let compressed = self.deflate.is_some() && rsv1;
                self.had_rsv1 |= rsv1;
                *message = Some(Message::new(opcode.max(TEXT), compressed, self.messages));
                self.messages += 1;
            }
            _ => self.control.clear(),
        }
    }

    fn payload(&mut self, payload: Vec<u8>) -> Result<(), Stop> {
        if self.frame.is_none_or(|header| header.opcode > BINARY) || self.message.is_none() {
            self.control.extend(payload);
            return Ok(());
        }
        self.check_text_on_arrival(&payload)?;
        if let Some(message) = &mut self.message
            && let Some(fragment) = message.fragments.last_mut()
        {
            message.len += payload.len() as u64;
            fragment.extend(payload);
        }
        Ok(())
    }

    fn end(&mut self, header: Header, now: Instant) -> Result<(), Stop> {
        let payload = std::mem::take(&mut self.control);
        match header.opcode {
            CONTINUATION | TEXT | BINARY => self.check_text_after_frame(header)?,
            CLOSE => self.check_close(header, &payload)?,
            PING => self.check_text_at_ping(header)?,
            _ => {}
        }
        let reaction = (self.rules.at_frame)(&self.whole_frame(header, &payload));
        self.frames[usize::from(header.opcode)] += 1;
        if reaction == Reaction::HoldBack && header.opcode == CLOSE {
            self.close.get_or_insert(payload);
            return Ok(());
        }
        if !self.react(reaction)? {
            return Ok(());
        }
        match header.opcode {
            CONTINUATION | TEXT | BINARY => self.end_data(header),
            CLOSE => Err(Stop::Closed(payload)),
            PING => {
                self.end_ping(payload, now);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn whole_frame<'a>(&'a self, header: Header, control: &'a [u8]) -> Frame<'a> {
        let data = self.message.as_ref().and_then(|it| it.fragments.last());
        Frame {
            header,
            payload: match data {
                Some(data) if !header.is_control() => data,
                _ => control,
            },
            fragment: self.fragment(),
            number: self.frames[usize::from(header.opcode)],
        }
    }

    /// Returns the position of the last frame in the message that is arriving.
    pub(super) fn fragment(&self) -> Option<usize> {
        self.message.as_ref().map(|it| it.fragments.len() - 1)
    }

    fn end_ping(&mut self, payload: Vec<u8>, now: Instant) {
        if let Some(message) = &mut self.message {
            message.pinged = true;
        }
        self.pong(payload, now);
    }

    fn end_data(&mut self, header: Header) -> Result<(), Stop> {
        self.inflate_fragment(header)?;
        if !header.fin {
            return Ok(());
        }
        let Some(mut message) = self.message.take() else {
            return Ok(());
        };
        if !self.inflate_message(header, &mut message)? {
            return Ok(());
        }
        match (self.rules.at_message)(&mut message) {
            Reaction::HoldBack => {
                self.held = Some((message.opcode, std::mem::take(message.payload())));
            }
            Reaction::Repeat => {
                self.echo(message.opcode, message.payload());
                self.echo(message.opcode, message.payload());
            }
            reaction => {
                if self.react(reaction)? {
                    self.echo(message.opcode, message.payload());
                }
            }
        }
        Ok(())
    }

    /// Does what a reaction says. Returns `true` if the right thing is to follow.
    pub(super) fn react(&mut self, reaction: Reaction) -> Result<bool, Stop> {
        match reaction {
            Reaction::Right | Reaction::HoldBack | Reaction::Repeat => {}
            Reaction::Late(millis) => std::thread::sleep(self.pace.millis(millis)),
            Reaction::Ignore => return Ok(false),
            Reaction::ForgetMessage => self.message = None,
            Reaction::ForgetContext => self.deflate.iter_mut().for_each(Deflate::forget),
            Reaction::Fail(code) => return Err(Stop::Violation(code)),
            Reaction::Drop => return Err(Stop::Drop),
            Reaction::Die => return Err(Stop::Die),
        }
        Ok(true)
    }
}
