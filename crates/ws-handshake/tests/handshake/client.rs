//! The request of a client, and the responses that the client accepts (RFC 6455 §4.1).

use ws_handshake::{
    ClientError, Extension, HeadError, MAX_HEAD_LEN, Request, RequestError, Target,
};

use crate::common::{ACCEPT, HeadText, NONCE, client, connect, established, target};

/// Asserts that a complete response fails with the error that `Debug` shows as `name`.
#[track_caller]
fn fails(head: &HeadText, name: &str) {
    fails_with(&Request::new(), head, name);
}

#[track_caller]
fn fails_with(request: &Request, head: &HeadText, name: &str) {
    let error = client(request)
        .receive(&head.bytes())
        .expect_err("the response must fail");
    assert_eq!(format!("{error:?}"), name);
    assert!(error.refusal().is_none());
}

fn request_to(url: &str, request: &Request) -> String {
    let handshake = request.build(&Target::parse(url).unwrap(), NONCE).unwrap();
    String::from_utf8(handshake.request().to_vec()).unwrap()
}

#[test]
fn the_request_has_every_required_header_once_and_host_first() {
    assert_eq!(
        request_to("ws://example.com:9001/a/b?c=d", &Request::new()),
        "GET /a/b?c=d HTTP/1.1\r\nHost: example.com:9001\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Version: 13\r\n\r\n"
    );
    let text = request_to("wss://[::1]:443", &Request::new());
    assert!(
        text.starts_with("GET / HTTP/1.1\r\nHost: [::1]\r\n"),
        "{text}"
    );
}

#[test]
fn offers_and_headers_keep_their_order() {
    let request = Request::new()
        .header("X-B", "1")
        .protocol("chat.v2")
        .protocol("chat.v1")
        .extension(Extension::new("x").unwrap().param("p", None).unwrap())
        .extension(Extension::new("x").unwrap())
        .origin("https://example.com")
        .header("x-A", &b"caf\xe9"[..])
        .header(
            http::header::USER_AGENT,
            http::HeaderValue::from_static("me"),
        )
        .header(String::from("X-Text"), String::from("caf\u{e9}"));
    let bytes = request.build(&target(), NONCE).unwrap().request().to_vec();
    let expected: &[u8] = b"\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Protocol: chat.v2, chat.v1\r\nSec-WebSocket-Extensions: x; p, x\r\n\
        X-B: 1\r\nOrigin: https://example.com\r\nx-A: caf\xe9\r\nuser-agent: me\r\n\
        X-Text: caf\xc3\xa9\r\n\r\n";
    assert!(bytes.ends_with(expected), "{}", bytes.escape_ascii());
}

#[test]
fn a_header_map_is_sent_with_repeated_headers() {
    let mut headers = http::HeaderMap::new();
    headers.append("cookie", http::HeaderValue::from_static("a=1"));
    headers.append("cookie", http::HeaderValue::from_static("b=2"));
    let request = Request::new().header("X-A", "1").headers(headers);
    let bytes = request.build(&target(), NONCE).unwrap().request().to_vec();
    let expected: &[u8] = b"\r\nX-A: 1\r\ncookie: a=1\r\ncookie: b=2\r\n\r\n";
    assert!(bytes.ends_with(expected), "{}", bytes.escape_ascii());
    let mut reserved = http::HeaderMap::new();
    reserved.insert("host", http::HeaderValue::from_static("other.example"));
    assert_eq!(
        Request::new()
            .headers(reserved)
            .build(&target(), NONCE)
            .unwrap_err(),
        RequestError::ReservedHeader(http::header::HOST)
    );
}

#[test]
fn different_nonces_make_different_keys() {
    let key = |nonce| {
        Request::new()
            .build(&target(), nonce)
            .unwrap()
            .request()
            .to_vec()
    };
    assert_ne!(key([0; 16]), key([1; 16]));
}

