//! A valid opening request, and the checks that a request must pass.

use std::fmt;

use http::header::{
    CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderValue, ORIGIN, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
};
use http::{Method, Uri, Version};

use crate::accept_key::{accept_value, is_valid_key};
use crate::answer::{Accepted, Answer, AnswerError};
use crate::extension::Extension;
use crate::field_lines::{OddLines, parse_fields};
use crate::head::{Head, HttpVersion, NamesOf, RequestLine, hide_credentials};
use crate::head_error::HeadError;
use crate::host::HostPort;
use crate::origin::is_same_server;
use crate::protocol;
use crate::reject_reason::RejectReason;
use crate::rejection::{Rejection, encode_rejection};
use crate::server_rules::{KeyRule, ServerRules};
use crate::token::{lists_token, single};

/// A valid opening request (RFC 6455 §4.2.1), which the application accepts or rejects.
///
/// [`ServerHandshake::receive`](crate::ServerHandshake::receive) and
/// [`UpgradeRequest::from_request`] return a valid request. Then the application calls
/// [`UpgradeRequest::accept`] or [`UpgradeRequest::reject`]. There is no callback, so the
/// application may take any time and await anything before this call.
///
/// ```
/// use ws_handshake::{Answer, OriginPolicy, Request, ServerHandshake, Target};
///
/// let target = Target::parse("ws://example.com/rooms/7")?;
/// let client = Request::new().protocol("chat").build(&target, *b"the sample nonce")?;
/// let mut server = ServerHandshake::new(OriginPolicy::default());
/// let offer = server.receive(client.request())?.done.expect("a complete request");
///
/// let response = if offer.path() == "/rooms/7" && offer.protocols().any(|name| name == "chat") {
///     offer.accept(Answer::new().protocol("chat"))?.encode()
/// } else {
///     let mut response = http::Response::new(b"no such room\n".to_vec());
///     *response.status_mut() = http::StatusCode::NOT_FOUND;
///     offer.reject(response)
/// };
/// assert!(response.starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// `Debug` shows the path and the names of the headers. The query, the subprotocols and the header
/// values are omitted, because clients pass credentials in all three.
#[derive(Clone)]
pub struct UpgradeRequest {
    uri: Uri,
    headers: HeaderMap,
    /// The authority of an absolute request target, or else the value of the `Host` header.
    host: String,
    extensions: Vec<Extension>,
    /// The value of `Sec-WebSocket-Accept` for the key of this request. A CONNECT has no key.
    accept: Option<HeaderValue>,
}

impl UpgradeRequest {
    /// Checks a request that another HTTP stack has parsed, for example hyper or axum.
    ///
    /// After [`UpgradeRequest::accept`], send [`Accepted::response`] and take over the connection.
    /// After an error, send [`Rejection::response`].
    ///
    /// `rules` are [`ServerRules`], or only an [`OriginPolicy`](crate::OriginPolicy).
    ///
    /// A fragment in the request target is not an error here, because `http::Uri` drops fragments.
    ///
    /// ```
    /// use ws_handshake::{Answer, OriginPolicy, UpgradeRequest};
    ///
    /// let request = http::Request::get("/chat")
    ///     .header("Host", "example.com")
    ///     .header("Upgrade", "websocket")
    ///     .header("Connection", "Upgrade")
    ///     .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
    ///     .header("Sec-WebSocket-Version", "13")
    ///     .body(())?;
    /// let offer = UpgradeRequest::from_request(&request, OriginPolicy::default())?;
    /// let (response, _agreed) = offer.accept(Answer::new())?.into_parts();
    /// assert_eq!(response.status(), 101);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Rejection`] for the rule that the request breaks.
    pub fn from_request<B>(
        request: &http::Request<B>,
        rules: impl Into<ServerRules>,
    ) -> Result<Self, Rejection> {
        let method = request.method();
        let reject = |reason| Rejection::for_method(reason, method.as_str().as_bytes());
        if request.version() != Version::HTTP_11 {
            return Err(reject(HeadError::UnsupportedHttpVersion.into()));
        }
        if method != Method::GET {
            return Err(reject(RejectReason::MethodNotGet));
        }
        let mut headers = request.headers().clone();
        hide_credentials(&mut headers);
        Self::check(request.uri().clone(), headers, &rules.into()).map_err(reject)
    }

