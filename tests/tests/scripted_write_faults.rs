//! What was received before sending failed, and what is left after that.

#![forbid(unsafe_code)]

use std::io;
use std::time::Duration;

use ws_driver::{CloseCode, Config, Error, MessageKind, Timeout, TryFeedError};
use ws_tests::exec::{self, Order, Tasks};
use ws_tests::scripted::{self, End, Fault, Scripted, queued, receive_all};
use ws_tests::steps::{Receive, timed};
use ws_tests::wire::{BINARY, CONTINUATION, PING};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn what_was_received_before_a_write_stall_is_delivered_after_it() {
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
                            assert!(fault.is_none(), "{context}: twice, then {error:?}");
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
fn halves_deliver_what_was_received_before_a_write_stall() {
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
fn halves_joined_after_a_write_stall_deliver_it_too() {
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
fn what_was_received_before_a_write_error_is_delivered_after_it() {
    for end in End::BOTH {
        for receive in Receive::ALL {
            for ending in ["wait", "end", "reset"] {
                for seen_in in ["send", "flush", "receive"] {
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
                    exec::run(ws.feed("for nobody")).unwrap();
                    peer.break_writes();
                    let context = format!("{end:?} {receive:?} {ending} {seen_in}");
                    let sent = match seen_in {
                        "send" => exec::run(ws.send("x")).err(),
                        "flush" => exec::run(ws.flush()).err(),
                        _ => None,
                    };
                    if let Some(error) = sent {
                        assert!(
                            matches!(&error, Error::Io(e) if e.kind() == io::ErrorKind::BrokenPipe),
                            "{context}: {error:?}"
                        );
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

#[test]
fn after_a_write_error_everything_that_sends_is_refused_and_nothing_piles_up() {
    for end in End::BOTH {
        for (at, len) in [("write", 1000), ("offer", 100_000), ("flush", 1000)] {
            let (mut ws, peer) = end.open(&Config::default());
            if at == "flush" {
                peer.fault(1, Fault::Fail);
            } else {
                peer.break_writes();
            }
            let broken = |result: Result<(), Error>, what: &str| match result {
                Err(Error::Io(error)) => assert_eq!(error.kind(), io::ErrorKind::BrokenPipe),
                other => panic!("{end:?} {at} {what}: {other:?}"),
            };
            broken(exec::run(ws.send(&vec![1; len])), "send");
            for _ in 0..3 {
                assert_eq!(queued(&ws), 0);
                broken(exec::run(ws.send("x")), "send");
                broken(exec::run(ws.send(vec![2; 1 << 20])), "send");
                broken(exec::run(ws.feed("x")), "feed");
                broken(exec::run(ws.ready()), "ready");
                broken(exec::run(ws.flush()), "flush");
                broken(exec::run(ws.send_ping("x")), "ping");
                broken(exec::run(ws.send_pong("x")), "pong");
                let tried = ws.try_feed("mine");
                assert!(matches!(tried, Err(TryFeedError::Closed("mine"))));
                broken(ws.writer(MessageKind::Text).map(drop), "writer");
                broken(ws.start_close(CloseCode::NORMAL, ""), "start_close");
                peer.push([end.peer().frame(PING, b"p"), end.peer().text("m")].concat());
                let (_, out) = exec::run(ws.recv_ref()).unwrap().unwrap();
                broken(exec::run(out.feed("x")), "feed");
                broken(exec::run(out.send_ping("")), "ping");
            }
            assert_eq!(queued(&ws), 0);
            assert!(ws.end().is_none());
            let (messages, fault) = receive_all(&mut ws);
            assert!(messages.is_empty());
            broken(Err(fault.unwrap()), "recv");
            assert!(matches!(exec::run(ws.send("x")), Err(Error::Closed(_))));
        }
    }
}

#[test]
fn after_a_write_error_halves_refuse_and_report_it_too() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = scripted::halves::<Scripted>(end, &Config::default());
        peer.break_writes();
        peer.push(end.peer().text("last words"));
        assert!(matches!(exec::run(tx.send("x")), Err(Error::Io(_))));
        for _ in 0..2 {
            assert!(matches!(exec::run(tx.feed("x")), Err(Error::Io(_))));
            assert!(matches!(exec::run(tx.ready()), Err(Error::Io(_))));
            assert!(matches!(exec::run(tx.flush()), Err(Error::Io(_))));
            assert!(matches!(tx.try_feed("x"), Err(TryFeedError::Closed("x"))));
        }
        assert_eq!(exec::run(rx.recv()).unwrap(), Some("last words".into()));
        let fault = exec::run(rx.recv()).unwrap_err();
        assert!(
            matches!(&fault, Error::Io(e) if e.kind() == io::ErrorKind::BrokenPipe),
            "{fault:?}"
        );
        assert!(exec::run(rx.recv()).unwrap().is_none());
        assert!(peer.is_dropped());
    }
}

#[test]
fn a_receiver_that_waits_is_woken_by_its_senders_write_error() {
    for order in Order::BOTH {
        let (mut tx, mut rx, peer) = scripted::halves::<Scripted>(End::Server, &Config::default());
        let mut tasks = Tasks::new(order);
        let receiving = tasks.spawn(async { rx.recv().await });
        tasks.settle();
        peer.break_writes();
        let sending = tasks.spawn(async { tx.send("x").await });
        assert!(tasks.run(), "the receiver is not woken");
        assert!(matches!(sending.output(), Some(Err(Error::Io(_)))));
        assert!(matches!(receiving.output(), Some(Err(Error::Io(_)))));
    }
}

fn is_broken_pipe(error: &Error) -> bool {
    matches!(error, Error::Io(e) if e.kind() == io::ErrorKind::BrokenPipe)
}

#[test]
fn a_close_of_the_peer_behind_a_write_error_is_told_and_the_end_is_not_clean() {
    for end in End::BOTH {
        for receive in Receive::ALL {
            for arrives in ["before", "after"] {
                for (len, ends) in [(1, true), (1, false), (100_000, true)] {
                    let context = format!("{end:?} {receive:?} {arrives} {len} {ends}");
                    let (mut ws, peer) = end.open(&Config::default());
                    let last_words = [end.peer().text("last words"), end.peer().close(1000, "bye")];
                    if arrives == "before" {
                        peer.push(last_words.concat());
                    }
                    peer.break_writes();
                    let sent = exec::run(ws.send(vec![1; len])).unwrap_err();
                    assert!(is_broken_pipe(&sent), "{context}: {sent:?}");
                    if arrives == "after" {
                        peer.push(last_words.concat());
                    }
                    if ends {
                        peer.end();
                    }
                    let message = exec::run(receive.next(&mut ws)).unwrap();
                    assert_eq!(message.as_deref(), Some(&b"last words"[..]), "{context}");
                    let (none, time) = timed(|| exec::run(receive.next(&mut ws)).unwrap());
                    assert!(none.is_none(), "{context}");
                    assert_eq!(time, Duration::ZERO, "{context}");
                    assert!(exec::run(receive.next(&mut ws)).unwrap().is_none());
                    let told = ws.end().unwrap();
                    assert_eq!((told.code().number(), told.reason()), (1000, "bye"));
                    assert!(!told.clean, "{context}");
                    let late = exec::run(ws.send("late")).unwrap_err();
                    assert_eq!(late.peer_close(), told.peer.as_ref(), "{context}: {late:?}");
                    assert!(peer.is_dropped(), "{context}");
                    assert!(peer.take_output().is_empty());
                }
            }
        }
    }
}

#[test]
fn close_on_a_connection_with_a_write_error_reports_it_also_when_the_peer_closes() {
    for end in End::BOTH {
        for arrives in [false, true] {
            let (mut ws, peer) = end.open(&Config::default());
            peer.break_writes();
            assert!(is_broken_pipe(&exec::run(ws.send("x")).unwrap_err()));
            if arrives {
                peer.push(end.peer().close(1000, ""));
                peer.end();
            }
            let (closed, time) = timed(|| exec::run(ws.close(CloseCode::NORMAL, "")));
            let error = closed.unwrap_err();
            assert!(is_broken_pipe(&error), "{end:?} {arrives}: {error:?}");
            assert_eq!(time, Duration::ZERO);
            assert!(!ws.end().unwrap().clean);
            assert!(exec::run(ws.recv()).unwrap().is_none());
        }
    }
}

#[test]
fn a_close_of_the_peer_behind_a_write_error_of_the_sender_is_no_clean_end_for_halves() {
    for end in End::BOTH {
        for order in Order::BOTH {
            for closes in [false, true] {
                let context = format!("{end:?} {order:?} {closes}");
                let (mut tx, mut rx, peer) = scripted::halves::<Scripted>(end, &Config::default());
                peer.break_writes();
                assert!(is_broken_pipe(&exec::run(tx.send("x")).unwrap_err()));
                peer.push([end.peer().text("last"), end.peer().close(1000, "")].concat());
                peer.end();
                let mut tasks = Tasks::new(order);
                let receives = tasks.spawn(async {
                    let mut got = Vec::new();
                    for _ in 0..4 {
                        got.push(rx.recv().await);
                    }
                    got
                });
                let closing = tasks.spawn(async {
                    if closes {
                        tx.close(CloseCode::NORMAL, "").await
                    } else {
                        tx.flush().await
                    }
                });
                assert!(tasks.run(), "{context}: somebody waits for ever");
                let closed = closing.output().unwrap().unwrap_err();
                assert!(closed.is_disconnect(), "{context}: {closed:?}");
                assert!(!closes || is_broken_pipe(&closed), "{context}: {closed:?}");
                let got = receives.output().unwrap();
                assert!(
                    matches!(&got[..], [Ok(Some(last)), Ok(None), Ok(None), Ok(None)]
                        if *last == "last".into()),
                    "{context}: {got:?}"
                );
                drop(tasks);
                assert!(!tx.end().unwrap().clean && !rx.end().unwrap().clean);
                assert!(peer.is_dropped());
            }
        }
    }
}

#[test]
fn a_sender_without_a_receiver_closes_with_its_write_error() {
    for end in End::BOTH {
        for arrives in [false, true] {
            let (mut tx, rx, peer) = scripted::halves::<Scripted>(end, &Config::default());
            peer.break_writes();
            assert!(is_broken_pipe(&exec::run(tx.send("x")).unwrap_err()));
            drop(rx);
            if arrives {
                peer.push(end.peer().close(1000, ""));
                peer.end();
            }
            for _ in 0..2 {
                let error = exec::run(tx.close(CloseCode::NORMAL, "")).unwrap_err();
                assert!(is_broken_pipe(&error), "{end:?} {arrives}: {error:?}");
            }
            assert!(!tx.end().unwrap().clean);
            assert!(peer.is_dropped());
        }
    }
}

/// Both Closes exist, but the peer never gets ours.
#[test]
fn a_close_of_our_own_that_was_lost_with_the_queue_makes_no_clean_end() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        ws.start_close(CloseCode::NORMAL, "").unwrap();
        peer.break_writes();
        assert!(is_broken_pipe(&exec::run(ws.flush()).unwrap_err()));
        peer.push(end.peer().close(1000, ""));
        peer.end();
        assert!(exec::run(ws.recv()).unwrap().is_none());
        let closed = exec::run(ws.close(CloseCode::NORMAL, "")).unwrap_err();
        assert!(is_broken_pipe(&closed), "{end:?}: {closed:?}");
        assert!(!ws.end().unwrap().clean);
        assert!(peer.take_output().is_empty());
    }
}