#[test]
fn headers_and_subprotocols_that_cannot_be_sent_are_reported() {
    let error = |request: Request| request.build(&target(), NONCE).unwrap_err();
    for name in [
        "Host",
        "connection",
        "Upgrade",
        "Content-Length",
        "Transfer-Encoding",
        "TE",
    ] {
        let reserved = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
        let result = error(Request::new().header(name, "x"));
        assert_eq!(result, RequestError::ReservedHeader(reserved));
        assert!(
            result.to_string().contains(&name.to_lowercase()),
            "{result}"
        );
    }
    let name = http::HeaderName::from_static("x-token");
    for value in ["a\r\nHost: b", "a\rb", "a\nb", "a\0b"] {
        let result = error(Request::new().header("X-Token", value));
        assert_eq!(result, RequestError::InvalidHeaderValue(name.clone()));
    }
    assert_eq!(
        error(Request::new().origin("https://a\r\n")),
        RequestError::InvalidHeaderValue(http::header::ORIGIN)
    );
    for name in ["", "a b", "a:", "a\r\n"] {
        let result = error(Request::new().header(name, "x"));
        assert_eq!(result, RequestError::InvalidHeaderName(name.into()));
    }
    for name in ["", "a b", "a,b", "a\r\nb"] {
        let result = error(Request::new().protocol(name));
        assert_eq!(result, RequestError::InvalidProtocol(name.into()));
    }
    let doubled = Request::new().protocol("a").protocol("A").protocol("a");
    assert_eq!(error(doubled), RequestError::DuplicateProtocol("a".into()));
}

#[test]
fn debug_shows_no_credentials() {
    let request = Request::new()
        .header("X-Token", "hidden")
        .protocol("hidden");
    let url = Target::parse("ws://h/?hidden").unwrap();
    let handshake = request.build(&url, NONCE).unwrap();
    let shown = format!("{request:?} {handshake:?} {url:?}");
    assert!(
        shown.contains("X-Token") && !shown.contains("hidden"),
        "{shown}"
    );
}

#[test]
fn the_sample_response_of_the_rfc_is_accepted() {
    let established = established(&Request::new(), &HeadText::response().with("X-Node: 7"));
    assert_eq!(established.response().status(), 101);
    assert_eq!(established.response().headers()["x-node"], "7");
    let (response, agreed) = established.into_parts();
    assert_eq!(response.version(), http::Version::HTTP_11);
    assert_eq!((agreed.protocol(), agreed.extensions().len()), (None, 0));
}

#[test]
fn any_case_lists_and_white_space_are_accepted() {
    let head = HeadText::response()
        .without("Upgrade")
        .with("UpGrAdE: WebSocket")
        .set("Connection", "keep-alive, UPGRADE")
        .set("Sec-WebSocket-Accept", &format!(" \t{ACCEPT}\t "))
        .start("HTTP/1.1 101");
    established(&Request::new(), &head);
}

#[test]
fn the_accept_value_must_match_exactly() {
    let other = |value: &str| HeadText::response().set("Sec-WebSocket-Accept", value);
    fails(&other("s3pPLMBiTxaQ9kYGzzhZRbK+xOp="), "WrongAccept");
    fails(&other(&ACCEPT.to_lowercase()), "WrongAccept");
    fails(&other(&ACCEPT.to_uppercase()), "WrongAccept");
    fails(&other(ACCEPT.trim_end_matches('=')), "WrongAccept");
    fails(&other(&format!("\"{ACCEPT}\"")), "WrongAccept");
    fails(&other(&format!("{ACCEPT}, {ACCEPT}")), "WrongAccept");
    fails(&other(""), "WrongAccept");
    fails(
        &HeadText::response().without("Sec-WebSocket-Accept"),
        "MissingAccept",
    );
    let doubled = HeadText::response().with(format!("sec-websocket-accept: {ACCEPT}"));
    fails(&doubled, "DuplicateAccept");
}

#[test]
fn an_error_is_returned_again_for_later_input() {
    let wrong = HeadText::response()
        .set("Sec-WebSocket-Accept", "x")
        .bytes();
    for (bytes, name) in [
        (&wrong[..], "WrongAccept"),
        (b"HTTP/1.1 101 x\n", "Head(BareLineFeed)"),
    ] {
        let mut handshake = client(&Request::new());
        assert_eq!(format!("{:?}", handshake.receive(bytes).unwrap_err()), name);
        let later = handshake
            .receive(&HeadText::response().bytes())
            .unwrap_err();
        assert_eq!(
            format!("{later:?} {:?}", handshake.end_of_input()),
            format!("{name} {name}")
        );
    }
}