    /// Checks an extended CONNECT request of HTTP/2 (RFC 8441 §5), which another HTTP stack has
    /// parsed. `protocol` is the pseudo-header `:protocol`, if the request has one.
    ///
    /// The rules are those of [`from_request`](Self::from_request), but a CONNECT has neither a key
    /// nor `Upgrade` and `Connection`. The origin is compared with `:authority`. After
    /// [`UpgradeRequest::accept`], send [`Accepted::response`], which has status 200, and exchange
    /// frames in DATA of the same stream.
    ///
    /// ```
    /// use http::{Method, Version};
    /// use ws_handshake::{Answer, OriginPolicy, UpgradeRequest};
    ///
    /// let request = http::Request::builder()
    ///     .method(Method::CONNECT)
    ///     .uri("https://example.com/chat")
    ///     .version(Version::HTTP_2)
    ///     .header("Sec-WebSocket-Version", "13")
    ///     .body(())?;
    /// let rules = OriginPolicy::default();
    /// let offer = UpgradeRequest::from_connect(&request, Some("websocket"), rules)?;
    /// let (response, _agreed) = offer.accept(Answer::new())?.into_parts();
    /// assert_eq!(response.status(), 200);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Rejection`] for the rule that the request breaks.
    pub fn from_connect<B>(
        request: &http::Request<B>,
        protocol: Option<&str>,
        rules: impl Into<ServerRules>,
    ) -> Result<Self, Rejection> {
        if request.version() < Version::HTTP_2 {
            return Err(Rejection::for_connect(
                HeadError::UnsupportedHttpVersion.into(),
            ));
        }
        let mut headers = request.headers().clone();
        hide_credentials(&mut headers);
        let (method, uri) = (request.method(), request.uri().clone());
        Self::check_connect(method, protocol, uri, headers, &rules.into())
            .map_err(Rejection::for_connect)
    }

    /// Returns `true` if `Upgrade` lists `websocket`: the client asks for a WebSocket, but the
    /// request may break other rules.
    pub fn is_asked_for(headers: &HeaderMap) -> bool {
        lists_token(headers.get_all(UPGRADE), "websocket")
    }

    /// Checks a complete head.
    pub(crate) fn from_head(head: &Head<'_>, rules: &ServerRules) -> Result<Self, Rejection> {
        let line =
            RequestLine::parse(head.start_line).map_err(|fault| Rejection::new(fault.into()))?;
        let headers = parse_headers(&line, head)?;
        Self::from_parts(&line, headers, rules)
    }

    /// Checks a parsed head.
    pub(crate) fn from_parts(
        line: &RequestLine<'_>,
        headers: HeaderMap,
        rules: &ServerRules,
    ) -> Result<Self, Rejection> {
        let reject = |reason| Rejection::for_method(reason, line.method);
        if line.version != HttpVersion::Http11 {
            return Err(reject(HeadError::UnsupportedHttpVersion.into()));
        }
        if line.method != b"GET" {
            return Err(reject(RejectReason::MethodNotGet));
        }
        let uri = parse_target(line.target).map_err(reject)?;
        Self::check(uri, headers, rules).map_err(reject)
    }

    /// Checks the request target and the header fields.
    ///
    /// The host and the framing are checked first, then the request for a WebSocket, then its
    /// parameters. This order helps the author of a client, who fixes one error after the other.
    fn check(uri: Uri, headers: HeaderMap, rules: &ServerRules) -> Result<Self, RejectReason> {
        let host = check_host(&uri, &headers)?;
        check_no_body(&headers)?;
        if !Self::is_asked_for(&headers) {
            return Err(RejectReason::UpgradeNotWebSocket);
        }
        if !lists_token(headers.get_all(CONNECTION), "upgrade") {
            return Err(RejectReason::ConnectionWithoutUpgrade);
        }
        check_version(&headers)?;
        let accept = check_key(&headers, rules.keys)?;
        Self::check_offers(uri, headers, host, Some(accept), rules)
    }

