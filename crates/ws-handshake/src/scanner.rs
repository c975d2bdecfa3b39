//! A state machine that finds the end of an HTTP head in a stream of bytes.
//!
//! The scanner runs before the parser, for two reasons:
//!
//! * The scanner reads every byte exactly once, because it keeps its state between inputs. If a
//!   peer sends one byte at a time, a parser that starts again for each input takes quadratic time.
//! * The scanner rejects a bare LF. A parser that accepts a bare LF as a line end can disagree with
//!   an intermediary about where a head ends (RFC 9112 §2.2 and §11.2).
//!
//! The scanner also limits the length of the head, and rejects bytes that are invalid at their
//! position. The byte at which an error is reported does not depend on how the input was split.
//!
//! [`HeadRules`] has everything that differs between heads.

use crate::head_error::HeadError;
use crate::head_rules::{HeadRules, Kind};
use crate::token::is_token_byte;

/// The place where [`Scanner::scan`] stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// All of the input was read, and the head is not complete.
    NeedMore,
    /// This many bytes of the input were read. The last of them ends the start line.
    StartLine(usize),
    /// This many bytes of the input were read. The last of them ends the head.
    Head(usize),
}

/// The position in the grammar of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first byte. One empty line is skipped (RFC 9112 §2.2).
    Fresh,
    /// After the CR of the leading empty line.
    EmptyLineCr,
    /// Inside the bytes that a PROXY protocol header of version 2 has after an empty line.
    ProxySignature,
    /// Before the first byte of the start line. No further empty line is accepted.
    StartLineBegin,
    /// Inside the start line.
    StartLine,
    /// After the CR that ends the start line.
    StartLineCr,
    /// Before the first byte of a field line, or of the empty line that ends the head.
    LineBegin,
    /// Inside a field line.
    Line,
    /// After the CR that ends a field line.
    LineCr,
    /// After the CR of the empty line that ends the head.
    EndCr,
    /// After the head.
    Done,
}

/// The first bytes of a PROXY protocol header of version 2. The fifth byte distinguishes them from
/// empty lines.
const PROXY_SIGNATURE: &[u8] = b"\r\n\r\n\0";

/// The state machine. [`Scanner::scan`] is called until it returns [`Stop::Head`] or an error.
#[derive(Debug)]
pub(crate) struct Scanner {
    rules: HeadRules,
    state: State,
    /// The number of bytes of this head read so far, at most `rules.max_len`. Each step adds one
    /// byte.
    seen: usize,
    /// The number of bytes of the start line read so far, at most `seen`.
    start_line: usize,
    /// The number of complete field lines read so far.
    lines: usize,
}

impl Scanner {
    pub(crate) fn new(rules: HeadRules) -> Self {
        Self {
            rules,
            state: State::Fresh,
            seen: 0,
            start_line: 0,
            lines: 0,
        }
    }

    /// Returns the number of bytes of this head read so far.
    pub(crate) fn seen(&self) -> usize {
        self.seen
    }

    /// Returns the number of complete field lines read so far.
    pub(crate) fn lines(&self) -> usize {
        self.lines
    }

    /// Returns the rules for the next head of the same response. Both heads share the limit of the
    /// length.
    pub(crate) fn rules_for_next(&self) -> HeadRules {
        self.rules.after(self.seen)
    }

    /// Reads `input` until the start line, the head, or the input ends.
    pub(crate) fn scan(&mut self, input: &[u8]) -> Result<Stop, HeadError> {
        let mut rest = input;
        loop {
            rest = self.skip(rest);
            let Some((byte, after)) = rest.split_first() else {
                break;
            };
            if self.seen >= self.rules.max_len {
                return Err(self.too_long());
            }
            let next = self.step(*byte)?;
            self.seen += 1;
            rest = after;
            let read = input.len() - rest.len();
            let stop = match (self.state, next) {
                (State::StartLine | State::StartLineCr, State::LineBegin) => {
                    Some(Stop::StartLine(read))
                }
                (_, State::Done) => Some(Stop::Head(read)),
                _ => None,
            };
            self.state = next;
            if let Some(stop) = stop {
                return Ok(stop);
            }
        }
        // The error is returned at the limit, not at the byte after the limit. The head is not
        // complete, so it must be longer than the limit.
        if self.seen >= self.rules.max_len {
            return Err(self.too_long());
        }
        Ok(Stop::NeedMore)
    }

