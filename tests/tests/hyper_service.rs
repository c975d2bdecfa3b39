//! Tests the example `hyper_service` of ws-hyper.

#![forbid(unsafe_code)]

use std::net::SocketAddr;

use tokio::net::TcpListener;
use ws_tests::http;
use ws_tests::socket::{Ending, RawPeer};
use ws_tests::suite::Running;
use ws_tests::wire::{self, TEXT};
use ws_tokio::{CloseCode, Config, ConnectError, Connector, DeflateConfig};

#[expect(dead_code, reason = "no test calls its `main`")]
#[path = "../../crates/ws-hyper/examples/hyper_service.rs"]
mod hyper_service;

/// FIN and RSV1, the first bits of a compressed message in one frame (RFC 7692 §6).
const COMPRESSED: u8 = 0xc0;

async fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(hyper_service::serve(listener));
    address
}

fn compressing() -> Connector {
    let deflate = DeflateConfig::default();
    Connector::new().config(Config::default().deflate(deflate))
}

#[tokio::test]
async fn messages_are_compressed_and_come_back() {
    let url = format!("ws://{}/echo", start().await);
    let mut ws = compressing().connect(&url).await.unwrap();
    assert_eq!(ws.extensions()[0].name(), "permessage-deflate");
    let long = "compresses well, ".repeat(10_000);
    for text in ["short", &long, "short"] {
        ws.send(text).await.unwrap();
        assert_eq!(ws.recv().await.unwrap().unwrap().as_text(), Some(text));
    }
    ws.close(CloseCode::NORMAL, "bye").await.unwrap();
    assert!(ws.end().unwrap().clean);

    let mut plain = ws_tokio::connect(&url).await.unwrap();
    assert!(plain.extensions().is_empty());
    plain.send("plain").await.unwrap();
    let answer = plain.recv().await.unwrap().unwrap();
    assert_eq!(answer.as_text(), Some("plain"));
}

/// The first message is the example of RFC 7692 §7.2.3.1. It is in the same segment as the request.
#[tokio::test(flavor = "multi_thread")]
async fn the_frames_of_both_directions_are_compressed() {
    let address = start().await;
    let talk = Running::start(move || {
        let mut peer = RawPeer::connect(address);
        let request = http::request_but("GET", "GET /echo HTTP/1.1");
        let offer = b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
        let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        let first = wire::encode(COMPRESSED | TEXT, Some(wire::KEY), &hello);
        peer.send(&[&request[..request.len() - 2], offer, &first].concat());
        let head = peer.read_head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        let agreed = http::header(&head, "Sec-WebSocket-Extensions").unwrap();
        assert!(agreed.starts_with("permessage-deflate"), "{agreed}");
        assert_eq!(peer.read_frame().unwrap().opcode(), TEXT);
        peer.send(&wire::From::Client.text(&"x".repeat(10_000)));
        let answer = peer.read_frame().unwrap();
        assert_eq!(answer.first, COMPRESSED | TEXT);
        assert!(answer.payload.len() < 100, "{}", answer.payload.len());
    });
    tokio::task::spawn_blocking(|| talk.finish()).await.unwrap();
}

#[tokio::test]
async fn ordinary_and_bad_requests_are_answered() {
    let address = start().await;
    let (rejected, ordinary) = tokio::task::spawn_blocking(move || {
        let ask = |request: Vec<u8>| {
            let mut peer = RawPeer::connect(address);
            peer.send(&request);
            let (bytes, ending) = peer.read_to_end();
            assert_eq!(ending, Ending::Eof);
            String::from_utf8(bytes).unwrap()
        };
        let bad = http::request_but("GET", "GET /echo HTTP/1.1\r\nOrigin: http://evil.example");
        (
            ask(bad),
            ask(http::head(&[
                "GET / HTTP/1.1",
                "Host: h",
                "Connection: close",
            ])),
        )
    })
    .await
    .unwrap();
    assert!(rejected.starts_with("HTTP/1.1 403 "), "{rejected}");
    assert!(ordinary.starts_with("HTTP/1.1 200 ") && ordinary.ends_with("/echo\n"));
    let refused = ws_tokio::connect(&format!("ws://{address}/elsewhere")).await;
    let refused: ConnectError = refused.unwrap_err();
    assert_eq!(refused.response().unwrap().status(), 404);
}
