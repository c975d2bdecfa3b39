//! The opening handshake of both sides (RFC 6455 §4).

mod fields;
mod head;
mod request;
mod response;

pub(crate) use head::Head;
pub(crate) use request::{ReadRequest, Request, SAMPLE_KEY};
pub(crate) use response::{Answer, Response, ResponseFault, error_response};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha1::{Digest, Sha1};

/// The heads of an opening handshake, as sent and received.
#[derive(Clone, Debug, Default)]
pub(crate) struct Handshake {
    pub(crate) request: Option<String>,
    pub(crate) response: Option<String>,
    /// The value of the tested server's `Server` header.
    pub(crate) server: Option<String>,
}

/// The name of the suite in its heads.
pub(crate) const PRODUCT: &str = concat!("ws-conformance/", env!("CARGO_PKG_VERSION"));
/// The longest head that is read.
pub(crate) const MAX_HEAD: usize = 64 * 1024;

/// Returns the answer to a key (§4.2.2).
pub(crate) fn accept(key: &str) -> String {
    let joined = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    BASE64_STANDARD.encode(Sha1::digest(joined))
}

/// Returns the key of a request, if it has one.
pub(crate) fn key(head: &[u8]) -> Option<String> {
    let request = ReadRequest::read(head)?;
    let keys = request.all("Sec-WebSocket-Key");
    keys.first().map(|&key| key.to_owned())
}

/// Returns the path and the query of a request. The rest of the request need not be correct.
pub(crate) fn resource(head: &[u8]) -> Option<String> {
    if let Some(request) = ReadRequest::read(head) {
        return Some(request.target);
    }
    let line = head.split(|&byte| byte == b'\r').next()?;
    let resource = std::str::from_utf8(line).ok()?.split(' ').nth(1)?;
    Some(resource.to_owned())
}

/// The length of the head in `bytes`, if it is complete.
pub(crate) fn head_len(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some(end + 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_value_of_the_standard() {
        let key = "dGhlIHNhbXBsZSBub25jZQ==";
        assert_eq!(accept(key), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn the_key_is_found_in_a_complete_request() {
        let head = b"GET / HTTP/1.1\r\nsec-websocket-key: a\r\n\r\n";
        assert_eq!(key(head).as_deref(), Some("a"));
        assert_eq!(key(&head[..head.len() - 2]), None);
    }

    #[test]
    fn a_head_ends_with_an_empty_line() {
        assert_eq!(head_len(b"a\r\nb\r\n"), None);
        assert_eq!(head_len(b"a\r\n\r\nrest"), Some(5));
    }
}
