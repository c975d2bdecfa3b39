//! Finds the end of an HTTP head in a stream of octets, looking at every octet exactly once.
//!
//! A parser that starts again from the first octet whenever more input arrives costs quadratic
//! time against a peer that sends one octet at a time, and one that takes a bare LF for a line
//! end can be made to disagree with an intermediary about where a head ends (RFC 9112 §2.2 and
//! §11.2). So this small machine runs in front of the parser: it carries its state between
//! inputs, bounds the head, and refuses octets that no part of a head may contain. Which octet
//! fails never depends on how the input was cut.

use crate::limits::{MAX_HEAD_LEN, MAX_HEADERS};
use crate::token::is_token_octet;

/// Which kind of start line the head begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Request,
    Response,
}

/// Why octets can't be the head of an HTTP/1.1 message, whoever sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeadFault {
    /// CR that no LF follows (RFC 9112 §2.2).
    BareCarriageReturn,
    /// LF that no CR precedes (RFC 9112 §2.2).
    BareLineFeed,
    /// Control octet in a field line (RFC 9110 §5.5).
    ControlOctet,
    /// Line that begins with white space (RFC 9112 §5.2, §2.2).
    FoldedLine,
    /// No end within the limit.
    HeadTooLong,
    /// Field line that is not `name: value` (RFC 9112 §5.1).
    InvalidHeader,
    /// The start line has the wrong shape (RFC 9112 §3, §4).
    MalformedStartLine,
    /// Not even the start line ends within the limit.
    StartLineTooLong,
    /// The first octet is the one of a TLS handshake or alert record (RFC 8446 §5.1).
    Tls,
    /// More field lines than the limit.
    TooManyHeaders,
    /// The start line names a version of HTTP that is not 1.1 (RFC 9112 §2.3).
    UnsupportedHttpVersion,
}

/// Where [`Scanner::scan`] stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The input is used up.
    NeedMore,
    /// This many octets of the input are used up, the last one ends the start line.
    StartLine(usize),
    /// This many octets of the input are used up, the last one ends the head.
    Head(usize),
}

/// Position in the grammar of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first octet; an empty line may come (RFC 9112 §2.2).
    Fresh,
    /// After the CR of the leading empty line.
    EmptyLineCr,
    /// Before the first octet of the start line; no further empty line is taken.
    StartLineBegin,
    /// Inside the start line.
    StartLine,
    /// After the CR that ends the start line.
    StartLineCr,
    /// Before the first octet of a field line, or of the empty line that ends the head.
    LineBegin,
    /// Inside a field line.
    Line,
    /// After the CR that ends a field line.
    LineCr,
    /// After the CR of the empty line that ends the head.
    EndCr,
    /// Behind the head.
    Done,
}

/// The machine. Feed it until it reports [`Stop::Head`]; a fault is final.
#[derive(Debug)]
pub(crate) struct Scanner {
    kind: Kind,
    state: State,
    /// Octets of this head seen so far, also the number of steps taken.
    /// `0 <= seen <= limit`.
    seen: usize,
    /// Octets of the start line seen so far. `0 <= start_line <= seen`.
    start_line: usize,
    /// Complete field lines seen so far.
    headers: usize,
    /// What is left of [`MAX_HEAD_LEN`] for this head.
    limit: usize,
}

impl Scanner {
    pub(crate) fn new(kind: Kind) -> Self {
        Self::with_limit(kind, MAX_HEAD_LEN)
    }

    /// A scanner for a head of at most `limit` octets.
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

    /// Octets of this head seen so far.
    pub(crate) fn seen(&self) -> usize {
        self.seen
    }

    /// What the head left over of its limit.
    pub(crate) fn remaining(&self) -> usize {
        self.limit.saturating_sub(self.seen)
    }

