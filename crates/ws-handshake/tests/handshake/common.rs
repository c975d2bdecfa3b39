//! Valid heads whose lines can be changed, and helpers for servers and clients.

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

    /// The valid response to [`HeadText::request`].
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

    /// Appends a header line.
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
        assert_ne!(before, self.lines.len(), "the head has no {name}");
        self
    }

    /// Replaces the lines of a header by one line at the end.
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

/// Returns the result of a server with the default policy for these bytes.
pub(crate) fn serve(bytes: &[u8]) -> Result<Progress<UpgradeRequest>, Rejection> {
    ServerHandshake::new(OriginPolicy::default()).receive(bytes)
}

/// Asserts that a server accepts the head as a complete request. Returns the request.
#[track_caller]
pub(crate) fn offer(head: &HeadText) -> UpgradeRequest {
    let bytes = head.bytes();
    let progress = serve(&bytes).unwrap_or_else(|rejection| panic!("{rejection}"));
    assert_eq!(progress.consumed, bytes.len());
    progress.done.expect("the head must be complete")
}

/// Asserts that a server rejects the head, with the checks of [`assert_rejected`].
#[track_caller]
pub(crate) fn refuse(head: &HeadText, reason: impl Into<RejectReason>, status: u16) {
    assert_rejected(&head.bytes(), reason, status);
}

/// Asserts that a server rejects the bytes with this reason and status. Also asserts that the
/// response is complete and ends the connection.
#[track_caller]
pub(crate) fn assert_rejected(bytes: &[u8], reason: impl Into<RejectReason>, status: u16) {
    let rejection = serve(bytes).expect_err("the request must be rejected");
    assert_eq!(rejection.reason(), reason.into());
    assert_eq!(rejection.status(), status);
    let answer = String::from_utf8(rejection.encode()).unwrap();
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .expect("the response must have a complete head");
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

/// Returns the result of a client without offers for these bytes.
pub(crate) fn connect(bytes: &[u8]) -> Result<Progress<Established>, ClientError> {
    client(&Request::new()).receive(bytes)
}

/// Asserts that a client accepts the head as a complete response. Returns the result.
#[track_caller]
pub(crate) fn established(request: &Request, head: &HeadText) -> Established {
    let bytes = head.bytes();
    let progress = client(request)
        .receive(&bytes)
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(progress.consumed, bytes.len());
    progress.done.expect("the head must be complete")
}

/// Passes the pieces to `receive` until it returns a result or an error. Returns the number of
/// bytes consumed, and the result. The result is `None` if the head is not complete.
pub(crate) fn feed<'a, T, E>(
    pieces: impl Iterator<Item = &'a [u8]>,
    mut receive: impl FnMut(&[u8]) -> Result<Progress<T>, E>,
) -> Result<(usize, Option<T>), E> {
    let mut total = 0;
    for piece in pieces {
        let progress = receive(piece)?;
        assert!(progress.consumed <= piece.len());
        total += progress.consumed;
        if progress.done.is_some() {
            return Ok((total, progress.done));
        }
        assert_eq!(
            progress.consumed,
            piece.len(),
            "a pending call consumes all input"
        );
    }
    Ok((total, None))
}
