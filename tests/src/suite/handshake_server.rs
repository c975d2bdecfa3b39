//! The opening handshake of a server on real sockets.

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use ws_driver::http::{Response, StatusCode};
use ws_driver::{AcceptError, AnswerError, OriginPolicy, RejectReason};

use super::{Acceptor, Running, Suite, server};
use crate::fault::Fault;
use crate::http::{self, LINES, Refusal};
use crate::socket::{self, Ending, RawPeer};
use crate::steps::echo;
use crate::wire::{From, TEXT};

/// Starts an echo server. Returns a peer that has connected to the server and has sent nothing.
fn accepting<S: Suite>(acceptor: Acceptor<S>) -> (RawPeer, Running<Result<(), Fault>>) {
    let (address, running) = server::<S, _, _>(|stream| async move {
        let mut ws = acceptor.accept(stream).await?;
        Ok(echo(&mut ws).await?)
    });
    (RawPeer::connect(address), running)
}

/// Asserts that a refusal and then the end of the stream arrive. Returns the refusal.
fn read_refusal(peer: &mut RawPeer, context: &str) -> Refusal {
    let (bytes, ending) = peer.read_to_end();
    assert_eq!(ending, Ending::Eof, "{context}");
    assert!(!bytes.is_empty(), "{context}: no answer");
    let refusal = http::refusal(&bytes);
    assert!(!refusal.head.contains("101"), "{context}");
    refusal
}

