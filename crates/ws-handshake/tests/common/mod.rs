//! Heads to start from, with single lines exchanged.
#![expect(dead_code, reason = "each test binary uses its own part")]

use ws_handshake::{
    ClientError, ClientHandshake, Established, OriginPolicy, Progress, RejectReason, Rejection,
    Request, ServerHandshake, Target, UpgradeRequest,
};

pub(crate) const NONCE: [u8; 16] = *b"the sample nonce";
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A head under construction: a start line and header lines.
#[derive(Clone)]
pub(crate) struct HeadText {
    start: Vec<u8>,
    lines: Vec<Vec<u8>>,
}

impl HeadText {
    /// A valid opening request.
    pub(crate) fn request() -> Self {
        Self::new(
            "GET /chat HTTP/1.1",
            &[
                "Host: server.example.com",
                "Upgrade: websocket",
                "Connection: Upgrade",
                &format!("Sec-WebSocket-Key: {KEY}"),
                "Sec-WebSocket-Version: 13",
            ],
        )
    }

    /// The valid answer to it.
    pub(crate) fn response() -> Self {
        Self::new(
            "HTTP/1.1 101 Switching Protocols",
            &[
                "Upgrade: websocket",
                "Connection: Upgrade",
                &format!("Sec-WebSocket-Accept: {ACCEPT}"),
            ],
        )
    }

    fn new(start: &str, lines: &[&str]) -> Self {
        let lines = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
        Self {
            start: start.into(),
            lines,
        }
    }

    pub(crate) fn start(mut self, line: impl AsRef<[u8]>) -> Self {
        self.start = line.as_ref().to_vec();
        self
    }

    /// Appends a line.
    pub(crate) fn with(mut self, line: impl AsRef<[u8]>) -> Self {
        self.lines.push(line.as_ref().to_vec());
        self
    }

    /// Removes the lines of a header.
    pub(crate) fn without(mut self, name: &str) -> Self {
        let prefix = format!("{name}:");
        let before = self.lines.len();
        self.lines
            .retain(|line| !line.starts_with(prefix.as_bytes()));
        assert_ne!(before, self.lines.len(), "{name} was there");
        self
    }

    /// Exchanges the line of a header.
    pub(crate) fn set(self, name: &str, value: &str) -> Self {
        self.without(name).with(format!("{name}: {value}"))
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut head = self.start.clone();
        for line in &self.lines {
            head.extend_from_slice(b"\r\n");
            head.extend_from_slice(line);
        }
        head.extend_from_slice(b"\r\n\r\n");
        head
    }
}

/// The result of a server with the default policy.
pub(crate) fn serve(bytes: &[u8]) -> Result<Progress<UpgradeRequest>, Rejection> {
    ServerHandshake::new(OriginPolicy::default()).receive(bytes)
}

/// The offer in a complete request.
#[track_caller]
pub(crate) fn offer(head: &HeadText) -> UpgradeRequest {
    let bytes = head.bytes();
    let progress = serve(&bytes).unwrap_or_else(|rejection| panic!("{rejection}"));
    assert_eq!(progress.consumed, bytes.len());
    progress.done.expect("the head is complete")
}

/// Asserts the reason, the status, and that the answer is complete and ends the connection.
#[track_caller]
pub(crate) fn assert_rejected(bytes: &[u8], reason: RejectReason, status: u16) {
    let rejection = serve(bytes).expect_err("the request is to be refused");
    assert_eq!(rejection.reason(), reason);
    assert_eq!(rejection.status(), status);
    let answer = String::from_utf8(rejection.encode()).unwrap();
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .expect("the answer is complete");
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
    assert!(head.contains("\r\nConnection: close"), "{head}");
    let length = rejection.response().body().len();
    assert!(
        head.contains(&format!("\r\nContent-Length: {length}")),
        "{head}"
    );
    assert!(body.is_empty() || body.len() == length, "{answer}");
}

pub(crate) fn target() -> Target {
    Target::parse("ws://server.example.com/chat").unwrap()
}

pub(crate) fn client(request: &Request) -> ClientHandshake {
    request.build(&target(), NONCE).unwrap()
}

/// The result of a client that offered nothing.
pub(crate) fn connect(bytes: &[u8]) -> Result<Progress<Established>, ClientError> {
    client(&Request::new()).receive(bytes)
}

/// The connection that a complete response establishes.
#[track_caller]
pub(crate) fn established(request: &Request, head: &HeadText) -> Established {
    let bytes = head.bytes();
    let progress = client(request)
        .receive(&bytes)
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(progress.consumed, bytes.len());
    progress.done.expect("the head is complete")
}
