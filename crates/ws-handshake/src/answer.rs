//! The answer of a server that accepts a request: status 101, or 200 over HTTP/2, and the choices
//! of the server.

use std::fmt;

use http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use http::{Response, StatusCode};
use ws_proto::DeflateConfig;

use crate::agreed::Agreed;
use crate::deflate::{self, DeflateError};
use crate::extension::{self, Extension};
use crate::fields::{self, FieldFault, Fields, write_field};
use crate::head::NamesOf;
use crate::upgrade_request::UpgradeRequest;

/// The choices of a server for its answer (RFC 6455 §4.2.2). By default, the server chooses no
/// subprotocol and no extension.
///
/// [`UpgradeRequest::accept`] checks these choices against the offers of the client.
///
/// ```
/// use ws_handshake::{Answer, AnswerError, OriginPolicy, UpgradeRequest};
///
/// # let request = http::Request::get("/chat")
/// #     .header("Host", "example.com")
/// #     .header("Upgrade", "websocket")
/// #     .header("Connection", "Upgrade")
/// #     .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
/// #     .header("Sec-WebSocket-Version", "13")
/// #     .header("Sec-WebSocket-Protocol", "chat.v1, chat.v2")
/// #     .body(())?;
/// // This request offers the subprotocols `chat.v1` and `chat.v2`.
/// let offer = UpgradeRequest::from_request(&request, OriginPolicy::default())?;
/// let accepted = offer.accept(Answer::new().protocol("chat.v2").header("X-Node", "7"))?;
/// assert_eq!(accepted.response().headers()["x-node"], "7");
///
/// let error = offer.accept(Answer::new().protocol("chat.v3")).unwrap_err();
/// assert_eq!(error, AnswerError::ProtocolNotOffered("chat.v3".into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Answer {
    protocol: Option<String>,
    extensions: Vec<Extension>,
    deflate: Option<DeflateConfig>,
    fields: Fields,
}

impl Answer {
    /// Creates an answer without a subprotocol, extensions or headers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Chooses a subprotocol. A later call replaces the subprotocol of an earlier call.
    #[must_use]
    pub fn protocol(mut self, name: impl Into<String>) -> Self {
        self.protocol = Some(name.into());
        self
    }

    /// Chooses an extension, with the parameters that the server uses. [`UpgradeRequest::accept`]
    /// checks the parameters of permessage-deflate, but not those of other extensions.
    #[must_use]
    pub fn extension(mut self, extension: Extension) -> Self {
        self.extensions.push(extension);
        self
    }

    /// Accepts compression if the client offers permessage-deflate (RFC 7692). A later call
    /// replaces the configuration of an earlier call.
    ///
    /// The first well-formed offer of permessage-deflate is accepted. In the response,
    /// permessage-deflate follows the extensions that [`extension`](Self::extension) adds.
    /// [`Agreed::deflate`] returns the agreed parameters.
    #[must_use]
    pub fn deflate(mut self, config: &DeflateConfig) -> Self {
        self.deflate = Some(*config);
        self
    }

    /// Adds a header, for example `Set-Cookie`. The name and the value are strings or the types of
    /// `http`. [`UpgradeRequest::accept`] checks both. The name is sent in lower case.
    #[must_use]
    pub fn header(mut self, name: impl AsRef<str>, value: impl TryInto<HeaderValue>) -> Self {
        self.fields.push(name, value);
        self
    }

    /// Adds all headers of a map. The rules are those of [`header`](Self::header).
    #[must_use]
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        self.fields.extend(&headers);
        self
    }

    /// Checks the answer against the offers of the request, and builds the response. `accept` is
    /// the accept value, which the answer to a CONNECT does not have (RFC 8441 §5).
    pub(crate) fn accept(
        mut self,
        offer: &UpgradeRequest,
        accept: Option<&HeaderValue>,
    ) -> Result<Accepted, AnswerError> {
        let mut response = Response::new(());
        if accept.is_some() {
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        }
        let headers = response.headers_mut();
        if let Some(accept) = accept {
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
            headers.insert(SEC_WEBSOCKET_ACCEPT, accept.clone());
        }
        if let Some(name) = &self.protocol {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, offered_protocol(offer, name)?);
        }
        if let Some(config) = &self.deflate {
            self.extensions
                .extend(deflate::answer(offer.extensions(), config));
            // The list is kept as long as the connection.
            self.extensions.shrink_to_fit();
        }
        if !self.extensions.is_empty() {
            headers.insert(
                SEC_WEBSOCKET_EXTENSIONS,
                offered_extensions(offer, &self.extensions)?,
            );
        }
        append_fields(headers, &self.fields)?;
        let agreed = Agreed {
            deflate: deflate::agreement(offer.extensions(), &self.extensions)?,
            protocol: self.protocol,
            extensions: self.extensions,
        };
        Ok(Accepted { response, agreed })
    }
}

fn offered_protocol(offer: &UpgradeRequest, name: &str) -> Result<HeaderValue, AnswerError> {
    let not_offered = || AnswerError::ProtocolNotOffered(name.to_owned());
    if !offer.protocols().any(|offered| offered == name) {
        return Err(not_offered());
    }
    HeaderValue::from_str(name).map_err(|_| not_offered())
}

