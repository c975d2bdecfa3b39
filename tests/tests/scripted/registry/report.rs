//! The report of a shutdown.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use ws_driver::transport::Timer;
use ws_driver::{CloseCode, Config, Error, Registry, Report, SendError};
use ws_tests::clock::{self, ManualTimer};
use ws_tests::exec::{self, Order, Task, Tasks};
use ws_tests::scripted::Manual;
use ws_tests::wire::From;

use super::{TIMEOUT, answer, open, shutdown};

#[test]
fn each_connection_is_counted_by_its_end() {
    let registry = Registry::<Manual>::new();
    let mut tasks = Tasks::new(Order::Oldest);
    let mut peers = Vec::new();
    for _ in 0..4 {
        let (mut ws, peer) = open(&registry, &Config::default());
        tasks.spawn(async move { while let Ok(Some(_)) = ws.recv().await {} });
        peers.push(peer);
    }
    let (stuck, stuck_peer) = open(&registry, &Config::default());
    tasks.settle();
    let shutting = tasks.spawn(shutdown(&registry));
    tasks.settle();
    assert_eq!((registry.counts().open, registry.counts().closing), (1, 4));
    peers[0].push(answer()); // clean
    peers[1].end(); // lost
    peers[2].push(From::Client.frame(0x3, b"")); // a violation
    peers[2].end();
    assert!(tasks.run());
    let report = shutting.output().unwrap().unwrap();
    assert_eq!((report.clean, report.failed, report.cut), (1, 2, 1));
    assert_eq!((report.remaining, report.not_opened), (1, 0));
    // One connection ended in the first second after the deadline, and none in the next.
    assert_eq!(report.took, TIMEOUT + Duration::from_secs(2));
    assert!(!report.is_clean());

    // The connection that no task polled ends at its next poll.
    let mut stuck = stuck;
    assert!(!stuck_peer.is_dropped());
    let received = exec::run(stuck.recv());
    assert!(matches!(received, Err(Error::Timeout(_))), "{received:?}");
    assert!(stuck_peer.is_dropped());
    let counts = registry.counts();
    assert_eq!((counts.clean, counts.failed, counts.closing), (1, 4, 0));
}

/// Shuts down `count` connections. Each is polled some time after the deadline, with this interval
/// between two of them. Returns the report.
fn shut_down_slowly(count: u32, interval: Duration) -> Report {
    let registry = Registry::<Manual>::new();
    let mut tasks = Tasks::new(Order::Oldest);
    let mut peers = Vec::new();
    for at in 1..=count {
        let (mut ws, peer) = open(&registry, &Config::default());
        peers.push(peer);
        tasks.spawn(async move {
            let mut timer = ManualTimer::at(ManualTimer::after(TIMEOUT + at * interval));
            poll_fn(|cx| timer.poll(cx)).await;
            ws.recv().await
        });
    }
    let shutting = tasks.spawn(shutdown(&registry));
    assert!(tasks.run());
    shutting.output().unwrap().unwrap()
}

#[test]
fn a_shutdown_waits_while_connections_end() {
    let interval = Duration::from_millis(600);
    let report = shut_down_slowly(9, interval);
    assert_eq!((report.cut, report.remaining), (9, 0));
    assert_eq!(report.took, TIMEOUT + 9 * interval);

    // The second second has no end of a connection.
    let report = shut_down_slowly(2, Duration::from_millis(2100));
    assert_eq!((report.cut, report.remaining), (0, 2));
    assert_eq!(report.took, TIMEOUT + Duration::from_secs(1));

    // Ten seconds are enough for 16 of these connections.
    let report = shut_down_slowly(30, interval);
    assert_eq!((report.cut, report.remaining), (16, 14));
    assert_eq!(report.took, TIMEOUT + Duration::from_secs(10));
}

#[test]
fn unsent_bytes_are_counted_without_the_close() {
    for lose in [false, true] {
        let registry = Registry::<Manual>::new();
        let (mut ws, peer) = open(&registry, &Config::default());
        peer.window(5);
        let mut tasks = Tasks::new(Order::Oldest);
        let sending = tasks.spawn(async move { ws.send("0123456789").await });
        tasks.settle();
        let shutting = tasks.spawn(shutdown(&registry));
        tasks.settle();
        if lose {
            peer.break_writes();
        }
        assert!(tasks.run());
        assert!(sending.output().unwrap().is_err());
        let report = shutting.output().unwrap().unwrap();
        // The header has two bytes.
        assert_eq!(
            (report.with_unsent, report.unsent_bytes),
            (1, 7),
            "lose: {lose}"
        );
    }
}

#[test]
fn a_close_that_is_not_taken_is_not_counted_as_unsent() {
    let registry = Registry::<Manual>::new();
    let (mut ws, peer) = open(&registry, &Config::default());
    peer.window(0);
    let mut tasks = Tasks::new(Order::Oldest);
    tasks.spawn(async move { ws.recv().await.unwrap_err() });
    tasks.settle();
    let shutting = tasks.spawn(shutdown(&registry));
    assert!(tasks.run());
    let report = shutting.output().unwrap().unwrap();
    assert_eq!(
        (report.cut, report.with_unsent, report.unsent_bytes),
        (1, 0, 0)
    );
}

#[test]
fn a_code_that_must_not_be_sent_shuts_nothing_down() {
    let registry = Registry::<Manual>::new();
    let refused = exec::run(registry.shutdown(CloseCode::ABNORMAL, "", TIMEOUT));
    assert_eq!(
        refused,
        Err(SendError::InvalidCloseCode(CloseCode::ABNORMAL))
    );
    assert!(!registry.is_shut_down());
}

#[test]
fn nothing_happens_before_the_first_poll_and_a_dropped_shutdown_can_be_continued() {
    let registry = Registry::<Manual>::new();
    let (mut ws, peer) = open(&registry, &Config::default());
    let mut tasks = Tasks::new(Order::Oldest);
    tasks.spawn(async move { ws.recv().await.map(drop) });
    tasks.settle();
    let mut first = Box::pin(shutdown(&registry));
    assert!(!registry.is_shut_down());
    assert!(Task::new().poll(first.as_mut()).is_pending());
    drop(first);
    clock::advance(TIMEOUT * 2);
    tasks.settle();
    assert!(peer.take_frames()[0].is_close(1001));
    assert!(!peer.is_dropped());
    let second = tasks.spawn(shutdown(&registry));
    assert!(tasks.run());
    assert_eq!(second.output().unwrap().unwrap().cut, 1);
}

#[test]
fn two_shutdowns_at_the_same_time_both_end() {
    let registry = Registry::<Manual>::new();
    let (mut ws, peer) = open(&registry, &Config::default());
    let mut tasks = Tasks::new(Order::Oldest);
    tasks.spawn(async move { ws.recv().await.map(drop) });
    let shutdowns = [(); 2].map(|()| tasks.spawn(shutdown(&registry)));
    tasks.settle();
    peer.push(answer());
    tasks.settle();
    for shutting in shutdowns {
        assert_eq!(shutting.output().unwrap().unwrap().clean, 1);
    }
}

#[test]
fn into_parts_leaves_the_registry() {
    let registry = Registry::<Manual>::new();
    let (ws, peer) = open(&registry, &Config::default());
    let (transport, _) = ws.into_parts().unwrap();
    assert_eq!(registry.counts().open, 0);
    assert!(matches!(
        exec::glance(shutdown(&registry)),
        Poll::Ready(Ok(_))
    ));
    assert!(!peer.is_dropped());
    drop(transport);
}
