//! The response of a server that does not accept a request.

use std::fmt;

use http::header::{
    ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue,
    SEC_WEBSOCKET_VERSION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, Method, Response, StatusCode};

use crate::fields::write_field;
use crate::reject_reason::RejectReason;

/// The rejection of a request that the protocol or the origin policy does not allow. A `Rejection`
/// contains the complete response.
///
/// The response always ends the connection. A client may send frames before it reads the response.
/// These frames must not be read as another request (RFC 9112 §11.2).
///
/// ```
/// use ws_handshake::{OriginPolicy, RejectReason, ServerHandshake};
///
/// let mut server = ServerHandshake::new(OriginPolicy::default());
/// let rejection = server.receive(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").unwrap_err();
/// assert_eq!(rejection.reason(), RejectReason::UpgradeNotWebSocket);
/// assert!(rejection.encode().starts_with(b"HTTP/1.1 426 Upgrade Required\r\n"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    reason: RejectReason,
    /// `true` for a HEAD request. Its response ends with the head (RFC 9110 §9.3.2).
    head_only: bool,
    /// `true` for a request of HTTP/2, whose responses have no fields about the connection (RFC
    /// 9113 §8.2.2).
    is_http2: bool,
}

impl Rejection {
    pub(crate) fn new(reason: RejectReason) -> Self {
        Self {
            reason,
            head_only: false,
            is_http2: false,
        }
    }

    pub(crate) fn for_method(reason: RejectReason, method: &[u8]) -> Self {
        Self {
            head_only: method == b"HEAD",
            ..Self::new(reason)
        }
    }

    /// Rejects a request of HTTP/2.
    pub(crate) fn for_connect(reason: RejectReason) -> Self {
        Self {
            is_http2: true,
            ..Self::new(reason)
        }
    }

    /// Returns the rule that the request breaks.
    pub fn reason(&self) -> RejectReason {
        self.reason
    }

    /// Returns the status of the response: that of the [reason](RejectReason::status). HTTP/2 has
    /// no status 426, which names an upgrade, and gets 400 instead.
    pub fn status(&self) -> StatusCode {
        match self.reason.status() {
            StatusCode::UPGRADE_REQUIRED if self.is_http2 => StatusCode::BAD_REQUEST,
            status => status,
        }
    }

    /// Returns the response, for an HTTP stack that adds the message framing.
    ///
    /// The body is a short text with the fault and its remedy. The headers are `Connection: close`
    /// and `Content-Type`. Status 405 adds `Allow`. Status 426 adds `Upgrade` and
    /// `Sec-WebSocket-Version` (RFC 6455 §4.4), and `Connection` then also lists `Upgrade`. Over
    /// HTTP/2, there is neither `Connection` nor `Upgrade`.
    pub fn response(&self) -> Response<Vec<u8>> {
        let mut response = Response::new(format!("{}\n", self.reason).into_bytes());
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        if self.status() == StatusCode::METHOD_NOT_ALLOWED {
            let method = if self.is_http2 { "CONNECT" } else { "GET" };
            headers.insert(ALLOW, HeaderValue::from_static(method));
        }
        if !self.is_http2 {
            for (name, value) in connection_fields(self.status()) {
                headers.insert(name, HeaderValue::from_static(value));
            }
        }
        if self.reason.status() == StatusCode::UPGRADE_REQUIRED {
            headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        }
        response
    }

    /// Encodes the complete response of HTTP/1.1: [`Rejection::response`] with a `Content-Length`.
    /// The response to a HEAD request has no body.
    pub fn encode(&self) -> Vec<u8> {
        let response = self.response();
        let body_len = response.body().len();
        let mut out = encode_head(response.status(), response.headers(), body_len);
        if !self.head_only {
            out.extend_from_slice(response.body());
        }
        out
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the opening request is rejected with status {}: {}",
            self.status(),
            self.reason
        )
    }
}

impl std::error::Error for Rejection {}

/// Encodes a complete HTTP/1.1 response that refuses an upgrade and ends the connection.
///
/// The function adds `Connection: close` and `Content-Length`. It drops headers of `response` that
/// could contradict these two: `Connection`, `Content-Length`, `TE`, `Trailer`,
/// `Transfer-Encoding`, `Upgrade`. For status 426, it also adds `Upgrade: websocket` (RFC 9110
/// §15.5.22). If `response` has no `Sec-WebSocket-Version`, it adds the version 13 (RFC 6455 §4.4).
///
/// A `1xx` status, such as 101, cannot refuse an upgrade: the client would wait for another
/// response, or read the body as frames. Status 500 is sent instead. Responses with status 204, 205
/// or 304 are sent without a body, because they cannot have a body (RFC 9110 §6.4.1).
///
/// ```
/// use http::{Response, StatusCode};
///
/// let mut response = Response::new(b"no such room\n".to_vec());
/// *response.status_mut() = StatusCode::NOT_FOUND;
/// let encoded = ws_handshake::encode_rejection(&response);
/// assert!(encoded.starts_with(b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n"));
/// assert!(encoded.ends_with(b"\r\n\r\nno such room\n"));
/// ```
pub fn encode_rejection(response: &Response<Vec<u8>>) -> Vec<u8> {
    encode_response(&Method::GET, response)
}

