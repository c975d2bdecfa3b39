//! The client's side of the handshake.

use std::fmt;

use http::header::{
    CONNECTION, HeaderMap, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL,
    UPGRADE,
};
use http::{Response, StatusCode};

use crate::agreed::Agreed;
use crate::client_error::ClientError;
use crate::deflate;
use crate::extension::Extension;
use crate::head::{Head, HeadReader, HttpVersion, NamesOf, StatusLine, parse_fields};
use crate::head_error::HeadError;
use crate::limits::{MAX_HEAD_LEN, Progress};
use crate::refusal_body::RefusalBody;
use crate::token::{list_elements, lists_token, trim_ows};

/// The client's side of the handshake (RFC 6455 §4.1), made by
/// [`Request::build`](crate::Request::build): the request to send, and an incremental reader of
/// the response.
///
/// ```
/// use ws_handshake::{Request, Target};
///
/// let target = Target::parse("ws://example.com/chat")?;
/// // In earnest: 16 bytes from the random source of the operating system.
/// let mut client = Request::new().build(&target, *b"the sample nonce")?;
/// assert!(client.request().ends_with(b"\r\n\r\n"));
///
/// let response = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
///     Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x02hi";
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

/// The offer that the answer is held against.
struct Expected {
    accept: String,
    protocols: Vec<String>,
    extensions: Vec<Extension>,
}

enum State {
    Head(HeadReader),
    /// Of a response that is not 101.
    Body(RefusalBody),
    /// The result has been handed out; what still comes are frames.
    Done,
    /// Repeated for every further input.
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

    /// The complete request, to be sent first.
    pub fn request(&self) -> &[u8] {
        &self.request
    }

    /// Takes in what has arrived, in any segmentation. `Ok` with `done: None` asks for more.
    ///
    /// Heads with a `1xx` status in front of the final one are skipped (RFC 9110 §15.2); all
    /// together may have [`MAX_HEAD_LEN`] bytes. After a status other than 101 the body is
    /// awaited, decoded and bounded, and then reported as [`ClientError::Refused`]. Behind the
    /// head of a 101 nothing is consumed: what follows are frames, whatever its headers say
    /// about a body (RFC 9110 §15.2.2).
    ///
    /// # Errors
    ///
    /// [`ClientError`] with the rule that the response breaks. It is repeated by later calls.
    pub fn receive(&mut self, input: &[u8]) -> Result<Progress<Established>, ClientError> {
        self.advance(input)
            .inspect_err(|error| self.state = State::Failed(error.clone()))
    }

    /// Tells whether the server has refused: the head of a response other than 101 has arrived, and at most the rest
    /// of its body is awaited.
    ///
    /// A body without a length goes on to the end of the connection, so wait no longer for it than it is worth, and
    /// call [`end_of_input`](Self::end_of_input) then.
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

    /// Says that the server has ended the connection, and gives the error that this makes:
    /// [`ClientError::Refused`] with the body so far if the head of a refusal has been read.
    ///
    /// Also right when the caller gives up waiting and wants to know what there is.
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
        // One turn for each head, and one for the body. It goes on with no input left, because
        // a response may be complete, or over its limit, without another byte.
        loop {
            let rest = input.get(used..).unwrap_or_default();
            let step = match &mut self.state {
                State::Head(reader) => {
                    let (length, head) = reader.receive(rest)?;
                    used += length;
                    let Some(head) = head else {
                        return Ok(Progress::pending(used));
                    };
                    judge(&head, &self.expected)?
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

    /// Goes on to the head behind a `1xx` head, within the same budget.
    fn next_head(&mut self) {
        if let State::Head(reader) = &self.state {
            self.state = State::Head(StatusLine::reader(reader.remaining()));
        }
    }
}

impl fmt::Debug for ClientHandshake {
    /// Without the request, which may have credentials.
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

/// An open connection: the server's answer passed every check.
#[derive(Clone)]
pub struct Established {
    response: Response<()>,
    agreed: Agreed,
}

impl Established {
    /// The head of the response.
    pub fn response(&self) -> &Response<()> {
        &self.response
    }

    /// The outcome of the negotiation.
    pub fn agreed(&self) -> &Agreed {
        &self.agreed
    }

    /// Both parts.
    pub fn into_parts(self) -> (Response<()>, Agreed) {
        (self.response, self.agreed)
    }
}

impl fmt::Debug for Established {
    /// Without header values, which may be credentials.
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
    /// A final status other than 101; its body follows.
    Refusal(Response<Vec<u8>>),
    Established(Established),
}

fn judge(head: &Head<'_>, expected: &Expected) -> Result<Step, ClientError> {
    let line = StatusLine::parse(head.start_line)?;
    let headers = parse_fields(head.fields)?;
    let is_http_10 = line.version == HttpVersion::Http10;
    // HTTP/1.0 has no 1xx (RFC 9110 §15.2); its refusals are as good as any.
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
    /// The checks on a 101, in the order of RFC 6455 §4.1.
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

    /// Compared byte by byte: the RFC ignores white space around the value, not its case.
    fn check_accept(&self, headers: &HeaderMap) -> Result<(), ClientError> {
        let mut lines = headers.get_all(SEC_WEBSOCKET_ACCEPT).into_iter();
        let accept = lines.next().ok_or(ClientError::MissingAccept)?;
        if lines.next().is_some() {
            return Err(ClientError::DuplicateAccept);
        }
        if trim_ows(accept.as_bytes()) != self.accept.as_bytes() {
            return Err(ClientError::WrongAccept);
        }
        Ok(())
    }

    /// Names only. What the parameters mean is checked where the extension is known: for
    /// permessage-deflate in `deflate`, for others by the caller.
    fn check_extensions(&self, headers: &HeaderMap) -> Result<Vec<Extension>, ClientError> {
        let mut agreed: Vec<Extension> = Vec::new();
        for line in headers.get_all(SEC_WEBSOCKET_EXTENSIONS) {
            let parsed = Extension::parse_list(line.as_bytes())
                .map_err(|_| ClientError::InvalidExtensions)?;
            for extension in parsed {
                if !self
                    .extensions
                    .iter()
                    .any(|offered| offered.name() == extension.name())
                {
                    return Err(ClientError::UnofferedExtension);
                }
                // At most as many as were offered can get past this, so it stays cheap.
                if agreed
                    .iter()
                    .any(|earlier| earlier.name() == extension.name())
                {
                    return Err(ClientError::DuplicateExtension);
                }
                agreed.push(extension);
            }
        }
        Ok(agreed)
    }

    /// One name in one line, spelled as it was offered.
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
