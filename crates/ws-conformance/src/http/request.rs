//! Requests, written for servers under test and read from clients under test.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::fields::Fields;
use super::{Head, PRODUCT};

/// The key that RFC 6455 §1.3 shows.
pub(crate) const SAMPLE_KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

pub(super) const MAX_HEADERS: usize = 256;
/// The version of requests and responses over HTTP/2.
pub(super) const HTTP_2: u8 = 2;

/// A correct request that opens a connection. The capitals of `WebSocket` are deliberate, because a
/// server has to ignore case there.
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
                    ("Upgrade", "WebSocket"),
                    ("Connection", "Upgrade"),
                    ("Pragma", "no-cache"),
                    ("Cache-Control", "no-cache"),
                    ("Sec-WebSocket-Key", &key),
                    ("Sec-WebSocket-Version", "13"),
                ],
            ),
        }
    }

    /// Returns the extended CONNECT in place of this request over HTTP/2 (RFC 8441 §5).
    pub(crate) fn over_http2(self, scheme: &str) -> Self {
        let resource = self.head.first.split(' ').nth(1).unwrap_or_default();
        let mut head = Head::of_http2(&[
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", scheme),
            (":path", resource),
            (":authority", self.head.value("Host").unwrap_or_default()),
        ]);
        let of_upgrade = ["host", "upgrade", "connection", "sec-websocket-key"];
        let mut rest = self.head.headers;
        rest.retain(|(name, _)| !of_upgrade.contains(&&*name.to_ascii_lowercase()));
        head.headers.extend(rest);
        Self { head }
    }

    /// Returns the request with a change.
    pub(crate) fn with(self, change: impl FnOnce(Head) -> Head) -> Self {
        let head = change(self.head);
        Self { head }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.head.bytes()
    }

    /// Returns the key.
    pub(crate) fn key(&self) -> &str {
        self.head.value("Sec-WebSocket-Key").unwrap_or_default()
    }

    /// Returns `true` if it offers this subprotocol.
    pub(crate) fn offers_protocol(&self, name: &str) -> bool {
        let lists = self.head.all("Sec-WebSocket-Protocol");
        let mut offered = lists.flat_map(|list| list.split(','));
        offered.any(|offer| offer.trim() == name)
    }

    /// Returns `true` if the request has such a header.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.head.value(name).is_some()
    }
}

/// The reason why a request opens no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestFault {
    Method,
    HttpVersion,
    Host,
    Upgrade,
    Connection,
    Version,
    Key,
    Connect,
    Protocol,
    PseudoHeaders,
}

impl fmt::Display for RequestFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Method => "the method is not GET",
            Self::HttpVersion => "the version is not HTTP/1.1",
            Self::Host => "there is not exactly one Host",
            Self::Upgrade => "Upgrade does not list websocket: this is a WebSocket server",
            Self::Connection => "Connection does not list Upgrade",
            Self::Version => "Sec-WebSocket-Version is not 13 or 8",
            Self::Key => "Sec-WebSocket-Key is not one base64 value of 16 bytes",
            Self::Connect => "the method is not CONNECT",
            Self::Protocol => ":protocol is not websocket: this is a WebSocket server",
            Self::PseudoHeaders => "there is not one :scheme, one :path and one :authority",
        })
    }
}

/// A received request.
#[derive(Clone, Debug)]
pub(crate) struct ReadRequest {
    pub(crate) method: String,
    pub(crate) target: String,
    /// The last digit of the version of HTTP/1, or 2 for HTTP/2.
    pub(crate) version: u8,
    fields: Fields,
}

impl ReadRequest {
    /// Reads a complete head. Returns `None` if it is not HTTP.
    pub(crate) fn read(head: &[u8]) -> Option<Self> {
        if let Some(fields) = Fields::of_http2(head) {
            return Some(Self {
                method: fields.only(":method")?.to_owned(),
                target: fields.only(":path").unwrap_or_default().to_owned(),
                version: HTTP_2,
                fields,
            });
        }
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

    /// Returns the values of the headers of this name.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.fields.all(name)
    }

    /// Returns the items of all list headers of this name.
    pub(crate) fn items(&self, name: &str) -> Vec<String> {
        self.fields.items(name)
    }

