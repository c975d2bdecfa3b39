//! The requests that a server rejects, each with its reason and status (RFC 6455 §4.2.1, RFC 9112).

use ws_handshake::{
    HeadError, OriginPolicy, RejectReason as Reason, ServerHandshake, UpgradeRequest,
};

use crate::common::{HeadText, KEY, refuse, serve};

fn response_to(head: &HeadText) -> String {
    String::from_utf8(serve(&head.bytes()).unwrap_err().encode()).unwrap()
}

#[test]
fn missing_headers_are_rejected() {
    for (name, reason, status) in [
        ("Host", Reason::MissingHost, 400),
        ("Upgrade", Reason::UpgradeNotWebSocket, 426),
        ("Connection", Reason::ConnectionWithoutUpgrade, 400),
        ("Sec-WebSocket-Key", Reason::MissingKey, 400),
        ("Sec-WebSocket-Version", Reason::MissingVersion, 400),
    ] {
        refuse(&HeadText::request().without(name), reason, status);
    }
    // An absolute target does not replace the Host header.
    let absolute = HeadText::request()
        .start("GET http://a/ HTTP/1.1")
        .without("Host");
    refuse(&absolute, Reason::MissingHost, 400);
}

#[test]
fn repeated_headers_are_rejected() {
    let key = format!("sec-websocket-key: {KEY}");
    let lengths = "Content-Length: 0\r\ncontent-length: 0";
    let origins = "Origin: https://server.example.com\r\norigin: https://server.example.com";
    for (line, reason, status) in [
        ("host: server.example.com", Reason::DuplicateHost, 400),
        (&key, Reason::DuplicateKey, 400),
        ("Sec-WebSocket-Version: 13", Reason::DuplicateVersion, 426),
        ("Sec-WebSocket-Version: 8", Reason::DuplicateVersion, 426),
        (lengths, Reason::ContentLength, 400),
        (origins, Reason::DuplicateOrigin, 400),
    ] {
        refuse(&HeadText::request().with(line), reason, status);
    }
}

#[test]
fn keys_that_are_not_16_bytes_of_base64_are_rejected() {
    for key in [
        "dGhlIHNhbXBsZSBub25j",     // 15 bytes
        "dGhlIHNhbXBsZSBub25jZTE=", // 17 bytes
        "",
        "dGhlIHNhbXBsZSBub25jZ!==",
        "dGhlIHNhbXBsZSBub25jZ_==", // the alphabet for URLs
        "dGhlIHNhbXBsZSBub25jZQ",   // no padding
        "dGhlIHNhbXBs ZSBub25jZ==",
    ] {
        refuse(
            &HeadText::request().set("Sec-WebSocket-Key", key),
            Reason::InvalidKey,
            400,
        );
    }
}

#[test]
fn requests_without_the_upgrade_token_are_rejected() {
    for value in [
        "h2c",
        "websocketx",
        "web socket",
        "websocket/13",
        "",
        "\"websocket\"",
    ] {
        let head = HeadText::request().set("Upgrade", value);
        refuse(&head, Reason::UpgradeNotWebSocket, 426);
    }
}

#[test]
fn requests_without_the_connection_token_are_rejected() {
    for value in ["close", "upgraded", "keep-alive", "up grade", ""] {
        let head = HeadText::request().set("Connection", value);
        refuse(&head, Reason::ConnectionWithoutUpgrade, 400);
    }
}

#[test]
fn other_versions_are_rejected_with_the_supported_one() {
    for value in [
        "12", "14", "0", "8", "013", "+13", "13.0", "13a", "256", "", "13, 8", "-13",
    ] {
        let head = HeadText::request().set("Sec-WebSocket-Version", value);
        refuse(&head, Reason::UnsupportedVersion, 426);
        let response = response_to(&head);
        assert!(
            response.contains("\r\nSec-WebSocket-Version: 13\r\n"),
            "{response}"
        );
        assert!(
            response.contains("\r\nUpgrade: websocket\r\n"),
            "{response}"
        );
        assert!(
            response.contains("\r\nConnection: close, Upgrade\r\n"),
            "{response}"
        );
    }
}

#[test]
fn malformed_hosts_are_rejected() {
    for host in [
        "",
        ":80",
        "a b",
        "a\tb",
        "user@a",
        "a/b",
        "a:b",
        "a:65536",
        "a:+1",
        "[::1",
        "[::1]x",
        "a,b\\",
        "http://a",
        "a?b",
        "a#b",
        "caf\u{e9}",
    ] {
        refuse(
            &HeadText::request().set("Host", host),
            Reason::InvalidHost,
            400,
        );
    }
}

#[test]
fn other_methods_are_rejected_with_the_allowed_one() {
    for method in ["POST", "HEAD", "PUT", "OPTIONS", "get", "GETX", "BREW"] {
        let head = HeadText::request().start(format!("{method} /chat HTTP/1.1"));
        refuse(&head, Reason::MethodNotGet, 405);
        assert!(response_to(&head).contains("\r\nallow: GET\r\n"));
    }
}

