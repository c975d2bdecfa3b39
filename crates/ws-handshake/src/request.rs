//! The offers of a client, and the request that contains them.

use std::fmt;

use http::header::{
    AUTHORIZATION, CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{Method, Version};
use ws_proto::DeflateConfig;

use crate::accept_key::{accept_for, encode_nonce};
use crate::authentication::Authentication;
use crate::client::ClientHandshake;
use crate::connect::ConnectHandshake;
use crate::credentials::CredentialsError;
use crate::deflate;
use crate::extension::{self, Extension};
use crate::fields::{self, FieldFault, Fields, write_field, write_line};
use crate::head::hide_credentials;
use crate::head_rules::HeadRules;
use crate::limits::HeadLimits;
use crate::offers::Offers;
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
    authentication: Option<Authentication>,
    head_limits: HeadLimits,
    bare_line_feeds: bool,
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

    /// Adds a header that the servers of redirects may receive, too. The rules are those of
    /// [`header`](Self::header).
    ///
    /// Mark no header that identifies the user. A server chooses the address to which it redirects.
    ///
    /// ```
    /// use ws_handshake::{Request, Target};
    ///
    /// let request = Request::new()
    ///     .header("X-Api-Key", "secret")
    ///     .header_for_any_origin("User-Agent", "example/1.0");
    /// let other = Target::parse("wss://example.org/")?;
    /// let client = request.for_other_origin().build(&other, *b"the sample nonce")?;
    /// let head = String::from_utf8_lossy(client.request());
    /// assert!(head.contains("User-Agent: example/1.0\r\n") && !head.contains("secret"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn header_for_any_origin(
        mut self,
        name: impl AsRef<str>,
        value: impl TryInto<HeaderValue>,
    ) -> Self {
        self.fields.push_for_any_origin(name, value);
        self
    }

    /// Authenticates with a user name and a password (RFC 7617). A later call of this method or of
    /// [`bearer_auth`](Self::bearer_auth) replaces an earlier one.
    ///
    /// Without TLS, everybody on the network path can read the password.
    ///
    /// Without this call, the [credentials of the URL](Target::credentials) are sent.
    ///
    /// ```
    /// use ws_handshake::{Request, Target};
    ///
    /// let target = Target::parse("wss://example.com/")?;
    /// let request = Request::new().basic_auth("Aladdin", "open sesame");
    /// let client = request.build(&target, *b"the sample nonce")?;
    /// let head = String::from_utf8_lossy(client.request());
    /// assert!(head.contains("\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn basic_auth(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.authentication = Some(Authentication::basic(user, password));
        self
    }

    /// Authenticates with a bearer token (RFC 6750 §2.1). A later call of this method or of
    /// [`basic_auth`](Self::basic_auth) replaces an earlier one.
    ///
    /// The token has only visible US-ASCII characters. The RFC allows fewer, but servers issue
    /// tokens with others.
    ///
    /// Without TLS, everybody on the network path can read the token.
    ///
    /// ```
    /// use ws_handshake::{Request, Target};
    ///
    /// let target = Target::parse("wss://example.com/")?;
    /// let client = Request::new().bearer_auth("0123").build(&target, *b"the sample nonce")?;
    /// let head = String::from_utf8_lossy(client.request());
    /// assert!(head.contains("\r\nAuthorization: Bearer 0123\r\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn bearer_auth(mut self, token: impl Into<String>) -> Self {
        self.authentication = Some(Authentication::bearer(token));
        self
    }

    /// Returns the request for a server to which another server has redirected.
    ///
    /// Only headers of [`header_for_any_origin`](Self::header_for_any_origin) are kept. All other
    /// headers and the authentication are removed, because they may be credentials. Subprotocols
    /// and extensions are kept, because they are part of the handshake. Do not follow redirects
    /// with a subprotocol that contains a token.
    #[must_use]
    pub fn for_other_origin(&self) -> Self {
        Self {
            fields: self.fields.for_other_origin(),
            authentication: None,
            ..self.clone()
        }
    }

    /// Adds the `Origin` header. A browser must send it, and other clients may send it (RFC 6455
    /// §4.1, item 8).
    #[must_use]
    pub fn origin(self, origin: impl TryInto<HeaderValue>) -> Self {
        self.header("Origin", origin)
    }

    /// Sets the limits of the response's head. Default: [`HeadLimits::new`].
    #[must_use]
    pub fn head_limits(mut self, limits: HeadLimits) -> Self {
        self.head_limits = limits;
        self
    }

    /// Accepts lines of the response that end with LF without CR (RFC 9112 §2.2). Such a response
    /// is an error by default.
    ///
    /// Some devices send such lines. Do not call this method for a server behind an intermediary:
    /// if the intermediary does not accept such lines, a server that copies input into a header can
    /// be made to send headers that only this client sees.
    #[must_use]
    pub fn allow_bare_line_feeds(mut self) -> Self {
        self.bare_line_feeds = true;
        self
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
            self.offers(),
            HeadRules::response(self.head_limits).with_bare_line_feeds(self.bare_line_feeds),
        ))
    }

    /// Builds the handshake for HTTP/2 (RFC 8441). A CONNECT has no nonce.
    ///
    /// The limits of the response's head are those of the HTTP stack.
    ///
    /// # Errors
    ///
    /// [`RequestError`] if a subprotocol or a header cannot be sent.
    pub fn connect(&self, target: &Target) -> Result<ConnectHandshake, RequestError> {
        self.check_protocols()?;
        let mut request = http::Request::new(());
        *request.method_mut() = Method::CONNECT;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = target.http_uri();
        let headers = request.headers_mut();
        self.each_offer(target, |name, value| {
            headers.append(name, value);
        })?;
        for field in self.fields.checked() {
            let (_, name, value) = field?;
            headers.append(name, value.clone());
        }
        hide_credentials(headers);
        Ok(ConnectHandshake::new(request, self.offers()))
    }

    fn offers(&self) -> Offers {
        Offers {
            protocols: self.protocols.clone(),
            extensions: self.extensions.clone(),
        }
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
        self.each_offer(target, |name, value| {
            write_field(&mut head, &name, value.as_bytes());
        })?;
        for field in self.fields.checked() {
            let (name, _, value) = field?;
            write_line(&mut head, name, value.as_bytes());
        }
        head.extend_from_slice(b"\r\n");
        Ok(head)
    }

    /// Passes the header fields of the offers and of the authentication to `put`. They are the same
    /// for each version of HTTP.
    fn each_offer(
        &self,
        target: &Target,
        mut put: impl FnMut(HeaderName, HeaderValue),
    ) -> Result<(), RequestError> {
        put(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        let mut put_line = |name, line: &str| {
            // Subprotocols and extensions consist of tokens, so a joined line is a valid value.
            if let Ok(value) = HeaderValue::from_str(line) {
                put(name, value);
            }
        };
        if !self.protocols.is_empty() {
            put_line(SEC_WEBSOCKET_PROTOCOL, &self.protocols.join(", "));
        }
        if !self.extensions.is_empty() {
            put_line(SEC_WEBSOCKET_EXTENSIONS, &extension::join(&self.extensions));
        }
        if let Some(value) = self.authorization(target)? {
            put(AUTHORIZATION, value);
        }
        Ok(())
    }

    /// Returns the value of the `Authorization` header, unless the caller has added this header.
    fn authorization(&self, target: &Target) -> Result<Option<HeaderValue>, RequestError> {
        match (&self.authentication, target.credentials()) {
            (Some(_), _) if self.fields.contains(&AUTHORIZATION) => {
                Err(RequestError::DuplicateAuthorization)
            }
            (Some(authentication), _) => authentication.header_value().map(Some),
            (None, Some(credentials)) if !self.fields.contains(&AUTHORIZATION) => {
                Ok(Some(credentials.basic()?))
            }
            (None, _) => Ok(None),
        }
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
    /// The user name or password cannot be sent (RFC 7617 §2).
    Credentials(CredentialsError),
    /// The request has authentication and an `Authorization` header (RFC 9110 §11.6.2).
    DuplicateAuthorization,
    /// This subprotocol is offered twice (RFC 6455 §4.1, item 10).
    DuplicateProtocol(String),
    /// The bearer token is empty, or has a character that is not visible US-ASCII (RFC 6750 §2.1).
    InvalidBearerToken,
    /// The name of a header is not a token (RFC 9110 §5.1).
    InvalidHeaderName(String),
    /// The value of this header has CR, LF, NUL or another control byte (RFC 9110 §5.5).
    InvalidHeaderValue(HeaderName),
    /// This subprotocol is not a token (RFC 6455 §4.1, item 10).
    InvalidProtocol(String),
    /// This header is reserved for the handshake or for message framing.
    ReservedHeader(HeaderName),
}

impl From<CredentialsError> for RequestError {
    fn from(error: CredentialsError) -> Self {
        Self::Credentials(error)
    }
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
            Self::Credentials(error) => error.fmt(f),
            Self::DuplicateAuthorization => f.write_str(
                "the request has authentication and an Authorization header; remove one of them",
            ),
            Self::InvalidBearerToken => f.write_str(
                "the bearer token is empty or has a space, a line end or another character that is \
                 not visible US-ASCII; pass the token alone",
            ),
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
                 URL, a subprotocol, an extension or the URL of the proxy"
            ),
        }
    }
}

impl std::error::Error for RequestError {}
