//! Requests that do not ask for a WebSocket, on the port of a WebSocket server.

use http::{Method, Response, Version};
use ws_handshake::{
    AnyRequest, HeadError, OriginPolicy, RejectReason, ServerHandshake, encode_response,
};

use crate::common::{self, HeadText};

/// Passes the bytes to a server, as a whole and byte by byte.
fn receive(bytes: &[u8]) -> Result<AnyRequest, RejectReason> {
    let mut whole = ServerHandshake::new(OriginPolicy::default());
    let whole = whole.receive_any(bytes);
    let mut server = ServerHandshake::new(OriginPolicy::default());
    let pieces = common::feed(bytes.chunks(1), |piece| server.receive_any(piece));
    assert_eq!(format!("{:?}", whole.as_ref().map(|it| &it.done)), {
        let done = pieces.as_ref().map(|(_, done)| done);
        format!("{done:?}")
    });
    let progress = whole.map_err(|rejection| rejection.reason())?;
    Ok(progress.done.expect("a complete head"))
}

fn plain(head: &HeadText) -> http::Request<()> {
    match receive(&head.bytes()) {
        Ok(AnyRequest::Plain(request)) => request,
        other => panic!("{other:?}"),
    }
}

fn get() -> HeadText {
    HeadText::request()
        .without("Upgrade")
        .without("Connection")
        .without("Sec-WebSocket-Key")
        .without("Sec-WebSocket-Version")
}

#[test]
fn a_plain_request_is_returned_with_method_target_and_headers() {
    for method in ["GET", "HEAD", "POST", "PURGE"] {
        let start = format!("{method} /health?full HTTP/1.1");
        let request = plain(&get().start(start).with("X-Probe: 7"));
        assert_eq!(request.method().as_str(), method);
        assert_eq!(request.uri(), "/health?full");
        assert_eq!(request.version(), Version::HTTP_11);
        assert_eq!(request.headers()["x-probe"], "7");
    }
    plain(&get().with("Upgrade: h2c"));
    plain(&get().with("Content-Length: 5"));
    plain(&get().start("GET http://server.example.com/health HTTP/1.1"));
}

#[test]
fn http_1_0_needs_no_host() {
    let request = plain(&get().start("GET /health HTTP/1.0").without("Host"));
    assert_eq!(request.version(), Version::HTTP_10);
    plain(&get().start("GET /health HTTP/1.0"));
}

#[test]
fn an_opening_request_is_still_an_opening_request() {
    let result = receive(&HeadText::request().bytes());
    assert!(matches!(result, Ok(AnyRequest::Upgrade(_))), "{result:?}");
}

#[test]
fn a_request_that_asks_for_a_websocket_must_be_valid() {
    let request = HeadText::request;
    for (head, reason) in [
        (
            request().start("POST / HTTP/1.1"),
            RejectReason::MethodNotGet,
        ),
        (
            request().without("Connection"),
            RejectReason::ConnectionWithoutUpgrade,
        ),
    ] {
        assert_eq!(receive(&head.bytes()).unwrap_err(), reason);
    }
}

/// RFC 9110 §7.8.
#[test]
fn upgrade_has_no_meaning_in_http_1_0() {
    let request = plain(&HeadText::request().start("GET / HTTP/1.0"));
    assert_eq!(request.version(), Version::HTTP_10);
}

#[test]
fn a_malformed_plain_request_is_refused() {
    let version = RejectReason::Head(HeadError::UnsupportedHttpVersion);
    for (head, reason) in [
        (get().without("Host"), RejectReason::MissingHost),
        (get().with("Host: other"), RejectReason::DuplicateHost),
        (get().start("GET / HTTP/2.0"), version),
        (
            get().start("OPTIONS * HTTP/1.1"),
            RejectReason::InvalidTarget,
        ),
        (
            get().start("CONNECT / HTTP/1.1"),
            RejectReason::MethodNotGet,
        ),
        (
            get().without("Host").start("GET ftp://x/ HTTP/1.0"),
            RejectReason::InvalidTarget,
        ),
        (
            get().without("Host").start("GET http://u:p@x/ HTTP/1.0"),
            RejectReason::InvalidTarget,
        ),
        (
            get().without("Host").start("GET http://x:99999/ HTTP/1.0"),
            RejectReason::InvalidTarget,
        ),
        (
            get().start("CONNECT a:80 HTTP/1.1"),
            RejectReason::InvalidTarget,
        ),
        (
            get().start("OPTIONS * HTTP/1.0").without("Host"),
            RejectReason::InvalidTarget,
        ),
        (
            get().start("GET /#a HTTP/1.1"),
            RejectReason::FragmentInTarget,
        ),
    ] {
        assert_eq!(receive(&head.bytes()).unwrap_err(), reason);
    }
}

#[test]
fn debug_shows_neither_the_query_nor_header_values() {
    let head = get()
        .start("GET /a?hidden HTTP/1.1")
        .with("X-Token: hidden");
    let shown = format!("{:?}", receive(&head.bytes()).unwrap());
    assert!(shown.contains("/a") && shown.contains("x-token"), "{shown}");
    assert!(!shown.contains("hidden"), "{shown}");
}

#[test]
fn an_answer_is_complete_and_without_a_body_for_head() {
    let response = Response::new(b"ok\n".to_vec());
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\n";
    let encoded = encode_response(&Method::GET, &response);
    assert_eq!(encoded, format!("{head}ok\n").into_bytes());
    assert_eq!(encode_response(&Method::HEAD, &response), head.as_bytes());
}
