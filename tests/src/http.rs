//! Heads written and read by hand.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha1::{Digest, Sha1};

/// The key of [`request`], from RFC 6455 §1.3.
pub const SAMPLE_KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// The answer to it.
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

/// A head of these lines.
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

/// A request that every server accepts.
#[must_use]
pub fn request() -> Vec<u8> {
    head(&LINES)
}

/// That request with more lines.
#[must_use]
pub fn request_with(lines: &[&str]) -> Vec<u8> {
    head(&[&LINES, lines].concat())
}

/// That request with the line that begins with `start` replaced; by nothing if `line` is empty.
///
/// # Panics
///
/// If there is no such line.
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

/// The accept value for a key (RFC 6455 §4.2.2).
#[must_use]
pub fn accept_for(key: &str) -> String {
    let mut sha = Sha1::new();
    sha.update(key.as_bytes());
    sha.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    BASE64_STANDARD.encode(sha.finalize())
}

/// The value of a header in a head, by name without regard to case.
#[must_use]
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// The accept value that answers a request.
///
/// # Panics
///
/// If the request has no key.
#[must_use]
pub fn accept_of(request: &str) -> String {
    accept_for(header(request, "Sec-WebSocket-Key").expect("a request has a key"))
}

/// A 101 that answers a request.
#[must_use]
pub fn switching(request: &str) -> Vec<u8> {
    switching_with(request, &[])
}

/// A 101 that answers a request, with more lines.
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

/// Splits octets behind the empty line that ends a head.
#[must_use]
pub fn split_head(octets: &[u8]) -> Option<(String, &[u8])> {
    let end = octets.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&octets[..end]).into_owned();
    Some((head, &octets[end..]))
}

/// A complete response that refuses an upgrade.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Its status.
    pub status: u16,
    /// Status line and headers.
    pub head: String,
    /// Its body.
    pub body: Vec<u8>,
}

/// Reads a response that refuses and ends the connection.
///
/// # Panics
///
/// If it is anything but complete.
#[must_use]
pub fn refusal(octets: &[u8]) -> Refusal {
    let (head, body) = split_head(octets)
        .unwrap_or_else(|| panic!("no complete head in \"{}\"", octets.escape_ascii()));
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
    fn the_sample_of_the_rfc() {
        assert_eq!(accept_for(SAMPLE_KEY), SAMPLE_ACCEPT);
        assert_eq!(
            accept_of(&String::from_utf8(request()).unwrap()),
            SAMPLE_ACCEPT
        );
    }
}
