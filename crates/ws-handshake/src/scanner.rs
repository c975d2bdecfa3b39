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
use crate::limits::{HeadLimits, MAX_HEADERS};
use crate::token::is_token_byte;

/// The kind of the head, which determines its start line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Request,
    Response,
}

/// The rules for one head.
///
/// A server reads requests strictly. A client reads responses leniently: it accepts folded lines and
/// lines that are no header, and `field_lines` decides about them. A response ends the exchange, so
/// it cannot hide another one from an intermediary. A bare CR stays an error in both roles.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadRules {
    kind: Kind,
    /// The maximum length of the head. The heads of one response share this limit.
    max_len: usize,
    max_lines: usize,
    /// `true` if an LF without CR ends a line.
    bare_line_feeds: bool,
}

impl HeadRules {
    pub(crate) fn request(limits: HeadLimits) -> Self {
        Self {
            kind: Kind::Request,
            max_len: limits.len(),
            max_lines: limits.lines().unwrap_or(MAX_HEADERS),
            bare_line_feeds: false,
        }
    }

    pub(crate) fn response(limits: HeadLimits) -> Self {
        Self {
            kind: Kind::Response,
            max_len: limits.len(),
            max_lines: limits.lines().unwrap_or(usize::MAX),
            bare_line_feeds: false,
        }
    }

    /// Accepts a bare LF as a line end if `allowed` is `true` (RFC 9112 §2.2).
    pub(crate) fn with_bare_line_feeds(self, allowed: bool) -> Self {
        Self {
            bare_line_feeds: allowed,
            ..self
        }
    }

    fn is_lenient(self) -> bool {
        self.kind == Kind::Response
    }
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
        HeadRules {
            max_len: self.rules.max_len.saturating_sub(self.seen),
            ..self.rules
        }
    }

    /// Reads `input` until the start line, the head, or the input ends.
    pub(crate) fn scan(&mut self, input: &[u8]) -> Result<Stop, HeadError> {
        for (index, byte) in input.iter().enumerate() {
            if self.seen >= self.rules.max_len {
                return Err(self.too_long());
            }
            let next = self.step(*byte)?;
            self.seen += 1;
            let stop = match (self.state, next) {
                (State::StartLine | State::StartLineCr, State::LineBegin) => {
                    Some(Stop::StartLine(index + 1))
                }
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
        if self.seen >= self.rules.max_len {
            return Err(self.too_long());
        }
        Ok(Stop::NeedMore)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::MAX_HEAD_LEN;

    fn rules(kind: Kind) -> HeadRules {
        match kind {
            Kind::Request => HeadRules::request(HeadLimits::new()),
            Kind::Response => HeadRules::response(HeadLimits::new()),
        }
    }

    fn run(kind: Kind, input: &[u8]) -> Result<usize, HeadError> {
        run_by(rules(kind), input)
    }

    fn run_by(rules: HeadRules, mut input: &[u8]) -> Result<usize, HeadError> {
        let mut scanner = Scanner::new(rules);
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
        let mut scanner = Scanner::new(rules(Kind::Request));
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
            let mut scanner = Scanner::new(rules(Kind::Request));
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
        for (kind, input) in [
            (Kind::Request, &b"\r\n\r\nG"[..]),
            (Kind::Request, b"\r\n\rG"),
            (Kind::Response, b"\r\n\r"),
        ] {
            assert_eq!(run(kind, input), Err(HeadError::MalformedStartLine));
        }
    }

    #[test]
    fn a_proxy_header_of_version_2_fails_at_its_first_nul() {
        let header = b"\r\n\r\n\0\r\nQUIT\n";
        assert_eq!(run(Kind::Request, header), Err(HeadError::ProxyProtocol));
        assert_eq!(run(Kind::Request, &header[..4]), Ok(4));
    }

    #[test]
    fn odd_lines_of_a_response_are_read_up_to_their_line_end() {
        let head = b"HTTP/1.1 101 x\r\nA: b\r\n c\r\n\td\r\n\0\x7f\r\nno colon\r\n\r\n";
        assert_eq!(run(Kind::Response, head), Ok(head.len()));
        let bare = b"HTTP/1.1 101 x\r\nA: b\rc\r\n";
        assert_eq!(
            run(Kind::Response, bare),
            Err(HeadError::BareCarriageReturn)
        );
    }

    #[test]
    fn a_bare_line_feed_ends_a_line_only_if_it_is_allowed() {
        let rules = rules(Kind::Response);
        for head in [
            &b"HTTP/1.1 101 x\nA: b\n c\n\n"[..],
            b"\nHTTP/1.1 101 x\r\nA: b\nC: d\r\n\n",
            b"\r\nHTTP/1.1 101 x\n\r\n",
        ] {
            assert_eq!(run_by(rules, head), Err(HeadError::BareLineFeed));
            let lenient = rules.with_bare_line_feeds(true);
            assert_eq!(run_by(lenient, head), Ok(head.len()));
            assert_eq!(run_by(lenient, b"\n\n"), Err(HeadError::MalformedStartLine));
            let fault = Err(HeadError::BareCarriageReturn);
            assert_eq!(run_by(lenient, b"HTTP/1.1 101 x\r\r\n"), fault);
        }
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
        let short = HeadRules::request(HeadLimits::new().max_len(100));
        assert_eq!(run_by(short, &head[..99]), Ok(99));
        assert_eq!(run_by(short, &head[..100]), Err(HeadError::HeadTooLong));
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
        let limits = HeadLimits::new().max_lines(2);
        for rules in [HeadRules::request(limits), HeadRules::response(limits)] {
            // The scanner of a response compares only the first bytes of the start line.
            let head = |count| match rules.kind {
                Kind::Request => head(count),
                Kind::Response => [b"HTTP/1.1 101 x\r\n", &head(count)[16..]].concat(),
            };
            assert!(run_by(rules, &head(2)).is_ok());
            assert_eq!(run_by(rules, &head(3)), Err(HeadError::TooManyHeaders));
        }
        assert!(run(Kind::Request, &head(MAX_HEADERS)).is_ok());
        assert_eq!(
            run(Kind::Request, &head(MAX_HEADERS + 1)),
            Err(HeadError::TooManyHeaders)
        );
    }
}
