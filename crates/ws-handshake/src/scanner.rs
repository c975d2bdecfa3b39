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

use crate::head_error::HeadError;
use crate::limits::{MAX_HEAD_LEN, MAX_HEADERS};
use crate::token::is_token_byte;

/// The kind of the head, which determines its start line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Request,
    Response,
}

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

/// The state machine. [`Scanner::scan`] is called until it returns [`Stop::Head`] or an error.
#[derive(Debug)]
pub(crate) struct Scanner {
    kind: Kind,
    state: State,
    /// The number of bytes of this head read so far, at most `limit`. Each step adds one byte.
    seen: usize,
    /// The number of bytes of the start line read so far, at most `seen`.
    start_line: usize,
    /// The number of complete field lines read so far.
    headers: usize,
    /// The maximum length of this head: [`MAX_HEAD_LEN`] minus the length of the heads before it.
    limit: usize,
}

impl Scanner {
    pub(crate) fn new(kind: Kind) -> Self {
        Self::with_limit(kind, MAX_HEAD_LEN)
    }

    /// Creates a scanner for a head of at most `limit` bytes.
    pub(crate) fn with_limit(kind: Kind, limit: usize) -> Self {
        Self {
            kind,
            state: State::Fresh,
            seen: 0,
            start_line: 0,
            headers: 0,
            limit,
        }
    }

    /// Returns the number of bytes of this head read so far.
    pub(crate) fn seen(&self) -> usize {
        self.seen
    }

    /// Returns the part of the limit that is not used yet.
    pub(crate) fn remaining(&self) -> usize {
        self.limit.saturating_sub(self.seen)
    }

    /// Reads `input` until the start line, the head, or the input ends.
    pub(crate) fn scan(&mut self, input: &[u8]) -> Result<Stop, HeadError> {
        for (index, byte) in input.iter().enumerate() {
            if self.seen >= self.limit {
                return Err(self.too_long());
            }
            let next = self.step(*byte)?;
            self.seen += 1;
            let stop = match (self.state, next) {
                (State::StartLineCr, State::LineBegin) => Some(Stop::StartLine(index + 1)),
                (_, State::Done) => Some(Stop::Head(index + 1)),
                _ => None,
            };
            self.state = next;
            if let Some(stop) = stop {
                return Ok(stop);
            }
        }
        // The error is returned at the limit, not at the byte after the limit. The head is not
        // complete, so it must be longer than the limit.
        if self.seen >= self.limit {
            return Err(self.too_long());
        }
        Ok(Stop::NeedMore)
    }

    fn too_long(&self) -> HeadError {
        match self.state {
            State::Fresh
            | State::EmptyLineCr
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
            (State::Fresh, 0x15 | 0x16) => Err(HeadError::TlsOnPlainConnection),
            (_, b'\n') => Err(HeadError::BareLineFeed),
            (State::Fresh | State::StartLineBegin | State::StartLine, byte) => {
                self.start_line_byte(byte)
            }
            (State::LineBegin, b' ' | b'\t') => Err(HeadError::FoldedLine),
            (State::LineBegin, _) if self.headers >= MAX_HEADERS => Err(HeadError::TooManyHeaders),
            (State::LineBegin | State::Line, byte) if is_field_byte(byte) => Ok(State::Line),
            (State::LineBegin | State::Line, _) => Err(HeadError::ControlByte),
            // This is not reached. `scan` returns when the head ends, and its caller then creates a
            // new scanner.
            (State::Done, _) => Ok(State::Done),
        }
    }

    fn end_line(&mut self) -> Result<State, HeadError> {
        self.headers += 1;
        Ok(State::LineBegin)
    }

