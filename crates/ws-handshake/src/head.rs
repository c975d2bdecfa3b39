//! Collecting a head from input that arrives in pieces, and parsing the head into the types of
//! `http`.

use http::header::{
    AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION, SET_COOKIE,
};

use crate::head_error::HeadError;
use crate::limits::MAX_HEADERS;
use crate::scanner::{Kind, Scanner, Stop};

/// The head of a request or response, split at the end of its start line.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    /// The start line without its line end.
    pub(crate) start_line: &'a [u8],
    /// The field lines and the empty line after them.
    pub(crate) fields: &'a [u8],
}

/// A reader of one head of limited length. The work is linear, however the input is split.
#[derive(Debug)]
pub(crate) struct HeadReader {
    scanner: Scanner,
    /// The bytes of the head that arrived in earlier inputs. Empty if the whole head arrives in one
    /// input.
    buffer: Vec<u8>,
    /// The offset at which the field lines begin in the head. This includes an empty line before
    /// the start line. Zero until the start line is complete.
    fields_at: usize,
    /// Checks the start line as soon as it is complete.
    check: fn(&[u8]) -> Result<(), HeadError>,
}

impl HeadReader {
    pub(crate) fn new(scanner: Scanner, check: fn(&[u8]) -> Result<(), HeadError>) -> Self {
        Self {
            scanner,
            buffer: Vec::new(),
            fields_at: 0,
            check,
        }
    }

    /// Returns `true` if no byte has been read.
    pub(crate) fn is_empty(&self) -> bool {
        self.scanner.seen() == 0
    }

    /// Returns the part of the limit that the head has not used.
    pub(crate) fn remaining(&self) -> usize {
        self.scanner.remaining()
    }

    /// Reads `input`. Returns the number of input bytes that belong to the head, and the head if it
    /// is complete.
    ///
    /// A head that lies within one input is not copied.
    pub(crate) fn receive<'a>(
        &'a mut self,
        input: &'a [u8],
    ) -> Result<(usize, Option<Head<'a>>), HeadError> {
        let mut used = 0;
        loop {
            let (_, rest) = input.split_at_checked(used).unwrap_or_default();
            match self.scanner.scan(rest)? {
                Stop::NeedMore => {
                    self.buffer.extend_from_slice(input);
                    return Ok((input.len(), None));
                }
                Stop::StartLine(length) => {
                    used += length;
                    self.fields_at = self.scanner.seen();
                    self.check_start_line(input.get(..used).unwrap_or_default())?;
                }
                Stop::Head(length) => {
                    used += length;
                    let (last, _) = input.split_at_checked(used).unwrap_or_default();
                    if self.buffer.is_empty() {
                        return Ok((used, Some(cut(last, self.fields_at))));
                    }
                    self.buffer.extend_from_slice(last);
                    return Ok((used, Some(cut(&self.buffer, self.fields_at))));
                }
            }
        }
    }

    /// Checks the start line, whose last part is `last`. The line is copied only if it arrived in
    /// several inputs. This happens at most once per head.
    fn check_start_line(&self, last: &[u8]) -> Result<(), HeadError> {
        if self.buffer.is_empty() {
            return (self.check)(without_line_ends(last));
        }
        (self.check)(without_line_ends(&[&self.buffer, last].concat()))
    }
}

fn cut(head: &[u8], fields_at: usize) -> Head<'_> {
    let (start_line, fields) = head.split_at_checked(fields_at).unwrap_or_default();
    Head {
        start_line: without_line_ends(start_line),
        fields,
    }
}

/// Removes the CRLF at the end of the start line, and an empty line before it.
fn without_line_ends(line: &[u8]) -> &[u8] {
    let line = line.strip_prefix(b"\r\n").unwrap_or(line);
    line.strip_suffix(b"\r\n").unwrap_or(line)
}

/// A request line (RFC 9112 §3).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RequestLine<'a> {
    pub(crate) method: &'a [u8],
    pub(crate) target: &'a [u8],
    /// HTTP/1.1 or HTTP/1.0.
    pub(crate) version: HttpVersion,
}

impl<'a> RequestLine<'a> {
    /// Parses `method SP request-target SP HTTP/1.1`.
    pub(crate) fn parse(line: &'a [u8]) -> Result<Self, HeadError> {
        let line = Self::parse_any(line)?;
        match line.version {
            HttpVersion::Http11 => Ok(line),
            HttpVersion::Http10 | HttpVersion::Other => Err(HeadError::UnsupportedHttpVersion),
        }
    }