/// Encodes a complete HTTP/1.1 response that answers a request with `method` and ends the
/// connection, as [`encode_rejection`] does. The response to a HEAD request has no body (RFC 9110
/// §9.3.2).
pub fn encode_response(method: &Method, response: &Response<Vec<u8>>) -> Vec<u8> {
    let status = match response.status() {
        status if status.is_informational() => StatusCode::INTERNAL_SERVER_ERROR,
        status => status,
    };
    let body: &[u8] = match status {
        StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED => &[],
        _ => response.body(),
    };
    let mut out = encode_head(status, response.headers(), body.len());
    if method != Method::HEAD {
        out.extend_from_slice(body);
    }
    out
}

/// Returns the fields `Connection` and `Upgrade`. A response with `Upgrade` must also list
/// `Upgrade` in `Connection` (RFC 9110 §7.8).
fn connection_fields(status: StatusCode) -> &'static [(HeaderName, &'static str)] {
    const CLOSE: &[(HeaderName, &str)] = &[(CONNECTION, "close")];
    const CLOSE_UPGRADE: &[(HeaderName, &str)] =
        &[(CONNECTION, "close, Upgrade"), (UPGRADE, "websocket")];
    if status == StatusCode::UPGRADE_REQUIRED {
        CLOSE_UPGRADE
    } else {
        CLOSE
    }
}

fn encode_head(status: StatusCode, headers: &HeaderMap, body_len: usize) -> Vec<u8> {
    const FRAMING: [HeaderName; 6] = [
        CONNECTION,
        CONTENT_LENGTH,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
        UPGRADE,
    ];
    let reason = status.canonical_reason().unwrap_or_default();
    let mut out = format!("HTTP/1.1 {} {reason}\r\n", status.as_str()).into_bytes();
    for (name, value) in connection_fields(status) {
        write_field(&mut out, name, value.as_bytes());
    }
    if status == StatusCode::UPGRADE_REQUIRED && !headers.contains_key(SEC_WEBSOCKET_VERSION) {
        write_field(&mut out, &SEC_WEBSOCKET_VERSION, b"13");
    }
    for (name, value) in headers.iter().filter(|(name, _)| !FRAMING.contains(name)) {
        write_field(&mut out, name, value.as_bytes());
    }
    // 204 and 304 have no body, and 204 must not have a Content-Length (RFC 9110 §8.6).
    if !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        write_field(&mut out, &CONTENT_LENGTH, body_len.to_string().as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(status: u16, headers: &[(&'static str, &'static str)]) -> String {
        let mut response = Response::new(b"body".to_vec());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        for (name, value) in headers {
            response
                .headers_mut()
                .append(*name, HeaderValue::from_static(value));
        }
        String::from_utf8(encode_rejection(&response)).unwrap()
    }

    #[test]
    fn framing_headers_of_the_caller_are_replaced() {
        let text = encoded(
            403,
            &[
                ("content-length", "99"),
                ("transfer-encoding", "chunked"),
                ("connection", "keep-alive"),
                ("connection", "upgrade"),
                ("upgrade", "websocket"),
                ("trailer", "x"),
                ("x-request-id", "1"),
                ("set-cookie", "a"),
                ("set-cookie", "b"),
            ],
        );
        assert_eq!(
            text,
            "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nx-request-id: 1\r\n\
             set-cookie: a\r\nset-cookie: b\r\nContent-Length: 4\r\n\r\nbody"
        );
    }

    #[test]
    fn informational_statuses_become_500() {
        for status in [100, 101, 103, 199] {
            let text = encoded(status, &[]);
            assert!(
                text.starts_with("HTTP/1.1 500 Internal Server Error\r\n"),
                "{text}"
            );
        }
    }

    #[test]
    fn statuses_without_a_body_are_sent_without_one() {
        assert_eq!(
            encoded(204, &[]),
            "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
        );
        assert_eq!(
            encoded(304, &[]),
            "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n"
        );
        assert_eq!(
            encoded(205, &[]),
            "HTTP/1.1 205 Reset Content\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        );
    }

    #[test]
    fn upgrade_required_names_the_protocol_and_its_version() {
        let text = encoded(426, &[("upgrade", "h2c")]);
        assert!(!text.contains("h2c"), "{text}");
        assert!(
            text.contains("\r\nConnection: close, Upgrade\r\n"),
            "{text}"
        );
        assert!(text.contains("\r\nUpgrade: websocket\r\n"), "{text}");
        assert!(text.contains("\r\nSec-WebSocket-Version: 13\r\n"), "{text}");
    }

    #[test]
    fn a_status_without_a_reason_phrase_is_sent() {
        assert!(encoded(599, &[]).starts_with("HTTP/1.1 599 \r\nConnection: close\r\n"));
    }
}
