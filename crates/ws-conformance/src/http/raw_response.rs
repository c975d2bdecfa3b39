//! Responses: those of a server under test, and those for a client under test.

use super::fields::Fields;
use super::raw_request::MAX_HEADERS;
use super::{Head, Request};
use super::{PRODUCT, accept};

/// A response that was read.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    version: u8,
    fields: Fields,
}

impl Response {
    /// Reads a complete head; nothing if it is not HTTP.
    pub(crate) fn read(head: &[u8]) -> Option<Self> {
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

    /// The values of the headers of this name.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.fields.all(name)
    }

    /// The items of all list headers of this name.
    pub(crate) fn items(&self, name: &str) -> Vec<String> {
        self.fields.items(name)
    }

    /// Whether this is all of its body (RFC 9112 §6.3), `ended` telling that no more can come.
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

    /// What is wrong with it as an answer to this request that opens the connection
    /// (RFC 6455 §4.1, §4.2.2).
    pub(crate) fn fault(&self, request: &Request) -> Option<String> {
        let has = |name, token: &str| {
            let items = self.items(name);
            items.iter().any(|item| item.eq_ignore_ascii_case(token))
        };
        let none = |name| self.all(name).is_empty();
        let protocols = self.all("Sec-WebSocket-Protocol").len();
        let checks = [
            (self.status == 101, "the status is not 101"),
            (self.version == 1, "the version is not HTTP/1.1"),
            (has("Upgrade", "websocket"), "Upgrade is not websocket"),
            (
                has("Connection", "Upgrade"),
                "Connection does not list Upgrade",
            ),
            (
                self.all("Sec-WebSocket-Accept") == [accept(request.key())],
                "Sec-WebSocket-Accept is not the answer to the key",
            ),
            (
                request.has("Sec-WebSocket-Extensions") || none("Sec-WebSocket-Extensions"),
                "an extension is agreed to that was not offered",
            ),
            (
                protocols <= usize::from(request.has("Sec-WebSocket-Protocol")),
                "a subprotocol is chosen that was not offered, or more than one",
            ),
        ];
        let failed = checks.into_iter().find(|(passed, _)| !passed);
        failed.map(|(_, fault)| fault.to_owned())
    }
}

/// A response to begin with: it is right, and opens a connection.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) head: Head,
}

impl Answer {
    /// The answer to a request with this key. The capitals of `WebSocket` are deliberate: a client
    /// has to ignore case there.
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

    /// The same with a change.
    pub(crate) fn with(self, change: impl FnOnce(Head) -> Head) -> Self {
        let head = change(self.head);
        Self { head }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        Request::new("/", "localhost", *b"the sample nonce")
    }

    fn fault(change: impl Fn(Head) -> Head) -> Option<String> {
        let answer = change(Answer::new(request().key()).head);
        let response = Response::read(&answer.octets()).expect("it is HTTP");
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
        for (fault, word) in [
            (first("HTTP/1.1 200 OK"), "status"),
            (first("HTTP/1.0 101 Switching Protocols"), "version"),
            (set("Upgrade", "h2c"), "Upgrade is"),
            (set("Connection", "close"), "Connection"),
            (set("Sec-WebSocket-Accept", "x"), "Accept"),
            (set("Sec-WebSocket-Extensions", "x"), "extension"),
            (set("Sec-WebSocket-Protocol", "x"), "subprotocol"),
        ] {
            let fault = fault.unwrap_or_default();
            assert!(fault.contains(word), "{fault}: {word}");
        }
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