    /// Parses a request line of HTTP/1.1 or HTTP/1.0.
    pub(crate) fn parse_any(line: &'a [u8]) -> Result<Self, HeadError> {
        let mut parts = line.split(|byte| *byte == b' ');
        let (Some(method), Some(target), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(HeadError::MalformedStartLine);
        };
        if !crate::token::is_token(method) || target.is_empty() {
            return Err(HeadError::MalformedStartLine);
        }
        match HttpVersion::parse(version)? {
            HttpVersion::Other => Err(HeadError::UnsupportedHttpVersion),
            version => Ok(Self {
                method,
                target,
                version,
            }),
        }
    }

    pub(crate) fn reader() -> HeadReader {
        HeadReader::new(Scanner::new(Kind::Request), |line| {
            RequestLine::parse(line).map(|_| ())
        })
    }

    /// Creates a reader that also accepts HTTP/1.0.
    pub(crate) fn any_reader() -> HeadReader {
        HeadReader::new(Scanner::new(Kind::Request), |line| {
            RequestLine::parse_any(line).map(|_| ())
        })
    }
}

/// A status line (RFC 9112 §4) without its reason phrase, which has no meaning.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StatusLine {
    pub(crate) version: HttpVersion,
    pub(crate) status: http::StatusCode,
}

impl StatusLine {
    /// Parses `HTTP/1.x SP 3DIGIT [ SP reason ]`.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, HeadError> {
        let mut parts = line.splitn(3, |byte| *byte == b' ');
        let (Some(version), Some(status)) = (parts.next(), parts.next()) else {
            return Err(HeadError::MalformedStartLine);
        };
        let version = match HttpVersion::parse(version)? {
            HttpVersion::Other => return Err(HeadError::UnsupportedHttpVersion),
            version => version,
        };
        let status =
            http::StatusCode::from_bytes(status).map_err(|_| HeadError::MalformedStartLine)?;
        Ok(Self { version, status })
    }

    /// Creates a reader for a response head of at most `limit` bytes.
    pub(crate) fn reader(limit: usize) -> HeadReader {
        let scanner = Scanner::with_limit(Kind::Response, limit);
        HeadReader::new(scanner, |line| Self::parse(line).map(|_| ()))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HttpVersion {
    Http10,
    Http11,
    /// Any other well-formed version.
    Other,
}

impl HttpVersion {
    /// Parses `HTTP/` DIGIT `.` DIGIT. `HTTP` is case-sensitive (RFC 9112 §2.3).
    fn parse(version: &[u8]) -> Result<Self, HeadError> {
        match version {
            b"HTTP/1.1" => Ok(Self::Http11),
            b"HTTP/1.0" => Ok(Self::Http10),
            [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
                if major.is_ascii_digit() && minor.is_ascii_digit() =>
            {
                Ok(Self::Other)
            }
            _ => Err(HeadError::MalformedStartLine),
        }
    }
}

/// Parses the field lines of a complete head.
///
/// The scanner has already rejected a bare LF, so it does not matter that httparse accepts one.
/// httparse checks the syntax of names and splits each line at the colon.
pub(crate) fn parse_fields(fields: &[u8]) -> Result<HeaderMap, HeadError> {
    let mut slots = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let parsed = match httparse::parse_headers(fields, &mut slots) {
        Ok(httparse::Status::Complete((_, parsed))) => parsed,
        Ok(httparse::Status::Partial) => return Err(HeadError::InvalidHeader),
        Err(httparse::Error::TooManyHeaders) => return Err(HeadError::TooManyHeaders),
        Err(_) => return Err(HeadError::InvalidHeader),
    };
    let mut headers = HeaderMap::with_capacity(parsed.len());
    for field in parsed {
        let name =
            HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| HeadError::InvalidHeader)?;
        let value = HeaderValue::from_bytes(field.value).map_err(|_| HeadError::ControlByte)?;
        headers
            .try_append(name, value)
            .map_err(|_| HeadError::TooManyHeaders)?;
    }
    hide_credentials(&mut headers);
    Ok(headers)
}

/// Marks the values of headers with credentials as sensitive, so that `Debug` of a header map hides
/// them.
pub(crate) fn hide_credentials(headers: &mut HeaderMap) {
    for (name, value) in headers.iter_mut() {
        if [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, SET_COOKIE].contains(name) {
            value.set_sensitive(true);
        }
    }
}

/// A header map whose `Debug` prints the names of the fields, without the values.
///
/// Applications send credentials in fields of any name, so no list of secret fields would be
/// complete.
pub(crate) struct NamesOf<'a>(pub(crate) &'a HeaderMap);

