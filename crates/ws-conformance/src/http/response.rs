//! Responses, read from servers under test and written for clients under test.

use std::fmt;

use super::fields::Fields;
use super::request::{HTTP_2, MAX_HEADERS};
use super::{Head, PRODUCT, ReadRequest, Request, accept};
use crate::case::Http;

/// A received response.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    version: u8,
    fields: Fields,
}

impl Response {
    /// Reads a complete head. Returns `None` if it is not HTTP.
    pub(crate) fn read(head: &[u8]) -> Option<Self> {
        if let Some(fields) = Fields::of_http2(head) {
            return Some(Self {
                status: fields.only(":status")?.parse().ok()?,
                version: HTTP_2,
                fields,
            });
        }
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let complete = response.parse(head).ok()?.is_complete();
        complete.then_some(())?;
        Some(Self {
            status: response.code?,
            version: response.version?,
            fields: Fields::new(response.headers),
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

    /// Returns `true` if the status is the one that opens a connection.
    pub(crate) fn opens(&self) -> bool {
        match self.version {
            HTTP_2 => (200..300).contains(&self.status),
            _ => self.status == 101,
        }
    }

    /// Returns `true` if the body is complete (RFC 9112 §6.3). `ended` is `true` if no more bytes
    /// can arrive.
    pub(crate) fn is_complete_with(&self, body: &[u8], ended: bool) -> bool {
        let len = self
            .all("Content-Length")
            .first()
            .map(|len| len.parse::<usize>());
        match len {
            _ if matches!(self.status, 100..=199 | 204 | 304) => true,
            _ if !self.all("Transfer-Encoding").is_empty() => body.ends_with(b"0\r\n\r\n"),
            Some(len) => len.is_ok_and(|len| body.len() >= len),
            None => ended,
        }
    }

    /// Returns the first reason why the response does not open the connection of this request (RFC
    /// 6455 §4.1, §4.2.2).
    pub(crate) fn fault(&self, request: &Request) -> Option<ResponseFault> {
        let upgrade = self.all("Upgrade");
        let is_upgrade = self.version != HTTP_2;
        let extensions = self.all("Sec-WebSocket-Extensions").concat();
        let protocol_fits = match self.all("Sec-WebSocket-Protocol")[..] {
            [] => true,
            [one] => request.offers_protocol(one),
            _ => false,
        };
        let checks = [
            (self.opens(), ResponseFault::Status(self.status)),
            (self.version != 0, ResponseFault::HttpVersion),
            (
                !is_upgrade
                    || matches!(upgrade[..], [one] if one.eq_ignore_ascii_case("websocket")),
                ResponseFault::Upgrade,
            ),
            (
                !is_upgrade || self.fields.lists("Connection", "Upgrade"),
                ResponseFault::Connection,
            ),
            (
                !is_upgrade || self.all("Sec-WebSocket-Accept") == [accept(request.key())],
                ResponseFault::Accept,
            ),
            (
                extensions.is_empty() || request.has("Sec-WebSocket-Extensions"),
                ResponseFault::Extension,
            ),
            (protocol_fits, ResponseFault::Protocol),
        ];
        let failed = checks.into_iter().find(|(passed, _)| !passed);
        failed.map(|(_, fault)| fault)
    }
}

/// The reason why a response does not open the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ResponseFault {
    Malformed,
    HttpVersion,
    Status(u16),
    Upgrade,
    Connection,
    Accept,
    Extension,
    Protocol,
}

impl fmt::Display for ResponseFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the response is not HTTP",
            Self::HttpVersion => "the version is not HTTP/1.1",
            Self::Status(status) => {
                return write!(f, "the status {status} opens no connection");
            }
            Self::Upgrade => "Upgrade is not websocket",
            Self::Connection => "Connection does not list Upgrade",
            Self::Accept => "Sec-WebSocket-Accept is not the answer to the key",
            Self::Extension => "the response agrees to an extension that was not offered",
            Self::Protocol => {
                "the response chooses a subprotocol that was not offered, or more than one"
            }
        })
    }
}

/// A correct response that opens a connection.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) head: Head,
}

impl Answer {
    /// Creates the answer to a request with this key. The capitals of `WebSocket` are deliberate,
    /// because a client has to ignore case there.
    pub(crate) fn new(key: &str) -> Self {
        Self {
            head: Head::new(
                "HTTP/1.1 101 Switching Protocols".to_owned(),
                &[
                    ("Server", PRODUCT),
                    ("Upgrade", "WebSocket"),
                    ("Connection", "Upgrade"),
                    ("Sec-WebSocket-Accept", &accept(key)),
                ],
            ),
        }
    }

    /// Returns the answer to a request that was read.
    pub(crate) fn to(request: &ReadRequest) -> Self {
        if request.version == HTTP_2 {
            let head = Head::of_http2(&[(":status", "200"), ("server", PRODUCT)]);
            return Self { head };
        }
        let keys = request.all("Sec-WebSocket-Key");
        Self::new(keys.first().unwrap_or(&""))
    }

    /// Returns the response with a change.
    pub(crate) fn with(self, change: impl FnOnce(Head) -> Head) -> Self {
        let head = change(self.head);
        Self { head }
    }
}