fn offered_extensions(
    offer: &UpgradeRequest,
    chosen: &[Extension],
) -> Result<HeaderValue, AnswerError> {
    for (index, extension) in chosen.iter().enumerate() {
        let name = extension.name();
        if !extension::contains(offer.extensions(), name) {
            return Err(AnswerError::ExtensionNotOffered(name.to_owned()));
        }
        if extension::contains(chosen.get(..index).unwrap_or_default(), name) {
            return Err(AnswerError::DuplicateExtension(name.to_owned()));
        }
    }
    // An extension consists of tokens, so the joined line is a valid value.
    Ok(HeaderValue::from_str(&extension::join(chosen)).unwrap_or(HeaderValue::from_static("")))
}

fn append_fields(headers: &mut HeaderMap, fields: &Fields) -> Result<(), AnswerError> {
    for field in fields.checked() {
        let (_, name, value) = field?;
        headers
            .try_append(name, value.clone())
            .map_err(|_| AnswerError::TooManyHeaders)?;
    }
    crate::head::hide_credentials(headers);
    Ok(())
}

/// A checked answer, made by [`UpgradeRequest::accept`]. The connection is open once its response
/// has been sent (RFC 6455 §4.2.2).
///
/// ```
/// use ws_handshake::{Answer, OriginPolicy, Request, ServerHandshake, Target};
///
/// let target = Target::parse("ws://example.com/")?;
/// let client = Request::new().build(&target, *b"the sample nonce")?;
/// let mut server = ServerHandshake::new(OriginPolicy::default());
/// let offer = server.receive(client.request())?.done.expect("a complete request");
///
/// let accepted = offer.accept(Answer::new())?;
/// assert_eq!(accepted.agreed().protocol(), None);
/// assert_eq!(accepted.response().status(), 101);
/// assert!(accepted.encode().ends_with(b"\r\n\r\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Accepted {
    response: Response<()>,
    agreed: Agreed,
}

impl Accepted {
    /// Returns the response, for an HTTP stack that encodes it.
    pub fn response(&self) -> &Response<()> {
        &self.response
    }

    /// Returns the result of the negotiation.
    pub fn agreed(&self) -> &Agreed {
        &self.agreed
    }

    /// Encodes the complete response of HTTP/1.1. The frames of the server follow this response
    /// directly.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = b"HTTP/1.1 101 Switching Protocols\r\n".to_vec();
        for (name, value) in self.response.headers() {
            write_field(&mut out, name, value.as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out
    }

    /// Returns the response and the result of the negotiation.
    pub fn into_parts(self) -> (Response<()>, Agreed) {
        (self.response, self.agreed)
    }
}

impl fmt::Debug for Accepted {
    /// Prints no header values, because they may be credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accepted")
            .field("headers", &NamesOf(self.response.headers()))
            .field("agreed", &self.agreed)
            .finish()
    }
}

/// The reason why an [`Answer`] cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnswerError {
    /// The parameters of permessage-deflate do not fit the offers of the client (RFC 7692 §7.1).
    Deflate(DeflateError),
    /// The answer has this extension twice (RFC 6455 §9.1).
    DuplicateExtension(String),
    /// The client did not offer this extension (RFC 6455 §4.2.2, item 5.6, and §9.1).
    ExtensionNotOffered(String),
    /// The name of a header is not a token (RFC 9110 §5.1).
    InvalidHeaderName(String),
    /// The value of this header has CR, LF, NUL or another control byte (RFC 9110 §5.5).
    InvalidHeaderValue(HeaderName),
    /// The client did not offer this subprotocol (RFC 6455 §4.2.2, item 5.5).
    ProtocolNotOffered(String),
    /// This header is reserved for the handshake or for message framing.
    ReservedHeader(HeaderName),
    /// The answer has more headers than a header map can hold.
    TooManyHeaders,
}

impl From<DeflateError> for AnswerError {
    fn from(error: DeflateError) -> Self {
        Self::Deflate(error)
    }
}

impl From<FieldFault> for AnswerError {
    fn from(fault: FieldFault) -> Self {
        match fault {
            FieldFault::InvalidName(name) => Self::InvalidHeaderName(name),
            FieldFault::InvalidValue(name) => Self::InvalidHeaderValue(name),
            FieldFault::Reserved(name) => Self::ReservedHeader(name),
        }
    }
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deflate(error) => write!(
                f,
                "the answer to permessage-deflate is wrong: {error}; configure compression instead \
                 of writing the extension"
            ),
            Self::DuplicateExtension(name) => {
                write!(
                    f,
                    "the answer has the extension {name:?} twice; accept one offer of it"
                )
            }
            Self::ExtensionNotOffered(name) => write!(
                f,
                "the client did not offer the extension {name:?}; choose an offered one, or none"
            ),
            Self::InvalidHeaderName(name) => fields::write_invalid_name(f, name),
            Self::InvalidHeaderValue(name) => fields::write_invalid_value(f, name),
            Self::ProtocolNotOffered(name) => write!(
                f,
                "the client did not offer the subprotocol {name:?}; choose an offered one, or none"
            ),
            Self::ReservedHeader(name) => {
                write!(
                    f,
                    "the header {name} is reserved for the handshake; remove it"
                )
            }
            Self::TooManyHeaders => f.write_str("the answer has too many headers; set fewer"),
        }
    }
}

impl std::error::Error for AnswerError {}