impl std::fmt::Debug for NamesOf<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.0.keys().map(HeaderName::as_str))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_lines_have_exactly_three_parts() {
        let line = RequestLine::parse(b"GET /a?b HTTP/1.1").unwrap();
        assert_eq!((line.method, line.target), (&b"GET"[..], &b"/a?b"[..]));
        for malformed in [
            &b"GET"[..],
            b"GET /",
            b"GET  HTTP/1.1",
            b"GET / HTTP/1.1 ",
            b"GET  / HTTP/1.1",
            b"GET / http/1.1",
            b"GET / HTTP/1.x",
            b"GET / HTTP/11",
            b"G,T / HTTP/1.1",
        ] {
            let result = RequestLine::parse(malformed);
            assert_eq!(
                result,
                Err(HeadError::MalformedStartLine),
                "{:?}",
                malformed.escape_ascii()
            );
        }
        for other in [&b"GET / HTTP/1.0"[..], b"GET / HTTP/2.0", b"GET / HTTP/0.9"] {
            assert_eq!(
                RequestLine::parse(other),
                Err(HeadError::UnsupportedHttpVersion)
            );
        }
    }

    #[test]
    fn status_lines_need_a_status_of_three_digits() {
        let line = StatusLine::parse(b"HTTP/1.1 101 Switching Protocols").unwrap();
        assert_eq!(line.status, http::StatusCode::SWITCHING_PROTOCOLS);
        assert!(StatusLine::parse(b"HTTP/1.1 101").is_ok());
        assert_eq!(
            StatusLine::parse(b"HTTP/1.0 200 OK").unwrap().version,
            HttpVersion::Http10
        );
        for malformed in [
            &b"HTTP/1.1"[..],
            b"HTTP/1.1 ",
            b"HTTP/1.1 10 x",
            b"HTTP/1.1 1011 x",
        ] {
            let result = StatusLine::parse(malformed);
            assert_eq!(
                result,
                Err(HeadError::MalformedStartLine),
                "{:?}",
                malformed.escape_ascii()
            );
        }
        let result = StatusLine::parse(b"HTTP/2.0 101 x");
        assert_eq!(result, Err(HeadError::UnsupportedHttpVersion));
    }

    #[test]
    fn a_head_in_one_piece_is_not_copied() {
        let mut reader = RequestLine::reader();
        let input = b"GET / HTTP/1.1\r\nA: b\r\n\r\nrest";
        let (used, head) = reader.receive(input).unwrap();
        let head = head.unwrap();
        assert_eq!((used, head.start_line), (24, &b"GET / HTTP/1.1"[..]));
        assert_eq!(head.fields, b"A: b\r\n\r\n");
        assert!(std::ptr::eq(head.fields.as_ptr(), input[16..].as_ptr()));
    }

    #[test]
    fn work_is_linear_for_one_byte_at_a_time() {
        thread_local!(static CHECKS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) });
        let count = |_: &[u8]| {
            CHECKS.set(CHECKS.get() + 1);
            Ok(())
        };
        let mut head = b"GET / HTTP/1.1\r\nA: ".to_vec();
        head.resize(16_000, b'a');
        head.extend_from_slice(b"\r\n\r\n");
        let mut reader = HeadReader::new(Scanner::new(Kind::Request), count);
        for (index, byte) in head.iter().enumerate() {
            let (used, complete) = reader.receive(std::slice::from_ref(byte)).unwrap();
            assert_eq!((used, complete.is_some()), (1, index + 1 == head.len()));
            // The scanner has read each byte once.
            assert_eq!(reader.scanner.seen(), index + 1);
        }
        assert_eq!(CHECKS.get(), 1);
    }

    #[test]
    fn credentials_are_marked_as_sensitive() {
        let headers = parse_fields(b"Cookie: a=b\r\nX: y\r\n\r\n").unwrap();
        assert!(headers["cookie"].is_sensitive() && !headers["x"].is_sensitive());
        assert_eq!(format!("{:?}", NamesOf(&headers)), r#"["cookie", "x"]"#);
    }
}
