//! What one half notices or does, and the other has to hear of.

#![forbid(unsafe_code)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use ws_driver::{CloseCode, Config, Control, Error, Timeout};
use ws_tests::clock;
use ws_tests::exec::{self, Order, Tasks};
use ws_tests::scripted::{self, End, Shape};

ws_tests::both_shapes! {
    a_close_behind_a_stalled_queue_keeps_its_own_time_limit,
    a_receiver_reports_an_abnormal_end_that_the_sender_noticed_first,
    a_write_stall_is_reported_by_a_receiver_that_waits,
    a_forward_between_halves_ends_in_order_when_the_peer_closes,
    an_observer_may_use_the_sender,
    an_observer_sees_the_close_also_without_a_receiver,
}

/// The receiver waits already, with another time limit: it has to hear of the new one.
fn a_close_behind_a_stalled_queue_keeps_its_own_time_limit<T: Shape>() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = scripted::halves::<T>(end, &Config::default());
        peer.window(0);
        exec::run(tx.feed("stuck")).unwrap();
        let mut tasks = Tasks::new(Order::Oldest);
        let receives = tasks.spawn(async move { rx.recv().await });
        tasks.settle();
        tx.start_close(CloseCode::NORMAL, "").unwrap();
        let before = clock::elapsed();
        assert!(tasks.run());
        let received = receives.output().expect("the end");
        let time = clock::elapsed() - before;
        assert!(
            matches!(received, Err(Error::Timeout(Timeout::Close))),
            "{received:?} after {time:?}"
        );
        assert_eq!(time, Duration::from_secs(5));
    }
}

/// What the sender was told, the receiver does not know.
fn a_receiver_reports_an_abnormal_end_that_the_sender_noticed_first<T: Shape>() {
    for end in End::BOTH {
        for noticed in ["flush", "send", "ready", "close"] {
            let (mut tx, mut rx, peer) = scripted::halves::<T>(end, &Config::default());
            peer.window(10);
            while tx.try_feed(vec![1; 10_000]).is_ok() {}
            let result = match noticed {
                "flush" => exec::run(tx.flush()),
                "send" => exec::run(tx.send("x")),
                "ready" => exec::run(tx.ready()),
                _ => exec::run(tx.close(CloseCode::NORMAL, "")),
            };
            assert!(result.unwrap_err().is_timeout());
            let received = exec::run(rx.recv());
            assert!(
                received.is_err(),
                "a good end, after {noticed}: {received:?}"
            );
            assert!(matches!(exec::run(rx.recv()), Ok(None)));
        }
    }
}

/// Whichever of both is polled first.
fn a_write_stall_is_reported_by_a_receiver_that_waits<T: Shape>() {
    for end in End::BOTH {
        for order in Order::BOTH {
            let (mut tx, mut rx, peer) = scripted::halves::<T>(end, &Config::default());
            peer.window(10);
            let mut tasks = Tasks::new(order);
            let sends = tasks.spawn(async move { tx.send(vec![1; 100_000]).await });
            let receives = tasks.spawn(async move { rx.recv().await });
            assert!(tasks.run());
            assert!(sends.output().unwrap().is_err());
            let received = receives.output().unwrap();
            assert!(
                matches!(received, Err(Error::Timeout(Timeout::WriteStall))),
                "{end:?}, {order:?}: {received:?}"
            );
        }
    }
}

fn a_forward_between_halves_ends_in_order_when_the_peer_closes<T: Shape>() {
    for end in End::BOTH {
        let (tx, rx, peer) = scripted::halves::<T>(end, &Config::default());
        let mut tasks = Tasks::new(Order::Oldest);
        let forwards = tasks.spawn(rx.forward(tx));
        tasks.settle();
        peer.push(end.peer().text("one"));
        tasks.settle();
        peer.push(end.peer().close(1000, ""));
        // The transport ends only now, which leaves a moment between.
        tasks.settle();
        peer.end();
        tasks.settle();
        assert_eq!(peer.take_frames().len(), 2);
        let result = forwards.output().expect("the end");
        assert!(result.is_ok(), "{end:?}: {result:?}");
    }
}

/// It runs outside the lock of the halves.
fn an_observer_may_use_the_sender<T: Shape>() {
    for end in End::BOTH {
        let (tx, mut rx, peer) = scripted::halves::<T>(end, &Config::default());
        let tx = Arc::new(Mutex::new(tx));
        let teller = Arc::clone(&tx);
        rx.observe(move |control| {
            if let Control::Ping(_) = control {
                let mut tx = teller.lock().unwrap();
                assert!(tx.end().is_none());
                tx.try_feed("pinged").unwrap();
            }
        });
        let from = end.peer();
        peer.push([from.frame(9, b"1"), from.frame(9, b"2"), from.text("x")].concat());
        assert_eq!(exec::run(rx.recv()).unwrap(), Some("x".into()));
        exec::run(tx.lock().unwrap().flush()).unwrap();
        let frames = peer.take_frames();
        let payloads: Vec<_> = frames.iter().map(|frame| &frame.payload[..]).collect();
        assert_eq!(payloads, [&b"1"[..], b"pinged", b"2", b"pinged"]);
    }
}

fn an_observer_sees_the_close_also_without_a_receiver<T: Shape>() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = scripted::halves::<T>(end, &Config::default());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&seen);
        rx.observe(move |control| notes.lock().unwrap().push(control.clone()));
        drop(rx);
        let from = end.peer();
        peer.push([from.frame(9, b"?"), from.text("x"), from.close(1000, "")].concat());
        peer.end();
        exec::run(tx.close(CloseCode::NORMAL, "")).unwrap();
        let seen = seen.lock().unwrap();
        assert!(
            matches!(&seen[..], [Control::Ping(_), Control::Close(_)]),
            "{seen:?}"
        );
    }
}