/// Returns a response with one line that explains the refusal.
pub(crate) fn error_response(http: Http, status: u16, text: &str) -> String {
    let text_len = text.len() + 1;
    if http == Http::Two {
        return format!(
            ":status: {status}\r\nserver: {PRODUCT}\r\nsec-websocket-version: 13, 8\r\n\
             content-type: text/plain; charset=utf-8\r\ncontent-length: {text_len}\r\n\r\n{text}\n"
        );
    }
    let phrase = match status {
        400 => "Bad Request",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    };
    // RFC 6455 §4.4: a refused version is answered with the supported ones. Other refusals may have
    // them, too.
    format!(
        "HTTP/1.1 {status} {phrase}\r\nServer: {PRODUCT}\r\nSec-WebSocket-Version: 13, 8\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Length: {text_len}\r\nConnection: close\r\n\
         \r\n{text}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        Request::new("/", "localhost", *b"the sample nonce")
    }

    fn fault(change: impl Fn(Head) -> Head) -> Option<ResponseFault> {
        let answer = change(Answer::new(request().key()).head);
        let response = Response::read(&answer.bytes()).expect("it is HTTP");
        response.fault(&request())
    }

    #[test]
    fn the_answer_to_a_request_opens_a_connection() {
        assert_eq!(request().key(), super::super::SAMPLE_KEY);
        assert_eq!(fault(|head| head), None);
    }

    #[test]
    fn each_fault_is_named() {
        let first = |line: &'static str| fault(move |head| head.first_line(line));
        let set =
            |name: &'static str, value: &'static str| fault(move |head| head.set(name, value));
        for (fault, expected) in [
            (first("HTTP/1.1 200 OK"), ResponseFault::Status(200)),
            (
                first("HTTP/1.0 101 Switching Protocols"),
                ResponseFault::HttpVersion,
            ),
            (set("Upgrade", "h2c"), ResponseFault::Upgrade),
            (set("Connection", "close"), ResponseFault::Connection),
            (set("Sec-WebSocket-Accept", "x"), ResponseFault::Accept),
            (
                set("Sec-WebSocket-Extensions", "x"),
                ResponseFault::Extension,
            ),
            (set("Sec-WebSocket-Protocol", "x"), ResponseFault::Protocol),
        ] {
            assert_eq!(fault, Some(expected));
        }
    }

    #[test]
    fn a_subprotocol_has_to_be_one_of_those_that_were_offered() {
        let request = request().with(|head| head.add("Sec-WebSocket-Protocol", "a, chat"));
        let answer = |chosen: &str| {
            let head = Answer::new(request.key()).head;
            Response::read(&head.add("Sec-WebSocket-Protocol", chosen).bytes()).unwrap()
        };
        assert_eq!(answer("chat").fault(&request), None);
        let fault = Some(ResponseFault::Protocol);
        assert_eq!(answer("Chat").fault(&request), fault);
        assert_eq!(answer("a, chat").fault(&request), fault);
    }

    #[test]
    fn an_extension_has_to_be_offered() {
        let head = Answer::new(request().key()).head;
        let head = head.add("Sec-WebSocket-Extensions", "a, b");
        let response = Response::read(&head.bytes()).expect("it is HTTP");
        assert_eq!(response.items("Sec-WebSocket-Extensions"), ["a", "b"]);
        assert_eq!(response.fault(&request()), Some(ResponseFault::Extension));
        let offering = request().with(|head| head.add("Sec-WebSocket-Extensions", "a"));
        assert_eq!(response.fault(&offering), None);
    }

    #[test]
    fn an_error_says_why() {
        for first in ["400 Bad Request", "503 Service Unavailable"] {
            let status = first[..3].parse().expect("it begins with a status");
            assert!(
                error_response(Http::One, status, "").starts_with(&format!("HTTP/1.1 {first}\r\n"))
            );
        }
        let response = error_response(Http::One, 500, "no such case");
        assert!(response.starts_with("HTTP/1.1 500 "));
        assert!(response.ends_with("\r\n\r\nno such case\n"));
        assert!(response.contains("Content-Length: 13\r\n"));
    }

    #[test]
    fn a_body_has_the_length_that_the_head_says() {
        let response = |line: &str| {
            let head = format!("HTTP/1.1 404 Not Found\r\n{line}\r\n\r\n");
            Response::read(head.as_bytes()).expect("it is HTTP")
        };
        let length = response("Content-Length: 3");
        assert!(!length.is_complete_with(b"ab", true) && length.is_complete_with(b"abc", false));
        let chunked = response("Transfer-Encoding: chunked");
        assert!(!chunked.is_complete_with(b"1\r\na\r\n", true));
        assert!(chunked.is_complete_with(b"1\r\na\r\n0\r\n\r\n", false));
        let open = response("A: b");
        assert!(!open.is_complete_with(b"abc", false) && open.is_complete_with(b"", true));
    }

    #[test]
    fn what_is_not_http_is_no_response() {
        assert!(Response::read(b"HTTQ\r\n\r\n").is_none());
    }
}
