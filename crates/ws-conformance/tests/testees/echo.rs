//! The rules of an echo endpoint after the opening handshake, and the ways to break them.

use std::time::{Duration, Instant};

use super::codec::{
    self, BINARY, CLOSE, CONTINUATION, Decoder, Form, Header, PING, PONG, Piece, TEXT,
};
use super::deflate::Deflate;
use super::message::{Message, alter, joined};
use super::utf8::Utf8;
use super::{Fault, Pace, Role};

const NORMAL: u16 = 1000;
const PROTOCOL_ERROR: u16 = 1002;
const INVALID_PAYLOAD: u16 = 1007;

/// Why an endpoint stops echoing.
#[derive(Debug)]
enum Stop {
    /// The peer's Close, with this payload.
    Closed(Vec<u8>),
    /// The peer broke a rule, which deserves this close code.
    Violation(u16),
}

/// What is left to do with the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Read on.
    Read,
    /// Write what there is, then end TCP.
    End,
    /// End TCP at once.
    Drop,
}

/// An endpoint of one connection: octets go in, octets come out.
#[derive(Debug)]
pub(crate) struct Echo {
    fault: Fault,
    role: Role,
    pace: Pace,
    deflate: Option<Deflate>,
    decoder: Decoder,
    frame: Option<Header>,
    message: Option<Message>,
    control: Vec<u8>,
    /// Pongs that wait for their time.
    pongs: Vec<(Instant, Vec<u8>)>,
    /// The payload of a Close that is answered after everything else.
    close: Option<Vec<u8>>,
    out: Vec<u8>,
}

impl Echo {
    /// An endpoint of a new connection.
    pub(crate) fn new(fault: Fault, role: Role, pace: Pace, deflate: Option<Deflate>) -> Self {
        Self {
            fault,
            role,
            pace,
            deflate,
            decoder: Decoder::default(),
            frame: None,
            message: None,
            control: Vec::new(),
            pongs: Vec::new(),
            close: None,
            out: Vec::new(),
        }
    }