    /// Returns the first reason why the request opens no connection.
    ///
    /// The original also refuses a `Host` whose port is not that of its own configuration. The
    /// suite accepts any host, because a remapped port is no fault of the client.
    pub(crate) fn fault(&self) -> Option<RequestFault> {
        let keys = self.all("Sec-WebSocket-Key");
        let versions = self.all("Sec-WebSocket-Version");
        if self.version == HTTP_2 {
            return self.fault_of_http2(&versions);
        }
        let checks = [
            (self.method == "GET", RequestFault::Method),
            (self.version == 1, RequestFault::HttpVersion),
            (self.all("Host").len() == 1, RequestFault::Host),
            (
                self.fields.lists("Upgrade", "websocket"),
                RequestFault::Upgrade,
            ),
            (
                self.fields.lists("Connection", "Upgrade"),
                RequestFault::Connection,
            ),
            (matches!(versions[..], ["13" | "8"]), RequestFault::Version),
            (matches!(keys[..], [key] if is_key(key)), RequestFault::Key),
        ];
        let failed = checks.into_iter().find(|(passed, _)| !passed);
        failed.map(|(_, fault)| fault)
    }

    /// Returns the first reason why an extended CONNECT opens no connection (RFC 8441 §4 and §5).
    fn fault_of_http2(&self, versions: &[&str]) -> Option<RequestFault> {
        let required = [":scheme", ":path", ":authority"];
        let is_there = |name: &&str| self.fields.only(name).is_some();
        let checks = [
            (self.method == "CONNECT", RequestFault::Connect),
            (
                self.fields.only(":protocol") == Some("websocket"),
                RequestFault::Protocol,
            ),
            (required.iter().all(is_there), RequestFault::PseudoHeaders),
            (matches!(versions, ["13" | "8"]), RequestFault::Version),
        ];
        let failed = checks.into_iter().find(|(passed, _)| !passed);
        failed.map(|(_, fault)| fault)
    }
}

/// Returns `true` for a valid key. As in the original, the bits after the last byte may be other
/// than zero, as in the key that RFC 6455 §4.1 shows.
fn is_key(key: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let digits = key.strip_suffix("==").map(str::as_bytes);
    digits.is_some_and(|digits| digits.len() == 22 && digits.iter().all(|&byte| digit(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "GET /runCase?case=1 HTTP/1.1\r\nHost: any\r\nUpgrade: WebSocket\r\n\
        Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    fn read(from: &str, to: &str) -> Option<ReadRequest> {
        assert!(GOOD.contains(from));
        ReadRequest::read(GOOD.replace(from, to).as_bytes())
    }

    fn fault(from: &str, to: &str) -> Option<RequestFault> {
        read(from, to).expect("it is HTTP").fault()
    }

    #[test]
    fn a_good_request_is_accepted() {
        assert_eq!(read("", "").unwrap().target, "/runCase?case=1");
        assert_eq!(fault("", ""), None);
        assert_eq!(
            fault("dGhlIHNhbXBsZSBub25jZQ==", "AQIDBAUGBwgJCgsMDQ4PEC=="),
            None
        );
    }

    #[test]
    fn each_fault_is_named() {
        assert_eq!(fault("GET", "POST"), Some(RequestFault::Method));
        assert_eq!(
            fault("HTTP/1.1", "HTTP/1.0"),
            Some(RequestFault::HttpVersion)
        );
        assert_eq!(fault("Host: any\r\n", ""), Some(RequestFault::Host));
        assert_eq!(fault("WebSocket\r", "h2c\r"), Some(RequestFault::Upgrade));
        assert_eq!(fault(", Upgrade", ""), Some(RequestFault::Connection));
        assert_eq!(fault("13", "12"), Some(RequestFault::Version));
        for (from, to) in [("25jZQ==", "25jZQ"), ("25jZQ", "5jZQ"), ("25jZQ", ":5jZQ")] {
            assert_eq!(fault(from, to), Some(RequestFault::Key), "{to}");
        }
        assert!(read("HTTP/1.1", "").is_none());
    }

    #[test]
    fn a_list_may_have_several_lines_and_empty_items() {
        let request = read("Host: any", "Host: any\r\nA: b, ,c\r\na: d").unwrap();
        assert_eq!(request.items("A"), ["b", "c", "d"]);
    }

    #[test]
    fn a_request_to_begin_with_is_right() {
        let request = Request::new("/x?y", "localhost:80", *b"the sample nonce");
        let read = ReadRequest::read(&request.bytes()).unwrap();
        assert_eq!((read.fault(), &*read.target), (None, "/x?y"));
        assert_eq!(read.all("Sec-WebSocket-Key"), [SAMPLE_KEY]);
    }
}