#[test]
fn the_response_to_head_has_no_body() {
    let response = response_to(&HeadText::request().start("HEAD /chat HTTP/1.1"));
    assert!(response.ends_with("\r\n\r\n"), "{response}");
}

#[test]
fn targets_with_a_fragment_are_rejected() {
    for target in ["/chat#top", "/#", "http://a/#b"] {
        let head = HeadText::request().start(format!("GET {target} HTTP/1.1"));
        refuse(&head, Reason::FragmentInTarget, 400);
    }
}

#[test]
fn targets_of_other_forms_are_rejected() {
    for target in [
        "*",
        "chat",
        "server.example.com:80",
        "?a=b",
        "ws://server.example.com/",
        "ftp://server.example.com/",
        "http://user@server.example.com/",
        "http://server.example.com:99999/",
        "http:///chat",
        "mailto:a@b",
    ] {
        let head = HeadText::request().start(format!("GET {target} HTTP/1.1"));
        refuse(&head, Reason::InvalidTarget, 400);
    }
}

#[test]
fn announced_bodies_are_rejected() {
    for value in ["chunked", "identity", ""] {
        let head = HeadText::request().with(format!("Transfer-Encoding: {value}"));
        refuse(&head, Reason::TransferEncoding, 400);
    }
    for value in [
        "5",
        "00001",
        "",
        "-0",
        "+0",
        "0x0",
        "0, 0",
        "99999999999999999999999",
    ] {
        let head = HeadText::request().with(format!("Content-Length: {value}"));
        refuse(&head, Reason::ContentLength, 400);
    }
}

#[test]
fn foreign_and_malformed_origins_are_rejected() {
    for origin in ["https://evil.example", "null", "", "server.example.com"] {
        let head = HeadText::request().with(format!("Origin: {origin}"));
        refuse(&head, Reason::ForeignOrigin, 403);
    }
    refuse(
        &HeadText::request().with(b"Origin: http://\xe9"),
        Reason::InvalidOrigin,
        400,
    );
}

#[test]
fn malformed_subprotocols_are_rejected() {
    for (value, reason) in [
        ("a, a", Reason::DuplicateProtocol),
        ("a b", Reason::InvalidProtocol),
        ("a/b", Reason::InvalidProtocol),
        ("\"a\"", Reason::InvalidProtocol),
    ] {
        refuse(
            &HeadText::request().with(format!("Sec-WebSocket-Protocol: {value}")),
            reason,
            400,
        );
    }
    let lines = HeadText::request()
        .with("Sec-WebSocket-Protocol: a")
        .with("Sec-WebSocket-Protocol: b, a");
    refuse(&lines, Reason::DuplicateProtocol, 400);
}

#[test]
fn a_rejection_is_returned_again_for_later_input() {
    let refused = HeadText::request().without("Sec-WebSocket-Key").bytes();
    for bytes in [&refused[..], b"GET / HTTP/1.0\r\n", b"\x16"] {
        let mut server = ServerHandshake::new(OriginPolicy::default());
        let rejection = server.receive(bytes).unwrap_err();
        for later in [&HeadText::request().bytes()[..], b""] {
            assert_eq!(server.receive(later).unwrap_err(), rejection);
        }
    }
}

#[test]
fn a_plain_get_is_rejected_with_426() {
    let plain = HeadText::request()
        .without("Upgrade")
        .without("Connection")
        .without("Sec-WebSocket-Key")
        .without("Sec-WebSocket-Version");
    refuse(&plain, Reason::UpgradeNotWebSocket, 426);
}

#[test]
fn requests_of_other_http_stacks_are_rejected_for_the_same_reasons() {
    let request = || {
        let head = HeadText::request().bytes();
        let text = String::from_utf8(head).unwrap();
        let mut request = http::Request::get("/chat");
        for (name, value) in text.lines().filter_map(|line| line.split_once(": ")) {
            request = request.header(name, value);
        }
        request
    };
    let reason_of = |request: http::request::Builder| {
        let request = request.body(()).unwrap();
        UpgradeRequest::from_request(&request, OriginPolicy::default())
            .unwrap_err()
            .reason()
    };
    assert!(
        UpgradeRequest::from_request(&request().body(()).unwrap(), OriginPolicy::default()).is_ok()
    );
    assert_eq!(reason_of(request().method("POST")), Reason::MethodNotGet);
    for version in [http::Version::HTTP_10, http::Version::HTTP_2] {
        assert_eq!(
            reason_of(request().version(version)),
            Reason::Head(HeadError::UnsupportedHttpVersion)
        );
    }
    assert_eq!(reason_of(request().uri("*")), Reason::InvalidTarget);
    assert_eq!(
        reason_of(request().header("host", "b")),
        Reason::DuplicateHost
    );
    assert_eq!(
        reason_of(request().header("transfer-encoding", "x")),
        Reason::TransferEncoding
    );
    assert_eq!(reason_of(http::Request::get("/")), Reason::MissingHost);
}
