//! The end of the transport: after both Closes, without a Close, or because the connection was
//! dropped.

use std::time::Duration;

use ws_driver::{CloseCode, Config, Error, Initiator};
use ws_tests::scripted::{End, Peer, receive_all};
use ws_tests::steps::timed;
use ws_tests::{clock, exec};

use super::SECOND;

#[test]
fn after_both_closes_any_end_of_the_transport_is_clean() {
    type Ending = (&'static str, fn(&Peer));
    let endings: [Ending; 4] = [
        ("end of input", Peer::end),
        ("reset", Peer::reset),
        ("nothing", |_| {}),
        ("broken", |peer| {
            peer.break_writes();
            peer.reset();
        }),
    ];
    for end in End::BOTH {
        for (name, ending) in endings {
            for ours in [false, true] {
                let (mut ws, peer) = end.open(&Config::default());
                if ours {
                    ws.start_close(CloseCode::NORMAL, "").unwrap();
                    exec::run(ws.flush()).unwrap();
                }
                peer.push(end.peer().close(1000, ""));
                ending(&peer);
                let ((messages, fault), time) = timed(|| receive_all(&mut ws));
                assert!(messages.is_empty());
                assert!(fault.is_none(), "{end:?} {name} {ours}: {fault:?}");
                assert!(ws.end().unwrap().clean);
                assert_eq!(time, Duration::ZERO, "{end:?} {name} {ours}");
                // Unlike `recv`, `close` waits on a client until the server ends the transport.
                let (closed, time) = timed(|| exec::run(ws.close(CloseCode::NORMAL, "")));
                closed.unwrap();
                assert!(time <= 5 * SECOND);
                let waits = end == End::Client && name == "nothing";
                assert_eq!(time > Duration::ZERO, waits, "{end:?} {name} {ours}");
                assert!(peer.is_dropped());
            }
        }
    }
}

#[test]
fn an_end_without_a_close_is_reported_once_and_has_the_code_1006() {
    for end in End::BOTH {
        for closing in [false, true] {
            for reset in [false, true] {
                let (mut ws, peer) = end.open(&Config::default());
                if closing {
                    ws.start_close(CloseCode::NORMAL, "").unwrap();
                }
                peer.push(end.peer().text("before"));
                peer.push(&end.peer().text("cut")[..4]);
                if reset {
                    peer.reset();
                } else {
                    peer.end();
                }
                let (messages, fault) = receive_all(&mut ws);
                assert_eq!(messages, ["before".into()]);
                match fault {
                    Some(Error::Io(error)) if reset => {
                        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
                    }
                    Some(Error::Lost) if !reset => {}
                    other => panic!("{other:?}"),
                }
                let closed = ws.end().unwrap();
                assert_eq!(closed.code(), CloseCode::ABNORMAL);
                let first = if closing {
                    Initiator::Local
                } else {
                    Initiator::Peer
                };
                assert_eq!(closed.initiator, first);
                assert!(!closed.clean);
            }
        }
    }
}

#[test]
fn dropping_a_connection_ends_the_transport_without_a_close() {
    for end in End::BOTH {
        let (ws, peer) = end.open(&Config::default());
        drop(ws);
        assert!(peer.is_dropped());
        assert_eq!(peer.output_len(), 0);
        assert_eq!(clock::timers(), 0);
    }
}
