//! How halves of a connection end, whoever begins it and whichever of them is polled.

#![forbid(unsafe_code)]

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use ws_driver::{
    CloseCode, Config, Error, Initiator, Message, Phase, ProtocolError, ReceiveError, Receiver,
    SendError, Sender,
};
use ws_tests::clock;
use ws_tests::exec::{self, Order, Task, Tasks};
use ws_tests::scripted::{self, End, Fault, Peer, Shape};
use ws_tests::wire::{BINARY, CLOSE, CONTINUATION, PING, close_payload};

const SECOND: Duration = Duration::from_secs(1);

ws_tests::both_shapes! {
    close_returns_when_the_receiver_sees_the_end,
    close_dropped_at_every_await_closes_once,
    close_drains_itself_if_the_receiver_was_dropped_before,
    close_drains_itself_if_the_receiver_is_dropped_meanwhile,
    close_beside_a_receiver_that_nobody_polls_keeps_its_time_limit,
    close_against_a_silent_peer_is_an_error_of_both_halves,
    close_keeps_its_time_limit_against_a_peer_that_always_has_something_to_say,
    a_close_of_the_peer_ends_both_halves,
    a_close_of_the_peer_is_met_by_a_close_that_waits,
    a_violation_is_reported_by_the_receiver_and_by_close,
    a_violation_ends_the_waits_of_the_sender_at_once,
    a_violation_behind_a_close_of_ours_ends_a_flush_at_once,
    a_violation_is_told_also_if_only_the_sender_goes_on,
    a_violation_is_told_also_if_the_sender_wrote_the_close,
    an_end_without_a_close_is_reported_once,
    an_end_without_a_close_ends_the_waits_of_the_sender,
    a_fault_of_writing_wakes_the_receiver,
    a_dropped_sender_leaves_a_receiver_that_works,
    both_halves_dropped_end_the_transport,
    what_cannot_be_sent_in_a_close_is_refused,
}

/// Virtual time that `act` takes.
fn timed<R>(act: impl FnOnce() -> R) -> (R, Duration) {
    let before = clock::elapsed();
    let result = act();
    (result, clock::elapsed() - before)
}

fn halves<T: Shape>(end: End) -> (Sender<T>, Receiver<T>, Peer) {
    scripted::halves(end, &Config::default())
}

/// Receives to the end, and once more.
async fn drain<T: Shape>(rx: &mut Receiver<T>) -> (Vec<Message>, Option<Error>) {
    let mut messages = Vec::new();
    let mut fault = None;
    loop {
        match rx.recv().await {
            Ok(Some(message)) => messages.push(message),
            Ok(None) => break,
            Err(error) => {
                fault = Some(error);
                break;
            }
        }
    }
    for _ in 0..2 {
        assert!(
            matches!(rx.recv().await, Ok(None)),
            "something follows the end"
        );
        assert!(matches!(rx.recv_ref().await, Ok(None)));
    }
    (messages, fault)
}

fn is_closing<R>(result: &Result<R, Error>) -> bool {
    matches!(result, Err(Error::Send(SendError::Closing)))
}

fn is_close_timeout<R>(result: &Result<R, Error>) -> bool {
    matches!(result, Err(Error::Timeout(Phase::Close)))
}

/// Every way to send fails at once.
fn assert_closing<T: Shape>(tx: &mut Sender<T>) {
    let results = [
        exec::expect_ready(exec::glance(tx.send("late"))),
        exec::expect_ready(exec::glance(tx.feed("late"))),
        exec::expect_ready(exec::glance(tx.ready())),
        exec::expect_ready(exec::glance(tx.send_ping("late"))),
        exec::expect_ready(exec::glance(tx.send_pong("late"))),
        tx.start_close(CloseCode::NORMAL, ""),
    ];
    for result in &results {
        assert!(is_closing(result), "{result:?}");
    }
    let tried = tx.try_send("late");
    assert!(matches!(
        tried,
        Err(ws_driver::TrySendError::Closing("late"))
    ));
}

