//! The closing handshake of halves, begun by either end, and its timeout.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use ws_driver::{CloseCode, Error, Initiator, SendError, Timeout};
use ws_tests::clock;
use ws_tests::exec::{self, Order, Task, Tasks};
use ws_tests::scripted::{End, Shape};
use ws_tests::steps::timed;
use ws_tests::wire::{BINARY, CLOSE, CONTINUATION, PING, close_payload};

use super::{SECOND, assert_closing, drain, halves};

ws_tests::both_shapes! {
    closed_returns_when_the_receiver_reaches_the_end,
    close_dropped_at_every_await_closes_once,
    close_drains_the_input_if_the_receiver_was_dropped_before,
    close_drains_the_input_if_the_receiver_is_dropped_while_closing,
    close_does_not_wait_for_a_receiver_that_is_not_polled,
    close_against_a_silent_peer_is_an_error_of_both_halves,
    close_against_endless_input_returns_at_its_deadline,
    a_close_of_the_peer_ends_both_halves,
    simultaneous_closes_are_clean,
    an_invalid_close_is_refused,
}

fn is_close_timeout<R>(result: &Result<R, Error>) -> bool {
    matches!(result, Err(Error::Timeout(Timeout::Close)))
}

fn closed_returns_when_the_receiver_reaches_the_end<T: Shape>() {
    for end in End::BOTH {
        for order in Order::BOTH {
            let (mut tx, mut rx, peer) = halves::<T>(end);
            exec::run(tx.feed("queued before")).unwrap();
            let mut tasks = Tasks::new(order);
            let receives = tasks.spawn(async move { (drain(&mut rx).await, rx) });
            let closes = tasks.spawn(async move {
                let closed = ws_tests::close_and_wait(&mut tx, CloseCode::GOING_AWAY, "bye").await;
                (closed, tx)
            });
            tasks.settle();
            let frames = peer.take_frames();
            assert_eq!(frames.len(), 2);
            assert_eq!(frames[1].whole(), (CLOSE, &close_payload(1001, "bye")[..]));
            let from = end.peer();
            peer.push([from.text("under way"), from.frame(PING, b"no answer")].concat());
            tasks.settle();
            assert!(closes.output().is_none());
            peer.push(from.close(1001, ""));
            peer.end();
            tasks.settle();
            let ((messages, fault), rx) = receives.output().expect("the end");
            assert_eq!(messages, ["under way".into()]);
            assert!(fault.is_none());
            let (closed, mut tx) = closes.output().expect("the end");
            closed.unwrap();
            assert!(peer.is_shut_down() && peer.is_dropped());
            assert!(
                peer.take_frames().is_empty(),
                "a frame was written after the Close"
            );
            let ended = tx.end().unwrap();
            assert!(ended.clean);
            assert_eq!(ended.initiator, Initiator::Local);
            let local = ended.local.as_ref().unwrap();
            assert_eq!((local.code.number(), &*local.reason), (1001, "bye"));
            assert_eq!(rx.end(), Some(ended));
            assert_closing(&mut tx);
            // A second call returns the same result.
            exec::expect_ready(exec::glance(tx.close(CloseCode::NORMAL, ""))).unwrap();
            assert_eq!(clock::elapsed(), Duration::ZERO);
        }
    }
}

fn close_dropped_at_every_await_closes_once<T: Shape>() {
    for end in End::BOTH {
        for order in Order::BOTH {
            for piece in [1, 3, 4096] {
                let (mut tx, mut rx, peer) = halves::<T>(end);
                peer.hesitate();
                peer.pieces(piece, piece);
                peer.push(end.peer().text("under way"));
                peer.push(end.peer().close(1001, "you too"));
                peer.end();
                let mut tasks = Tasks::new(order);
                let closes = tasks.spawn(exec::afresh(&mut tx, async |tx| {
                    ws_tests::close_and_wait(tx, CloseCode::GOING_AWAY, "bye").await
                }));
                let receives = tasks.spawn(async {
                    while exec::afresh(&mut rx, async |rx| rx.recv().await)
                        .await?
                        .is_some()
                    {}
                    Ok::<(), Error>(())
                });
                tasks.settle();
                closes.output().expect("the end").unwrap();
                receives.output().expect("the end").unwrap();
                let frames = peer.take_frames();
                assert_eq!(frames.len(), 1);
                drop(tasks);
                assert!(tx.end().unwrap().clean);
                assert_eq!(clock::elapsed(), Duration::ZERO);
            }
        }
    }
}

