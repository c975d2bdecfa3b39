//! The answer of a server to a valid request: 101 with its choices.

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
use crate::fields::{FieldFault, Fields, write_field};
use crate::head::NamesOf;
use crate::upgrade_request::UpgradeRequest;

/// A server's choices for its answer, empty by default (RFC 6455 §4.2.2).
///
/// ```
/// use ws_handshake::Answer;
///
/// let answer = Answer::new().protocol("chat.v2").header("X-Node", "7");
/// # drop(answer);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Answer {
    protocol: Option<String>,
    extensions: Vec<Extension>,
    deflate: Option<DeflateConfig>,
    fields: Fields,
}

impl Answer {
    /// An answer without subprotocol, extensions and headers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Chooses a subprotocol; a later call replaces it.
    #[must_use]
    pub fn protocol(mut self, name: impl Into<String>) -> Self {
        self.protocol = Some(name.into());
        self
    }

    /// Adds an extension in the form in which the server uses it. Of permessage-deflate,
    /// [`UpgradeRequest::accept`] also checks the parameters.
    #[must_use]
    pub fn extension(mut self, extension: Extension) -> Self {
        self.extensions.push(extension);
        self
    }

    /// Compresses messages if the client offers it (RFC 7692); a later call replaces it.
    ///
    /// The first offer of permessage-deflate that is well formed is accepted, behind the
    /// extensions that [`extension`](Self::extension) adds. What it comes to is
    /// [`Agreed::deflate`].
    #[must_use]
    pub fn deflate(mut self, config: &DeflateConfig) -> Self {
        self.deflate = Some(*config);
        self
    }

    /// Adds a header, for example `Set-Cookie`: strings or the types of `http`. Name and value are checked by
    /// [`UpgradeRequest::accept`]. The name is sent in lower case.
    #[must_use]
    pub fn header(mut self, name: impl AsRef<str>, value: impl TryInto<HeaderValue>) -> Self {
        self.fields.push(name, value);
        self
    }

    /// Adds these headers, as [`header`](Self::header) does each.
    #[must_use]
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        self.fields.extend(&headers);
        self
    }

    /// The checks of [`UpgradeRequest::accept`] and the response.
    pub(crate) fn accept(
        mut self,
        offer: &UpgradeRequest,
        accept: &HeaderValue,
    ) -> Result<Accepted, AnswerError> {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept.clone());
        if let Some(name) = &self.protocol {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, offered_protocol(offer, name)?);
        }
        if let Some(config) = &self.deflate {
            self.extensions
                .extend(deflate::answer(offer.extensions(), config));
            // Kept as long as the connection.
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
        if !offer
            .extensions()
            .iter()
            .any(|offered| offered.name() == name)
        {
            return Err(AnswerError::ExtensionNotOffered(name.to_owned()));
        }
        if chosen
            .iter()
            .take(index)
            .any(|earlier| earlier.name() == name)
        {
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

/// A checked answer: the connection is open once it is sent (RFC 6455 §4.2.2).
#[derive(Clone)]
pub struct Accepted {
    response: Response<()>,
    agreed: Agreed,
}

impl Accepted {
    /// The response, for an HTTP stack that sends it itself.
    pub fn response(&self) -> &Response<()> {
        &self.response
    }

    /// The outcome of the negotiation.
    pub fn agreed(&self) -> &Agreed {
        &self.agreed
    }

    /// The response in full, ready to be sent. Frames follow directly behind it.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = b"HTTP/1.1 101 Switching Protocols\r\n".to_vec();
        for (name, value) in self.response.headers() {
            write_field(&mut out, name, value.as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out
    }

    /// Both parts.
    pub fn into_parts(self) -> (Response<()>, Agreed) {
        (self.response, self.agreed)
    }
}

impl fmt::Debug for Accepted {
    /// Without header values, which may be credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accepted")
            .field("headers", &NamesOf(self.response.headers()))
            .field("agreed", &self.agreed)
            .finish()
    }
}

/// Why an [`Answer`] does not fit the request it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnswerError {
    /// The answer's own permessage-deflate is not one to what the client offered
    /// (RFC 7692 §7.1).
    Deflate(DeflateError),
    /// An extension of this name is there twice (RFC 6455 §9.1).
    DuplicateExtension(String),
    /// The client did not offer this extension (RFC 6455 §4.2.2, item 5.6, and §9.1).
    ExtensionNotOffered(String),
    /// The name of a header is not a token (RFC 9110 §5.1).
    InvalidHeaderName(String),
    /// The value of this header has CR, LF, NUL or another control byte (RFC 9110 §5.5).
    InvalidHeaderValue(HeaderName),
    /// The client did not offer this subprotocol (RFC 6455 §4.2.2, item 5.5).
    ProtocolNotOffered(String),
    /// The handshake sets this header itself.
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
                "the answer to permessage-deflate is wrong: {error}; configure compression instead"
            ),
            Self::DuplicateExtension(name) => {
                write!(
                    f,
                    "the answer has the extension {name:?} twice; answer one of its offers"
                )
            }
            Self::ExtensionNotOffered(name) => write!(
                f,
                "the client did not offer the extension {name:?}; choose from those that it offers"
            ),
            Self::InvalidHeaderName(name) => {
                write!(
                    f,
                    "{name:?} is not a header name; use letters, digits and '-'"
                )
            }
            Self::InvalidHeaderValue(name) => write!(
                f,
                "the value of the header {name} has a line end or another control byte; \
                 remove or encode it"
            ),
            Self::ProtocolNotOffered(name) => write!(
                f,
                "the client did not offer the subprotocol {name:?}; choose from \
                 those that it offers, or none"
            ),
            Self::ReservedHeader(name) => {
                write!(
                    f,
                    "the header {name} belongs to the handshake; do not set it"
                )
            }
            Self::TooManyHeaders => f.write_str("the answer has too many headers; set fewer"),
        }
    }
}

impl std::error::Error for AnswerError {}
