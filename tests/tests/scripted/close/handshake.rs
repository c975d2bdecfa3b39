//! The closing handshake, begun by either end.

use std::time::Duration;

use ws_driver::{CloseCode, Config, Error, Initiator, Message, SendError};
use ws_tests::scripted::{self, End, Op, receive_all};
use ws_tests::wire::{self, BINARY, CLOSE, CONTINUATION, PING, PONG};
use ws_tests::{clock, exec};

use super::{SECOND, close_codes};

#[test]
fn simultaneous_closes_are_clean() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        ws.start_close(CloseCode::NORMAL, "ours").unwrap();
        peer.push(end.peer().close(1001, "theirs"));
        peer.end();
        exec::run(ws.close(CloseCode::GOING_AWAY, "again")).unwrap();
        assert_eq!(close_codes(&peer.take_frames()), [1000]);
        let closed = ws.end().unwrap();
        assert!(closed.clean);
        assert_eq!(closed.initiator, Initiator::Local);
        let (local, peer) = (closed.local.unwrap(), closed.peer.unwrap());
        assert_eq!((local.code.number(), &*local.reason), (1000, "ours"));
        assert_eq!((peer.code.number(), &*peer.reason), (1001, "theirs"));
    }
}

#[test]
fn a_close_of_the_peer_is_answered_and_ends_the_connection_cleanly() {
    for end in End::BOTH {
        for (code, reason) in [
            (1000, "bye"),
            (1001, ""),
            (3000, "κόσμε"),
            (4999, "x"),
            (1014, ""),
        ] {
            let (mut ws, peer) = end.open(&Config::default());
            peer.push(
                [
                    end.peer().text("before"),
                    end.peer().close(code, reason),
                    end.peer().text("behind"),
                    vec![0xff; 50],
                ]
                .concat(),
            );
            assert_eq!(exec::run(ws.recv()).unwrap(), Some("before".into()));
            // `recv` returns before the peer ends the transport.
            assert!(exec::run(ws.recv()).unwrap().is_none());
            let frames = peer.take_frames();
            assert_eq!(frames.len(), 1);
            assert_eq!(frames[0].whole(), (CLOSE, &code.to_be_bytes()[..]));
            // The server ends TCP first, and the client waits for that (RFC 6455 §7.1.1).
            assert_eq!(peer.is_shut_down(), end == End::Server);
            assert!(!peer.is_dropped());
            peer.end();
            exec::run(ws.close(CloseCode::NORMAL, "")).unwrap();
            assert!(peer.is_shut_down() && peer.is_dropped());
            let closed = ws.end().unwrap();
            assert!(closed.clean);
            assert_eq!(closed.initiator, Initiator::Peer);
            assert_eq!((closed.code().number(), closed.reason()), (code, reason));
            assert_eq!(clock::elapsed(), Duration::ZERO);
        }
    }
}

#[test]
fn an_empty_close_is_answered_by_an_empty_one() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.push(end.peer().frame(CLOSE, b""));
        peer.end();
        let (_, fault) = receive_all(&mut ws);
        assert!(fault.is_none());
        assert_eq!(peer.take_frames()[0].whole(), (CLOSE, &b""[..]));
        let closed = ws.end().unwrap();
        assert_eq!(closed.code(), CloseCode::NO_STATUS);
        assert!(closed.clean);
    }
}

#[test]
fn an_invalid_close_is_refused_and_the_connection_stays_open() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        for code in [0, 999, 1004, 1006, 1015, 1016, 2999, 5000, 65535] {
            let code = CloseCode::new(code);
            let results = [
                ws.start_close(code, ""),
                exec::expect_ready(exec::glance(ws.close(code, ""))),
            ];
            for result in results {
                assert!(
                    matches!(result, Err(Error::Send(SendError::InvalidCloseCode(c))) if c == code),
                    "{result:?}"
                );
            }
        }
        let long = "x".repeat(124);
        let results = [
            ws.start_close(CloseCode::NORMAL, &*long),
            exec::expect_ready(exec::glance(ws.close(CloseCode::NORMAL, long.clone()))),
        ];
        for result in results {
            assert!(
                matches!(result, Err(Error::Send(SendError::ReasonTooLong(_)))),
                "{result:?}"
            );
        }
        let ping = exec::expect_ready(exec::glance(ws.send_ping(&[0_u8; 126][..])));
        assert!(matches!(
            ping,
            Err(Error::Send(SendError::PayloadTooLong(_)))
        ));
        assert!(ws.end().is_none());
        exec::run(ws.send("still here")).unwrap();
        assert_eq!(peer.take_frames()[0].payload, b"still here");
        ws.start_close(CloseCode::NORMAL, &*"x".repeat(123))
            .unwrap();
        exec::run(ws.flush()).unwrap();
        let frames = peer.take_frames();
        assert_eq!(
            frames[0].payload,
            wire::close_payload(1000, &"x".repeat(123))
        );
    }
}

#[test]
fn messages_that_the_peer_sent_before_its_close_arrive_after_start_close() {
    for end in End::BOTH {
        let from = end.peer();
        let (mut ws, peer) = end.open(&Config::default());
        exec::run(ws.feed("queued before")).unwrap();
        ws.start_close(CloseCode::NORMAL, "").unwrap();
        peer.push([from.text("one"), from.fragment(BINARY, b"t")].concat());
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("one".into()));
        assert!(exec::attempt(ws.recv()).is_pending());
        assert_eq!(peer.take_frames().len(), 2);
        peer.push(
            [
                from.frame(PING, b"no answer"),
                from.frame(CONTINUATION, b"wo"),
            ]
            .concat(),
        );
        peer.push(from.close(1000, ""));
        peer.end();
        let (messages, fault) = receive_all(&mut ws);
        assert_eq!(messages, [Message::from(b"two".to_vec())]);
        assert!(fault.is_none());
        assert!(
            peer.take_frames().is_empty(),
            "a frame was written after the Close"
        );
        assert!(ws.end().unwrap().clean);
    }
}

#[test]
fn observers_get_control_frames_in_order() {
    use std::sync::{Arc, Mutex};
    let (mut ws, peer) = scripted::server(&Config::default());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    ws.observe(move |control| sink.lock().unwrap().push(format!("{control:?}")));
    let from = wire::From::Client;
    peer.push(
        [
            from.frame(PING, b"a"),
            from.frame(PONG, b"bc"),
            from.close(1000, ""),
        ]
        .concat(),
    );
    peer.end();
    receive_all(&mut ws);
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 3);
    assert!(
        seen[0].starts_with("Ping") && seen[1].starts_with("Pong") && seen[2].starts_with("Close")
    );
    let log = peer.take_log();
    assert!(log.contains(&Op::Shutdown));
}

#[test]
fn a_close_that_arrived_between_two_polls_is_accepted_after_the_timeout() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        ws.start_close(CloseCode::NORMAL, "").unwrap();
        assert!(exec::attempt(ws.recv()).is_pending());
        peer.push([end.peer().text("under way"), end.peer().close(1000, "")].concat());
        peer.end();
        clock::advance(10 * SECOND);
        let (messages, fault) = receive_all(&mut ws);
        assert!(fault.is_none(), "{end:?}: {fault:?}");
        assert_eq!(messages, ["under way".into()]);
        assert!(ws.end().unwrap().clean);
    }
}
