//! Messages that arrived before a send failed: they are received after the failure.

use std::io;

use ws_driver::{CloseCode, Config, Error, Timeout};
use ws_tests::exec;
use ws_tests::scripted::{self, End, Scripted, receive_all};
use ws_tests::steps::{Receive, timed};
use ws_tests::wire::{BINARY, CONTINUATION, PING};

use super::{SECOND, is_broken_pipe};

#[test]
fn messages_that_arrived_before_a_write_stall_are_received_after_it() {
    for end in End::BOTH {
        for receive in Receive::ALL {
            for stalled_in in ["send", "flush", "ready", "receive"] {
                let from = end.peer();
                let (mut ws, peer) = end.open(&Config::default());
                peer.push(
                    [
                        from.text("one"),
                        from.fragment(BINARY, b"t"),
                        from.frame(PING, b"unanswered"),
                        from.frame(CONTINUATION, b"wo"),
                        from.text("three"),
                        from.text("cut")[..1].to_vec(),
                    ]
                    .concat(),
                );
                assert_eq!(exec::run(ws.recv()).unwrap(), Some("one".into()));
                peer.window(5);
                assert!(exec::glance(ws.send(vec![1; 100_000])).is_pending());
                let context = format!("{end:?} {receive:?} {stalled_in}");
                if stalled_in != "receive" {
                    let (result, time) = timed(|| match stalled_in {
                        "send" => exec::run(ws.send("x")),
                        "flush" => exec::run(ws.flush()),
                        _ => exec::run(ws.ready()),
                    });
                    assert_eq!(time, 30 * SECOND, "{context}");
                    assert!(matches!(result, Err(Error::Timeout(Timeout::WriteStall))));
                }
                let mut fault = None;
                let mut got = Vec::new();
                loop {
                    match exec::run(receive.next(&mut ws)) {
                        Ok(Some(message)) => got.push(message),
                        Ok(None) => break,
                        Err(error) => {
                            assert!(fault.is_none(), "{context}: a second error: {error:?}");
                            fault = Some(error);
                        }
                    }
                }
                assert!(
                    matches!(fault, Some(Error::Timeout(Timeout::WriteStall))),
                    "{context}: {fault:?}"
                );
                assert_eq!(got, [&b"two"[..], b"three"], "{context}");
                assert!(exec::run(receive.next(&mut ws)).unwrap().is_none());
                assert_eq!(ws.end().unwrap().code(), CloseCode::ABNORMAL);
                assert!(peer.is_dropped());
            }
        }
    }
}

#[test]
fn a_receiver_returns_messages_that_arrived_before_a_write_stall() {
    for end in End::BOTH {
        for reads in ["recv", "recv_ref", "stream", "drive"] {
            let from = end.peer();
            let (mut tx, mut rx, peer) = scripted::halves::<Scripted>(end, &Config::default());
            peer.push([from.text("one"), from.text("two"), from.text("three")].concat());
            assert_eq!(exec::run(rx.recv()).unwrap(), Some("one".into()));
            peer.window(0);
            let (result, time) = timed(|| exec::run(tx.send("stuck")));
            assert!(matches!(result, Err(Error::Timeout(Timeout::Unreceived))));
            assert_eq!(time, 30 * SECOND);
            for expected in ["two", "three"] {
                match reads {
                    "recv" => assert_eq!(exec::run(rx.recv()).unwrap(), Some(expected.into())),
                    "recv_ref" => {
                        let message = exec::run(rx.recv_ref()).unwrap().unwrap();
                        assert_eq!(message.to_message(), expected.into());
                    }
                    "stream" => {
                        let mut reader = exec::run(rx.recv_stream()).unwrap().unwrap();
                        let chunk = exec::run(reader.chunk()).unwrap();
                        assert_eq!(chunk, Some(expected.as_bytes()));
                        assert!(exec::run(reader.chunk()).unwrap().is_none());
                    }
                    _ => {
                        assert!(exec::run(rx.drive()).unwrap());
                        assert_eq!(exec::run(rx.recv()).unwrap(), Some(expected.into()));
                    }
                }
            }
            let fault = exec::run(rx.recv());
            assert!(matches!(fault, Err(Error::Timeout(Timeout::Unreceived))));
            assert!(exec::run(rx.recv()).unwrap().is_none());
            let mut ws = tx.reunite(rx).unwrap();
            assert!(exec::run(ws.recv()).unwrap().is_none());
            assert!(peer.is_dropped());
        }
    }
}

#[test]
fn halves_reunited_after_a_write_stall_return_the_messages_before_it() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = scripted::halves::<Scripted>(end, &Config::default());
        peer.push([end.peer().text("one"), end.peer().text("two")].concat());
        assert!(exec::run(rx.drive()).unwrap());
        peer.window(0);
        assert!(exec::run(tx.send("stuck")).is_err());
        let mut ws = rx.reunite(tx).unwrap();
        let (messages, fault) = receive_all(&mut ws);
        assert_eq!(messages, ["one".into(), "two".into()]);
        assert!(
            matches!(fault, Some(Error::Timeout(Timeout::Unreceived))),
            "{fault:?}"
        );
    }
}

#[test]
fn messages_that_arrived_before_a_write_error_are_received_after_it() {
    for end in End::BOTH {
        for receive in Receive::ALL {
            for ending in ["wait", "end", "reset"] {
                for reported_by in ["send", "flush", "receive"] {
                    let from = end.peer();
                    let (mut ws, peer) = end.open(&Config::default());
                    peer.push([from.text("one"), from.text("two")].concat());
                    peer.push(from.text("three"));
                    match ending {
                        "end" => peer.end(),
                        "reset" => peer.reset(),
                        _ => {}
                    }
                    assert_eq!(exec::run(ws.recv()).unwrap(), Some("one".into()));
                    exec::run(ws.feed("never written")).unwrap();
                    peer.break_writes();
                    let context = format!("{end:?} {receive:?} {ending} {reported_by}");
                    let sent = match reported_by {
                        "send" => exec::run(ws.send("x")).err(),
                        "flush" => exec::run(ws.flush()).err(),
                        _ => None,
                    };
                    if let Some(error) = sent {
                        assert!(is_broken_pipe(&error), "{context}: {error:?}");
                    }
                    let mut got = Vec::new();
                    let fault = loop {
                        match exec::run(receive.next(&mut ws)) {
                            Ok(Some(message)) => got.push(message),
                            Ok(None) => break None,
                            Err(error) => break Some(error),
                        }
                    };
                    assert_eq!(got, [&b"two"[..], b"three"], "{context}");
                    let kind = if ending == "reset" {
                        io::ErrorKind::ConnectionReset
                    } else {
                        io::ErrorKind::BrokenPipe
                    };
                    assert!(
                        matches!(&fault, Some(Error::Io(e)) if e.kind() == kind),
                        "{context}: {fault:?}"
                    );
                    assert!(exec::run(receive.next(&mut ws)).unwrap().is_none());
                    assert!(exec::run(ws.recv()).unwrap().is_none());
                    assert!(!ws.end().unwrap().clean);
                    assert!(peer.is_dropped());
                }
            }
        }
    }
}
