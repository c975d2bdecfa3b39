//! Heads that are not valid HTTP/1.1, or too long (RFC 9112 §2, §3, §5).

use ws_handshake::{
    HeadError, HeadLimits, MAX_HEAD_LEN, MAX_HEADERS, OriginPolicy, ServerHandshake, ServerRules,
};

use crate::common::{HeadText, assert_rejected, refuse, serve};

#[test]
fn other_versions_of_http_are_rejected() {
    for version in ["HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "HTTP/1.2", "HTTP/3.0"] {
        let head = HeadText::request().start(format!("GET /chat {version}"));
        refuse(&head, HeadError::UnsupportedHttpVersion, 505);
    }
    // The preface of HTTP/2.
    assert_rejected(
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        HeadError::UnsupportedHttpVersion,
        505,
    );
}

#[test]
fn malformed_request_lines_are_rejected() {
    for line in [
        "GET /chat",
        "GET",
        "GET /chat HTTP/1",
        "GET /chat HTTP/11",
        "GET /chat http/1.1",
        "GET /chat HTTP/x.y",
        "GET  /chat HTTP/1.1",
        "GET /chat  HTTP/1.1",
        "GET /chat HTTP/1.1 ",
        " GET /chat HTTP/1.1",
        "GET /a b HTTP/1.1",
        "GET\t/chat\tHTTP/1.1",
        "GET /caf\u{e9} HTTP/1.1",
        "G:T /chat HTTP/1.1",
    ] {
        refuse(
            &HeadText::request().start(line),
            HeadError::MalformedStartLine,
            400,
        );
    }
}

#[test]
fn malformed_header_lines_are_rejected() {
    for (line, error) in [
        (&b"X-Name : a"[..], HeadError::InvalidHeader),
        (b"X-Name\t: a", HeadError::InvalidHeader),
        (b"X-Name", HeadError::InvalidHeader),
        (b": a", HeadError::InvalidHeader),
        (b"X Name: a", HeadError::InvalidHeader),
        (b"X(Name): a", HeadError::InvalidHeader),
        (b"X-N\xe9: a", HeadError::InvalidHeader),
        (b" folded", HeadError::FoldedLine),
        (b"\tfolded", HeadError::FoldedLine),
        (b"X-Name: a\rb", HeadError::BareCarriageReturn),
        (b"X-Name: a\r\r", HeadError::BareCarriageReturn),
        (b"X-Name: a\nHost: b", HeadError::BareLineFeed),
        (b"X-Name: a\0b", HeadError::ControlByte),
        (b"X-Name: a\x7fb", HeadError::ControlByte),
        (b"X-Name: a\x0bb", HeadError::ControlByte),
    ] {
        refuse(&HeadText::request().with(line), error, 400);
    }
}

#[test]
fn white_space_before_the_first_header_is_rejected() {
    let bytes = b"GET / HTTP/1.1\r\n Host: a\r\n\r\n";
    assert_rejected(bytes, HeadError::FoldedLine, 400);
}

#[test]
fn lines_that_end_with_lf_alone_are_rejected() {
    let text = String::from_utf8(HeadText::request().bytes()).unwrap();
    assert_rejected(
        text.replace("\r\n", "\n").as_bytes(),
        HeadError::BareLineFeed,
        400,
    );
    let last_line = text.replace("\r\n\r\n", "\r\n\n");
    assert_rejected(last_line.as_bytes(), HeadError::BareLineFeed, 400);
}

#[test]
fn a_second_leading_empty_line_is_rejected() {
    let bytes = [b"\r\n\r\n", &HeadText::request().bytes()[..]].concat();
    assert_rejected(&bytes, HeadError::MalformedStartLine, 400);
}

#[test]
fn the_limit_of_the_head_is_exact() {
    let head_of = |length: usize| {
        let head = HeadText::request();
        let padding = length - head.clone().with("X: ").bytes().len();
        head.with(format!("X: {}", "x".repeat(padding))).bytes()
    };
    assert!(serve(&head_of(MAX_HEAD_LEN)).unwrap().done.is_some());
    assert_rejected(&head_of(MAX_HEAD_LEN + 1), HeadError::HeadTooLong, 431);
}

