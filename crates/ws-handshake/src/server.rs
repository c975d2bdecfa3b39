//! Reads an opening request from bytes as they arrive.

use crate::head::{HeadReader, RequestLine};
use crate::limits::Progress;
use crate::origin::OriginPolicy;
use crate::rejection::Rejection;
use crate::upgrade_request::UpgradeRequest;

/// The server's side of the handshake (RFC 6455 §4.2): an incremental reader of the request.
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
    /// The offer has been handed out; what still comes are frames.
    Done,
    /// Repeated for every further input.
    Failed(Rejection),
}

impl ServerHandshake {
    /// A reader that has seen nothing yet. See [`OriginPolicy`] for which pages may connect.
    pub fn new(origins: OriginPolicy) -> Self {
        Self {
            origins,
            state: State::Reading(RequestLine::reader()),
        }
    }

    /// Takes in what has arrived, in any segmentation. Each byte is looked at once until the
    /// head is complete, and then parsed once; at most
    /// [`MAX_HEAD_LEN`](crate::MAX_HEAD_LEN) bytes are kept.
    ///
    /// `Ok` with `done: None` asks for more. Behind the head nothing is consumed, also not by
    /// later calls.
    ///
    /// # Errors
    ///
    /// [`Rejection`] with the rule that the request breaks, as soon as a byte breaks it. It is
    /// repeated by later calls.
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