    /// Looks at `input` up to the end of the start line, of the head, or of the input.
    pub(crate) fn scan(&mut self, input: &[u8]) -> Result<Stop, HeadFault> {
        for (index, octet) in input.iter().enumerate() {
            if self.seen >= self.limit {
                return Err(self.too_long());
            }
            let next = self.step(*octet)?;
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
        // Said at the last octet that could have ended the head, not at the one behind it:
        // nothing that still comes can make it short enough.
        if self.seen >= self.limit {
            return Err(self.too_long());
        }
        Ok(Stop::NeedMore)
    }

    fn too_long(&self) -> HeadFault {
        match self.state {
            State::Fresh
            | State::EmptyLineCr
            | State::StartLineBegin
            | State::StartLine
            | State::StartLineCr => HeadFault::StartLineTooLong,
            State::LineBegin | State::Line | State::LineCr | State::EndCr | State::Done => {
                HeadFault::HeadTooLong
            }
        }
    }

    /// The state behind `octet`.
    fn step(&mut self, octet: u8) -> Result<State, HeadFault> {
        match (self.state, octet) {
            (State::Fresh, b'\r') => Ok(State::EmptyLineCr),
            (State::EmptyLineCr, b'\n') => Ok(State::StartLineBegin),
            (State::StartLine, b'\r') => Ok(State::StartLineCr),
            (State::StartLineCr, b'\n') => Ok(State::LineBegin),
            (State::LineBegin, b'\r') => Ok(State::EndCr),
            (State::Line, b'\r') => Ok(State::LineCr),
            (State::LineCr, b'\n') => self.end_line(),
            (State::EndCr, b'\n') => Ok(State::Done),

            (State::EmptyLineCr | State::StartLineCr | State::LineCr | State::EndCr, _) => {
                Err(HeadFault::BareCarriageReturn)
            }
            (State::Fresh, 0x15 | 0x16) => Err(HeadFault::Tls),
            (_, b'\n') => Err(HeadFault::BareLineFeed),
            (State::Fresh | State::StartLineBegin | State::StartLine, octet) => {
                self.start_line_octet(octet)
            }
            (State::LineBegin, b' ' | b'\t') => Err(HeadFault::FoldedLine),
            (State::LineBegin, _) if self.headers >= MAX_HEADERS => Err(HeadFault::TooManyHeaders),
            (State::LineBegin | State::Line, octet) if is_field_octet(octet) => Ok(State::Line),
            (State::LineBegin | State::Line, _) => Err(HeadFault::ControlOctet),
            // `scan` returned when it came here and its owner starts a new scanner; staying put
            // is the harmless answer.
            (State::Done, _) => Ok(State::Done),
        }
    }

    fn end_line(&mut self) -> Result<State, HeadFault> {
        self.headers += 1;
        Ok(State::LineBegin)
    }

    /// Refuses what can't be a start line at the earliest octet, so that a peer that does not
    /// speak HTTP hears about it before it has sent a line end, which it may never do.
    fn start_line_octet(&mut self, octet: u8) -> Result<State, HeadFault> {
        const VERSION: &[u8] = b"HTTP/";
        let allowed = match self.kind {
            // method SP request-target SP HTTP-version: a method is a token, the rest visible
            // US-ASCII (RFC 9112 §3).
            Kind::Request if self.start_line == 0 => is_token_octet(octet),
            Kind::Request => matches!(octet, 0x20..=0x7e),
            // HTTP-version SP status-code SP [reason-phrase] (RFC 9112 §4).
            Kind::Response => match VERSION.get(self.start_line) {
                Some(expected) => octet == *expected,
                None => is_field_octet(octet),
            },
        };
        if !allowed {
            return Err(HeadFault::MalformedStartLine);
        }
        self.start_line += 1;
        Ok(State::StartLine)
    }
}

/// Octets of a field line: visible, space, tab or obs-text (RFC 9110 §5.5).
const fn is_field_octet(octet: u8) -> bool {
    matches!(octet, b'\t' | 0x20..=0x7e | 0x80..=0xff)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(kind: Kind, mut input: &[u8]) -> Result<usize, HeadFault> {
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
    fn stops_behind_the_start_line_and_behind_the_head() {
        let mut scanner = Scanner::new(Kind::Request);
        assert_eq!(
            scanner.scan(b"\r\nGET / HTTP/1.1\r\nA: b\r\n\r\nxyz"),
            Ok(Stop::StartLine(18))
        );
        assert_eq!(scanner.scan(b"A: b\r\n\r\nxyz"), Ok(Stop::Head(8)));
    }

    #[test]
    fn every_octet_is_looked_at_once_in_any_segmentation() {
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
            // `seen` rises by one for each step of the machine.
            assert_eq!(
                (offered, scanner.seen()),
                (head.len(), head.len()),
                "pieces of {size}"
            );
        }
    }

    #[test]
    fn bare_line_ends_fail_wherever_they_stand() {
        for (input, fault) in [
            (&b"\n"[..], HeadFault::BareLineFeed),
            (b"\rG", HeadFault::BareCarriageReturn),
            (b"GET / HTTP/1.1\n", HeadFault::BareLineFeed),
            (b"GET / HTTP/1.1\rX", HeadFault::BareCarriageReturn),
            (b"GET / HTTP/1.1\r\n\n", HeadFault::BareLineFeed),
            (b"GET / HTTP/1.1\r\nA: b\n", HeadFault::BareLineFeed),
            (b"GET / HTTP/1.1\r\nA: b\rc", HeadFault::BareCarriageReturn),
            (
                b"GET / HTTP/1.1\r\nA: b\r\r\n",
                HeadFault::BareCarriageReturn,
            ),
            (b"GET / HTTP/1.1\r\n\rA", HeadFault::BareCarriageReturn),
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
            Err(HeadFault::MalformedStartLine)
        );
    }

    #[test]
    fn what_is_not_http_fails_at_its_first_odd_octet() {
        assert_eq!(run(Kind::Request, b"\x16"), Err(HeadFault::Tls));
        assert_eq!(
            run(Kind::Request, b"\x00"),
            Err(HeadFault::MalformedStartLine)
        );
        assert_eq!(
            run(Kind::Request, b"GET /\x80"),
            Err(HeadFault::MalformedStartLine)
        );
        assert_eq!(
            run(Kind::Response, b"SSH-2"),
            Err(HeadFault::MalformedStartLine)
        );
        assert_eq!(
            run(Kind::Response, b"HTTQ"),
            Err(HeadFault::MalformedStartLine)
        );
    }

    #[test]
    fn the_limit_is_exact_and_said_at_the_last_octet_that_could_comply() {
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
            Err(HeadFault::HeadTooLong)
        );
        let line = vec![b'a'; MAX_HEAD_LEN];
        assert_eq!(run(Kind::Request, &line), Err(HeadFault::StartLineTooLong));
    }

    #[test]
    fn the_number_of_field_lines_is_bounded_exactly() {
        let head = |count: usize| {
            let mut head = b"GET / HTTP/1.1\r\n".to_vec();
            head.extend_from_slice(&b"A: b\r\n".repeat(count));
            head.extend_from_slice(b"\r\n");
            head
        };
        assert!(run(Kind::Request, &head(MAX_HEADERS)).is_ok());
        assert_eq!(
            run(Kind::Request, &head(MAX_HEADERS + 1)),
            Err(HeadFault::TooManyHeaders)
        );
    }
}
