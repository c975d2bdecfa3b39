//! The counters of a connection and of its halves, over the scripted transport.

use std::time::Duration;

use ws_driver::{Config, Prepared, Stats};
use ws_tests::exec::{self, Order, Tasks};
use ws_tests::scripted::{self, End, Scripted, Ws};
use ws_tests::wire::From;

/// Returns messages, and how many bytes they have as frames of a client.
fn messages(count: usize) -> (Vec<u8>, u64) {
    let bytes = From::Client.text("hello").repeat(count);
    let len = bytes.len() as u64;
    (bytes, len)
}

#[test]
fn a_server_counts_both_directions() {
    let (mut ws, peer) = scripted::server(&Config::default());
    assert_eq!(ws.stats(), Stats::default());
    let (bytes, len) = messages(3);
    peer.push(
        [
            bytes,
            From::Client.frame(0x9, b""),
            From::Client.frame(0xA, b""),
        ]
        .concat(),
    );
    for _ in 0..3 {
        exec::run(ws.recv()).unwrap().unwrap();
    }
    let received = ws.stats().received;
    assert_eq!((received.messages, received.payload_bytes), (3, 15));
    // Everything was read at once. The control frames behind the messages were not reached.
    assert_eq!((received.wire_bytes, received.pings), (len + 12, 0));
    exec::run(ws.send("answer")).unwrap();
    exec::run(ws.send(&Prepared::new("prepared"))).unwrap();
    exec::try_run(ws.recv());
    let stats = ws.stats();
    assert_eq!((stats.received.pings, stats.received.pongs), (1, 1));
    assert_eq!((stats.sent.messages, stats.sent.payload_bytes), (2, 14));
    assert_eq!((stats.sent.pings, stats.sent.pongs), (0, 1));
    assert_eq!(stats.sent.wire_bytes, peer.output_len() as u64);
    assert_eq!(stats.sent.compressed_messages, 0);
}

#[test]
fn queued_messages_count_before_their_bytes() {
    let (mut ws, peer) = scripted::server(&Config::default());
    peer.window(4);
    exec::run(ws.feed("0123456789")).unwrap();
    assert!(exec::attempt(ws.flush()).is_pending());
    let sent = ws.stats().sent;
    assert_eq!(
        (sent.messages, sent.payload_bytes, sent.wire_bytes),
        (1, 10, 4)
    );
}

#[test]
fn the_counters_stay_after_the_end() {
    let (mut ws, peer) = scripted::server(&Config::default());
    peer.push([messages(2).0, From::Client.close(1000, "")].concat());
    peer.end();
    while exec::run(ws.recv()).unwrap().is_some() {}
    assert_eq!(ws.stats().received.messages, 2);
    assert_eq!(ws.stats().sent.wire_bytes, 4);
}

#[test]
fn halves_have_the_counters_of_the_connection() {
    let (mut sender, mut receiver, peer) =
        scripted::halves::<Scripted>(End::Server, &Config::default());
    peer.push(messages(2).0);
    exec::run(receiver.recv()).unwrap().unwrap();
    exec::run(sender.send("answer")).unwrap();
    assert_eq!(receiver.stats().received.messages, 1);
    assert_eq!(receiver.stats().sent.messages, 1);
    // The receiver has not waited, so the sender knows nothing of its messages.
    assert_eq!(sender.stats().received.messages, 0);
    exec::run(receiver.recv()).unwrap().unwrap();
    assert!(exec::try_run(receiver.recv()).is_none());
    assert_eq!(sender.stats(), receiver.stats());
    assert_eq!(sender.stats().received.messages, 2);
    let stats = receiver.stats();
    let ws: Ws = sender.reunite(receiver).unwrap();
    assert_eq!(ws.stats(), stats);
}

#[test]
fn the_last_round_trip_is_measured() {
    let config = Config::default().keepalive(Duration::from_secs(10), Duration::from_secs(5));
    let (mut ws, peer) = scripted::server(&config);
    let mut tasks = Tasks::new(Order::Oldest);
    let job = tasks.spawn(async move {
        assert_eq!(ws.stats().round_trip, None);
        assert!(ws.recv().await.unwrap().is_some());
        ws.stats()
    });
    tasks.settle();
    ws_tests::clock::advance(Duration::from_secs(10));
    tasks.settle();
    let ping = peer.take_frames().remove(0);
    ws_tests::clock::advance(Duration::from_millis(30));
    peer.push([From::Client.frame(0xA, &ping.payload), messages(1).0].concat());
    tasks.settle();
    let stats = job.output().expect("a message");
    assert_eq!(stats.round_trip, Some(Duration::from_millis(30)));
    assert_eq!((stats.sent.pings, stats.received.pongs), (1, 1));
}
