//! A violation by the peer is reported by both halves, whichever of them is polled.

use std::time::Duration;

use ws_driver::{CloseCode, Error, ProtocolError, ReceiveError};
use ws_tests::clock;
use ws_tests::exec::{self, Order, Tasks};
use ws_tests::scripted::{End, Shape};
use ws_tests::steps::{is_closing, timed};

use super::{SECOND, assert_closing, drain, halves};

ws_tests::both_shapes! {
    a_violation_is_reported_by_the_receiver_and_by_close,
    a_violation_ends_the_waits_of_the_sender_at_once,
    a_violation_after_our_close_ends_a_flush_at_once,
    a_violation_is_reported_even_if_only_the_sender_is_polled,
    a_violation_is_reported_even_if_the_sender_wrote_the_close,
}

fn violation(end: End) -> Vec<u8> {
    end.peer().frame(3, b"bad")
}

fn is_violation<R>(result: &Result<R, Error>) -> bool {
    matches!(
        result,
        Err(Error::Receive(ReceiveError::Protocol(
            ProtocolError::ReservedOpcode(3)
        )))
    )
}

fn a_violation_is_reported_by_the_receiver_and_by_close<T: Shape>() {
    for end in End::BOTH {
        for order in Order::BOTH {
            for closes_before in [false, true] {
                let (mut tx, mut rx, peer) = halves::<T>(end);
                let mut tasks = Tasks::new(order);
                let receives = tasks.spawn(async move { (drain(&mut rx).await, rx) });
                tasks.settle();
                if closes_before {
                    tx.start_close(CloseCode::NORMAL, "").unwrap();
                }
                peer.push([end.peer().text("good"), violation(end)].concat());
                tasks.settle();
                assert_closing(&mut tx);
                let closes = tasks.spawn(async move {
                    let closed = ws_tests::close_and_wait(&mut tx, CloseCode::NORMAL, "").await;
                    (closed, tx)
                });
                tasks.settle();
                let frames = peer.take_frames();
                assert_eq!(frames.len(), 1);
                assert_eq!(
                    frames[0].close_code(),
                    if closes_before { 1000 } else { 1002 }
                );
                assert!(peer.is_shut_down());
                peer.end();
                tasks.settle();
                let ((messages, fault), rx) = receives.output().expect("the end");
                assert_eq!(messages, ["good".into()]);
                assert!(is_violation(&fault.map_or(Ok(()), Err)));
                let (closed, mut tx) = closes.output().expect("the end");
                assert!(is_violation(&closed), "{closed:?}");
                assert_eq!(tx.end(), rx.end());
                assert!(!tx.end().unwrap().clean);
                assert_closing(&mut tx);
                assert!(peer.is_dropped());
                assert_eq!(clock::elapsed(), Duration::ZERO);
            }
        }
    }
}

fn a_violation_ends_the_waits_of_the_sender_at_once<T: Shape>() {
    for end in End::BOTH {
        for wait in ["send", "feed", "flush", "ready"] {
            for closes in [false, true] {
                let (mut tx, mut rx, peer) = halves::<T>(end);
                peer.window(0);
                while tx.try_feed(vec![1; 10_000]).is_ok() {}
                let mut tasks = Tasks::new(Order::Oldest);
                let waits = tasks.spawn(async move {
                    match wait {
                        "send" => tx.send("x").await,
                        "feed" => tx.feed("x").await,
                        "flush" => tx.flush().await,
                        _ => tx.ready().await,
                    }
                });
                let receives = tasks.spawn(async move { drain(&mut rx).await });
                tasks.settle();
                peer.push(if closes {
                    end.peer().close(1000, "")
                } else {
                    violation(end)
                });
                tasks.settle();
                let context = format!("{end:?}: {wait}, ended by a Close: {closes}");
                let early = waits.output();
                assert!(receives.output().is_none());
                let (done, time) = timed(|| tasks.run());
                assert!(done);
                assert_eq!(time, if closes { 5 * SECOND } else { SECOND });
                // After the peer's Close, the queue may still be written until the timeout.
                let continues = wait == "flush" && closes;
                assert_eq!(early.is_none(), continues, "{context}");
                let result = early.or_else(|| waits.output()).expect("the end");
                assert!(is_closing(&result), "{context}: {result:?}");
            }
        }
    }
}

fn a_violation_after_our_close_ends_a_flush_at_once<T: Shape>() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = halves::<T>(end);
        peer.window(0);
        tx.start_close(CloseCode::NORMAL, "").unwrap();
        let mut tasks = Tasks::new(Order::Oldest);
        let flushes = tasks.spawn(async move { tx.flush().await });
        let _ = tasks.spawn(async move { drain(&mut rx).await });
        tasks.settle();
        assert!(flushes.output().is_none());
        peer.push(violation(end));
        tasks.settle();
        let flushed = flushes.output().expect("the end of the flush");
        assert!(is_closing(&flushed), "{flushed:?}");
    }
}

fn a_violation_is_reported_even_if_only_the_sender_is_polled<T: Shape>() {
    for end in End::BOTH {
        for dropped in [false, true] {
            let (mut tx, mut rx, peer) = halves::<T>(end);
            peer.window(0);
            peer.push(violation(end));
            assert!(exec::attempt(rx.recv()).is_pending());
            let rx = (!dropped).then_some(rx);
            peer.window(usize::MAX);
            let mut tasks = Tasks::new(Order::Oldest);
            let closes = tasks.spawn(async move {
                ws_tests::close_and_wait(&mut tx, CloseCode::NORMAL, "").await
            });
            tasks.settle();
            let frames = peer.take_frames();
            assert_eq!(frames.len(), 1);
            assert_eq!(frames[0].close_code(), 1002);
            peer.end();
            let (done, time) = timed(|| tasks.run());
            assert!(done);
            assert!(is_violation(&closes.output().unwrap()));
            if let Some(mut rx) = rx {
                assert_eq!(time, SECOND, "the receiver did not end the connection");
                let (_, fault) = exec::run(drain(&mut rx));
                assert!(is_violation(&fault.map_or(Ok(()), Err)));
            } else {
                assert_eq!(time, Duration::ZERO);
            }
            assert!(peer.is_dropped());
        }
    }
}

/// A transport wakes only the task of the last call, and no task if this call was not pending.
fn a_violation_is_reported_even_if_the_sender_wrote_the_close<T: Shape>() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = halves::<T>(end);
        peer.window(0);
        peer.push(violation(end));
        let mut tasks = Tasks::new(Order::Oldest);
        let receives = tasks.spawn(async move { drain(&mut rx).await });
        tasks.settle();
        peer.delay_wakes();
        peer.window(usize::MAX);
        assert!(
            exec::glance(ws_tests::close_and_wait(&mut tx, CloseCode::NORMAL, "")).is_pending()
        );
        peer.deliver_wakes();
        assert_eq!(peer.take_frames().len(), 1);
        tasks.settle();
        assert!(peer.is_shut_down(), "the receiver was not woken");
        peer.end();
        tasks.settle();
        assert!(receives.output().is_some());
    }
}