    /// Checks the pseudo-headers and the header fields of a CONNECT.
    fn check_connect(
        method: &Method,
        protocol: Option<&str>,
        uri: Uri,
        headers: HeaderMap,
        rules: &ServerRules,
    ) -> Result<Self, RejectReason> {
        if method != Method::CONNECT {
            return Err(RejectReason::MethodNotConnect);
        }
        if !protocol.is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket")) {
            return Err(RejectReason::ProtocolNotWebSocket);
        }
        let host = match check_authority(&uri)? {
            Some(authority) => {
                check_other_hosts(&uri, authority, &headers)?;
                authority.to_owned()
            }
            None => check_host(&uri, &headers)?,
        };
        check_no_body(&headers)?;
        check_version(&headers)?;
        Self::check_offers(uri, headers, host, None, rules)
    }

    /// Checks the origin and the offers, by the same rules for each version of HTTP.
    fn check_offers(
        uri: Uri,
        headers: HeaderMap,
        host: String,
        accept: Option<HeaderValue>,
        rules: &ServerRules,
    ) -> Result<Self, RejectReason> {
        check_origin(&headers, &host, &rules.origins)?;
        protocol::check(&headers)?;
        // RFC 6455 §9.1 fails the connection if the list does not follow the grammar. A client that
        // offers a malformed extension would then never connect. A server that agrees to nothing
        // reads the frames as any client without extensions sends them.
        let extensions = Extension::parse_lines(&headers).unwrap_or_default();
        Ok(Self {
            uri,
            headers,
            host,
            extensions,
            accept,
        })
    }

    /// Returns the request target.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Returns the path of the request target. The path begins with a slash, and is still
    /// percent-encoded.
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// Returns the query of the request target, without the question mark.
    pub fn query(&self) -> Option<&str> {
        self.uri.query()
    }

    /// Returns the authority to which the request was sent: `host[:port]`, as the client wrote it.
    ///
    /// This is the value of the `Host` header, or the authority of an absolute request target. The
    /// target takes precedence (RFC 9112 §3.2.2).
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns all header fields.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the value of the `Origin` header (RFC 6455 §10.2). The policy has accepted this
    /// origin.
    pub fn origin(&self) -> Option<&str> {
        self.headers
            .get(ORIGIN)
            .and_then(|origin| origin.to_str().ok())
    }

    /// Returns the offered subprotocols in the client's order of preference (RFC 6455 §4.1, item
    /// 10).
    pub fn protocols(&self) -> impl Iterator<Item = &str> {
        protocol::names(&self.headers)
    }

    /// Returns the offered extensions in the client's order of preference (RFC 6455 §9.1). A name
    /// may occur several times with different parameters.
    ///
    /// If `Sec-WebSocket-Extensions` does not follow the grammar, no extension is offered.
    pub fn extensions(&self) -> &[Extension] {
        &self.extensions
    }

    /// Applies another origin policy than that of the rules (RFC 6455 §10.2).
    ///
    /// This is for servers that choose the policy after the other checks. Their rules begin with
    /// [`OriginPolicy::AllowAll`](crate::OriginPolicy::AllowAll).
    ///
    /// # Errors
    ///
    /// [`Rejection`] if the policy does not allow the origin.
    pub fn check_origin(&self, origins: &crate::OriginPolicy) -> Result<(), Rejection> {
        let reject = match self.accept {
            Some(_) => Rejection::new,
            None => Rejection::for_connect,
        };
        check_origin(&self.headers, &self.host, origins).map_err(reject)
    }

    /// Accepts the request. The connection uses only the subprotocol and the extensions that the
    /// answer chooses.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] if the answer does not fit the offers of the client, or has a header that
    /// cannot be sent. The request remains valid: it may be accepted with another answer, or
    /// rejected.
    pub fn accept(&self, answer: Answer) -> Result<Accepted, AnswerError> {
        answer.accept(self, self.accept.as_ref())
    }

    /// Rejects the request. Returns the complete response, encoded by [`encode_rejection`].
    pub fn reject(&self, response: http::Response<Vec<u8>>) -> Vec<u8> {
        encode_rejection(&response)
    }
}

impl fmt::Debug for UpgradeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpgradeRequest")
            .field("path", &self.path())
            .field("host", &self.host)
            .field("origin", &self.origin())
            .field("extensions", &self.extensions)
            .field("headers", &NamesOf(&self.headers))
            .finish_non_exhaustive()
    }
}

/// Parses the header fields of a request.
pub(crate) fn parse_headers(
    line: &RequestLine<'_>,
    head: &Head<'_>,
) -> Result<HeaderMap, Rejection> {
    let headers = parse_fields(head, OddLines::Rejected);
    headers.map_err(|fault| Rejection::for_method(fault.into(), line.method))
}

/// Parses a request target.
pub(crate) fn parse_target(target: &[u8]) -> Result<Uri, RejectReason> {
    if target.contains(&b'#') {
        return Err(RejectReason::FragmentInTarget);
    }
    Uri::try_from(target).map_err(|_| RejectReason::InvalidTarget)
}

