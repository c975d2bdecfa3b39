//! Reading the body of a response other than 101, up to a limit (RFC 9112 §6 and §7).

use std::fmt;

use http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use http::{Response, StatusCode};

use crate::head::NamesOf;
use crate::limits::MAX_REFUSAL_BODY_LEN;
use crate::token::{list_elements, trim_ows};

/// A refusal whose body is collected until the body ends or reaches the limit.
///
/// The body only explains the refusal to a person. So malformed framing is not an error: the body
/// ends there.
#[derive(Debug)]
pub(crate) struct RefusalBody {
    response: Box<Response<Vec<u8>>>,
    framing: Framing,
    /// The number of bytes of chunk framing that are still accepted. Without this limit, a peer
    /// could send framing forever without adding to the body.
    overhead_left: usize,
}

/// Writes an error that contains a refusal for `Debug`, without the body and the values of the
/// headers, which may be secrets. `variant` is the name of
/// its variant.
pub(crate) fn debug_refusal(
    f: &mut fmt::Formatter<'_>,
    variant: &str,
    response: &Response<Vec<u8>>,
) -> fmt::Result {
    f.debug_struct(variant)
        .field("status", &response.status())
        .field("headers", &NamesOf(response.headers()))
        .field("body_len", &response.body().len())
        .finish()
}

/// The rule that determines the end of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// The body ends after this many bytes.
    Length(u64),
    /// The body ends when the connection ends.
    UntilEof,
    Chunked(Chunk),
    /// The body is complete.
    Ended,
}

/// The position within the chunked coding (RFC 9112 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chunk {
    /// In the digits of a size. A size without digits is read as zero, the size of the last chunk.
    Size { size: u64 },
    /// After the digits of a size, up to the LF of its line. This part has white space and
    /// extensions.
    Extension { size: u64 },
    /// In the data. `left` is the number of data bytes that follow, never zero.
    Data { left: u64 },
    /// In the line end after the data.
    DataEnd,
}

impl RefusalBody {
    /// Creates the reader. `response` has the head of the refusal and an empty body.
    pub(crate) fn new(response: Response<Vec<u8>>) -> Self {
        let framing = framing_of(response.status(), response.headers());
        Self {
            response: Box::new(response),
            framing,
            overhead_left: MAX_REFUSAL_BODY_LEN,
        }
    }

    /// Reads input. Returns `true` if the body is complete.
    pub(crate) fn receive(&mut self, mut input: &[u8]) -> bool {
        loop {
            let room = MAX_REFUSAL_BODY_LEN.saturating_sub(self.response.body().len());
            if self.framing == Framing::Ended || room == 0 {
                return true;
            }
            if input.is_empty() {
                return false;
            }
            let used = match self.framing {
                Framing::Length(left) => {
                    let (taken, left) = self.take(input, room, left);
                    self.framing = if left == 0 {
                        Framing::Ended
                    } else {
                        Framing::Length(left)
                    };
                    taken
                }
                Framing::UntilEof => self.take(input, room, u64::MAX).0,
                Framing::Chunked(Chunk::Data { left }) => {
                    let (taken, left) = self.take(input, room, left);
                    let next = if left == 0 {
                        Chunk::DataEnd
                    } else {
                        Chunk::Data { left }
                    };
                    self.framing = Framing::Chunked(next);
                    taken
                }
                Framing::Chunked(chunk) => {
                    self.framing = self.chunk_byte(chunk, input);
                    1
                }
                Framing::Ended => return true,
            };
            input = input.get(used..).unwrap_or_default();
        }
    }

    /// Returns the response with the body read so far.
    pub(crate) fn into_response(self) -> Box<Response<Vec<u8>>> {
        self.response
    }

    /// Appends input to the body: at most `left` bytes, and at most `room` bytes. Returns the
    /// number of bytes appended, and the rest of `left`.
    fn take(&mut self, input: &[u8], room: usize, left: u64) -> (usize, u64) {
        let wanted = usize::try_from(left).unwrap_or(usize::MAX);
        let length = input.len().min(room).min(wanted);
        self.response
            .body_mut()
            .extend_from_slice(input.get(..length).unwrap_or_default());
        (length, left.saturating_sub(length as u64))
    }

    /// Reads one byte that is not data. Returns the framing after this byte.
    fn chunk_byte(&mut self, chunk: Chunk, input: &[u8]) -> Framing {
        let (Some(byte), Some(left)) = (input.first(), self.overhead_left.checked_sub(1)) else {
            return Framing::Ended;
        };
        self.overhead_left = left;
        chunk.next(*byte).map_or(Framing::Ended, Framing::Chunked)
    }
}

impl Chunk {
    const START: Self = Self::Size { size: 0 };

