//! Requests: those for a server under test, and those of a client under test.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::Head;
use super::PRODUCT;
use super::fields::Fields;

/// The key that RFC 6455 §1.3 shows.
pub(crate) const SAMPLE_KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

pub(super) const MAX_HEADERS: usize = 256;

/// A request to begin with: it is right, and opens a connection.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) head: Head,
}

impl Request {
    pub(crate) fn new(resource: &str, host: &str, nonce: [u8; 16]) -> Self {
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
    pub(crate) fn with(self, change: impl FnOnce(Head) -> Head) -> Self {
        let head = change(self.head);
        Self { head }
    }

    pub(crate) fn octets(&self) -> Vec<u8> {
        self.head.octets()
    }

    /// The key that it has.
    pub(crate) fn key(&self) -> &str {
        self.head.value("Sec-WebSocket-Key").unwrap_or_default()
    }

    /// Whether it has such a header.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.head.value(name).is_some()
    }
}

/// A request that was read.
#[derive(Clone, Debug)]
pub(crate) struct ReadRequest {
    pub(crate) method: String,
    pub(crate) target: String,
    /// The last digit of the version of HTTP/1.
    pub(crate) version: u8,
    fields: Fields,
}

impl ReadRequest {
    /// Reads a complete head; nothing if it is not HTTP.
    pub(crate) fn read(head: &[u8]) -> Option<Self> {
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
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.fields.all(name)
    }

    /// The items of all list headers of this name.
    pub(crate) fn items(&self, name: &str) -> Vec<String> {
        self.fields.items(name)
    }
}
