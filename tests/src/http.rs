//! HTTP heads that are written and parsed by hand.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha1::{Digest, Sha1};

/// The key of [`request`], from RFC 6455 §1.3.
pub const SAMPLE_KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// The accept value that answers [`SAMPLE_KEY`].
pub const SAMPLE_ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The lines of a request that every server accepts.
pub const LINES: [&str; 6] = [
    "GET /chat?room=1 HTTP/1.1",
    "Host: server.example.com",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
];

/// Returns a head that consists of `lines`.
#[must_use]
pub fn head<S: AsRef<str>>(lines: &[S]) -> Vec<u8> {
    let mut head = String::new();
    for line in lines {
        head.push_str(line.as_ref());
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// Returns a request that every server accepts.
#[must_use]
pub fn request() -> Vec<u8> {
    head(&LINES)
}

/// Returns [`request`] with additional lines.
#[must_use]
pub fn request_with(lines: &[&str]) -> Vec<u8> {
    head(&[&LINES, lines].concat())
}

/// Returns [`request`] with `line` in place of the lines that begin with `start`. An empty `line`
/// deletes these lines.
///
/// # Panics
///
/// If no line begins with `start`.
#[must_use]
pub fn request_but(start: &str, line: &str) -> Vec<u8> {
    assert!(LINES.iter().any(|l| l.starts_with(start)), "{start}");
    let lines: Vec<&str> = LINES
        .iter()
        .map(|l| if l.starts_with(start) { line } else { l })
        .filter(|l| !l.is_empty())
        .collect();
    head(&lines)
}

/// Returns the accept value for a key (RFC 6455 §4.2.2).
#[must_use]
pub fn accept_for(key: &str) -> String {
    let mut sha = Sha1::new();
    sha.update(key.as_bytes());
    sha.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    BASE64_STANDARD.encode(sha.finalize())
}

/// Returns the value of the first header with this name. The case of the name is ignored.
#[must_use]
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// Returns the accept value that answers a request.
///
/// # Panics
///
/// If the request has no key.
#[must_use]
pub fn accept_of(request: &str) -> String {
    accept_for(header(request, "Sec-WebSocket-Key").expect("a request has a key"))
}

/// Returns a 101 response to a request.
#[must_use]
pub fn switching(request: &str) -> Vec<u8> {
    switching_with(request, &[])
}

/// Returns a 101 response to a request, with additional lines.
#[must_use]
pub fn switching_with(request: &str, lines: &[&str]) -> Vec<u8> {
    let accept = format!("Sec-WebSocket-Accept: {}", accept_of(request));
    let fixed = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        &accept,
    ];
    head(&[&fixed[..], lines].concat())
}

/// Splits `bytes` after the empty line that ends a head. Returns `None` if the head is incomplete.
#[must_use]
pub fn split_head(bytes: &[u8]) -> Option<(String, &[u8])> {
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    Some((head, &bytes[end..]))
}

/// A complete response that refuses an upgrade.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The status code.
    pub status: u16,
    /// The status line and the headers.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

/// Parses a response that refuses an upgrade and ends the connection.
///
/// # Panics
///
/// If the response is incomplete, has another length than its `Content-Length`, or lacks
/// `Connection: close`.
#[must_use]
pub fn refusal(bytes: &[u8]) -> Refusal {
    let (head, body) = split_head(bytes)
        .unwrap_or_else(|| panic!("no complete head in \"{}\"", bytes.escape_ascii()));
    let status = head
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3))
        .and_then(|status| status.parse().ok())
        .unwrap_or_else(|| panic!("status line of {head:?}"));
    let connection = header(&head, "Connection").unwrap_or_default();
    assert!(
        connection.split(',').any(|token| token.trim() == "close"),
        "Connection: {connection:?} of {head:?}"
    );
    let length = header(&head, "Content-Length").map(str::parse);
    assert_eq!(length, Some(Ok(body.len())), "Content-Length of {head:?}");
    Refusal {
        status,
        head,
        body: body.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_value_of_the_rfc_is_computed() {
        assert_eq!(accept_for(SAMPLE_KEY), SAMPLE_ACCEPT);
        assert_eq!(
            accept_of(&String::from_utf8(request()).unwrap()),
            SAMPLE_ACCEPT
        );
    }
}