    /// Reads the bytes that a field line continues with, and returns the rest of the input. This is
    /// the same as a [`step`](Self::step) for each of these bytes, in a shorter loop.
    fn skip<'a>(&mut self, input: &'a [u8]) -> &'a [u8] {
        if self.state != State::Line {
            return input;
        }
        let room = self.rules.max_len.saturating_sub(self.seen);
        let len = field_bytes(input).min(room);
        self.seen += len;
        input.get(len..).unwrap_or_default()
    }

    fn too_long(&self) -> HeadError {
        match self.state {
            State::Fresh
            | State::EmptyLineCr
            | State::ProxySignature
            | State::StartLineBegin
            | State::StartLine
            | State::StartLineCr => HeadError::StartLineTooLong,
            State::LineBegin | State::Line | State::LineCr | State::EndCr | State::Done => {
                HeadError::HeadTooLong
            }
        }
    }

    /// Returns the state after `byte`.
    fn step(&mut self, byte: u8) -> Result<State, HeadError> {
        match (self.state, byte) {
            (State::Fresh, b'\r') => Ok(State::EmptyLineCr),
            (State::EmptyLineCr, b'\n') => Ok(State::StartLineBegin),
            (State::StartLine, b'\r') => Ok(State::StartLineCr),
            (State::StartLineCr, b'\n') => Ok(State::LineBegin),
            (State::LineBegin, b'\r') => Ok(State::EndCr),
            (State::Line, b'\r') => Ok(State::LineCr),
            (State::LineCr, b'\n') => self.end_line(),
            (State::EndCr, b'\n') => Ok(State::Done),

            (State::EmptyLineCr | State::StartLineCr | State::LineCr | State::EndCr, _) => {
                Err(HeadError::BareCarriageReturn)
            }
            (State::StartLineBegin, b'\r') | (State::ProxySignature, _) => {
                self.proxy_signature_byte(byte)
            }
            (State::Fresh, 0x15 | 0x16) => Err(HeadError::TlsOnPlainConnection),
            (_, b'\n') => self.bare_line_feed(),
            (State::Fresh | State::StartLineBegin | State::StartLine, byte) => {
                self.start_line_byte(byte)
            }
            (State::LineBegin, _) if self.lines >= self.rules.max_lines => {
                Err(HeadError::TooManyHeaders)
            }
            (State::LineBegin, b' ' | b'\t') if !self.rules.is_lenient() => {
                Err(HeadError::FoldedLine)
            }
            (State::LineBegin | State::Line, byte) if is_field_byte(byte) => Ok(State::Line),
            (State::LineBegin | State::Line, _) if self.rules.is_lenient() => Ok(State::Line),
            (State::LineBegin | State::Line, _) => Err(HeadError::ControlByte),
            // This is not reached. `scan` returns when the head ends, and its caller then creates a
            // new scanner.
            (State::Done, _) => Ok(State::Done),
        }
    }

    fn end_line(&mut self) -> Result<State, HeadError> {
        self.lines += 1;
        Ok(State::LineBegin)
    }

    /// Returns the state after an LF without CR.
    fn bare_line_feed(&mut self) -> Result<State, HeadError> {
        if !self.rules.bare_line_feeds {
            return Err(HeadError::BareLineFeed);
        }
        match self.state {
            State::Fresh => Ok(State::StartLineBegin),
            State::StartLine => Ok(State::LineBegin),
            State::Line => self.end_line(),
            State::LineBegin | State::Done => Ok(State::Done),
            State::EmptyLineCr
            | State::ProxySignature
            | State::StartLineBegin
            | State::StartLineCr
            | State::LineCr
            | State::EndCr => Err(HeadError::MalformedStartLine),
        }
    }

    /// Checks a byte after the leading empty line that no start line begins with.
    fn proxy_signature_byte(&mut self, byte: u8) -> Result<State, HeadError> {
        let is_expected = PROXY_SIGNATURE.get(self.seen) == Some(&byte);
        if !is_expected || self.rules.kind == Kind::Response {
            return Err(HeadError::MalformedStartLine);
        }
        if self.seen + 1 == PROXY_SIGNATURE.len() {
            return Err(HeadError::ProxyProtocol);
        }
        Ok(State::ProxySignature)
    }

    /// Checks one byte of the start line.
    ///
    /// A peer that uses another protocol may never send a line end. So the error is returned at the
    /// first byte that cannot be part of a start line.
    fn start_line_byte(&mut self, byte: u8) -> Result<State, HeadError> {
        const VERSION: &[u8] = b"HTTP/";
        let allowed = match self.rules.kind {
            // The start line is `method SP request-target SP HTTP-version` (RFC 9112 §3). Its first
            // byte is a token byte. The rest is visible US-ASCII and spaces.
            Kind::Request if self.start_line == 0 => is_token_byte(byte),
            Kind::Request => matches!(byte, 0x20..=0x7e),
            // The start line is `HTTP-version SP status-code SP [reason-phrase]` (RFC 9112 §4). It
            // begins with `HTTP/`.
            Kind::Response => match VERSION.get(self.start_line) {
                Some(expected) => byte == *expected,
                None => is_field_byte(byte),
            },
        };
        if !allowed {
            return Err(HeadError::MalformedStartLine);
        }
        self.start_line += 1;
        Ok(State::StartLine)
    }
}

/// Returns `true` for a byte that a field line may have: visible US-ASCII, space, tab, or a byte
/// from 0x80 (RFC 9110 §5.5).
pub(crate) const fn is_field_byte(byte: u8) -> bool {
    matches!(byte, b'\t' | 0x20..=0x7e | 0x80..=0xff)
}

/// Returns the number of bytes before the first one that a field line may not have.
fn field_bytes(input: &[u8]) -> usize {
    // All bytes of a block are checked, because the compiler then checks them at once.
    let is_plain = |block: &&[u8]| {
        let mut bytes = block.iter();
        bytes
            .by_ref()
            .fold(true, |plain, byte| plain & is_field_byte(*byte))
    };
    let blocks = input.chunks_exact(16).take_while(is_plain).count();
    let (plain, rest) = input.split_at(blocks * 16);
    let more = rest.iter().take_while(|byte| is_field_byte(**byte)).count();
    plain.len() + more
}

#[cfg(test)]
mod tests;
