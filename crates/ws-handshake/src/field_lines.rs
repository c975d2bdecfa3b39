//! Parsing the field lines of a complete head (RFC 9112 §5).
//!
//! There is one parser, and it is strict. The lines of a response that it rejects are rewritten,
//! and then parsed again. A head without odd lines causes no additional work.

use http::header::{HeaderMap, HeaderName, HeaderValue, LOCATION};

use crate::head::{Head, hide_credentials};
use crate::head_error::HeadError;
use crate::limits::MAX_HEADERS;
use crate::scanner::is_field_byte;
use crate::token::{is_ows, is_token, is_token_byte, trim_ows};

/// The odd lines that are accepted.
///
/// An odd line is folded, has white space before its colon, or is no header at all: its colon or
/// its name is missing, or it has a control byte. White space is removed from the first two (RFC
/// 9112 §5.1 and §5.2), and the others are skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OddLines {
    /// No odd line is accepted. This is the rule for requests.
    Rejected,
    /// Odd lines are accepted, except for headers that the handshake checks. Those may be folded,
    /// but not be odd otherwise. This is the rule for a 101.
    ///
    /// A line counts as such a header if it begins with the name. Otherwise a server could, for
    /// example, choose an extension in a line that the client skips.
    AcceptedIfUnrelated,
    /// All odd lines are accepted. This is the rule for other responses. The connection does not
    /// continue after a refusal, and the caller needs the status. Only `Location` could do harm: if
    /// an odd line begins with this name, the response has no `Location`, so no redirect is
    /// followed.
    Accepted,
}

/// Parses the field lines of a head.
pub(crate) fn parse_fields(head: &Head<'_>, odd: OddLines) -> Result<HeaderMap, HeadError> {
    match strict(head.fields, head.lines) {
        Err(_) if odd != OddLines::Rejected => {
            let (lines, is_location_odd) = rewritten(head.fields, odd)?;
            let mut headers = strict(&lines, head.lines)?;
            if is_location_odd {
                headers.remove(LOCATION);
            }
            Ok(headers)
        }
        result => result,
    }
}

/// Returns the lines before the empty line, without their line ends. The scanner has checked these.
fn lines_of(fields: &[u8]) -> impl Iterator<Item = &[u8]> {
    fields
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .take_while(|line| !line.is_empty())
}

fn strict(fields: &[u8], lines: usize) -> Result<HeaderMap, HeadError> {
    let mut headers = HeaderMap::with_capacity(lines.min(MAX_HEADERS));
    for line in lines_of(fields) {
        let (name, value) = split_at_colon(line).ok_or(HeadError::InvalidHeader)?;
        let name = HeaderName::from_bytes(name).map_err(|_| HeadError::InvalidHeader)?;
        let value = HeaderValue::from_bytes(trim_ows(value)).map_err(|_| HeadError::ControlByte)?;
        headers
            .try_append(name, value)
            .map_err(|_| HeadError::TooManyHeaders)?;
    }
    hide_credentials(&mut headers);
    Ok(headers)
}

fn split_at_colon(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = line.split_at_checked(colon)?;
    Some((name, value.get(1..)?))
}

/// Rewrites the lines into lines that [`strict`] accepts. Also returns `true` if an odd line begins
/// with `Location`.
fn rewritten(fields: &[u8], odd: OddLines) -> Result<(Vec<u8>, bool), HeadError> {
    let mut rewriter = Rewriter {
        out: Vec::with_capacity(fields.len()),
        last: Last::Skipped,
        odd,
        is_location_odd: false,
    };
    for line in lines_of(fields) {
        match line.first() {
            Some(first) if is_ows(*first) => rewriter.fold(line)?,
            _ => rewriter.line(line)?,
        }
    }
    Ok((rewriter.out, rewriter.is_location_odd))
}

struct Rewriter {
    /// Complete lines that end with LF.
    out: Vec<u8>,
    last: Last,
    odd: OddLines,
    is_location_odd: bool,
}

/// The line before a folded line.
enum Last {
    /// The line is not in the output, or there is none. RFC 9112 §2.2 skips white space after the
    /// start line.
    Skipped,
    /// A field of the output.
    Field {
        /// The offset of its beginning.
        start: usize,
        is_checked: bool,
    },
}

impl Rewriter {
    fn line(&mut self, line: &[u8]) -> Result<(), HeadError> {
        self.last = Last::Skipped;
        let is_checked = self.is_checked(line);
        let Some((given, value)) = split_at_colon(line) else {
            return self.odd_line(is_checked, HeadError::InvalidHeader);
        };
        let name = trim_end(given);
        if !is_token(name) {
            return self.odd_line(is_checked, HeadError::InvalidHeader);
        }
        if !is_text(value) {
            return self.odd_line(is_checked, HeadError::ControlByte);
        }
        if name != given {
            self.odd_line(is_checked, HeadError::InvalidHeader)?;
        }
        self.last = Last::Field {
            start: self.out.len(),
            is_checked,
        };
        for part in [name, b":", value, b"\n"] {
            self.out.extend_from_slice(part);
        }
        Ok(())
    }

