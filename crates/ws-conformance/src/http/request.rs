//! Requests: written for servers under test, read from clients under test.

use std::fmt::{self, Write};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::{MAX_HEADERS, PRODUCT, accept, has_token, values};
use crate::deflate::offers;
use crate::script::Demand;

/// The request for a connection to a server under test.
#[derive(Debug)]
pub(crate) struct ClientRequest<'a> {
    /// With the port, also where it is the default one.
    pub(crate) host: String,
    pub(crate) resource: &'a str,
    pub(crate) origin: Option<&'a str>,
    pub(crate) protocols: &'a [String],
    /// What compression is to be like, if there is to be any.
    pub(crate) demands: &'a [Demand],
    pub(crate) nonce: [u8; 16],
}

impl ClientRequest<'_> {
    /// The head to send.
    pub(crate) fn head(&self) -> String {
        let mut head = format!(
            "GET {} HTTP/1.1\r\nUser-Agent: {PRODUCT}\r\nHost: {}\r\nUpgrade: WebSocket\r\n\
             Connection: Upgrade\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n\
             Sec-WebSocket-Key: {}\r\n",
            self.resource,
            self.host,
            self.key()
        );
        let mut add = |name, value: &str| {
            let _ = write!(head, "{name}: {value}\r\n");
        };
        if let Some(origin) = self.origin {
            add("Origin", origin);
        }
        if !self.protocols.is_empty() {
            add("Sec-WebSocket-Protocol", &self.protocols.join(","));
        }
        if !self.demands.is_empty() {
            add("Sec-WebSocket-Extensions", &offers(self.demands));
        }
        add("Sec-WebSocket-Version", "13");
        head + "\r\n"
    }

    fn key(&self) -> String {
        BASE64_STANDARD.encode(self.nonce)
    }

    /// What the server has to answer to the key.
    pub(super) fn accept(&self) -> String {
        accept(&self.key())
    }
}

/// The request of a client under test.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ServedRequest {
    /// Path and query.
    pub(crate) resource: String,
    /// The values of `Sec-WebSocket-Extensions`.
    pub(crate) extensions: Vec<String>,
    /// The answer to its key.
    pub(crate) accept: String,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestError {
    Malformed,
    Method,
    HttpVersion,
    Host,
    Upgrade,
    Connection,
    Version,
    Key,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the request is not HTTP",
            Self::Method => "the method is not GET",
            Self::HttpVersion => "the version is not HTTP/1.1",
            Self::Host => "there is not exactly one Host",
            Self::Upgrade => "Upgrade does not list websocket: this is a WebSocket server",
            Self::Connection => "Connection does not list Upgrade",
            Self::Version => "Sec-WebSocket-Version is not 13 or 8",
            Self::Key => "Sec-WebSocket-Key is not one base64 value of 16 octets",
        })
    }
}

impl ServedRequest {
    /// Reads a complete head.
    ///
    /// The original also refuses a `Host` whose port is not the one of its own configuration. A
    /// remapped port is no fault of the client, so any host will do here.
    pub(crate) fn read(head: &[u8]) -> Result<Self, RequestError> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        request
            .parse(head)
            .ok()
            .filter(httparse::Status::is_complete)
            .ok_or(RequestError::Malformed)?;
        let versions = values(request.headers, "Sec-WebSocket-Version");
        let hosts = values(request.headers, "Host");
        let keys = values(request.headers, "Sec-WebSocket-Key");
        let extensions = values(request.headers, "Sec-WebSocket-Extensions");
        let checks = [
            (request.method == Some("GET"), RequestError::Method),
            (request.version == Some(1), RequestError::HttpVersion),
            (hosts.len() == 1, RequestError::Host),
            (
                has_token(request.headers, "Upgrade", "websocket"),
                RequestError::Upgrade,
            ),
            (
                has_token(request.headers, "Connection", "Upgrade"),
                RequestError::Connection,
            ),
            (matches!(versions[..], ["13" | "8"]), RequestError::Version),
            (matches!(keys[..], [key] if is_key(key)), RequestError::Key),
        ];
        if let Some((_, error)) = checks.into_iter().find(|(passed, _)| !passed) {
            return Err(error);
        }
        Ok(Self {
            resource: request.path.unwrap_or("/").to_owned(),
            extensions: extensions.into_iter().map(str::to_owned).collect(),
            accept: accept(keys[0]),
        })
    }
}

/// As in the original, bits behind the last octet need not be zero: the key that RFC 6455 §4.1 shows
/// has some.
fn is_key(key: &str) -> bool {
    let digit = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/');
    let digits = key.strip_suffix("==").map(str::as_bytes);
    digits.is_some_and(|digits| digits.len() == 22 && digits.iter().all(|&octet| digit(octet)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "GET /runCase?case=1 HTTP/1.1\r\nHost: any\r\nUpgrade: WebSocket\r\n\
        Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    fn read(from: &str, to: &str) -> Result<ServedRequest, RequestError> {
        assert!(GOOD.contains(from));
        ServedRequest::read(GOOD.replace(from, to).as_bytes())
    }

    #[test]
    fn a_good_request_is_accepted() {
        let request = read("", "").unwrap();
        assert_eq!(request.resource, "/runCase?case=1");
        assert_eq!(request.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert!(read("dGhlIHNhbXBsZSBub25jZQ==", "AQIDBAUGBwgJCgsMDQ4PEC==").is_ok());
    }

    #[test]
    fn each_fault_is_named() {
        assert_eq!(read("GET", "POST"), Err(RequestError::Method));
        assert_eq!(read("HTTP/1.1", "HTTP/1.0"), Err(RequestError::HttpVersion));
        assert_eq!(read("Host: any\r\n", ""), Err(RequestError::Host));
        assert_eq!(read("WebSocket\r", "h2c\r"), Err(RequestError::Upgrade));
        assert_eq!(read(", Upgrade", ""), Err(RequestError::Connection));
        assert_eq!(read("13", "12"), Err(RequestError::Version));
        assert_eq!(read("25jZQ==", "25jZQ"), Err(RequestError::Key));
        assert_eq!(read("HTTP/1.1", ""), Err(RequestError::Malformed));
    }

    #[test]
    fn what_is_written_can_be_read() {
        let protocols = ["a".to_owned(), "b".to_owned()];
        let request = ClientRequest {
            host: "localhost:80".to_owned(),
            resource: "/x?y",
            origin: Some("http://localhost"),
            protocols: &protocols,
            demands: &[Demand::new(true, Some(9))],
            nonce: [7; 16],
        };
        let served = ServedRequest::read(request.head().as_bytes()).unwrap();
        assert_eq!(served.resource, "/x?y");
        assert_eq!(served.accept, request.accept());
        assert_eq!(served.extensions, [offers(request.demands)]);
        assert!(request.head().contains("Sec-WebSocket-Protocol: a,b\r\n"));
    }
}