fn close_drains_the_input_if_the_receiver_was_dropped_before<T: Shape>() {
    for end in End::BOTH {
        for polled in [false, true] {
            let (mut tx, mut rx, peer) = halves::<T>(end);
            let from = end.peer();
            if polled {
                // One message has arrived that was not received, and the message after it is
                // incomplete.
                peer.push(
                    [
                        from.text("one"),
                        from.text("two"),
                        from.fragment(BINARY, b"t"),
                    ]
                    .concat(),
                );
                assert_eq!(exec::run(rx.recv()).unwrap(), Some("one".into()));
            }
            drop(rx);
            assert!(
                !peer.is_dropped(),
                "the transport was dropped although the sender exists"
            );
            exec::run(tx.send("alone")).unwrap();
            let mut tasks = Tasks::new(Order::Oldest);
            let closes = tasks.spawn(async move {
                let closed = ws_tests::close_and_wait(&mut tx, CloseCode::NORMAL, "").await;
                (closed, tx)
            });
            tasks.settle();
            assert_eq!(peer.take_frames().len(), 2);
            if polled {
                peer.push(from.frame(CONTINUATION, b"hree"));
            }
            for _ in 0..500 {
                peer.push([from.text("more"), from.frame(BINARY, &[1; 1000])].concat());
            }
            tasks.settle();
            assert_eq!(peer.unread(), 0, "input was not discarded");
            assert!(closes.output().is_none());
            peer.push(from.close(1000, ""));
            peer.end();
            tasks.settle();
            let (closed, tx) = closes.output().expect("the end");
            closed.unwrap();
            assert!(tx.end().unwrap().clean);
            assert!(peer.is_shut_down() && peer.is_dropped());
            assert_eq!(clock::elapsed(), Duration::ZERO);
        }
    }
}

fn close_drains_the_input_if_the_receiver_is_dropped_while_closing<T: Shape>() {
    for end in End::BOTH {
        for when in ["before the answer", "inside it", "after it"] {
            let (mut tx, mut rx, peer) = halves::<T>(end);
            let from = end.peer();
            let mut tasks = Tasks::new(Order::Oldest);
            let receives = tasks.spawn(async move {
                let drained = drain(&mut rx).await;
                (drained, rx)
            });
            let closes = tasks.spawn(async move {
                ws_tests::close_and_wait(&mut tx, CloseCode::NORMAL, "").await
            });
            tasks.settle();
            let answer = from.close(1000, "");
            let (first, last) = match when {
                "before the answer" => answer.split_at(0),
                "inside it" => answer.split_at(3),
                _ => answer.split_at(answer.len()),
            };
            peer.push(first);
            tasks.settle();
            tasks.abort(&receives);
            tasks.settle();
            let early = closes.output();
            assert_eq!(early.is_some(), when == "after it", "{end:?} {when}");
            peer.push(last);
            peer.end();
            tasks.settle();
            early.or(closes.output()).expect("the end").unwrap();
            drop(receives.output());
            assert!(peer.is_dropped());
            assert_eq!(clock::elapsed(), Duration::ZERO);
        }
    }
}

fn close_does_not_wait_for_a_receiver_that_is_not_polled<T: Shape>() {
    for end in End::BOTH {
        for polled_before in [false, true] {
            let (mut tx, mut rx, peer) = halves::<T>(end);
            if polled_before {
                assert!(exec::attempt(rx.recv()).is_pending());
            }
            peer.push(end.peer().close(1000, ""));
            peer.end();
            let (closed, time) = timed(|| exec::run(tx.close(CloseCode::NORMAL, "")));
            closed.unwrap();
            assert_eq!(time, Duration::ZERO, "the Close was not written at once");
            let (closed, time) = timed(|| exec::run(tx.closed()));
            assert!(is_close_timeout(&closed), "{closed:?}");
            assert_eq!(time, 5 * SECOND);
            assert_eq!(peer.take_frames().len(), 1);
            // The peer's Close has arrived, so the end is clean in spite of the timeout.
            let (messages, fault) = exec::run(drain(&mut rx));
            assert!(messages.is_empty() && fault.is_none(), "{fault:?}");
            let ended = tx.end().unwrap();
            assert!(ended.clean);
            assert_eq!(ended.initiator, Initiator::Local);
            exec::run(tx.closed()).unwrap();
            assert!(peer.is_dropped());
            drop((tx, rx));
            assert_eq!(clock::timers(), 0);
        }
    }
}

fn close_against_a_silent_peer_is_an_error_of_both_halves<T: Shape>() {
    for end in End::BOTH {
        for order in Order::BOTH {
            for reads in [false, true] {
                for dropped in [false, true] {
                    let (mut tx, mut rx, peer) = halves::<T>(end);
                    if !reads {
                        peer.window(0);
                    }
                    let mut tasks = Tasks::new(order);
                    let receives = if dropped {
                        drop(rx);
                        None
                    } else {
                        Some(tasks.spawn(async move { drain(&mut rx).await }))
                    };
                    let closes = tasks.spawn(async move {
                        ws_tests::close_and_wait(&mut tx, CloseCode::NORMAL, "").await
                    });
                    let (done, time) = timed(|| tasks.run());
                    assert!(done && time == 5 * SECOND, "{time:?}");
                    let closed = closes.output().unwrap();
                    assert!(is_close_timeout(&closed), "{closed:?}");
                    if let Some(receives) = receives {
                        let (_, fault) = receives.output().unwrap();
                        assert!(is_close_timeout(&fault.map_or(Ok(()), Err)));
                    }
                    assert!(peer.is_dropped());
                }
            }
        }
    }
}