    /// What is to be written now.
    pub(crate) fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// When something is to be written although nothing arrives.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.pongs.first().map(|(due, _)| *due)
    }

    /// Writes what is due.
    pub(crate) fn tick(&mut self, now: Instant) {
        while self.deadline().is_some_and(|due| due <= now) {
            let (_, payload) = self.pongs.remove(0);
            self.write(true, PONG, &payload);
        }
    }

    /// Sends a Close that nobody asked for.
    pub(crate) fn close_first(&mut self) {
        self.write(true, CLOSE, &NORMAL.to_be_bytes());
    }

    /// Takes what arrived.
    pub(crate) fn receive(&mut self, octets: &[u8], now: Instant) -> Next {
        self.decoder.push(octets);
        while let Some(piece) = self.decoder.piece() {
            if let Err(stop) = self.take(piece, now) {
                return self.stop(stop);
            }
        }
        match self.close.take() {
            Some(payload) => self.stop(Stop::Closed(payload)),
            None => Next::Read,
        }
    }

    fn take(&mut self, piece: Piece, now: Instant) -> Result<(), Stop> {
        match piece {
            Piece::Start(header) => {
                self.check(header)?;
                self.frame = Some(header);
                self.start(header)
            }
            Piece::Payload(payload) => self.payload(payload),
            Piece::End => match self.frame.take() {
                Some(header) => self.end(header, now),
                None => Ok(()),
            },
        }
    }

    /// The rules of one header by itself (RFC 6455 §5.2, §5.5).
    fn check(&self, header: Header) -> Result<(), Stop> {
        let reserved = !matches!(
            header.opcode,
            CONTINUATION | TEXT | BINARY | CLOSE | PING | PONG
        );
        let long_allowed = matches!(
            self.fault,
            Fault::ControlLengthUnchecked | Fault::LongControlsEchoed
        );
        let compressed =
            self.deflate.is_some() && header.rsv == 4 && matches!(header.opcode, TEXT | BINARY);
        let wrong = header.rsv != 0 && !compressed && self.fault != Fault::RsvUnchecked
            || reserved && self.fault != Fault::OpcodesUnchecked
            || header.is_control() && header.payload_len > 125 && !long_allowed
            || header.is_control() && !header.fin && self.fault != Fault::ControlFragmentsUnchecked
            || header.masking_key.is_some() != (self.role == Role::Server);
        match wrong {
            true => Err(Stop::Violation(PROTOCOL_ERROR)),
            false => Ok(()),
        }
    }

    /// The rules of fragments (RFC 6455 §5.4).
    fn start(&mut self, header: Header) -> Result<(), Stop> {
        let lenient = self.fault == Fault::OrderUnchecked;
        match (header.opcode, &mut self.message) {
            (CONTINUATION, Some(message)) => message.fragments.push(Vec::new()),
            (CONTINUATION, None) | (TEXT | BINARY, Some(_)) if !lenient => {
                return Err(Stop::Violation(PROTOCOL_ERROR));
            }
            (opcode @ (CONTINUATION | TEXT | BINARY), message) => {
                *message = Some(Message::new(
                    opcode.max(TEXT),
                    self.deflate.is_some() && header.rsv == 4,
                ));
            }
            _ => self.control.clear(),
        }
        Ok(())
    }

    fn payload(&mut self, payload: Vec<u8>) -> Result<(), Stop> {
        let control = self.frame.is_none_or(|header| header.opcode > BINARY);
        match &mut self.message {
            Some(message) if !control => {
                let early = !matches!(
                    self.fault,
                    Fault::Utf8Unchecked | Fault::Utf8AtMessageEnd | Fault::Utf8AtFrameEnd
                );
                let early = early && !message.compressed;
                if early && message.opcode == TEXT && !message.utf8.push(&payload) {
                    return Err(Stop::Violation(INVALID_PAYLOAD));
                }
                if let Some(fragment) = message.fragments.last_mut() {
                    fragment.extend(payload);
                }
            }
            _ => self.control.extend(payload),
        }
        Ok(())
    }

    fn end(&mut self, header: Header, now: Instant) -> Result<(), Stop> {
        let payload = std::mem::take(&mut self.control);
        match header.opcode {
            CONTINUATION | TEXT | BINARY => self.end_data(header.fin),
            CLOSE => self.end_close(payload),
            PING => {
                self.pong(payload, now);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn end_data(&mut self, fin: bool) -> Result<(), Stop> {
        let Some(message) = &mut self.message else {
            return Ok(());
        };
        if let (Some(deflate), true, true) = (&mut self.deflate, message.compressed, fin) {
            let plain = deflate.decompress(&message.fragments.concat());
            let plain = plain.ok_or(Stop::Violation(INVALID_PAYLOAD))?;
            if message.opcode == TEXT && !message.utf8.push(&plain) {
                return Err(Stop::Violation(INVALID_PAYLOAD));
            }
            message.fragments = vec![plain];
        }
        if message.opcode == TEXT && !message.text_is_right(fin, self.fault) {
            return Err(Stop::Violation(INVALID_PAYLOAD));
        }
        if fin {
            let opcode = message.opcode;
            let payload = joined(std::mem::take(&mut message.fragments), self.fault);
            self.message = None;
            self.echo(opcode, payload);
        }
        Ok(())
    }

    fn echo(&mut self, opcode: u8, mut payload: Vec<u8>) {
        if self.fault == Fault::AlteredCompressed {
            alter(&mut payload);
        }
        if self.deflate.is_some() && self.fault != Fault::EchoesUncompressed {
            return self.echo_compressed(opcode, &payload);
        }
        match (self.fault, opcode) {
            (Fault::NoEcho, _) => return,
            (Fault::AlteredText, TEXT) => alter(&mut payload),
            (Fault::WrongOpcode, _) => return self.write(true, TEXT + BINARY - opcode, &payload),
            (Fault::FragmentedEcho, _) => {
                let (first, second) = payload.split_at(payload.len() / 2);
                self.write(false, opcode, first);
                return self.write(true, CONTINUATION, second);
            }
            _ => {}
        }
        self.write(true, opcode, &payload);
        if self.fault == Fault::PongAfterData {
            for (_, payload) in std::mem::take(&mut self.pongs) {
                self.write(true, PONG, &payload);
            }
        }
    }

    fn echo_compressed(&mut self, opcode: u8, payload: &[u8]) {
        let Some(deflate) = &mut self.deflate else {
            return;
        };
        let compressed = deflate.compress(payload);
        let (first, second) = compressed.split_at(compressed.len() / 2);
        let pieces = match self.fault {
            Fault::CompressedFragments => vec![(0x40, first), (0, second)],
            Fault::Rsv1OnContinuations => vec![(0x40, first), (0x40, second)],
            Fault::Rsv1Missing => vec![(0, &*compressed)],
            _ => vec![(0x40, &*compressed)],
        };
        let count = pieces.len();
        for (number, (rsv, piece)) in pieces.into_iter().enumerate() {
            let fin = if number + 1 == count { 0x80 } else { 0 };
            let opcode = if number == 0 { opcode } else { CONTINUATION };
            self.write_frame(fin | rsv | opcode, piece);
        }
    }

    fn pong(&mut self, mut payload: Vec<u8>, now: Instant) {
        const NEVER: Duration = Duration::from_secs(3600);
        match self.fault {
            Fault::LatePong => return self.pongs.push((now + self.pace.pong_delay(), payload)),
            Fault::PongAfterData => return self.pongs.push((now + NEVER, payload)),
            Fault::ControlLengthUnchecked => payload.truncate(125),
            Fault::WrongPong if payload.len() < 125 => payload.push(b'!'),
            Fault::WrongPong => drop(payload.pop()),
            _ => {}
        }
        self.write(true, PONG, &payload);
    }

    /// The rules of the payload of a Close (RFC 6455 §5.5.1, §7.4).
    fn end_close(&mut self, payload: Vec<u8>) -> Result<(), Stop> {
        let code_is_right = match payload.first_chunk().copied().map(u16::from_be_bytes) {
            Some(1000..=1003 | 1007..=1014 | 3000..=4999) => true,
            Some(_) => self.fault == Fault::CloseCodesUnchecked,
            None => payload.is_empty(),
        };
        let mut reason = Utf8::default();
        let reason_is_right = reason.push(payload.get(2..).unwrap_or_default())
            && reason.is_complete()
            || self.fault == Fault::Utf8Unchecked;
        match (code_is_right, reason_is_right, self.fault) {
            (false, ..) => Err(Stop::Violation(PROTOCOL_ERROR)),
            (_, false, _) => Err(Stop::Violation(INVALID_PAYLOAD)),
            (.., Fault::NoCloseReply) => Ok(()),
            (.., Fault::TalksAfterClose) => {
                self.close.get_or_insert(payload);
                Ok(())
            }
            _ => Err(Stop::Closed(payload)),
        }
    }

    /// Answers with a Close.
    fn stop(&mut self, stop: Stop) -> Next {
        if self.fault == Fault::FailsFast && matches!(stop, Stop::Violation(_)) {
            self.out.clear();
        }
        let payload = match (self.fault, stop) {
            (Fault::DropsOnClose, Stop::Closed(_)) => return Next::Drop,
            (Fault::EmptyClose, _) => Vec::new(),
            (Fault::Closes1000, _) => NORMAL.to_be_bytes().to_vec(),
            (Fault::Closes1002, _) | (Fault::Utf8Closes1002, Stop::Violation(_)) => {
                PROTOCOL_ERROR.to_be_bytes().to_vec()
            }
            (Fault::LongControlsEchoed, Stop::Closed(payload)) => payload,
            (_, Stop::Closed(mut payload)) => {
                payload.truncate(2);
                payload
            }
            (_, Stop::Violation(code)) => code.to_be_bytes().to_vec(),
        };
        self.write(true, CLOSE, &payload);
        Next::End
    }

    fn write(&mut self, fin: bool, opcode: u8, payload: &[u8]) {
        let fin = if fin { 0x80 } else { 0 };
        let rsv = match self.fault {
            Fault::RsvInEcho if opcode <= BINARY => 0x40,
            _ => 0,
        };
        self.write_frame(fin | rsv | opcode, payload);
    }

    /// `first` is FIN, RSV and opcode.
    fn write_frame(&mut self, first: u8, payload: &[u8]) {
        let form = Form {
            masked: (self.role == Role::Client) != (self.fault == Fault::WrongMasking),
            long_lengths: self.fault == Fault::LongLengths,
        };
        codec::encode(&mut self.out, first, payload, form);
    }
}