    /// Returns the position after `byte`. Returns `None` after the last chunk or an error, because
    /// the body ends there. Trailers are not read.
    fn next(self, byte: u8) -> Option<Self> {
        match (self, char::from(byte)) {
            (Self::Size { size }, digit) if digit.is_ascii_hexdigit() => {
                let digit = u64::from(digit.to_digit(16)?);
                Some(Self::Size {
                    size: size.checked_mul(16)?.checked_add(digit)?,
                })
            }
            (Self::Size { size }, ';' | ' ' | '\t' | '\r') => Some(Self::Extension { size }),
            (Self::Size { .. }, _) => None,
            (Self::Extension { size: 0 }, '\n') => None,
            (Self::Extension { size }, '\n') => Some(Self::Data { left: size }),
            (Self::Extension { .. }, _) => Some(self),
            (Self::DataEnd, '\r') => Some(Self::DataEnd),
            (Self::DataEnd, '\n') => Some(Self::START),
            (Self::DataEnd | Self::Data { .. }, _) => None,
        }
    }
}

/// Determines the framing of the body (RFC 9112 §6.3).
fn framing_of(status: StatusCode, headers: &HeaderMap) -> Framing {
    if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        return Framing::Ended;
    }
    let codings = headers.get_all(TRANSFER_ENCODING);
    if let Some(last) = codings.iter().next_back() {
        let coding = list_elements(last.as_bytes()).last().unwrap_or_default();
        return if coding.eq_ignore_ascii_case(b"chunked") {
            Framing::Chunked(Chunk::START)
        } else {
            Framing::UntilEof
        };
    }
    match headers
        .get(CONTENT_LENGTH)
        .map(|length| trim_ows(length.as_bytes()))
    {
        None => Framing::UntilEof,
        Some(digits) => match parse_length(digits) {
            Some(0) => Framing::Ended,
            Some(length) => Framing::Length(length),
            None => Framing::UntilEof,
        },
    }
}

/// Parses `1*DIGIT` (RFC 9110 §8.6).
fn parse_length(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |length, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        length.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asserts that the body is the same in one input and in single bytes. Returns the body, and
    /// `true` if the body is complete.
    fn read(headers: &[(&'static str, &str)], bytes: &[u8]) -> (Vec<u8>, bool) {
        let new = || {
            let mut response = Response::builder().status(403);
            for (name, value) in headers {
                response = response.header(*name, *value);
            }
            RefusalBody::new(response.body(Vec::new()).unwrap())
        };
        let mut at_once = new();
        let complete = at_once.receive(bytes);
        let mut in_steps = new();
        let complete_in_steps = bytes.chunks(1).any(|byte| in_steps.receive(byte));
        assert_eq!(complete, complete_in_steps || in_steps.receive(b""));
        let body = at_once.into_response().into_body();
        assert_eq!(body, in_steps.into_response().into_body());
        (body, complete)
    }

    #[test]
    fn a_body_with_a_length_ends_after_it() {
        let length = [("content-length", "4")];
        assert_eq!(read(&length, b"no"), (b"no".to_vec(), false));
        assert_eq!(read(&length, b"no..rest"), (b"no..".to_vec(), true));
        assert_eq!(read(&[("content-length", "0")], b""), (vec![], true));
    }

    #[test]
    fn a_body_without_a_valid_length_ends_with_the_connection() {
        for headers in [
            &[][..],
            &[("content-length", "x")],
            &[("content-length", "99999999999999999999")],
            &[("transfer-encoding", "gzip")],
        ] {
            assert_eq!(read(headers, b"body"), (b"body".to_vec(), false));
        }
    }

    #[test]
    fn chunks_are_joined() {
        let chunked = [
            ("transfer-encoding", "gzip, Chunked"),
            ("content-length", "1"),
        ];
        let bytes = b"3;a=b\r\nabc\r\n00A \r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n";
        assert_eq!(read(&chunked, bytes), (b"abc0123456789".to_vec(), true));
        assert_eq!(read(&chunked, b"3\r\nab"), (b"ab".to_vec(), false));
    }

    #[test]
    fn malformed_chunks_end_the_body() {
        let chunked = [("transfer-encoding", "chunked")];
        for bytes in ["\r\n", "g\r\n", "-1\r\n", "fffffffffffffffff\r\n"] {
            assert_eq!(
                read(&chunked, bytes.as_bytes()),
                (vec![], true),
                "{bytes:?}"
            );
        }
        assert_eq!(read(&chunked, b"1\r\nabc"), (b"a".to_vec(), true));
    }

    #[test]
    fn body_and_framing_are_limited() {
        let endless = vec![b'x'; 2 * MAX_REFUSAL_BODY_LEN];
        assert_eq!(
            read(&[], &endless),
            (endless[..MAX_REFUSAL_BODY_LEN].to_vec(), true)
        );
        let almost = &endless[..MAX_REFUSAL_BODY_LEN - 1];
        assert_eq!(read(&[], almost), (almost.to_vec(), false));
        let chunked = [("transfer-encoding", "chunked")];
        let extension = [b"1;", &endless[..]].concat();
        assert_eq!(read(&chunked, &extension), (vec![], true));
        let chunk = [b"ffffffffffffffff\r\n", &endless[..]].concat();
        assert_eq!(read(&chunked, &chunk).0.len(), MAX_REFUSAL_BODY_LEN);
    }
}