fn close_returns_when_the_receiver_sees_the_end<T: Shape>() {
    for end in End::BOTH {
        for order in Order::BOTH {
            let (mut tx, mut rx, peer) = halves::<T>(end);
            exec::run(tx.feed("queued before")).unwrap();
            let mut tasks = Tasks::new(order);
            let receives = tasks.spawn(async move { (drain(&mut rx).await, rx) });
            let closes = tasks.spawn(async move {
                let closed = tx.close(CloseCode::GOING_AWAY, "bye").await;
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
            assert!(peer.take_frames().is_empty(), "nothing follows a Close");
            let ended = tx.end().unwrap();
            assert!(ended.clean);
            assert_eq!(ended.initiator, Initiator::Local);
            assert_eq!((ended.code.number(), &*ended.reason), (1001, "bye"));
            assert_eq!(rx.end(), Some(ended));
            assert_closing(&mut tx);
            // Once more, it is still the same.
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
                    tx.close(CloseCode::GOING_AWAY, "bye").await
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

fn close_drains_itself_if_the_receiver_was_dropped_before<T: Shape>() {
    for end in End::BOTH {
        for polled in [false, true] {
            let (mut tx, mut rx, peer) = halves::<T>(end);
            let from = end.peer();
            if polled {
                // In the middle of a message, and with another one received and not asked for.
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
            assert!(!peer.is_dropped(), "the sender is left");
            exec::run(tx.send("alone")).unwrap();
            let mut tasks = Tasks::new(Order::Oldest);
            let closes = tasks.spawn(async move {
                let closed = tx.close(CloseCode::NORMAL, "").await;
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
            assert_eq!(peer.unread(), 0, "discarded");
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

fn close_drains_itself_if_the_receiver_is_dropped_meanwhile<T: Shape>() {
    for end in End::BOTH {
        for when in ["before an answer", "within it", "behind it"] {
            let (mut tx, mut rx, peer) = halves::<T>(end);
            let from = end.peer();
            let mut tasks = Tasks::new(Order::Oldest);
            let receives = tasks.spawn(async move {
                let drained = drain(&mut rx).await;
                (drained, rx)
            });
            let closes = tasks.spawn(async move { tx.close(CloseCode::NORMAL, "").await });
            tasks.settle();
            let answer = from.close(1000, "");
            let (first, last) = match when {
                "before an answer" => answer.split_at(0),
                "within it" => answer.split_at(3),
                _ => answer.split_at(answer.len()),
            };
            peer.push(first);
            tasks.settle();
            tasks.abort(&receives);
            tasks.settle();
            assert!(closes.output().is_none(), "{end:?} {when}");
            peer.push(last);
            peer.end();
            tasks.settle();
            closes.output().expect("the end").unwrap();
            assert!(peer.is_dropped());
            assert_eq!(clock::elapsed(), Duration::ZERO);
        }
    }
}

fn close_beside_a_receiver_that_nobody_polls_keeps_its_time_limit<T: Shape>() {
    for end in End::BOTH {
        for polled_before in [false, true] {
            let (mut tx, mut rx, peer) = halves::<T>(end);
            if polled_before {
                assert!(exec::attempt(rx.recv()).is_pending());
            }
            peer.push(end.peer().close(1000, ""));
            peer.end();
            let (closed, time) = timed(|| exec::run(tx.close(CloseCode::NORMAL, "")));
            assert!(is_close_timeout(&closed), "{closed:?}");
            assert_eq!(time, 5 * SECOND);
            assert_eq!(peer.take_frames().len(), 1);
            let ended = tx.end().unwrap();
            assert!(!ended.clean);
            assert_eq!(ended.initiator, Initiator::Local);
            let (messages, fault) = exec::run(drain(&mut rx));
            assert!(messages.is_empty());
            assert!(is_close_timeout(&fault.map_or(Ok(()), Err)));
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
                    let closes = tasks.spawn(async move { tx.close(CloseCode::NORMAL, "").await });
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

fn close_keeps_its_time_limit_against_a_peer_that_always_has_something_to_say<T: Shape>() {
    for end in End::BOTH {
        for order in Order::BOTH {
            for dropped in [false, true] {
                let (mut tx, mut rx, peer) = halves::<T>(end);
                peer.push_for_ever(&end.peer().text("more"));
                peer.read_time(SECOND / 1000);
                // A receiver that always has something to do leaves others no turn: this one begins behind the Close.
                tx.start_close(CloseCode::NORMAL, "").unwrap();
                let mut tasks = Tasks::new(order);
                if dropped {
                    drop(rx);
                } else {
                    let _ = tasks.spawn(async move { drain(&mut rx).await });
                }
                let closes = tasks.spawn(async move { tx.close(CloseCode::NORMAL, "").await });
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
        assert!(
            exec::attempt(rx.recv()).is_pending(),
            "the transport has not ended"
        );
        assert_closing(&mut tx);
        // Everything has left, our Close behind it.
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
        assert_eq!((ended.code.number(), &*ended.reason), (3000, "bye"));
        assert!(peer.is_shut_down() && peer.is_dropped());
        exec::expect_ready(exec::glance(tx.close(CloseCode::NORMAL, ""))).unwrap();
    }
}

fn a_close_of_the_peer_is_met_by_a_close_that_waits<T: Shape>() {
    for end in End::BOTH {
        for order in Order::BOTH {
            // Both at once: neither has seen the other's.
            let (mut tx, mut rx, peer) = halves::<T>(end);
            peer.push(end.peer().close(1001, "theirs"));
            peer.end();
            let mut tasks = Tasks::new(order);
            let closes = tasks.spawn(async move {
                let closed = tx.close(CloseCode::NORMAL, "ours").await;
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
                    let closed = tx.close(CloseCode::NORMAL, "").await;
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
                while tx.try_send(vec![1; 10_000]).is_ok() {}
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
                let context = format!("{end:?}: {wait}, by a Close: {closes}");
                let early = waits.output();
                assert!(receives.output().is_none());
                let (done, time) = timed(|| tasks.run());
                assert!(done);
                assert_eq!(time, if closes { 5 * SECOND } else { SECOND });
                // What was queued before the peer's Close may still leave until then.
                let goes_on = wait == "flush" && closes;
                assert_eq!(early.is_none(), goes_on, "{context}");
                let result = early.or_else(|| waits.output()).expect("the end");
                assert!(is_closing(&result), "{context}: {result:?}");
            }
        }
    }
}

fn a_violation_behind_a_close_of_ours_ends_a_flush_at_once<T: Shape>() {
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
        let flushed = flushes.output().expect("the flush goes on");
        assert!(is_closing(&flushed), "{flushed:?}");
    }
}

fn a_violation_is_told_also_if_only_the_sender_goes_on<T: Shape>() {
    for end in End::BOTH {
        for dropped in [false, true] {
            let (mut tx, mut rx, peer) = halves::<T>(end);
            peer.window(0);
            peer.push(violation(end));
            assert!(exec::attempt(rx.recv()).is_pending());
            let rx = (!dropped).then_some(rx);
            peer.window(usize::MAX);
            let mut tasks = Tasks::new(Order::Oldest);
            let closes = tasks.spawn(async move { tx.close(CloseCode::NORMAL, "").await });
            tasks.settle();
            let frames = peer.take_frames();
            assert_eq!(frames.len(), 1);
            assert_eq!(frames[0].close_code(), 1002);
            peer.end();
            let (done, time) = timed(|| tasks.run());
            assert!(done);
            assert!(is_violation(&closes.output().unwrap()));
            if let Some(mut rx) = rx {
                assert_eq!(time, SECOND, "the receiver had to end it");
                let (_, fault) = exec::run(drain(&mut rx));
                assert!(is_violation(&fault.map_or(Ok(()), Err)));
            } else {
                assert_eq!(time, Duration::ZERO);
            }
            assert!(peer.is_dropped());
        }
    }
}

/// A transport wakes only who called last, and nobody if that call had to wait no more.
fn a_violation_is_told_also_if_the_sender_wrote_the_close<T: Shape>() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = halves::<T>(end);
        peer.window(0);
        peer.push(violation(end));
        let mut tasks = Tasks::new(Order::Oldest);
        let receives = tasks.spawn(async move { drain(&mut rx).await });
        tasks.settle();
        peer.delay_wakes();
        peer.window(usize::MAX);
        assert!(exec::glance(tx.close(CloseCode::NORMAL, "")).is_pending());
        peer.deliver_wakes();
        assert_eq!(peer.take_frames().len(), 1);
        tasks.settle();
        assert!(
            peer.is_shut_down(),
            "the receiver does not know that it is its turn"
        );
        peer.end();
        tasks.settle();
        assert!(receives.output().is_some());
    }
}

fn an_end_without_a_close_is_reported_once<T: Shape>() {
    for end in End::BOTH {
        for order in Order::BOTH {
            for reset in [false, true] {
                let (mut tx, mut rx, peer) = halves::<T>(end);
                let mut tasks = Tasks::new(order);
                let closes = tasks.spawn(async move {
                    let closed = tx.close(CloseCode::NORMAL, "").await;
                    (closed, tx)
                });
                let receives = tasks.spawn(async move { drain(&mut rx).await });
                tasks.settle();
                peer.push(
                    [
                        end.peer().text("before"),
                        end.peer().text("cut")[..4].to_vec(),
                    ]
                    .concat(),
                );
                if reset {
                    peer.reset();
                } else {
                    peer.end();
                }
                tasks.settle();
                let (messages, fault) = receives.output().expect("the end");
                assert_eq!(messages, ["before".into()]);
                match fault {
                    Some(Error::Io(_)) => assert!(reset),
                    Some(Error::Lost) => assert!(!reset),
                    other => panic!("{other:?}"),
                }
                let (closed, mut tx) = closes.output().expect("the end");
                assert!(closed.as_ref().is_err_and(Error::is_closed), "{closed:?}");
                assert_closing(&mut tx);
                assert_eq!(tx.end().unwrap().code, CloseCode::ABNORMAL);
                assert!(peer.is_dropped());
            }
        }
    }
}

fn an_end_without_a_close_ends_the_waits_of_the_sender<T: Shape>() {
    for end in End::BOTH {
        for order in Order::BOTH {
            let (mut tx, mut rx, peer) = halves::<T>(end);
            peer.window(0);
            let mut tasks = Tasks::new(order);
            let sends = tasks.spawn(async move { tx.send("stuck").await });
            let receives = tasks.spawn(async move { drain(&mut rx).await });
            tasks.settle();
            peer.end();
            tasks.settle();
            assert!(matches!(
                receives.output().expect("the end").1,
                Some(Error::Lost)
            ));
            let sent = sends.output().expect("it was woken");
            assert!(sent.as_ref().is_err_and(Error::is_closed), "{sent:?}");
        }
    }
}

/// The transport of the receiver may never tell: input and output can fail apart.
fn a_fault_of_writing_wakes_the_receiver<T: Shape>() {
    for end in End::BOTH {
        for order in Order::BOTH {
            let (mut tx, mut rx, peer) = halves::<T>(end);
            let mut tasks = Tasks::new(order);
            let receives = tasks.spawn(async move { drain(&mut rx).await });
            tasks.settle();
            peer.fault(0, Fault::Fail);
            let sent = exec::expect_ready(exec::glance(tx.send("lost")));
            assert!(matches!(sent, Err(Error::Io(_))));
            tasks.settle();
            let (_, fault) = receives.output().expect("the receiver waits for ever");
            assert!(matches!(fault, Some(Error::Io(_))), "{fault:?}");
            assert_eq!(tx.end().unwrap().code, CloseCode::ABNORMAL);
        }
    }
}

fn a_dropped_sender_leaves_a_receiver_that_works<T: Shape>() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = halves::<T>(end);
        exec::run(tx.feed("queued")).unwrap();
        drop(tx);
        let from = end.peer();
        peer.push([from.text("one"), from.frame(PING, b"p")].concat());
        assert_eq!(exec::run(rx.recv()).unwrap(), Some("one".into()));
        assert!(exec::attempt(rx.recv()).is_pending());
        assert_eq!(peer.take_frames().len(), 2, "what was queued, and a Pong");
        peer.push(from.close(1000, ""));
        peer.end();
        let (_, fault) = exec::run(drain(&mut rx));
        assert!(fault.is_none());
        assert!(rx.end().unwrap().clean);
        assert!(peer.is_dropped());
    }
}

fn both_halves_dropped_end_the_transport<T: Shape>() {
    for end in End::BOTH {
        for sender_first in [false, true] {
            let (mut tx, mut rx, peer) = halves::<T>(end);
            peer.window(0);
            assert!(exec::glance(tx.send("x")).is_pending());
            assert!(exec::glance(rx.recv()).is_pending());
            if sender_first {
                drop(tx);
                assert!(!peer.is_dropped());
                drop(rx);
            } else {
                drop(rx);
                assert!(!peer.is_dropped());
                drop(tx);
            }
            assert!(peer.is_dropped());
            assert_eq!((peer.output_len(), clock::timers()), (0, 0));
        }
    }
}

fn what_cannot_be_sent_in_a_close_is_refused<T: Shape>() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = halves::<T>(end);
        let mut task = Task::new();
        let mut recv = pin!(rx.recv());
        assert!(exec::settle(&mut task, recv.as_mut()).is_pending());
        for code in [0, 999, 1005, 1006, 1015, 2999, 5000] {
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
        assert!(matches!(ping, Err(Error::PayloadTooLong(_))));
        assert_eq!(task.wakes(), 0, "nothing was queued");
        assert!(tx.end().is_none());
        exec::run(tx.send("still here")).unwrap();
        assert_eq!(peer.take_frames()[0].payload, b"still here");
        assert!(matches!(exec::settle(&mut task, recv), Poll::Pending));
    }
}
