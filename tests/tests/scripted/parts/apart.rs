//! Connections that can be taken apart: no byte is lost.

use std::task::Poll;

use ws_driver::{Config, Message};
use ws_tests::clock;
use ws_tests::exec;
use ws_tests::scripted::{self, End, Scripted, queued, receive_all};
use ws_tests::steps::{assert_works, opcodes, take_over};
use ws_tests::wire::{self, BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT};

use super::{SECOND, rebuild};

#[test]
fn a_fresh_connection_is_taken_apart_with_the_bytes_after_the_handshake() {
    for end in End::BOTH {
        let (ws, peer) = end.open(&Config::default());
        let (mut ws, unread) = rebuild(ws, end);
        assert!(unread.is_empty());
        assert!(!peer.is_dropped(), "the transport was dropped");
        assert_works(&mut ws, end, &peer);
        let (mut ws, unread) = rebuild(ws, end);
        assert!(unread.is_empty());
        assert_works(&mut ws, end, &peer);
    }
    let behind = [
        wire::From::Client.text("a"),
        wire::From::Client.text("b")[..3].to_vec(),
    ]
    .concat();
    let (ws, peer) = scripted::server_with(&Config::default(), &behind);
    let (mut ws, unread) = rebuild(ws, End::Server);
    assert_eq!(unread, behind, "bytes were unmasked or lost");
    assert_eq!(exec::run(ws.recv()).unwrap(), Some("a".into()));
    peer.push(&wire::From::Client.text("b")[3..]);
    assert_eq!(exec::run(ws.recv()).unwrap(), Some("b".into()));
}

/// The input arrives in two reads, and the connection is taken apart between them. Covers many cuts
/// of the input, and each number of messages that were received from the first read.
#[test]
fn a_connection_rebuilt_from_its_parts_loses_nothing() {
    for end in End::BOTH {
        let from = end.peer();
        let messages: [(Vec<u8>, Message); 5] = [
            (from.text("one"), "one".into()),
            (
                [
                    from.frame(PING, b"p"),
                    from.fragment(TEXT, b"t\xc3"),
                    from.frame(PONG, b""),
                    from.frame(CONTINUATION, b"\xbc"),
                ]
                .concat(),
                "tü".into(),
            ),
            (from.frame(BINARY, &[3; 200]), vec![3; 200].into()),
            (from.text(""), "".into()),
            (from.frame(BINARY, &[5; 300]), vec![5; 300].into()),
        ];
        let bytes: Vec<u8> = messages.iter().flat_map(|(o, _)| o.clone()).collect();
        let expected: Vec<Message> = messages.iter().map(|(_, m)| m.clone()).collect();
        for received in 0..=5 {
            for borrowed in [false, true] {
                for cut in (0..=bytes.len()).step_by(if received == 0 { 1 } else { 7 }) {
                    let (mut ws, peer) = end.open(&Config::default());
                    peer.push(&bytes[..cut]);
                    let mut got = Vec::new();
                    for _ in 0..received {
                        let next = if borrowed {
                            exec::attempt(async {
                                let message = ws.recv_ref().await;
                                message.map(|m| m.map(|(m, _)| m.to_message()))
                            })
                        } else {
                            exec::attempt(ws.recv())
                        };
                        match next {
                            Poll::Ready(message) => got.push(message.unwrap().unwrap()),
                            Poll::Pending => break,
                        }
                    }
                    if queued(&ws) > 0 {
                        exec::run(ws.flush()).unwrap();
                    }
                    let waited = got.len() < received;
                    let mut ws = match ws.into_parts() {
                        Ok((transport, unread)) => {
                            assert!(!waited || unread.is_empty());
                            take_over(end, &Config::default(), transport, unread)
                        }
                        Err(ws) => {
                            assert!(waited, "{end:?}, {received}, {cut}: not taken apart");
                            ws
                        }
                    };
                    peer.push(&bytes[cut..]);
                    peer.push(from.close(1000, ""));
                    peer.end();
                    let (rest, fault) = receive_all(&mut ws);
                    assert!(fault.is_none(), "{end:?}, {received}, {cut}: {fault:?}");
                    got.extend(rest);
                    assert_eq!(got, expected, "{end:?}, {received}, {cut}");
                    let frames = peer.take_frames();
                    assert_eq!(opcodes(&frames), [PONG, CLOSE], "{received} {cut}");
                    assert!(
                        frames
                            .iter()
                            .all(|f| f.key.is_some() == (end == End::Client))
                    );
                }
            }
        }
    }
}

#[test]
fn reunited_halves_can_be_taken_apart() {
    for end in End::BOTH {
        let (tx, mut rx, peer) = scripted::halves::<Scripted>(end, &Config::default());
        peer.push([end.peer().text("a"), end.peer().text("b")].concat());
        assert_eq!(exec::run(rx.recv()).unwrap(), Some("a".into()));
        let (mut ws, unread) = rebuild(tx.reunite(rx).unwrap(), end);
        assert_eq!(unread, end.peer().text("b"));
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("b".into()));
        assert_works(&mut ws, end, &peer);
    }
}

#[test]
fn a_connection_that_waits_for_a_pong_can_be_taken_apart() {
    let config = Config::default().keepalive(SECOND, SECOND);
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&config);
        assert!(exec::attempt(ws.recv()).is_pending());
        clock::advance(SECOND);
        assert!(exec::attempt(ws.recv()).is_pending());
        let (mut ws, _) = rebuild(ws, end);
        assert_eq!(clock::timers(), 0);
        let payload = peer.take_frames()[0].payload.clone();
        peer.push(end.peer().frame(PONG, &payload));
        assert!(exec::attempt(ws.recv()).is_pending());
        assert_works(&mut ws, end, &peer);
    }
}
