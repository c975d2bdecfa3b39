//! The client side of the handshake.

use std::fmt;

use http::header::{
    CONNECTION, HeaderMap, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL,
    UPGRADE,
};
use http::{Response, StatusCode};

use crate::agreed::Agreed;
use crate::client_error::ClientError;
use crate::deflate;
use crate::extension::{self, Extension};
use crate::head::{Head, HeadReader, HttpVersion, NamesOf, StatusLine, parse_fields};
use crate::head_error::HeadError;
use crate::limits::{MAX_HEAD_LEN, Progress};
use crate::refusal_body::RefusalBody;
use crate::token::{list_elements, lists_token, single, trim_ows};

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
    state: State,
}

/// The offers and the accept value that the response must match.
struct Expected {
    accept: String,
    protocols: Vec<String>,
    extensions: Vec<Extension>,
}

enum State {
    Head(HeadReader),
    /// Reads the body of a response whose status is not 101.
    Body(RefusalBody),
    /// The result has been returned. All bytes after the head are frames.
    Done,
    /// The error was returned. Later calls return it again.
    Failed(ClientError),
}

impl ClientHandshake {
    pub(crate) fn new(
        request: Vec<u8>,
        accept: String,
        protocols: Vec<String>,
        extensions: Vec<Extension>,
    ) -> Self {
        let expected = Expected {
            accept,
            protocols,
            extensions,
        };
        Self {
            request,
            expected,
            state: State::Head(StatusLine::reader(MAX_HEAD_LEN)),
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
    ///   may have at most [`MAX_HEAD_LEN`] bytes.
    /// * After the head of a 101, no byte is consumed. The bytes that follow are frames, even if a
    ///   header announces a body (RFC 9110 §15.2.2).
    /// * After the head of any other response, the body is read until it ends or has
    ///   [`MAX_REFUSAL_BODY_LEN`](crate::MAX_REFUSAL_BODY_LEN) bytes. The result is then
    ///   [`ClientError::Refused`].
    ///
    /// # Errors
    ///
    /// [`ClientError`] for the rule that the response breaks. Later calls return the same error.
    pub fn receive(&mut self, input: &[u8]) -> Result<Progress<Established>, ClientError> {
        self.advance(input)
            .inspect_err(|error| self.state = State::Failed(error.clone()))
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
        matches!(
            self.state,
            State::Body(_) | State::Failed(ClientError::Refused(_))
        )
    }

    /// Ends the handshake and returns the reason why it failed. Call this method when the server
    /// has ended the connection, or when the caller stops waiting.
    ///
    /// If the head of a refusal has been read, the error is [`ClientError::Refused`] with the body
    /// read so far.
    pub fn end_of_input(&mut self) -> ClientError {
        let error = match std::mem::replace(&mut self.state, State::Done) {
            State::Head(reader) if reader.is_empty() => ClientError::ConnectionClosed,
            State::Head(_) => ClientError::TruncatedHead,
            State::Body(body) => ClientError::Refused(body.into_response()),
            State::Done => ClientError::ConnectionClosed,
            State::Failed(error) => error,
        };
        self.state = State::Failed(error.clone());
        error
    }

    fn advance(&mut self, input: &[u8]) -> Result<Progress<Established>, ClientError> {
        let mut used = 0;
        // Each iteration reads one head, or the body. An iteration may run without input, because
        // no further byte may be needed to complete a body or to reach a limit.
        loop {
            let rest = input.get(used..).unwrap_or_default();
            let step = match &mut self.state {
                State::Head(reader) => {
                    let (length, head) = reader.receive(rest)?;
                    used += length;
                    let Some(head) = head else {
                        return Ok(Progress::pending(used));
                    };
                    check_head(&head, &self.expected)?
                }
                State::Body(body) => {
                    if body.receive(rest) {
                        return Err(self.end_of_input());
                    }
                    return Ok(Progress::pending(input.len()));
                }
                State::Done => return Ok(Progress::pending(used)),
                State::Failed(error) => return Err(error.clone()),
            };
            match step {
                Step::Interim => self.next_head(),
                Step::Refusal(response) => self.state = State::Body(RefusalBody::new(response)),
                Step::Established(established) => {
                    self.state = State::Done;
                    return Ok(Progress::done(used, established));
                }
            }
        }
    }

    /// Starts to read the head that follows a `1xx` head. Both heads share one limit.
    fn next_head(&mut self) {
        if let State::Head(reader) = &self.state {
            self.state = State::Head(StatusLine::reader(reader.remaining()));
        }
    }
}

impl fmt::Debug for ClientHandshake {
    /// Omits the request, because its headers may be credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Head(_) => "Head",
            State::Body(_) => "Body",
            State::Done => "Done",
            State::Failed(_) => "Failed",
        };
        f.debug_struct("ClientHandshake")
            .field("state", &state)
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

/// The meaning of a complete head.
enum Step {
    /// Another head follows.
    Interim,
    /// The status is final and not 101. The body follows.
    Refusal(Response<Vec<u8>>),
    Established(Established),
}

fn check_head(head: &Head<'_>, expected: &Expected) -> Result<Step, ClientError> {
    let line = StatusLine::parse(head.start_line)?;
    let headers = parse_fields(head.fields)?;
    let is_http_10 = line.version == HttpVersion::Http10;
    // HTTP/1.0 has no 1xx statuses (RFC 9110 §15.2), so such a response is an error. Any other
    // HTTP/1.0 response is a refusal.
    if line.status.is_informational() && is_http_10 {
        return Err(HeadError::UnsupportedHttpVersion.into());
    }
    if line.status == StatusCode::SWITCHING_PROTOCOLS {
        let agreed = expected.check(&headers)?;
        let response = response(line.status, headers, ());
        return Ok(Step::Established(Established { response, agreed }));
    }
    if line.status.is_informational() {
        return Ok(Step::Interim);
    }
    let mut response = response(line.status, headers, Vec::new());
    if is_http_10 {
        *response.version_mut() = http::Version::HTTP_10;
    }
    Ok(Step::Refusal(response))
}

fn response<B>(status: StatusCode, headers: HeaderMap, body: B) -> Response<B> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

impl Expected {
    /// Checks the headers of a 101, in the order of RFC 6455 §4.1.
    fn check(&self, headers: &HeaderMap) -> Result<Agreed, ClientError> {
        if !lists_token(headers.get_all(UPGRADE), "websocket") {
            return Err(ClientError::UpgradeNotWebSocket);
        }
        if !lists_token(headers.get_all(CONNECTION), "upgrade") {
            return Err(ClientError::ConnectionWithoutUpgrade);
        }
        self.check_accept(headers)?;
        let extensions = self.check_extensions(headers)?;
        let deflate = deflate::agreement(&self.extensions, &extensions)?;
        let protocol = self.check_protocol(headers)?;
        Ok(Agreed {
            protocol,
            extensions,
            deflate,
        })
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

    /// Parses the extensions and checks their names. [`deflate::agreement`] checks the parameters
    /// of permessage-deflate. The user of this crate must check the parameters of other extensions.
    fn check_extensions(&self, headers: &HeaderMap) -> Result<Vec<Extension>, ClientError> {
        let mut agreed: Vec<Extension> = Vec::new();
        for line in headers.get_all(SEC_WEBSOCKET_EXTENSIONS) {
            let parsed = Extension::parse_list(line.as_bytes())
                .map_err(|_| ClientError::InvalidExtensions)?;
            for extension in parsed {
                if !extension::contains(&self.extensions, extension.name()) {
                    return Err(ClientError::UnofferedExtension);
                }
                // `agreed` never has more elements than the list of offers, so a linear search is
                // cheap.
                if extension::contains(&agreed, extension.name()) {
                    return Err(ClientError::DuplicateExtension);
                }
                agreed.push(extension);
            }
        }
        Ok(agreed)
    }

    /// Returns the chosen subprotocol. Only one line with one name is allowed, and the name must be
    /// spelled as in the offer.
    fn check_protocol(&self, headers: &HeaderMap) -> Result<Option<String>, ClientError> {
        let mut lines = headers.get_all(SEC_WEBSOCKET_PROTOCOL).into_iter();
        let Some(line) = lines.next() else {
            return Ok(None);
        };
        if lines.next().is_some() || list_elements(line.as_bytes()).count() > 1 {
            return Err(ClientError::DuplicateProtocol);
        }
        let chosen = trim_ows(line.as_bytes());
        let offered = self
            .protocols
            .iter()
            .find(|offered| offered.as_bytes() == chosen);
        offered
            .cloned()
            .map(Some)
            .ok_or(ClientError::UnofferedProtocol)
    }
}
