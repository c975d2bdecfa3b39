//! The client side of the handshake.

use std::fmt;

use http::header::{CONNECTION, HeaderMap, SEC_WEBSOCKET_ACCEPT, UPGRADE};
use http::{Response, StatusCode};

use crate::agreed::Agreed;
use crate::client_error::ClientError;
use crate::head::NamesOf;
use crate::head_rules::HeadRules;
use crate::limits::Progress;
use crate::offers::Offers;
use crate::response_reader::{FinalHead, ResponseReader, Verdict};
use crate::token::{lists_token, single};

/// The client side of the handshake (RFC 6455 §4.1), made by
/// [`Request::build`](crate::Request::build).
///
/// A `ClientHandshake` contains the encoded request, and reads the response incrementally.
///
/// ```
/// use ws_handshake::{Request, Target};
///
/// let target = Target::parse("ws://example.com/chat")?;
/// // A real client passes 16 bytes from the random source of the operating system.
/// let mut client = Request::new().build(&target, *b"the sample nonce")?;
/// assert!(client.request().ends_with(b"\r\n\r\n"));
///
/// let response = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
///     Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\
///     \x81\x02hi";
/// let progress = client.receive(response)?;
/// let established = progress.done.expect("the response is complete");
/// assert_eq!(established.agreed().protocol(), None);
/// assert_eq!(&response[progress.consumed..], b"\x81\x02hi");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ClientHandshake {
    request: Vec<u8>,
    expected: Expected,
    response: ResponseReader<ClientError>,
}

/// The parts of a 101 that must match the request.
struct Expected {
    accept: String,
    offers: Offers,
}

impl ClientHandshake {
    pub(crate) fn new(request: Vec<u8>, accept: String, offers: Offers, rules: HeadRules) -> Self {
        Self {
            request,
            expected: Expected { accept, offers },
            response: ResponseReader::new(rules),
        }
    }

    /// Returns the complete request. Send it first.
    pub fn request(&self) -> &[u8] {
        &self.request
    }

    /// Reads input, which may be split at any byte. The result is `Ok` with `done: None` if more
    /// input is needed.
    ///
    /// * A head with a `1xx` status other than 101 is skipped (RFC 9110 §15.2). All heads together
    ///   may have at most [`HeadLimits::max_len`](crate::HeadLimits::max_len) bytes.
    /// * After the head of a 101, no byte is consumed. The bytes that follow are frames, even if a
    ///   header announces a body (RFC 9110 §15.2.2).
    /// * After the head of any other response, the body is read until it ends or has
    ///   [`MAX_REFUSAL_BODY_LEN`](crate::MAX_REFUSAL_BODY_LEN) bytes. The result is then
    ///   [`ClientError::Refused`]. If the head is malformed after its status line, the result is
    ///   the same, with the headers before the fault and without a body.
    ///
    /// # Errors
    ///
    /// [`ClientError`] for the rule that the response breaks. Later calls return the same error.
    pub fn receive(&mut self, input: &[u8]) -> Result<Progress<Established>, ClientError> {
        self.response
            .receive(input, |head| self.expected.judge(head))
    }

    /// Returns `true` if the server has refused: the head of a final response other than 101 has
    /// arrived.
    ///
    /// The body may still be incomplete. A body without a length ends with the connection. To stop
    /// waiting for the rest of the body, call [`end_of_input`](Self::end_of_input).
    ///
    /// ```
    /// use ws_handshake::{Request, Target};
    ///
    /// let target = Target::parse("ws://example.com/")?;
    /// let mut client = Request::new().build(&target, *b"the sample nonce")?;
    /// client.receive(b"HTTP/1.1 403 Forbidden\r\n\r\nno")?;
    /// assert!(client.is_refused());
    /// let error = client.end_of_input();
    /// assert_eq!(error.refusal().map(|response| &**response.body()), Some(&b"no"[..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_refused(&self) -> bool {
        self.response.is_refused()
    }

    /// Ends the handshake and returns the reason why it failed. Call this method when the server
    /// has ended the connection, or when the caller stops waiting.
    ///
    /// If the status line of a refusal has been read, the error is [`ClientError::Refused`] with
    /// the headers and the body read so far.
    pub fn end_of_input(&mut self) -> ClientError {
        self.response.end_of_input(|head| self.expected.judge(head))
    }
}

impl fmt::Debug for ClientHandshake {
    /// Omits the request, because its headers may be credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientHandshake")
            .field("state", &self.response.state_name())
            .finish_non_exhaustive()
    }
}

/// The result of a successful handshake: the response of the server passed every check, and the
/// connection is open.
#[derive(Clone)]
pub struct Established {
    response: Response<()>,
    agreed: Agreed,
}

impl Established {
    pub(crate) fn new(response: Response<()>, agreed: Agreed) -> Self {
        Self { response, agreed }
    }

    /// Returns the head of the response.
    pub fn response(&self) -> &Response<()> {
        &self.response
    }

    /// Returns the result of the negotiation.
    pub fn agreed(&self) -> &Agreed {
        &self.agreed
    }

    /// Returns the response and the result of the negotiation.
    pub fn into_parts(self) -> (Response<()>, Agreed) {
        (self.response, self.agreed)
    }
}

impl fmt::Debug for Established {
    /// Prints no header values, because they may be credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Established")
            .field("headers", &NamesOf(self.response.headers()))
            .field("agreed", &self.agreed)
            .finish()
    }
}

impl Expected {
    /// Accepts only a 101. Any other final response is a refusal.
    fn judge(&self, head: FinalHead) -> Result<Verdict<Established>, ClientError> {
        if head.status != StatusCode::SWITCHING_PROTOCOLS {
            return Ok(Verdict::Refused(head));
        }
        let agreed = self.check(&head.headers)?;
        let response = head.into_response(());
        Ok(Verdict::Accepted(Established::new(response, agreed)))
    }

    /// Checks the headers of a 101, in the order of RFC 6455 §4.1.
    fn check(&self, headers: &HeaderMap) -> Result<Agreed, ClientError> {
        if !lists_token(headers.get_all(UPGRADE), "websocket") {
            return Err(ClientError::UpgradeNotWebSocket);
        }
        if !lists_token(headers.get_all(CONNECTION), "upgrade") {
            return Err(ClientError::ConnectionWithoutUpgrade);
        }
        self.check_accept(headers)?;
        self.offers.agreement(headers)
    }

    /// Compares the accept value exactly. Only white space around the value is ignored.
    fn check_accept(&self, headers: &HeaderMap) -> Result<(), ClientError> {
        let (missing, duplicate) = (ClientError::MissingAccept, ClientError::DuplicateAccept);
        let accept = single(headers, &SEC_WEBSOCKET_ACCEPT, missing, duplicate)?;
        if accept != self.accept.as_bytes() {
            return Err(ClientError::WrongAccept);
        }
        Ok(())
    }
}
