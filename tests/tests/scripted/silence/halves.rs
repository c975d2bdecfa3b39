//! A silent peer and the halves of a connection: one half reports the timeout, and both end.

use std::pin::Pin;
use std::task::Poll;

use ws_driver::{CloseCode, Config, Error, Timeout, WebSocket};
use ws_tests::clock;
use ws_tests::exec::{self, Order, Task, Tasks};
use ws_tests::scripted::{self, End, Scripted, Shape};
use ws_tests::wire::{Frame, PING, PONG, TEXT};

use super::{
    INTERVAL, NANO, SECOND, TIMEOUT, assert_timeout, assert_times_out_after, keepalive, one_ping,
    stir,
};

ws_tests::both_shapes! {
    a_receiver_pings_and_times_out_for_both_halves,
}

fn a_receiver_pings_and_times_out_for_both_halves<T: Shape>() {
    for end in End::BOTH {
        for drives in [false, true] {
            let (mut tx, mut rx, peer) = scripted::halves::<T>(end, &keepalive());
            {
                let mut future: Pin<Box<dyn Future<Output = Result<bool, Error>>>> = if drives {
                    Box::pin(rx.drive())
                } else {
                    Box::pin(async { Ok(rx.recv().await?.is_some()) })
                };
                let mut task = Task::new();
                assert!(exec::settle(&mut task, future.as_mut()).is_pending());
                clock::advance(INTERVAL - NANO);
                assert!(!task.is_woken());
                exec::run(tx.send("a sender that sends")).unwrap();
                clock::advance(NANO);
                assert!(stir(&mut task, future.as_mut()).is_pending());
                let frames = peer.take_frames();
                assert_eq!(frames.len(), 2);
                let (opcode, payload) = frames[1].whole();
                assert_eq!(opcode, PING);
                clock::advance(2 * SECOND);
                peer.push(end.peer().frame(PONG, payload));
                assert!(stir(&mut task, future.as_mut()).is_pending());
                clock::advance(INTERVAL);
                assert!(stir(&mut task, future.as_mut()).is_pending());
                one_ping(end, &peer);
                let context = format!("{end:?} drive: {drives}");
                let future = future.as_mut();
                assert_times_out_after(TIMEOUT, Timeout::Pong, &mut task, future, &context);
            }
            assert_eq!(rx.round_trip(), Some(2 * SECOND));
            assert!(matches!(exec::glance(rx.recv()), Poll::Ready(Ok(None))));
            assert!(matches!(exec::glance(rx.drive()), Poll::Ready(Ok(false))));
            let sent = exec::expect_ready(exec::glance(tx.send("late")));
            assert!(matches!(sent, Err(Error::Closed(_))));
            let closed = exec::expect_ready(exec::glance(tx.close(CloseCode::NORMAL, "")));
            assert_timeout(closed, Timeout::Pong, "close");
            assert_eq!(tx.end(), rx.end());
            assert_eq!(tx.end().unwrap().code(), CloseCode::ABNORMAL);
            assert!(peer.is_dropped());
            let ws: WebSocket<T> = tx.reunite(rx).unwrap();
            assert!(ws.get_ref().is_none());
        }
    }
}

/// Each direction has a timer. Both timers wake both halves, whichever half was polled last.
#[test]
fn a_keepalive_ping_is_written_while_both_halves_wait_in_any_order() {
    for order in Order::BOTH {
        for end in End::BOTH {
            let (mut tx, mut rx, peer) = scripted::halves::<Scripted>(end, &keepalive());
            peer.window(0);
            let mut tasks = Tasks::new(order);
            let receiving = tasks.spawn(async { (rx.recv().await, rx) });
            let sending = tasks.spawn(async { (tx.send("blocked").await, tx) });
            tasks.settle();
            clock::advance(INTERVAL);
            tasks.settle();
            peer.window(usize::MAX);
            tasks.settle();
            let frames = peer.take_frames();
            let opcodes: Vec<u8> = frames.iter().map(Frame::opcode).collect();
            assert_eq!(opcodes, [TEXT, PING], "{order:?} {end:?}");
            let (sent, mut tx) = sending.output().expect("the result of the send");
            sent.unwrap();
            clock::advance(SECOND);
            peer.push(end.peer().frame(PONG, &frames[1].payload));
            tasks.settle();
            peer.window(0);
            let sending = tasks.spawn(async { (tx.send("blocked").await, tx) });
            tasks.settle();
            assert!(tasks.run(), "a task waits forever");
            let (received, rx) = receiving.output().unwrap();
            let (sent, tx) = sending.output().unwrap();
            let faults = [received.err(), sent.err()];
            // The second Ping is queued after the blocked message. Other tests assert which timeout
            // ends the connection.
            assert!(faults.iter().flatten().any(Error::is_timeout), "{faults:?}");
            assert_eq!(rx.round_trip(), Some(SECOND));
            assert!(!tx.end().unwrap().clean);
            assert!(peer.is_dropped());
        }
    }
}

/// One of the halves reports the timeout, and both halves end.
#[test]
fn a_timeout_of_the_sender_ends_the_receiver_too() {
    for end in End::BOTH {
        let config = Config::default().write_stall_timeout(SECOND);
        let (mut tx, mut rx, peer) = scripted::halves::<Scripted>(end, &config);
        let mut tasks = Tasks::new(Order::Newest);
        peer.window(0);
        let receiving = tasks.spawn(async { (rx.recv().await, rx) });
        let sending = tasks.spawn(async { tx.send("stuck").await });
        assert!(tasks.run(), "a task waits forever");
        let sent = sending.output().unwrap();
        let (received, rx) = receiving.output().unwrap();
        assert!(sent.is_err());
        let faults = [sent.err(), received.err()];
        assert!(
            faults
                .iter()
                .flatten()
                .any(|fault| matches!(fault, Error::Timeout(Timeout::WriteStall))),
            "{faults:?}"
        );
        let ended = rx.end().unwrap();
        assert_eq!((ended.code(), ended.clean), (CloseCode::ABNORMAL, false));
    }
}

/// The deadline of the blocked sender is later than the deadline of the receiver.
#[test]
fn a_blocked_sender_does_not_delay_the_deadline_of_the_receiver() {
    for order in Order::BOTH {
        for end in End::BOTH {
            let config = Config::default().idle_timeout(10 * SECOND);
            let (mut tx, mut rx, peer) = scripted::halves::<Scripted>(end, &config);
            peer.window(0);
            let mut tasks = Tasks::new(order);
            let start = clock::elapsed();
            let receiving = tasks.spawn(async { rx.recv().await });
            tasks.settle();
            let sending = tasks.spawn(async { tx.send("blocked").await });
            assert!(tasks.run(), "a task waits forever");
            assert_eq!(clock::elapsed() - start, 10 * SECOND, "{order:?} {end:?}");
            let faults = [
                receiving.output().unwrap().err(),
                sending.output().unwrap().err(),
            ];
            assert!(
                faults
                    .iter()
                    .flatten()
                    .any(|fault| matches!(fault, Error::Timeout(Timeout::Idle))),
                "{faults:?}"
            );
        }
    }
}