#[test]
fn an_endless_head_is_rejected_at_the_limit() {
    let head = HeadText::request()
        .with(format!("X: {}", "x".repeat(1 << 20)))
        .bytes();
    let mut server = ServerHandshake::new(OriginPolicy::default());
    assert!(
        server
            .receive(&head[..MAX_HEAD_LEN - 1])
            .unwrap()
            .done
            .is_none()
    );
    let rejection = server
        .receive(&head[MAX_HEAD_LEN - 1..MAX_HEAD_LEN])
        .unwrap_err();
    assert_eq!(rejection.reason(), HeadError::HeadTooLong.into());
    assert_eq!(server.receive(b"more").unwrap_err(), rejection);
}

#[test]
fn an_endless_request_line_is_rejected_at_the_limit() {
    let line = format!("GET /{}", "x".repeat(1 << 20));
    assert_rejected(line.as_bytes(), HeadError::StartLineTooLong, 414);
}

#[test]
fn the_limit_of_header_lines_is_exact() {
    let head_of = |lines: usize| {
        (5..lines).fold(HeadText::request(), |head, number| {
            head.with(format!("X{number}: v"))
        })
    };
    assert!(serve(&head_of(MAX_HEADERS).bytes()).unwrap().done.is_some());
    refuse(&head_of(MAX_HEADERS + 1), HeadError::TooManyHeaders, 431);
    let same = format!("GET / HTTP/1.1\r\n{}", "a: b\r\n".repeat(10_000));
    assert_rejected(same.as_bytes(), HeadError::TooManyHeaders, 431);
}

#[test]
fn head_limits_can_be_changed() {
    let serve = |limits: HeadLimits, head: &HeadText| {
        let mut server = ServerHandshake::new(ServerRules::new().head_limits(limits));
        let result = server.receive(&head.bytes());
        result
            .map(|progress| progress.done.is_some())
            .map_err(|error| error.reason())
    };
    let limits = HeadLimits::new;
    let lines = (0..200).fold(HeadText::request(), |head, _| head.with("a: b"));
    assert_eq!(
        serve(limits(), &lines),
        Err(HeadError::TooManyHeaders.into())
    );
    assert_eq!(serve(limits().max_lines(205), &lines), Ok(true));
    let fault = Err(HeadError::TooManyHeaders.into());
    assert_eq!(serve(limits().max_lines(204), &lines), fault);
    let long = HeadText::request().with(format!("X: {}", "x".repeat(MAX_HEAD_LEN)));
    let len = long.bytes().len();
    assert_eq!(serve(limits(), &long), Err(HeadError::HeadTooLong.into()));
    assert_eq!(serve(limits().max_len(len), &long), Ok(true));
    let fault = Err(HeadError::HeadTooLong.into());
    assert_eq!(serve(limits().max_len(len - 1), &long), fault);
    let fault = Err(HeadError::StartLineTooLong.into());
    assert_eq!(serve(limits().max_len(0), &long), fault);
}

#[test]
fn bytes_that_are_not_http_are_rejected_before_the_head_is_complete() {
    for (bytes, error) in [
        (&b"\x16"[..], HeadError::TlsOnPlainConnection),
        (b"\x00", HeadError::MalformedStartLine),
        (b"\xff\xfe", HeadError::MalformedStartLine),
        (b" ", HeadError::MalformedStartLine),
        (b"\n", HeadError::BareLineFeed),
        (b"\rx", HeadError::BareCarriageReturn),
        (b"hello\r\n", HeadError::MalformedStartLine),
        (b"GET / SPDY/3.1\r\n", HeadError::MalformedStartLine),
        (b"PROXY UNKNOWN\r\n", HeadError::ProxyProtocol),
        (b"PROXY TCP6 ::1 ::1 1 2\r\n", HeadError::ProxyProtocol),
        (b"\r\n\r\n\0\r\nQUIT\n", HeadError::ProxyProtocol),
    ] {
        assert_rejected(bytes, error, 400);
    }
}

#[test]
fn an_incomplete_request_is_pending() {
    let bytes = HeadText::request().bytes();
    let progress = serve(&bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(
        (progress.consumed, progress.done.is_none()),
        (bytes.len() - 1, true)
    );
}
