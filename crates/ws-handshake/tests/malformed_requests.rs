//! Bytes that are not the head of an HTTP/1.1 request, or too many of them (RFC 9112 §2, §3, §5).

#![forbid(unsafe_code)]

mod common;

use common::{HeadText, assert_rejected, serve};
use ws_handshake::{
    HeadError, MAX_HEAD_LEN, MAX_HEADERS, OriginPolicy, RejectReason as Reason, ServerHandshake,
};

#[track_caller]
fn refuse(head: &HeadText, reason: Reason, status: u16) {
    assert_rejected(&head.bytes(), reason, status);
}

#[test]
fn other_versions_of_http_are_refused() {
    for version in ["HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "HTTP/1.2", "HTTP/3.0"] {
        let head = HeadText::request().start(format!("GET /chat {version}"));
        refuse(&head, Reason::Head(HeadError::UnsupportedHttpVersion), 505);
    }
    // The preface of HTTP/2.
    assert_rejected(
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        Reason::Head(HeadError::UnsupportedHttpVersion),
        505,
    );
}

#[test]
fn malformed_request_lines_are_refused() {
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
            Reason::Head(HeadError::MalformedStartLine),
            400,
        );
    }
}

#[test]
fn malformed_header_lines_are_refused() {
    for (line, reason) in [
        (&b"X-Name : a"[..], Reason::Head(HeadError::InvalidHeader)),
        (b"X-Name\t: a", Reason::Head(HeadError::InvalidHeader)),
        (b"X-Name", Reason::Head(HeadError::InvalidHeader)),
        (b": a", Reason::Head(HeadError::InvalidHeader)),
        (b"X Name: a", Reason::Head(HeadError::InvalidHeader)),
        (b"X(Name): a", Reason::Head(HeadError::InvalidHeader)),
        (b"X-N\xe9: a", Reason::Head(HeadError::InvalidHeader)),
        (b" folded", Reason::Head(HeadError::FoldedLine)),
        (b"\tfolded", Reason::Head(HeadError::FoldedLine)),
        (b"X-Name: a\rb", Reason::Head(HeadError::BareCarriageReturn)),
        (
            b"X-Name: a\r\r",
            Reason::Head(HeadError::BareCarriageReturn),
        ),
        (b"X-Name: a\nHost: b", Reason::Head(HeadError::BareLineFeed)),
        (b"X-Name: a\0b", Reason::Head(HeadError::ControlByte)),
        (b"X-Name: a\x7fb", Reason::Head(HeadError::ControlByte)),
        (b"X-Name: a\x0bb", Reason::Head(HeadError::ControlByte)),
    ] {
        refuse(&HeadText::request().with(line), reason, 400);
    }
}

#[test]
fn white_space_in_front_of_the_first_header_is_refused() {
    let bytes = b"GET / HTTP/1.1\r\n Host: a\r\n\r\n";
    assert_rejected(bytes, Reason::Head(HeadError::FoldedLine), 400);
}

#[test]
fn lines_that_end_with_lf_alone_are_refused() {
    let text = String::from_utf8(HeadText::request().bytes()).unwrap();
    assert_rejected(
        text.replace("\r\n", "\n").as_bytes(),
        Reason::Head(HeadError::BareLineFeed),
        400,
    );
    let last_line = text.replace("\r\n\r\n", "\r\n\n");
    assert_rejected(
        last_line.as_bytes(),
        Reason::Head(HeadError::BareLineFeed),
        400,
    );
}

#[test]
fn a_second_leading_empty_line_is_refused() {
    let bytes = [b"\r\n\r\n", &HeadText::request().bytes()[..]].concat();
    assert_rejected(&bytes, Reason::Head(HeadError::MalformedStartLine), 400);
}

#[test]
fn heads_up_to_the_limit_are_read_and_longer_ones_refused() {
    let head_of = |length: usize| {
        let head = HeadText::request();
        let padding = length - head.clone().with("X: ").bytes().len();
        head.with(format!("X: {}", "x".repeat(padding))).bytes()
    };
    assert!(serve(&head_of(MAX_HEAD_LEN)).unwrap().done.is_some());
    assert_rejected(
        &head_of(MAX_HEAD_LEN + 1),
        Reason::Head(HeadError::HeadTooLong),
        431,
    );
}

#[test]
fn an_endless_head_is_refused_at_the_limit() {
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
    assert_eq!(rejection.reason(), Reason::Head(HeadError::HeadTooLong));
    assert_eq!(server.receive(b"more").unwrap_err(), rejection);
}

#[test]
fn an_endless_request_line_is_refused_at_the_limit() {
    let line = format!("GET /{}", "x".repeat(1 << 20));
    assert_rejected(
        line.as_bytes(),
        Reason::Head(HeadError::StartLineTooLong),
        414,
    );
}

#[test]
fn header_lines_up_to_the_limit_are_read_and_more_refused() {
    let head_of = |lines: usize| {
        (5..lines).fold(HeadText::request(), |head, number| {
            head.with(format!("X{number}: v"))
        })
    };
    assert!(serve(&head_of(MAX_HEADERS).bytes()).unwrap().done.is_some());
    refuse(
        &head_of(MAX_HEADERS + 1),
        Reason::Head(HeadError::TooManyHeaders),
        431,
    );
    let same = format!("GET / HTTP/1.1\r\n{}", "a: b\r\n".repeat(10_000));
    assert_rejected(
        same.as_bytes(),
        Reason::Head(HeadError::TooManyHeaders),
        431,
    );
}

#[test]
fn garbage_is_refused_as_soon_as_it_can_be_told() {
    assert_rejected(b"\x16", Reason::Head(HeadError::TlsOnPlainConnection), 400);
    assert_rejected(b"\x00", Reason::Head(HeadError::MalformedStartLine), 400);
    assert_rejected(
        b"\xff\xfe",
        Reason::Head(HeadError::MalformedStartLine),
        400,
    );
    assert_rejected(b" ", Reason::Head(HeadError::MalformedStartLine), 400);
    assert_rejected(b"\n", Reason::Head(HeadError::BareLineFeed), 400);
    assert_rejected(b"\rx", Reason::Head(HeadError::BareCarriageReturn), 400);
    assert_rejected(
        b"hello\r\n",
        Reason::Head(HeadError::MalformedStartLine),
        400,
    );
    assert_rejected(
        b"GET / SPDY/3.1\r\n",
        Reason::Head(HeadError::MalformedStartLine),
        400,
    );
}

#[test]
fn half_a_request_waits_for_the_rest() {
    let bytes = HeadText::request().bytes();
    let progress = serve(&bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(
        (progress.consumed, progress.done.is_none()),
        (bytes.len() - 1, true)
    );
}
