//! The opening handshake of a client on real sockets.

use std::time::{Duration, Instant};

use ws_driver::handshake::Extension;
use ws_driver::{
    ClientError, CloseCode, ConnectError, ConnectPhase, HeadError, Message, RequestError,
    TargetError,
};

use super::{Connector, Running, Suite, client};
use crate::fault::Fault;
use crate::http::{self, accept_for, head};
use crate::socket::{self, RawPeer};
use crate::wire::From;

/// Starts a client that connects, receives one message, and closes. Returns the peer of this
/// client.
fn connecting<S: Suite>(
    connector: Connector<S>,
) -> (RawPeer, Running<Result<Option<Message>, Fault>>) {
    client::<S, _, _>(|url| async move {
        let mut ws = connector.connect(&url).await?;
        let message = ws.recv().await?;
        ws.close(CloseCode::NORMAL, "").await?;
        Ok(message)
    })
}

/// A mistake of a server. It consists of a name, a function that makes the response from the
/// correct accept value, and a check of the client's error.
type Mistake = (&'static str, fn(&str) -> Vec<u8>, fn(&ClientError) -> bool);

const STATUS: &str = "HTTP/1.1 101 Switching Protocols";
const UPGRADE: &str = "Upgrade: websocket";
const CONNECTION: &str = "Connection: Upgrade";

fn accept(value: &str) -> String {
    format!("Sec-WebSocket-Accept: {value}")
}

/// Returns the head of a 101 response with this accept value and additional lines.
fn fine(value: &str, more: &[&str]) -> Vec<u8> {
    head(&[&[STATUS, UPGRADE, CONNECTION, &accept(value)], more].concat())
}

/// Makes a [`Mistake`] from each row. A row has a name, the function that makes the response, and a
/// pattern that matches the error.
macro_rules! table {
    ($($name:literal: $answer:expr => $error:pat,)*) => {
        vec![$(($name, $answer, |error| matches!(error, $error)),)*]
    };
}

fn mistakes() -> Vec<Mistake> {
    use ClientError as E;
    table! {
        "accept of another key": |_| fine(&accept_for("x"), &[]) => E::WrongAccept,
        "accept in another case": |v| fine(&v.to_ascii_lowercase(), &[]) => E::WrongAccept,
        "accept cut": |v| fine(&v[..v.len() - 1], &[]) => E::WrongAccept,
        "empty accept": |_| fine("", &[]) => E::WrongAccept,
        "accept with more": |v| fine(&format!("{v}, {v}"), &[]) => E::WrongAccept,
        "no accept": |_| head(&[STATUS, UPGRADE, CONNECTION]) => E::MissingAccept,
        "two accepts": |v| fine(v, &[&accept(v)]) => E::DuplicateAccept,
        "no Upgrade": |v| head(&[STATUS, CONNECTION, &accept(v)]) => E::UpgradeNotWebSocket,
        "Upgrade h2c":
            |v| head(&[STATUS, "Upgrade: h2c", CONNECTION, &accept(v)]) => E::UpgradeNotWebSocket,
        "no Connection": |v| head(&[STATUS, UPGRADE, &accept(v)]) => E::ConnectionWithoutUpgrade,
        "Connection keep-alive":
            |v| head(&[STATUS, UPGRADE, "Connection: keep-alive", &accept(v)])
            => E::ConnectionWithoutUpgrade,
        "a subprotocol not offered":
            |v| fine(v, &["Sec-WebSocket-Protocol: c"]) => E::UnofferedProtocol,
        "a subprotocol in another case":
            |v| fine(v, &["Sec-WebSocket-Protocol: A"]) => E::UnofferedProtocol,
        "two subprotocols": |v| fine(v, &["Sec-WebSocket-Protocol: a, b"]) => E::DuplicateProtocol,
        "an extension not offered":
            |v| fine(v, &["Sec-WebSocket-Extensions: permessage-deflate"]) => E::UnofferedExtension,
        "extensions malformed":
            |v| fine(v, &["Sec-WebSocket-Extensions: x-one; a="]) => E::InvalidExtensions,
        "an extension twice":
            |v| fine(v, &["Sec-WebSocket-Extensions: x-one, x-one"]) => E::DuplicateExtension,
        "HTTP/1.0":
            |v| head(&["HTTP/1.0 101 Switching", UPGRADE, CONNECTION, &accept(v)])
            => E::Head(HeadError::UnsupportedHttpVersion),
        "no HTTP":
            |_| b"SSH-2.0-OpenSSH_9.6\r\n\r\n".to_vec() => E::Head(HeadError::MalformedStartLine),
        "TLS":
            |_| b"\x15\x03\x01\x00\x02\x02\x46".to_vec()
            => E::Head(HeadError::TlsOnPlainConnection),
        "too long a head":
            |v| fine(v, &[&format!("X: {}", "a".repeat(20_000))])
            => E::Head(HeadError::HeadTooLong),
        "a header of the handshake in a folded line":
            |v| fine(v, &["X: a\r\n Sec-WebSocket-Protocol: a"])
            => E::Head(HeadError::FoldedLine),
        "a bare CR": |v| fine(v, &["X: a\rb"]) => E::Head(HeadError::BareCarriageReturn),
        "too much before the response": |v| {
            let hint = ["HTTP/1.1 103 Early Hints", &format!("X: {}", "a".repeat(5000))];
            [head(&hint).repeat(4), fine(v, &[])].concat()
        } => E::Head(HeadError::HeadTooLong),
    }
}

/// The client sends nothing after it has received the wrong response.
pub fn a_wrong_answer_is_an_error_that_names_the_rule<S: Suite>() {
    for (name, answer, is_right) in mistakes() {
        let connector = Connector::<S>::new()
            .subprotocol("a")
            .subprotocol("b")
            .extension(extension());
        let (mut peer, running) = connecting::<S>(connector);
        let request = peer.read_head();
        peer.send(&answer(&http::accept_of(&request)));
        peer.end();
        match running.finish() {
            Err(Fault::Connect(ConnectError::Handshake(error))) => {
                assert!(is_right(&error), "{name}: {error:?}")
            }
            other => panic!("{name}: {other:?}"),
        }
        let (bytes, _) = peer.read_to_end();
        assert!(bytes.is_empty(), "{name}: the client sent data");
    }
}

/// The server ends the stream at once in the first case, and after a part of the response in the
/// second.
pub fn an_answer_that_ends_early_is_reported_as_lost<S: Suite>() {
    for bytes in [&b""[..], b"HTTP/1.1 101 Switching"] {
        let (mut peer, running) = connecting::<S>(Connector::<S>::new());
        let _ = peer.read_head();
        peer.send(bytes);
        peer.end();
        let result = running.finish();
        assert!(
            matches!(result, Err(Fault::Connect(ConnectError::Lost))),
            "{result:?}"
        );
    }
}

/// Without a length, the body ends with the stream. The caller gets at most 16 KiB of a body.
pub fn a_refusal_reaches_the_caller_with_head_and_body<S: Suite>() {
    let long = [&b"HTTP/1.1 500 Oops\r\n\r\n"[..], &[b'x'; 40_000]].concat();
    let refusals: [(u16, &[u8], Vec<u8>); 7] = [
        (
            403,
            b"because",
            b"HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\nX-Why: so\r\n\r\nbecause".to_vec(),
        ),
        (
            401,
            b"chunk by chunk",
            b"HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n\
              6\r\nchunk \r\n8;x=y\r\nby chunk\r\n0\r\n\r\n"
                .to_vec(),
        ),
        (
            404,
            b"to the end",
            b"HTTP/1.1 404 Not Found\r\n\r\nto the end".to_vec(),
        ),
        (
            200,
            b"",
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec(),
        ),
        (
            302,
            b"",
            b"HTTP/1.1 302 Found\r\nLocation: ws://other/\r\nContent-Length: 0\r\n\r\n".to_vec(),
        ),
        (
            503,
            b"cut",
            b"HTTP/1.1 503 Busy\r\nContent-Length: 10\r\n\r\ncut".to_vec(),
        ),
        (500, &[b'x'; 16 * 1024], long),
    ];
    for (status, body, bytes) in refusals {
        let (mut peer, running) = connecting::<S>(Connector::<S>::new());
        let _ = peer.read_head();
        peer.send(&bytes);
        peer.end();
        match running.finish() {
            Err(Fault::Connect(ConnectError::Handshake(error))) => {
                let refusal = error.refusal().expect("a refusal");
                assert_eq!(refusal.status(), status);
                assert!(refusal.body() == body, "{status}");
                if status == 403 {
                    assert_eq!(refusal.headers()["x-why"], "so");
                }
            }
            other => panic!("{status}: {other:?}"),
        }
    }
}

/// The RFCs permit all these forms of a response.
pub fn an_answer_in_any_permitted_form_is_accepted<S: Suite>() {
    let answers: [fn(&str) -> Vec<u8>; 9] = [
        |v| fine(v, &[]),
        |v| fine(v, &["Connection: keep-alive", "X: \u{e9}"]),
        |v| {
            head(&[
                "HTTP/1.1 101 \u{7a}",
                "upgrade: h2c, WEBSOCKET",
                "connection: keep-alive, upgrade",
                &accept(&format!("\t{v}  ")),
            ])
        },
        |v| {
            [
                head(&["HTTP/1.1 103 Early Hints", "Link: </x>"]),
                fine(v, &[]),
            ]
            .concat()
        },
        |v| [head(&["HTTP/1.1 100 Continue"]), fine(v, &[])].concat(),
        |v| fine(v, &["Sec-WebSocket-Protocol: b"]),
        |v| fine(v, &["Content-Length: 0"]),
        |v| {
            fine(
                v,
                &[
                    "X-Info: a\r\n b",
                    "Server : cam",
                    "Device Name: cam",
                    "no colon",
                    "X: \0",
                ],
            )
        },
        |v| fine(v, &["X: y"; 200]),
    ];
    for answer in answers {
        for one_by_one in [false, true] {
            let connector = Connector::<S>::new().subprotocol("a").subprotocol("b");
            let (mut peer, running) = connecting::<S>(connector);
            let answer = answer(&http::accept_of(&peer.read_head()));
            if one_by_one {
                peer.send_in_pieces(&answer, || 1);
            } else {
                peer.send(&answer);
            }
            peer.send(&From::Server.text("welcome"));
            peer.read_close(1000);
            peer.send(&From::Server.close(1000, ""));
            peer.end();
            let message = running.finish().expect("an open connection");
            assert_eq!(message, Some("welcome".into()));
        }
    }
}

/// The frames arrive in the same segment as the head.
pub fn frames_after_the_answer_are_received<S: Suite>() {
    let (mut peer, running) = connecting::<S>(Connector::<S>::new());
    let request = peer.read_head();
    let bytes = [
        http::switching(&request),
        From::Server.text("early"),
        From::Server.close(1001, ""),
    ];
    peer.send(&bytes.concat());
    peer.end();
    let message = running.finish().expect("an open connection");
    assert_eq!(message, Some("early".into()));
    // The client sends its own Close after it has received the message.
    peer.read_close(1000);
}

/// RFC 6455 §4.1 lists the required headers.
pub fn the_request_has_all_required_and_configured_headers<S: Suite>() {
    let mut keys = Vec::new();
    for _ in 0..2 {
        let (mut peer, running) = client::<S, _, _>(|url| async move {
            let connector = Connector::<S>::new()
                .subprotocol("chat.v2")
                .subprotocol("chat.v1")
                .extension(extension())
                .header("X-Token", "secret")
                .header("Origin", "https://page.example");
            assert!(!format!("{connector:?}").contains("secret"));
            let ws = connector.connect(&url).await.expect("an open connection");
            assert_eq!(ws.protocol(), Some("chat.v1"));
            assert_eq!(ws.extensions()[0].name(), "x-one");
            let response = ws.response().expect("a response");
            assert_eq!(response.status(), 101);
            assert_eq!(response.headers()["x-node"], "7");
        });
        let request = peer.read_head();
        assert!(
            request.starts_with("GET /path?query HTTP/1.1\r\n"),
            "{request}"
        );
        let header = |name| http::header(&request, name).unwrap_or_default().to_owned();
        assert!(header("Host").starts_with("127.0.0.1:"));
        assert_eq!(header("Upgrade"), "websocket");
        assert_eq!(header("Connection"), "Upgrade");
        assert_eq!(header("Sec-WebSocket-Version"), "13");
        assert_eq!(header("Sec-WebSocket-Protocol"), "chat.v2, chat.v1");
        assert_eq!(header("Sec-WebSocket-Extensions"), "x-one");
        assert_eq!(header("X-Token"), "secret");
        assert_eq!(header("Origin"), "https://page.example");
        keys.push(header("Sec-WebSocket-Key"));
        peer.send(&http::switching_with(
            &request,
            &[
                "Sec-WebSocket-Protocol: chat.v1",
                "Sec-WebSocket-Extensions: x-one",
                "X-Node: 7",
            ],
        ));
        let () = running.finish();
    }
    assert_eq!(keys[0].len(), 24);
    assert_ne!(keys[0], keys[1]);
}

/// The server sends nothing in the first case, and a part of the response in the second.
pub fn an_answer_that_stalls_times_out<S: Suite>() {
    for bytes in [&b""[..], b"HTTP/1.1 101 Switching"] {
        let connector = Connector::<S>::new().handshake_timeout(Duration::from_millis(150));
        let start = Instant::now();
        let (mut peer, running) = connecting::<S>(connector);
        let _ = peer.read_head();
        peer.send(bytes);
        let result = running.finish();
        assert!(
            matches!(
                result,
                Err(Fault::Connect(ConnectError::Timeout(
                    ConnectPhase::Handshake
                )))
            ),
            "{result:?}"
        );
        assert!(start.elapsed() >= Duration::from_millis(100));
    }
}

/// Each kind of mistake has a separate error.
pub fn bad_urls_and_requests_are_errors_before_anything_is_sent<S: Suite>() {
    let (listener, address) = socket::listen();
    S::block_on(async {
        for (url, expected) in [
            ("127.0.0.1:9001", TargetError::MissingScheme),
            ("/path", TargetError::MissingScheme),
            ("http://127.0.0.1/", TargetError::UnsupportedScheme),
            ("ws://", TargetError::EmptyHost),
            ("ws:///path", TargetError::EmptyHost),
            ("ws://127.0.0.1/#x", TargetError::Fragment),
            ("ws://us er:pw@127.0.0.1/", TargetError::InvalidUserInfo),
            ("ws://127.0.0.1:0/", TargetError::InvalidPort),
            ("ws://127.0.0.1:65536/", TargetError::InvalidPort),
            ("ws://a b/", TargetError::InvalidHost),
            ("ws://[::1/", TargetError::InvalidHost),
            ("ws://127.0.0.1/a b", TargetError::InvalidPath),
            ("ws://127.0.0.1/\r\nX: y", TargetError::InvalidPath),
        ] {
            match Connector::<S>::new().connect(url).await {
                Err(ConnectError::Target(error)) => assert_eq!(error, expected, "{url}"),
                other => panic!("{url}: {other:?}"),
            }
        }
        let url = format!("ws://{address}/");
        for name in [
            "Host",
            "host",
            "Connection",
            "Upgrade",
            "Sec-WebSocket-Key",
            "Sec-WebSocket-Version",
            "Sec-WebSocket-Protocol",
            "Sec-WebSocket-Extensions",
            "Content-Length",
            "Transfer-Encoding",
        ] {
            match Connector::<S>::new().header(name, "x").connect(&url).await {
                Err(ConnectError::Request(RequestError::ReservedHeader(reserved))) => {
                    assert!(name.eq_ignore_ascii_case(reserved.as_str()));
                }
                other => panic!("{name}: {other:?}"),
            }
        }
        for value in ["a\r\nX: y", "a\nb", "a\0b", "a\rb"] {
            let result = Connector::<S>::new().header("X", value).connect(&url).await;
            assert!(
                matches!(
                    result,
                    Err(ConnectError::Request(RequestError::InvalidHeaderValue(_)))
                ),
                "{result:?}"
            );
        }
        let result = Connector::<S>::new().header("a b", "x").connect(&url).await;
        assert!(matches!(
            result,
            Err(ConnectError::Request(RequestError::InvalidHeaderName(_)))
        ));
        let result = Connector::<S>::new().subprotocol("a b").connect(&url).await;
        assert!(matches!(
            result,
            Err(ConnectError::Request(RequestError::InvalidProtocol(_)))
        ));
        let twice = Connector::<S>::new().subprotocol("a").subprotocol("a");
        let result = twice.connect(&url).await;
        assert!(matches!(
            result,
            Err(ConnectError::Request(RequestError::DuplicateProtocol(_)))
        ));
    });
    listener.set_nonblocking(true).expect("the flag is set");
    assert!(listener.accept().is_err(), "a client has connected");
}

/// A refused TCP connection and a refused upgrade give different errors.
pub fn a_refused_connection_names_the_address<S: Suite>() {
    // No other test can listen on this port, because free ports are above 1023.
    let result = S::block_on(Connector::<S>::new().connect("ws://127.0.0.1:1/"));
    match result {
        Err(ConnectError::Unreachable(unreachable)) => {
            let [failed] = unreachable.addresses() else {
                panic!("{unreachable:?}");
            };
            assert_eq!(failed.address.to_string(), "127.0.0.1:1");
            assert_eq!(failed.error.kind(), std::io::ErrorKind::ConnectionRefused);
        }
        other => panic!("{other:?}"),
    }
}

fn extension() -> Extension {
    Extension::new("x-one").expect("a token")
}
