//! The server side of the handshake.

use crate::head::{HeadReader, RequestLine};
use crate::limits::Progress;
use crate::origin::OriginPolicy;
use crate::rejection::Rejection;
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
    origins: OriginPolicy,
    state: State,
}

#[derive(Debug)]
enum State {
    Reading(HeadReader),
    /// The offer has been returned. Later bytes are frames.
    Done,
    /// The rejection is returned again for all later input.
    Failed(Rejection),
}

impl ServerHandshake {
    /// Creates a reader for one request. The policy selects the pages that may connect.
    pub fn new(origins: OriginPolicy) -> Self {
        Self {
            origins,
            state: State::Reading(RequestLine::reader()),
        }
    }

    /// Reads input, which may be split at any byte. The result is `Ok` with `done: None` if more
    /// input is needed.
    ///
    /// No byte after the head is consumed, not even by later calls. Each byte is scanned once as it
    /// arrives, and parsed once when the head is complete. At most
    /// [`MAX_HEAD_LEN`](crate::MAX_HEAD_LEN) bytes are stored.
    ///
    /// # Errors
    ///
    /// [`Rejection`] for the rule that the request breaks. A syntax error is returned as soon as
    /// its byte arrives. Later calls return the same rejection.
    pub fn receive(&mut self, input: &[u8]) -> Result<Progress<UpgradeRequest>, Rejection> {
        let result = match &mut self.state {
            State::Reading(reader) => match reader.receive(input) {
                Ok((used, None)) => return Ok(Progress::pending(used)),
                Ok((used, Some(head))) => {
                    UpgradeRequest::from_head(&head, &self.origins).map(|offer| (used, offer))
                }
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
