//! A request that may be an opening request, or any other request of HTTP/1.

use std::fmt;

use http::header::HOST;
use http::{Method, Request, Version};

use crate::head::{Head, HttpVersion, NamesOf, RequestLine};
use crate::reject_reason::RejectReason;
use crate::rejection::Rejection;
use crate::server_rules::ServerRules;
use crate::upgrade_request::{
    UpgradeRequest, check_authority, check_host, parse_headers, parse_target,
};

/// A request that [`ServerHandshake::receive_any`](crate::ServerHandshake::receive_any) has read.
///
/// `Debug` of a plain request shows the method, the path and the names of the headers. The query
/// and the header values are omitted, because clients pass credentials in both.
pub enum AnyRequest {
    /// A valid opening request.
    Upgrade(UpgradeRequest),
    /// A request that does not ask for a WebSocket, such as a health check. Its version is HTTP/1.1
    /// or HTTP/1.0. Answer it with [`encode_response`](crate::encode_response), and then end the
    /// connection. Its body, if it has one, was not read.
    Plain(Request<()>),
}

impl AnyRequest {
    /// Checks a complete head. A head of HTTP/1.1 whose `Upgrade` lists `websocket` must be an
    /// opening request. `Upgrade` has no meaning in HTTP/1.0 (RFC 9110 §7.8).
    pub(crate) fn from_head(head: &Head<'_>, rules: &ServerRules) -> Result<Self, Rejection> {
        let line = RequestLine::parse_any(head.start_line)
            .map_err(|fault| Rejection::new(fault.into()))?;
        let headers = parse_headers(&line, head)?;
        let is_old = line.version == HttpVersion::Http10;
        if !is_old && UpgradeRequest::is_asked_for(&headers) {
            return UpgradeRequest::from_parts(&line, headers, rules).map(Self::Upgrade);
        }
        let reject = |reason| Rejection::for_method(reason, line.method);
        let uri = parse_target(line.target).map_err(reject)?;
        // HTTP/1.0 does not require `Host`, and health checks omit it.
        if is_old && !headers.contains_key(HOST) {
            check_authority(&uri).map_err(reject)?;
        } else {
            check_host(&uri, &headers).map_err(reject)?;
        }
        let method = Method::from_bytes(line.method)
            .ok()
            .filter(|method| method != Method::CONNECT)
            .ok_or_else(|| reject(RejectReason::MethodNotGet))?;
        let mut request = Request::new(());
        *request.method_mut() = method;
        *request.version_mut() = match line.version {
            HttpVersion::Http10 => Version::HTTP_10,
            HttpVersion::Http11 | HttpVersion::Other => Version::HTTP_11,
        };
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(Self::Plain(request))
    }
}

impl fmt::Debug for AnyRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upgrade(request) => f.debug_tuple("Upgrade").field(request).finish(),
            Self::Plain(request) => f
                .debug_struct("Plain")
                .field("method", request.method())
                .field("path", &request.uri().path())
                .field("headers", &NamesOf(request.headers()))
                .finish_non_exhaustive(),
        }
    }
}
