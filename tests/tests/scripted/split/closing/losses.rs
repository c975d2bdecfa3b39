//! Transports that are lost, and halves that are dropped.

use ws_driver::{CloseCode, Error};
use ws_tests::clock;
use ws_tests::exec::{self, Order, Tasks};
use ws_tests::scripted::{End, Fault, Shape};
use ws_tests::wire::PING;

use super::{assert_closing, drain, halves};

ws_tests::both_shapes! {
    an_end_without_a_close_is_reported_once,
    an_end_without_a_close_ends_the_waits_of_the_sender,
    a_write_error_wakes_the_receiver,
    a_receiver_works_after_its_sender_was_dropped,
    dropping_both_halves_drops_the_transport,
}

fn an_end_without_a_close_is_reported_once<T: Shape>() {
    for end in End::BOTH {
        for order in Order::BOTH {
            for reset in [false, true] {
                let (mut tx, mut rx, peer) = halves::<T>(end);
                let mut tasks = Tasks::new(order);
                let closes = tasks.spawn(async move {
                    let closed = ws_tests::close_and_wait(&mut tx, CloseCode::NORMAL, "").await;
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
                assert!(
                    closed.as_ref().is_err_and(Error::is_disconnect),
                    "{closed:?}"
                );
                assert_closing(&mut tx);
                assert_eq!(tx.end().unwrap().code(), CloseCode::ABNORMAL);
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
            let sent = sends.output().expect("the sender was woken");
            assert!(sent.as_ref().is_err_and(Error::is_disconnect), "{sent:?}");
        }
    }
}

/// The input does not always fail together with the output. So the transport may never wake the
/// receiver.
fn a_write_error_wakes_the_receiver<T: Shape>() {
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
            let (_, fault) = receives.output().expect("an error of the receiver");
            assert!(matches!(fault, Some(Error::Io(_))), "{fault:?}");
            assert_eq!(tx.end().unwrap().code(), CloseCode::ABNORMAL);
        }
    }
}

fn a_receiver_works_after_its_sender_was_dropped<T: Shape>() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = halves::<T>(end);
        exec::run(tx.feed("queued")).unwrap();
        drop(tx);
        let from = end.peer();
        peer.push([from.text("one"), from.frame(PING, b"p")].concat());
        assert_eq!(exec::run(rx.recv()).unwrap(), Some("one".into()));
        assert!(exec::attempt(rx.recv()).is_pending());
        assert_eq!(
            peer.take_frames().len(),
            2,
            "not the queued message and a Pong"
        );
        peer.push(from.close(1000, ""));
        peer.end();
        let (_, fault) = exec::run(drain(&mut rx));
        assert!(fault.is_none());
        assert!(rx.end().unwrap().clean);
        assert!(peer.is_dropped());
    }
}

fn dropping_both_halves_drops_the_transport<T: Shape>() {
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
