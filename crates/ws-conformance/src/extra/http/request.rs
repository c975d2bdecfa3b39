//! Requests: those for a server under test, and those of a client under test.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::Head;
use super::fields::Fields;
use crate::http::PRODUCT;

/// The key that RFC 6455 §1.3 shows.
pub(in crate::extra) const SAMPLE_KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

pub(super) const MAX_HEADERS: usize = 256;

/// A request to begin with: it is right, and opens a connection.
#[derive(Clone, Debug)]
pub(in crate::extra) struct Request {
    pub(in crate::extra) head: Head,
}

impl Request {
    pub(in crate::extra) fn new(resource: &str, host: &str, nonce: [u8; 16]) -> Self {
        let key = BASE64_STANDARD.encode(nonce);
        Self {
            head: Head::new(
                format!("GET {resource} HTTP/1.1"),
                &[
                    ("Host", host),
                    ("User-Agent", PRODUCT),
                    ("Upgrade", "websocket"),
                    ("Connection", "Upgrade"),
                    ("Sec-WebSocket-Key", &key),
                    ("Sec-WebSocket-Version", "13"),
                ],
            ),
        }
    }

    /// The same with a change.
    pub(in crate::extra) fn with(self, change: impl FnOnce(Head) -> Head) -> Self {
        let head = change(self.head);
        Self { head }
    }

    pub(in crate::extra) fn octets(&self) -> Vec<u8> {
        self.head.octets()
    }

    /// The key that it has.
    pub(in crate::extra) fn key(&self) -> &str {
        self.head.value("Sec-WebSocket-Key").unwrap_or_default()
    }

    /// Whether it has such a header.
    pub(in crate::extra) fn has(&self, name: &str) -> bool {
        self.head.value(name).is_some()
    }
}

/// A request that was read.
#[derive(Clone, Debug)]
pub(in crate::extra) struct ReadRequest {
    pub(in crate::extra) method: String,
    pub(in crate::extra) target: String,
    /// The last digit of the version of HTTP/1.
    pub(in crate::extra) version: u8,
    fields: Fields,
}

impl ReadRequest {
    /// Reads a complete head; nothing if it is not HTTP.
    pub(in crate::extra) fn read(head: &[u8]) -> Option<Self> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        request.parse(head).ok()?.is_complete().then_some(())?;
        Some(Self {
            method: request.method?.to_owned(),
            target: request.path?.to_owned(),
            version: request.version?,
            fields: Fields::new(request.headers),
        })
    }

    /// The values of the headers of this name.
    pub(in crate::extra) fn all(&self, name: &str) -> Vec<&str> {
        self.fields.all(name)
    }

    /// The items of all list headers of this name.
    pub(in crate::extra) fn items(&self, name: &str) -> Vec<String> {
        self.fields.items(name)
    }
}
