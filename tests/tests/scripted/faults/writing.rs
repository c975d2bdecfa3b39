//! Write errors: every sending call fails, nothing more is queued, and receiving reports the error
//! once.

use std::io;

use ws_driver::{CloseCode, Config, Error, MessageKind, Timeout, TryFeedError};
use ws_tests::clock;
use ws_tests::exec::{self, Order, Tasks};
use ws_tests::scripted::{self, End, Fault, Scripted, queued, receive_all};
use ws_tests::wire::{self, BINARY, PING};

use super::{SECOND, is_broken_pipe};

#[test]
fn a_flush_that_never_ends_is_a_write_stall() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.block_flush(true);
        let before = clock::elapsed();
        match exec::try_run(ws.send("blocked")) {
            Some(Err(Error::Timeout(Timeout::WriteStall))) => {}
            None => panic!("{end:?}: send waits forever"),
            other => panic!("{end:?}: {other:?}"),
        }
        assert_eq!(clock::elapsed() - before, 30 * SECOND);
    }
}

#[test]
fn a_write_error_is_reported_once_by_recv_and_each_time_by_send() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        peer.break_writes();
        for _ in 0..2 {
            let error = exec::run(ws.send("lost")).unwrap_err();
            assert!(
                matches!(error, Error::Io(_)) && error.is_disconnect(),
                "{error}"
            );
        }
        peer.push(end.peer().text("last words"));
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("last words".into()));
        assert!(matches!(exec::run(ws.recv()), Err(Error::Io(_))));
        assert!(exec::run(ws.recv()).unwrap().is_none());
        assert_eq!(ws.end().unwrap().code(), CloseCode::ABNORMAL);
    }
}

#[test]
fn a_write_of_zero_bytes_is_an_error() {
    let (mut ws, peer) = End::Server.open(&Config::default());
    peer.pieces(usize::MAX, 0);
    match exec::run(ws.send("x")) {
        Err(Error::Io(error)) => assert_eq!(error.kind(), io::ErrorKind::WriteZero),
        other => panic!("{other:?}"),
    }
}

#[test]
fn answers_that_cannot_be_written_are_not_queued() {
    let (mut ws, peer) = End::Server.open(&Config::default());
    peer.break_writes();
    peer.push_forever(&wire::From::Client.frame(BINARY, &[1; 50_000]));
    let mut received = 0;
    for _ in 0..200 {
        match exec::run(ws.recv_ref()) {
            Ok(Some((message, out))) => {
                received += 1;
                let _ = exec::run(out.feed(message));
                assert!(
                    queued(&ws) <= 3 * 64 * 1024,
                    "bytes are queued that cannot be written"
                );
            }
            Ok(None) | Err(_) => break,
        }
    }
    assert!(received > 0);
}

#[test]
fn after_a_write_error_everything_that_sends_is_refused_and_nothing_is_queued() {
    for end in End::BOTH {
        for (at, len) in [("write", 1000), ("offer", 100_000), ("flush", 1000)] {
            let (mut ws, peer) = end.open(&Config::default());
            if at == "flush" {
                peer.fault(1, Fault::Fail);
            } else {
                peer.break_writes();
            }
            let broken = |result: Result<(), Error>, what: &str| {
                let error = result.expect_err(what);
                assert!(is_broken_pipe(&error), "{end:?} {at} {what}: {error:?}");
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
fn after_a_write_error_a_sender_refuses_and_its_receiver_reports_it() {
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
        assert!(is_broken_pipe(&fault), "{fault:?}");
        assert!(exec::run(rx.recv()).unwrap().is_none());
        assert!(peer.is_dropped());
    }
}

#[test]
fn a_waiting_receiver_is_woken_by_a_write_error_of_the_sender() {
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