#[test]
fn upgrade_and_connection_tokens_are_required() {
    fails(
        &HeadText::response().without("Upgrade"),
        "UpgradeNotWebSocket",
    );
    for value in ["foo", "websocketx", ""] {
        fails(
            &HeadText::response().set("Upgrade", value),
            "UpgradeNotWebSocket",
        );
    }
    fails(
        &HeadText::response().without("Connection"),
        "ConnectionWithoutUpgrade",
    );
    for value in ["keep-alive", "upgraded", "close"] {
        fails(
            &HeadText::response().set("Connection", value),
            "ConnectionWithoutUpgrade",
        );
    }
}

#[test]
fn interim_responses_are_skipped() {
    let mut bytes =
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nA: b\r\n\r\n".to_vec();
    bytes.extend_from_slice(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    bytes.extend_from_slice(&HeadText::response().bytes());
    let length = bytes.len();
    bytes.extend_from_slice(b"\x81\x00");
    let progress = connect(&bytes).unwrap();
    assert_eq!(progress.consumed, length);
    let established = progress.done.unwrap();
    assert!(!established.response().headers().contains_key("link"));
}

#[test]
fn all_heads_of_a_response_share_one_limit() {
    let interim = b"HTTP/1.1 103 Early Hints\r\n\r\n";
    let response = HeadText::response().bytes();
    let fitting = (MAX_HEAD_LEN - response.len()) / interim.len();
    let bytes = |count| [&interim.repeat(count)[..], &response].concat();
    assert!(connect(&bytes(fitting)).unwrap().done.is_some());
    assert!(matches!(
        connect(&bytes(fitting + 1)),
        Err(ClientError::Head(HeadError::HeadTooLong))
    ));
    // The response has only interim heads, and no final head.
    let endless = interim.repeat(MAX_HEAD_LEN);
    assert!(matches!(
        connect(&endless),
        Err(ClientError::Head(HeadError::HeadTooLong))
    ));
}

#[test]
fn switching_protocols_needs_http_1_1() {
    let head = HeadText::response();
    fails(
        &head.clone().start("HTTP/1.0 101 Switching Protocols"),
        "Head(UnsupportedHttpVersion)",
    );
    fails(
        &head.clone().start("HTTP/2.0 101 Switching Protocols"),
        "Head(UnsupportedHttpVersion)",
    );
    fails(
        &head.start("HTTP/1.0 100 Continue"),
        "Head(UnsupportedHttpVersion)",
    );
}

#[test]
fn the_chosen_protocol_is_one_of_those_offered() {
    let request = Request::new().protocol("a").protocol("B");
    let chosen =
        |value: &str| HeadText::response().with(format!("Sec-WebSocket-Protocol: {value}"));
    assert_eq!(
        established(&request, &chosen("B ")).agreed().protocol(),
        Some("B")
    );
    assert_eq!(
        established(&request, &HeadText::response())
            .agreed()
            .protocol(),
        None
    );
    for value in ["c", "b", "A", "a;B", "\"a\""] {
        fails_with(&request, &chosen(value), "UnofferedProtocol");
    }
    fails_with(&request, &chosen("a, B"), "DuplicateProtocol");
    fails_with(
        &request,
        &chosen("a").with("Sec-WebSocket-Protocol: a"),
        "DuplicateProtocol",
    );
    fails(&chosen("a"), "UnofferedProtocol");
}

#[test]
fn extensions_must_be_offered_and_occur_once() {
    let request = Request::new()
        .extension(Extension::new("x").unwrap())
        .extension(Extension::new("y").unwrap());
    let used =
        |value: &str| HeadText::response().with(format!("Sec-WebSocket-Extensions: {value}"));
    let established = established(
        &request,
        &used("y; p=1").with("sec-websocket-extensions: x"),
    );
    let agreed: Vec<_> = established
        .agreed()
        .extensions()
        .iter()
        .map(|e| e.to_string())
        .collect();
    assert_eq!(agreed, ["y; p=1", "x"]);
    fails_with(&request, &used("z"), "UnofferedExtension");
    fails_with(&request, &used("x, X"), "UnofferedExtension");
    fails_with(&request, &used("x, x"), "DuplicateExtension");
    fails_with(
        &request,
        &used("x").with("Sec-WebSocket-Extensions: x"),
        "DuplicateExtension",
    );
    for value in [";", "x; p=", "x; =1", "x, y=", "x; p=\""] {
        fails_with(&request, &used(value), "InvalidExtensions");
    }
    fails(&used("permessage-deflate"), "UnofferedExtension");
}

/// RFC 9110 §5.6.1.2 and §5.6.6: empty elements and empty parameters have no meaning.
#[test]
fn empty_parts_of_lists_have_no_meaning() {
    let request = Request::new()
        .protocol("a")
        .extension(Extension::new("x").unwrap());
    for (lines, protocol, extensions) in [
        ("Sec-WebSocket-Protocol:", None, &[][..]),
        (
            "Sec-WebSocket-Protocol: ,\r\nSec-WebSocket-Protocol:",
            None,
            &[],
        ),
        ("Sec-WebSocket-Protocol: a,", Some("a"), &[]),
        ("Sec-WebSocket-Extensions:", None, &[]),
        (
            "Sec-WebSocket-Extensions: ,,\r\nSec-WebSocket-Extensions:",
            None,
            &[],
        ),
        ("Sec-WebSocket-Extensions: x;", None, &["x"]),
        ("Sec-WebSocket-Extensions: ,x; ; p ;", None, &["x; p"]),
    ] {
        let established = established(&request, &HeadText::response().with(lines));
        let agreed = established.agreed();
        let shown: Vec<_> = agreed.extensions().iter().map(|e| e.to_string()).collect();
        assert_eq!(
            (agreed.protocol(), shown),
            (protocol, extensions.iter().map(|e| e.to_string()).collect()),
            "{lines}"
        );
    }
}

#[test]
fn bytes_after_the_head_are_never_a_body() {
    for line in ["Content-Length: 10", "Transfer-Encoding: chunked", "X: y"] {
        let head = HeadText::response().with(line).bytes();
        let mut handshake = client(&Request::new());
        let progress = handshake
            .receive(&[&head[..], b"\x81\x02hi"].concat())
            .unwrap();
        assert_eq!(progress.consumed, head.len());
        assert!(progress.done.is_some());
        assert_eq!(handshake.receive(b"\x81\x00").unwrap().consumed, 0);
    }
}

#[test]
fn the_end_of_the_stream_is_an_error() {
    let after = |bytes: &[u8]| {
        let mut handshake = client(&Request::new());
        assert!(handshake.receive(bytes).unwrap().done.is_none());
        format!("{:?}", handshake.end_of_input())
    };
    assert_eq!(after(b""), "ConnectionClosed");
    assert_eq!(after(b"HTTP/1.1 101 Sw"), "TruncatedHead");
    let head = HeadText::response().bytes();
    assert_eq!(after(&head[..head.len() - 1]), "TruncatedHead");
}

#[test]
fn heads_are_limited() {
    let long = HeadText::response().with(format!("X: {}", "x".repeat(MAX_HEAD_LEN)));
    fails(&long, "Head(HeadTooLong)");
    fails(
        &HeadText::response().start(format!("HTTP/1.1 101 {}", "x".repeat(1 << 20))),
        "Head(HeadTooLong)",
    );
}

#[test]
fn malformed_heads_fail() {
    for (bytes, name) in [
        (&b"SSH-2.0-OpenSSH"[..], "Head(MalformedStartLine)"),
        (b"\x15\x03\x01", "Head(TlsOnPlainConnection)"),
        (b"\0", "Head(MalformedStartLine)"),
        (b"http/1.1 101 x\r\n", "Head(MalformedStartLine)"),
        (b"HTTP/1.1 1x1 x\r\n", "Head(MalformedStartLine)"),
        (b"HTTP/1.1  101 x\r\n", "Head(MalformedStartLine)"),
        (b"HTTP/1.1 101 x\n", "Head(BareLineFeed)"),
        (b"HTTP/1.1 101 x\rx", "Head(BareCarriageReturn)"),
        (b"HTTP/1.1 101 x\r\nA: b\rc", "Head(BareCarriageReturn)"),
    ] {
        let error = connect(bytes).unwrap_err();
        assert_eq!(format!("{error:?}"), name, "{}", bytes.escape_ascii());
    }
}