    /// Checks one byte of the start line.
    ///
    /// A peer that uses another protocol may never send a line end. So the error is returned at the
    /// first byte that cannot be part of a start line.
    fn start_line_byte(&mut self, byte: u8) -> Result<State, HeadError> {
        const VERSION: &[u8] = b"HTTP/";
        let allowed = match self.kind {
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
const fn is_field_byte(byte: u8) -> bool {
    matches!(byte, b'\t' | 0x20..=0x7e | 0x80..=0xff)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(kind: Kind, mut input: &[u8]) -> Result<usize, HeadError> {
        let mut scanner = Scanner::new(kind);
        let mut total = 0;
        loop {
            match scanner.scan(input)? {
                Stop::NeedMore => return Ok(total + input.len()),
                Stop::StartLine(n) => {
                    total += n;
                    input = &input[n..];
                }
                Stop::Head(n) => return Ok(total + n),
            }
        }
    }

    #[test]
    fn scan_stops_after_the_start_line_and_after_the_head() {
        let mut scanner = Scanner::new(Kind::Request);
        assert_eq!(
            scanner.scan(b"\r\nGET / HTTP/1.1\r\nA: b\r\n\r\nxyz"),
            Ok(Stop::StartLine(18))
        );
        assert_eq!(scanner.scan(b"A: b\r\n\r\nxyz"), Ok(Stop::Head(8)));
    }

    #[test]
    fn every_byte_is_read_once_however_the_input_is_split() {
        let head = b"GET / HTTP/1.1\r\nHost: a\r\nB: c\r\n\r\n";
        for size in 1..=head.len() {
            let mut scanner = Scanner::new(Kind::Request);
            let mut offered = 0;
            for mut piece in head.chunks(size) {
                while !piece.is_empty() {
                    let used = match scanner.scan(piece).unwrap() {
                        Stop::NeedMore => piece.len(),
                        Stop::StartLine(n) | Stop::Head(n) => n,
                    };
                    offered += used;
                    piece = &piece[used..];
                }
            }
            // The scanner has read each byte once.
            assert_eq!(
                (offered, scanner.seen()),
                (head.len(), head.len()),
                "pieces of {size}"
            );
        }
    }

    #[test]
    fn bare_line_ends_fail_at_every_position() {
        for (input, fault) in [
            (&b"\n"[..], HeadError::BareLineFeed),
            (b"\rG", HeadError::BareCarriageReturn),
            (b"GET / HTTP/1.1\n", HeadError::BareLineFeed),
            (b"GET / HTTP/1.1\rX", HeadError::BareCarriageReturn),
            (b"GET / HTTP/1.1\r\n\n", HeadError::BareLineFeed),
            (b"GET / HTTP/1.1\r\nA: b\n", HeadError::BareLineFeed),
            (b"GET / HTTP/1.1\r\nA: b\rc", HeadError::BareCarriageReturn),
            (
                b"GET / HTTP/1.1\r\nA: b\r\r\n",
                HeadError::BareCarriageReturn,
            ),
            (b"GET / HTTP/1.1\r\n\rA", HeadError::BareCarriageReturn),
        ] {
            assert_eq!(
                run(Kind::Request, input),
                Err(fault),
                "{:?}",
                input.escape_ascii()
            );
        }
    }

    #[test]
    fn only_one_leading_empty_line_is_skipped() {
        assert_eq!(run(Kind::Request, b"\r\nGET / HTTP/1.1\r\n\r\n"), Ok(20));
        assert_eq!(
            run(Kind::Request, b"\r\n\r\n"),
            Err(HeadError::MalformedStartLine)
        );
    }

    #[test]
    fn bytes_that_are_not_http_fail_at_the_first_invalid_byte() {
        assert_eq!(
            run(Kind::Request, b"\x16"),
            Err(HeadError::TlsOnPlainConnection)
        );
        assert_eq!(
            run(Kind::Request, b"\x00"),
            Err(HeadError::MalformedStartLine)
        );
        assert_eq!(
            run(Kind::Request, b"GET /\x80"),
            Err(HeadError::MalformedStartLine)
        );
        assert_eq!(
            run(Kind::Response, b"SSH-2"),
            Err(HeadError::MalformedStartLine)
        );
        assert_eq!(
            run(Kind::Response, b"HTTQ"),
            Err(HeadError::MalformedStartLine)
        );
    }

    #[test]
    fn the_length_limit_is_exact_and_reported_when_it_is_reached() {
        let mut head = b"GET / HTTP/1.1\r\nA: ".to_vec();
        head.resize(MAX_HEAD_LEN - 4, b'a');
        head.extend_from_slice(b"\r\n\r\n");
        assert_eq!(run(Kind::Request, &head), Ok(MAX_HEAD_LEN));
        head.insert(MAX_HEAD_LEN - 4, b'a');
        assert_eq!(
            run(Kind::Request, &head[..MAX_HEAD_LEN - 1]),
            Ok(MAX_HEAD_LEN - 1)
        );
        assert_eq!(
            run(Kind::Request, &head[..MAX_HEAD_LEN]),
            Err(HeadError::HeadTooLong)
        );
        let line = vec![b'a'; MAX_HEAD_LEN];
        assert_eq!(run(Kind::Request, &line), Err(HeadError::StartLineTooLong));
    }

    #[test]
    fn the_limit_of_field_lines_is_exact() {
        let head = |count: usize| {
            let mut head = b"GET / HTTP/1.1\r\n".to_vec();
            head.extend_from_slice(&b"A: b\r\n".repeat(count));
            head.extend_from_slice(b"\r\n");
            head
        };
        assert!(run(Kind::Request, &head(MAX_HEADERS)).is_ok());
        assert_eq!(
            run(Kind::Request, &head(MAX_HEADERS + 1)),
            Err(HeadError::TooManyHeaders)
        );
    }
}