fn close_against_endless_input_returns_at_its_deadline<T: Shape>() {
    for end in End::BOTH {
        for order in Order::BOTH {
            for dropped in [false, true] {
                let (mut tx, mut rx, peer) = halves::<T>(end);
                peer.push_forever(&end.peer().text("more"));
                peer.read_time(SECOND / 1000);
                // The Close is queued first, because a receiver with endless input might not let
                // the sender run.
                tx.start_close(CloseCode::NORMAL, "").unwrap();
                let mut tasks = Tasks::new(order);
                if dropped {
                    drop(rx);
                } else {
                    let _ = tasks.spawn(async move { drain(&mut rx).await });
                }
                let closes = tasks.spawn(async move {
                    ws_tests::close_and_wait(&mut tx, CloseCode::NORMAL, "").await
                });
                let (done, time) = timed(|| tasks.run());
                assert!(done);
                assert!(time >= 5 * SECOND && time <= 6 * SECOND, "{time:?}");
                assert!(is_close_timeout(&closes.output().unwrap()));
                assert!(peer.is_dropped());
            }
        }
    }
}

fn a_close_of_the_peer_ends_both_halves<T: Shape>() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = halves::<T>(end);
        let from = end.peer();
        exec::run(tx.feed("queued")).unwrap();
        peer.push(
            [
                from.text("last"),
                from.close(3000, "bye"),
                from.text("behind"),
            ]
            .concat(),
        );
        assert_eq!(exec::run(rx.recv()).unwrap(), Some("last".into()));
        // `recv` returns before the peer ends the transport.
        assert!(exec::run(rx.recv()).unwrap().is_none());
        assert_closing(&mut tx);
        // Everything was written, and our Close after it.
        exec::expect_ready(exec::glance(tx.flush())).unwrap();
        let frames = peer.take_frames();
        assert_eq!(frames.len(), 2);
        assert_eq!(frames[1].whole(), (CLOSE, &close_payload(3000, "")[..]));
        assert_eq!(peer.is_shut_down(), end == End::Server);
        peer.end();
        let (messages, fault) = exec::run(drain(&mut rx));
        assert!(messages.is_empty() && fault.is_none());
        assert_closing(&mut tx);
        let ended = tx.end().unwrap();
        assert_eq!(rx.end(), Some(ended.clone()));
        assert!(ended.clean);
        assert_eq!(ended.initiator, Initiator::Peer);
        assert_eq!((ended.code().number(), ended.reason()), (3000, "bye"));
        assert!(peer.is_shut_down() && peer.is_dropped());
        exec::expect_ready(exec::glance(tx.close(CloseCode::NORMAL, ""))).unwrap();
    }
}

fn simultaneous_closes_are_clean<T: Shape>() {
    for end in End::BOTH {
        for order in Order::BOTH {
            // Both ends close at once: neither end has received the Close of the other.
            let (mut tx, mut rx, peer) = halves::<T>(end);
            peer.push(end.peer().close(1001, "theirs"));
            peer.end();
            let mut tasks = Tasks::new(order);
            let closes = tasks.spawn(async move {
                let closed = ws_tests::close_and_wait(&mut tx, CloseCode::NORMAL, "ours").await;
                (closed, tx)
            });
            let receives = tasks.spawn(async move { drain(&mut rx).await });
            tasks.settle();
            let (closed, tx) = closes.output().expect("the end");
            closed.unwrap();
            assert!(receives.output().expect("the end").1.is_none());
            assert_eq!(peer.take_frames().len(), 1);
            let ended = tx.end().unwrap();
            assert!(ended.clean);
            match order {
                Order::Oldest => assert_eq!(ended.initiator, Initiator::Local),
                Order::Newest => assert_eq!(ended.initiator, Initiator::Peer),
            }
        }
    }
}

fn an_invalid_close_is_refused<T: Shape>() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = halves::<T>(end);
        let mut task = Task::new();
        let mut recv = pin!(rx.recv());
        assert!(exec::settle(&mut task, recv.as_mut()).is_pending());
        for code in [0, 999, 1006, 1015, 2999, 5000] {
            let code = CloseCode::new(code);
            for result in [
                tx.start_close(code, ""),
                exec::expect_ready(exec::glance(tx.close(code, ""))),
            ] {
                assert!(
                    matches!(result, Err(Error::Send(SendError::InvalidCloseCode(c))) if c == code)
                );
            }
        }
        let long = "x".repeat(124);
        let result = exec::expect_ready(exec::glance(tx.close(CloseCode::NORMAL, &*long)));
        assert!(matches!(
            result,
            Err(Error::Send(SendError::ReasonTooLong(_)))
        ));
        let ping = exec::expect_ready(exec::glance(tx.send_ping(&[0_u8; 126][..])));
        assert!(matches!(
            ping,
            Err(Error::Send(SendError::PayloadTooLong(_)))
        ));
        assert_eq!(
            task.wakes(),
            0,
            "the receiver was woken although nothing was queued"
        );
        assert!(tx.end().is_none());
        exec::run(tx.send("still here")).unwrap();
        assert_eq!(peer.take_frames()[0].payload, b"still here");
        assert!(matches!(exec::settle(&mut task, recv), Poll::Pending));
    }
}