/// Checks the request target and the `Host` header, and returns the authority of the request (RFC
/// 6455 §4.2.1, items 1 and 2; RFC 9112 §3.2).
pub(crate) fn check_host(uri: &Uri, headers: &HeaderMap) -> Result<String, RejectReason> {
    let of_target = check_authority(uri)?;
    let (missing, duplicate) = (RejectReason::MissingHost, RejectReason::DuplicateHost);
    let of_header = std::str::from_utf8(single(headers, &HOST, missing, duplicate)?)
        .map_err(|_| RejectReason::InvalidHost)?;
    HostPort::parse(of_header).map_err(|_| RejectReason::InvalidHost)?;
    Ok(of_target.unwrap_or(of_header).to_owned())
}

/// Checks that a `Host` beside `:authority` names the same server (RFC 9113 §8.3.1).
fn check_other_hosts(uri: &Uri, authority: &str, headers: &HeaderMap) -> Result<(), RejectReason> {
    let scheme = uri.scheme_str().unwrap_or_default();
    let is_same = |host: &HeaderValue| {
        let host = host.to_str();
        host.is_ok_and(|host| is_same_server(scheme, host, authority))
    };
    match headers.get_all(HOST).iter().all(is_same) {
        true => Ok(()),
        false => Err(RejectReason::OtherHost),
    }
}

/// Checks the form of the request target. Returns its authority if it has one (RFC 9112 §3.2).
pub(crate) fn check_authority(uri: &Uri) -> Result<Option<&str>, RejectReason> {
    let authority = match (uri.scheme_str(), uri.authority()) {
        (None, None) if uri.path().starts_with('/') => return Ok(None),
        (Some("http" | "https"), Some(authority)) => authority.as_str(),
        // The target has authority-form, asterisk-form, or another scheme.
        _ => return Err(RejectReason::InvalidTarget),
    };
    HostPort::parse(authority).map_err(|_| RejectReason::InvalidTarget)?;
    Ok(Some(authority))
}

/// Rejects fields that announce a body (RFC 9112 §6.3 and §11.2). The bytes after the head are
/// frames, and an intermediary must not read these frames as a body.
fn check_no_body(headers: &HeaderMap) -> Result<(), RejectReason> {
    if headers.contains_key(TRANSFER_ENCODING) {
        return Err(RejectReason::TransferEncoding);
    }
    if !headers.contains_key(CONTENT_LENGTH) {
        return Ok(());
    }
    let reason = RejectReason::ContentLength;
    let length = single(headers, &CONTENT_LENGTH, reason, reason)?;
    let is_zero = !length.is_empty() && length.iter().all(|digit| *digit == b'0');
    if is_zero { Ok(()) } else { Err(reason) }
}

/// Checks that the request has one `Sec-WebSocket-Version`, with exactly the value `13` (RFC 6455
/// §4.2.1, item 6, and the grammar of §4.3).
fn check_version(headers: &HeaderMap) -> Result<(), RejectReason> {
    let (missing, duplicate) = (RejectReason::MissingVersion, RejectReason::DuplicateVersion);
    match single(headers, &SEC_WEBSOCKET_VERSION, missing, duplicate)? {
        b"13" => Ok(()),
        _ => Err(RejectReason::UnsupportedVersion),
    }
}

/// Checks the key (RFC 6455 §4.2.1, item 5), and returns the value of `Sec-WebSocket-Accept` for
/// this key.
fn check_key(headers: &HeaderMap, rule: KeyRule) -> Result<HeaderValue, RejectReason> {
    let (missing, duplicate) = (RejectReason::MissingKey, RejectReason::DuplicateKey);
    let key = single(headers, &SEC_WEBSOCKET_KEY, missing, duplicate)?;
    if !is_valid_key(key, rule) {
        return Err(RejectReason::InvalidKey);
    }
    Ok(accept_value(key))
}

/// Applies the origin policy (RFC 6455 §4.2.2, item 4, and §10.2).
fn check_origin(
    headers: &HeaderMap,
    host: &str,
    origins: &crate::OriginPolicy,
) -> Result<(), RejectReason> {
    let mut lines = headers.get_all(ORIGIN).into_iter();
    let Some(origin) = lines.next() else {
        return Ok(());
    };
    if lines.next().is_some() {
        return Err(RejectReason::DuplicateOrigin);
    }
    let origin = origin.to_str().map_err(|_| RejectReason::InvalidOrigin)?;
    if !origins.allows(origin, host) {
        return Err(RejectReason::ForeignOrigin);
    }
    Ok(())
}