    /// Replaces the line end before a folded line by a space (RFC 9112 §5.2).
    fn fold(&mut self, line: &[u8]) -> Result<(), HeadError> {
        let more = trim_ows(line);
        let Last::Field { start, is_checked } = self.last else {
            return self.odd_line(self.is_checked(more), HeadError::FoldedLine);
        };
        if !is_checked {
            self.odd_line(self.is_checked(more), HeadError::FoldedLine)?;
        }
        self.is_location_odd |= is_checked && self.odd == OddLines::Accepted;
        if is_text(more) {
            self.out.pop();
            for part in [b" ", more, b"\n"] {
                self.out.extend_from_slice(part);
            }
        } else {
            self.odd_line(is_checked, HeadError::ControlByte)?;
            self.out.truncate(start);
            self.last = Last::Skipped;
        }
        Ok(())
    }

    /// Accepts an odd line, unless it is a header that the handshake checks.
    fn odd_line(&mut self, is_checked: bool, fault: HeadError) -> Result<(), HeadError> {
        if is_checked && self.odd == OddLines::AcceptedIfUnrelated {
            return Err(fault);
        }
        self.is_location_odd |= is_checked;
        Ok(())
    }

    /// Returns `true` if the line must be strict, because it begins with the name of a header that
    /// the handshake checks, or with `Location` in a refusal.
    fn is_checked(&self, line: &[u8]) -> bool {
        const PREFIX: &[u8] = b"sec-websocket-";
        let len = line.iter().take_while(|byte| is_token_byte(**byte)).count();
        let name = line.get(..len).unwrap_or_default();
        if self.odd == OddLines::Accepted {
            return name.eq_ignore_ascii_case(b"location");
        }
        let starts_like_one = name.get(..PREFIX.len()).unwrap_or_default();
        name.eq_ignore_ascii_case(b"upgrade")
            || name.eq_ignore_ascii_case(b"connection")
            || starts_like_one.eq_ignore_ascii_case(PREFIX)
    }
}

/// Removes white space from the end of a name. Unlike a value, a name keeps it at the beginning.
fn trim_end(mut name: &[u8]) -> &[u8] {
    while let [rest @ .., last] = name {
        if !is_ows(*last) {
            break;
        }
        name = rest;
    }
    name
}

