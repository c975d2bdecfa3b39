//! The offers of a client, and the request that contains them.

use std::fmt;

use http::header::{
    CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use ws_proto::DeflateConfig;

use crate::accept_key::{accept_for, encode_nonce};
use crate::client::ClientHandshake;
use crate::deflate;
use crate::extension::{self, Extension};
use crate::fields::{self, FieldFault, Fields, write_field, write_line};
use crate::target::Target;
use crate::token::is_token;

/// The offers of a client, and the headers of its request (RFC 6455 §4.1).
///
/// Only [`build`](Self::build) reports errors, so a request can be written as one expression.
/// `build` may be called many times on one request.
///
/// ```
/// use ws_handshake::{Request, Target};
///
/// let request = Request::new()
///     .protocol("chat.v2")
///     .protocol("chat.v1")
///     .header("Authorization", "Bearer 0123");
/// let target = Target::parse("ws://example.com/chat")?;
/// // A real client passes 16 bytes from the random source of the operating system.
/// let client = request.build(&target, *b"the sample nonce")?;
/// assert!(client.request().starts_with(b"GET /chat HTTP/1.1\r\nHost: example.com\r\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// `Debug` shows the extensions, the number of subprotocols and the names of the headers.
/// Subprotocols and header values are omitted, because they may be credentials.
#[derive(Clone, Default)]
pub struct Request {
    protocols: Vec<String>,
    extensions: Vec<Extension>,
    fields: Fields,
}

impl Request {
    /// Creates a request without offers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a subprotocol to the offers. The order of the calls is the order of preference (RFC
    /// 6455 §4.1, item 10).
    #[must_use]
    pub fn protocol(mut self, name: impl Into<String>) -> Self {
        self.protocols.push(name.into());
        self
    }

    /// Adds an extension to the offers. The order of the calls is the order of preference. A name
    /// may be offered several times with different parameters (RFC 6455 §9.1).
    ///
    /// The caller must check the parameters of the server's answer, except those of
    /// permessage-deflate.
    #[must_use]
    pub fn extension(mut self, extension: Extension) -> Self {
        self.extensions.push(extension);
        self
    }

    /// Offers to compress messages (RFC 7692). The offers of permessage-deflate follow the
    /// extensions that were added before this call.
    ///
    /// The server need not grant the limits that `config` requests of it. The first offer requests
    /// all these limits, and further offers request fewer.
    /// [`Agreed::deflate`](crate::Agreed::deflate) returns the agreed parameters.
    ///
    /// To require a parameter, do not call this method. Offer permessage-deflate once, with this
    /// parameter, through [`extension`](Self::extension). The answer to such an offer is checked in
    /// the same way.
    #[must_use]
    pub fn deflate(mut self, config: &DeflateConfig) -> Self {
        self.extensions.extend(deflate::offers(config));
        self
    }

    /// Adds a header. The name and the value are strings or the types of `http`.
    /// [`build`](Self::build) checks both.
    ///
    /// Headers are sent in the order in which they were added. Names keep their spelling, because
    /// some servers compare names case-sensitively. A [`HeaderName`] is always in lower case.
    ///
    /// The headers of the handshake and of message framing are reserved: `Host`, `Connection`,
    /// `Upgrade`, `Sec-WebSocket-*`, `Content-Length`, `Transfer-Encoding`, `TE`, `Trailer`.
    ///
    /// ```
    /// use http::header::{AUTHORIZATION, HeaderValue};
    /// use ws_handshake::Request;
    ///
    /// let mut token = HeaderValue::from_static("Bearer 0123");
    /// token.set_sensitive(true);
    /// let request = Request::new()
    ///     .header("X-Room", "7")
    ///     .header(AUTHORIZATION, token);
    /// # drop(request);
    /// ```
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

    /// Adds the `Origin` header. A browser must send it, and other clients may send it (RFC 6455
    /// §4.1, item 8).
    #[must_use]
    pub fn origin(self, origin: impl TryInto<HeaderValue>) -> Self {
        self.header("Origin", origin)
    }

    /// Builds the handshake. The nonce must be fresh and random for each connection (RFC 6455 §4.1,
    /// item 7).
    ///
    /// # Errors
    ///
    /// [`RequestError`] if a subprotocol or a header cannot be sent.
    pub fn build(&self, target: &Target, nonce: [u8; 16]) -> Result<ClientHandshake, RequestError> {
        self.check_protocols()?;
        let key = encode_nonce(nonce);
        let head = self.encode(target, &key)?;
        let accept = accept_for(key.as_bytes());
        Ok(ClientHandshake::new(
            head,
            accept,
            self.protocols.clone(),
            self.extensions.clone(),
        ))
    }

    fn check_protocols(&self) -> Result<(), RequestError> {
        for (index, name) in self.protocols.iter().enumerate() {
            if !is_token(name.as_bytes()) {
                return Err(RequestError::InvalidProtocol(name.clone()));
            }
            if self
                .protocols
                .iter()
                .take(index)
                .any(|earlier| earlier == name)
            {
                return Err(RequestError::DuplicateProtocol(name.clone()));
            }
        }
        Ok(())
    }

    /// Encodes the head. `Host` is first, as RFC 9110 §7.2 recommends. The headers of the
    /// application are last.
    fn encode(&self, target: &Target, key: &str) -> Result<Vec<u8>, RequestError> {
        let mut head = format!("GET {} HTTP/1.1\r\n", target.path_and_query()).into_bytes();
        write_field(&mut head, &HOST, target.authority().as_bytes());
        write_field(&mut head, &UPGRADE, b"websocket");
        write_field(&mut head, &CONNECTION, b"Upgrade");
        write_field(&mut head, &SEC_WEBSOCKET_KEY, key.as_bytes());
        write_field(&mut head, &SEC_WEBSOCKET_VERSION, b"13");
        if !self.protocols.is_empty() {
            let line = self.protocols.join(", ");
            write_field(&mut head, &SEC_WEBSOCKET_PROTOCOL, line.as_bytes());
        }
        if !self.extensions.is_empty() {
            let line = extension::join(&self.extensions);
            write_field(&mut head, &SEC_WEBSOCKET_EXTENSIONS, line.as_bytes());
        }
        for field in self.fields.checked() {
            let (name, _, value) = field?;
            write_line(&mut head, name, value.as_bytes());
        }
        head.extend_from_slice(b"\r\n");
        Ok(head)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("protocols", &self.protocols.len())
            .field("extensions", &self.extensions)
            .field("headers", &self.fields)
            .finish()
    }
}

/// The reason why a [`Request`] cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// This subprotocol is offered twice (RFC 6455 §4.1, item 10).
    DuplicateProtocol(String),
    /// The name of a header is not a token (RFC 9110 §5.1).
    InvalidHeaderName(String),
    /// The value of this header has CR, LF, NUL or another control byte (RFC 9110 §5.5).
    InvalidHeaderValue(HeaderName),
    /// This subprotocol is not a token (RFC 6455 §4.1, item 10).
    InvalidProtocol(String),
    /// This header is reserved for the handshake or for message framing.
    ReservedHeader(HeaderName),
}

impl From<FieldFault> for RequestError {
    fn from(fault: FieldFault) -> Self {
        match fault {
            FieldFault::InvalidName(name) => Self::InvalidHeaderName(name),
            FieldFault::InvalidValue(name) => Self::InvalidHeaderValue(name),
            FieldFault::Reserved(name) => Self::ReservedHeader(name),
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateProtocol(name) => {
                write!(
                    f,
                    "the subprotocol {name:?} is offered twice; offer each once"
                )
            }
            Self::InvalidHeaderName(name) => fields::write_invalid_name(f, name),
            Self::InvalidHeaderValue(name) => fields::write_invalid_value(f, name),
            Self::InvalidProtocol(name) => write!(
                f,
                "{name:?} is not a subprotocol; use letters, digits, '.' and '-', without spaces"
            ),
            Self::ReservedHeader(name) => write!(
                f,
                "the header {name} is reserved for the handshake; remove it, or set it through the \
                 URL, a subprotocol or an extension"
            ),
        }
    }
}

impl std::error::Error for RequestError {}
