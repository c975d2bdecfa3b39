//! A transport that waits for input instead of reading: input that has arrived, but was not read,
//! comes before every timeout.

use ws_driver::{Config, Error};
use ws_tests::clock;
use ws_tests::exec;
use ws_tests::scripted::End;
use ws_tests::wire::PONG;

use super::{HOUR, INTERVAL, TIMEOUT, assert_lost, idle, keepalive, one_ping};

#[test]
fn messages_arrive_in_their_order() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.wait_before_reads();
        for round in 0..100 {
            let texts: Vec<String> = (0..round % 4).map(|n| format!("{round} {n}")).collect();
            for text in &texts {
                peer.push(end.peer().text(text));
            }
            for text in texts {
                assert_eq!(exec::run(ws.recv()).unwrap(), Some(text.into()));
                exec::run(ws.send("answer")).unwrap();
            }
            assert!(exec::attempt(ws.recv()).is_pending());
        }
        peer.end();
        assert!(matches!(exec::run(ws.recv()), Err(Error::Lost)));
    }
}

#[test]
fn a_message_that_arrived_before_a_timeout_is_received_first() {
    for end in End::BOTH {
        for config in [keepalive(), idle()] {
            let (mut ws, peer) = end.open(&config);
            peer.wait_before_reads();
            peer.push(end.peer().text("a"));
            assert_eq!(exec::run(ws.recv()).unwrap(), Some("a".into()));
            peer.push(end.peer().text("b"));
            clock::advance(HOUR);
            assert_eq!(exec::run(ws.recv()).unwrap(), Some("b".into()));
            assert!(exec::run(ws.recv()).unwrap_err().is_timeout());
            assert_lost(&mut ws, &peer);
        }
    }
}

#[test]
fn a_pong_that_arrived_before_its_timeout_counts() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&keepalive());
        peer.wait_before_reads();
        assert!(exec::attempt(ws.recv()).is_pending());
        clock::advance(INTERVAL);
        assert!(exec::attempt(ws.recv()).is_pending());
        let payload = one_ping(end, &peer);
        // The read of this message leaves the socket empty.
        peer.push(end.peer().text("a"));
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("a".into()));
        peer.push(end.peer().frame(PONG, &payload));
        clock::advance(10 * TIMEOUT);
        assert!(exec::attempt(ws.recv()).is_pending());
        assert!(ws.round_trip().is_some());
    }
}