fn is_text(value: &[u8]) -> bool {
    value.iter().copied().all(is_field_byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(fields: &str, odd: OddLines) -> Result<Vec<String>, HeadError> {
        let head = Head {
            start_line: b"",
            fields: fields.as_bytes(),
            lines: fields.lines().count(),
        };
        let headers = parse_fields(&head, odd)?;
        let shown = |(name, value): (&HeaderName, &HeaderValue)| {
            format!("{name}={}", value.as_bytes().escape_ascii())
        };
        Ok(headers.iter().map(shown).collect())
    }

    #[test]
    fn odd_lines_of_other_headers_are_accepted_except_in_requests() {
        for (fields, fault, expected) in [
            // RFC 9112 §5.2: a fold is replaced by a space.
            (
                "X: a\r\n b\r\n\t c \r\nY: d\r\n",
                HeadError::InvalidHeader,
                &["x=a b c", "y=d"][..],
            ),
            ("X:\r\n a\r\n", HeadError::InvalidHeader, &["x=a"]),
            (
                "X: a\r\n  \r\nY: b\r\n",
                HeadError::InvalidHeader,
                &["x=a", "y=b"],
            ),
            ("X: a\r\n Y: b\r\n", HeadError::InvalidHeader, &["x=a Y: b"]),
            // RFC 9112 §2.2: white space after the start line.
            (
                " X: a\r\n b\r\nY: c\r\n",
                HeadError::InvalidHeader,
                &["y=c"],
            ),
            // RFC 9112 §5.1: white space before the colon.
            (
                "Server : cam\r\n",
                HeadError::InvalidHeader,
                &["server=cam"],
            ),
            (
                "Server \t: a: b\r\n",
                HeadError::InvalidHeader,
                &["server=a: b"],
            ),
            // Lines that are no header.
            ("no colon\r\nX: a\r\n", HeadError::InvalidHeader, &["x=a"]),
            (
                "X: a\r\nno colon\r\n and more\r\n",
                HeadError::InvalidHeader,
                &["x=a"],
            ),
            (
                "Device Name: cam\r\nX: a\r\n",
                HeadError::InvalidHeader,
                &["x=a"],
            ),
            (": a\r\nX: a\r\n", HeadError::InvalidHeader, &["x=a"]),
            ("B: a\0b\r\nX: a\r\n", HeadError::ControlByte, &["x=a"]),
            (
                "B: a\r\n b\x01\r\n c\r\nX: a\r\n",
                HeadError::InvalidHeader,
                &["x=a"],
            ),
            ("X\x7f: a\r\n", HeadError::InvalidHeader, &[]),
        ] {
            let fields = format!("{fields}\r\n");
            assert_eq!(parse(&fields, OddLines::Rejected), Err(fault), "{fields:?}");
            for odd in [OddLines::AcceptedIfUnrelated, OddLines::Accepted] {
                let expected = expected.iter().map(|line| (*line).to_owned());
                assert_eq!(parse(&fields, odd), Ok(expected.collect()), "{fields:?}");
                // With bare LF, which the scanner then accepts.
                let bare = fields.replace("\r\n", "\n");
                assert_eq!(parse(&bare, odd), parse(&fields, odd));
            }
        }
    }

    #[test]
    fn odd_lines_with_a_checked_name_are_rejected_in_a_101() {
        for name in [
            "Upgrade",
            "CONNECTION",
            "Sec-WebSocket-Accept",
            "sec-websocket-x",
        ] {
            for (line, fault) in [
                (format!("{name}: a\r\n b\x01"), HeadError::ControlByte),
                (format!("X: a\r\n {name}: b"), HeadError::FoldedLine),
                (format!(" {name}: b"), HeadError::FoldedLine),
                (format!("no colon\r\n {name}"), HeadError::FoldedLine),
                (format!("{name} : a"), HeadError::InvalidHeader),
                (format!("{name} a"), HeadError::InvalidHeader),
                (name.to_string(), HeadError::InvalidHeader),
                (format!("{name}\0: a"), HeadError::InvalidHeader),
                (format!("{name} b: a"), HeadError::InvalidHeader),
                (format!("{name}: a\x01"), HeadError::ControlByte),
            ] {
                let fields = format!("{line}\r\nodd\r\n\r\n");
                let result = parse(&fields, OddLines::AcceptedIfUnrelated);
                assert_eq!(result, Err(fault), "{fields:?}");
                assert!(parse(&fields, OddLines::Accepted).is_ok(), "{fields:?}");
            }
        }
        for line in [
            "Upgrades a",
            "Connection-Info\0: b",
            "XSec-WebSocket-Accept : a",
        ] {
            let fields = format!("{line}\r\nodd\r\n\r\n");
            assert!(parse(&fields, OddLines::AcceptedIfUnrelated).is_ok());
        }
    }

    /// RFC 9112 §5.2: a user agent replaces each fold.
    #[test]
    fn a_checked_header_may_be_folded_in_a_101() {
        let fields = "Upgrade:\r\n websocket\r\nConnection: a,\r\n\tUpgrade\r\n\r\n";
        let parsed = parse(fields, OddLines::AcceptedIfUnrelated);
        let expected = ["upgrade=websocket", "connection=a, Upgrade"];
        assert_eq!(parsed, Ok(expected.map(str::to_owned).to_vec()));
    }

    #[test]
    fn a_refusal_with_an_odd_location_has_none() {
        for fields in [
            "Location: /a\r\n b\r\n",
            "X: a\r\n Location: /a\r\nLocation: /b\r\n",
            "Location : /a\r\n",
            "Location: /a\r\nLocation\x01: /b\r\n",
            "Location: /a\r\nlocation /b\r\n",
            "Location: /a\r\nLOCATION\r\n",
            "Location: /a\r\nLocation: /\x01\r\n",
        ] {
            let fields = format!("{fields}Y: z\r\n\r\n");
            let parsed = parse(&fields, OddLines::Accepted).unwrap();
            assert!(
                parsed.iter().all(|line| !line.starts_with("location=")),
                "{parsed:?}"
            );
            assert!(parsed.contains(&"y=z".to_owned()));
        }
        let fields = "Location: /a\r\nodd\r\nLocations b\r\nX: a\r\n b\r\n\r\n";
        let parsed = parse(fields, OddLines::Accepted).unwrap();
        assert_eq!(parsed, ["location=/a", "x=a b"]);
    }

    #[test]
    fn credentials_are_marked_as_sensitive() {
        let head = Head {
            start_line: b"",
            fields: b"Cookie: a=b\r\nX: y\r\n\r\n",
            lines: 2,
        };
        let headers = parse_fields(&head, OddLines::Rejected).unwrap();
        assert!(headers["cookie"].is_sensitive() && !headers["x"].is_sensitive());
    }
}
