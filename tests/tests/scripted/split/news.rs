//! News: events at one half that the other half has to react to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use ws_driver::{CloseCode, Config, Control, Error, Timeout};
use ws_tests::clock;
use ws_tests::exec::{self, Order, Tasks};
use ws_tests::scripted::{self, End, Shape};
use ws_tests::wire::PING;

ws_tests::both_shapes! {
    a_close_after_a_stalled_queue_has_its_own_timeout,
    a_receiver_reports_an_abnormal_end_that_the_sender_has_reported,
    a_waiting_receiver_reports_a_write_stall,
    a_forward_between_halves_succeeds_when_the_peer_closes,
    an_observer_may_use_the_sender,
    an_observer_gets_the_close_even_after_the_receiver_was_dropped,
}

/// The receiver already waits for another deadline. It must be woken, because the new deadline is
/// earlier.
fn a_close_after_a_stalled_queue_has_its_own_timeout<T: Shape>() {
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

/// The halves may be in two tasks, so both must report the end.
fn a_receiver_reports_an_abnormal_end_that_the_sender_has_reported<T: Shape>() {
    for end in End::BOTH {
        for reported in ["flush", "send", "ready", "close"] {
            let (mut tx, mut rx, peer) = scripted::halves::<T>(end, &Config::default());
            peer.window(10);
            while tx.try_feed(vec![1; 10_000]).is_ok() {}
            let result = match reported {
                "flush" => exec::run(tx.flush()),
                "send" => exec::run(tx.send("x")),
                "ready" => exec::run(tx.ready()),
                _ => exec::run(tx.close(CloseCode::NORMAL, "")),
            };
            assert!(result.unwrap_err().is_timeout());
            let received = exec::run(rx.recv());
            assert!(
                received.is_err(),
                "no error after {reported} has reported it: {received:?}"
            );
            assert!(matches!(exec::run(rx.recv()), Ok(None)));
        }
    }
}

/// The order in which the halves are polled does not matter.
fn a_waiting_receiver_reports_a_write_stall<T: Shape>() {
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

fn a_forward_between_halves_succeeds_when_the_peer_closes<T: Shape>() {
    for end in End::BOTH {
        let (tx, rx, peer) = scripted::halves::<T>(end, &Config::default());
        let mut tasks = Tasks::new(Order::Oldest);
        let forwards = tasks.spawn(rx.forward(tx));
        tasks.settle();
        peer.push(end.peer().text("one"));
        tasks.settle();
        peer.push(end.peer().close(1000, ""));
        // The transport ends some time after the Close.
        tasks.settle();
        peer.end();
        tasks.settle();
        assert_eq!(peer.take_frames().len(), 2);
        let result = forwards.output().expect("the end");
        assert!(result.is_ok(), "{end:?}: {result:?}");
    }
}

/// The observer is called outside the lock of the halves.
fn an_observer_may_use_the_sender<T: Shape>() {
    for end in End::BOTH {
        let (tx, mut rx, peer) = scripted::halves::<T>(end, &Config::default());
        let tx = Arc::new(Mutex::new(tx));
        let sender = Arc::clone(&tx);
        rx.observe(move |control| {
            if let Control::Ping(_) = control {
                let mut tx = sender.lock().unwrap();
                assert!(tx.end().is_none());
                tx.try_feed("pinged").unwrap();
            }
        });
        let from = end.peer();
        peer.push(
            [
                from.frame(PING, b"1"),
                from.frame(PING, b"2"),
                from.text("x"),
            ]
            .concat(),
        );
        assert_eq!(exec::run(rx.recv()).unwrap(), Some("x".into()));
        exec::run(tx.lock().unwrap().flush()).unwrap();
        let frames = peer.take_frames();
        let payloads: Vec<_> = frames.iter().map(|frame| &frame.payload[..]).collect();
        assert_eq!(payloads, [&b"1"[..], b"pinged", b"2", b"pinged"]);
    }
}

fn an_observer_gets_the_close_even_after_the_receiver_was_dropped<T: Shape>() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = scripted::halves::<T>(end, &Config::default());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&seen);
        rx.observe(move |control| notes.lock().unwrap().push(control.clone()));
        drop(rx);
        let from = end.peer();
        peer.push([from.frame(PING, b"?"), from.text("x"), from.close(1000, "")].concat());
        peer.end();
        exec::run(tx.close(CloseCode::NORMAL, "")).unwrap();
        let seen = seen.lock().unwrap();
        assert!(
            matches!(&seen[..], [Control::Ping(_), Control::Close(_)]),
            "{seen:?}"
        );
    }
}
