//! Collecting a head from input that arrives in pieces, and parsing its start line.

use http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, PROXY_AUTHORIZATION, SET_COOKIE};

use crate::head_error::HeadError;
use crate::head_rules::HeadRules;
use crate::scanner::{Scanner, Stop};

/// The head of a request or response, split at the end of its start line.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    /// The start line without its line end.
    pub(crate) start_line: &'a [u8],
    /// The field lines and the empty line after them.
    pub(crate) fields: &'a [u8],
    /// The number of field lines.
    pub(crate) lines: usize,
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
}

impl HeadReader {
    pub(crate) fn new(rules: HeadRules) -> Self {
        Self {
            scanner: Scanner::new(rules),
            buffer: Vec::new(),
            fields_at: 0,
        }
    }

    /// Returns `true` if no byte has been read.
    pub(crate) fn is_empty(&self) -> bool {
        self.scanner.seen() == 0
    }

    /// Creates a reader of the next head of the same response.
    pub(crate) fn next(&self) -> Self {
        Self::new(self.scanner.rules_for_next())
    }

    /// Reads `input`. Returns the number of input bytes that belong to the head, and the head if it
    /// is complete. `check` checks the start line as soon as it is complete.
    ///
    /// A head that lies within one input is not copied.
    pub(crate) fn receive<'a>(
        &'a mut self,
        input: &'a [u8],
        check: fn(&[u8]) -> Result<(), HeadError>,
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
                    let last = input.get(..used).unwrap_or_default();
                    // The line is copied only if it arrived in several inputs. This happens at most
                    // once per head.
                    if self.buffer.is_empty() {
                        check(without_line_ends(last))?;
                    } else {
                        check(without_line_ends(&[&self.buffer, last].concat()))?;
                    }
                }
                Stop::Head(length) => {
                    used += length;
                    let (last, _) = input.split_at_checked(used).unwrap_or_default();
                    if self.buffer.is_empty() {
                        return Ok((used, Some(self.cut(last))));
                    }
                    self.buffer.extend_from_slice(last);
                    return Ok((used, Some(self.cut(&self.buffer))));
                }
            }
        }
    }

    /// Ends the head, because it is malformed or the input has ended. Returns the complete lines
    /// before that point, if the start line is among them. `input` is the last input of
    /// [`receive`](Self::receive), if this method returned an error.
    pub(crate) fn complete_lines(&mut self, input: &[u8]) -> Option<Head<'_>> {
        let read = self.scanner.seen().checked_sub(self.buffer.len())?;
        self.buffer.extend_from_slice(input.get(..read)?);
        let end = self.buffer.iter().rposition(|byte| *byte == b'\n')?;
        let lines = self.buffer.get(..=end)?;
        (self.fields_at > 0).then(|| self.cut(lines))
    }

    fn cut<'a>(&self, head: &'a [u8]) -> Head<'a> {
        let (start_line, fields) = head.split_at_checked(self.fields_at).unwrap_or_default();
        Head {
            start_line: without_line_ends(start_line),
            fields,
            lines: self.scanner.lines(),
        }
    }
}

/// Removes the line end of the start line, and an empty line before it. The scanner has checked if
/// an LF needs a CR.
fn without_line_ends(line: &[u8]) -> &[u8] {
    let line = line.strip_prefix(b"\r").unwrap_or(line);
    let line = line.strip_prefix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
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

    /// Checks a line as [`parse`](Self::parse) does.
    pub(crate) fn check(line: &[u8]) -> Result<(), HeadError> {
        RequestLine::parse(line).map(|_| ())
    }

    /// Checks a line as [`parse_any`](Self::parse_any) does.
    pub(crate) fn check_any(line: &[u8]) -> Result<(), HeadError> {
        RequestLine::parse_any(line).map(|_| ())
    }

    /// Parses a request line of HTTP/1.1 or HTTP/1.0.
    pub(crate) fn parse_any(line: &'a [u8]) -> Result<Self, HeadError> {
        if is_proxy_header(line) {
            return Err(HeadError::ProxyProtocol);
        }
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
}

/// Returns `true` for a PROXY protocol header of version 1: `PROXY`, the family of the addresses,
/// and the addresses. The request target of a request cannot have the name of a family, because no
/// form of it begins with a capital letter and is followed by something else than the version.
fn is_proxy_header(line: &[u8]) -> bool {
    let families: [&[u8]; 3] = [b"TCP4", b"TCP6", b"UNKNOWN"];
    let family = line.strip_prefix(b"PROXY ");
    family.is_some_and(|rest| families.iter().any(|family| rest.starts_with(family)))
}

/// A status line (RFC 9112 §4) without its reason phrase, which has no meaning.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StatusLine {
    pub(crate) version: HttpVersion,
    pub(crate) status: http::StatusCode,
}

impl StatusLine {
    /// Checks a line as [`parse`](Self::parse) does.
    pub(crate) fn check(line: &[u8]) -> Result<(), HeadError> {
        Self::parse(line).map(|_| ())
    }

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
    use crate::limits::HeadLimits;

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
    fn proxy_headers_of_version_1_have_their_own_error() {
        for line in [
            &b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2"[..],
            b"PROXY TCP6 ::1 ::2 1 2",
            b"PROXY UNKNOWN",
        ] {
            assert_eq!(RequestLine::parse(line), Err(HeadError::ProxyProtocol));
        }
        assert!(RequestLine::parse(b"PROXY /TCP4 HTTP/1.1").is_ok());
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
        let mut reader = HeadReader::new(HeadRules::request(HeadLimits::new()));
        let input = b"GET / HTTP/1.1\r\nA: b\r\n\r\nrest";
        let (used, head) = reader.receive(input, RequestLine::check).unwrap();
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
        let mut reader = HeadReader::new(HeadRules::request(HeadLimits::new()));
        for (index, byte) in head.iter().enumerate() {
            let (used, complete) = reader.receive(std::slice::from_ref(byte), count).unwrap();
            assert_eq!((used, complete.is_some()), (1, index + 1 == head.len()));
            // The scanner has read each byte once.
            assert_eq!(reader.scanner.seen(), index + 1);
        }
        assert_eq!(CHECKS.get(), 1);
    }

    #[test]
    fn debug_of_headers_shows_the_names() {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, http::HeaderValue::from_static("a=b"));
        assert_eq!(format!("{:?}", NamesOf(&headers)), r#"["cookie"]"#);
    }

    #[test]
    fn the_complete_lines_before_a_fault_do_not_depend_on_the_split() {
        let input = b"\r\nHTTP/1.1 403 x\r\nA: b\r\nC: d\r\nE: \rf";
        for size in 1..=input.len() {
            let mut reader = HeadReader::new(HeadRules::response(HeadLimits::new()));
            let fault = input.chunks(size).find_map(|piece| {
                let fault = reader.receive(piece, StatusLine::check).err()?;
                Some((fault, piece))
            });
            let (fault, piece) = fault.unwrap();
            assert_eq!(fault, HeadError::BareCarriageReturn);
            let head = reader.complete_lines(piece).unwrap();
            assert_eq!(head.start_line, b"HTTP/1.1 403 x");
            assert_eq!(head.fields, b"A: b\r\nC: d\r\n");
        }
    }
}