/// Returns requests that break a rule. Each has a name and the status of the expected refusal.
fn refused() -> Vec<(&'static str, u16, Vec<u8>)> {
    let but = http::request_but;
    let set = |name: &str, value: &str| but(name, &format!("{name}: {value}"));
    let with = http::request_with;
    let many: Vec<String> = (0..101).map(|number| format!("X-{number}: y")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let long_header = format!("X-Long: {}", "a".repeat(20_000));
    let long_target = format!("GET /{} HTTP/1.1", "a".repeat(20_000));
    let mut all = vec![
        ("POST", 405, but("GET", "POST /chat HTTP/1.1")),
        ("PRI", 505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
        ("lower case method", 405, but("GET", "get /chat HTTP/1.1")),
        ("HTTP/1.0", 505, but("GET", "GET /chat HTTP/1.0")),
        ("HTTP/2.0", 505, but("GET", "GET /chat HTTP/2.0")),
        ("no version", 400, but("GET", "GET /chat")),
        ("fragment", 400, but("GET", "GET /chat#x HTTP/1.1")),
        ("no slash", 400, but("GET", "GET chat HTTP/1.1")),
        ("two spaces", 400, but("GET", "GET  /chat HTTP/1.1")),
        ("no Host", 400, but("Host", "")),
        ("empty Host", 400, but("Host", "Host:")),
        ("bad Host", 400, set("Host", "a b")),
        ("user in Host", 400, set("Host", "user@example.com")),
        ("two Hosts", 400, with(&["Host: other.example.com"])),
        ("no Upgrade", 426, but("Upgrade", "")),
        ("Upgrade h2c", 426, set("Upgrade", "h2c")),
        ("Upgrade part", 426, set("Upgrade", "websocket2")),
        ("Upgrade part", 426, set("Upgrade", "xwebsocket")),
        ("Upgrade words", 426, set("Upgrade", "web socket")),
        ("no Connection", 400, but("Connection", "")),
        ("keep-alive", 400, set("Connection", "keep-alive")),
        ("Connection part", 400, set("Connection", "upgraded")),
        ("Connection part", 400, set("Connection", "no-upgrade")),
        ("no key", 400, but("Sec-WebSocket-Key", "")),
        ("no version", 400, but("Sec-WebSocket-Version", "")),
        ("chunked", 400, with(&["Transfer-Encoding: chunked"])),
        ("body", 400, with(&["Content-Length: 5"])),
        ("bad length", 400, with(&["Content-Length: +0"])),
        (
            "foreign origin",
            403,
            with(&["Origin: http://evil.example"]),
        ),
        ("null origin", 403, with(&["Origin: null"])),
        ("too many headers", 431, with(&many)),
        ("too long a header", 431, with(&[&long_header])),
        ("too long a target", 414, but("GET", &long_target)),
        ("folded", 400, with(&["X-A: b", " c"])),
        ("space before colon", 400, with(&["X-A : b"])),
        ("no colon", 400, with(&["nonsense"])),
        ("control byte", 400, with(&["X-A: a\u{1}b"])),
        ("garbage", 400, b"\x00\x01\x02\x03\r\n\r\n".to_vec()),
        (
            "TLS",
            400,
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        ),
        ("a frame", 400, From::Client.text("hello\r\n\r\n")),
        ("SMTP", 400, b"EHLO example.com\r\n\r\n".to_vec()),
        (
            "bare LF",
            400,
            String::from_utf8(http::request())
                .expect("ASCII")
                .replace("\r\n", "\n")
                .into_bytes(),
        ),
        (
            "duplicate protocol",
            400,
            with(&["Sec-WebSocket-Protocol: a, a"]),
        ),
        ("bad protocol", 400, with(&["Sec-WebSocket-Protocol: a b"])),
    ];
    for key in [
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZQ=",
        "dGhlIHNhbXBsZSBub25jZ===",
        "dGhlIHNhbXBsZSBub25j",
        "dGhlIHNhbXBsZSBub25jZXgxMjM0",
        "dGhlIHNhbXBsZSBub25jZ-==",
        "not base64 at all !!!!!!",
        "",
    ] {
        all.push(("key", 400, set("Sec-WebSocket-Key", key)));
    }
    let key = LINES[4];
    all.push(("two keys", 400, with(&[key])));
    for version in [
        "12", "14", "8", "013", "13, 8", "8, 13", "+13", "13.0", "0x0d", "x", "",
    ] {
        all.push(("version", 426, set("Sec-WebSocket-Version", version)));
    }
    all.push(("two versions", 426, with(&["Sec-WebSocket-Version: 13"])));
    all
}

/// The server never ends the stream without an answer.
pub fn a_request_that_breaks_a_rule_gets_a_complete_refusal_and_then_the_end<S: Suite>() {
    for (name, status, request) in refused() {
        let (mut peer, running) = accepting::<S>(Acceptor::<S>::new());
        let context = format!("{name}: {:.80}", request.escape_ascii().to_string());
        peer.send(&request);
        let refusal = read_refusal(&mut peer, &context);
        assert_eq!(refusal.status, status, "{context}: {refusal:?}");
        if status == 426 {
            let header = |header| http::header(&refusal.head, header);
            assert_eq!(header("Sec-WebSocket-Version"), Some("13"), "{context}");
            assert_eq!(header("Upgrade"), Some("websocket"), "{context}");
        }
        if status == 405 {
            assert_eq!(
                http::header(&refusal.head, "Allow"),
                Some("GET"),
                "{context}"
            );
        }
        drop(peer);
        let result = running.finish();
        assert!(
            matches!(result, Err(Fault::Accept(AcceptError::Rejected(_)))),
            "{context}: {result:?}"
        );
    }
}

/// Input that the server has not read must not reset the connection before the answer arrives.
pub fn a_refusal_reaches_a_client_that_keeps_sending<S: Suite>() {
    let endless = [http::request_but("GET", "GET /"), vec![b'a'; 1 << 20]].concat();
    let no_end = [&b"GET /"[..], &vec![b'a'; 1 << 20]].concat();
    let headers = [&b"GET / HTTP/1.1\r\n"[..], &b"X: y\r\n".repeat(100_000)].concat();
    for (status, bytes) in [(400, endless), (414, no_end), (431, headers)] {
        let (mut peer, running) = accepting::<S>(Acceptor::<S>::new());
        let mut writer = peer.writer();
        let sender = thread::spawn(move || {
            let _ = writer.write_all(&bytes);
        });
        let refusal = read_refusal(&mut peer, "keeps sending");
        assert_eq!(refusal.status, status);
        sender.join().expect("the thread does not panic");
        drop(peer);
        assert!(matches!(
            running.finish(),
            Err(Fault::Accept(AcceptError::Rejected(_)))
        ));
    }
}

/// The RFCs permit all these forms of a request.
pub fn a_request_in_any_permitted_form_is_accepted<S: Suite>() {
    let but = http::request_but;
    let with = http::request_with;
    let many: Vec<String> = (0..60).map(|number| format!("X-{number}: y")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let odd_case = http::head(&[
        "GET /chat HTTP/1.1",
        "hOST: Server.Example.COM:9001",
        "uPGRADE: WebSocket",
        "cONNECTION: uPgRaDe",
        "sec-websocket-KEY: dGhlIHNhbXBsZSBub25jZQ==",
        "SEC-WEBSOCKET-VERSION: 13",
    ]);
    let mut obs_text = with(&["X-Name: "]);
    let end = obs_text.len() - 4;
    obs_text.splice(end..end, *b"\xe9\xff");
    let requests = [
        http::request(),
        odd_case,
        with(&many),
        obs_text,
        [b"\r\n", &http::request()[..]].concat(),
        but("Upgrade", "Upgrade:\t websocket \t"),
        but("Upgrade", "Upgrade: h2c, websocket"),
        but("Connection", "Connection: keep-alive, Upgrade"),
        but(
            "Connection",
            "Connection: keep-alive\r\nConnection: ,, UPGRADE ,",
        ),
        but("Upgrade", "Upgrade: h2c\r\nUpgrade: websocket"),
        but(
            "Sec-WebSocket-Key",
            "Sec-WebSocket-Key:dGhlIHNhbXBsZSBub25jZQ==  ",
        ),
        // The last digit of this key has unused bits that are not zero (RFC 4648 §3.5).
        but(
            "Sec-WebSocket-Key",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==",
        ),
        but("Sec-WebSocket-Version", "Sec-WebSocket-Version:\t13\t"),
        but("GET", "GET http://server.example.com/chat HTTP/1.1"),
        with(&["Content-Length: 0"]),
        with(&["Origin: http://server.example.com"]),
        with(&["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-y"]),
        with(&["Sec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol: b, c"]),
    ];
    for request in requests {
        for one_by_one in [false, true] {
            let (mut peer, running) = accepting::<S>(Acceptor::<S>::new());
            if one_by_one {
                peer.send_in_pieces(&request, || 1);
            } else {
                peer.send(&request);
            }
            let head = peer.read_head();
            let context = format!("{} by {head}", request.escape_ascii());
            assert!(head.starts_with("HTTP/1.1 101 "), "{context}");
            let accept = http::header(&head, "Sec-WebSocket-Accept");
            let expected = http::accept_of(&String::from_utf8_lossy(&request));
            assert_eq!(accept, Some(&*expected), "{context}");
            assert_eq!(http::header(&head, "Upgrade"), Some("websocket"));
            assert_eq!(http::header(&head, "Connection"), Some("Upgrade"));
            assert_eq!(http::header(&head, "Sec-WebSocket-Protocol"), None);
            assert_eq!(http::header(&head, "Sec-WebSocket-Extensions"), None);
            peer.close();
            running.finish().expect(&context);
        }
    }
}

/// The frames arrive in the same segment as the request.
pub fn frames_after_the_request_are_received<S: Suite>() {
    let (mut peer, running) = accepting::<S>(Acceptor::<S>::new());
    let bytes = [
        http::request(),
        From::Client.text("early"),
        From::Client.close(1000, ""),
    ];
    peer.send(&bytes.concat());
    peer.read_switching();
    let echoed = peer.read_frame().expect("the echo");
    assert_eq!(echoed.whole(), (TEXT, &b"early"[..]));
    peer.expect_close(1000);
    drop(peer);
    running.finish().expect("a clean end");
}

/// The client sends nothing in the first case, and a part of the request in the second.
pub fn a_request_that_stalls_times_out<S: Suite>() {
    for len in [0, 30] {
        let acceptor = Acceptor::<S>::new().handshake_timeout(Duration::from_millis(150));
        let start = Instant::now();
        let (mut peer, running) = accepting::<S>(acceptor);
        peer.send(&http::request()[..len]);
        let result = running.finish();
        assert!(
            matches!(result, Err(Fault::Accept(AcceptError::Timeout))),
            "{result:?}"
        );
        assert!(start.elapsed() >= Duration::from_millis(100));
        let _ = peer.read_to_end();
    }
}

/// No answer is sent, because the client has ended the stream.
pub fn a_request_that_ends_early_is_reported_as_lost<S: Suite>() {
    let (mut peer, running) = accepting::<S>(Acceptor::<S>::new());
    peer.send(&http::request()[..40]);
    peer.end();
    let result = running.finish();
    assert!(
        matches!(result, Err(Fault::Accept(AcceptError::Lost))),
        "{result:?}"
    );
}

/// The timeout covers only reading the request and writing the answer.
pub fn the_handshake_timeout_excludes_the_decision<S: Suite>() {
    let (listener, address) = socket::listen();
    let mut peer = RawPeer::connect(address);
    // Send the request before the server starts its timeout, so that a delay of this thread has no
    // effect.
    peer.send(&http::request());
    let running = Running::start(move || {
        let (stream, _) = listener.accept().expect("a client");
        S::block_on(async {
            let acceptor = Acceptor::<S>::new().handshake_timeout(Duration::from_millis(200));
            let offer = acceptor.read(S::adopt(stream)).await?;
            S::sleep(Duration::from_millis(400)).await;
            let mut ws = offer.accept().await?;
            Ok::<(), Fault>(echo(&mut ws).await?)
        })
    });
    peer.read_switching();
    peer.close();
    running.finish().expect("a clean end");
}

/// An offer returns everything that a decision may depend on. Its `Debug` output shows no secrets.
pub fn an_offer_shows_the_request<S: Suite>() {
    let (address, running) = server::<S, _, _>(|stream| async {
        let acceptor = Acceptor::<S>::new().origins(OriginPolicy::AllowAll);
        let offer = acceptor.read(stream).await.expect("an offer");
        assert_eq!((offer.path(), offer.query()), ("/chat", Some("room=1")));
        assert_eq!(offer.uri(), "/chat?room=1");
        assert_eq!(offer.headers()["x-token"], "secret");
        assert_eq!(offer.origin(), Some("https://page.example"));
        assert!(offer.protocols().eq(["chat.v2", "chat.v1"]));
        assert_eq!(offer.extensions()[0].name(), "x-one");
        let shown = format!("{offer:?}");
        assert!(
            !shown.contains("secret") && !shown.contains("room"),
            "{shown}"
        );
        let offer = offer.header("Set-Cookie", "a=b");
        let ws = offer
            .subprotocol("chat.v1")
            .accept()
            .await
            .expect("an open connection");
        assert_eq!(ws.protocol(), Some("chat.v1"));
        assert!(ws.extensions().is_empty() && ws.response().is_none());
    });
    let mut peer = RawPeer::connect(address);
    peer.send(&http::request_with(&[
        "X-Token: secret",
        "Origin: https://page.example",
        "Sec-WebSocket-Protocol: chat.v2, chat.v1",
        "Sec-WebSocket-Extensions: x-one; a=1",
    ]));
    let head = peer.read_head();
    assert_eq!(
        http::header(&head, "Sec-WebSocket-Protocol"),
        Some("chat.v1")
    );
    assert_eq!(http::header(&head, "Set-Cookie"), Some("a=b"));
    let () = running.finish();
}

/// An offer is rejected with a status or with a response.
pub fn an_offer_can_be_rejected_in_any_way<S: Suite>() {
    for with_response in [false, true] {
        let (address, running) = server::<S, _, _>(move |stream| async move {
            let offer = Acceptor::<S>::new().read(stream).await?;
            if !with_response {
                return offer.reject(StatusCode::NOT_FOUND).await;
            }
            let response = Response::builder()
                .status(503)
                .header("Retry-After", "120")
                .header("Connection", "keep-alive")
                .header("Content-Length", "7")
                .body(b"too many of you".to_vec())
                .expect("a response");
            offer.reject_with(response).await
        });
        let mut peer = RawPeer::connect(address);
        // Frames after a rejected request are ignored.
        peer.send(&[http::request(), From::Client.text("early")].concat());
        let refusal = read_refusal(&mut peer, "reject");
        if with_response {
            assert_eq!(refusal.status, 503);
            assert_eq!(http::header(&refusal.head, "Retry-After"), Some("120"));
            assert_eq!(refusal.body, b"too many of you");
        } else {
            assert_eq!((refusal.status, refusal.body.len()), (404, 0));
        }
        drop(peer);
        running.finish().expect("the answer is written");
    }
}

/// The server may choose only a subprotocol that the client offered.
pub fn an_offered_subprotocol_is_chosen_and_another_is_an_error<S: Suite>() {
    for (name, offered) in [
        ("b", true),
        ("B", false),
        ("c", false),
        ("a, b", false),
        ("", false),
    ] {
        let (address, running) = server::<S, _, _>(move |stream| async move {
            let offer = Acceptor::<S>::new().read(stream).await?;
            let ws = offer.subprotocol(name).accept().await?;
            Ok::<_, AcceptError>(ws.protocol().map(str::to_owned))
        });
        let mut peer = RawPeer::connect(address);
        peer.send(&http::request_with(&["Sec-WebSocket-Protocol: a, b"]));
        match running.finish() {
            Ok(chosen) => {
                assert!(offered);
                assert_eq!(chosen.as_deref(), Some(name));
                let head = peer.read_head();
                assert_eq!(http::header(&head, "Sec-WebSocket-Protocol"), Some(name));
            }
            Err(AcceptError::Answer(AnswerError::ProtocolNotOffered(wrong))) => {
                assert!(!offered);
                assert_eq!(wrong, name);
                let (bytes, _) = peer.read_to_end();
                assert!(!bytes.starts_with(b"HTTP/1.1 101"));
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// The default policy accepts only the origin of the requested host.
pub fn origins_are_checked_against_the_policy<S: Suite>() {
    let list = || OriginPolicy::allow_list(["https://app.example.com"]);
    for (policy, origin, passes) in [
        (OriginPolicy::default(), "http://server.example.com", true),
        (
            OriginPolicy::default(),
            "http://server.example.com:81",
            false,
        ),
        (
            OriginPolicy::default(),
            "http://server.example.com.evil.example",
            false,
        ),
        (list(), "https://app.example.com", true),
        (list(), "http://app.example.com", false),
        (list(), "http://server.example.com", false),
        (OriginPolicy::AllowAll, "null", true),
    ] {
        let (mut peer, running) = accepting::<S>(Acceptor::<S>::new().origins(policy));
        peer.send(&http::request_with(&[&format!("Origin: {origin}")]));
        if passes {
            assert!(peer.read_head().starts_with("HTTP/1.1 101 "), "{origin}");
            drop(peer);
            let _ = running.finish();
        } else {
            assert_eq!(read_refusal(&mut peer, origin).status, 403);
            drop(peer);
            let result = running.finish();
            assert!(
                matches!(
                    result,
                    Err(Fault::Accept(AcceptError::Rejected(
                        RejectReason::ForeignOrigin
                    )))
                ),
                "{result:?}"
            );
        }
    }
}
