//! The server side of the handshake.

use crate::any_request::AnyRequest;
use crate::head::{Head, HeadReader, RequestLine};
use crate::head_error::HeadError;
use crate::head_rules::HeadRules;
use crate::limits::Progress;
use crate::rejection::Rejection;
use crate::server_rules::ServerRules;
use crate::upgrade_request::UpgradeRequest;

/// The server side of the handshake (RFC 6455 §4.2): an incremental reader of the request.
///
/// ```
/// use ws_handshake::{Answer, OriginPolicy, ServerHandshake};
///
/// let mut server = ServerHandshake::new(OriginPolicy::default());
/// let request = b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\
///     Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
///     Sec-WebSocket-Version: 13\r\n\r\n";
/// match server.receive(request) {
///     Ok(progress) => {
///         let offer = progress.done.expect("the request is complete");
///         let answer = offer.accept(Answer::new())?.encode();
///         assert!(answer.starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"));
///     }
///     // Send this, then end the connection.
///     Err(rejection) => drop(rejection.encode()),
/// }
/// # Ok::<(), ws_handshake::AnswerError>(())
/// ```
#[derive(Debug)]
pub struct ServerHandshake {
    rules: ServerRules,
    state: State,
}

#[derive(Debug)]
enum State {
    Reading(HeadReader),
    /// The request has been returned. All bytes after the head are frames.
    Done,
    /// The rejection was returned. Later calls return it again.
    Failed(Rejection),
}

impl ServerHandshake {
    /// Creates a reader for one request. An [`OriginPolicy`](crate::OriginPolicy) is enough if the
    /// other rules have their defaults.
    pub fn new(rules: impl Into<ServerRules>) -> Self {
        let rules = rules.into();
        Self {
            state: State::Reading(HeadReader::new(HeadRules::request(rules.head_limits))),
            rules,
        }
    }

    /// Reads input, which may be split at any byte. The result is `Ok` with `done: None` if more
    /// input is needed.
    ///
    /// No byte after the head is consumed, not even by later calls. Each byte is scanned once when
    /// it arrives. The start line and the head are parsed once they are complete. At most
    /// [`HeadLimits::max_len`](crate::HeadLimits::max_len) bytes are stored.
    ///
    /// # Errors
    ///
    /// [`Rejection`] for the rule that the request breaks. Most syntax errors are returned when the
    /// invalid byte arrives. An exceeded limit is reported when it is reached, a malformed start
    /// line at its end, and any other fault at the end of the head. Later calls return the same
    /// rejection.
    pub fn receive(&mut self, input: &[u8]) -> Result<Progress<UpgradeRequest>, Rejection> {
        self.read(input, RequestLine::check, UpgradeRequest::from_head)
    }

    /// Reads input as [`receive`](Self::receive) does, but also accepts requests that do not ask
    /// for a WebSocket: with any method except CONNECT, of HTTP/1.1 or HTTP/1.0, for a path or an
    /// `http` URL (not `OPTIONS *`). For example, load
    /// balancers check the health of a server with `GET / HTTP/1.0`. Use one of the two methods for
    /// the whole request.
    ///
    /// The rules for the syntax are the same for both kinds of request. [`ServerRules::origins`]
    /// does not apply to a plain request.
    ///
    /// ```
    /// use http::Response;
    /// use ws_handshake::{AnyRequest, OriginPolicy, ServerHandshake, encode_response};
    ///
    /// let mut server = ServerHandshake::new(OriginPolicy::default());
    /// let request = server.receive_any(b"GET /health HTTP/1.0\r\n\r\n")?.done;
    /// let Some(AnyRequest::Plain(request)) = request else {
    ///     unreachable!("the request does not ask for a WebSocket");
    /// };
    /// assert_eq!(request.uri().path(), "/health");
    /// let response = encode_response(request.method(), &Response::new(b"well\n".to_vec()));
    /// assert!(response.starts_with(b"HTTP/1.1 200 OK\r\nConnection: close\r\n"));
    /// # Ok::<(), ws_handshake::Rejection>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Rejection`] as for [`receive`](Self::receive). A request of HTTP/1.1 whose `Upgrade` lists
    /// `websocket` must be a valid opening request.
    pub fn receive_any(&mut self, input: &[u8]) -> Result<Progress<AnyRequest>, Rejection> {
        self.read(input, RequestLine::check_any, AnyRequest::from_head)
    }

    fn read<T>(
        &mut self,
        input: &[u8],
        check_start_line: fn(&[u8]) -> Result<(), HeadError>,
        check: impl FnOnce(&Head<'_>, &ServerRules) -> Result<T, Rejection>,
    ) -> Result<Progress<T>, Rejection> {
        let result = match &mut self.state {
            State::Reading(reader) => match reader.receive(input, check_start_line) {
                Ok((used, None)) => return Ok(Progress::pending(used)),
                Ok((used, Some(head))) => check(&head, &self.rules).map(|offer| (used, offer)),
                Err(fault) => Err(Rejection::new(fault.into())),
            },
            State::Done => return Ok(Progress::pending(0)),
            State::Failed(rejection) => Err(rejection.clone()),
        };
        match result {
            Ok((used, offer)) => {
                self.state = State::Done;
                Ok(Progress::done(used, offer))
            }
            Err(rejection) => {
                self.state = State::Failed(rejection.clone());
                Err(rejection)
            }
        }
    }
}
